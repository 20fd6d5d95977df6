"""`torch.testing`: what is close, what is not, and what is said about it."""

from __future__ import annotations

import pytest

import stickonfire as torch
from stickonfire.testing import assert_close, make_tensor

nan = float("nan")


@pytest.mark.parametrize(
    "actual, expected, settings",
    [
        (1.0, 1.0 + 1e-9, {}),
        ([1, torch.ones(2)], (1, torch.ones(2) + 1e-7), {}),
        ({"a": 1}, {"a": 1}, {}),
        (None, None, {}),
        (True, True, {}),
        (torch.tensor(nan), torch.tensor(nan), {"equal_nan": True}),
        (float("inf"), float("inf"), {}),
        (torch.ones(2), torch.ones(2).double(), {"check_dtype": False}),
        (torch.ones(2), torch.ones(2) + 1, {"rtol": 0, "atol": 2}),
    ],
)
def test_close(actual, expected, settings):
    assert_close(actual, expected, **settings)


def test_bfloat16_is_close_within_its_own_precision():
    pytest.importorskip("ml_dtypes")
    one = torch.ones(2, dtype=torch.bfloat16)
    assert_close(one, one * 1.01)


@pytest.mark.parametrize(
    "actual, expected, message",
    [
        (
            torch.ones(2),
            torch.tensor([1.0, 2.0]),
            r"Mismatched elements: 1 / 2 \(50.0%\)\nGreatest absolute difference: 1.0 at "
            r"index \(1,\) \(up to 1e-05 allowed\)\nGreatest relative difference: 0.5 at index \(1,\)",
        ),
        (torch.tensor([1, 2]), torch.tensor([1, 3]), "Tensor-likes are not equal!"),
        (torch.ones(2), torch.ones(3), "attribute 'shape' do not match"),
        (
            torch.ones(2),
            torch.ones(2).double(),
            "attribute 'dtype' do not match: torch.float32 != torch.float64",
        ),
        (1.0, 1.1, "Expected 1.1 but got 1.0"),
        (3, 4, "Scalars are not equal!"),
        (True, False, "Booleans mismatch"),
        (torch.tensor(1.0), torch.tensor(2.0), "Expected 2.0 but got 1.0"),
        (torch.tensor(nan), torch.tensor(nan), "nan"),
        ([1, 2], [1], "length of the sequences mismatch: 2 != 1"),
        ({"a": 1}, {"b": 1}, r"Missing keys .*\['b'\]"),
        ([1.0, {"x": torch.ones(1)}], [1.0, {"x": torch.zeros(1)}], r"occurred for item \[1\]\['x'\]"),
        (torch.tensor([1j]), torch.tensor([2j]), "Tensor-likes are not close!"),
    ],
)
def test_not_close(actual, expected, message):
    with pytest.raises(AssertionError, match=message):
        assert_close(actual, expected)


def test_messages_of_ones_own():
    with pytest.raises(AssertionError, match="^mine$"):
        assert_close(1, 2, msg="mine")
    with pytest.raises(AssertionError, match="^mine: Scalars"):
        assert_close(1, 2, msg=lambda said: "mine: " + said)


def test_strides_and_wrong_calls():
    with pytest.raises(AssertionError, match=r"stride\(\)"):
        assert_close(torch.ones(2, 2)[:, 0], torch.ones(2), check_stride=True)
    with pytest.raises(ValueError, match="no atol"):
        assert_close(1.0, 1.0, rtol=1)
    for actual, expected in (("a", "a"), (1, torch.tensor(1))):
        with pytest.raises(TypeError, match="No comparison pair"):
            assert_close(actual, expected)


@pytest.mark.parametrize(
    "dtype, low, high",
    [
        (torch.float32, -9, 9),
        (torch.int64, -9, 9),
        (torch.uint8, 0, 9),
        (torch.bool, 0, 1),
        (torch.float64, -9, 9),
    ],
)
def test_make_tensor_draws_between_its_limits(dtype, low, high):
    made = make_tensor(50, 4, dtype=dtype)
    assert made.shape == (50, 4) and made.dtype is dtype and made.min() >= low and made.max() <= high


def test_make_tensor_in_other_forms():
    assert make_tensor((2, 3), dtype=torch.complex64).is_complex()
    assert make_tensor(3, 2, dtype=torch.float32, noncontiguous=True).stride() == (4, 2)
    assert make_tensor(2, dtype=torch.float32, requires_grad=True).requires_grad
    assert make_tensor(100, dtype=torch.uint8, low=0, high=2, exclude_zero=True).min() == 1
    assert make_tensor(1, 2, 3, 4, dtype=torch.float32, memory_format=torch.channels_last).stride() == (
        24,
        1,
        8,
        2,
    )
    with pytest.raises(ValueError, match="must be less than"):
        make_tensor(2, dtype=torch.float32, low=3, high=2)
