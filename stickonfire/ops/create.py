"""Ops that make a tensor from attributes alone. `eager/creation.py` sorts out a user's arguments."""
from __future__ import annotations

import math
from typing import Any

from ..core.dtypes import INTEGER
from ..core.limits import check_number
from .op import op


@op()
def full(xp, *, size: tuple[int, ...], value: Any, dtype: Any, device: Any):
    """One value everywhere. Shape: size.   Source: PyTorch `full`."""
    check_number(value, dtype)
    native = xp.native_dtype(dtype)
    if value == 0 and not isinstance(value, complex):
        return xp.zeros(size, native)
    return xp.full(size, xp.cast(xp.asarray(value), dtype), native)


@op()
def empty(xp, *, size: tuple[int, ...], dtype: Any, device: Any):
    """Whatever memory held. Shape: size.   Source: PyTorch `empty`."""
    return xp.empty(size, xp.native_dtype(dtype))


@op()
def arange(xp, *, start: Any, end: Any, step: Any, dtype: Any, device: Any):
    """start, start + step, ... up to end. Shape: (ceil((end - start) / step)).   Source: PyTorch `arange`."""
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (step > 0) != (end >= start) and start != end:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if dtype.category <= INTEGER:               # PyTorch cuts the bounds off first
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise ValueError("step must be nonzero: an integer dtype cuts its decimals off")
    if all(isinstance(n, int) for n in (start, end, step)):
        count = len(range(start, end, step))
        return xp.cast(start + step * xp.arange(count), dtype)
    count = math.ceil((end - start) / step)
    return xp.cast(xp.asarray(start + step * xp.arange(count, dtype=float)), dtype)


@op()
def linspace(xp, *, start: Any, end: Any, steps: int, dtype: Any, device: Any):
    """Evenly from start to end, the second half counted back from the end as PyTorch does. Shape: (steps)."""
    return spaced(xp, start, end, steps, dtype)


@op()
def logspace(xp, *, start: Any, end: Any, steps: int, base: float, dtype: Any, device: Any):
    """Powers of `base`, exponents evenly spaced. Shape: (steps).   Source: PyTorch `logspace`."""
    if dtype.category <= INTEGER:
        start, end = int(start), int(end)
    wide = xp.asarray(spaced(xp, start, end, steps, None))
    return xp.cast(base ** wide, dtype)


def spaced(xp, start, end, steps, dtype):
    """`steps` numbers in float64 (or complex), cast to `dtype`; integer dtypes truncate."""
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    if dtype is not None and dtype.category <= INTEGER:
        start, end = int(start), int(end)       # PyTorch cuts the ends off first
    if steps == 1:
        values = xp.asarray([start])
    else:
        step = (end - start) / max(steps - 1, 1)
        count = xp.arange(steps)
        values = xp.where(count < steps // 2, start + step * count, end - step * (steps - 1 - count))
    return values if dtype is None else xp.cast(values, dtype)


@op()
def eye(xp, *, n: int, m: int, dtype: Any, device: Any):
    """Ones on the diagonal. Shape: (n, m).   Source: PyTorch `eye`."""
    return xp.eye(n, m, dtype=xp.native_dtype(dtype))
