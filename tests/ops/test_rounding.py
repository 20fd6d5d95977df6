"""Rounding, signs, parts of numbers, odd values, extremes and clamping."""

from __future__ import annotations

import math

import numpy as np
import pytest

import stickonfire as sof
from tests.helpers.numeric import check_gradients

VALUES = [-2.5, -1.2, -0.5, 0.0, 0.5, 1.5, 2.7, math.inf, math.nan]
UNARY = {
    "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.rint,
    "sgn": lambda x: np.nan_to_num(np.sign(x)),
    "signbit": np.signbit,
    "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite, "isposinf": np.isposinf,
    "isneginf": np.isneginf,
    "isreal": np.isreal, "abs": np.abs, "nan_to_num": np.nan_to_num,
}


@pytest.mark.parametrize("name", UNARY)
def test_values(name):
    out = getattr(sof, name)(sof.tensor(VALUES, dtype=sof.float64))
    np.testing.assert_array_equal(out.numpy(), UNARY[name](np.array(VALUES)))


def test_sign_of_nan_is_zero():
    assert sof.sign(sof.tensor([math.nan, -math.inf])).tolist() == [0, -1]


@pytest.mark.parametrize("name", ["floor", "ceil", "trunc", "round", "frac", "nan_to_num", "abs", "sign"])
def test_gradients(name):
    check_gradients(getattr(sof, name), [-1.2, 0.4, 1.7])


def test_decimals():
    assert sof.round(sof.tensor([1234.567], dtype=sof.float64), decimals=1).tolist() == [1234.6]
    assert sof.round(sof.tensor([1234.567]), decimals=-2).tolist() == [1200.0]
    with pytest.raises(RuntimeError, match="round"):
        sof.round(sof.tensor([1]), decimals=1)


def test_ints_stay_and_bools_are_refused():
    x = sof.tensor([1, 2])
    assert sof.floor(x).dtype is sof.int64 and sof.floor(x).data_ptr() != x.data_ptr()
    with pytest.raises(RuntimeError, match="bool"):
        sof.floor(sof.tensor([True]))
    with pytest.raises(RuntimeError, match="frac"):
        sof.frac(x)


def test_frexp_ldexp_nextafter_heaviside():
    mantissa, exponent = sof.frexp(sof.tensor([3.0, -0.25]))
    assert mantissa.tolist() == [0.75, -0.5] and exponent.tolist() == [2, -1] and exponent.dtype is sof.int32
    assert sof.ldexp(mantissa, exponent).tolist() == [3.0, -0.25]
    check_gradients(lambda t: sof.frexp(t).mantissa, [3.0, -0.3], second=False)
    assert sof.nextafter(sof.zeros(1), sof.ones(1)).item() > 0
    assert sof.heaviside(sof.tensor([-1.0, 0.0, 1.0]), sof.tensor([0.5])).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("name", ["maximum", "minimum", "fmax", "fmin"])
def test_gradients_of_extremes(name):
    check_gradients(getattr(sof, name), [0.5, 1.5, -1.0], [1.0, -2.5, 0.3])
    x = sof.ones(1, requires_grad=True)
    sof.maximum(x, sof.ones(1, requires_grad=True)).sum().backward()
    assert x.grad.tolist() == [0.5]


@pytest.mark.parametrize("limits", [(-0.5, 0.6), (None, 0.6), (-0.5, None)])
def test_clamp(limits):
    x = np.array([-1.0, 0.0, 2.0])
    np.testing.assert_array_equal(sof.clamp(sof.from_numpy(x), *limits).numpy(), np.clip(x, *limits))
    check_gradients(lambda t: t.clamp(*limits), x)
    check_gradients(lambda t, a, b: t.clamp(a, b), x, [-0.5] * 3, [0.6] * 3)


def test_clamp_of_everything():
    with pytest.raises(RuntimeError, match="At least one"):
        sof.ones(2).clamp()
    assert sof.tensor([1, 5]).clamp(max=2.5).dtype is sof.float32
    assert sof.tensor([math.nan]).clamp(0, 1).isnan().item()
    assert sof.clamp_min(sof.tensor([1, 5]), 3).tolist() == [3, 5]


def test_masked_gradient_hides_infinities():
    x = sof.arange(-500.0, 500.0).requires_grad_()             # large enough for the way through the bits
    (sof.relu(x) * math.inf).sum().backward()
    assert x.grad.isnan().sum().item() == 0
