"""Indexing: parts of a tensor by position, by index tensors, by masks; and writing them.

`basic_*` are `x[...]` with ints, slices and None (a view); `index` and `index_put` take index tensors.
`eager/indexing.py` splits a user's `x[...]` into the two. Gather and scatter stand in `scatter.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.dtypes import BOOL, COMPLEX, FLOATING
from ..core.shapes import normalize_dim
from .common import is_number
from .op import op

BOTH = ("stickonfire", "Tensor")
INPLACE = ("stickonfire", "Tensor", "Tensor_")


def basic(xp, input, index: tuple[Any, ...]):
    """x[index] for an index of ints, slices, None and `...`."""
    return xp.basic(input, index)


def basic_gradient(xp, g, index, input_shape):
    return xp.place(g, index, input_shape)


# one op under the names PyTorch gives the last step: select for an int, slice, unsqueeze for None, alias for
# nothing
BASIC = {}
for _step in ("Select", "Slice", "Unsqueeze", "Alias"):
    BASIC[_step] = op(name=f"basic_{_step.lower()}", view="always", grad_name=f"{_step}Backward0")(basic)
    BASIC[_step].gradient("input")(basic_gradient)


@op()
def place(xp, src, index: tuple[Any, ...], shape: Sequence[int]):
    """Zeros of a shape with `src` at `index`: the adjoint of basic indexing. Shape: (*) -> shape."""
    return xp.place(src, index, shape)


@place.gradient("src")
def _(xp, g, index):
    return g[index]


@op(variadic=True)
def index(xp, tensors, spec: tuple[Any, ...]):
    """x[i, :, j]: elements picked by index tensors. `spec` has True where one goes, else a full slice.

    Shape: index shapes, broadcast, in place of the dims they index.   Source: PyTorch `index`.
    """
    if spec[-1] is True and len(tensors) == 2 and tensors[1].dtype.kind == "i":
        return xp.take(tensors[0], tensors[1], axis=len(spec) - 1)      # quicker, and row-major
    return xp.contiguous(tensors[0][filled(spec, tensors[1:])])


@index.gradient()
def _(xp, g, tensors, spec):
    zeros = xp.zeros_like(g, shape=tensors[0].shape)
    return [xp.index_add_at(zeros, spec, tensors[1:], g)] + [None] * (len(tensors) - 1)


@op(grad_name="IndexBackward0")
def index_rows(xp, input, rows, dim: int):
    """x[rows] for one index tensor of ints: `index` at its commonest.

    Shape: (A, *), (M) -> (M, *) for dim 0.
    """
    return xp.take(input, rows, axis=dim)


@index_rows.gradient("input")
def _(xp, g, input_shape, rows, dim):
    spec = (slice(None),) * dim + (True,)
    return xp.index_add_at(xp.zeros_like(g, shape=input_shape), spec, [rows], g)


def filled(spec, indices):
    """The index tuple that `spec` and the index arrays stand for."""
    rest = iter(indices)
    return tuple([next(rest) if part is True else part for part in spec])


@op(variadic=True, grad_name="IndexPutBackward0")
def index_put(xp, tensors, spec: tuple[Any, ...], accumulate: bool = False):
    """x with x[i, :, j] replaced by, or increased by, values. `tensors` is (x, values, *indices).

    Shape: (*) -> (*); values broadcast.   Source: PyTorch `index_put`.
    """
    values = xp.cast(tensors[1], xp.dtype_of(tensors[0]))
    return (xp.index_add_at if accumulate else xp.index_put_at)(tensors[0], spec, tensors[2:], values)


@index_put.gradient()
def _(xp, g, tensors, spec, accumulate):
    picked = g[filled(spec, tensors[2:])]
    kept = g if accumulate else xp.index_put_at(g, spec, tensors[2:], xp.zeros_like(picked))
    return [kept, picked] + [None] * (len(tensors) - 2)


@op(publish=BOTH)
def take(xp, input, index):
    """Elements by row-major position. Shape: (*), (M) -> (M).   Source: PyTorch `take`."""
    if input.size == 0 and index.size:
        raise IndexError("take(): tried to take from an empty tensor")
    return xp.take(input, checked(index, input.size, "take"))


@take.gradient("input")
def _(xp, g, input_shape, index):
    return xp.put_add(xp.zeros_like(g, shape=input_shape), index, g)


@op(publish=INPLACE)
def put(xp, input, index, source, accumulate: bool = False):
    """The input with elements at row-major positions replaced by, or increased by, those of source.

    Shape: (*), (M), (M) -> (*).   Source: PyTorch `put`.
    """
    if index.size != source.size:
        raise RuntimeError("put_(): Expected source and index to have the same number of elements, but got "
                           f"source.numel() = {source.size}, index.numel() = {index.size}")
    if xp.dtype_of(input) is not xp.dtype_of(source):
        raise RuntimeError("put_(): self and source expected to have the same dtype, but got self.dtype = "
                           f"{xp.dtype_of(input)} and source.dtype = {xp.dtype_of(source)}")
    positions = checked(index, input.size, "put").reshape(-1)
    return (xp.put_add if accumulate else xp.put)(input, positions, source.reshape(-1))


@put.gradient("input")
def _(xp, g, index, accumulate):
    return g if accumulate else xp.put(g, index, xp.zeros_like(g, shape=index.shape))


@put.gradient("source")
def _(xp, g, index, source_shape):
    return xp.reshape(xp.take(g, index), source_shape)


def checked(index, size, name):
    """Index arrays within range, else IndexError; of int64, else RuntimeError."""
    if index.dtype != "int64":
        raise RuntimeError(f"{name}(): Expected a long tensor for index, but got {index.dtype}")
    if index.size and (index.max() >= size or index.min() < -size):
        bad = index.max() if index.max() >= size else index.min()
        raise IndexError(f"{name}(): index out of range: tried to access {int(bad)} on a tensor of {size} elements.")
    return index


@op(publish=BOTH)
def index_select(xp, input, dim: int, index):
    """Slices of a dim by index. Shape: (A, *), (M) -> (M, *) for dim 0.   Source: PyTorch `index_select`."""
    at = normalize_dim(dim, input.ndim)
    picks = vector("index_select", index)
    if input.ndim == 0:
        return xp.copy(input)
    return xp.take(input, checked_dim(xp, picks, input.shape[at], "index_select"), axis=at)


def vector(name, index):
    """An index array of at most one dim, as a vector of ints."""
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector")
    if index.dtype.kind != "i" or index.dtype.itemsize < 4:
        raise RuntimeError(f"{name}(): Expected dtype int32 or int64 for index, but got {index.dtype}")
    return index.reshape(-1)


def checked_dim(xp, index, size, name):
    """Index arrays within [0, size), else IndexError. Negative ones are not allowed here."""
    if xp.out_of_range(index, size):
        bad = index.max() if index.max() >= size else index.min()
        raise IndexError(f"{name}(): index out of range in self: index {int(bad)} is out of bounds for size {size}")
    return index


@index_select.gradient("input")
def _(xp, g, input_shape, dim, index):
    return xp.index_sum(g, dim, index, input_shape)


def checked_slices(xp, name, input, dim, index, source):
    """The checks that index_add and index_copy share."""
    at = normalize_dim(dim, input.ndim)
    picks = checked_dim(xp, vector(name, index), input.shape[at] if input.ndim else 1, name)
    if xp.dtype_of(input) is not xp.dtype_of(source):
        raise RuntimeError(f"{name}(): self and source expected to have the same dtype, but got "
                           f"(self) {xp.dtype_of(input)} and (source) {xp.dtype_of(source)}")
    length = source.shape[dim] if source.ndim else 1
    if picks.size != length:
        raise IndexError(f"{name}(): Number of indices ({picks.size}) should be equal to source.size(dim) "
                         f"({length}) for dim: {dim}") if name == "index_copy" else RuntimeError(
            f"{name}(): Number of indices ({picks.size}) should be equal to source.size(dim): ({length}), for "
            f"dim: {dim}")
    if input.ndim and source.ndim and (source.shape[:at] != input.shape[:at] or
                                       source.shape[at + 1:] != input.shape[at + 1:]):
        raise RuntimeError(f"{name}(): source tensor shape must match self tensor shape, excluding the specified "
                           f"dimension. Got self.shape = {list(input.shape)} source.shape = {list(source.shape)}")


@op(publish=INPLACE)
def index_add(xp, input, dim: int, index, source, *, alpha: Any = 1):
    """The input with slices of source added at the given places of a dim.

    Shape: (A, *), (M), (M, *) -> (A, *) for dim 0.   Source: PyTorch `index_add`.
    """
    checked_slices(xp, "index_add", input, dim, index, source)
    return xp.index_add(input, dim, index, source if alpha == 1 else source * alpha)


@index_add.gradient("input")
def _(xp, g):
    return g


@index_add.gradient("source")
def _(xp, g, dim, index, source_shape, alpha):
    picked = xp.reshape(xp.selected(g, dim, index), source_shape)
    return picked if alpha == 1 else picked * alpha


@op(publish=INPLACE)
def index_copy(xp, input, dim: int, index, source):
    """The input with slices of a dim replaced by those of source.

    Shape: (A, *), (M), (M, *) -> (A, *) for dim 0.   Source: PyTorch `index_copy`.
    """
    checked_slices(xp, "index_copy", input, dim, index, source)
    return xp.index_copy(input, dim, index, source)


@index_copy.gradient("input")
def _(xp, g, dim, index):
    return xp.index_fill(g, dim, index, 0)


@index_copy.gradient("source")
def _(xp, g, dim, index, source_shape):
    return xp.reshape(xp.selected(g, dim, index), source_shape)


@op(publish=INPLACE, scalars=True)
def index_fill(xp, input, dim: int, index, value):
    """The input with slices of a dim set to a number.

    Shape: (A, *), (M) -> (A, *).   Source: PyTorch `index_fill`.
    """
    normalize_dim(dim, input.ndim)
    picks = vector("index_fill_", index)
    return xp.index_fill(input, dim, picks, number_for(xp, input, value, "index_fill_"))


@index_fill.gradient("input")
def _(xp, g, dim, index):
    return xp.index_fill(g, dim, index, 0)


@index_fill.gradient("value")
def _(xp, g, dim, index):
    # an index that repeats counts once
    return xp.sum(g * xp.index_fill(xp.zeros_like(g), dim, index, 1))


def number_for(xp, input, value, name):
    """A fill value, a number or a 0-d array, in the input's dtype."""
    if getattr(value, "ndim", 0):
        raise RuntimeError(f"{name} only supports a 0-dimensional value tensor, but got tensor with {value.ndim} "
                           "dimension(s).")
    kind, number = xp.dtype_of(input), xp.asarray(value)
    given = xp.dtype_of(number).category
    if given == COMPLEX > kind.category or given == FLOATING > kind.category and not abs(number) < 2 ** 63:
        raise RuntimeError(f"value cannot be converted to type {kind} without overflow")
    return xp.cast(number, kind)


def beside(xp, number, array):
    """A Python number as an operand of `where`: NumPy would take bfloat16 and a float for float64."""
    return xp.cast(xp.asarray(number), xp.dtype_of(array)) if array.dtype.itemsize == 2 else number


@op(promote="same", exempt=("condition",), scalars=True, opmath=False)
def where(xp, condition, input, other):
    """input where the condition holds, else other. Shape: all three broadcast.   Source: PyTorch `where`."""
    if condition.dtype.kind != "b" and condition.dtype != "uint8":
        raise RuntimeError("where expected condition to be a boolean tensor, but got a tensor with dtype "
                           f"{xp.dtype_of(condition)}")
    if is_number(other):
        other = beside(xp, other, input)
    elif is_number(input):
        input = beside(xp, input, other)
    return xp.where(condition, input, other)


@where.gradient("input")
def _(xp, g, condition):
    return xp.where(condition, g, xp.zeros_like(g))


@where.gradient("other")
def _(xp, g, condition):
    return xp.where(condition, xp.zeros_like(g), g)


def bool_mask(xp, name, mask):
    """The mask, if it is one."""
    if xp.dtype_of(mask).category != BOOL:
        raise RuntimeError(f"{name} only supports boolean masks, but got mask with dtype {xp.dtype_of(mask)}")
    return mask


@op(publish=INPLACE, scalars=True, opmath=False)
def masked_fill(xp, input, mask, value):
    """The input with `value` where the mask is True. Shape: (*), broadcastable mask.

    Source: PyTorch `masked_fill`.
    """
    return xp.where(bool_mask(xp, "masked_fill", mask), number_for(xp, input, value, "masked_fill"), input)


@masked_fill.gradient("input")
def _(xp, g, mask):
    return xp.where(mask, xp.zeros_like(g), g)


@masked_fill.gradient("value")
def _(xp, g, mask):
    return xp.sum(xp.where(mask, g, xp.zeros_like(g)))


@op(publish=BOTH)
def masked_select(xp, input, mask):
    """The elements where the mask is True, in row-major order. Shape: (*), (*) -> (count).

    Source: PyTorch `masked_select`.
    """
    if xp.dtype_of(mask).category != BOOL:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = xp.broadcast_shapes(input.shape, mask.shape)
    return xp.broadcast_to(input, shape)[xp.broadcast_to(mask, shape)]


@masked_select.gradient("input")
def _(xp, g, input_shape, mask):
    shape = xp.broadcast_shapes(input_shape, mask.shape)
    return xp.put(xp.zeros_like(g, shape=shape), xp.flatnonzero(xp.broadcast_to(mask, shape)), g)


@op(publish=INPLACE)
def masked_scatter(xp, input, mask, source):
    """The input with the elements of source, in order, where the mask is True. Shape: (*), (*), (M) -> (*).

    Source: PyTorch `masked_scatter`.
    """
    if xp.dtype_of(input) is not xp.dtype_of(source):
        raise RuntimeError(f"masked_scatter_: expected self and source to have same dtypes but got "
                           f"{xp.dtype_of(input)} and {xp.dtype_of(source)}")
    return xp.masked_scattered(input, bool_mask(xp, "masked_scatter_", mask), source)


@masked_scatter.gradient("input")
def _(xp, g, mask):
    return xp.where(mask, xp.zeros_like(g), g)


@masked_scatter.gradient("source")
def _(xp, g, mask, source_shape):
    places = xp.flatnonzero(xp.broadcast_to(mask, g.shape))
    length = 1
    for n in source_shape:
        length *= n
    return xp.reshape(xp.widened_to(xp.take(g, places), (length,)), source_shape)


@op(differentiable=False)
def nonzero_positions(xp, input):
    """The indices of non-zero elements, one a row.

    Shape: (*) -> (count, ndim).   Source: PyTorch `nonzero`.
    """
    if input.ndim == 0:
        return xp.zeros((int(bool(input)), 0), int)
    return xp.nonzero_rows(input)


@op(scalars=True, grad_name="FillBackward3")
def fill_with(xp, input, value):
    """The input with every element a number: `x[...] = number`.

    Shape: (*), () -> (*).   Source: PyTorch `fill_`.
    """
    return xp.full(input.shape, number_for(xp, input, value, "fill_"), input.dtype)


@fill_with.inplace()
def _(xp, input, value):
    input.fill(value)


@fill_with.gradient("input")
def _(xp, g):
    return xp.zeros_like(g)


@fill_with.gradient("value")
def _(xp, g):
    return xp.sum(g)
