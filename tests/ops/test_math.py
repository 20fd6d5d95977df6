"""Functions of one number: values against NumPy or math, gradients against differences."""

from __future__ import annotations

import math

import numpy as np
import pytest

import stickonfire as sof
from tests.helpers.numeric import check_gradients

INSIDE = [-0.7, -0.2, 0.3, 0.6]         # where every function is smooth
POSITIVE = [0.2, 0.7, 1.5, 4.0]

# name: reference, points
UNARY = {
    "exp": (np.exp, INSIDE), "exp2": (np.exp2, INSIDE), "expm1": (np.expm1, INSIDE), "log": (np.log,
    POSITIVE),
    "log2": (np.log2, POSITIVE), "log10": (np.log10, POSITIVE), "log1p": (np.log1p, INSIDE),
    "sqrt": (np.sqrt, POSITIVE), "rsqrt": (lambda x: x ** -0.5, POSITIVE), "reciprocal": (lambda x: 1 / x,
    INSIDE),
    "square": (np.square, INSIDE), "sin": (np.sin, INSIDE), "cos": (np.cos, INSIDE), "tan": (np.tan, INSIDE),
    "asin": (np.arcsin, INSIDE), "acos": (np.arccos, INSIDE), "atan": (np.arctan, INSIDE), "sinh": (np.sinh,
    INSIDE),
    "cosh": (np.cosh, INSIDE), "tanh": (np.tanh, INSIDE), "asinh": (np.arcsinh, INSIDE),
    "acosh": (np.arccosh, [1.2, 2.0, 5.0]), "atanh": (np.arctanh, INSIDE), "deg2rad": (np.deg2rad, INSIDE),
    "rad2deg": (np.rad2deg, INSIDE), "sinc": (np.sinc, INSIDE), "sigmoid": (lambda x: 1 / (1 + np.exp(-x)),
    INSIDE),
    "logit": (lambda x: np.log(x / (1 - x)), [0.2, 0.6]), "erf": (np.vectorize(math.erf), INSIDE),
    "erfc": (np.vectorize(math.erfc), INSIDE), "lgamma": (np.vectorize(math.lgamma), POSITIVE),
    "abs": (np.abs, INSIDE), "neg": (np.negative, INSIDE), "sgn": (np.sign, INSIDE),
}
# No reference in NumPy: values of identities, checked in tests/backends/test_cpu_special.py.
GRADIENT_ONLY = {"erfinv": INSIDE, "digamma": POSITIVE, "i0": INSIDE}
SPECIAL = {"erfcx": INSIDE, "ndtr": INSIDE, "ndtri": [0.2, 0.6], "log_ndtr": INSIDE, "entr": POSITIVE,
           "i0e": INSIDE,
           "i1": INSIDE, "i1e": INSIDE}
COMPLEX = ("exp", "exp2", "log", "log2", "log10", "log1p", "expm1", "sqrt", "rsqrt", "reciprocal", "square",
           "sin", "cos",
           "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sinc",
           "sigmoid", "sgn", "abs")


@pytest.mark.parametrize("name", UNARY)
def test_values(name):
    reference, points = UNARY[name]
    for kind in (sof.float64, sof.float32):
        x = sof.tensor(points, dtype=kind)
        out = getattr(sof, name)(x)
        assert out.dtype is kind
        rtol = 1e-12 if kind is sof.float64 else 2e-6
        np.testing.assert_allclose(out.numpy(), reference(np.array(points)), rtol=rtol)
        assert sof.equal(getattr(x, name)(), out)
        assert sof.equal(getattr(x.clone(), name + "_")(), out)


@pytest.mark.parametrize("name", [*UNARY, *GRADIENT_ONLY])
def test_gradients(name):
    points = UNARY[name][1] if name in UNARY else GRADIENT_ONLY[name]
    check_gradients(getattr(sof, name), points)


@pytest.mark.parametrize("name", SPECIAL)
def test_special_gradients(name):
    check_gradients(getattr(sof.special, name), SPECIAL[name])


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_gradients(name):
    check_gradients(getattr(sof, name), np.array([0.3 + 0.4j, -0.5 + 0.2j]))


@pytest.mark.parametrize("name", ["exp", "sqrt", "sin", "sigmoid", "erf", "reciprocal", "lgamma"])
def test_ints_become_floats(name):
    assert getattr(sof, name)(sof.tensor([1, 2])).dtype is sof.float32
    assert getattr(sof, name)(sof.tensor([True])).dtype is sof.float32


def test_no_warnings_for_inf_and_nan():
    x = sof.tensor([0.0, -1.0, math.inf, math.nan])
    assert x.log().tolist()[0] == -math.inf
    assert (1 / x).tolist()[0] == math.inf
    assert sof.sqrt(x).isnan().tolist() == [False, True, False, True]


@pytest.mark.parametrize("exponent", [-2, -1, -0.5, 0, 0.5, 1, 2, 3, 2.5])
def test_pow_with_a_number(exponent):
    x = np.array(POSITIVE)
    np.testing.assert_allclose((sof.from_numpy(x) ** exponent).numpy(), x ** exponent)
    check_gradients(lambda t: t ** exponent, POSITIVE)


def test_pow_of_a_number_and_of_tensors():
    check_gradients(lambda t: 2 ** t, INSIDE)
    check_gradients(sof.pow, POSITIVE, INSIDE)
    assert (0 ** sof.tensor([0.0, 1.0])).tolist() == [1.0, 0.0]
    assert sof.pow(sof.tensor([2, -1, 3]), sof.tensor([-1, -3, 2])).tolist() == [0, -1, 9]
    with pytest.raises(RuntimeError, match="Integers to negative integer powers"):
        sof.tensor([2]) ** -1
    with pytest.raises(TypeError):
        sof.pow(2, 3)


def test_float_power():
    assert sof.float_power(sof.tensor([2, 3]), 2).dtype is sof.float64
    with pytest.raises(RuntimeError, match="float_power_"):
        sof.ones(2).float_power_(2)


@pytest.mark.parametrize("name", ["logaddexp", "logaddexp2", "hypot", "atan2", "xlogy", "copysign"])
def test_two_tensors(name):
    check_gradients(getattr(sof, name), POSITIVE, [0.5, 1.0, 2.0, 0.3])


@pytest.mark.parametrize("name", ["xlogy", "copysign", "pow", "float_power", "ldexp"])
def test_numbers_for_tensors(name):
    function = getattr(sof, name)
    other = sof.tensor(3.0) if name == "ldexp" else 3.0
    np.testing.assert_allclose(function(sof.tensor([2.0]), other).item(),
                               {"xlogy": 2 * math.log(3), "copysign": 2.0, "pow": 8.0, "float_power": 8.0,
                                "ldexp": 16.0}[name], rtol=1e-6)


def test_polygamma_and_mvlgamma():
    x = sof.tensor([1.0, 3.0], dtype=sof.float64)
    np.testing.assert_allclose(sof.polygamma(1, x).numpy(), [math.pi ** 2 / 6, math.pi ** 2 / 6 - 1.25])
    check_gradients(lambda t: sof.polygamma(1, t), POSITIVE)
    check_gradients(lambda t: sof.mvlgamma(t, 2), [1.0, 2.0])
    with pytest.raises(RuntimeError, match="p has to be"):
        sof.mvlgamma(x, 0)


def test_incomplete_gamma():
    a, x = sof.tensor([2.0], dtype=sof.float64), sof.tensor([1.5], dtype=sof.float64)
    np.testing.assert_allclose((sof.igamma(a, x) + sof.igammac(a, x)).item(), 1)
    check_gradients(lambda t: sof.igamma(a, t), [0.5, 1.5])
    out = sof.igamma(a.requires_grad_(), x).sum()
    with pytest.raises(NotImplementedError, match="derivative"):
        out.backward()
