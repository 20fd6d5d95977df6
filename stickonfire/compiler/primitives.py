"""What programs have beside the functions of `xp`: checks that raise after a run, and picking one element of each row.

Each is plain NumPy here: the reference of what is generated, and what runs where nothing is.
"""
from __future__ import annotations

from typing import Any

import numpy as np


def check(a: Any, low: Any, high: Any, message: str, kind: type[Exception] = RuntimeError) -> None:
    """Raises unless all elements lie in [low, high]; `{}` in the message stands for the first that does not."""
    bad = ~((a >= low) & (a <= high))
    if bad.any():
        raise kind(message.format(a[bad].reshape(-1)[0]))


def rows(a: Any, index: Any) -> Any:
    """a[index]; beyond the ends, which a check reports, the row at the end. Shapes: (C, *), (M) -> (M, *)."""
    return np.take(a, index, axis=0, mode="clip")


def pick_along(a: Any, index: Any, axis: int) -> Any:
    """out[i, k] = a[i, index[i, k], k]: one element along an axis. Shapes: (N, C, *), (N, *) -> (N, *)."""
    index = np.clip(index, 0, a.shape[axis] - 1)                    # a check speaks about those beyond the ends
    return np.take_along_axis(a, np.expand_dims(index, axis), axis).squeeze(axis)


def one_hot_times(index: Any, values: Any, like: Any) -> Any:
    """Rows of zeros, but for values[i] at index[i]. Shapes: (N), (N), (N, C) -> (N, C)."""
    out = np.zeros_like(like)
    out[np.arange(len(out)), index] = values
    return out
