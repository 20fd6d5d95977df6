"""The multivariate normal law with a covariance of low rank plus a diagonal.

Room: distributions; public as `torch.distributions.lowrank_multivariate_normal`.
"""
from __future__ import annotations

import math
from typing import Any

from .. import eager as torch
from .. import linalg
from ..eager import Size, Tensor
from . import constraints
from .distribution import Distribution
from .matrices import _batch_mahalanobis, _batch_mv, log_diagonal
from .utils import _standard_normal, lazy_property

__all__ = ["LowRankMultivariateNormal"]


def _capacitance_tril(factor: Tensor, diagonal: Tensor) -> Tensor:
    """The Cholesky factor of I + W^T D^-1 W, of the lemmas of Woodbury and of the matrix determinant."""
    inner = factor.mT @ (factor / diagonal.unsqueeze(-1))
    return linalg.cholesky(inner + torch.eye(inner.shape[-1], dtype=inner.dtype, device=inner.device))


def _lowrank_logdet(diagonal: Tensor, capacitance_tril: Tensor) -> Tensor:
    """log det(W W^T + D). Shape: batch."""
    return 2 * log_diagonal(capacitance_tril) + diagonal.log().sum(-1)


def _lowrank_mahalanobis(factor: Tensor, diagonal: Tensor, capacitance_tril: Tensor, x: Tensor) -> Tensor:
    """x^T (W W^T + D)^-1 x. Shape: batch."""
    inner = _batch_mv(factor.mT / diagonal.unsqueeze(-2), x)
    return (x.pow(2) / diagonal).sum(-1) - _batch_mahalanobis(capacitance_tril, inner)


class LowRankMultivariateNormal(Distribution):
    """Normal vectors of covariance W W^T + diag(D), with W `cov_factor` and D `cov_diag`.

    All is computed with the small matrix I + W^T D^-1 W.
    Shape: loc (*, n), cov_factor (*, n, m), cov_diag (*, n). Raises: ValueError for others.
    Source: PyTorch `LowRankMultivariateNormal`.

    >>> LowRankMultivariateNormal(torch.zeros(2), torch.ones(2, 1), torch.ones(2)).variance
    tensor([2., 2.])
    """

    arg_constraints: Any = {"loc": constraints.real_vector,
                            "cov_factor": constraints.independent(constraints.real, 2),
                            "cov_diag": constraints.independent(constraints.positive, 1)}
    support = constraints.real_vector
    has_rsample = True
    _parameters = ("loc", "cov_factor", "cov_diag", "variance", "scale_tril", "covariance_matrix",
                   "precision_matrix")

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        _check_shapes(loc, cov_factor, cov_diag)
        batch = torch.broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        self.loc, self.cov_diag = loc.expand(batch + (-1,)), cov_diag.expand(batch + (-1,))
        self.cov_factor = cov_factor.expand(batch + (-1, -1))
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        self._capacitance_tril = _capacitance_tril(cov_factor, cov_diag)
        super().__init__(batch, loc.shape[-1:], validate_args=validate_args)

    def _expanded(self, name: str, value: Any, batch_shape: Size) -> Any:
        if name in self.arg_constraints:
            return super()._expanded(name, value, batch_shape)
        return value.expand(batch_shape + value.shape[-1 if name == "variance" else -2:])

    def _square_shape(self) -> Size:
        return self._batch_shape + self._event_shape + self._event_shape

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:  # type: ignore[override]
        """The covariance's diagonal. Shape: batch + (n,)."""
        own = self._unbroadcasted_cov_factor.pow(2).sum(-1) + self._unbroadcasted_cov_diag
        return own.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The covariance's Cholesky factor: that of I + W' W'^T, W' = W / sqrt(D), times sqrt(D)."""
        root = self._unbroadcasted_cov_diag.sqrt().unsqueeze(-1)
        scaled = self._unbroadcasted_cov_factor / root
        inner = torch.matmul(scaled, scaled.mT)
        eye = torch.eye(inner.shape[-1], dtype=inner.dtype, device=inner.device)
        return (root * linalg.cholesky(inner + eye)).expand(self._square_shape())

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """W W^T + diag(D). Shape: batch + (n, n)."""
        factor = self._unbroadcasted_cov_factor
        return (torch.matmul(factor, factor.mT) + torch.diag_embed(self._unbroadcasted_cov_diag)).expand(
            self._square_shape())

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The covariance's inverse, by Woodbury's lemma. Shape: batch + (n, n)."""
        diagonal = self._unbroadcasted_cov_diag
        inner = linalg.solve_triangular(self._capacitance_tril,
                                        self._unbroadcasted_cov_factor.mT / diagonal.unsqueeze(-2), upper=False)
        return (torch.diag_embed(diagonal.reciprocal()) - inner.mT @ inner).expand(self._square_shape())

    def rsample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        shape = self._extended_shape(sample_shape)
        options = {"dtype": self.loc.dtype, "device": self.loc.device}
        common = _standard_normal(shape[:-1] + self.cov_factor.shape[-1:], **options)
        own = _standard_normal(shape, **options)
        return (self.loc + _batch_mv(self._unbroadcasted_cov_factor, common)
                + self._unbroadcasted_cov_diag.sqrt() * own)

    def log_prob(self, value: Tensor) -> Tensor:
        diagonal, small = self._unbroadcasted_cov_diag, self._capacitance_tril
        distance = _lowrank_mahalanobis(self._unbroadcasted_cov_factor, diagonal, small,
                                        self._checked(value) - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + _lowrank_logdet(diagonal, small) + distance)

    def entropy(self) -> Tensor:
        log_det = _lowrank_logdet(self._unbroadcasted_cov_diag, self._capacitance_tril)
        return (0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + log_det)).expand(self._batch_shape)


def _check_shapes(loc: Tensor, cov_factor: Tensor, cov_diag: Tensor) -> None:
    if loc.dim() < 1:
        raise ValueError("loc must be at least one-dimensional.")
    event_shape = loc.shape[-1:]
    if cov_factor.dim() < 2:
        raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
    if cov_factor.shape[-2:-1] != event_shape:
        raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m")
    if cov_diag.shape[-1:] != event_shape:
        raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
