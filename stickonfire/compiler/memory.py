"""Where temporaries live: one block of memory, in which those that are not alive at the same time share places."""
from __future__ import annotations

from typing import Any

import numpy as np

from .program import Ref


def lay_out(lives: dict[Any, list[int]], sizes: dict[Any, int], align: int) -> tuple[dict[Any, int], int]:
    """An offset for each, and the size of the whole. lives: first and last step that touches it.

    Best fit: what begins first is placed first, in the smallest gap that holds it.

    >>> lay_out({"a": [0, 1], "b": [1, 2], "c": [2, 3]}, {"a": 64, "b": 64, "c": 64}, 64)
    ({'a': 0, 'b': 64, 'c': 0}, 128)
    """
    offsets: dict[Any, int] = {}
    placed: list[tuple[int, int, int]] = []             # offset, end, last step
    total = 0
    for key in sorted(lives, key=lambda k: (lives[k][0], -sizes[k])):
        first, last = lives[key]
        size = -(-max(sizes[key], 1) // align) * align
        placed = sorted(p for p in placed if p[2] >= first)
        best, best_gap, at = -1, 0, 0
        for start, end, _ in placed:
            gap = start - at
            if gap >= size and (best < 0 or gap < best_gap):
                best, best_gap = at, gap
            at = max(at, end)
        offset = best if best >= 0 else at
        offsets[key] = offset
        placed.append((offset, offset + size, last))
        total = max(total, offset + size)
    return offsets, total


class Memory:
    """What NumPy needs to see memory as an array."""

    def __init__(self, address: int, ref: Ref, owner: Any) -> None:
        self.owner = owner
        self.__array_interface__ = {"data": (address, False), "shape": ref.shape, "strides": ref.strides,
                                    "typestr": f"|V{ref.dtype.itemsize}" if ref.dtype.kind == "V" else ref.dtype.str,
                                    "version": 3}


def as_array(address: int, ref: Ref, owner: Any) -> np.ndarray:
    """The elements of a Ref that begin at an address."""
    if not ref.size:
        return np.empty(ref.shape, ref.dtype)
    return np.asarray(Memory(address, ref, owner)).view(ref.dtype)
