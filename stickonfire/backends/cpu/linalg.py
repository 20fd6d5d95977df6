"""Decompositions on the CPU: NumPy's LAPACK calls, with PyTorch's conventions for what went wrong.

Each function takes batches of matrices. Those named `..._info` return, per matrix, 0 or the (1-based) place where
the algorithm broke down, as LAPACK does, where NumPy would raise for the whole batch. What NumPy lacks (LU,
triangular systems, LDL) is in `linalg_lu.py`. `xp.py` hands these on to `ops/linalg*.py`.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.errors import LinAlgError
from .linalg_lu import lu_packed

Array = Any


def by_columns(a: Array) -> Array:
    """The matrices stored column by column, as LAPACK, and so PyTorch, leaves them."""
    return np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2)


def _converging(name: str, run: Callable[..., Any], a: Array, *args: Any, **kwargs: Any) -> Any:
    """Runs an iterative algorithm; NumPy's complaint becomes ours."""
    try:
        return run(a, *args, **kwargs)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"{name}: The algorithm failed to converge because the input matrix is ill-conditioned or "
                          f"contained non-finite values ({error})") from None


def solve_info(a: Array, b: Array) -> tuple[Array, Array]:
    """X of a X = b, and where a pivot of `a` was zero. Both may be batches."""
    shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    info = np.zeros(a.shape[:-2], np.int32)
    if 0 in a.shape or 0 in b.shape:
        return np.zeros(shape + b.shape[-2:], b.dtype), info
    try:
        return by_columns(np.linalg.solve(a, b)), info
    except np.linalg.LinAlgError:
        info = lu_packed(a)[2]
    out = np.full(shape + b.shape[-2:], np.nan, b.dtype)
    broken = np.broadcast_to(info != 0, shape)
    a, b = np.broadcast_to(a, shape + a.shape[-2:]), np.broadcast_to(b, shape + b.shape[-2:])
    out[~broken] = np.linalg.solve(a[~broken], b[~broken])
    return out, info


def inverse_info(a: Array) -> tuple[Array, Array]:
    """The inverse, and where a pivot was zero."""
    try:
        return by_columns(np.linalg.inv(a)), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        return solve_info(a, np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape))


def cholesky_info(a: Array) -> tuple[Array, Array]:
    """L of a = L L^H, reading the lower triangle, and the order of the first leading minor that is not positive."""
    info = np.zeros(a.shape[:-2], np.int32)
    try:
        return by_columns(np.linalg.cholesky(a)), info
    except np.linalg.LinAlgError:
        out = np.tril(a)
        for at in np.ndindex(*info.shape):
            info[at] = _cholesky_until_broken(out[at])
        return out, info


def _cholesky_until_broken(a: Array) -> int:
    """Column by column in place, up to the first pivot that is not positive; its place, or 0."""
    for j in range(len(a)):
        pivot = a[j, j].real - np.vdot(a[j, :j], a[j, :j]).real
        if not pivot > 0:
            return j + 1
        a[j, j] = np.sqrt(pivot)
        a[j + 1:, j] = (a[j + 1:, j] - a[j + 1:, :j] @ a[j, :j].conj()) / a[j, j]
    return 0


def qr(a: Array, mode: Any) -> tuple[Array, Array]:
    """Q and R; mode "r" leaves Q empty."""
    if mode == "r":
        return np.empty((0,), a.dtype), by_columns(np.linalg.qr(a, "r"))
    q, r = np.linalg.qr(a, mode)
    return by_columns(q), by_columns(r)


def householder_form(a: Array) -> tuple[Array, Array]:
    """R above the diagonal, the reflectors' vectors below it; and their factors: LAPACK's geqrf."""
    if 0 in a.shape:
        return a.copy(), np.zeros((*a.shape[:-2], min(a.shape[-2:])), a.dtype)
    h, tau = np.linalg.qr(a, "raw")
    return np.swapaxes(h, -1, -2), tau


def eigh(a: Array, uplo: str) -> tuple[Array, Array]:
    """Eigenvalues in ascending order and eigenvectors of Hermitian matrices, of which one triangle is read."""
    values, vectors = _converging("linalg.eigh", np.linalg.eigh, a, uplo)
    return values, by_columns(vectors)


def eigvalsh(a: Array, uplo: str) -> Array:
    """Eigenvalues of Hermitian matrices, in ascending order."""
    return _converging("linalg.eigh", np.linalg.eigvalsh, a, uplo)


def eig(a: Array) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors, always complex."""
    _refuse_non_finite("eig", a)
    values, vectors = _converging("linalg.eig", np.linalg.eig, a)
    kind = np.result_type(a, np.complex64)
    return values.astype(kind), by_columns(vectors.astype(kind))


def eigvals(a: Array) -> Array:
    """Eigenvalues, always complex."""
    _refuse_non_finite("eigvals", a)
    return _converging("linalg.eig", np.linalg.eigvals, a).astype(np.result_type(a, np.complex64))


def _refuse_non_finite(name: str, a: Array) -> None:
    if not np.isfinite(a).all():
        raise RuntimeError(f"torch.linalg.{name}: input tensor should not contain infs or NaNs.")


def svd(a: Array, full_matrices: bool) -> tuple[Array, Array, Array]:
    """U, S and V^H, singular values in descending order."""
    u, s, vh = _converging("linalg.svd", np.linalg.svd, a, full_matrices)
    return by_columns(u), s, by_columns(vh)


def svdvals(a: Array) -> Array:
    """Singular values in descending order."""
    return _converging("linalg.svd", np.linalg.svd, a, compute_uv=False)


def det(a: Array) -> Array:
    return np.linalg.det(a)


def slogdet(a: Array) -> tuple[Array, Array]:
    """Sign (or phase) and logarithm of the size of the determinant."""
    sign, size = np.linalg.slogdet(a)
    return np.asarray(sign), np.asarray(size)


# Coefficients of the [13/13] Padé approximant of exp, and the largest 1-norm for which it is exact in double precision
# (Higham, The scaling and squaring method for the matrix exponential revisited, 2005).
_PADE = (64764752532480000., 32382376266240000., 7771770303897600., 1187353796428800., 129060195264000.,
         10559470521600., 670442572800., 33522128640., 1323241920., 40840800., 960960., 16380., 182., 1.)
_LARGEST = 5.371920351148152


def matrix_exp(a: Array) -> Array:
    """exp of matrices: scaled down by a power of 2, approximated by a quotient of polynomials, squared as often.

    Reference: sum(np.linalg.matrix_power(a, k) / factorial(k) for k in range(many)).
    """
    if a.size == 0:
        return a.copy()
    x = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64).reshape(-1, *a.shape[-2:])
    size = np.abs(x).sum(-2).max(-1)
    with np.errstate(divide="ignore"):
        halvings = np.where(np.isfinite(size), np.ceil(np.log2(size / _LARGEST)), 0).clip(0).astype(int)
    x = x / (2.0 ** halvings)[:, None, None]
    one = np.eye(x.shape[-1])
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    c = _PADE
    odd = x @ (x6 @ (c[13] * x6 + c[11] * x4 + c[9] * x2) + c[7] * x6 + c[5] * x4 + c[3] * x2 + c[1] * one)
    even = x6 @ (c[12] * x6 + c[10] * x4 + c[8] * x2) + c[6] * x6 + c[4] * x4 + c[2] * x2 + c[0] * one
    try:
        out = np.linalg.solve(even - odd, even + odd)
    except np.linalg.LinAlgError:               # NaN in, NaN out
        out = np.full_like(x, np.nan)
    for k in range(halvings.max()):
        more = halvings > k
        out[more] = out[more] @ out[more]
    return out.astype(a.dtype).reshape(a.shape)
