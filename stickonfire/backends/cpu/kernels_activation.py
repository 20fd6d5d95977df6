"""Activations as cache-blocked NumPy kernels: silu, leaky_relu, elu with its kin, and their derivatives.

Those that need an error function, and the sigmoid, are in `special_activation.py`. As there, the plain
formula stands above each kernel, and kernels write into buffers they are given. Imports NumPy and
`special_tools`.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from .special_tools import Array, blockwise


# x / (1 + exp(-x))
def _silu(x: Array, out: Array) -> None:
    np.negative(x, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    np.divide(x, out, out=out)


# s * (1 + x * (1 - s)), where s = sigmoid(x)
def _silu_grad(x: Array, out: Array, s: Array) -> None:
    np.negative(x, out=s)
    np.exp(s, out=s)
    np.add(s, 1, out=s)
    np.reciprocal(s, out=s)
    np.subtract(1, s, out=out)
    np.multiply(out, x, out=out)
    np.add(out, 1, out=out)
    np.multiply(out, s, out=out)


# where(x > 0, scale * x, alpha * scale * expm1(input_scale * x))
def _elu(x: Array, out: Array, high: Array, *, alpha: float, scale: float, input_scale: float) -> None:
    np.minimum(x, 0, out=out)
    if input_scale != 1:
        np.multiply(out, input_scale, out=out)
    np.expm1(out, out=out)
    if alpha * scale != 1:
        np.multiply(out, alpha * scale, out=out)
    np.maximum(x, 0, out=high)
    if scale != 1:
        np.multiply(high, scale, out=high)
    np.add(out, high, out=out)


# where(x > 0, scale, alpha * scale * input_scale * exp(input_scale * x))
def _elu_grad(x: Array, out: Array, above: Array, *, alpha: float, scale: float, input_scale: float) -> None:
    np.minimum(x, 0, out=out)
    if input_scale != 1:
        np.multiply(out, input_scale, out=out)
    np.exp(out, out=out)
    left = alpha * scale * input_scale
    if left != 1:
        np.multiply(out, left, out=out)
    if left != scale:                       # the slope at zero and right of it is `left` so far
        np.greater(x, 0, out=above)
        np.multiply(above, scale - left, out=above)
        np.add(out, above, out=out)


def silu(x: Any) -> Array:
    """x * sigmoid(x), complex arrays included.

    Shape: that of `x`. Source: torch.nn.functional.silu.

    >>> silu(np.array([0.0, 1.0])).round(4)
    array([0.    , 0.7311])
    """
    return x / (1 + np.exp(-x)) if x.dtype.kind == "c" else blockwise(_silu, x)


def silu_grad(x: Any) -> Array:
    """Derivative of silu.

    Shape: that of `x`. Source: torch.nn.functional.silu.

    >>> silu_grad(np.array([0.0, 1.0])).round(4)
    array([0.5   , 0.9277])
    """
    if x.dtype.kind == "c":
        s = 1 / (1 + np.exp(-x))
        return s * (1 + x * (1 - s))
    return blockwise(_silu_grad, x, scratch=1)


def elu(x: Any, alpha: float, scale: float, input_scale: float) -> Array:
    """scale * x for x > 0, alpha * scale * (exp(input_scale * x) - 1) otherwise.

    Shape: that of `x`. Source: torch.nn.functional.elu, celu, selu.

    >>> elu(np.array([-1.0, 1.0]), 1.0, 1.0, 1.0).round(4)
    array([-0.6321,  1.    ])
    """
    return blockwise(_elu, x, scratch=1, alpha=alpha, scale=scale, input_scale=input_scale)


def elu_grad(x: Any, alpha: float, scale: float, input_scale: float) -> Array:
    """Derivative of elu.

    Shape: that of `x`. Source: torch.nn.functional.elu, celu, selu.

    >>> elu_grad(np.array([-1.0, 1.0]), 1.0, 1.0, 1.0).round(4)
    array([0.3679, 1.    ])
    """
    return blockwise(_elu_grad, x, scratch=1, alpha=alpha, scale=scale, input_scale=input_scale)
