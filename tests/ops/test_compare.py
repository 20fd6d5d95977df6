"""Comparisons, logic, bits, divisors: values against NumPy, dtypes, errors."""

from __future__ import annotations

import numpy as np
import pytest

import stickonfire as sof

X, Y = np.array([3, -5, 0, 12]), np.array([2, 3, 0, 12])
PAIRS = {
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal,
    "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor,
    "bitwise_and": np.bitwise_and, "bitwise_or": np.bitwise_or, "bitwise_xor": np.bitwise_xor,
    "gcd": np.gcd, "lcm": np.lcm,
    "bitwise_left_shift": np.left_shift, "bitwise_right_shift": np.right_shift, "maximum": np.maximum,
    "minimum": np.minimum, "fmax": np.fmax, "fmin": np.fmin,
}


@pytest.mark.parametrize("name", PAIRS)
def test_values(name):
    out = getattr(sof, name)(sof.from_numpy(X), sof.from_numpy(Y))
    expected = PAIRS[name](X, Y)
    assert out.numpy().dtype == expected.dtype
    np.testing.assert_array_equal(out.numpy(), expected)


def test_numbers_and_promotion():
    x = sof.tensor([1, 2, 3])
    assert (x > 1.5).tolist() == [False, True, True] and (2 >= x).tolist() == [True, True, False]
    assert sof.tensor([1.0]).eq(1).dtype is sof.bool
    assert (x & 1).tolist() == [1, 0, 1] and (1 | x).tolist() == [1, 3, 3]
    with pytest.raises(TypeError):
        sof.eq(1, x)


def test_no_gradient_is_recorded():
    x = sof.ones(2, requires_grad=True)
    assert not (x > 0).requires_grad and not (x == x).requires_grad


def test_what_has_no_order_or_no_bits():
    with pytest.raises(RuntimeError, match="Complex"):
        sof.lt(sof.tensor([1j]), sof.tensor([1j]))
    with pytest.raises(RuntimeError, match="bitwise_and"):
        sof.bitwise_and(sof.ones(2), sof.ones(2))
    with pytest.raises(TypeError, match="operator.invert"):
        ~sof.ones(2)
    with pytest.raises(RuntimeError, match="gcd"):
        sof.gcd(sof.tensor([True]), sof.tensor([True]))
