"""Tables of taps: which elements along a dim make each output element, and with what weights.

Pooling and interpolation work dim by dim. A *spec* is a hashable tuple that says how one dim is treated:

    ("window", n, size, kernel, stride, padding, dilation)      windows at regular places, weight 1
    ("adaptive", n, size)                                       `size` windows that cover n elements, weight 1
    ("mean", n, size)                                           the same, weight 1 / length
    ("nearest" | "nearest-exact" | "linear" | "cubic" | "linear-aa" | "cubic-aa", n, size, scale, align, double)

Tap t of a table holds, for the output places (rows) that have one, the source (cols) and the weight. Rows and cols
are slices where they can be, so that windows are views. Called by pool.py and resample.py. Imports NumPy only.
"""
from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

Spec = tuple[Any, ...]


class Tap(NamedTuple):
    """The t-th element of each window; weights None stand for ones."""

    rows: Any
    cols: Any
    weights: Any


class Table(NamedTuple):
    """All taps of one dim, and its size afterwards."""

    size: int
    taps: tuple[Tap, ...]


@lru_cache(maxsize=512)
def table(spec: Spec) -> Table:
    """The table that applies a spec."""
    rows, cols, weights, rank = entries(spec)
    return Table(spec[2], pack(rows, cols, weights, rank))


@lru_cache(maxsize=512)
def table_back(spec: Spec) -> Table:
    """The adjoint's table: sources and outputs swapped."""
    rows, cols, weights, rank = entries(spec)
    if spec[0] != "window":         # several outputs may have the same source as their tap t
        order = np.argsort(cols, kind="stable")
        rows, cols, weights = rows[order], cols[order], None if weights is None else weights[order]
        rank = places_in_runs(cols)
    return Table(spec[1], pack(cols, rows, weights, rank))


def places_in_runs(values: Any) -> Any:
    """How many equal values stand before each one, in a sorted array."""
    return np.arange(values.size) - np.searchsorted(values, values)


def entries(spec: Spec) -> tuple[Any, Any, Any, Any]:
    """All (row, col, weight, tap) of a spec."""
    kind, n, size = spec[:3]
    if kind == "window":
        _, _, _, kernel, stride, padding, dilation = spec
        rows, rank = (a.ravel() for a in np.meshgrid(np.arange(size), np.arange(kernel), indexing="ij"))
        cols = rows * stride - padding + rank * dilation
        inside = (cols >= 0) & (cols < n)
        return rows[inside], cols[inside], None, rank[inside]
    if kind in ("adaptive", "mean"):
        starts = np.arange(size) * n // max(size, 1)
        lengths = -(-np.arange(1, size + 1) * n // max(size, 1)) - starts
        rows = np.repeat(np.arange(size), lengths)
        rank = places_in_runs(rows)
        return rows, starts[rows] + rank, 1.0 / lengths[rows] if kind == "mean" else None, rank
    return interpolation(kind, n, size, *spec[3:])


def pack(rows: Any, cols: Any, weights: Any, rank: Any) -> tuple[Tap, ...]:
    """Entries sorted into taps."""
    taps = []
    for t in range(int(rank.max()) + 1 if rank.size else 0):
        chosen = rank == t
        if chosen.any():
            order = np.argsort(rows[chosen], kind="stable")
            taps.append(Tap(sliced(rows[chosen][order]), sliced(cols[chosen][order]),
                            None if weights is None else weights[chosen][order]))
    return tuple(taps)


def sliced(places: Any) -> Any:
    """Evenly spaced, rising places as a slice; others as they are."""
    if places.size == 1:
        return slice(int(places[0]), int(places[0]) + 1, 1)
    steps = np.diff(places)
    if steps[0] > 0 and (steps == steps[0]).all():
        return slice(int(places[0]), int(places[-1]) + 1, int(steps[0]))
    return places


def interpolation(kind: str, n: int, size: int, scale: float | None, align: bool, double: bool) -> tuple[Any, Any,
                                                                                                         Any, Any]:
    """Entries of the interpolating kinds. Places are computed in float32 unless the data is double, as PyTorch does."""
    real = np.float64 if double else np.float32
    ratio = source_step(n, size, scale, align, real)
    if kind.endswith("-aa"):
        return antialiased(kind, n, size, ratio, real)
    rows = np.arange(size)
    if kind in ("nearest", "nearest-exact"):
        places = (rows + (real(0.5) if kind == "nearest-exact" else real(0))).astype(real) * ratio
        cols = np.minimum(np.floor(places).astype(np.int64), n - 1)
        return rows, cols, None, np.zeros(size, np.int64)
    places = rows.astype(real) * ratio if align else (rows.astype(real) + real(0.5)) * ratio - real(0.5)
    if kind == "linear":
        places = np.maximum(places, 0)
        low = np.minimum(np.floor(places).astype(np.int64), n - 1)
        part = np.clip(places - low, 0, 1)
        cols = np.stack([low, np.minimum(low + 1, n - 1)], 1)
        weights = np.stack([1 - part, part], 1)
    else:
        low = np.floor(places).astype(np.int64)
        part = places - low
        cols = np.clip(low[:, None] + np.arange(-1, 3), 0, n - 1)
        weights = np.stack([cubic(part + 1, -0.75), cubic(part, -0.75), cubic(1 - part, -0.75), cubic(2 - part,
                                                                                                      -0.75)], 1)
    taps = cols.shape[1]
    return np.repeat(rows, taps), cols.ravel(), weights.ravel(), np.tile(np.arange(taps), size)


def source_step(n: int, size: int, scale: float | None, align: bool, real: Any) -> Any:
    """How far apart two neighbouring outputs' places are in the source."""
    if align:
        return real(n - 1) / real(size - 1) if size > 1 else real(0)
    return real(1.0 / scale) if scale is not None and scale > 0 else real(n) / real(size)


def cubic(distance: Any, a: float) -> Any:
    """Keys' kernel for distances between 0 and 2 (IEEE Trans. ASSP 29, 1981)."""
    x = np.abs(distance)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0)).astype(x.dtype)


def antialiased(kind: str, n: int, size: int, ratio: Any, real: Any) -> tuple[Any, Any, Any, Any]:
    """Entries of a kernel that is stretched where the output is smaller than the source."""
    reach = (1.0 if kind == "linear-aa" else 2.0) * max(float(ratio), 1.0)
    squeeze = 1.0 / max(float(ratio), 1.0)
    rows, cols, weights, rank = [], [], [], []
    for place in range(size):
        center = float(ratio) * (place + 0.5)
        start = max(int(center - reach + 0.5), 0)
        length = min(int(center + reach + 0.5), n) - start
        distance = np.abs((np.arange(length) + start - center + 0.5) * squeeze)
        shape = np.maximum(1 - distance, 0) if kind == "linear-aa" else cubic(distance, -0.5)
        rows.append(np.full(length, place))
        cols.append(np.arange(start, start + length))
        weights.append(shape / shape.sum() if shape.sum() else shape)
        rank.append(np.arange(length))
    return np.concatenate(rows), np.concatenate(cols), np.concatenate(weights).astype(real), np.concatenate(rank)


def apply(x: Any, dim: int, taps: Table) -> Any:
    """Weighted sums of the elements of a dim."""
    if len(taps.taps) == 1 and covers(taps.taps[0].rows, taps.size) and taps.taps[0].weights is None:
        return np.ascontiguousarray(picked(x, dim, taps.taps[0].cols))
    out = np.zeros((*x.shape[:dim], taps.size, *x.shape[dim + 1:]), x.dtype)
    lead = (slice(None),) * dim
    for rows, cols, weights in taps.taps:
        part = picked(x, dim, cols)
        if weights is not None:
            part = part * weights.astype(x.dtype).reshape(-1, *[1] * (x.ndim - dim - 1))
        out[(*lead, rows)] += part
    return out


def covers(rows: Any, size: int) -> bool:
    """Whether rows are all of 0 ... size - 1."""
    return isinstance(rows, slice) and len(range(*rows.indices(size))) == size


def picked(x: Any, dim: int, cols: Any) -> Any:
    """The elements at cols: a view if they are a slice."""
    return x[(slice(None),) * dim + (cols,)] if isinstance(cols, slice) else np.take(x, cols, axis=dim)


def combined(x: Any, specs: tuple[Spec, ...], back: bool = False) -> Any:
    """Applies specs to the last dims, one after the other."""
    for k, spec in enumerate(specs):
        dim = x.ndim - len(specs) + k
        if whole(spec):
            x = np.repeat(x, spec[1], dim) if back else x.sum(axis=dim, keepdims=True, dtype=x.dtype)
        else:
            x = apply(x, dim, table_back(spec) if back else table(spec))
    return x


def whole(spec: Spec) -> bool:
    """Whether one window holds the whole dim, as in global pooling."""
    return spec[0] == "window" and spec[2] == 1 and spec[3] == spec[1] and spec[5:] == (0, 1)


def counts(specs: tuple[Spec, ...], include_pad: bool) -> Any:
    """How many elements each window of ("window", ...) specs holds; padding counts if asked for."""
    total = np.ones(())
    for _, n, size, kernel, stride, padding, _ in specs:
        start = np.arange(size) * stride - padding
        end = np.minimum(start + kernel, n + padding)
        length = end - start if include_pad else np.minimum(end, n) - np.maximum(start, 0)
        total = total[..., None] * length
    return total


def flat_size(specs: tuple[Spec, ...]) -> int:
    return math.prod([spec[1] for spec in specs])
