"""Sorting, selecting and counting: re-exported by `xp.py`, called by `ops/sort.py` and `ops/scan.py`.

NaN counts as the largest number, as in PyTorch and NumPy; equal elements keep their order.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from .kernels_elementwise import complex_logaddexp


def _keys(a: Any) -> Any:
    """What NumPy can sort in place of bfloat16."""
    return a.astype(np.float32) if a.dtype.kind == "V" else a


def order_along(a: Any, axis: int, descending: bool = False) -> Any:
    """The stable order of the elements along a dim."""
    keys = _keys(a)
    if not descending:
        return np.argsort(keys, axis=axis, kind="stable")
    back = np.argsort(np.flip(keys, axis), axis=axis, kind="stable")    # ties reversed twice keep their order
    return np.ascontiguousarray(np.flip(a.shape[axis] - 1 - back, axis))


def largest_first(a: Any, axis: int, k: int, largest: bool) -> Any:
    """Where the k largest (or smallest) elements along a dim are, in order."""
    n = a.shape[axis]
    if k == 0 or n < 64 or k > n // 4:
        return _first(order_along(a, axis, largest), axis, k)
    keys = _keys(a)
    if largest:
        part = _first(np.flip(np.argpartition(keys, n - k, axis), axis), axis, k)
    else:
        part = _first(np.argpartition(keys, k - 1, axis), axis, k)
    among = order_along(np.take_along_axis(keys, part, axis), axis, largest)
    return np.take_along_axis(part, among, axis)


def _first(a: Any, axis: int, k: int) -> Any:
    return np.ascontiguousarray(a[(slice(None),) * (axis % a.ndim) + (slice(k),)])


def kth(a: Any, axis: int, k: int) -> Any:
    """Where the k-th smallest element along a dim is (k from 1); the dim has size 1 in the result."""
    order = np.argpartition(_keys(a), k - 1, axis)
    return np.ascontiguousarray(order[(slice(None),) * axis + (slice(k - 1, k),)])


def middle(a: Any, axis: int, skip_nan: bool) -> Any:
    """Where the lower median along a dim is; the dim has size 1 in the result.

    NaN is the median of what holds one, unless skipped.
    """
    n, keys = a.shape[axis], _keys(a)
    nans = np.isnan(keys) if keys.dtype.kind == "f" else None
    if nans is None or not nans.any():
        return kth(a, axis, (n - 1) // 2 + 1)
    order = np.argsort(keys, axis=axis, kind="stable")
    real = n - nans.sum(axis, keepdims=True)
    if skip_nan:
        return np.take_along_axis(order, np.maximum(real - 1, 0) // 2, axis)
    return np.take_along_axis(order, np.where(real < n, real, (n - 1) // 2), axis)


_SHORT = 16         # up to here C++'s std::sort, which PyTorch uses for `mode`, is an insertion sort


def _insertion_order(row: Any) -> Any:
    """The order an insertion sort gives that asks only `a < b`: nothing moves past a NaN, as in PyTorch."""
    order: list[int] = []
    for i, value in enumerate(row):
        place = i
        if order and value < row[order[0]]:
            place = 0
        else:
            while place and value < row[order[place - 1]]:
                place -= 1
        order.insert(place, i)
    return np.array(order)


def most_frequent(a: Any, axis: int) -> Any:
    """Where the commonest element along a dim is, the smallest of several; the dim has size 1 in the result."""
    order = np.argsort(_keys(a), axis=axis, kind="stable")
    if a.dtype.kind == "f" and a.shape[axis] <= _SHORT and np.isnan(a).any():
        order = np.apply_along_axis(_insertion_order, axis, a)
    ordered = np.moveaxis(np.take_along_axis(a, order, axis), axis, -1)
    starts = np.ones(ordered.shape, bool)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    place = np.arange(ordered.shape[-1])
    # where the run of each element began
    begun = np.maximum.accumulate(np.where(starts, place, 0), axis=-1)
    # the last of the first longest run
    longest = np.argmax(place - begun, axis=-1)
    return np.take_along_axis(order, np.expand_dims(longest, axis), axis)


def running_extreme(a: Any, axis: int, largest: bool) -> tuple[Any, Any]:
    """Running maxima or minima along a dim, and where each was met last."""
    values = (np.maximum if largest else np.minimum).accumulate(a, axis=axis)
    place = np.arange(a.shape[axis]).reshape([-1] + [1] * (a.ndim - axis - 1))
    met = (a == values) | (a != a)
    return values, np.maximum.accumulate(np.where(met, place, 0), axis=axis)


def running_logsumexp(a: Any, axis: int) -> Any:
    """log(cumsum(exp(a))) along a dim without overflow."""
    if a.dtype.kind != "c":
        with np.errstate(invalid="ignore"):
            return np.logaddexp.accumulate(a, axis=axis)
    steps = np.moveaxis(a, axis, 0)
    out = np.empty(steps.shape, a.dtype)
    out[:1] = steps[:1]
    with np.errstate(invalid="ignore", divide="ignore"):
        for i in range(1, len(steps)):          # phases add up, as in PyTorch: they are not wrapped into (-pi, pi]
            out[i] = complex_logaddexp(out[i - 1], steps[i])
    return np.ascontiguousarray(np.moveaxis(out, 0, axis))


def distinct(a: Any) -> tuple[Any, Any, Any]:
    """The distinct elements in order, the place of each element among them, and how often each occurs."""
    flat = _keys(a.reshape(-1))
    if not flat.size:
        return a.reshape(-1), np.zeros(a.shape, np.int64), np.zeros(0, np.int64)
    order = np.argsort(flat, kind="stable")
    changes = np.empty(flat.size, bool)
    ordered = flat[order]
    changes[:1], changes[1:] = True, ordered[1:] != ordered[:-1]
    return _groups(a.reshape(-1)[order], changes, order, a.shape)


def runs(a: Any) -> tuple[Any, Any, Any]:
    """The elements without consecutive repeats, the run of each element, and how long each run is."""
    flat = a.reshape(-1)
    changes = np.ones(flat.size, bool)
    changes[1:] = flat[1:] != flat[:-1]
    return _groups(flat, changes, np.arange(flat.size), a.shape)


def _groups(ordered: Any, changes: Any, order: Any, shape: Any) -> tuple[Any, Any, Any]:
    group = np.empty(ordered.shape[0], np.int64)
    group[order] = np.cumsum(changes) - 1
    starts = np.flatnonzero(changes)
    return ordered[starts], group.reshape(shape), np.diff(np.append(starts, ordered.shape[0]))


def distinct_slices(a: Any, axis: int, consecutive: bool) -> tuple[Any, Any, Any]:
    """The distinct slices of a dim (in order, or without consecutive repeats), the place of each, the counts.
    """
    rows = np.moveaxis(a, axis, 0)
    flat = _keys(rows.reshape(rows.shape[0], -1) if a.size else rows.reshape(rows.shape[0], 0))
    order = np.arange(rows.shape[0]) if consecutive or not flat.shape[1] else np.lexsort(flat.T[::-1])
    ordered = flat[order]
    changes = np.ones(rows.shape[0], bool)
    changes[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    found, group, counts = _groups(rows[order], changes, order, (rows.shape[0],))
    return np.ascontiguousarray(np.moveaxis(found, 0, axis)), group, counts


def insertion_places(edges: Any, values: Any, right: bool) -> Any:
    """Where values go in sorted edges, along the last dim of both."""
    side: Any = "right" if right else "left"
    edges, values = _keys(edges), _keys(np.asarray(values))
    if edges.ndim == 1:
        return np.searchsorted(edges, values, side)
    if not values.size:
        return np.zeros(values.shape, np.int64)
    count = values.size // values.shape[-1]
    rows, wanted = edges.reshape(count, edges.shape[-1]), values.reshape(count, values.shape[-1])
    found = [np.searchsorted(row, some, side) for row, some in zip(rows, wanted)]
    return np.stack(found).reshape(values.shape)


def nonzero_rows(a: Any) -> Any:
    """The indices of non-zero elements, one a row; column by column in memory, as PyTorch has it."""
    flat, out = np.flatnonzero(a), []
    for n in reversed(a.shape[1:]):
        flat, last = np.divmod(flat, n)
        out.append(last)
    return np.stack([flat, *out[::-1]]).T


def counted(a: Any, weights: Any, least: int) -> Any:
    """How often each of 0, 1, 2 ... occurs, or the sum of its weights."""
    if weights is None:
        return np.bincount(a, minlength=least)
    return np.bincount(a, weights, least)


def histogram(a: Any, bins: int, low: float, high: float) -> Any:
    """How many elements fall into each of `bins` equal parts of [low, high]."""
    keys = _keys(a.reshape(-1))
    inside = keys[(keys >= low) & (keys <= high)].astype(np.float64)
    place = np.minimum(((inside - low) * bins / (high - low)).astype(np.int64), bins - 1)
    return np.bincount(place, minlength=bins).astype(a.dtype)
