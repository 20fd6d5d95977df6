"""The inverse gamma law: the reciprocal of a gamma number.

Room: distributions; public as `torch.distributions.inverse_gamma`.
"""
from __future__ import annotations

from math import inf
from typing import Any

from ..eager import Tensor
from . import constraints
from .gamma import Gamma
from .transformed_distribution import TransformedDistribution
from .transforms import PowerTransform
from .utils import _replace

__all__ = ["InverseGamma"]


class InverseGamma(TransformedDistribution):
    """1 / X, X gamma with `concentration` and `rate`.   Source: PyTorch `InverseGamma`.

    >>> InverseGamma(2.0, 3.0).mean
    tensor(3.)
    """

    arg_constraints: Any = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True
    _parameters = ()

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        base = Gamma(concentration, rate, validate_args=validate_args)
        super().__init__(base, PowerTransform(-base.rate.new_ones(())), validate_args=validate_args)

    @property
    def concentration(self) -> Tensor:
        """The gamma law's concentration. Shape: batch."""
        return self.base_dist.concentration

    @property
    def rate(self) -> Tensor:
        """The gamma law's rate. Shape: batch."""
        return self.base_dist.rate

    @property
    def mean(self) -> Tensor:
        a = self.concentration
        return _replace(self.rate / (a - 1), a <= 1, inf)

    @property
    def mode(self) -> Tensor:
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Tensor:
        a = self.concentration
        return _replace(self.rate.square() / ((a - 1).square() * (a - 2)), a <= 2, inf)

    def entropy(self) -> Tensor:
        a = self.concentration
        return a + self.rate.log() + a.lgamma() - (1 + a) * a.digamma()
