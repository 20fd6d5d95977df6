"""Arrays from Python data: what is inferred, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from stickonfire.backends.cpu.pydata import from_data
from stickonfire.core import dtypes


def made(data, kind=None):
    return from_data(data, kind, dtypes.float32)


@pytest.mark.parametrize(
    "data, name",
    [
        ([1, 2], "int64"),
        ([1, 2.5], "float32"),
        ([True, False], "bool"),
        ([True, 2], "int64"),
        ([1, 2j], "complex64"),
        ([], "float32"),
        ([[], []], "float32"),
        (range(3), "int64"),
        ([np.float64(1)], "float64"),
        ([np.float32(1), 2.0], "float32"),
        (np.float64(1), "float64"),
        (np.array([1], np.int16), "int16"),
        ([np.array([1, 2]), np.array([3, 4])], "int64"),
        (3, "int64"),
    ],
)
def test_dtypes(data, name):
    assert made(data).dtype == name


def test_shapes_and_values():
    assert made([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]] and made(((1,), (2,))).shape == (2, 1)
    assert made([1.7, -1.7], dtypes.int64).tolist() == [1, -1] and made([-1], dtypes.uint8).tolist() == [255]
    assert made([2**70], dtypes.float32)[0] == np.float32(2**70) and made([1e60], dtypes.float32)[0] == np.inf
    assert made([0.5, 0], dtypes.bool_).tolist() == [True, False]


def test_a_copy_is_made():
    source = np.zeros(2)
    made(source)[0] = 1
    assert source[0] == 0


@pytest.mark.parametrize(
    "data, kind, error, message",
    [
        ([[1, 2], [3]], None, ValueError, r"expected sequence of length 2 at dim 1 \(got 1\)"),
        ([[[1]], [[2, 3]]], None, ValueError, r"expected sequence of length 1 at dim 2 \(got 2\)"),
        ([[1, 2], 3], None, TypeError, "not a sequence"),
        ([1, [2, 3]], None, TypeError, "'list' object cannot be interpreted"),
        ([2**63], None, ValueError, "Overflow when unpacking long long"),
        ([2**70, 1], None, ValueError, "Overflow"),
        ("a", None, TypeError, "invalid data type 'str'"),
        (["a"], None, ValueError, "too many dimensions 'str'"),
        ([1, "a"], None, TypeError, "invalid data type 'str'"),
        ([b"a"], None, TypeError, "invalid data type 'bytes'"),
        ([None], None, RuntimeError, "Could not infer dtype of NoneType"),
        ({1: 2}, None, RuntimeError, "dtype of dict"),
        (
            [300],
            dtypes.uint8,
            RuntimeError,
            "cannot be converted to type uint8 without overflow: uint8 holds 0 to 255",
        ),
        ([float("nan")], dtypes.int32, RuntimeError, "type int32 without overflow"),
        ([1e19], dtypes.int64, RuntimeError, "type int64 without overflow"),
        ([1j], dtypes.float32, TypeError, "must be real number"),
        ([1j], dtypes.int32, TypeError, "interpreted as an integer"),
        (np.array(["a"]), None, TypeError, "can't convert np.ndarray of type numpy.str_"),
    ],
)
def test_refused(data, kind, error, message):
    with pytest.raises(error, match=message):
        made(data, kind)
