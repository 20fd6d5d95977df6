"""The largest and smallest elements, and where they are.

`amax`/`amin` and the forms over all elements share the gradient among ties; the forms that also give positions send
it to the element picked. `torch.max` and `torch.min` choose among them in `eager/composite_reduce.py`.
"""
from __future__ import annotations

from typing import Any

from ..core.dtypes import BOOL, COMPLEX, SCALAR_NAMES
from ..core.shapes import normalize_dim, normalize_dims
from .op import op
from .reduce import BOTH, count, kept


@op(publish=BOTH, promote="same", opmath=False)
def amax(xp, input, dim: Any = (), keepdim: bool = False):
    """The largest element, gradients shared equally among ties.

    Shape: (*) -> (* without dims).   Source: PyTorch `amax`.
    """
    return extreme(xp, xp.maximum, "amax", input, dim, keepdim)


@op(publish=BOTH, promote="same", opmath=False)
def amin(xp, input, dim: Any = (), keepdim: bool = False):
    """The smallest element, gradients shared equally among ties.

    Shape: (*) -> (* without dims).   Source: PyTorch `amin`.
    """
    return extreme(xp, xp.minimum, "amin", input, dim, keepdim)


def extreme(xp, ufunc, name, input, dim, keepdim):
    refuse_complex(xp, name, input)
    axis = normalize_dims(dim, input.ndim)
    if input.size == 0 and count(input.shape, dim) == 0:
        if len(axis) < input.ndim:
            raise IndexError(f"{name}(): Expected reduction dim {axis[0]} to have non-zero size.")
        raise no_elements(name)
    return ufunc.reduce(input, axis=axis, keepdims=keepdim)


def no_elements(name):
    """PyTorch's error for the extreme of nothing."""
    return RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                        "reduction dim with the 'dim' argument.")


def refuse_complex(xp, name, input):
    """Complex numbers have no order."""
    if xp.dtype_of(input).category == COMPLEX:
        raise NotImplementedError(f'"{name}" not implemented for \'{SCALAR_NAMES[xp.dtype_of(input).name]}\'. '
                                  f'{name}() takes '
                                  "real numbers: take .abs(), .real or .imag first")


def shared_among_ties(xp, g, input, out, dim, keepdim):
    """The gradient of amax and amin."""
    ndim = input.ndim
    hit = xp.cast(input == kept(xp, out, ndim, dim, keepdim), xp.dtype_of(g))
    ties = xp.sum(hit, axis=normalize_dims(dim, ndim), keepdims=True)
    return kept(xp, g, ndim, dim, keepdim) * hit / ties


amax.gradient("input")(shared_among_ties)
amin.gradient("input")(shared_among_ties)


@op(promote="same", opmath=False, grad_name="MaxBackward1")
def max_all(xp, input):
    """The largest of all elements. Shape: (*) -> ().   Source: PyTorch `max`."""
    return extreme_of_all(xp, xp.maximum, "max", input)


@op(promote="same", opmath=False, grad_name="MinBackward1")
def min_all(xp, input):
    """The smallest of all elements. Shape: (*) -> ().   Source: PyTorch `min`."""
    return extreme_of_all(xp, xp.minimum, "min", input)


def extreme_of_all(xp, ufunc, name, input):
    if input.dtype.kind == "c":
        refuse_complex(xp, name, input)
    if input.size == 0:
        raise no_elements(name)
    return ufunc.reduce(input, axis=None)


def shared_by_all_ties(xp, g, input, out):
    hit = xp.cast(input == out, xp.dtype_of(g))
    return g * hit / xp.sum(hit)


max_all.gradient("input")(shared_by_all_ties)
min_all.gradient("input")(shared_by_all_ties)


@op(promote="same", opmath=False, grad_name="MaxBackward0")
def max_dim(xp, input, dim: int, keepdim: bool = False):
    """The largest elements along a dim and where they are.

    Shape: (*) -> two of (* without dim).   Source: PyTorch `max`.
    """
    return picked(xp, xp.maximum, "max", input, dim, keepdim)


@op(promote="same", opmath=False, grad_name="MinBackward0")
def min_dim(xp, input, dim: int, keepdim: bool = False):
    """The smallest elements along a dim and where they are.

    Shape: (*) -> two of (* without dim).   Source: PyTorch `min`.
    """
    return picked(xp, xp.minimum, "min", input, dim, keepdim)


def picked(xp, ufunc, name, input, dim, keepdim):
    """Values and indices of the extreme elements along a dim (the first of equals; NaN beats all)."""
    refuse_complex(xp, name, input)
    at = normalize_dim(dim, input.ndim)
    if input.ndim == 0:
        return xp.copy(input), xp.zeros((), int)
    if input.shape[at] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {at} to have non-zero size.")
    where = input.argmax(at, keepdims=keepdim) if name == "max" else input.argmin(at, keepdims=keepdim)
    return ufunc.reduce(input, axis=at, keepdims=keepdim), where


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
    """Where the largest element is, among all (row-major) or along a dim.

    Shape: (*) -> (* without dim), of int64.   Source: PyTorch `argmax`.
    """
    return position(xp, xp.argmax, "argmax", input, dim, keepdim)


@op(publish=BOTH, promote="same", opmath=False, differentiable=False)
def argmin(xp, input, dim: Any = None, keepdim: bool = False):
    """Where the smallest element is, among all (row-major) or along a dim.

    Shape: (*) -> (* without dim), of int64.   Source: PyTorch `argmin`.
    """
    return position(xp, xp.argmin, "argmin", input, dim, keepdim)


def position(xp, find, name, input, dim, keepdim):
    kind = xp.dtype_of(input)
    if kind.category == BOOL or kind.category == COMPLEX:
        raise RuntimeError(f"{name}(): does not support {'bool' if kind.category == BOOL else 'complex'} input. "
                           "Convert it to a real number first")
    if input.size == 0 and dim is None:
        raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                         "reduction dim with the 'dim' argument.")
    at = None if dim is None else normalize_dim(dim, input.ndim)
    if input.ndim == 0:
        return xp.zeros((), int)
    if at is not None and input.shape[at] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {at} to have non-zero size.")
    return find(input, axis=at, keepdims=keepdim)
