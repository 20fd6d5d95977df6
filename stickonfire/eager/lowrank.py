"""Approximate singular values and principal components of large matrices, by random projections.

Source: Halko, Martinsson and Tropp, Finding structure with randomness (2009), algorithms 4.4 and 5.1; PyTorch
`svd_lowrank`, whose random numbers they reproduce.
"""
from __future__ import annotations

from .composite_spectral import linalg_qr, linalg_svd
from .random import randn
from .tensor import Tensor


def approximate_basis(A: Tensor, q: int, niter: int) -> Tensor:
    """An orthonormal basis of nearly what A maps to. Shape: (*, M, N) -> (*, M, q)."""
    basis = linalg_qr(A @ randn(A.shape[-1], q, dtype=A.dtype)).Q
    for _ in range(niter):
        basis = linalg_qr(A.mH @ basis).Q
        basis = linalg_qr(A @ basis).Q
    return basis


def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2,
                M: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The q largest singular values of A - M and their vectors, approximately: U, S, V.

    Shape: (*, M, N) -> (*, M, q), (*, q), (*, N, q).   Source: PyTorch `svd_lowrank`.
    """
    if M is not None:
        A = A - M
    wide = A.shape[-2] < A.shape[-1]
    if wide:
        A = A.mH
    basis = approximate_basis(A, 6 if q is None else q, 2 if niter is None else niter)
    u, s, vh = linalg_svd(basis.mH @ A, full_matrices=False)
    u, v = basis @ u, vh.mH
    return (v, s, u) if wide else (u, s, v)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """The q first principal components of rows, approximately: U, S, V; the columns of V are the directions.

    Shape: (*, M, N) -> (*, M, q), (*, q), (*, N, q).   Source: PyTorch `pca_lowrank`.
    """
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)


FUNCTIONS = (svd_lowrank, pca_lowrank)
METHODS: dict[str, object] = {}
