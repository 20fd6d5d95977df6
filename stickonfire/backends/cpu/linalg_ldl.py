"""Bunch and Kaufman's factorisation of symmetric or Hermitian matrices, A = P L D L^T P^T, as LAPACK stores it.

D has blocks of size 1 and 2. `pivots` holds, 1-based, the row swapped with each row; negative numbers mark blocks
of size 2. Rows are swapped in what is still to be factored only, so that solving swaps and eliminates by turns. One
matrix at a time. Source: Bunch and Kaufman, Some stable methods for calculating inertia and solving symmetric
linear systems (1977); LAPACK sytf2, hetf2 and sytrs. Called through `xp` by `ops/linalg_ldl.py`. Imports NumPy
only.
"""
from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
_ALPHA = (1 + 17 ** 0.5) / 8        # bounds the growth of elements


def ldl_packed(a: Array, hermitian: bool) -> tuple[Array, Array, Array]:
    """L and D in one (lower triangular) array, the pivots, and the first zero block (1-based, or 0)."""
    out = np.tril(a)
    pivots, info = np.zeros(a.shape[:-1], np.int32), np.zeros(a.shape[:-2], np.int32)
    for at in np.ndindex(*info.shape):
        info[at] = _factor(out[at], pivots[at], hermitian and a.dtype.kind == "c")
    return out, pivots, info


def _size(a: Array) -> Array:
    return np.abs(a.real) + np.abs(a.imag) if a.dtype.kind == "c" else np.abs(a)


def _factor(a: Array, pivots: Array, conjugate: bool) -> int:
    """Factors the lower triangle of one matrix in place; returns where D is singular."""
    n, k, info = len(a), 0, 0
    while k < n:
        chosen, block = _choose(a, k)
        if chosen < 0:
            info, chosen = info or k + 1, k
            pivots[k] = k + 1
            k += 1
            continue
        last = k + block - 1
        if chosen != last:
            _swap(a, k, last, chosen, block, conjugate)
        if conjugate:
            a[k, k] = a[k, k].real
            a[last, last] = a[last, last].real
        rest = a[k + block:, k:k + block].copy()
        scaled = np.linalg.solve(_block(a, k, block, conjugate).T, rest.T).T
        a[k + block:, k + block:] -= np.tril(scaled @ (rest.conj() if conjugate else rest).T)
        a[k + block:, k:k + block] = scaled
        pivots[k:k + block] = chosen + 1 if block == 1 else -(chosen + 1)
        k += block
    return info


def _choose(a: Array, k: int) -> tuple[int, int]:
    """The row to swap in and the size of the block; row -1 if the column is zero."""
    here, below = _size(a[k, k]), _size(a[k + 1:, k])
    most = below.max(initial=0)
    if max(here, most) == 0:
        return -1, 1
    if here >= _ALPHA * most:
        return k, 1
    row = k + 1 + int(below.argmax())
    other = max(_size(a[row, k:row]).max(initial=0), _size(a[row + 1:, row]).max(initial=0))
    if here >= _ALPHA * most * (most / other):
        return k, 1
    return row, 1 if _size(a[row, row]) >= _ALPHA * other else 2


def _swap(a: Array, k: int, i: int, j: int, block: int, conjugate: bool) -> None:
    """Swaps rows and columns i < j of a symmetric matrix of which the lower triangle is stored."""
    a[j + 1:, [i, j]] = a[j + 1:, [j, i]]
    column, row = a[i + 1:j, i].copy(), a[j, i + 1:j].copy()
    a[i + 1:j, i], a[j, i + 1:j] = (row.conj(), column.conj()) if conjugate else (row, column)
    if conjugate:
        a[j, i] = a[j, i].conj()
    a[i, i], a[j, j] = a[j, j], a[i, i]
    if block == 2:
        a[i, k], a[j, k] = a[j, k], a[i, k]


def _block(a: Array, k: int, block: int, conjugate: bool) -> Array:
    """A diagonal block of D, both triangles."""
    d = a[k:k + block, k:k + block].copy()
    if block == 2:
        d[0, 1] = d[1, 0].conj() if conjugate else d[1, 0]
    return d


def ldl_solve(packed: Array, pivots: Array, b: Array, hermitian: bool) -> Array:
    """X of A X = b from what `ldl_packed` gives."""
    shape = np.broadcast_shapes(packed.shape[:-2], b.shape[:-2])
    x = np.array(np.broadcast_to(b, shape + b.shape[-2:]))
    packed = np.broadcast_to(packed, shape + packed.shape[-2:])
    pivots = np.broadcast_to(pivots, shape + pivots.shape[-1:])
    for at in np.ndindex(*shape):
        _solve(packed[at], pivots[at], x[at], hermitian and packed.dtype.kind == "c")
    return x


def _solve(a: Array, pivots: Array, x: Array, conjugate: bool) -> None:
    """Down through L and D, up through L^T, in place."""
    n, k, starts = len(a), 0, []
    while k < n:
        block = 1 if pivots[k] > 0 else 2
        _swap_rows(x, k + block - 1, abs(pivots[k]) - 1)
        x[k + block:] -= a[k + block:, k:k + block] @ x[k:k + block]
        x[k:k + block] = np.linalg.solve(_block(a, k, block, conjugate), x[k:k + block])
        starts.append((k, block))
        k += block
    for k, block in reversed(starts):
        below = a[k + block:, k:k + block]
        x[k:k + block] -= (below.conj() if conjugate else below).T @ x[k + block:]
        _swap_rows(x, k + block - 1, abs(pivots[k]) - 1)


def _swap_rows(x: Array, i: int, j: int) -> None:
    if i != j:
        x[[i, j]] = x[[j, i]]
