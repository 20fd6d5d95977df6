"""The Wishart law: random covariance matrices.

Room: distributions; public as `torch.distributions.wishart`.
"""
from __future__ import annotations

import math
from math import nan
from typing import Any

from .. import eager as torch
from .. import linalg
from ..eager import Size, Tensor
from . import constraints
from .chi2 import Chi2
from .exp_family import ExponentialFamily
from .matrices import SCALES, Scaled, factor_of, log_diagonal, one_of_three, require_matrix
from .utils import _replace

__all__ = ["Wishart"]

LOG_2 = math.log(2)


def _mvdigamma(x: Tensor, p: int) -> Tensor:
    """The derivative of the multivariate log gamma function. Shape: (*) -> (*)."""
    return torch.digamma(x.unsqueeze(-1) - torch.arange(p, dtype=x.dtype, device=x.device).div(2)).sum(-1)


class Wishart(Scaled, ExponentialFamily):
    """The sum of `df` outer products x x^T, x normal with mean 0 and the given covariance.

    Density proportional to det(S)^((df - n - 1) / 2) exp(-trace(V^-1 S) / 2), V the covariance.
    Shape: df (*), the matrix (*, n, n). Raises: ValueError for df <= n - 1.   Source: PyTorch `Wishart`.

    >>> Wishart(3.0, covariance_matrix=torch.eye(2)).mean
    tensor([[3., 0.],
            [0., 3.]])
    """

    support = constraints.positive_definite
    has_rsample = True
    _parameters = ("df", *SCALES, "_chi2")
    _mean_carrier_measure = 0

    def __init__(self, df: Any, covariance_matrix: Tensor | None = None, precision_matrix: Tensor | None = None,
                 scale_tril: Tensor | None = None, validate_args: bool | None = None) -> None:
        given = one_of_three(covariance_matrix, precision_matrix, scale_tril)
        if given is None:
            raise AssertionError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        name, matrix = given
        require_matrix(name, matrix)
        df = df if isinstance(df, Tensor) else torch.tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch_shape, n = torch.broadcast_shapes(matrix.shape[:-2], df.shape), matrix.shape[-1]
        self.df = df.expand(batch_shape)
        setattr(self, name, matrix.expand(batch_shape + (-1, -1)))
        if self.df.le(n - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        super().__init__(batch_shape, matrix.shape[-2:], validate_args=validate_args)
        self._batch_dims = [-(x + 1) for x in range(len(self._batch_shape))]
        self._unbroadcasted_scale_tril = factor_of(name, matrix)
        rows = torch.arange(n, dtype=self.df.dtype, device=self.df.device)
        self._chi2 = Chi2(self.df.unsqueeze(-1) - rows.expand(batch_shape + (-1,)))

    @property
    def arg_constraints(self) -> Any:  # type: ignore[override]
        """The bound of df depends on the size of the matrix."""
        return {**SCALES, "df": constraints.greater_than(self._event_shape[-1] - 1)}

    def _expanded(self, name: str, value: Any, batch_shape: Size) -> Any:
        return super()._expanded(name, value, batch_shape + self._event_shape[-1:] if name == "_chi2" else batch_shape)

    @property
    def mean(self) -> Tensor:
        return self.df.reshape(self._batch_shape + (1, 1)) * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        factor = self.df - self.covariance_matrix.shape[-1] - 1
        factor = _replace(factor, factor <= 0, nan)
        return factor.reshape(self._batch_shape + (1, 1)) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        squares = v.pow(2) + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self.df.reshape(self._batch_shape + (1, 1)) * squares

    def _bartlett_sampling(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        """L A A^T L^T with A lower triangular: chi on the diagonal, normals below.   Source: Bartlett, 1933."""
        n = self._event_shape[-1]
        noise = self._chi2.rsample(sample_shape).sqrt().diag_embed(dim1=-2, dim2=-1)
        rows, columns = torch.tril_indices(n, n, offset=-1)
        noise[..., rows, columns] = torch.randn(Size(sample_shape) + self._batch_shape + (n * (n - 1) // 2,),
                                                dtype=noise.dtype, device=noise.device)
        chol = self._unbroadcasted_scale_tril @ noise
        return chol @ chol.mT

    def rsample(self, sample_shape: Any = Size(), max_try_correction: int | None = None) -> Tensor:  # noqa: B008
        """Draws. PyTorch means to redraw singular samples, but takes the regular ones for them, so that the second
        draw counts; for the same numbers we draw twice as well, unless max_try_correction is 0.
        """
        sample = self._bartlett_sampling(sample_shape)
        return sample if max_try_correction == 0 else self._bartlett_sampling(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        value, nu, p = self._checked(value), self.df, self._event_shape[-1]
        factor = self._unbroadcasted_scale_tril
        trace = torch.cholesky_solve(value, factor).diagonal(dim1=-2, dim2=-1).sum(dim=-1)
        return (-nu * (p * LOG_2 / 2 + log_diagonal(factor)) - torch.mvlgamma(nu / 2, p=p)
                + (nu - p - 1) / 2 * linalg.slogdet(value).logabsdet - trace / 2)

    def entropy(self) -> Tensor:
        nu, p = self.df, self._event_shape[-1]
        return ((p + 1) * (p * LOG_2 / 2 + log_diagonal(self._unbroadcasted_scale_tril))
                + torch.mvlgamma(nu / 2, p=p) - (nu - p - 1) / 2 * _mvdigamma(nu / 2, p=p) + nu * p / 2)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        x, y = natural_params
        p = self._event_shape[-1]
        return ((y + (p + 1) / 2) * (-linalg.slogdet(-2 * x).logabsdet + LOG_2 * p)
                + torch.mvlgamma(y + (p + 1) / 2, p=p))
