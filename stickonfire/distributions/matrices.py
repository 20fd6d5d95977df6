"""Triangular factors of covariances: what the multivariate laws and their divergences share.

Room: distributions. Called by multivariate_normal.py, lowrank_multivariate_normal.py, wishart.py and kl.py's files.
"""
from __future__ import annotations

from typing import Any

from .. import eager as torch
from .. import linalg
from ..eager import Size, Tensor
from . import constraints
from .utils import lazy_property

SCALES: dict[str, Any] = {"covariance_matrix": constraints.positive_definite,
                          "precision_matrix": constraints.positive_definite,
                          "scale_tril": constraints.lower_cholesky}


def one_of_three(covariance_matrix: Any, precision_matrix: Any, scale_tril: Any) -> tuple[str, Tensor] | None:
    """The name and value of the one that is given, or None unless exactly one is."""
    given = [(name, value) for name, value in zip(SCALES, (covariance_matrix, precision_matrix, scale_tril))
             if value is not None]
    return given[0] if len(given) == 1 else None


def require_matrix(name: str, value: Tensor) -> None:
    """Raises: ValueError for fewer than two dims."""
    if value.dim() < 2:
        shown = "scale_tril matrix" if name == "scale_tril" else name
        raise ValueError(f"{shown} must be at least two-dimensional, with optional leading batch dimensions")


def factor_of(name: str, value: Tensor) -> Tensor:
    """The Cholesky factor of the covariance, of whichever of the three is given."""
    if name == "scale_tril":
        return value
    return linalg.cholesky(value) if name == "covariance_matrix" else _precision_to_scale_tril(value)


def _precision_to_scale_tril(precision: Tensor) -> Tensor:
    """L with inv(L L^T) the precision: flipped, its Cholesky factor is that of the precision inverted."""
    flipped = torch.flip(linalg.cholesky(torch.flip(precision, (-2, -1))), (-2, -1)).mT
    eye = torch.eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    return linalg.solve_triangular(flipped, eye, upper=False)


def log_diagonal(factor: Tensor) -> Tensor:
    """The sum of the logarithms of the diagonal: half the covariance's log determinant. Shape: (*, n, n) -> (*)."""
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def _batch_mv(matrix: Tensor, vector: Tensor) -> Tensor:
    """Matrix times vector. Shape: (*, n, m), (*, m) -> (*, n)."""
    return torch.matmul(matrix, vector.unsqueeze(-1)).squeeze(-1)


def _batch_mahalanobis(factor: Tensor, x: Tensor) -> Tensor:
    """|L^-1 x|^2. Samples in front of L's batch become columns, so that L is not copied for each.

    Shape: (batch, n, n), (*, batch, n) -> (*, batch).
    """
    n, batch_dims = x.shape[-1], factor.dim() - 2
    while x.dim() <= batch_dims:
        x = x.unsqueeze(0)
    batch, samples = x.shape[x.dim() - 1 - batch_dims:-1], x.shape[:x.dim() - 1 - batch_dims]
    columns = x.reshape((-1,) + batch + (n,)).movedim(0, -1).to(factor.dtype)
    squares = linalg.solve_triangular(factor, columns, upper=False).pow(2).sum(-2)
    return squares.movedim(-1, 0).reshape(samples + torch.broadcast_shapes(batch, factor.shape[:-2]))


class Scaled:
    """The three ways to say how a law of vectors or matrices spreads, each made of the factor on demand."""

    _unbroadcasted_scale_tril: Tensor
    _batch_shape: Size
    _event_shape: Size

    def _square_shape(self) -> Size:
        return self._batch_shape + (self._event_shape[-1],) * 2

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower Cholesky factor L of the covariance. Shape: batch + (n, n)."""
        return self._unbroadcasted_scale_tril.expand(self._square_shape())

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """L L^T. Shape: batch + (n, n)."""
        factor = self._unbroadcasted_scale_tril
        return torch.matmul(factor, factor.mT).expand(self._square_shape())

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The covariance's inverse. Shape: batch + (n, n)."""
        return torch.cholesky_inverse(self._unbroadcasted_scale_tril).expand(self._square_shape())
