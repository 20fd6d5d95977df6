"""Walks: the strides with which an array is gone through, under other extents. Pure functions, used by all that
plan kernels."""
from __future__ import annotations

import math

from .program import Ref

Strides = tuple[int, ...]


def reshaped_strides(shape: Strides, strides: Strides, new: Strides) -> Strides | None:
    """The strides of the same elements counted by other extents; None if no strides do that."""
    if math.prod(shape) != math.prod(new):
        return None
    if not math.prod(new):                                  # nothing to go through
        return (0,) * len(new)
    old_left = [(n, s) for n, s in zip(shape, strides) if n != 1]
    result: list[int] = []
    # go from the last extent to the first, taking from the old extents as many as the new one holds
    count, step = old_left.pop() if old_left else (1, 0)
    for extent in reversed(new):
        if extent == 1:
            result.append(0)
            continue
        while count < extent:
            if not old_left:
                return None
            more, its_step = old_left.pop()
            if its_step != step * count:
                return None
            count *= more
        if count % extent:
            return None
        result.append(step)
        count //= extent
        step *= extent
        if count == 1:
            count, step = old_left.pop() if old_left else (1, 0)
    return tuple(reversed(result)) if count == 1 and not old_left else None


def broadcast_strides(ref: Ref, shape: Strides) -> Strides | None:
    """A Ref's strides when it is broadcast to a shape."""
    extra = len(shape) - len(ref.shape)
    if extra < 0:
        return None
    result = [0] * extra
    for n, s, extent in zip(ref.shape, ref.strides, shape[extra:]):
        if n != extent and n != 1:
            return None
        result.append(0 if n == 1 else s)
    return tuple(result)


def collapsed(shape: Strides, strides: Strides) -> int | None:
    """The one stride that goes through all elements; None if there is none."""
    step = reshaped_strides(shape, strides, (math.prod(shape),))
    return None if step is None else step[0]


def same_walk(shape: Strides, a: Strides, b: Strides) -> bool:
    """Whether two walks through a space touch the same elements in the same order."""
    return all(n == 1 or s == t for n, s, t in zip(shape, a, b))
