"""finfo, iinfo, whether a number fits a dtype, and the strides of memory formats."""

from __future__ import annotations

import math

import pytest

from stickonfire.core import dtypes
from stickonfire.core.formats import channels_last, contiguous_format, strides_in
from stickonfire.core.limits import check_number, finfo, iinfo


@pytest.mark.parametrize(
    "value, name",
    [
        (255, "uint8"),
        (-255, "uint8"),
        (127, "int8"),
        (-128, "int8"),
        (2.7, "int32"),
        (1e60, "float64"),
        (math.inf, "float16"),
        (math.nan, "float32"),
        (65504, "float16"),
        (3 + 0j, "int64"),
        (1j, "complex64"),
        (300, "bool"),
        (2**63 - 1, "int64"),
    ],
)
def test_numbers_that_fit(value, name):
    check_number(value, dtypes.BY_NAME[name])


@pytest.mark.parametrize(
    "value, name, spelled",
    [
        (256, "uint8", "uint8_t"),
        (-256, "uint8", "uint8_t"),
        (128, "int8", "int8_t"),
        (math.nan, "int64", "int64_t"),
        (math.inf, "int32", "int32_t"),
        (1e60, "float32", "float"),
        (70000, "float16", "at::Half"),
        (1j, "float32", "float"),
        (1 + 1j, "int64", "int64_t"),
        (2**63, "int64", "int64_t"),
    ],
)
def test_numbers_that_do_not(value, name, spelled):
    with pytest.raises(
        RuntimeError, match=f"cannot be converted to type {spelled} without overflow: .*does not fit"
    ):
        check_number(value, dtypes.BY_NAME[name])


def test_limits_ask_for_a_dtype():
    for limits in (finfo, iinfo):
        with pytest.raises(TypeError, match="must be torch.dtype, not int"):
            limits(3)
    assert finfo(dtypes.float16).max == 65504 and iinfo(dtypes.uint8).max == 255
    with pytest.raises(RuntimeError, match="Unknown Complex ScalarType for Int"):
        dtypes.int32.to_complex()


def test_strides_in_a_format():
    assert strides_in(channels_last, (2, 3, 4, 5)) == (60, 1, 15, 3)
    assert strides_in(contiguous_format, (2, 3)) == (3, 1)
    with pytest.raises(RuntimeError, match="required rank 4"):
        strides_in(channels_last, (2, 3))


def test_dtypes_are_asked_for():
    for call in (dtypes.promote_types, dtypes.can_cast):
        with pytest.raises(TypeError, match=r"\(position 2\) must be torch.dtype, not int"):
            call(dtypes.float32, 3)
    assert (
        dtypes.result_type([(dtypes.float32, 1), (dtypes.complex128, 0)], [], dtypes.float32)
        is dtypes.complex64
    )
