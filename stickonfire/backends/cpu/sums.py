"""Sums of few numbers, in PyTorch's order: then a row of softmax adds up to 1.0000 here where it does there.

Re-exported by `xp.py`. PyTorch adds what lies side by side in lanes of a vector of 32 bytes, with four sums at a
time where a row is shorter than a vector. With 16 numbers and more the printed digits no longer show it, and NumPy's
pairwise order, which is faster and a little more exact, is kept.
"""
from __future__ import annotations

from typing import Any

import numpy as np


def sequence(n: int, lanes: int) -> tuple[list[int], bool]:
    """In which order PyTorch adds n numbers, and whether NumPy's `add.reduce` (sequential below 8) may follow it."""
    order = [0, *range(4, n), 1, 2, 3] if n < lanes else [*range(lanes, n), *range(lanes)]
    return order, n < 8


add_up: Any = np.add.reduce     # NumPy's stubs do not know an axis or keepdims that is found out at run time
ORDERS = {(char, n): sequence(n, lanes) for char, lanes, end in (("f", 8, 16), ("d", 4, 8)) for n in range(5, end)}


def sum_plain(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum of floats or complex numbers along axes, None for all."""
    n = a.size if axis is None else a.shape[-1] if a.ndim else 1
    if n >= 16 or n < 5 or (a.dtype.char, n) not in ORDERS or a.strides[-1] != a.itemsize:
        return add_up(a, axis=axis, keepdims=keepdims)
    if axis is None:
        if not a.flags.c_contiguous:
            return add_up(a, axis=axis, keepdims=keepdims)
        row, shape = a.reshape(n), (1,) * a.ndim if keepdims else ()
    elif axis in (-1, a.ndim - 1, (-1,), (a.ndim - 1,)):
        row, shape = a, (*a.shape[:-1], 1) if keepdims else a.shape[:-1]
    else:
        return add_up(a, axis=axis, keepdims=keepdims)
    order, short = ORDERS[a.dtype.char, n]
    ordered = row[..., order]
    total = add_up(ordered, axis=-1) if short else np.add.accumulate(ordered, axis=-1)[..., -1]
    return total.reshape(shape) if keepdims else total
