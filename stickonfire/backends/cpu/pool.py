"""Pooling on the CPU: sums and maxima over windows, element by element of the kernel, and their adjoints.

`xp.py` hands these on to `ops/pool.py`. Specs (see taps.py) belong to the last dims; what stands before them is batch.
Imports NumPy only.
"""
from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .taps import Spec, Table, combined, counts, covers, table

Specs = tuple[Spec, ...]


def avg_pool(x: Any, specs: Specs, include_pad: bool, divisor: int | None) -> Any:
    """Means over windows; integers are divided as in C."""
    total = combined(x, specs)
    share = divisor if divisor is not None else counts(specs, include_pad)
    if x.dtype.kind != "f":
        return np.trunc(total / share).astype(x.dtype)
    return total / np.asarray(share, x.dtype)


def avg_pool_back(g: Any, specs: Specs, include_pad: bool, divisor: int | None) -> Any:
    """The adjoint of `avg_pool`."""
    share = divisor if divisor is not None else counts(specs, include_pad)
    return combined(g / np.asarray(share, g.dtype), specs, back=True)


def resample(x: Any, specs: Specs) -> Any:
    """Weighted sums along the last dims."""
    return combined(x, specs)


def resample_back(g: Any, specs: Specs) -> Any:
    """The adjoint of `resample`."""
    return combined(g, specs, back=True)


def max_pool(x: Any, specs: Specs) -> tuple[Any, Any]:
    """The largest element of each window, the first of equal ones, NaN before all; and its row-major place."""
    tables = [table(spec) for spec in specs]
    firsts = np.ix_(*[first_cols(t) for t in tables])
    steps = [math.prod([s[1] for s in specs[k + 1:]]) for k in range(len(specs))]
    whole = all(t.taps and covers(t.taps[0].rows, t.size) and isinstance(t.taps[0].cols, slice) for t in tables)
    best = x[(..., *[t.taps[0].cols for t in tables])].copy() if whole else x[(..., *firsts)]
    where = np.empty(best.shape, np.int64)
    where[...] = sum(cols * step for cols, step in zip(firsts, steps))
    for taps in itertools.islice(itertools.product(*[t.taps for t in tables]), 1, None):
        rows, cols = [tap.rows for tap in taps], [tap.cols for tap in taps]
        grid = np.ix_(*[indices(c) for c in cols])
        place = sum(c * step for c, step in zip(grid, steps))
        if all(isinstance(part, slice) for part in (*rows, *cols)):
            update(best[(..., *rows)], where[(..., *rows)], x[(..., *cols)], place)
        else:
            target = np.ix_(*[indices(r) for r in rows])
            some, there = best[(..., *target)], where[(..., *target)]
            update(some, there, x[(..., *grid)], place)
            best[(..., *target)], where[(..., *target)] = some, there
    return best, where


def update(best: Any, where: Any, values: Any, place: Any) -> None:
    """Puts in what is larger than the best so far."""
    larger = values > best
    if values.dtype.kind == "f":
        larger |= values != values
    np.copyto(best, values, where=larger)
    np.copyto(where, place, where=larger)


def indices(part: Any) -> Any:
    return np.arange(part.start, part.stop, part.step) if isinstance(part, slice) else part


def first_cols(taps: Table) -> Any:
    """The first source of each output."""
    out = np.full(taps.size, -1)
    for rows, cols, _ in reversed(taps.taps):
        out[rows] = indices(cols)
    return out


def flat_places(index: Any, dims: int, size: int) -> Any:
    """Places within planes (the last `dims` dims) as places in the whole array."""
    planes = math.prod(index.shape[:index.ndim - dims])
    return (index.reshape(planes, -1) + np.arange(planes)[:, None] * size).reshape(-1)


def spread_planes(values: Any, index: Any, shape: Sequence[int], distinct: bool) -> Any:
    """Adds values to zeros, each plane (the last dims, of `shape`) at its own places."""
    dims = len(shape)
    out = np.zeros((*index.shape[:index.ndim - dims], *shape), values.dtype)
    flat = flat_places(index, dims, math.prod(shape))
    if distinct:
        out.reshape(-1)[flat] = values.reshape(-1)
    else:
        np.add.at(out.reshape(-1), flat, values.reshape(-1))
    return out


def gather_planes(x: Any, index: Any, dims: int) -> Any:
    """The adjoint of `spread_planes`: the elements at those places."""
    flat = flat_places(index, dims, math.prod(x.shape[x.ndim - dims:]))
    return x.reshape(-1)[flat].reshape(index.shape)
