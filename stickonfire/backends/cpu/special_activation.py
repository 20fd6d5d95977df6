"""Activations as cache-blocked NumPy kernels: sigmoid, softplus, log_sigmoid, mish, gelu and their slopes.

Called through `special.py` by the rules of `ops/activation.py` when no compiled kernel is at hand. Each
kernel has its plain reference, three lines at most, above it as a comment;
`tests/backends/test_cpu_special.py` compares the two. Kernels write into buffers they are given, pass by
pass, and raise no floating-point warnings. Imports NumPy and the special functions beside this file only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .special_erf import erfc64
from .special_tools import Array, blockwise, horner, in_float64, real

# -log(Phi(x) / Phi(-x)) / x, Phi being the normal distribution function, over z = x*x in [0, 5.6**2], highest
# power first. Fitted by Lawson's weighted least squares: Phi is right to 2e-8, less than float32 rounds to.
_LOGIT = (
    -3.4039622032429387e-09, 2.604996893751377e-07, -7.876486961322371e-06, 0.00011030577297788113,
    6.597467290703207e-05, -0.0726669505238533, -1.5957696437835693,
)
_LOGIT_LIMIT = 5.6 * 5.6

_DENSITY = 1 / math.sqrt(2 * math.pi)
_TANH_1 = -2 * math.sqrt(2 / math.pi)  # gelu_tanh(x) = x sigmoid(-(_TANH_1 x + _TANH_3 x**3))
_TANH_3 = 0.044715 * _TANH_1


# 1 / (1 + exp(-x))
def _sigmoid(x: Array, out: Array) -> None:
    np.negative(x, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    np.reciprocal(out, out=out)


# where(beta * x > threshold, x, log1p(exp(beta * x)) / beta)
def _softplus(x: Array, out: Array, *, beta: float, threshold: float) -> None:
    np.multiply(x, beta, out=out)
    above = out > threshold
    np.exp(out, out=out)
    np.log1p(out, out=out)
    if beta != 1:
        np.divide(out, beta, out=out)
    if above.any():
        np.copyto(out, x, where=above)


# minimum(x, 0) - log1p(exp(-abs(x)))
def _log_sigmoid(x: Array, out: Array, low: Array) -> None:
    np.absolute(x, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    np.log1p(out, out=out)
    np.minimum(x, 0, out=low)
    np.subtract(low, out, out=out)


# x * tanh(softplus(x)); with e = exp(x) and w = e * (e + 2), tanh(log(1 + e)) is w / (w + 2)
def _mish(x: Array, out: Array, w: Array) -> None:
    np.minimum(x, 20, out=w)  # beyond, the ratio rounds to 1
    np.exp(w, out=w)
    np.add(w, 2, out=out)
    np.multiply(w, out, out=w)
    np.add(w, 2, out=out)
    np.divide(w, out, out=out)
    np.multiply(out, x, out=out)


# exp(-logit(Phi(x))) + 1 in `out`, for x * x in `z`: 1 / Phi(x) without a division
def _one_over_normal(x: Array, out: Array, z: Array) -> None:
    np.minimum(z, _LOGIT_LIMIT, out=z)
    horner(z, _LOGIT, out)
    np.multiply(out, x, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)


# 0.5 * x * (1 + erf(x / sqrt(2)))
def _gelu32(x: Array, out: Array, z: Array) -> None:
    np.multiply(x, x, out=z)
    _one_over_normal(x, out, z)
    np.divide(x, out, out=out)


# 0.5 * (1 + erf(x / sqrt(2))) + x * exp(-x * x / 2) / sqrt(2 * pi)
def _gelu_grad32(x: Array, out: Array, z: Array, bell: Array) -> None:
    np.multiply(x, x, out=z)
    np.multiply(z, -0.5, out=bell)
    np.exp(bell, out=bell)
    np.multiply(bell, x, out=bell)
    np.multiply(bell, _DENSITY, out=bell)
    _one_over_normal(x, out, z)
    np.reciprocal(out, out=out)
    np.add(out, bell, out=out)


# 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))
def _gelu_tanh(x: Array, out: Array) -> None:
    np.multiply(x, x, out=out)
    np.multiply(out, _TANH_3, out=out)
    np.add(out, _TANH_1, out=out)
    np.multiply(out, x, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    np.divide(x, out, out=out)


# s + x * s * (1 - s) * u, where s = gelu_tanh(x) / x and u = 2 * sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x)
def _gelu_tanh_grad(x: Array, out: Array, s: Array, u: Array) -> None:
    np.multiply(x, x, out=out)
    np.multiply(out, -3 * _TANH_3, out=u)
    np.add(u, -_TANH_1, out=u)
    np.multiply(u, x, out=u)
    np.multiply(out, _TANH_3, out=out)
    np.add(out, _TANH_1, out=out)
    np.multiply(out, x, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    np.reciprocal(out, out=s)
    np.subtract(1, s, out=out)
    np.multiply(out, u, out=out)
    np.add(out, 1, out=out)
    np.multiply(out, s, out=out)


@in_float64
def _gelu_slow(x: Any) -> Array:
    return x * (0.5 * erfc64(x * -math.sqrt(0.5)))


@in_float64
def _gelu_grad_slow(x: Any) -> Array:
    return 0.5 * erfc64(x * -math.sqrt(0.5)) + x * np.exp(-0.5 * x * x) * _DENSITY


def sigmoid(x: Any) -> Array:
    """1 / (1 + exp(-x)), complex arrays included.

    Shape: that of `x`. Source: torch.sigmoid.

    >>> sigmoid(np.array([0.0, -1000.0]))
    array([0.5, 0. ])
    """
    if np.iscomplexobj(x):
        with np.errstate(all="ignore"):
            return np.asarray(1 / (1 + np.exp(-x)))
    return blockwise(_sigmoid, x)


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Array:
    """log(1 + exp(beta * x)) / beta, and x itself where beta * x > threshold.

    Shape: that of `x`. Source: torch.nn.functional.softplus.

    >>> softplus(np.array([0.0, 50.0])).round(4)
    array([ 0.6931, 50.    ])
    """
    return blockwise(_softplus, x, beta=float(beta), threshold=float(threshold))


def log_sigmoid(x: Any) -> Array:
    """log(sigmoid(x)), without overflow or underflow.

    Shape: that of `x`. Source: torch.nn.functional.logsigmoid.

    >>> log_sigmoid(np.array([0.0, -1000.0])).round(4)
    array([-6.931e-01, -1.000e+03])
    """
    return blockwise(_log_sigmoid, x, scratch=1)


def mish(x: Any) -> Array:
    """x * tanh(softplus(x)).

    Shape: that of `x`. Source: Misra (2019), torch.nn.functional.mish.

    >>> mish(np.array([0.0, 1.0])).round(4)
    array([0.    , 0.8651])
    """
    return blockwise(_mish, x, scratch=1)


def gelu(x: Any) -> Array:
    """x times the normal distribution function of x.

    Shape: that of `x`. Source: Hendrycks & Gimpel (2016), torch.nn.functional.gelu(approximate='none').

    >>> gelu(np.array([0.0, 1.0])).round(4)
    array([0.    , 0.8413])
    """
    return _gelu_slow(x) if real(x)[1] == np.float64 else blockwise(_gelu32, x, scratch=1)


def gelu_grad(x: Any) -> Array:
    """Derivative of gelu: ndtr(x) + x * density(x).

    Shape: that of `x`. Source: Hendrycks & Gimpel (2016).

    >>> gelu_grad(np.array([0.0, 1.0])).round(4)
    array([0.5   , 1.0833])
    """
    return _gelu_grad_slow(x) if real(x)[1] == np.float64 else blockwise(_gelu_grad32, x, scratch=2)


def gelu_tanh(x: Any) -> Array:
    """GELU by the tanh formula, written as x * sigmoid(...): the same function with less cancellation.

    Shape: that of `x`. Source: Hendrycks & Gimpel (2016), torch.nn.functional.gelu(approximate='tanh').

    >>> gelu_tanh(np.array([0.0, 1.0])).round(4)
    array([0.    , 0.8412])
    """
    return blockwise(_gelu_tanh, x)


def gelu_tanh_grad(x: Any) -> Array:
    """Derivative of gelu_tanh.

    Shape: that of `x`. Source: Hendrycks & Gimpel (2016).

    >>> gelu_tanh_grad(np.array([0.0, 1.0])).round(4)
    array([0.5  , 1.083])
    """
    return blockwise(_gelu_tanh_grad, x, scratch=2)
