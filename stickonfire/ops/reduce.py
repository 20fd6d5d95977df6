"""Reductions: many elements become one along dims. Integers add up in int64, 16-bit floats in float32."""
from __future__ import annotations

import math
from typing import Any

from ..core.dtypes import COMPLEX, FLOATING, int64
from ..core.shapes import normalize_dim, normalize_dims
from .op import op

BOTH = ("stickonfire", "Tensor")


def spread(xp, g, shape, dim, keepdim):
    """A reduction's gradient in the shape of its input: reduced dims come back by broadcasting."""
    return xp.broadcast_to(kept(xp, g, len(shape), dim, keepdim), shape)


def kept(xp, g, ndim, dim, keepdim):
    """What a reduction gave, as with keepdim=True."""
    if keepdim or ndim == 0:
        return g
    dims = normalize_dims(dim, ndim)
    sizes = iter(g.shape)
    return xp.reshape(g, tuple([1 if d in dims else next(sizes) for d in range(ndim)]))


def summable(xp, input, dtype):
    """The input in the dtype that sums are formed in."""
    if dtype is not None:
        return xp.cast(input, dtype)
    return xp.cast(input, int64) if xp.dtype_of(input).category < FLOATING else input


def count(shape, dim):
    """How many elements go into each result."""
    return math.prod([shape[d] for d in normalize_dims(dim, len(shape))])


@op(publish=BOTH, promote="same")
def sum(xp, input, dim: Any = None, keepdim: bool = False, *, dtype: Any = None):
    """The sum of elements, all or along dims.

    Shape: (*) -> (* without dims).   Dtype: integers give int64.   Source: PyTorch `sum`.
    """
    return xp.add.reduce(summable(xp, input, dtype), axis=normalize_dims(dim, input.ndim), keepdims=keepdim)


@sum.gradient("input")
def _(xp, g, input_shape, dim, keepdim):
    return spread(xp, g, input_shape, dim, keepdim)


@op(publish=BOTH, promote="same")
def mean(xp, input, dim: Any = None, keepdim: bool = False, *, dtype: Any = None):
    """The mean of elements, all or along dims. Shape: (*) -> (* without dims).   Source: PyTorch `mean`."""
    if dtype is not None:
        input = xp.cast(input, dtype)
    kind = xp.dtype_of(input)
    if kind.category < FLOATING:
        raise RuntimeError("mean(): could not infer output dtype. Input dtype must be either a floating point or complex "
                           f"dtype. Got: {kind.name.capitalize()}. Convert with .float() first")
    axis = normalize_dims(dim, input.ndim)
    return xp.add.reduce(input, axis=axis, keepdims=keepdim) / xp.number_like(input, count(input.shape, dim))


@mean.gradient("input")
def _(xp, g, input_shape, dim, keepdim):
    return spread(xp, g / max(count(input_shape, dim), 1), input_shape, dim, keepdim)


@op(publish=BOTH, promote="same")
def prod(xp, input, dim: Any = None, keepdim: bool = False, *, dtype: Any = None):
    """The product of elements, all or along one dim. Shape: (*) -> (* without dim).   Source: PyTorch `prod`."""
    axis = None if dim is None else normalize_dim(dim, input.ndim) if input.ndim else None
    return xp.multiply.reduce(summable(xp, input, dtype), axis=axis, keepdims=keepdim and dim is not None)


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


@op(publish=BOTH, promote="same")
def amax(xp, input, dim: Any = (), keepdim: bool = False):
    """The largest element, gradients shared equally among ties. Shape: (*) -> (* without dims).   Source: PyTorch `amax`."""
    return extreme(xp, xp.maximum, "amax", input, dim, keepdim)


@op(publish=BOTH, promote="same")
def amin(xp, input, dim: Any = (), keepdim: bool = False):
    """The smallest element, gradients shared equally among ties. Shape: (*) -> (* without dims).   Source: PyTorch `amin`."""
    return extreme(xp, xp.minimum, "amin", input, dim, keepdim)


def extreme(xp, ufunc, name, input, dim, keepdim):
    axis = normalize_dims(dim, input.ndim)
    if input.size == 0 and count(input.shape, dim) == 0:
        raise IndexError(f"{name}(): Expected reduction dim {axis[0] if axis else 0} to have non-zero size.") if len(
            axis) < input.ndim else RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
                                                 "Specify the reduction dim with the 'dim' argument.")
    return ufunc.reduce(input, axis=axis, keepdims=keepdim)


def shared_among_ties(xp, g, input, out, dim, keepdim):
    """The gradient of amax and amin."""
    ndim = input.ndim
    hit = xp.cast(input == kept(xp, out, ndim, dim, keepdim), xp.dtype_of(g))
    ties = xp.sum(hit, axis=normalize_dims(dim, ndim), keepdims=True)
    return kept(xp, g, ndim, dim, keepdim) * hit / ties


amax.gradient("input")(shared_among_ties)
amin.gradient("input")(shared_among_ties)


@op(name="max_all", promote="same", grad_name="MaxBackward1")
def max_all(xp, input):
    """The largest of all elements. Shape: (*) -> ().   Source: PyTorch `max`."""
    return extreme_of_all(xp.maximum, "max", input)


@op(name="min_all", promote="same", grad_name="MinBackward1")
def min_all(xp, input):
    """The smallest of all elements. Shape: (*) -> ().   Source: PyTorch `min`."""
    return extreme_of_all(xp.minimum, "min", input)


def extreme_of_all(ufunc, name, input):
    if input.size == 0:
        raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction "
                           "dim with the 'dim' argument.")
    return ufunc.reduce(input, axis=None)


def shared_by_all_ties(xp, g, input, out):
    hit = xp.cast(input == out, xp.dtype_of(g))
    return g * hit / xp.sum(hit)


max_all.gradient("input")(shared_by_all_ties)
min_all.gradient("input")(shared_by_all_ties)


@op(name="max_dim", promote="same", opmath=False, grad_name="MaxBackward0")
def max_dim(xp, input, dim: int, keepdim: bool = False):
    """The largest elements along a dim and where they are. Shape: (*) -> two of (* without dim).   Source: PyTorch `max`."""
    return picked(xp, xp.argmax, "max", input, dim, keepdim)


@op(name="min_dim", promote="same", opmath=False, grad_name="MinBackward0")
def min_dim(xp, input, dim: int, keepdim: bool = False):
    """The smallest elements along a dim and where they are. Shape: (*) -> two of (* without dim).   Source: PyTorch `min`."""
    return picked(xp, xp.argmin, "min", input, dim, keepdim)


def picked(xp, find, name, input, dim, keepdim):
    """Values and indices of the extreme elements along a dim (the first of equals; NaN beats all)."""
    if xp.dtype_of(input).category == COMPLEX:
        raise RuntimeError(f"{name}(): does not support complex input")
    at = normalize_dim(dim, input.ndim)
    if input.ndim == 0:
        return xp.copy(input), xp.zeros((), int)
    if input.shape[at] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {at} to have non-zero size.")
    where = xp.expand_dims(find(input, axis=at), at)
    values = xp.take_along_axis(input, where, at)
    return (values, where) if keepdim else (xp.squeeze(values, at), xp.squeeze(where, at))


def to_the_picked(xp, g, outs, input_shape, dim, keepdim):
    """The gradient of an op that picks elements along a dim."""
    if len(input_shape) == 0:
        return g[0]
    at = dim % len(input_shape)
    value, where = (g[0], outs[1]) if keepdim else (xp.expand_dims(g[0], at), xp.expand_dims(outs[1], at))
    return xp.scatter_add(xp.zeros_like(value, shape=input_shape), at, where, value)


max_dim.gradient("input")(to_the_picked)
min_dim.gradient("input")(to_the_picked)


@op(publish=BOTH, promote="same", opmath=False, differentiable=False)
def argmax(xp, input, dim: Any = None, keepdim: bool = False):
    """Where the largest element is, among all (row-major) or along a dim.   Source: PyTorch `argmax`."""
    return position(xp, xp.argmax, "argmax", input, dim, keepdim)


@op(publish=BOTH, promote="same", opmath=False, differentiable=False)
def argmin(xp, input, dim: Any = None, keepdim: bool = False):
    """Where the smallest element is, among all (row-major) or along a dim.   Source: PyTorch `argmin`."""
    return position(xp, xp.argmin, "argmin", input, dim, keepdim)


def position(xp, find, name, input, dim, keepdim):
    if input.size == 0 and dim is None:
        raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                         "with the 'dim' argument.")
    at = None if dim is None or input.ndim == 0 else normalize_dim(dim, input.ndim)
    if dim is not None:
        normalize_dim(dim, input.ndim)
    if at is not None and input.shape[at] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {at} to have non-zero size.")
    return find(input, axis=at, keepdims=keepdim)


@op(publish=BOTH, differentiable=False)
def all(xp, input, dim: Any = None, keepdim: bool = False):
    """Whether every element is true, of all or along dims. Dtype: bool (uint8 stays).   Source: PyTorch `all`."""
    return truth(xp, xp.logical_and, input, dim, keepdim)


@op(publish=BOTH, differentiable=False)
def any(xp, input, dim: Any = None, keepdim: bool = False):
    """Whether some element is true, of all or along dims. Dtype: bool (uint8 stays).   Source: PyTorch `any`."""
    return truth(xp, xp.logical_or, input, dim, keepdim)


def truth(xp, ufunc, input, dim, keepdim):
    result = ufunc.reduce(input != 0, axis=normalize_dims(dim, input.ndim), keepdims=keepdim)
    return xp.cast(xp.asarray(result), xp.dtype_of(input)) if str(input.dtype) == "uint8" else result


@op(promote="same")
def variance(xp, input, dim: Any = None, correction: float = 1, keepdim: bool = False):
    """The mean squared distance from the mean, n - correction in place of n. Shape: (*) -> (* without dims).

    Source: PyTorch `var`.
    """
    centred = input - xp.mean(input, axis=normalize_dims(dim, input.ndim), keepdims=True)
    squares = xp.real(centred * xp.conj(centred))
    total = xp.add.reduce(squares, axis=normalize_dims(dim, input.ndim), keepdims=keepdim)
    return total / xp.number_like(squares, max(count(input.shape, dim) - correction, 0))


@variance.gradient("input")
def _(xp, g, input, dim, correction, keepdim):
    centred = input - xp.mean(input, axis=normalize_dims(dim, input.ndim), keepdims=True)
    degrees = max(count(input.shape, dim) - correction, 0)
    return kept(xp, g, input.ndim, dim, keepdim) * centred * (2 / degrees if degrees else float("inf"))


@op(publish=("stickonfire", "Tensor", "Tensor_"), promote="same")
def cumsum(xp, input, dim: int, *, dtype: Any = None):
    """Running sums along a dim. Shape: (*) -> (*).   Source: PyTorch `cumsum`."""
    values = summable(xp, input, dtype)
    at = normalize_dim(dim, input.ndim)
    return xp.cumsum(values, axis=at) if input.ndim else values


@cumsum.gradient("input")
def _(xp, g, dim):
    return xp.flip(xp.cumsum(xp.flip(g, dim), dim), dim) if g.ndim else g


@op(publish=("stickonfire", "Tensor", "Tensor_"), promote="same")
def cumprod(xp, input, dim: int, *, dtype: Any = None):
    """Running products along a dim. Shape: (*) -> (*).   Source: PyTorch `cumprod`."""
    values = summable(xp, input, dtype)
    at = normalize_dim(dim, input.ndim)
    return xp.cumprod(values, axis=at) if input.ndim else values


@op(promote="float")
def logsumexp_over(xp, input, dim: Any, keepdim: bool = False):
    """log(sum(exp(input))) along dims, without overflow. Shape: (*) -> (* without dims).   Source: PyTorch `logsumexp`."""
    axis = normalize_dims(dim, input.ndim)
    if input.size == 0:
        return xp.log(xp.add.reduce(xp.exp(input), axis=axis, keepdims=keepdim))
    top = xp.real(xp.amax(xp.real(input), axis=axis, keepdims=True))
    top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    total = xp.log(xp.add.reduce(xp.exp(input - top), axis=axis, keepdims=keepdim))
    return total + (top if keepdim else xp.reshape(top, total.shape))


@logsumexp_over.gradient("input")
def _(xp, g, input, out, dim, keepdim):
    ndim = input.ndim
    return kept(xp, g, ndim, dim, keepdim) * xp.conj(xp.exp(input - kept(xp, out, ndim, dim, keepdim)))
