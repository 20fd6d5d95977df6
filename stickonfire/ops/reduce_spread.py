"""Variance and standard deviation, alone and together with the mean.

Users call `eager/composite_reduce.py`, which knows PyTorch's two ways of saying `correction`. A complex number's
distance from the mean is its absolute value, so the results are real.
"""
from __future__ import annotations

import warnings
from typing import Any

from ..core.dtypes import FLOATING
from ..core.shapes import normalize_dims
from .op import op
from .reduce import count, kept, spread


def moments(xp, name, input, dim, correction, keepdim):
    """Variance and mean; the latter with its dims kept."""
    if xp.dtype_of(input).category < FLOATING:
        raise RuntimeError(f"{name} only support floating point and complex dtypes. Convert with .float() first")
    axis = normalize_dims(dim, input.ndim)
    n = input.size if len(axis) == input.ndim else count(input.shape, axis)
    centre = xp.add.reduce(input, axis=axis, keepdims=True) / xp.number_like(input, n)
    if n <= correction:
        warnings.warn(f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction "
                      "factor (input numel divided by output numel).", stacklevel=2)
    total = xp.squared_deviations(input, centre, axis, keepdim)
    return total / xp.number_like(total, max(n - correction, 0)), centre


def shaped(xp, centre, input, dim, keepdim):
    """A mean that was formed with its dims kept, as asked for."""
    return centre if keepdim or not input.ndim else xp.squeeze(centre, normalize_dims(dim, input.ndim))


@op(promote="same", stepwise=True, grad_name="VarBackward0")
def variance(xp, input, dim: Any = None, correction: float = 1, keepdim: bool = False):
    """sum(abs(input - mean)^2) / (n - correction).

    Shape: (*) -> (* without dims).   Raises: RuntimeError for integers.   Source: PyTorch `var`.
    """
    return moments(xp, "var", input, dim, correction, keepdim)[0]


@op(promote="same", stepwise=True, grad_name="StdBackward0")
def deviation(xp, input, dim: Any = None, correction: float = 1, keepdim: bool = False):
    """The root of the variance. Shape: (*) -> (* without dims).   Source: PyTorch `std`."""
    return xp.sqrt(moments(xp, "std", input, dim, correction, keepdim)[0])


@op(promote="same", stepwise=True, grad_name="VarMeanBackward0")
def variance_and_mean(xp, input, dim: Any = None, correction: float = 1, keepdim: bool = False):
    """Variance and mean. Shape: (*) -> two of (* without dims).   Source: PyTorch `var_mean`."""
    value, centre = moments(xp, "var_mean", input, dim, correction, keepdim)
    return value, shaped(xp, centre, input, dim, keepdim)


@op(promote="same", stepwise=True, grad_name="StdMeanBackward0")
def deviation_and_mean(xp, input, dim: Any = None, correction: float = 1, keepdim: bool = False):
    """Standard deviation and mean. Shape: (*) -> two of (* without dims).   Source: PyTorch `std_mean`."""
    value, centre = moments(xp, "std_mean", input, dim, correction, keepdim)
    return xp.sqrt(value), shaped(xp, centre, input, dim, keepdim)


def from_variance(xp, g, input, dim, correction, keepdim):
    """2 (input - mean) g / (n - correction)."""
    centred = input - xp.mean(input, axis=normalize_dims(dim, input.ndim), keepdims=True)
    degrees = max(count(input.shape, dim) - correction, 0)
    return kept(xp, g, input.ndim, dim, keepdim) * centred * (2 / degrees if degrees else float("inf"))


def halved_by(xp, g, out):
    """The gradient of the variance from that of its root; 0 where the root is 0."""
    return xp.keep(g / (out * 2), out != 0)


@variance.gradient("input")
def _(xp, g, input, dim, correction, keepdim):
    return from_variance(xp, g, input, dim, correction, keepdim)


@deviation.gradient("input")
def _(xp, g, input, out, dim, correction, keepdim):
    return from_variance(xp, halved_by(xp, g, out), input, dim, correction, keepdim)


def from_mean(xp, g, input, dim, keepdim):
    return spread(xp, g / max(count(input.shape, dim), 1), input.shape, dim, keepdim)


@variance_and_mean.gradient("input")
def _(xp, g, input, dim, correction, keepdim):
    return from_variance(xp, xp.real(g[0]), input, dim, correction, keepdim) + from_mean(xp, g[1], input, dim, keepdim)


@deviation_and_mean.gradient("input")
def _(xp, g, input, outs, dim, correction, keepdim):
    of_variance = halved_by(xp, xp.real(g[0]), outs[0])
    return (from_variance(xp, of_variance, input, dim, correction, keepdim)
            + from_mean(xp, g[1], input, dim, keepdim))
