"""Kernels that read or write at places an index array names: re-exported by `xp.py`.

Called by `ops/index.py` and `ops/shape.py`. Each returns a new array; checks raise PyTorch's errors.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.shapes import normalize_dim


def joined(arrays: Sequence[Any], dim: int) -> Any:
    """Arrays joined along a dim; empty vectors are passed over, as PyTorch does."""
    real_ones = [a for a in arrays if a.shape != (0,)] or list(arrays[:1])
    first = real_ones[0]
    if first.ndim == 0:
        raise RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated")
    axis = normalize_dim(dim, first.ndim)
    for i, a in enumerate(real_ones):
        if a.ndim != first.ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.ndim} and {a.ndim}")
        if a.shape[:axis] + a.shape[axis + 1:] != first.shape[:axis] + first.shape[axis + 1:]:
            raise RuntimeError(f"Sizes of tensors must match except in dimension {axis}. Expected size "
                               f"{list(first.shape)} but got size {list(a.shape)} for tensor number {i} in the list.")
    return np.concatenate(real_ones, axis)


def put(a: Any, where_: Any, values: Any) -> Any:
    """A copy with the elements at row-major positions replaced."""
    out = a.copy(order="C")
    out.reshape(-1)[where_] = values
    return out


def put_add(a: Any, where_: Any, values: Any) -> Any:
    """A copy with values added at row-major positions, as often as a position occurs."""
    out = a.copy(order="C")
    np.add.at(out.reshape(-1), where_, values)
    return out


def place(src: Any, index: Any, shape: Sequence[int]) -> Any:
    """Zeros of a shape with `src` at `index`."""
    out = np.zeros(shape, src.dtype)
    out[index] = src
    return out


def _filled(spec: Any, indices: Sequence[Any]) -> tuple[Any, ...]:
    rest = iter(indices)
    return tuple([next(rest) if part is True else part for part in spec])


def index_add_at(a: Any, spec: Any, indices: Sequence[Any], values: Any) -> Any:
    """A copy of `a` with values added at a[spec filled with indices], repeats counted."""
    out = a.copy()
    if len(spec) == 1 and indices[0].dtype.kind in "iu":
        return index_add(out, 0, indices[0].reshape(-1) % out.shape[0], values.reshape((-1, *out.shape[1:])))
    np.add.at(out, _filled(spec, indices), values)
    return out


def index_put_at(a: Any, spec: Any, indices: Sequence[Any], values: Any) -> Any:
    """A copy of `a` with values put at a[spec filled with indices]."""
    out = a.copy()
    out[_filled(spec, indices)] = values
    return out


def _corner(a: Any, index: Any, dim: int) -> Any:
    """The part of `a` that an index array of PyTorch's gather and scatter speaks of."""
    return a[tuple([slice(None) if d == dim else slice(n) for d, n in enumerate(index.shape)])]


def _checked_index(name: str, a: Any, dim: int, index: Any) -> int:
    at = normalize_dim(dim, a.ndim)
    if index.dtype != np.int64 and index.dtype != np.int32:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    if index.size and a.ndim and index.ndim:
        if index.ndim != a.ndim:
            raise RuntimeError(f"Index tensor must have the same number of dimensions as input tensor: {index.ndim} and {a.ndim}")
        for d, (n, m) in enumerate(zip(index.shape, a.shape)):
            if d != at and n > m:
                raise RuntimeError(f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger "
                                   f"than self {list(a.shape)} apart from dimension {at}")
        low, high = index.min(), index.max()
        if low < 0 or high >= a.shape[at]:
            raise RuntimeError(f"index {low if low < 0 else high} is out of bounds for dimension {at} with size {a.shape[at]}")
    return at


def gathered(a: Any, dim: int, index: Any) -> Any:
    """PyTorch's gather."""
    at = _checked_index("gather", a, dim, index)
    if index.size == 0:
        return np.empty(index.shape, a.dtype)
    if a.ndim == 0 or index.ndim == 0:
        return a.reshape(-1)[index] if index.ndim else a.reshape(-1)[index.reshape(-1)].reshape(())
    return np.take_along_axis(_corner(a, index, at), index, at)


def scattered(a: Any, dim: int, index: Any, src: Any) -> Any:
    """PyTorch's scatter: a copy of `a` with src at index."""
    out, at = a.copy(), _checked_index("scatter", a, dim, index)
    if index.size == 0:
        return out
    values = src[tuple([slice(n) for n in index.shape])] if isinstance(src, np.ndarray) and src.ndim else src
    if out.ndim == 0 or index.ndim == 0:
        out.reshape(-1)[index.reshape(-1)] = np.asarray(values).reshape(-1)
    else:
        np.put_along_axis(_corner(out, index, at), index, values, at)
    return out


def scatter_add(a: Any, dim: int, index: Any, src: Any) -> Any:
    """PyTorch's scatter_add: a copy of `a` with src added at index."""
    out, at = a.copy(), _checked_index("scatter_add", a, dim, index)
    if index.size == 0:
        return out
    if out.ndim == 0 or index.ndim == 0:
        np.add.at(out.reshape(-1), index.reshape(-1), np.asarray(src).reshape(-1)[:index.size])
        return out
    values = src[tuple([slice(n) for n in index.shape])]
    grid = list(np.ogrid[tuple([slice(n) for n in index.shape])])
    grid[at] = index
    np.add.at(out, tuple(grid), values)
    return out


def widened_to(a: Any, shape: Sequence[int]) -> Any:
    """The array in the low corner of zeros of a larger shape."""
    if a.shape == tuple(shape):
        return a
    out = np.zeros(shape, a.dtype)
    out[tuple([slice(n) for n in a.shape])] = a
    return out


def index_add(a: Any, dim: int, index: Any, src: Any) -> Any:
    """A copy of `a` with slices of src added at places of a dim, repeats counted."""
    out = a.copy()
    at = normalize_dim(dim, a.ndim)
    picks = index.reshape(-1)
    if picks.size and (picks.min() < 0 or picks.max() >= (a.shape[at] if a.ndim else 1)):
        raise IndexError("index out of range in self")
    if a.ndim == 0:
        np.add.at(out.reshape(-1), picks, np.asarray(src).reshape(-1))
        return out
    rows, values = np.moveaxis(out, at, 0), np.moveaxis(src.reshape(src.shape or (1,)), at, 0)
    order = np.argsort(picks, kind="stable")
    ordered = picks[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if picks.size else order
    if picks.size:          # rows that go to the same place lie side by side: one sum each
        rows[ordered[starts]] += np.add.reduceat(values[order], starts, axis=0)
    return out
