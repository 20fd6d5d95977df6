"""Updates in place without large temporaries: what optimizers and `addcmul_`, `lerp_`, ... run on.

Each update runs over pieces that stay in the cache, with one piece of scratch memory (None for a small array: the
first ufunc then makes it). Outputs go by position: as keywords they cost a ufunc call half of its time. Above each
step stands what it computes. `xp.py` hands these on. Imports NumPy only.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

BLOCK = 16384       # elements a piece
SMALL = 2048        # below this a ufunc's call costs more than its arithmetic
native_updates: list[Callable[..., bool]] = []      # quicker ways for large arrays; each says whether it did the step


def in_pieces(step: Callable[..., None], arrays: tuple[Any, ...], *settings: Any) -> None:
    """Runs `step(*arrays, scratch, *settings)`, piece by piece where all arrays are dense and of one shape."""
    target = arrays[0]
    if target.size <= BLOCK:
        step(*arrays, None if target.ndim else np.empty_like(target), *settings)     # 0-d results would be scalars
        return
    for native in native_updates:
        if native(step, arrays, settings):
            return
    shape = target.shape
    if not all([a.flags.c_contiguous and a.shape == shape for a in arrays]):
        step(*arrays, np.empty_like(target), *settings)
        return
    flat = [a.reshape(-1) for a in arrays]
    scratch = np.empty(BLOCK, target.dtype)
    for start in range(0, target.size, BLOCK):
        pieces = [a[start:start + BLOCK] for a in flat]
        step(*pieces, scratch[:pieces[0].size], *settings)


def add_scaled(target: Any, other: Any, factor: float) -> None:
    """target += factor * other, for an array `other`."""
    in_pieces(_add_scaled, (target, other), factor)


def _add_scaled(a: Any, b: Any, scratch: Any, factor: float) -> None:
    np.add(a, np.multiply(b, factor, scratch), a)


def add_product(target: Any, one: Any, two: Any, factor: float) -> None:
    """target += factor * one * two."""
    in_pieces(_add_product, (target, one, two), factor)


def _add_product(a: Any, b: Any, c: Any, scratch: Any, factor: float) -> None:
    scratch = np.multiply(b, c, scratch)
    np.add(a, scratch if factor == 1 else scratch * factor if scratch.ndim == 0 else
           np.multiply(scratch, factor, scratch), a)


def add_quotient(target: Any, one: Any, two: Any, factor: float) -> None:
    """target += factor * one / two."""
    in_pieces(_add_quotient, (target, one, two), factor)


def _add_quotient(a: Any, b: Any, c: Any, scratch: Any, factor: float) -> None:
    scratch = np.divide(b, c, scratch)
    np.add(a, scratch if factor == 1 else scratch * factor if scratch.ndim == 0 else
           np.multiply(scratch, factor, scratch), a)


def move_towards(target: Any, end: Any, weight: float) -> None:
    """target += weight * (end - target), counted from `end` for weights from 1/2 on, as PyTorch's lerp does."""
    in_pieces(_move_towards, (target, end), weight)


def _move_towards(a: Any, b: Any, scratch: Any, weight: float) -> None:
    scratch = np.subtract(b, a, scratch)
    if abs(weight) < 0.5:
        np.add(a, np.multiply(scratch, weight, scratch), a)
    else:
        np.subtract(b, np.multiply(scratch, 1 - weight, scratch), a)


def adam(members: list[tuple[Any, Any, Any, Any]], new1: float, beta2: float, correction: float, eps: float,
         step_size: float) -> None:
    """One step of Adam for quadruples (param, grad, mean, square), each in one pass over the memory:

        mean += new1 * (grad - mean);   square = beta2 * square + (1 - beta2) * grad^2
        param -= step_size * mean / (sqrt(square) / correction + eps)

    All have one dtype. Small ones are laid end to end first: what a ufunc call costs is then paid once for all.
    """
    native = members[0][0].dtype
    settings = [np.array(n, native) for n in (new1, beta2, 1 - beta2, correction, eps, -step_size)]     # need no cast
    small: list[Any] = []
    large: list[Any] = []
    for quad in members:
        fits = quad[0].size <= SMALL and all([a.flags.c_contiguous for a in quad])
        (small if fits else large).append(quad)
    if len(small) > 1:
        adam_together(small, settings)
    else:
        large += small
    for quad in large:
        in_pieces(_adam, quad, *settings)


def adam_together(small: list[tuple[Any, Any, Any, Any]], settings: list[Any]) -> None:
    """Adam for dense small arrays, laid end to end."""
    joined = np.concatenate([quad[k] for k in range(4) for quad in small], None)
    n = joined.size // 4
    p, g, m, v = joined[:n], joined[n:2 * n], joined[2 * n:3 * n], joined[3 * n:]
    in_pieces(_adam, (p, g, m, v), *settings)
    start = 0
    for param, _, mean, square in small:
        end = start + param.size
        param.ravel()[:] = p[start:end]
        mean.ravel()[:] = m[start:end]
        square.ravel()[:] = v[start:end]
        start = end


def _adam(p: Any, g: Any, m: Any, v: Any, scratch: Any, new1: Any, beta2: Any, new2: Any, correction: Any, eps: Any,
          minus_step: Any) -> None:
    scratch = np.subtract(g, m, scratch)
    np.add(m, np.multiply(scratch, new1, scratch), m)
    np.multiply(v, beta2, v)
    np.multiply(g, g, scratch)
    np.add(v, np.multiply(scratch, new2, scratch), v)
    np.sqrt(v, scratch)
    np.divide(scratch, correction, scratch)
    np.add(scratch, eps, scratch)
    np.divide(m, scratch, scratch)
    np.add(p, np.multiply(scratch, minus_step, scratch), p)
