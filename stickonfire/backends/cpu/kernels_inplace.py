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
    """Runs `step(target, *others, scratch)`, by pieces where all arrays are dense and of one shape."""
    arrays, shape = (target, *others), target.shape
    if target.size <= BLOCK or any(not a.flags.c_contiguous or a.shape != shape for a in arrays):
        step(*arrays, np.empty_like(target))
        return
    flat = [a.reshape(-1) for a in arrays]
    scratch = np.empty(BLOCK, target.dtype)
    for start in range(0, target.size, BLOCK):
        pieces = [a[start:start + BLOCK] for a in flat]
        step(*pieces, scratch[:pieces[0].size])


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
    """target += weight * (end - target), counted from `end` for weights from 1/2 on."""
    def step(a: Any, b: Any, scratch: Any) -> None:
        np.subtract(b, a, out=scratch)
        if abs(weight) < 0.5:
            np.add(a, np.multiply(scratch, weight, out=scratch), out=a)
        else:
            np.subtract(b, np.multiply(scratch, 1 - weight, out=scratch), out=a)
    in_pieces(step, target, end)


def adam(param: Any, grad: Any, mean: Any, square: Any, new1: float, beta2: float, correction: float, eps: float,
         step_size: float) -> None:
    """One step of Adam, all in one pass over the memory:

        mean += new1 * (grad - mean);   square = beta2 * square + (1 - beta2) * grad^2
        param -= step_size * mean / (sqrt(square) / correction + eps)
    """
    def step(p: Any, g: Any, m: Any, v: Any, scratch: Any) -> None:
        np.subtract(g, m, out=scratch)
        np.multiply(scratch, new1, out=scratch)
        np.add(m, scratch, out=m)
        np.multiply(g, g, out=scratch)
        np.multiply(scratch, 1 - beta2, out=scratch)
        np.multiply(v, beta2, out=v)
        np.add(v, scratch, out=v)
        np.sqrt(v, out=scratch)
        np.divide(scratch, correction, out=scratch)
        np.add(scratch, eps, out=scratch)
        np.divide(m, scratch, out=scratch)
        np.multiply(scratch, -step_size, out=scratch)
        np.add(p, scratch, out=p)
    in_pieces(step, param, grad, mean, square)
