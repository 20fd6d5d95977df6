"""Sums, products and truth along dims: many elements become one.

Integers add up in int64, 16-bit floats in float32, rounded once at the end (here, not by `opmath`: with `dtype=`
the result has another dtype than the input). `spread` and `kept` serve the other files of reductions:
`reduce_extremes.py`, `reduce_spread.py` and `reduce_norm.py`. Imports core and `op` only.
"""
from __future__ import annotations

import math
from typing import Any

from ..core.dtypes import BOOL, COMPLEX, FLOATING, float32, int64
from ..core.shapes import normalize_dim, normalize_dims
from .op import op

BOTH = ("stickonfire", "Tensor")
PLAIN = "fdFD"          # float32 to complex128, as array dtypes' characters: summed as they are


def spread(xp, g, shape, dim, keepdim):
    """A reduction's gradient in the shape of its input: reduced dims come back by broadcasting."""
    return xp.broadcast_to(kept(xp, g, len(shape), dim, keepdim) if g.ndim else g, shape)


def kept(xp, g, ndim, dim, keepdim):
    """What a reduction gave, as with keepdim=True."""
    if keepdim or ndim == 0:
        return g
    dims = normalize_dims(dim, ndim)
    sizes = iter(g.shape)
    return xp.reshape(g, tuple([1 if d in dims else next(sizes) for d in range(ndim)]))


def count(shape, dim):
    """How many elements go into each result."""
    return math.prod(shape if dim is None else [shape[d] for d in normalize_dims(dim, len(shape))])


def accumulable(xp, input, dtype):
    """The input in the dtype that sums are formed in, and the dtype to round the result to (None: as it is)."""
    kind = xp.dtype_of(input) if dtype is None else dtype
    if kind.is_reduced:
        return xp.cast(input, float32), kind
    if dtype is not None:
        return xp.cast(input, dtype), None
    return (xp.cast(input, int64) if kind.category < FLOATING else input), None


def rounded(xp, result, kind):
    """A result in the dtype that `accumulable` gave."""
    return result if kind is None else xp.cast(xp.asarray(result), kind)


@op(publish=BOTH, promote="same", opmath=False)
def sum(xp, input, dim: Any = None, keepdim: bool = False, *, dtype: Any = None):
    """The sum of elements, all or along dims.

    Shape: (*) -> (* without dims).   Dtype: integers give int64.   Source: PyTorch `sum`.
    """
    if dtype is None:
        if input.dtype.char in PLAIN:
            return xp.sum_plain(input, None if dim is None else normalize_dims(dim, input.ndim), keepdim)
        if dim is None and input.dtype.kind == "b" and not keepdim:
            return xp.count_nonzero(input)
    values, kind = accumulable(xp, input, dtype)
    return rounded(xp, xp.add.reduce(values, axis=normalize_dims(dim, input.ndim), keepdims=keepdim), kind)


@sum.gradient("input")
def _(xp, g, input_shape, dim, keepdim):
    return spread(xp, g, input_shape, dim, keepdim)


@op(publish=BOTH, promote="same", opmath=False)
def nansum(xp, input, dim: Any = None, keepdim: bool = False, *, dtype: Any = None):
    """The sum of elements, NaN counted as zero.

    Shape: (*) -> (* without dims).   Raises: RuntimeError for complex numbers.   Source: PyTorch `nansum`.
    """
    if xp.dtype_of(input).category == COMPLEX:
        raise RuntimeError("nansum on CPU does not support complex inputs. Sum where(isnan(x), 0, x) instead")
    values, kind = accumulable(xp, input, dtype)
    values = xp.where(xp.isnan(values), xp.zeros_like(values, shape=()), values)
    return rounded(xp, xp.add.reduce(values, axis=normalize_dims(dim, input.ndim), keepdims=keepdim), kind)


@nansum.gradient("input")
def _(xp, g, input, dim, keepdim):
    return xp.keep(spread(xp, g, input.shape, dim, keepdim), input == input)


@op(publish=BOTH, promote="same", opmath=False)
def mean(xp, input, dim: Any = None, keepdim: bool = False, *, dtype: Any = None):
    """The mean of elements, all or along dims.

    Shape: (*) -> (* without dims).   Raises: RuntimeError for integers.   Source: PyTorch `mean`.
    """
    if dtype is None and dim is None and input.dtype.char in PLAIN:
        return xp.sum_plain(input, None, keepdim) / xp.number_like(input, input.size)
    kind = xp.dtype_of(input) if dtype is None else dtype
    if kind.category < FLOATING:
        where = "Input" if dtype is None else "Optional"
        raise RuntimeError(f"mean(): could not infer output dtype. {where} dtype must be either a floating point or "
                           f"complex dtype. Got: {kind.name.capitalize()}. Convert with .float() first")
    values, kind = accumulable(xp, input, dtype)
    total = xp.sum_plain(values, normalize_dims(dim, input.ndim), keepdim)
    return rounded(xp, total / xp.number_like(values, count(input.shape, dim)), kind)


@mean.gradient("input")
def _(xp, g, input_shape, dim, keepdim):
    return spread(xp, g / max(count(input_shape, dim), 1), input_shape, dim, keepdim)


@op(publish=BOTH, promote="same", opmath=False)
def prod(xp, input, dim: Any = None, keepdim: bool = False, *, dtype: Any = None):
    """The product of elements, all or along one dim.

    Shape: (*) -> (* without dim).   Dtype: integers give int64.   Source: PyTorch `prod`.
    """
    axis = None if dim is None else normalize_dim(dim, input.ndim) if input.ndim else None
    values, kind = accumulable(xp, input, dtype)
    return rounded(xp, xp.multiply.reduce(values, axis=axis, keepdims=keepdim and dim is not None), kind)


@prod.gradient("input")
def _(xp, g, input, dim, keepdim):
    if input.ndim == 0:
        return g
    if dim is None:
        flat = xp.reshape(input, (-1,))
        return xp.reshape(g * xp.conj(product_of_others(xp, flat, 0)), input.shape)
    return kept(xp, g, input.ndim, dim, keepdim) * xp.conj(product_of_others(xp, input, dim % input.ndim))


def product_of_others(xp, input, dim):
    """For each element the product of all others along a dim: products from the left times those from the right."""
    if input.shape[dim] == 0:
        return input
    head = (slice(None),) * dim
    ones = xp.ones_like(input[(*head, slice(0, 1))])
    left = xp.cumprod(xp.concatenate([ones, input[(*head, slice(0, -1))]], dim), dim)
    back = xp.flip(input, dim)
    right = xp.cumprod(xp.concatenate([ones, back[(*head, slice(0, -1))]], dim), dim)
    return left * xp.flip(right, dim)


@op(publish=BOTH, promote="same", opmath=False)
def trace(xp, input):
    """The sum of the diagonal. Shape: (N, M) -> ().   Source: PyTorch `trace`."""
    if input.dtype.kind == "b":
        raise NotImplementedError('"trace" not implemented for \'Bool\'. Convert with .int() first')
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    values, kind = accumulable(xp, xp.diagonal(input, 0, 0, 1), None)
    return rounded(xp, xp.add.reduce(values), kind)


@trace.gradient("input")
def _(xp, g, input_shape):
    spread_out = xp.broadcast_to(g, (min(input_shape),))
    return xp.diagonal_scatter(xp.zeros_like(g, shape=input_shape), spread_out, 0, 0, 1)


@op(publish=BOTH, differentiable=False)
def all(xp, input, dim: Any = None, keepdim: bool = False):
    """Whether every element is true, of all or along dims.

    Shape: (*) -> (* without dims).   Dtype: bool (uint8 stays).   Source: PyTorch `all`.
    """
    return truth(xp, xp.logical_and, input, dim, keepdim)


@op(publish=BOTH, differentiable=False)
def any(xp, input, dim: Any = None, keepdim: bool = False):
    """Whether some element is true, of all or along dims.

    Shape: (*) -> (* without dims).   Dtype: bool (uint8 stays).   Source: PyTorch `any`.
    """
    return truth(xp, xp.logical_or, input, dim, keepdim)


def truth(xp, ufunc, input, dim, keepdim):
    bits = input if xp.dtype_of(input).category == BOOL else input != 0
    result = ufunc.reduce(bits, axis=normalize_dims(dim, input.ndim), keepdims=keepdim)
    return xp.cast(xp.asarray(result), xp.dtype_of(input)) if str(input.dtype) == "uint8" else result


@op(publish=BOTH, differentiable=False)
def count_nonzero(xp, input, dim: Any = None):
    """How many elements are not zero, of all or along dims.

    Shape: (*) -> (* without dims), of int64.   Source: PyTorch `count_nonzero`.
    """
    bits = input if xp.dtype_of(input).category == BOOL else input != 0
    axis = normalize_dims(dim, input.ndim)
    return xp.count_nonzero(bits) if len(axis) == input.ndim else xp.add.reduce(bits, axis=axis, dtype=int)


@op(publish=("stickonfire", "Tensor", "Tensor_"), promote="same", opmath=False)
def cumsum(xp, input, dim: int, *, dtype: Any = None):
    """Running sums along a dim.

    Shape: (*) -> (*).   Dtype: integers give int64.   Source: PyTorch `cumsum`.
    """
    values, kind = accumulable(xp, input, dtype)
    at = normalize_dim(dim, input.ndim)
    return rounded(xp, xp.cumsum(values, axis=at) if input.ndim else xp.copy(values), kind)


@cumsum.gradient("input")
def _(xp, g, dim):
    return xp.flip(xp.cumsum(xp.flip(g, dim), dim), dim) if g.ndim else g


@op(publish=("stickonfire", "Tensor", "Tensor_"), promote="same", opmath=False)
def cumprod(xp, input, dim: int, *, dtype: Any = None):
    """Running products along a dim.

    Shape: (*) -> (*).   Dtype: integers give int64.   Source: PyTorch `cumprod`.
    """
    values, kind = accumulable(xp, input, dtype)
    at = normalize_dim(dim, input.ndim)
    return rounded(xp, xp.cumprod(values, axis=at) if input.ndim else xp.copy(values), kind)


@cumprod.gradient("input")
def _(xp, g, input, out, dim):
    """With y = cumprod(x): dx[i] = sum over j >= i of g[j] y[j] / x[i]; where some x is 0, without dividing."""
    if input.ndim == 0 or input.shape[dim] == 0:
        return g
    if xp.all(input != 0):
        weighted = g * xp.conj(out)
        return xp.flip(xp.cumsum(xp.flip(weighted, dim), dim), dim) / xp.conj(input)
    return tails_of_products(xp, g, xp.conj(input), dim % input.ndim)


def tails_of_products(xp, g, x, dim):
    """dx[i] = x[0] ... x[i-1] * tail[i], where tail[i] = g[i] + x[i+1] * tail[i+1]."""
    head = (slice(None),) * dim
    tail = [g[(*head, -1)]]
    for i in range(x.shape[dim] - 2, -1, -1):
        tail.append(g[(*head, i)] + x[(*head, i + 1)] * tail[-1])
    first = xp.ones_like(x[(*head, slice(0, 1))])
    before = xp.cumprod(xp.concatenate([first, x[(*head, slice(0, -1))]], dim), dim)
    return before * xp.stack(tail[::-1], dim)
