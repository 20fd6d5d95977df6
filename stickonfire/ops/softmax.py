"""Softmax and its logarithm: a row of scores becomes a row of probabilities.

Users call `eager/composite_special.py`, which knows `dtype`.
"""
from __future__ import annotations

from ..core.dtypes import FLOATING, SCALAR_NAMES, float32
from ..core.shapes import normalize_dim
from .op import op


def checked_dim(xp, input, dim):
    """The dim counted from the front.   Raises: NotImplementedError for integers and complex numbers."""
    kind = xp.dtype_of(input)
    if kind.category != FLOATING:
        raise NotImplementedError(f'"softmax_lastdim_kernel_impl" not implemented for \'{SCALAR_NAMES[kind.name]}\'. '
                                  "Convert with .float() first, or pass dtype=")
    return normalize_dim(dim, input.ndim)


@op(promote="same", fused=True)
def softmax(xp, input, dim: int):
    """exp(x) / sum(exp(x)) along a dim. Shape: (*) -> (*).   Source: PyTorch `softmax`."""
    return xp.softmax(input, checked_dim(xp, input, dim))


@softmax.gradient("input")
def _(xp, g, out, dim):
    if g.ndim == 0:
        return g * 0
    weighted = g * out
    return weighted - out * xp.sum(weighted, axis=dim, keepdims=True)


def log_softmax_in_steps(xp, input, dim):
    """For 16-bit floats: along the last dim, PyTorch rounds the sum and its logarithm to 16 bits as well."""
    kind, wide = xp.dtype_of(input), xp.cast(input, float32)
    if dim < input.ndim - 1 or not input.size or not input.ndim:
        return xp.cast(xp.log_softmax(wide, dim), kind)
    shifted = wide - xp.amax(wide, axis=dim, keepdims=True)
    total = xp.sum(xp.exp(shifted), axis=dim, keepdims=True)
    for step in (lambda t: t, xp.log):
        total = xp.cast(xp.cast(step(total), kind), float32)
    return xp.cast(shifted - total, kind)


@op(promote="same", opmath=False, fused=True)
def log_softmax(xp, input, dim: int):
    """x - log(sum(exp(x))) along a dim. Shape: (*) -> (*).   Source: PyTorch `log_softmax`."""
    at = checked_dim(xp, input, dim)
    return log_softmax_in_steps(xp, input, at) if input.dtype.itemsize == 2 else xp.log_softmax(input, at)


log_softmax.widens = True


@log_softmax.gradient("input")
def _(xp, g, out, dim):
    if g.ndim == 0:
        return g * 0
    return g - xp.exp(out) * xp.sum(g, axis=dim, keepdims=True)
