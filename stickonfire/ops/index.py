"""Indexing: parts of a tensor by position, by index tensors, by masks; and writing them.

`basic_*` are `x[...]` with ints, slices and None (a view); `index` and `index_put` take index tensors.
`eager/indexing.py` splits a user's `x[...]` into the two.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.dtypes import BOOL
from ..core.shapes import normalize_dim
from .op import op

BOTH = ("stickonfire", "Tensor")
INPLACE = ("stickonfire", "Tensor", "Tensor_")


def basic(xp, input, index: tuple[Any, ...]):
    """x[index] for an index of ints, slices, None and `...`."""
    return input[index]


def basic_gradient(xp, g, index, input_shape):
    return xp.place(g, index, input_shape)


# one op under the names PyTorch gives the last step: select for an int, slice, unsqueeze for None, alias for nothing
BASIC = {}
for _step in ("Select", "Slice", "Unsqueeze", "Alias"):
    BASIC[_step] = op(name=f"basic_{_step.lower()}", view="always", grad_name=f"{_step}Backward0")(basic)
    BASIC[_step].gradient("input")(basic_gradient)


@op()
def place(xp, src, index: tuple[Any, ...], shape: Sequence[int]):
    """Zeros of a shape with `src` at `index`: the adjoint of basic indexing."""
    return xp.place(src, index, shape)


@place.gradient("src")
def _(xp, g, index):
    return g[index]


@op(variadic=True)
def index(xp, tensors, spec: tuple[Any, ...]):
    """x[i, :, j]: elements picked by index tensors. `spec` has True where an index tensor goes, else a full slice.

    Source: PyTorch `index`.
    """
    return tensors[0][filled(spec, tensors[1:])]


@index.gradient()
def _(xp, g, tensors, spec):
    return [xp.index_add_at(xp.zeros_like(g, shape=tensors[0].shape), spec, tensors[1:], g)] + [None] * (len(tensors) - 1)


def filled(spec, indices):
    """The index tuple that `spec` and the index arrays stand for."""
    rest = iter(indices)
    return tuple([next(rest) if part is True else part for part in spec])


@op(variadic=True, grad_name="IndexPutBackward0")
def index_put(xp, tensors, spec: tuple[Any, ...], accumulate: bool = False):
    """x with x[i, :, j] replaced by, or increased by, values. `tensors` is (x, values, *indices).

    Source: PyTorch `index_put`.
    """
    out = xp.copy(tensors[0])
    where_ = filled(spec, tensors[2:])
    values = xp.cast(tensors[1], xp.dtype_of(out))
    if accumulate:
        xp.add_at(out, where_, values)
    else:
        out[where_] = values
    return out


@index_put.gradient()
def _(xp, g, tensors, spec, accumulate):
    picked = g[filled(spec, tensors[2:])]
    kept = g if accumulate else xp.index_put_at(g, spec, tensors[2:], xp.zeros_like(picked))
    return [kept, picked] + [None] * (len(tensors) - 2)


@op(publish=BOTH)
def take(xp, input, index):
    """Elements by row-major position. Shape: (*), (M) -> (M).   Source: PyTorch `take`."""
    return xp.take(input, checked(index, input.size, "take"))


@take.gradient("input")
def _(xp, g, input_shape, index):
    return xp.put_add(xp.zeros_like(g, shape=input_shape), index, g)


@op(publish=INPLACE)
def put(xp, input, index, source, accumulate: bool = False):
    """The input with elements at row-major positions replaced by, or increased by, those of source.

    Source: PyTorch `put`.
    """
    if index.size != source.size:
        raise RuntimeError(f"put_(): Expected source and index to have the same number of elements, but got source.numel() = "
                           f"{source.size}, index.numel() = {index.size}")
    positions = checked(index, input.size, "put").reshape(-1)
    return (xp.put_add if accumulate else xp.put)(input, positions, source.reshape(-1))


@put.gradient("input")
def _(xp, g, index, source_shape, accumulate):
    return g if accumulate else xp.put(g, index, xp.zeros_like(g, shape=source_shape))


@put.gradient("source")
def _(xp, g, index, source_shape):
    return xp.reshape(xp.take(g, index), source_shape)


def checked(index, size, name):
    """Index arrays within range, else IndexError."""
    if index.size and (index.max() >= size or index.min() < -size):
        raise IndexError(f"{name}(): index out of range: tried to access {int(index.max() if index.max() >= size else index.min())} "
                         f"on a tensor of {size} elements.")
    return index


@op(publish=BOTH)
def gather(xp, input, dim: int, index, *, sparse_grad: bool = False):
    """out[i][j] = input[index[i][j]][j] for dim 0. Shape: that of index.   Source: PyTorch `gather`."""
    return xp.gathered(input, dim, index)


@gather.gradient("input")
def _(xp, g, input_shape, dim, index):
    return xp.scatter_add(xp.zeros_like(g, shape=input_shape), dim, index, g)


@op(publish=INPLACE)
def scatter_add(xp, input, dim: int, index, src):
    """The input with src[i][j] added at [index[i][j]][j] for dim 0.   Source: PyTorch `scatter_add`."""
    return xp.scatter_add(input, dim, index, src)


@scatter_add.gradient("input")
def _(xp, g):
    return g


@scatter_add.gradient("src")
def _(xp, g, dim, index, src_shape):
    return xp.widened_to(xp.gathered(g, dim, index), src_shape)


@op(promote="none", opmath=False)
def scatter_values(xp, input, dim: int, index, src):
    """The input with src[i][j] put at [index[i][j]][j] for dim 0; src is a tensor or a number."""
    return xp.scattered(input, dim, index, src)


@scatter_values.gradient("input")
def _(xp, g, dim, index):
    return xp.scattered(g, dim, index, xp.zeros_like(g, shape=index.shape))


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


@op(publish=BOTH)
def index_select(xp, input, dim: int, index):
    """Slices of a dim by index. Shape: (A, *), (M) -> (M, *) for dim 0.   Source: PyTorch `index_select`."""
    at = normalize_dim(dim, input.ndim)
    if index.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if input.ndim == 0:
        return input
    picks = checked_dim(index.reshape(-1), input.shape[at], "index_select")
    return xp.take(input, picks, axis=at)


def checked_dim(index, size, name):
    """Index arrays within [0, size), else IndexError. Negative ones are not allowed here."""
    if index.size and (index.max() >= size or index.min() < 0):
        raise IndexError(f"{name}(): index out of range in self: index {int(index.max())} is out of bounds for size {size}")
    return index


@index_select.gradient("input")
def _(xp, g, input_shape, dim, index):
    return xp.index_add(xp.zeros_like(g, shape=input_shape), dim, index, g)


@op(publish=INPLACE, scalars=False)
def index_add(xp, input, dim: int, index, source, *, alpha: Any = 1):
    """The input with slices of source added at the given places of a dim.   Source: PyTorch `index_add`."""
    return xp.index_add(input, dim, index, source if alpha == 1 else source * alpha)


@index_add.gradient("input")
def _(xp, g):
    return g


@index_add.gradient("source")
def _(xp, g, dim, index, source_shape, alpha):
    picked = xp.reshape(xp.index_select(g, dim, index), source_shape)
    return picked if alpha == 1 else picked * alpha


@op(promote="same", exempt=("condition",), scalars=True, opmath=False)
def where(xp, condition, input, other):
    """input where the condition holds, else other. Shape: all three broadcast.   Source: PyTorch `where`."""
    if xp.dtype_of(condition).category != BOOL and str(condition.dtype) != "uint8":
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype}")
    return xp.where(condition, input, other)


@where.gradient("input")
def _(xp, g, condition):
    return xp.where(condition, g, xp.zeros_like(g))


@where.gradient("other")
def _(xp, g, condition):
    return xp.where(condition, xp.zeros_like(g), g)


@op(publish=INPLACE, scalars=True, opmath=False)
def masked_fill(xp, input, mask, value):
    """The input with `value` where the mask is True. Shape: (*), broadcastable mask.   Source: PyTorch `masked_fill`."""
    if xp.dtype_of(mask).category != BOOL:
        raise RuntimeError("masked_fill_ only supports boolean masks, but got mask with dtype " + str(xp.dtype_of(mask)))
    if getattr(value, "ndim", 0):
        raise RuntimeError(f"masked_fill only supports a 0-dimensional value tensor, but got tensor with {value.ndim} "
                           "dimension(s).")
    kind = xp.dtype_of(input)
    number = xp.asarray(value)
    if xp.dtype_of(number).category > kind.category:
        raise RuntimeError(f"value cannot be converted to type {kind} without overflow")
    return xp.where(mask, xp.cast(number, kind), input)


@masked_fill.gradient("input")
def _(xp, g, mask):
    return xp.where(mask, xp.zeros_like(g), g)


@masked_fill.gradient("value")
def _(xp, g, mask):
    return xp.sum(xp.where(mask, g, xp.zeros_like(g)))


@op(publish=BOTH)
def masked_select(xp, input, mask):
    """The elements where the mask is True, in row-major order. Shape: (*), (*) -> (count).   Source: PyTorch `masked_select`."""
    if xp.dtype_of(mask).category != BOOL:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = xp.broadcast_shapes(input.shape, mask.shape)
    return xp.broadcast_to(input, shape)[xp.broadcast_to(mask, shape)]


@masked_select.gradient("input")
def _(xp, g, input_shape, mask):
    shape = xp.broadcast_shapes(input_shape, mask.shape)
    return xp.put(xp.zeros_like(g, shape=shape), xp.flatnonzero(xp.broadcast_to(mask, shape)), g)


@op(differentiable=False)
def nonzero_positions(xp, input):
    """The indices of non-zero elements, one a row. Shape: (*) -> (count, ndim).   Source: PyTorch `nonzero`."""
    if input.ndim == 0:
        return xp.zeros((int(bool(input)), 0), int)
    return xp.stack(xp.nonzero(input), 1)
