"""What NumPy lacks of LAPACK: LU with its pivots, triangular systems, Bunch and Kaufman's LDL. For batches of matrices.

Loops run over columns or blocks, all matrices of a batch at once; matrix products do most of the work.
Imported by `linalg.py` and `xp.py`. Imports NumPy only.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any
_BLOCK = 32             # columns eliminated before the rest is updated by one product


def lu_packed(a: Array) -> tuple[Array, Array, Array]:
    """L (below the diagonal) and U in one array, the row swapped with each row, the first zero pivot (both 1-based).

    Reference, for one square matrix: for each column j, bring the row with the largest element up, divide what is
    below it by it, subtract column times row from the rest.
    Source: Golub and Van Loan, Matrix Computations, section 3.4.
    """
    *batch, m, n = a.shape
    work = np.array(a, order="C").reshape(math.prod(batch), m, n)
    k = min(m, n)
    pivots = np.broadcast_to(np.arange(1, k + 1, dtype=np.int32), (len(work), k)).copy()
    info = np.zeros(len(work), np.int32)
    for start in range(0, k, _BLOCK):
        end = min(start + _BLOCK, k)
        for j in range(start, end):
            _eliminate(work, pivots, info, j, end)
        if end < n:
            top = work[:, start:end, end:]
            _substitute(work[:, start:end, start:end], top, False, True)
            work[:, end:, end:] -= work[:, end:, start:end] @ top
    return work.reshape(a.shape), pivots.reshape(*batch, k), info.reshape(batch)


def _eliminate(work: Array, pivots: Array, info: Array, j: int, end: int) -> None:
    """One column: choose the pivot, swap rows, divide, update the block's columns up to `end`."""
    column = work[:, j:, j]
    size = np.abs(column.real) + np.abs(column.imag) if work.dtype.kind == "c" else np.abs(column)
    chosen = j + size.argmax(1)
    pivots[:, j] = chosen + 1
    moved = np.flatnonzero(chosen != j)
    if len(moved):
        rows = work[moved, j].copy()
        work[moved, j] = work[moved, chosen[moved]]
        work[moved, chosen[moved]] = rows
    head = work[:, j, j]
    zero = head == 0
    info[(info == 0) & zero] = j + 1
    below = work[:, j + 1:, j]
    below /= np.where(zero, head.dtype.type(1), head)[:, None]
    work[:, j + 1:, j + 1:end] -= below[:, :, None] * work[:, j, None, j + 1:end]


def row_order(pivots: Array, rows: int, inverse: bool = False) -> Array:
    """From swaps (1-based) to the order of rows: row i of P^T A is row order[i] of A; or the inverse of that."""
    swaps = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1]).astype(np.int64) - 1
    order = np.broadcast_to(np.arange(rows), (len(swaps), rows)).copy()
    each = np.arange(len(swaps))
    for j in range(swaps.shape[1]):
        other = swaps[:, j]
        kept = order[:, j].copy()
        order[:, j] = order[each, other]
        order[each, other] = kept
    order = order.reshape(*pivots.shape[:-1], rows)
    return np.argsort(order, -1) if inverse else order


def solve_triangular(a: Array, b: Array, upper: bool, left: bool = True, unitriangular: bool = False) -> Array:
    """X of a X = b (or X a = b), reading one triangle of `a`. Zeros on the diagonal give inf and NaN.

    Reference: np.linalg.solve(np.triu(a) if upper else np.tril(a), b).
    """
    if not left:
        turned = solve_triangular(np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2), not upper, True, unitriangular)
        return np.swapaxes(turned, -1, -2)
    shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    out = np.array(np.broadcast_to(b, shape + b.shape[-2:]), order="C")
    _substitute(a, out, upper, unitriangular)
    return out


def _substitute(a: Array, x: Array, upper: bool, unit: bool) -> None:
    """Solves in place: halves are eliminated one after the other, down to small blocks, those row by row."""
    n = a.shape[-1]
    if n > 24:
        h = n // 2
        first, second = (slice(h, n), slice(0, h)) if upper else (slice(0, h), slice(h, n))
        _substitute(a[..., first, first], x[..., first, :], upper, unit)
        x[..., second, :] -= a[..., second, first] @ x[..., first, :]
        _substitute(a[..., second, second], x[..., second, :], upper, unit)
        return
    for i in range(n - 1, -1, -1) if upper else range(n):
        known = slice(i + 1, n) if upper else slice(0, i)
        if x.ndim == 2:
            x[i] -= np.dot(a[i, known], x[known])
        else:
            x[..., i, :] -= np.matmul(a[..., i, None, known], x[..., known, :])[..., 0, :]
        if not unit:
            x[..., i, :] /= a[..., i, i, None]
