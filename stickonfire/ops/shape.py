"""Views: the same elements, and mostly the same memory, under another shape. They alias where PyTorch's do.

`region` and `copy_slices` at the end are the graph's own words for views that were written to. What copies
elements around stands in `rearrange.py`.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..core.shapes import infer_size, normalize_dim, normalize_dims
from .op import op

BOTH = ("stickonfire", "Tensor")
Ints = Sequence[int]
WHOLE = slice(None)


def moved(dims: tuple[int, ...]) -> tuple[int, ...]:
    """The inverse of a permutation."""
    return tuple(sorted(range(len(dims)), key=dims.__getitem__))


def reshaped_back(xp, g, input_shape):
    """The gradient of what only changes the shape."""
    return xp.reshape(g, input_shape)


def passed_on(xp, g):
    """The gradient of a copy, and of an expansion: the engine sums it back."""
    return g


@op(publish=BOTH, view="maybe", varargs="shape", grad_name="ViewBackward0")
def reshape(xp, input, shape: Ints):
    """The elements in row-major order under another shape; a view where strides allow. One size may be -1.

    Shape: (*) -> shape.   Source: PyTorch `reshape`.
    """
    return reshaped(xp, input, shape)


def reshaped(xp, input, shape):
    """The array under another shape, or PyTorch's error if it does not fit."""
    try:
        return input.reshape(shape)
    except (ValueError, TypeError):
        return xp.reshape(input, infer_size(shape, input.size))


reshape.gradient("input")(reshaped_back)


@op(publish=BOTH, view="maybe", grad_name="ViewBackward0")
def ravel(xp, input):
    """All elements as a vector; a view if they lie dense and row-major. Shape: (*) -> (N).

    Source: PyTorch `ravel`.
    """
    return xp.contiguous(input).reshape(-1)


ravel.gradient("input")(reshaped_back)


@op(view="always", varargs="size", grad_name="ViewBackward0")
def view(xp, input, size: Ints):
    """The same memory under another shape.

    Shape: (*) -> size.   Raises: RuntimeError where only a copy could have that shape.
    Source: PyTorch `Tensor.view`.
    """
    result = reshaped(xp, input, size)
    if not input.flags.c_contiguous and input.size and not xp.shares_memory(result, input):
        raise RuntimeError("view size is not compatible with input tensor's size and stride (at least one "
                           "dimension spans across two contiguous subspaces). Use .reshape(...) instead.")
    return result


view.gradient("input")(reshaped_back)


@op(view="always")
def view_dtype(xp, input, dtype: Any):
    """The same memory read as another dtype; the last dim shrinks or grows with the size of an element.

    Shape: (*, N) -> (*, N * old size / new size).   Raises: RuntimeError where the last dim does not allow
    that.
    Source: PyTorch `Tensor.view`.
    """
    native = xp.native_dtype(dtype)
    if input.ndim == 0 and native.itemsize != input.itemsize:
        raise RuntimeError(f"self.dim() cannot be 0 to view {xp.dtype_of(input)} as {dtype} (different element sizes)")
    try:
        return input.view(native)
    except ValueError:
        raise RuntimeError(f"self.size(-1) must be divisible by {native.itemsize // input.itemsize or 1} and the "
                           f"last dim dense to view {xp.dtype_of(input)} as {dtype} (different element sizes), but "
                           f"got {list(input.shape)}") from None


@op(publish=BOTH, view="always")
def transpose(xp, input, dim0: int, dim1: int):
    """Two dims swapped.

    Shape: (..., A, ..., B, ...) -> (..., B, ..., A, ...).   Source: PyTorch `transpose`.
    """
    try:
        return input.swapaxes(dim0, dim1)
    except (ValueError, TypeError):
        normalize_dim(dim0, input.ndim), normalize_dim(dim1, input.ndim)
        return input[...]


@transpose.gradient("input")
def _(xp, g, dim0, dim1):
    return xp.swapaxes(g, dim0, dim1) if g.ndim else g


@op(publish=BOTH, view="always")
def t(xp, input):
    """A matrix transposed; a vector or number as it is. Shape: (A, B) -> (B, A).   Source: PyTorch `t`."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return input.transpose()


@t.gradient("input")
def _(xp, g):
    return xp.transpose(g)


@op(publish=BOTH, view="always", varargs="dims")
def permute(xp, input, dims: Ints):
    """Dims in another order. Shape: output dim i is input dim dims[i].   Source: PyTorch `permute`."""
    try:
        return input.transpose(dims)
    except (ValueError, TypeError):
        pass
    if len(dims) != input.ndim:
        raise RuntimeError("permute(sparse_coo): number of dimensions in the tensor input does not match the length "
                           f"of the desired ordering of dimensions i.e. input.dim() = {input.ndim} is not equal to "
                           f"len(dims) = {len(dims)}")
    order = tuple([normalize_dim(d, input.ndim) for d in dims])
    if len(set(order)) < len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return input.transpose(order)


@permute.gradient("input")
def _(xp, g, dims):
    return xp.transpose(g, moved(tuple([d % g.ndim for d in dims])))


@op(publish=BOTH, aliases=("moveaxis",), view="always", grad_name="PermuteBackward0")
def movedim(xp, input, source: Any, destination: Any):
    """Dims moved to other positions, the rest in order.   Source: PyTorch `movedim`."""
    pairs = [dims_once(d, input.ndim) for d in (source, destination)]
    if len(pairs[0]) != len(pairs[1]):
        raise RuntimeError("movedim: Invalid source or destination dims: source and destination must have the same "
                           f"number of elements, got {list(pairs[0])} and {list(pairs[1])}")
    return xp.moveaxis(input, *pairs) if input.ndim else input[...]


def dims_once(dims, ndim):
    """Normalized dims, none of them twice."""
    return normalize_dims(dims, ndim, empty_is_all=False)


@movedim.gradient("input")
def _(xp, g, source, destination):
    return xp.moveaxis(g, destination, source) if g.ndim else g


@op(publish=BOTH, view="always")
def unsqueeze(xp, input, dim: int):
    """A dim of size 1 inserted. Shape: (*) -> (..., 1, ...).   Source: PyTorch `unsqueeze`."""
    return xp.unsqueezed(input, normalize_dim(dim, input.ndim + 1))


unsqueeze.gradient("input")(reshaped_back)


@op(publish=BOTH, view="always")
def squeeze(xp, input, dim: Any = None):
    """Dims of size 1 dropped, all or the given ones.

    Shape: (A, 1, B) -> (A, B).   Source: PyTorch `squeeze`.
    """
    chosen = dims_once(dim, input.ndim) if dim is not None else range(input.ndim)
    return input.squeeze(tuple([d for d in chosen if input.ndim and input.shape[d] == 1]))


@squeeze.gradient("input")
def _(xp, g, input_shape, dim):
    return xp.reshape(g, input_shape)


@op(publish=("Tensor",), view="always", varargs="size")
def expand(xp, input, size: Ints, *, implicit: bool = False):
    """Dims of size 1 repeated without copying; -1 keeps a size. Shape: (*) -> size.

    Source: PyTorch `Tensor.expand`.
    """
    size = tuple(size)
    extra = len(size) - input.ndim
    if extra < 0:
        raise RuntimeError(f"expand(): the number of sizes provided ({len(size)}) must be greater or equal to the "
                           f"number of dimensions in the tensor ({input.ndim}), got {list(size)} for "
                           f"{list(input.shape)}")
    target = []
    for i, n in enumerate(size):
        old = input.shape[i - extra] if i >= extra else None
        if n < 0 and (n != -1 or old is None):
            raise RuntimeError(f"expand(): The expanded size of the tensor ({n}) isn't allowed in a leading, "
                               f"non-existing dimension {i}")
        if old is not None and n not in (-1, old) and old != 1:
            raise RuntimeError(f"The expanded size of the tensor ({n}) must match the existing size ({old}) at "
                               f"non-singleton dimension {i}.  Target sizes: {list(size)}.  Tensor sizes: "
                               f"{list(input.shape)}")
        target.append(old if n == -1 else n)
    return xp.expanded(input, target)


expand.gradient("input")(passed_on)


@op(publish=BOTH, view="always", grad_name="ExpandBackward0")
def broadcast_to(xp, input, size: Ints):
    """The tensor expanded to a shape. Shape: (*) -> size.   Source: PyTorch `broadcast_to`."""
    return expand.forward(xp, input, size)


broadcast_to.gradient("input")(passed_on)


@op(view="maybe", grad_name="ViewBackward0")
def flatten(xp, input, start_dim: int = 0, end_dim: int = -1):
    """Dims start_dim to end_dim as one. Shape: (A, B, C) -> (A, B * C) for start_dim=1.

    Source: PyTorch `flatten`.
    """
    first, last = normalize_dim(start_dim, input.ndim), normalize_dim(end_dim, input.ndim)
    if input.ndim == 0:
        return input.reshape(1)
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = input.shape
    return input.reshape(shape[:first] + (math.prod(shape[first:last + 1]),) + shape[last + 1:])


flatten.gradient("input")(reshaped_back)


@op(publish=BOTH, view="always", grad_name="ViewBackward0")
def unflatten(xp, input, dim: int, sizes: Ints):
    """One dim split into several. Shape: (A, B * C) -> (A, B, C).   Source: PyTorch `unflatten`."""
    at = normalize_dim(dim, input.ndim)
    if not len(sizes):
        raise RuntimeError("unflatten: sizes must be non-empty")
    length = input.shape[at] if input.ndim else 1
    try:
        parts = infer_size(sizes, length)
    except RuntimeError:
        raise RuntimeError(f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
                           f"({length}) in the input tensor") from None
    return input.reshape(input.shape[:at] + parts + input.shape[at + 1:])


unflatten.gradient("input")(reshaped_back)


@op(publish=BOTH, view="always")
def diagonal(xp, input, offset: int = 0, dim1: int = 0, dim2: int = 1):
    """The diagonal of each matrix in dims dim1, dim2, as the last dim. Shape: (A, B, *) -> (*, D).

    Source: PyTorch `diagonal`.
    """
    return xp.diagonal(input, offset, *two_dims(dim1, dim2, input.ndim))


def two_dims(dim1, dim2, ndim):
    """Two different dims, normalized."""
    a, b = normalize_dim(dim1, ndim), normalize_dim(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return a, b


@diagonal.gradient("input")
def _(xp, g, offset, dim1, dim2, input_shape):
    return xp.diagonal_scatter(xp.zeros_like(g, shape=input_shape), g, offset, dim1, dim2)


@op(publish=BOTH, view="always")
def as_strided(xp, input, size: Ints, stride: Ints, storage_offset: Any = None):
    """A view with given strides, in elements, over the whole memory of the input. Shape: (*) -> size.

    Raises: RuntimeError where it would reach outside the memory.   Source: PyTorch `as_strided`.
    """
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    return xp.as_strided(input, tuple(size), tuple(stride), storage_offset)


@as_strided.gradient("input")
def _(xp, g, input_geometry, out_geometry):
    return xp.put_add(xp.zeros_like(g, shape=input_geometry[0]), xp.between(out_geometry, input_geometry), g)


@op(publish=("Tensor",), view="always")
def unfold(xp, input, dimension: int, size: int, step: int):
    """Windows of a dim, as a new last dim. Shape: (A, T) -> (A, (T - size) // step + 1, size) for
    dimension=1.

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


@op(publish=BOTH, view="always")
def unbind(xp, input, dim: int = 0):
    """The slices of a dim, without it. Shape: (n, *) -> n x (*).   Source: PyTorch `unbind`."""
    if input.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    at = (WHOLE,) * normalize_dim(dim, input.ndim)
    return tuple([input[(*at, i, ...)] for i in range(input.shape[len(at)])])


@unbind.gradient("input")
def _(xp, g, dim):
    return xp.stack(as_list(g), dim)


def as_list(g):
    """The gradients of several outputs; of a single one it comes bare."""
    return g if isinstance(g, (list, tuple)) else [g]


def parts(input, sizes, at):
    """Consecutive parts of a dim."""
    lead, start, result = (WHOLE,) * at, 0, []
    for n in sizes:
        result.append(input[(*lead, slice(start, start + n))])
        start += n
    return tuple(result)


@op(publish=BOTH, view="always")
def split_with_sizes(xp, input, split_sizes: Ints, dim: int = 0):
    """Consecutive parts of a dim with the given sizes. Shape: (A, *) -> n x (a_i, *).

    Source: PyTorch `split_with_sizes`.
    """
    if input.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    at = normalize_dim(dim, input.ndim)
    if sum(split_sizes) != input.shape[at] or min(split_sizes, default=0) < 0:
        raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {input.shape[at]} (input tensor's "
                           f"size at dimension {dim}), but got split_sizes={list(split_sizes)}")
    return parts(input, split_sizes, at)


@op(view="always")
def split(xp, input, split_size: int, dim: int = 0):
    """Consecutive parts of a dim, all of one size but the last. Shape: (A, *) -> n x (split_size, *).

    Source: PyTorch `split`.
    """
    if input.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    at = normalize_dim(dim, input.ndim)
    size = input.shape[at]
    if split_size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={split_size}")
    if split_size == 0 and size:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}")
    count = max(-(-size // split_size), 1) if split_size else 1
    return parts(input, [min(split_size, size - i * split_size) for i in range(count)], at)


def joined_back(xp, g, dim):
    """The gradient of what cuts a dim into parts."""
    return xp.concatenate(as_list(g), dim)


split_with_sizes.gradient("input")(joined_back)
split.gradient("input")(joined_back)


@op(grad_name="AsStridedBackward0")
def region(xp, input, view: Any, base: Any):
    """The elements of a base at the places of a view (both as geometries): a view whose base was written to.

    Shape: (*) -> shape of the view.   Source: PyTorch `as_strided`, as used for views modified in place.
    """
    return xp.take(input, xp.between(view, base))


@region.gradient("input")
def _(xp, g, view, base):
    return xp.put_add(xp.zeros_like(g, shape=base[0]), xp.between(view, base), g)


@op(grad_name="torch::autograd::CopySlices")
def copy_slices(xp, input, value, view: Any, base: Any):
    """The base with its elements at the places of a view replaced: a write through the view.

    Shape: (*), shape of the view -> (*).   Source: PyTorch `CopySlices`.
    """
    return xp.put(input, xp.between(view, base), value)


@copy_slices.gradient("input")
def _(xp, g, view, base):
    return xp.put(g, xp.between(view, base), xp.zeros_like(g, shape=view[0]))


@copy_slices.gradient("value")
def _(xp, g, view, base):
    return xp.take(g, xp.between(view, base))
