"""Strides, storage and the views NumPy has no name for: re-exported by `xp.py`.

Called by `ops/shape.py` and `eager/attributes.py`. Strides and positions are counted in elements, as in PyTorch.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.shapes import contiguous_strides


def copy(a: Any) -> Any:
    """A new array with the same values, row-major unless the strides are dense in another order."""
    return a.copy(order="K")


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


def offset(a: Any) -> int:
    """Position of the first element in the memory that the array is a view of, in elements."""
    owner = a
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    return (address(a) - address(owner)) // a.itemsize


def address(a: Any) -> int:
    """The memory address of the first element."""
    return a.__array_interface__["data"][0]


def storage(a: Any) -> Any:
    """The whole block of memory that the array is a view of, as a flat array of its dtype."""
    owner = a
    while isinstance(owner.base, np.ndarray) and owner.base.dtype == a.dtype:
        owner = owner.base
    flat = owner.reshape(-1) if owner.flags.c_contiguous else owner.ravel(order="K")
    return flat if np.may_share_memory(flat, owner) or not owner.size else owner


def as_strided(a: Any, shape: Sequence[int], strides: Sequence[int], start: int | None = None) -> Any:
    """A view with the given shape and strides (in elements), from element `start` of the storage.

    Raises: RuntimeError if it would reach outside the storage.
    """
    flat = storage(a)
    first = offset(a) if start is None else start
    reach = first + sum((n - 1) * s for n, s in zip(shape, strides)) if math.prod(shape) else first
    if first < 0 or min(strides, default=0) < 0:
        raise RuntimeError(f"as_strided: Negative strides and offsets are not supported, got {list(strides)}, {first}")
    if math.prod(shape) and reach >= flat.size:
        raise RuntimeError(f"setStorage: sizes {list(shape)}, strides {list(strides)}, storage offset {first}, and "
                           f"itemsize {a.itemsize} requiring a storage size of {(reach + 1) * a.itemsize} are out of "
                           f"bounds for storage of size {flat.size * a.itemsize}")
    return np.lib.stride_tricks.as_strided(flat[first:], shape, [s * a.itemsize for s in strides])


def geometry(a: Any) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Shape, strides and address, the latter two in elements."""
    return a.shape, steps(a), address(a) // a.itemsize


def positions(view: Any, base: Any) -> Any:
    """For each element of a view, its row-major position in the base; both lie in one block of memory."""
    return between(geometry(view), geometry(base))


def between(view: Any, base: Any) -> Any:
    """`positions` from the geometries alone."""
    in_memory, of_base = _addresses(*view), _addresses(*base).reshape(-1)
    first = of_base.min(initial=of_base.max(initial=0))
    where_in_base = np.zeros(max(of_base.max(initial=0), in_memory.max(initial=0)) - first + 1, np.intp)
    where_in_base[of_base - first] = np.arange(of_base.size)
    return where_in_base[in_memory - first]


def _addresses(shape: Sequence[int], strides: Sequence[int], start: int) -> Any:
    """The address of each element, in elements."""
    place = np.full(shape, start)
    for dim, step in enumerate(strides):
        place += (np.arange(shape[dim]) * step).reshape([-1] + [1] * (len(shape) - dim - 1))
    return place


def expanded(a: Any, shape: Sequence[int]) -> Any:
    """A writable view with dims of size 1 repeated."""
    extra = len(shape) - a.ndim
    strides = [0] * extra + [0 if n == 1 != m else s for n, m, s in zip(a.shape, shape[extra:], a.strides)]
    return np.lib.stride_tricks.as_strided(a, shape, strides)


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
        raise RuntimeError(f"expected src to have a size equal to the slice of self. src size = {list(values.shape)}, slice "
                           f"size = {list(target.shape)}")
    target[...] = values
    return out


def windows(a: Any, dim: int, size: int, step: int) -> Any:
    """A writable view of the windows of a dim, each as a new last dim."""
    if a.ndim == 0:
        return np.lib.stride_tricks.as_strided(a, (size,), (a.itemsize,))
    dim %= a.ndim
    shape = (*a.shape[:dim], (a.shape[dim] - size) // step + 1, *a.shape[dim + 1:], size)
    strides = (*a.strides[:dim], a.strides[dim] * step, *a.strides[dim + 1:], a.strides[dim])
    return np.lib.stride_tricks.as_strided(a, shape, strides)


def fold_windows(parts: Any, dim: int, size: int, step: int, shape: Sequence[int]) -> Any:
    """The adjoint of `windows`: each element added where it came from."""
    out = np.zeros(shape, parts.dtype)
    if out.ndim == 0:
        return parts.sum(-1) if size else out
    for i in range(size):           # windows overlap, but no two hold an element at the same position i
        windows(out, dim, size, step)[..., i] += parts[..., i]
    return out


def strides_as_promised(a: Any) -> tuple[int, ...]:
    """Strides in elements, with PyTorch's canonical ones where NumPy's say nothing (sizes 0 and 1)."""
    found = steps(a)
    if a.size == 0 or (a.flags.c_contiguous and 1 in a.shape and a.base is None):
        return contiguous_strides(a.shape)
    return found


def resized(a: Any, shape: Sequence[int]) -> Any:
    """The elements in row-major order under a shape of another size; the same memory if it suffices."""
    flat, count = storage(a), math.prod(shape)
    start = offset(a) if a.size else 0
    if flat.size - start >= count:
        return flat[start:start + count].reshape(shape)
    out = np.empty(count, a.dtype)
    kept = a.reshape(-1)[:count]
    out[:kept.size] = kept
    return out.reshape(shape)
