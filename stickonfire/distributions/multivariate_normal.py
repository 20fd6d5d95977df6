"""The multivariate normal law.

Room: distributions; public as `torch.distributions.multivariate_normal`.
"""
from __future__ import annotations

import math
from typing import Any

from .. import eager as torch
from ..eager import Size, Tensor
from . import constraints
from .distribution import Distribution
from .matrices import (
    SCALES,
    Scaled,
    _batch_mahalanobis,
    _batch_mv,
    factor_of,
    log_diagonal,
    one_of_three,
    require_matrix,
)
from .utils import _standard_normal

__all__ = ["MultivariateNormal"]


class MultivariateNormal(Scaled, Distribution):
    """Density exp(-(x - loc)^T S^-1 (x - loc) / 2) / sqrt(det(2 pi S)), S the covariance.

    S comes as `covariance_matrix`, as its inverse `precision_matrix` or as its Cholesky factor `scale_tril`.
    Shape: loc (*, n), the matrix (*, n, n). Raises: ValueError unless exactly one of the three is given.
    Source: PyTorch `MultivariateNormal`.

    >>> MultivariateNormal(torch.zeros(2), torch.eye(2)).log_prob(torch.zeros(2))
    tensor(-1.8379)
    """

    arg_constraints: Any = {"loc": constraints.real_vector, **SCALES}
    support = constraints.real_vector
    has_rsample = True
    _parameters = ("loc", *SCALES)

    def __init__(self, loc: Tensor, covariance_matrix: Tensor | None = None, precision_matrix: Tensor | None = None,
                 scale_tril: Tensor | None = None, validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = one_of_three(covariance_matrix, precision_matrix, scale_tril)
        if given is None:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        name, matrix = given
        require_matrix(name, matrix)
        batch_shape = torch.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand(batch_shape + (-1, -1)))
        self.loc = loc.expand(batch_shape + (-1,))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = factor_of(name, matrix)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self._unbroadcasted_scale_tril.pow(2).sum(-1).expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        noise = _standard_normal(self._extended_shape(sample_shape), self.loc.dtype, self.loc.device)
        return self.loc + _batch_mv(self._unbroadcasted_scale_tril, noise)

    def log_prob(self, value: Tensor) -> Tensor:
        factor = self._unbroadcasted_scale_tril
        distance = _batch_mahalanobis(factor, self._checked(value) - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + distance) - log_diagonal(factor)

    def entropy(self) -> Tensor:
        half = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        return (half + log_diagonal(self._unbroadcasted_scale_tril)).expand(self._batch_shape)
