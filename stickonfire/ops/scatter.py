"""Gather and scatter: an index tensor says, for each element, where along one dim it comes from or goes to.
"""
from __future__ import annotations

from collections.abc import Sequence

from .index import BOTH, INPLACE
from .op import op


@op(publish=BOTH)
def gather(xp, input, dim: int, index, *, sparse_grad: bool = False):
    """out[i][j] = input[index[i][j]][j] for dim 0. Shape: that of index.   Source: PyTorch `gather`.

    >>> import stickonfire as torch
    >>> torch.gather(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    return xp.gathered(input, dim, index)


@gather.gradient("input")
def _(xp, g, input_shape, dim, index):
    return xp.scatter_add(xp.zeros_like(g, shape=input_shape), dim, index, g)


def same_dtype(xp, name, input, src):
    """Refuses a source of another dtype, as PyTorch does."""
    if src.dtype != input.dtype:
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype, but got "
                           f"{xp.dtype_of(input)} and {xp.dtype_of(src)}. Cast one with .to(dtype)")


@op(publish=INPLACE)
def scatter_add(xp, input, dim: int, index, src):
    """The input with src[i][j] added at [index[i][j]][j] for dim 0. Shape: (*), (#), (#) -> (*).

    Source: PyTorch `scatter_add`.
    """
    same_dtype(xp, "scatter", input, src)
    return xp.scatter_add(input, dim, index, src)


@scatter_add.gradient("input")
def _(xp, g):
    return g


@scatter_add.gradient("src")
def _(xp, g, dim, index, src_shape):
    return xp.widened_to(xp.gathered(g, dim, index), src_shape)


@op(grad_name="ScatterBackward0", scalars=True)
def scatter_values(xp, input, dim: int, index, src):
    """The input with src[i][j], or a number, put at [index[i][j]][j] for dim 0. Shape: (*), (#), (#) -> (*).

    Source: PyTorch `scatter`.
    """
    if not isinstance(src, (bool, int, float, complex)):
        same_dtype(xp, "scatter", input, src)
    return xp.scattered(input, dim, index, src)


@scatter_values.gradient("input")
def _(xp, g, dim, index):
    return xp.scattered(g, dim, index, 0)


@scatter_values.gradient("src")
def _(xp, g, dim, index, src_shape):
    return xp.widened_to(xp.gathered(g, dim, index), src_shape)


@op()
def widened_to(xp, input, shape: Sequence[int]):
    """The input in the low corner of zeros of a larger shape."""
    return xp.widened_to(input, shape)


@widened_to.gradient("input")
def _(xp, g, input_shape):
    return g[tuple([slice(n) for n in input_shape])]


REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


@op(publish=INPLACE, grad_name="ScatterReduceBackward0", opmath=True)
def scatter_reduce(xp, input, dim: int, index, src, reduce: str, *, include_self: bool = True):
    """The input with src[i][j] combined with what is at [index[i][j]][j] for dim 0: sum, prod, mean, amax,
    amin.

    Shape: (*), (#), (#) -> (*).   Source: PyTorch `scatter_reduce`.
    """
    if reduce not in REDUCTIONS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}.")
    same_dtype(xp, "scatter", input, src)
    return xp.scatter_combined(reduce, input, dim, index, src, include_self)


@scatter_reduce.gradient("input", "src")
def _(xp, g, input, src, out, dim, index, reduce, include_self, needs):
    rule = {"sum": of_sum, "mean": of_mean, "prod": of_prod}.get(reduce, of_extreme)
    corner = src[tuple([slice(n) for n in index.shape])] if index.ndim == src.ndim else src
    to_input, to_src = rule(xp, g, input, corner, out, dim, index, include_self)
    if not include_self:
        to_input = xp.scattered(to_input, dim, index, 0)
    return to_input, xp.widened_to(to_src, src.shape)


def of_sum(xp, g, input, src, out, dim, index, include_self):
    return g, xp.gathered(g, dim, index)


def of_mean(xp, g, input, src, out, dim, index, include_self):
    start = xp.ones_like(g) if include_self else xp.zeros_like(g)
    count = xp.scatter_add(start, dim, index, xp.ones_like(g, shape=index.shape))
    share = g / xp.where(count == 0, xp.ones_like(count), count)
    return share, xp.gathered(share, dim, index)


def of_extreme(xp, g, input, src, out, dim, index, include_self):
    """Shared equally among all that equal the result."""
    kind = xp.dtype_of(g)
    mine = xp.cast(input == out, kind)
    theirs = xp.cast(src == xp.gathered(out, dim, index), kind)
    if not include_self:
        mine = xp.scattered(mine, dim, index, 0)
    count = xp.scatter_add(mine, dim, index, theirs)
    share = g / xp.where(count == 0, xp.ones_like(count), count)
    return mine * share, theirs * xp.gathered(share, dim, index)


def of_prod(xp, g, input, src, out, dim, index, include_self):
    """The product of the others: by division, except where an element is zero.

    A group with one zero in src: that element's gradient is the product without it. With several, all are
    zero.
    """
    one, zero = xp.ones_like(input), xp.zeros_like(input)
    filled = xp.where(input == 0, one, input)
    to_input = g * combined(xp, filled, dim, index, src, include_self) / filled
    src_zero = src == 0
    zeros = xp.scatter_add(zero, dim, index, xp.cast(src_zero, xp.dtype_of(input)))
    single = src_zero & (xp.gathered(zeros, dim, index) == 1)
    without = combined(xp, input, dim, index, xp.where(single, xp.ones_like(src), src), include_self)
    divisor = xp.where(src_zero, xp.ones_like(src), src)
    to_src = xp.where(single, xp.gathered(g * without, dim, index), xp.gathered(g * out, dim, index) / divisor)
    return to_input, to_src


def combined(xp, input, dim, index, src, include_self):
    return xp.scatter_combined("prod", input, dim, index, src, include_self)
