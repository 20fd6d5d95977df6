"""The generalised Pareto law: what exceeds a threshold.

Room: distributions; public as `torch.distributions.generalized_pareto`.
"""
from __future__ import annotations

from math import inf, nan
from typing import Any

from .. import eager as torch
from ..eager import Size, Tensor
from . import constraints
from .distribution import Distribution
from .utils import _replace, broadcast_all

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """P(X > x) = (1 + c z)^(-1 / c) with z = (x - loc) / scale, c the concentration; exp(-z) where c is 0.

    Source: PyTorch `GeneralizedPareto`.

    >>> GeneralizedPareto(0.0, 1.0, 0.0).cdf(torch.tensor(1.0))
    tensor(0.6321)
    """

    arg_constraints: Any = {"loc": constraints.real, "scale": constraints.positive,
                            "concentration": constraints.real}
    has_rsample = True
    _parameters = ("loc", "scale", "concentration")

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.size(), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        """[loc, inf), or up to loc - scale / concentration where the concentration is negative."""
        upper = _replace(self.loc - self.scale / self.concentration, self.concentration >= 0, inf)
        return constraints.interval(self.loc, upper)

    def _exponential(self) -> tuple[Tensor, Tensor]:
        """Where the concentration is zero, and the concentration with 1 in those places, for the division."""
        zero = torch.isclose(self.concentration, torch.zeros_like(self.concentration))
        return zero, _replace(self.concentration, zero, 1.0)

    def rsample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        return self.icdf(torch.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device))

    def log_prob(self, value: Tensor) -> Tensor:
        z = (self._checked(value) - self.loc) / self.scale
        zero, c = self._exponential()
        return -self.scale.log() - torch.where(zero, z, (1 + 1 / c) * torch.log1p(c * z))

    def log_survival_function(self, value: Tensor) -> Tensor:
        """log P(X > value). Shape: sample + batch."""
        z = (self._checked(value) - self.loc) / self.scale
        zero, c = self._exponential()
        return -torch.where(zero, z, torch.log1p(c * z) / c)

    def log_cdf(self, value: Tensor) -> Tensor:
        """log P(X <= value). Shape: sample + batch."""
        return torch.log1p(-torch.exp(self.log_survival_function(value)))

    def cdf(self, value: Tensor) -> Tensor:
        return torch.exp(self.log_cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        zero, c = self._exponential()
        log_left = torch.log1p(-value)
        return self.loc + self.scale * torch.where(zero, -log_left, torch.expm1(-c * log_left) / c)

    @property
    def mean(self) -> Tensor:
        return _replace(self.loc + self.scale / (1 - self.concentration), self.concentration >= 1, nan)

    @property
    def variance(self) -> Tensor:
        c = self.concentration
        return _replace(self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c)), c >= 0.5, nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    def entropy(self) -> Tensor:
        return torch.log(self.scale) + self.concentration + 1
