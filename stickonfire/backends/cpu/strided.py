"""Strides, storage and the views NumPy has no name for: re-exported by `xp.py`.

Called by `ops/shape.py` and `eager/attributes.py`. Strides and positions are counted in elements, as in
PyTorch; only `viewed`, which everything here is made of, counts in bytes, as NumPy does.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.shapes import contiguous_strides
from .wide import in_float32

Geometry = tuple[tuple[int, ...], tuple[int, ...], int]


def copy(a: Any) -> Any:
    """A new array with the same values, row-major unless the strides are dense in another order."""
    if 0 in a.strides and a.size and not a.flags.forc:
        order = dense_order(a.shape, a.strides)
        inverse = sorted(range(a.ndim), key=order.__getitem__)
        return a.transpose(order).copy().transpose(inverse)
    return a.copy(order="K")


def laid_out(a: Any, strides: Sequence[int]) -> Any:
    """A copy with the strides, in elements, of some order of the dims."""
    order = dense_order(a.shape, strides)
    inverse = sorted(range(a.ndim), key=order.__getitem__)
    return a.transpose(order).copy(order="C").transpose(inverse)


def dense_order(shape: Sequence[int], strides: Sequence[int]) -> list[int]:
    """The dims from slowest to fastest, as a copy of an expanded array lays them out.

    A dim that repeats its elements stays where it is among its neighbours.
    Source: PyTorch `infer_dense_strides`.
    """
    order = list(reversed(range(len(shape))))       # fastest first
    for i in range(1, len(order)):
        here = i
        for before in reversed(range(i)):
            a, b = order[before], order[here]
            if strides[a] == 0 or strides[b] == 0:
                continue
            if strides[a] < strides[b] or (strides[a] == strides[b] and shape[a] <= shape[b]):
                break
            order[before], order[here] = b, a
            here = before
    return order[::-1]


def contiguous(a: Any) -> Any:
    """The array itself if row-major and dense, else such a copy."""
    return np.ascontiguousarray(a) if a.ndim else a


def is_contiguous(a: Any) -> bool:
    """Whether the array is row-major and dense."""
    return bool(a.flags.c_contiguous)


def shares_memory(a: Any, b: Any) -> bool:
    """Whether two arrays may be views of one block of memory."""
    return np.may_share_memory(a, b)


def is_view(a: Any) -> bool:
    """Whether another array owns the memory."""
    return a.base is not None


def steps(a: Any) -> tuple[int, ...]:
    """Strides in elements."""
    size = a.itemsize
    return tuple([s // size for s in a.strides])


def memory(a: Any) -> Any:
    """The array that owns the memory which `a` is a view of."""
    while isinstance(a.base, np.ndarray):
        a = a.base
    return a


def offset(a: Any) -> int:
    """Position of the first element in the memory that the array is a view of, in elements."""
    owner = memory(a)
    return 0 if owner is a else (address(a) - address(owner)) // a.itemsize


def address(a: Any) -> int:
    """The memory address of the first element."""
    return a.__array_interface__["data"][0]


def storage(a: Any) -> Any:
    """The whole block of memory that the array is a view of, as a flat array of its dtype."""
    owner = memory(a)
    if not owner.flags.forc:            # another library's memory with gaps
        return a.reshape(-1)
    return np.ndarray((owner.nbytes // a.itemsize,), a.dtype, owner)


def viewed(a: Any, shape: Sequence[int], strides: Sequence[int], start: int = 0) -> Any:
    """A writable view with the given shape and strides in bytes, `start` bytes from the first element."""
    owner = a
    if not a.flags.forc:
        owner = memory(a)
        start += address(a) - address(owner)
        if not owner.flags.forc:
            return np.lib.stride_tricks.as_strided(a, shape, strides)
    return np.ndarray(shape, a.dtype, owner, start, strides)


def as_strided(a: Any, shape: Sequence[int], strides: Sequence[int], start: int | None = None) -> Any:
    """A view with the given shape and strides (in elements), from element `start` of the storage.

    Raises: RuntimeError if it would reach outside the storage.
    """
    flat, size = storage(a), a.itemsize
    first = offset(a) if start is None else start
    if first < 0 or min(strides, default=0) < 0:
        raise RuntimeError("as_strided: Negative strides are not supported at the moment, got strides: "
                           f"{list(strides)}, storage offset {first}")
    count = math.prod(shape)
    reach = first + sum((n - 1) * s for n, s in zip(shape, strides)) + 1 if count else 0
    if reach > flat.size:
        raise RuntimeError(f"setStorage: sizes {list(shape)}, strides {list(strides)}, storage offset {first}, "
                           f"and itemsize {size} requiring a storage size of {reach * size} are out of bounds "
                           f"for storage of size {flat.size * size}")
    return np.ndarray(shape, a.dtype, flat, first * size if count else 0, [s * size for s in strides])


def geometry(a: Any) -> Geometry:
    """Shape, strides and address, the latter two in elements."""
    return a.shape, steps(a), address(a) // a.itemsize


def between(view: Geometry, base: Geometry) -> Any:
    """For each element of a view, its row-major position in the base; both lie in one block of memory."""
    shape, strides, start = base
    if strides == contiguous_strides(shape):
        places = _addresses(*view)
        places -= start
        return places
    in_memory, of_base = _addresses(*view), _addresses(*base).reshape(-1)
    first = of_base.min(initial=of_base.max(initial=0))
    last = max(of_base.max(initial=0), in_memory.max(initial=0))
    where_in_base = np.zeros(last - first + 1, np.intp)
    where_in_base[of_base - first] = np.arange(of_base.size)
    return where_in_base[in_memory - first]


def _addresses(shape: Sequence[int], strides: Sequence[int], start: int) -> Any:
    """The address of each element, in elements."""
    place = np.full(shape, start)
    for dim, step in enumerate(strides):
        place += (np.arange(shape[dim]) * step).reshape([-1] + [1] * (len(shape) - dim - 1))
    return place


def unsqueezed(a: Any, dim: int) -> Any:
    """A view with a dim of size 1 inserted, and PyTorch's stride for it."""
    shape, strides = a.shape, a.strides
    step = shape[dim] * strides[dim] if dim < a.ndim else a.itemsize
    return viewed(a, (*shape[:dim], 1, *shape[dim:]), (*strides[:dim], step, *strides[dim:]))


def basic(a: Any, index: tuple[Any, ...]) -> Any:
    """a[index] for ints, slices, None and `...`, with PyTorch's strides for the new dims."""
    view = a[index]
    if None not in index:
        return view
    strides, dim, out = list(view.strides), 0, 0
    for part in index:
        if part is None:
            strides[out] = a.shape[dim] * a.strides[dim] if dim < a.ndim else a.itemsize
            out += 1
        elif part is Ellipsis:
            rest = a.ndim - sum([i is not None for i in index]) + 1
            dim, out = dim + rest, out + rest
        else:
            dim += 1
            out += isinstance(part, slice)
    return viewed(view, view.shape, strides)


def expanded(a: Any, shape: Sequence[int]) -> Any:
    """A writable view with dims of size 1 repeated."""
    extra = len(shape) - a.ndim
    old, strides = a.shape, a.strides
    kept = [0 if n != m else s for n, m, s in zip(old, shape[extra:], strides)]
    lead = [0] * extra
    for i in reversed(range(extra)):            # PyTorch gives new dims of size 1 the stride of a dense array
        if shape[i] == 1:
            after = i + 1
            lead[i] = shape[after] * (lead[after] if after < extra else kept[0]) if old else 0
    return viewed(a, shape, lead + kept)


def broadcast_to(a: Any, shape: Sequence[int]) -> Any:
    """A view with dims added in front, and dims of size 1 repeated; not to be written to."""
    if a.ndim == 0:             # at each `sum().backward()`, and NumPy's function is slow
        return np.ndarray(shape, a.dtype, np.asarray(a), 0, (0,) * len(shape))
    return np.broadcast_to(a, shape)


def is_writable(a: Any) -> bool:
    """Whether the array's memory may be changed through it."""
    return a.flags.writeable


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """A writable view of the diagonals, as the last dim."""
    view = np.diagonal(a, offset, axis1, axis2)
    if a.flags.writeable:
        view.flags.writeable = True
    return view


def diagonal_scatter(a: Any, values: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """A copy with a diagonal replaced."""
    out = a.copy()
    target = diagonal(out, offset, axis1, axis2)
    if target.shape != values.shape:
        raise RuntimeError("expected src to have a size equal to the slice of self. src size = "
                           f"{list(values.shape)}, slice size = {list(target.shape)}")
    target[...] = values
    return out


def windows(a: Any, dim: int, size: int, step: int) -> Any:
    """A writable view of the windows of a dim, each as a new last dim."""
    if a.ndim == 0:
        return viewed(a, (size,), (a.itemsize,))
    dim %= a.ndim
    shape = (*a.shape[:dim], (a.shape[dim] - size) // step + 1, *a.shape[dim + 1:], size)
    strides = (*a.strides[:dim], a.strides[dim] * step, *a.strides[dim + 1:], a.strides[dim])
    return viewed(a, shape, strides)


@in_float32
def fold_windows(parts: Any, dim: int, size: int, step: int, shape: Sequence[int]) -> Any:
    """The adjoint of `windows`: each element added where it came from."""
    out = np.zeros(shape, parts.dtype)
    if out.ndim == 0:
        return np.asarray(parts.sum(-1)) if size else out
    target = windows(out, dim, size, step)
    for i in range(size):           # windows overlap, but no two hold an element at the same position i
        target[..., i] += parts[..., i]
    return out


def strides_as_promised(a: Any) -> tuple[int, ...]:
    """Strides in elements; of a new array, PyTorch's where NumPy's say nothing (sizes 0 and 1)."""
    if a.base is None and (a.size == 0 or (a.flags.c_contiguous and 1 in a.shape)):
        return contiguous_strides(a.shape)
    return steps(a)


def resized(a: Any, shape: Sequence[int]) -> Any:
    """The elements in row-major order under a shape of another size; the same memory if it suffices."""
    flat, count = storage(a), math.prod(shape)
    start = offset(a) if a.size else 0
    if flat.size - start >= count:
        return flat[start:start + count].reshape(shape)
    out = np.empty(count, a.dtype)
    kept = flat[start:start + count]
    out[:kept.size] = kept
    return out.reshape(shape)
