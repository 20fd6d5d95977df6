"""Matrix products and sums of squares on the CPU: which call of BLAS does the work, and what to do for integers.

`xp.py` hands these on to `ops/matmul.py` and `ops/reduce_norm.py`. BLAS takes transposed views as they are, so
nothing is copied unless neither of the last two dims is dense. Where the processor has a matrix unit, large float32
products go there once there have been enough of them. Imports NumPy and core; `native_products.py`, loaded late.
"""
from __future__ import annotations

import functools
import importlib
import math
from typing import Any

import numpy as np

from ...core.config import switches

LARGE = 1 << 18         # multiply-adds from which BLAS, too, uses several threads; two pools of them would fight
PATIENCE = 1 << 32      # as many as take longer than loading LLVM: only then do large products go elsewhere
_EXACT = 2 ** 53        # up to here float64 holds every integer
_done = [0]             # multiply-adds in large products so far


def product(a: Any, b: Any) -> Any:
    """Reference: np.matmul(a, b). One matrix on the right makes a batch on the left one large product."""
    if a.dtype.char not in "fdFD":
        return integer_product(a, b)
    if b.ndim <= 2:
        if a.ndim <= 2:
            return matrices(a, b)
        return matrices(a.reshape(math.prod(a.shape[:-1]), a.shape[-1]), b).reshape(a.shape[:-1] + b.shape[1:])
    if a.ndim > 2 and a.dtype.char == "f" and a.shape[-2] * a.shape[-1] * b.shape[-1] >= LARGE:
        out = large(a, b)
        if out is not None:
            return out
    return np.matmul(blas_ready(a), blas_ready(b))


def matrices(a: Any, b: Any) -> Any:
    """Reference: np.dot(a, b) for up to two dims each."""
    if a.ndim == b.ndim == 2 and a.size * b.shape[-1] >= LARGE and a.dtype.char == "f":
        out = large(a, b)
        if out is not None:
            return out
    return np.dot(a, b)


def large(a: Any, b: Any) -> Any:
    """A large float32 product on the matrix unit. None where BLAS is to do it."""
    if not switches.fused or not a.__class__ is b.__class__ is np.ndarray or not a.dtype == b.dtype == np.float32:
        return None
    if is_turned(a, b):
        return None                     # BLAS gives a symmetric result
    if _done[0] < PATIENCE:
        _done[0] += a.size * b.shape[-1]
        return None
    native = _native()
    return None if native is None else native.multiply(a, b)


def is_turned(a: Any, b: Any) -> bool:
    """Whether `b` is `a` with its last two dims exchanged: the same memory."""
    if a.shape[-2:] != b.shape[:-3:-1] or a.strides[-2:] != b.strides[:-3:-1]:
        return False
    return bool(a.__array_interface__["data"] == b.__array_interface__["data"])


@functools.cache
def _native() -> Any:
    """The module that has the matrix unit, None if there is no such unit here."""
    module = importlib.import_module(".native_products", __package__)
    try:
        return module if module.ready() else None
    except (ImportError, OSError, RuntimeError):        # llvmlite is installed, but does not load
        return None


def blas_ready(a: Any) -> Any:
    """The array, or a copy of it if neither of its last two dims is dense: NumPy would not use BLAS then."""
    if a.ndim < 2:
        return a
    size, (rows, columns) = a.itemsize, a.strides[-2:]
    if (columns == size and rows >= size * a.shape[-1]) or (rows == size and columns >= size * a.shape[-2]):
        return a
    return np.ascontiguousarray(a)


def integer_product(a: Any, b: Any) -> Any:
    """Integers wrap as in C. Where no sum can reach 2^53, BLAS computes exactly in float64, 50 times as fast."""
    if a.size > 64 and b.size > 64:
        if math.prod(float(max(abs(int(x.min())), abs(int(x.max())))) for x in (a, b)) * a.shape[-1] < _EXACT:
            return product(a.astype(np.float64), b.astype(np.float64)).astype(a.dtype)
    return np.matmul(a, b)


def affine(a: Any, weight: Any, bias: Any) -> Any:
    """Reference: a @ weight.T + bias."""
    out = product(a, weight.T)
    if bias is None:
        return out
    if out.__class__ is np.ndarray and out.ndim >= bias.ndim:
        out += bias
        return out
    return out + bias


def plus_product(base: Any, out: Any, beta: float, alpha: float) -> Any:
    """beta * base + alpha * out, into `out` where that is a fresh product; `base` is not looked at if beta is 0."""
    if out.__class__ is not np.ndarray:
        out = np.asarray(out)
    if alpha != 1:
        out *= out.dtype.type(alpha)
    if beta == 0:
        return out
    out += base if beta == 1 else base * base.dtype.type(beta)
    return out


def squared_size(a: Any) -> Any:
    """abs(a)^2, real."""
    return a * a if a.dtype.kind != "c" else a.real * a.real + a.imag * a.imag


_CHUNK = 32768          # elements that stay in the nearest cache


def squared_deviations(a: Any, centre: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """Reference: np.sum(abs(a - centre) ** 2, axis). Along the last dims, piece by piece in one small buffer."""
    trailing = axis == tuple(range(a.ndim - len(axis), a.ndim))
    if a.size <= _CHUNK or not trailing or a.dtype.char not in "fd" or not a.flags.c_contiguous:
        return np.sum(squared_size(a - centre), axis=axis, keepdims=keepdims)
    kept = a.shape[:a.ndim - len(axis)]
    count, n = math.prod(kept), math.prod(a.shape[len(kept):])
    total = np.zeros(count, a.dtype)
    if n >= _CHUNK:
        _long_rows(a.reshape(count, n), centre.reshape(count), total)
    else:
        _short_rows(a.reshape(count, n), centre.reshape(count, 1), total, _CHUNK // n)
    return total.reshape(centre.shape if keepdims else kept)


def _short_rows(rows: Any, centre: Any, total: Any, step: int) -> None:
    buffer = np.empty((step, rows.shape[1]), rows.dtype)
    for i in range(0, len(rows), step):
        part = np.subtract(rows[i:i + step], centre[i:i + step], out=buffer[:len(rows) - i])
        np.einsum("ij,ij->i", part, part, out=total[i:i + step])


def _long_rows(rows: Any, centre: Any, total: Any) -> None:
    buffer = np.empty(_CHUNK, rows.dtype)
    for k, row in enumerate(rows):
        squares = []
        for i in range(0, len(row), _CHUNK):
            part = np.subtract(row[i:i + _CHUNK], centre[k], out=buffer[:len(row) - i])
            squares.append(float(np.dot(part, part)))
        total[k] = math.fsum(squares)


def euclidean(a: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """Reference: np.sqrt(np.sum(abs(a) ** 2, axis)). Over all elements, BLAS multiplies the array with itself."""
    if len(axis) == a.ndim:
        flat = a.reshape(-1)
        total = np.vdot(flat, flat)
        root = np.sqrt(total.real)
        return root.reshape((1,) * a.ndim) if keepdims else root
    return np.sqrt(np.sum(squared_size(a), axis=axis, keepdims=keepdims))
