"""Copies, as they are or with the elements in other places: joined, repeated, flipped, padded.

Shapes change here too, but never without copying; views stand in `shape.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.formats import preserve_format, strides_in
from ..core.shapes import broadcast_shapes, normalize_dim
from .op import op
from .shape import BOTH, Ints, dims_once, passed_on, two_dims

EVERYWHERE = ("stickonfire", "Tensor", "Tensor_")


@op(variadic=True, promote="same", opmath=False)
def cat(xp, tensors, dim: int = 0):
    """Tensors joined along a dim. Shape: (A, B), (C, B) -> (A + C, B).   Source: PyTorch `cat`.

    >>> import stickonfire as torch
    >>> torch.cat([torch.ones(1, 2), torch.zeros(1, 2)])
    tensor([[1., 1.],
            [0., 0.]])
    """
    return xp.joined(tensors, dim)


@cat.gradient()
def _(xp, g, tensors_shape, dim):
    parts, start = [], 0
    at = dim % g.ndim
    for shape in tensors_shape:
        if shape == (0,) and g.ndim != 1:       # PyTorch lets empty vectors join anything
            parts.append(xp.zeros_like(g, shape=(0,)))
            continue
        parts.append(g[(slice(None),) * at + (slice(start, start + shape[at]),)])
        start += shape[at]
    return parts


@op(variadic=True, promote="same", opmath=False)
def stack(xp, tensors, dim: int = 0):
    """Tensors of one shape joined along a new dim. Shape: n x (A, B) -> (n, A, B).   Source: PyTorch `stack`.

    >>> import stickonfire as torch
    >>> torch.stack([torch.tensor([1, 2]), torch.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    first = tensors[0].shape
    for i, a in enumerate(tensors):
        if a.shape != first:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(first)} at entry 0 "
                               f"and {list(a.shape)} at entry {i}")
    at = normalize_dim(dim, len(first) + 1)
    if at == 0:
        return xp.concatenate([a[None] for a in tensors])
    return xp.concatenate([xp.expand_dims(a, at) for a in tensors], at)


@stack.gradient()
def _(xp, g, tensors_shape, dim):
    at = dim % g.ndim
    return [g[(slice(None),) * at + (i,)] for i in range(len(tensors_shape))]


@op(publish=BOTH, varargs="dims")
def flip(xp, input, dims: Ints):
    """The order of elements along dims reversed. Shape: (*) -> (*).   Source: PyTorch `flip`."""
    return xp.copy(xp.flip(input, dims_once(dims, input.ndim)))


@flip.gradient("input")
def _(xp, g, dims):
    return xp.flip(g, dims_once(dims, g.ndim))


@op(publish=BOTH)
def roll(xp, input, shifts: Any, dims: Any = ()):
    """Elements shifted along dims, those that leave coming in at the other end. Shape: (*) -> (*).

    Source: PyTorch `roll`.
    """
    return rolled(xp, input, shifts, dims)


def rolled(xp, input, shifts, dims, sign=1):
    """Elements shifted; without dims, along the flattened tensor."""
    shifts = as_tuple(shifts)
    if not shifts:
        raise RuntimeError("`shifts` required")
    if dims is None or as_tuple(dims) == ():
        if len(shifts) > 1:
            raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:0")
        return xp.roll(input, sign * shifts[0], None)
    if input.ndim == 0:
        raise IndexError(f"Dimension specified as {as_tuple(dims)[0]} but tensor has no dimensions")
    axes = tuple([normalize_dim(d, input.ndim) for d in as_tuple(dims)])
    if len(axes) != len(shifts):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(axes)}")
    return xp.roll(input, tuple([sign * n for n in shifts]), axes)


def as_tuple(n):
    """An int as a tuple of one; a sequence as a tuple."""
    return (int(n),) if hasattr(n, "__index__") else tuple(n)


@roll.gradient("input")
def _(xp, g, shifts, dims):
    return rolled(xp, g, shifts, dims, -1)


@op(publish=("Tensor",), varargs="repeats")
def repeat(xp, input, repeats: Ints):
    """The tensor repeated along each dim.

    Shape: (A, B) -> (A * r0, B * r1).   Source: PyTorch `Tensor.repeat`.
    """
    if len(repeats) < input.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of "
                           f"tensor: got {list(repeats)} for {list(input.shape)}")
    if min(repeats, default=0) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(repeats)}")
    return xp.tile(input, tuple(repeats))


@repeat.gradient("input")
def _(xp, g, repeats, input_shape):
    shape = (1,) * (len(repeats) - len(input_shape)) + tuple(input_shape)
    spread = [n for pair in zip(repeats, shape) for n in pair]
    if not spread:
        return g
    return xp.reshape(xp.sum(xp.reshape(g, spread), axis=tuple(range(0, len(spread), 2))), input_shape)


@op(publish=EVERYWHERE)
def tril(xp, input, diagonal: int = 0):
    """The lower triangle of each matrix, zeros above.

    Shape: (*, A, B) -> (*, A, B).   Source: PyTorch `tril`.
    """
    return xp.tril(matrices("tril", input), diagonal)


@op(publish=EVERYWHERE)
def triu(xp, input, diagonal: int = 0):
    """The upper triangle of each matrix, zeros below.

    Shape: (*, A, B) -> (*, A, B).   Source: PyTorch `triu`.
    """
    return xp.triu(matrices("triu", input), diagonal)


def matrices(name, input):
    """The input, if it holds matrices."""
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
    return input


@tril.gradient("input")
def _(xp, g, diagonal):
    return xp.tril(g, diagonal)


@triu.gradient("input")
def _(xp, g, diagonal):
    return xp.triu(g, diagonal)


@op(publish=BOTH, grad_name="DiagEmbedBackward0")
def diag_embed(xp, input, offset: int = 0, dim1: int = -2, dim2: int = -1):
    """Matrices, in dims dim1 and dim2, with the last dim on a diagonal. Shape: (*, N) -> (*, N + |offset|,
    ...).

    Source: PyTorch `diag_embed`.
    """
    if input.ndim == 0:
        raise IndexError("diag_embed expects at least a 1-dimensional tensor")
    return xp.diagonals(input, offset, *two_dims(dim1, dim2, input.ndim + 1))


@diag_embed.gradient("input")
def _(xp, g, offset, dim1, dim2):
    return xp.diagonal(g, offset, dim1, dim2)


@op(publish=BOTH)
def diagonal_scatter(xp, input, src, offset: int = 0, dim1: int = 0, dim2: int = 1):
    """A copy with a diagonal replaced.

    Shape: (A, B, *), (*, D) -> (A, B, *).   Source: PyTorch `diagonal_scatter`.
    """
    return xp.diagonal_scatter(input, src, offset, *two_dims(dim1, dim2, input.ndim))


@diagonal_scatter.gradient("input")
def _(xp, g, src_shape, offset, dim1, dim2):
    return xp.diagonal_scatter(g, xp.zeros_like(g, shape=src_shape), offset, dim1, dim2)


@diagonal_scatter.gradient("src")
def _(xp, g, offset, dim1, dim2):
    return xp.diagonal(g, offset, dim1, dim2)


@op(grad_name="SliceScatterBackward0")
def replaced(xp, input, src, index: tuple[Any, ...]):
    """A copy with src at a basic index: `select_scatter` and `slice_scatter`.

    Raises: RuntimeError if src has not the shape of input[index].
    """
    return xp.replaced(input, src, index)


@replaced.gradient("input")
def _(xp, g, src_shape, index):
    return xp.replaced(g, xp.zeros_like(g, shape=src_shape), index)


@replaced.gradient("src")
def _(xp, g, index):
    return g[index]


@op(publish=BOTH)
def as_strided_scatter(xp, input, src, size: Ints, stride: Ints, storage_offset: Any = None):
    """A copy with the elements that `as_strided` would show replaced. Shape: (*), size -> (*).

    Source: PyTorch `as_strided_scatter`.
    """
    out = xp.copy(input)
    start = xp.offset(input) if storage_offset is None else storage_offset
    target = xp.as_strided(out, tuple(size), tuple(stride), max(start - xp.offset(input), 0))
    if target.shape != src.shape:
        raise RuntimeError("expected src to have a size equal to the slice of self. src size = "
                           f"{list(src.shape)}, slice size = {list(target.shape)}")
    target[...] = src
    return out


def touched(xp, geometry, size, stride, storage_offset):
    """Row-major positions that `as_strided` shows of a tensor."""
    shape, strides, start = geometry
    return xp.between((tuple(size), tuple(stride), start + (storage_offset or 0)), (shape, strides, start))


@as_strided_scatter.gradient("input")
def _(xp, g, src_shape, out_geometry, size, stride, storage_offset):
    return xp.put(g, touched(xp, out_geometry, size, stride, storage_offset), xp.zeros_like(g, shape=src_shape))


@as_strided_scatter.gradient("src")
def _(xp, g, out_geometry, size, stride, storage_offset):
    return xp.take(g, touched(xp, out_geometry, size, stride, storage_offset))


@op(publish=("stickonfire",))
def constant_pad_nd(xp, input, pad: Ints, value: Any = 0):
    """Dims made longer by `value`: `pad` has (before, after) of the last dim, of the one before it, and so
    on.

    Shape: (*, N) -> (*, N + before + after).   Raises: RuntimeError for an odd number of pads, too many, or
    where
    a size would become negative.   Source: PyTorch `constant_pad_nd`.
    """
    return xp.padded(input, pairs(input.shape, pad), value)


def pairs(shape: Sequence[int], pad: Sequence[int]) -> list[tuple[int, int]]:
    """(before, after) for each dim, first dim first, from PyTorch's list, which begins with the last."""
    pad = [int(n) for n in pad]
    if len(pad) % 2:
        raise RuntimeError("Length of pad must be even but instead it equals " + str(len(pad)))
    if len(pad) > 2 * len(shape):
        raise RuntimeError("Length of pad should be no more than twice the number of dimensions of the input. Pad "
                           f"length is {len(pad)} while the input has {len(shape)} dimensions.")
    found = by_dim(len(shape), pad)
    for dim, (n, (low, high)) in enumerate(zip(shape, found)):
        if n + low + high < 0:
            raise RuntimeError(f"The input size {n}, plus negative padding {low} and {high} resulted in a negative "
                               f"output size, which is invalid. Check dimension {dim} of your input.")
    return found


def by_dim(ndim: int, pad: Sequence[int]) -> list[tuple[int, int]]:
    """(before, after) for each dim, unchecked."""
    return [(0, 0)] * (ndim - len(pad) // 2) + list(zip(pad[::2], pad[1::2]))[::-1]


@constant_pad_nd.gradient("input")
def _(xp, g, pad):
    return xp.padded(g, [(-low, -high) for low, high in by_dim(g.ndim, pad)], 0)


@op(publish=BOTH)
def clone(xp, input, *, memory_format: Any = None):
    """A copy, through which gradients flow. Shape: (*) -> (*).   Source: PyTorch `clone`."""
    if memory_format is None or memory_format is preserve_format:
        return xp.copy(input)
    return xp.laid_out(input, strides_in(memory_format, input.shape))


clone.gradient("input")(passed_on)


@op(view="maybe", grad_name="CloneBackward0")
def contiguous(xp, input, memory_format: Any = None):
    """The tensor itself if row-major and dense, else such a copy. Shape: (*) -> (*).

    Source: PyTorch `Tensor.contiguous`.
    """
    if memory_format is None or not memory_format.order:
        return xp.contiguous(input)
    return xp.laid_out(input, strides_in(memory_format, input.shape))


contiguous.gradient("input")(passed_on)


@op(grad_name="ToCopyBackward0")
def cast(xp, input, dtype: Any):
    """The tensor in another dtype. Shape: (*) -> (*).   Source: PyTorch `Tensor.to`."""
    out = xp.cast(input, dtype)
    return xp.copy(out) if out is input else out


cast.gradient("input")(passed_on)           # the engine casts it back


@op(grad_name="torch::autograd::CopyBackwards")
def copy(xp, input, src, non_blocking: bool = False):
    """`src` in the shape and dtype of `input`, which `copy_` overwrites.   Source: PyTorch `Tensor.copy_`."""
    if broadcast_shapes(input.shape, src.shape) != input.shape:
        raise RuntimeError(f"The expanded size of the tensor {list(src.shape)} must match the existing size "
                           f"{list(input.shape)}: output with shape {list(input.shape)} doesn't match the broadcast "
                           "shape")
    return xp.broadcast_to(xp.cast(src, xp.dtype_of(input)), input.shape)


@copy.gradient("input")
def _(xp, g):
    return xp.zeros_like(g)


copy.gradient("src")(passed_on)
