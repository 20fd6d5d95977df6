"""Shapes: the same elements seen or laid out differently. Views alias where PyTorch's do.

`region` and `copy_slices` at the end are the graph's own words for views that were written to.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..core.shapes import broadcast_shapes, infer_size, normalize_dim, normalize_dims
from .op import op

BOTH = ("stickonfire", "Tensor")
Ints = Sequence[int]


def moved(dims: tuple[int, ...]) -> tuple[int, ...]:
    """The inverse of a permutation."""
    return tuple(sorted(range(len(dims)), key=dims.__getitem__))


@op(publish=BOTH, view="maybe", varargs="shape", grad_name="ViewBackward0")
def reshape(xp, input, shape: Ints):
    """The elements in row-major order under another shape; a view where strides allow. One size may be -1.

    Shape: (*) -> shape.   Source: PyTorch `reshape`.
    """
    return xp.reshape(input, infer_size(shape, input.size))


@reshape.gradient("input")
def _(xp, g, input_shape):
    return xp.reshape(g, input_shape)


@op(view="always", varargs="size", grad_name="ViewBackward0")
def view(xp, input, size: Ints):
    """The same memory under another shape.

    Shape: (*) -> size.   Raises: RuntimeError where only a copy could have that shape.   Source: PyTorch `Tensor.view`.
    """
    result = xp.reshape(input, infer_size(size, input.size))
    if input.size and not xp.shares_memory(result, input):
        raise RuntimeError("view size is not compatible with input tensor's size and stride (at least one dimension spans "
                           "across two contiguous subspaces). Use .reshape(...) instead.")
    return result


@view.gradient("input")
def _(xp, g, input_shape):
    return xp.reshape(g, input_shape)


@op(view="always")
def view_dtype(xp, input, dtype: Any):
    """The same memory read as another dtype; the last dim shrinks or grows with the size of an element."""
    native = xp.native_dtype(dtype)
    if input.ndim == 0 and native.itemsize != input.itemsize:
        raise RuntimeError(f"self.dim() cannot be 0 to view {xp.dtype_of(input)} as {dtype} (different element sizes)")
    return input.view(native)


@op(publish=BOTH, view="always")
def transpose(xp, input, dim0: int, dim1: int):
    """Two dims swapped. Shape: (..., A, ..., B, ...) -> (..., B, ..., A, ...).   Source: PyTorch `transpose`."""
    if input.ndim == 0:
        normalize_dim(dim0, 0), normalize_dim(dim1, 0)
        return input[...]
    return xp.swapaxes(input, normalize_dim(dim0, input.ndim), normalize_dim(dim1, input.ndim))


@transpose.gradient("input")
def _(xp, g, dim0, dim1):
    return xp.swapaxes(g, dim0, dim1) if g.ndim else g


@op(publish=BOTH, view="always")
def t(xp, input):
    """A matrix transposed; a vector or number as it is. Shape: (A, B) -> (B, A).   Source: PyTorch `t`."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return xp.transpose(input)


@t.gradient("input")
def _(xp, g):
    return xp.transpose(g)


@op(publish=BOTH, view="always", varargs="dims")
def permute(xp, input, dims: Ints):
    """Dims in another order. Shape: output dim i is input dim dims[i].   Source: PyTorch `permute`."""
    if len(dims) != input.ndim:
        raise RuntimeError(f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the "
                           f"desired ordering of dimensions i.e. input.dim() = {input.ndim} is not equal to len(dims) = "
                           f"{len(dims)}")
    order = tuple([normalize_dim(d, input.ndim) for d in dims])
    if len(set(order)) < len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return xp.transpose(input, order)


@permute.gradient("input")
def _(xp, g, dims):
    return xp.transpose(g, moved(tuple([d % g.ndim for d in dims])))


@op(publish=BOTH, aliases=("moveaxis",), view="always", grad_name="PermuteBackward0")
def movedim(xp, input, source: Any, destination: Any):
    """Dims moved to other positions, the rest in order.   Source: PyTorch `movedim`."""
    pairs = [normalize_dims(d, input.ndim, empty_is_all=False) for d in (source, destination)]
    if len(pairs[0]) != len(pairs[1]):
        raise RuntimeError("movedim: Invalid source or destination dims: source and destination must have the same number "
                           f"of elements, got {list(pairs[0])} and {list(pairs[1])}")
    return xp.moveaxis(input, *pairs) if input.ndim else input[...]


@movedim.gradient("input")
def _(xp, g, source, destination):
    return xp.moveaxis(g, destination, source) if g.ndim else g


@op(publish=("stickonfire", "Tensor", "Tensor_"), view="always")
def unsqueeze(xp, input, dim: int):
    """A dim of size 1 inserted. Shape: (*) -> (..., 1, ...).   Source: PyTorch `unsqueeze`."""
    return xp.expand_dims(input, normalize_dim(dim, input.ndim + 1))


@unsqueeze.gradient("input")
def _(xp, g, input_shape):
    return xp.reshape(g, input_shape)


@op(publish=BOTH, view="always", varargs="dim")
def squeeze(xp, input, dim: Any = None):
    """Dims of size 1 dropped, all or the given ones.   Source: PyTorch `squeeze`."""
    chosen = normalize_dims(dim, input.ndim, empty_is_all=False) if dim is not None else range(input.ndim)
    return xp.squeeze(input, tuple([d for d in chosen if input.ndim and input.shape[d] == 1]))


@squeeze.gradient("input")
def _(xp, g, input_shape):
    return xp.reshape(g, input_shape)


@op(publish=("Tensor",), view="always", varargs="size")
def expand(xp, input, size: Ints, *, implicit: bool = False):
    """Dims of size 1 repeated without copying; -1 keeps a size. Shape: (*) -> size.   Source: PyTorch `Tensor.expand`."""
    size = tuple(size)
    extra = len(size) - input.ndim
    if extra < 0:
        raise RuntimeError(f"expand(): the number of sizes provided ({len(size)}) must be greater or equal to the number of "
                           f"dimensions in the tensor ({input.ndim}), got {list(size)} for {list(input.shape)}")
    target = []
    for i, n in enumerate(size):
        old = input.shape[i - extra] if i >= extra else None
        if n == -1 and old is None:
            raise RuntimeError(f"expand(): The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing "
                               f"dimension {i}")
        if old is not None and n not in (-1, old) and old != 1:
            raise RuntimeError(f"The expanded size of the tensor ({n}) must match the existing size ({old}) at non-singleton "
                               f"dimension {i}.  Target sizes: {list(size)}.  Tensor sizes: {list(input.shape)}")
        target.append(old if n == -1 else n)
    return xp.expanded(input, tuple(target))


@expand.gradient("input")
def _(xp, g):
    return g                # the engine sums it back


@op(publish=BOTH, view="always", grad_name="ExpandBackward0")
def broadcast_to(xp, input, size: Ints):
    """The tensor expanded to a shape. Shape: (*) -> size.   Source: PyTorch `broadcast_to`."""
    return expand.forward(xp, input, size)


@broadcast_to.gradient("input")
def _(xp, g):
    return g


@op(publish=BOTH, view="maybe", grad_name="ViewBackward0")
def flatten(xp, input, start_dim: int = 0, end_dim: int = -1):
    """Dims start_dim to end_dim as one. Shape: (A, B, C) -> (A, B * C) for start_dim=1.   Source: PyTorch `flatten`."""
    first, last = normalize_dim(start_dim, input.ndim), normalize_dim(end_dim, input.ndim)
    if input.ndim == 0:
        return xp.reshape(input, (1,))
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = input.shape
    return xp.reshape(input, shape[:first] + (math.prod(shape[first:last + 1]),) + shape[last + 1:])


@flatten.gradient("input")
def _(xp, g, input_shape):
    return xp.reshape(g, input_shape)


@op(publish=BOTH, view="always", grad_name="ViewBackward0")
def unflatten(xp, input, dim: int, sizes: Ints):
    """One dim split into several. Shape: (A, B * C) -> (A, B, C).   Source: PyTorch `unflatten`."""
    at = normalize_dim(dim, input.ndim)
    if not len(sizes):
        raise RuntimeError("unflatten: sizes must be non-empty")
    try:
        parts = infer_size(sizes, input.shape[at] if input.ndim else 1)
    except RuntimeError:
        raise RuntimeError(f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
                           f"({input.shape[at]}) in the input tensor") from None
    return xp.reshape(input, input.shape[:at] + parts + input.shape[at + 1:])


@unflatten.gradient("input")
def _(xp, g, input_shape):
    return xp.reshape(g, input_shape)


@op(publish=("Tensor", "stickonfire"), view="always")
def diagonal(xp, input, offset: int = 0, dim1: int = 0, dim2: int = 1):
    """The diagonal of each matrix in dims dim1, dim2, as the last dim.   Source: PyTorch `diagonal`."""
    a, b = normalize_dim(dim1, input.ndim), normalize_dim(dim2, input.ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return xp.diagonal(input, offset, a, b)


@diagonal.gradient("input")
def _(xp, g, offset, dim1, dim2, input_shape):
    return xp.diagonal_scatter(xp.zeros_like(g, shape=input_shape), g, offset, dim1, dim2)


@op(publish=BOTH)
def diagonal_scatter(xp, input, src, offset: int = 0, dim1: int = 0, dim2: int = 1):
    """A copy with a diagonal replaced.   Source: PyTorch `diagonal_scatter`."""
    return xp.diagonal_scatter(input, src, offset, dim1, dim2)


@diagonal_scatter.gradient("input")
def _(xp, g, src_shape, offset, dim1, dim2):
    return xp.diagonal_scatter(g, xp.zeros_like(g, shape=src_shape), offset, dim1, dim2)


@diagonal_scatter.gradient("src")
def _(xp, g, offset, dim1, dim2):
    return xp.diagonal(g, offset, dim1, dim2)


@op(publish=("stickonfire", "Tensor", "Tensor_"), view="always")
def as_strided(xp, input, size: Ints, stride: Ints, storage_offset: Any = None):
    """A view with given strides, in elements, over the whole memory of the input.   Source: PyTorch `as_strided`."""
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    return xp.as_strided(input, tuple(size), tuple(stride), storage_offset)


@as_strided.gradient("input")
def _(xp, g, input_geometry, out_geometry):
    return xp.put_add(xp.zeros_like(g, shape=input_geometry[0]), xp.between(out_geometry, input_geometry), g)


@op(publish=("Tensor",), view="always")
def unfold(xp, input, dimension: int, size: int, step: int):
    """Windows of a dim, as a new last dim. Shape: (A, T) -> (A, (T - size) // step + 1, size) for dimension=1.

    Source: PyTorch `Tensor.unfold`.
    """
    dim = normalize_dim(dimension, input.ndim)
    length = input.shape[dim] if input.ndim else 1
    if size > length:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {length} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return xp.windows(input, dim, size, step)


@unfold.gradient("input")
def _(xp, g, dimension, size, step, input_shape):
    return xp.fold_windows(g, dimension, size, step, input_shape)


@op()
def fold_windows(xp, windows, dim: int, size: int, step: int, shape: Ints):
    """The adjoint of `unfold`: windows added up where they came from. Shape: (..., L, ..., size) -> shape."""
    return xp.fold_windows(windows, dim, size, step, shape)


@fold_windows.gradient("windows")
def _(xp, g, dim, size, step):
    return xp.windows(g, dim, size, step)


@op(publish=BOTH, variadic=True, promote="same", opmath=False)
def cat(xp, tensors, dim: int = 0):
    """Tensors joined along a dim. Shape: (A, B), (C, B) -> (A + C, B).   Source: PyTorch `cat`."""
    return xp.joined(tensors, dim)


@cat.gradient()
def _(xp, g, tensors_shape, dim):
    return split_like(xp, g, tensors_shape, dim)


def split_like(xp, g, shapes, dim):
    """The parts of g that belong to tensors of the given shapes joined along dim."""
    parts, start = [], 0
    at = dim % g.ndim
    for shape in shapes:
        if shape == (0,) and g.ndim != 1:       # PyTorch lets empty vectors join anything
            parts.append(xp.zeros_like(g, shape=(0,)))
            continue
        parts.append(g[(slice(None),) * at + (slice(start, start + shape[at]),)])
        start += shape[at]
    return parts


@op(publish=("stickonfire",), variadic=True, promote="same", opmath=False)
def stack(xp, tensors, dim: int = 0):
    """Tensors of one shape joined along a new dim. Shape: n x (A, B) -> (n, A, B).   Source: PyTorch `stack`."""
    first = tensors[0].shape
    for i, a in enumerate(tensors):
        if a.shape != first:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(first)} at entry 0 and "
                               f"{list(a.shape)} at entry {i}")
    at = normalize_dim(dim, len(first) + 1)
    return xp.joined([xp.expand_dims(a, at) for a in tensors], at)


@stack.gradient()
def _(xp, g, tensors_shape, dim):
    at = dim % g.ndim
    return [g[(slice(None),) * at + (i,)] for i in range(len(tensors_shape))]


@op(publish=("Tensor", "stickonfire"), view="always")
def unbind(xp, input, dim: int = 0):
    """The slices of a dim, without it. Shape: (n, *) -> n x (*).   Source: PyTorch `unbind`."""
    if input.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    at = (slice(None),) * normalize_dim(dim, input.ndim)
    return tuple([input[(*at, i, ...)] for i in range(input.shape[len(at)])])


@unbind.gradient("input")
def _(xp, g, dim):
    return xp.stack(g, dim)


@op(publish=("Tensor", "stickonfire"), view="always")
def split_with_sizes(xp, input, split_sizes: Ints, dim: int = 0):
    """Consecutive parts of a dim with the given sizes.   Source: PyTorch `split_with_sizes`."""
    at = normalize_dim(dim, input.ndim)
    if sum(split_sizes) != input.shape[at] or min(split_sizes, default=0) < 0:
        raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {input.shape[at]} (input tensor's size at "
                           f"dimension {dim}), but got split_sizes={list(split_sizes)}")
    parts, start = [], 0
    for n in split_sizes:
        parts.append(input[(slice(None),) * at + (slice(start, start + n),)])
        start += n
    return tuple(parts)


@split_with_sizes.gradient("input")
def _(xp, g, dim):
    return xp.concatenate(g, dim)


@op(publish=BOTH, varargs="dims")
def flip(xp, input, dims: Ints):
    """The order of elements along dims reversed.   Source: PyTorch `flip`."""
    return xp.copy(xp.flip(input, normalize_dims(dims, input.ndim, empty_is_all=False)))


@flip.gradient("input")
def _(xp, g, dims):
    return xp.flip(g, (dims,) if isinstance(dims, int) else tuple(dims))


@op(publish=BOTH)
def roll(xp, input, shifts: Any, dims: Any = None):
    """Elements shifted along dims, those that leave coming in at the other end.   Source: PyTorch `roll`."""
    return xp.roll(input, shifts, dims if dims is None or dims == 0 else dims or None)


@roll.gradient("input")
def _(xp, g, shifts, dims):
    back = -shifts if isinstance(shifts, int) else tuple([-n for n in shifts])
    return xp.roll(g, back, dims)


@op(publish=("Tensor",), varargs="repeats")
def repeat(xp, input, repeats: Ints):
    """The tensor repeated along each dim. Shape: (A, B) -> (A * r0, B * r1).   Source: PyTorch `Tensor.repeat`."""
    if len(repeats) < input.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if min(repeats, default=0) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(repeats)}")
    return xp.tile(input, tuple(repeats))


@repeat.gradient("input")
def _(xp, g, repeats, input_shape):
    shape = (1,) * (len(repeats) - len(input_shape)) + tuple(input_shape)
    spread = [n for pair in zip(repeats, shape) for n in pair]
    return xp.reshape(xp.sum(xp.reshape(g, spread), axis=tuple(range(0, len(spread), 2))), input_shape)


@op(publish=("stickonfire", "Tensor", "Tensor_"))
def tril(xp, input, diagonal: int = 0):
    """The lower triangle of each matrix, zeros above.   Source: PyTorch `tril`."""
    if input.ndim < 2:
        raise RuntimeError("tril: input tensor must have at least 2 dimensions")
    return xp.tril(input, diagonal)


@tril.gradient("input")
def _(xp, g, diagonal):
    return xp.tril(g, diagonal)


@op(publish=("stickonfire", "Tensor", "Tensor_"))
def triu(xp, input, diagonal: int = 0):
    """The upper triangle of each matrix, zeros below.   Source: PyTorch `triu`."""
    if input.ndim < 2:
        raise RuntimeError("triu: input tensor must have at least 2 dimensions")
    return xp.triu(input, diagonal)


@triu.gradient("input")
def _(xp, g, diagonal):
    return xp.triu(g, diagonal)


@op(publish=BOTH)
def clone(xp, input, *, memory_format: Any = None):
    """A copy, through which gradients flow.   Source: PyTorch `clone`."""
    return xp.copy(input)


@clone.gradient("input")
def _(xp, g):
    return g


@op(publish=("Tensor",), view="maybe", grad_name="CloneBackward0")
def contiguous(xp, input, memory_format: Any = None):
    """The tensor itself if row-major and dense, else such a copy.   Source: PyTorch `Tensor.contiguous`."""
    return xp.contiguous(input)


@contiguous.gradient("input")
def _(xp, g):
    return g


@op(grad_name="ToCopyBackward0")
def cast(xp, input, dtype: Any):
    """The tensor in another dtype.   Source: PyTorch `Tensor.to`."""
    out = xp.cast(input, dtype)
    return xp.copy(out) if out is input else out


@cast.gradient("input")
def _(xp, g):
    return g                # the engine casts it back


@op(grad_name="CopyBackwards")
def copy(xp, input, src, non_blocking: bool = False):
    """`src` in the shape and dtype of `input`, which `copy_` overwrites.   Source: PyTorch `Tensor.copy_`."""
    if broadcast_shapes(input.shape, src.shape) != input.shape:
        raise RuntimeError(f"The expanded size of the tensor {list(src.shape)} must match the existing size "
                           f"{list(input.shape)}: output with shape {list(input.shape)} doesn't match the broadcast shape")
    return xp.broadcast_to(xp.cast(src, xp.dtype_of(input)), input.shape)


@copy.gradient("input")
def _(xp, g):
    return xp.zeros_like(g)


@copy.gradient("src")
def _(xp, g):
    return g


@op(grad_name="AsStridedBackward0")
def region(xp, input, positions: Any):
    """The elements at flat positions of the input: a view whose base was written to.

    Shape: (*) -> shape of positions.   Source: PyTorch `as_strided`, as used for views modified in place.
    """
    return xp.take(input, positions)


@region.gradient("input")
def _(xp, g, positions, input_shape):
    return xp.put_add(xp.zeros_like(g, shape=input_shape), positions, g)


@op(grad_name="CopySlices")
def copy_slices(xp, base, value, positions: Any):
    """The base with the elements at flat positions replaced: a write through a view.

    Shape: (*), (M) -> (*).   Source: PyTorch `CopySlices`.
    """
    return xp.put(base, positions, value)


@copy_slices.gradient("base")
def _(xp, g, positions):
    return xp.put(g, positions, xp.zeros_like(xp.take(g, positions)))


@copy_slices.gradient("value")
def _(xp, g, positions):
    return xp.take(g, positions)
