"""Updates in place without large temporaries: what optimizers and `addcmul_`, `lerp_`, ... run on.

Each update runs over pieces that stay in the cache, with one piece of scratch memory. Above each step stands
what it computes. `xp.py` hands these on to the in-place kernels in `ops/`. Imports NumPy only.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

BLOCK = 16384       # elements a piece


def in_pieces(step: Callable[..., None], target: Any, *others: Any) -> None:
    """Runs `step(target, *others, scratch)` piece by piece where all arrays are dense and of one shape, else at once."""
    shape = target.shape
    if target.size <= BLOCK or not all([a.flags.c_contiguous and a.shape == shape for a in (target, *others)]):
        step(target, *others, np.empty_like(target))
        return
    target, *others = target.reshape(-1), *[a.reshape(-1) for a in others]
    scratch = np.empty(BLOCK, target.dtype)
    for start in range(0, target.size, BLOCK):
        piece = target[start:start + BLOCK]
        step(piece, *[a[start:start + BLOCK] for a in others], scratch[:piece.size])


def add_scaled(target: Any, other: Any, factor: float) -> None:
    """target += factor * other, for an array `other`."""
    def step(a: Any, b: Any, scratch: Any) -> None:
        np.add(a, np.multiply(b, factor, out=scratch), out=a)
    in_pieces(step, target, other)


def add_product(target: Any, one: Any, two: Any, factor: float) -> None:
    """target += factor * one * two."""
    def step(a: Any, b: Any, c: Any, scratch: Any) -> None:
        np.multiply(b, c, out=scratch)
        if factor != 1:
            np.multiply(scratch, factor, out=scratch)
        np.add(a, scratch, out=a)
    in_pieces(step, target, one, two)


def add_quotient(target: Any, one: Any, two: Any, factor: float) -> None:
    """target += factor * one / two."""
    def step(a: Any, b: Any, c: Any, scratch: Any) -> None:
        np.divide(b, c, out=scratch)
        if factor != 1:
            np.multiply(scratch, factor, out=scratch)
        np.add(a, scratch, out=a)
    in_pieces(step, target, one, two)


def move_towards(target: Any, end: Any, weight: float) -> None:
    """target += weight * (end - target), counted from `end` for weights from 1/2 on, as PyTorch's lerp does."""
    def step(a: Any, b: Any, scratch: Any) -> None:
        np.subtract(b, a, out=scratch)
        if abs(weight) < 0.5:
            np.add(a, np.multiply(scratch, weight, out=scratch), out=a)
        else:
            np.subtract(b, np.multiply(scratch, 1 - weight, out=scratch), out=a)
    in_pieces(step, target, end)
