"""Softmax and its logarithm: a row of scores becomes a row of probabilities."""
from __future__ import annotations

from typing import Any

from ..core.dtypes import FLOATING, SCALAR_NAMES
from ..core.shapes import normalize_dim
from .op import op

BOTH = ("stickonfire", "Tensor")


def cast_first(xp, input, dim, dtype):
    """The input in the dtype asked for, and the dim counted from the front."""
    a = input if dtype is None else xp.cast(input, dtype)
    kind = xp.dtype_of(a)
    if kind.category != FLOATING:
        raise NotImplementedError(f'"softmax_lastdim_kernel_impl" not implemented for \'{SCALAR_NAMES[kind.name]}\'. '
                                  "Convert with .float() first, or pass dtype=")
    return a, normalize_dim(dim, input.ndim)


@op(publish=BOTH, promote="same")
def softmax(xp, input, dim: int, dtype: Any = None):
    """exp(x) / sum(exp(x)) along a dim. Shape: (*) -> (*).   Source: PyTorch `softmax`."""
    a, at = cast_first(xp, input, dim, dtype)
    return xp.softmax(a, at)


@softmax.gradient("input")
def _(xp, g, out, dim):
    if g.ndim == 0:
        return g * 0
    weighted = g * out
    return weighted - out * xp.sum(weighted, axis=dim, keepdims=True)


@op(publish=BOTH, promote="same")
def log_softmax(xp, input, dim: int, dtype: Any = None):
    """x - log(sum(exp(x))) along a dim. Shape: (*) -> (*).   Source: PyTorch `log_softmax`."""
    a, at = cast_first(xp, input, dim, dtype)
    return xp.log_softmax(a, at)


@log_softmax.gradient("input")
def _(xp, g, out, dim):
    if g.ndim == 0:
        return g * 0
    return g - xp.exp(out) * xp.sum(g, axis=dim, keepdims=True)
