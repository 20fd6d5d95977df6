"""Divergences between multivariate normal laws, with full covariances or of low rank plus a diagonal.

Room: distributions. Entered when `kl.py` is imported. All are the sum of four terms,
(log det Q / P - n + (difference of the means)^T Q^-1 (it) + trace(Q^-1 P)) / 2.
"""
from __future__ import annotations

from typing import Any

from .. import linalg
from ..eager import Tensor
from .kl_registry import register_kl
from .lowrank_multivariate_normal import LowRankMultivariateNormal, _lowrank_logdet, _lowrank_mahalanobis
from .matrices import _batch_mahalanobis, log_diagonal
from .multivariate_normal import MultivariateNormal


def _sum_of_squares(matrix: Tensor) -> Tensor:
    """trace(A A^T). Shape: (*, n, m) -> (*)."""
    return matrix.pow(2).sum((-2, -1))


def _log_det(law: Any) -> Tensor:
    """The covariance's log determinant. Shape: batch."""
    if isinstance(law, LowRankMultivariateNormal):
        return _lowrank_logdet(law._unbroadcasted_cov_diag, law._capacitance_tril)
    return 2 * log_diagonal(law._unbroadcasted_scale_tril)


def _distance(q: Any, x: Tensor) -> Tensor:
    """x^T Q^-1 x. Shape: batch."""
    if isinstance(q, LowRankMultivariateNormal):
        return _lowrank_mahalanobis(q._unbroadcasted_cov_factor, q._unbroadcasted_cov_diag, q._capacitance_tril, x)
    return _batch_mahalanobis(q._unbroadcasted_scale_tril, x)


def _roots(p: Any) -> list[Tensor]:
    """Matrices A with P the sum of all A A^T."""
    if isinstance(p, LowRankMultivariateNormal):
        return [p._unbroadcasted_cov_factor, p._unbroadcasted_cov_diag.sqrt().diag_embed()]
    return [p._unbroadcasted_scale_tril]


def _trace(q: Any, root: Tensor) -> Tensor:
    """trace(Q^-1 A A^T), by Woodbury's lemma where Q is of low rank. Shape: batch."""
    if not isinstance(q, LowRankMultivariateNormal):
        return _sum_of_squares(linalg.solve_triangular(q._unbroadcasted_scale_tril, root, upper=False))
    diagonal = q._unbroadcasted_cov_diag
    inner = q._unbroadcasted_cov_factor.mT / diagonal.unsqueeze(-2)
    small = linalg.solve_triangular(q._capacitance_tril, inner, upper=False)
    return _sum_of_squares(root / diagonal.sqrt().unsqueeze(-1)) - _sum_of_squares(small @ root)


def _multivariate(p: Any, q: Any) -> Tensor:
    """Raises: ValueError for events of different sizes."""
    if p.event_shape != q.event_shape:
        raise ValueError(f"KL-divergence between two {_titled(p, q)} with different event shapes cannot be computed\n"
                         f"kl_divergence: event shapes {tuple(p.event_shape)} and {tuple(q.event_shape)}")
    trace: Any = 0.0
    for root in _roots(p):
        trace = trace + _trace(q, root)
    return 0.5 * (_log_det(q) - _log_det(p) + _distance(q, q.loc - p.loc) + trace - p.event_shape[0])


def _titled(p: Any, q: Any) -> str:
    low = isinstance(p, LowRankMultivariateNormal) or isinstance(q, LowRankMultivariateNormal)
    return "(Low Rank) Multivariate Normals" if low else "Multivariate Normals"


for _p in (MultivariateNormal, LowRankMultivariateNormal):
    for _q in (MultivariateNormal, LowRankMultivariateNormal):
        register_kl(_p, _q)(_multivariate)
