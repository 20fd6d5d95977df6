"""Kernels that read or write at places an index array names: re-exported by `xp.py`.

Called by `ops/index.py` and `ops/rearrange.py`. Each returns a new array; checks raise PyTorch's errors.
Adding at places that repeat is the slow part in NumPy: `add_rows` chooses the way by the rows' width.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.shapes import normalize_dim
from .wide import in_float32

WIDE = 128              # elements a row from which adding whole rows beats np.add.at
FEW = 8                 # occurrences of a row up to which the rows are added in rounds

BLOCK = 1 << 15         # elements handled at a time


def joined(arrays: Sequence[Any], dim: int) -> Any:
    """Arrays joined along a dim; empty vectors are passed over, as PyTorch does."""
    try:
        return np.concatenate(arrays, dim)
    except ValueError:
        real_ones = checked_parts(arrays, dim)
        return np.concatenate(real_ones, dim) if real_ones else arrays[0].copy()


def checked_parts(arrays: Sequence[Any], dim: int) -> list[Any]:
    """The arrays to join, without empty vectors.

    Raises: RuntimeError for shapes that do not fit, IndexError for a dim out of range.
    """
    real_ones = [a for a in arrays if a.shape != (0,)]
    for i, a in enumerate(arrays):
        if a.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    first = real_ones[0] if real_ones else arrays[0]
    axis = normalize_dim(dim, first.ndim)
    for i, a in enumerate(real_ones):
        if a.ndim != first.ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.ndim} and {a.ndim}")
        if a.shape[:axis] + a.shape[axis + 1:] != first.shape[:axis] + first.shape[axis + 1:]:
            raise RuntimeError(f"Sizes of tensors must match except in dimension {axis}. Expected size "
                               f"{list(first.shape)} but got size {list(a.shape)} for tensor number {i} in the list.")
    return real_ones


def put(a: Any, where_: Any, values: Any) -> Any:
    """A copy with the elements at row-major positions replaced."""
    out = np.array(a, order="C")
    out.reshape(-1)[where_] = values
    return out


@in_float32
def put_add(a: Any, where_: Any, values: Any) -> Any:
    """A copy with values added at row-major positions, as often as a position occurs."""
    out = np.array(a, order="C")
    if isinstance(where_, np.ndarray) and where_.shape == values.shape:
        where_, values = where_.reshape(-1), values.reshape(-1)         # NumPy is quick in one dim alone
    np.add.at(out.reshape(-1), where_, values)
    return out


def place(src: Any, index: Any, shape: Sequence[int]) -> Any:
    """Zeros of a shape with `src` at `index`."""
    out = np.zeros(shape, src.dtype)
    out[index] = src
    return out


def replaced(a: Any, src: Any, index: Any) -> Any:
    """A copy of `a` with `src`, of the same shape, at a basic index."""
    out = np.array(a, order="C")
    if out[index].shape != src.shape:
        raise RuntimeError("expected src to have a size equal to the slice of self. src size = "
                           f"{list(src.shape)}, slice size = {list(out[index].shape)}")
    out[index] = src
    return out


def _filled(spec: Any, indices: Sequence[Any]) -> tuple[Any, ...]:
    rest = iter(indices)
    return tuple([next(rest) if part is True else part for part in spec])


def add_rows(out: Any, picks: Any, rows: Any) -> None:
    """Adds rows[i] to out[picks[i]], in place. Shapes: (N, *), (M), (M, *); all dense; picks not negative."""
    width = math.prod(out.shape[1:])
    if not picks.size or not width:
        return
    flat, values = out.reshape(out.shape[0], width), rows.reshape(-1, width)
    if width < WIDE:
        places = picks if width == 1 else (picks[:, None] * width + np.arange(width)).reshape(-1)
        np.add.at(flat.reshape(-1), places, values.reshape(-1))
        return
    counts = np.bincount(picks, minlength=flat.shape[0])
    if counts.max() == 1:
        _add_distinct(flat, picks, values, np.arange(picks.size))
        return
    order, starts = np.argsort(picks, kind="stable"), np.cumsum(counts) - counts
    for row in np.flatnonzero(counts > FEW).tolist():           # what occurs often: one sum each
        flat[row] += np.add.reduce(values[order[starts[row]:starts[row] + counts[row]]])
    # the rest: every row's first, then its second ...
    for k in range(FEW):
        some = np.flatnonzero((counts > k) & (counts <= FEW))
        if not some.size:
            break
        _add_distinct(flat, some, values, order[starts[some] + k])


def _add_distinct(flat: Any, picks: Any, values: Any, sources: Any) -> None:
    """flat[picks] += values[sources] for picks without repeats: a few rows at a time, which stay in the
    cache.
    """
    step = max(BLOCK // flat.shape[1], 1)
    for start in range(0, picks.size, step):
        some = picks[start:start + step]
        part = flat.take(some, 0)
        part += values.take(sources[start:start + step], 0)
        flat[some] = part


@in_float32
def index_add_at(a: Any, spec: Any, indices: Sequence[Any], values: Any) -> Any:
    """A copy of `a` with values added at a[spec filled with indices], repeats counted."""
    out = np.array(a, order="C")
    if all(part is True for part in spec):
        indices = [i for index in indices for i in (index.nonzero() if index.dtype == bool else (index,))]
        lead = out.shape[:len(indices)]
        steps = [math.prod(lead[d + 1:]) for d in range(len(lead))]
        picks = sum([np.where(i < 0, i + n, i) * step for i, n, step in zip(indices, lead, steps)])
        shape = (*picks.shape, *out.shape[len(lead):])
        rows = np.ascontiguousarray(np.broadcast_to(values, shape), out.dtype)
        add_rows(out.reshape(-1, *out.shape[len(lead):]) if picks.size else out, picks.reshape(-1),
                 rows.reshape(-1, *out.shape[len(lead):]) if picks.size else rows)
    else:
        np.add.at(out, _filled(spec, indices), values)
    return out


def index_put_at(a: Any, spec: Any, indices: Sequence[Any], values: Any) -> Any:
    """A copy of `a` with values put at a[spec filled with indices]."""
    out = np.array(a, order="C")
    out[_filled(spec, indices)] = values
    return out


def _corner(a: Any, index: Any, dim: int) -> Any:
    """The part of `a` that an index array of PyTorch's gather and scatter speaks of."""
    return a[tuple([slice(None) if d == dim else slice(n) for d, n in enumerate(index.shape)])]


def checked_index(name: str, a: Any, dim: int, index: Any) -> int:
    """The dim, normalized, after the checks of PyTorch's gather and scatter."""
    at = normalize_dim(dim, a.ndim)
    if index.size == 0:
        return at
    if index.dtype != np.int64 and index.dtype != np.int32:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    if max(index.ndim, 1) != max(a.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor: "
                           f"{index.ndim} and {a.ndim}. In {name}()")
    for d, (n, m) in enumerate(zip(index.shape, a.shape)):
        if d != at and n > m:
            raise RuntimeError(f"Size does not match at dimension {d} expected index {list(index.shape)} to "
                               f"be no larger than self {list(a.shape)} apart from dimension {at}")
    size = a.shape[at] if a.ndim else 1
    if out_of_range(index, size):
        low, high = index.min(), index.max()
        raise RuntimeError(f"index {low if low < 0 else high} is out of bounds for dimension {at} with size "
                           f"{size}. In {name}()")
    return at


def out_of_range(index: Any, size: int) -> bool:
    """Whether an index array has negative elements or such beyond a size: one pass, as unsigned numbers."""
    return bool(index.size) and int(np.maximum.reduce(index.view(f"u{index.itemsize}"), axis=None)) >= size


def checked_source(index: Any, src: Any) -> Any:
    """The part of `src` that goes with an index array of the same or a smaller shape."""
    if max(src.ndim, 1) != max(index.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    if any(n > m for n, m in zip(index.shape, src.shape)):
        raise RuntimeError(f"Expected index {list(index.shape)} to be no larger than src {list(src.shape)}")
    return src if src.shape == index.shape or not src.ndim else src[tuple([slice(n) for n in index.shape])]


def places(shape: Sequence[int], at: int, index: Any) -> Any:
    """Row-major positions, flat, of the elements that an index array names in an array of a shape."""
    if index.ndim == 0 or not shape:
        return index.reshape(-1)
    steps = [math.prod(shape[d + 1:]) for d in range(len(shape))]
    result = index * steps[at] if steps[at] != 1 else index
    for d, n in enumerate(index.shape):
        if d != at and n > 1:
            result = result + (np.arange(n) * steps[d]).reshape([-1] + [1] * (index.ndim - d - 1))
    return result.reshape(-1)


def gathered(a: Any, dim: int, index: Any) -> Any:
    """PyTorch's gather."""
    at = checked_index("gather", a, dim, index)
    if index.size == 0:
        return np.empty(index.shape, a.dtype)
    return a.reshape(-1).take(places(a.shape, at, index)).reshape(index.shape)


def scattered(a: Any, dim: int, index: Any, src: Any) -> Any:
    """PyTorch's scatter: a copy of `a` with src (an array or a number) at index."""
    out, at = np.array(a, order="C"), checked_index("scatter", a, dim, index)
    if index.size == 0:
        return out
    if not isinstance(src, np.ndarray):
        out.reshape(-1)[places(a.shape, at, index)] = src
    elif src.ndim == 0 or index.ndim == 0 or a.ndim == 0:
        out.reshape(-1)[places(a.shape, at, index)] = src.reshape(-1)[:index.size]
    else:
        np.put_along_axis(_corner(out, index, at), index, checked_source(index, src), at)
    return out


@in_float32
def scatter_add(a: Any, dim: int, index: Any, src: Any) -> Any:
    """PyTorch's scatter_add: a copy of `a` with src added at index."""
    out, at = np.array(a, order="C"), checked_index("scatter_add", a, dim, index)
    if index.size:
        np.add.at(out.reshape(-1), places(a.shape, at, index), checked_source(index, src).reshape(-1))
    return out


def scatter_combined(name: str, a: Any, dim: int, index: Any, src: Any, include_self: bool) -> Any:
    """PyTorch's scatter_reduce with sum, prod, mean, amax or amin."""
    out, at = np.array(a, order="C"), checked_index("scatter_reduce", a, dim, index)
    if index.size == 0:
        return out
    flat, where_ = out.reshape(-1), places(a.shape, at, index)
    values = checked_source(index, src).reshape(-1)
    ufunc = {"sum": np.add, "mean": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}[name]
    if not include_self:
        if name in ("amax", "amin"):
            flat[where_] = values           # some value of the group; its extreme follows
        else:
            flat[where_] = 1 if name == "prod" else 0
    ufunc.at(flat, where_, values)
    if name == "mean":
        counts = np.bincount(where_, minlength=flat.size)
        if include_self:
            counts += 1
        counts = np.maximum(counts, 1)
        flat[...] = flat // counts if flat.dtype.kind in "iub" else flat / counts.astype(flat.real.dtype)
    return out


def widened_to(a: Any, shape: Sequence[int]) -> Any:
    """The array in the low corner of zeros of a larger shape."""
    if a.shape == tuple(shape):
        return a
    out = np.zeros(shape, a.dtype)
    out[tuple([slice(n) for n in a.shape])] = a
    return out


@in_float32
def index_add(a: Any, dim: int, index: Any, src: Any) -> Any:
    """A copy of `a` with slices of src added at places of a dim, repeats counted."""
    at, picks = normalize_dim(dim, a.ndim), index.reshape(-1)
    if out_of_range(picks, a.shape[at] if a.ndim else 1):
        raise IndexError("index out of range in self")
    if a.ndim == 0:
        return a + src.reshape(-1).sum(dtype=a.dtype)
    rows = np.ascontiguousarray(np.moveaxis(src.reshape(src.shape or (1,)), at, 0), a.dtype)
    out = np.moveaxis(a, at, 0).copy(order="C")
    add_rows(out, picks, rows)
    return out if at == 0 else np.ascontiguousarray(np.moveaxis(out, 0, at))


def selected(a: Any, dim: int, index: Any) -> Any:
    """Slices of a dim by index."""
    return np.take(a, index, axis=dim) if a.ndim else a.reshape(1)[index]


def index_fill(a: Any, dim: int, index: Any, value: Any) -> Any:
    """A copy of `a` with slices of a dim set to a number."""
    return index_copy(a, dim, index, value)


@in_float32
def index_sum(src: Any, dim: int, index: Any, shape: Sequence[int]) -> Any:
    """`index_add` to zeros of a shape."""
    at, picks = normalize_dim(dim, len(shape)), index.reshape(-1)
    if not shape:
        return np.asarray(src.reshape(-1).sum(dtype=src.dtype))
    rows = np.ascontiguousarray(np.moveaxis(src.reshape(src.shape or (1,)), at, 0))
    out = np.zeros((shape[at], *rows.shape[1:]), src.dtype)
    add_rows(out, picks, rows)
    return out if at == 0 else np.ascontiguousarray(np.moveaxis(out, 0, at))


def index_copy(a: Any, dim: int, index: Any, src: Any) -> Any:
    """A copy of `a` with slices of a dim replaced by those of src (or by a number)."""
    out = np.array(a, order="C")
    at = normalize_dim(dim, a.ndim)
    rows = np.moveaxis(out, at, 0) if out.ndim else out.reshape(1)
    if isinstance(src, np.ndarray) and src.ndim:
        src = np.moveaxis(src, at if out.ndim else 0, 0)
    rows[index.reshape(-1)] = src
    return out


def masked_scattered(a: Any, mask: Any, source: Any) -> Any:
    """A copy of `a` with the elements of source, in order, where the mask is True."""
    shape = np.broadcast_shapes(a.shape, mask.shape)
    out, mask = np.array(np.broadcast_to(a, shape), order="C"), np.broadcast_to(mask, shape)
    count = np.count_nonzero(mask)
    if source.size < count:
        raise RuntimeError("masked_scatter: expected self and source to have same number of elements: the "
                           f"mask has {count} True elements, source has {source.size}")
    out[mask] = source.reshape(-1)[:count]
    return out


def padded(a: Any, pads: Sequence[tuple[int, int]], value: Any) -> Any:
    """`a` with each dim made longer by (before, after); negative numbers cut off."""
    shape = [n + low + high for n, (low, high) in zip(a.shape, pads)]
    out = np.full(shape, value, a.dtype)
    into = tuple([slice(max(low, 0), n - max(high, 0)) for n, (low, high) in zip(shape, pads)])
    out[into] = a[tuple([slice(max(-low, 0), n - max(-high, 0)) for n, (low, high) in zip(a.shape, pads)])]
    return out


def diagonals(a: Any, offset: int, axis1: int, axis2: int) -> Any:
    """Matrices in dims axis1, axis2 of zeros with the last dim of `a` on a diagonal."""
    n = a.shape[-1] + abs(offset)
    out = np.zeros((*a.shape[:-1], n, n), a.dtype)
    rows = np.arange(a.shape[-1])
    out[..., rows + max(-offset, 0), rows + max(offset, 0)] = a
    return np.moveaxis(out, (-2, -1), (axis1, axis2))
