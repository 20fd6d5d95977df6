"""Norms of vectors, and log-sum-exp.

`vector_norm` is what `torch.norm`, `linalg.norm`, `dist` and `cdist` come down to (`eager/composite_reduce.py`,
`eager/composite_reduce.py`). Norms of matrices are made of it and of the decompositions.
"""
from __future__ import annotations

from math import inf
from typing import Any

from ..core.dtypes import COMPLEX, FLOATING, float32
from ..core.shapes import normalize_dims
from .op import op
from .reduce import BOTH, count, kept, rounded


@op(publish=("linalg",), promote="same", opmath=False, grad_name="LinalgVectorNormBackward0")
def vector_norm(xp, x, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None):
    """sum(abs(x)^ord)^(1/ord): the largest size for inf, the smallest for -inf, the number of non-zeros for 0.

    Shape: (*) -> (* without dims).   Dtype: real.   Raises: RuntimeError for integers.
    Source: PyTorch `linalg.vector_norm`.
    """
    kind = xp.dtype_of(x)
    if kind.category < FLOATING:
        raise RuntimeError("linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
                           f"{kind.name.capitalize()}. Convert with .float() first")
    if dtype is not None:
        check_dtype(kind, dtype)
        kind = dtype
        x = xp.cast(x, float32 if dtype.is_reduced else dtype)
    axis = normalize_dims(dim, x.ndim)
    if (ord < 0 or ord == inf) and count(x.shape, axis or None) == 0:
        raise RuntimeError(f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the operation "
                           "does not have an identity")
    values = xp.cast(x, float32) if kind.is_reduced else x
    return rounded(xp, norm_along(xp, values, ord, axis, keepdim), kind if kind.is_reduced else None)


def check_dtype(kind, dtype):
    """Raises PyTorch's errors for a `dtype=` that does not fit the input's."""
    if dtype.category < FLOATING or (kind.category == COMPLEX) != (dtype.category == COMPLEX):
        raise RuntimeError("linalg.vector_norm: dtype should be "
                           f"{'complex' if kind.category == COMPLEX else 'real floating point'} for {kind} inputs. Got "
                           f"{dtype}")
    if dtype.itemsize < kind.itemsize:
        raise RuntimeError(f"linalg.vector_norm: the dtype of the input ({kind}) should be convertible without "
                           f"narrowing to the specified dtype ({dtype})")


def norm_along(xp, x, ord, axis, keepdim):
    if ord == 2:
        return xp.euclidean(x, axis, keepdim)
    size = xp.abs(x)
    if ord == inf:
        return xp.maximum.reduce(size, axis=axis, keepdims=keepdim)
    if ord == -inf:
        return xp.minimum.reduce(size, axis=axis, keepdims=keepdim)
    if ord == 0:
        return xp.add.reduce(xp.cast(x != 0, xp.dtype_of(size)), axis=axis, keepdims=keepdim)
    if ord == 1:
        return xp.add.reduce(size, axis=axis, keepdims=keepdim)
    return xp.add.reduce(size ** ord, axis=axis, keepdims=keepdim) ** (1 / ord)


@vector_norm.gradient("x")
def _(xp, g, x, out, ord, dim, keepdim):
    return norm_rule(xp, kept(xp, g, x.ndim, dim, keepdim), x, kept(xp, out, x.ndim, dim, keepdim), ord,
                     normalize_dims(dim, x.ndim))


def norm_rule(xp, g, x, out, ord, axis):
    """The gradient of a norm along dims that were kept; 0 where the norm is not smooth, ties share it."""
    if ord == 0:
        return xp.zeros_like(x)
    if ord == 1:
        return xp.sign(x) * g
    if ord == 2:
        return x * xp.keep(g / out, out != 0)
    size = xp.abs(x)
    if ord in (inf, -inf):
        hit = xp.cast((size == out) | ((size != size) & (out != out)), xp.dtype_of(g))
        return xp.sign(x) * (g * hit / xp.sum(hit, axis=axis, keepdims=True))
    if ord < 1:
        return xp.sign(x) * xp.keep(size ** (ord - 1), size != 0) * (g * out ** (1 - ord))
    share = xp.keep(g / out ** (ord - 1), out != 0)
    return xp.sign(x) * size ** (ord - 1) * share if ord < 2 else x * size ** (ord - 2) * share


@op(publish=(*BOTH, "special"), promote="float")
def logsumexp(xp, input, dim: Any, keepdim: bool = False):
    """log(sum(exp(input))) along dims, without overflow.

    Shape: (*) -> (* without dims).   Dtype: integers become floats.   Source: PyTorch `logsumexp`.
    """
    axis = normalize_dims(dim, input.ndim)
    if input.size == 0:
        return xp.log(xp.add.reduce(xp.exp(input), axis=axis, keepdims=keepdim))
    top = xp.maximum.reduce(xp.real(input), axis=axis, keepdims=True)
    top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    powers = xp.subtract(input, top)
    if powers.ndim:
        xp.exp(powers, out=powers)
    else:
        powers = xp.exp(powers)
    total = xp.log(xp.add.reduce(powers, axis=axis, keepdims=keepdim))
    return total + (top if keepdim else xp.reshape(top, total.shape))


@logsumexp.gradient("input")
def _(xp, g, input, out, dim, keepdim):
    ndim = input.ndim
    return kept(xp, g, ndim, dim, keepdim) * xp.conj(xp.exp(input - kept(xp, out, ndim, dim, keepdim)))
