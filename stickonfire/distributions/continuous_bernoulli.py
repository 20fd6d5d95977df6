"""The continuous Bernoulli law: Bernoulli's density on [0, 1], normalised.

Room: distributions; public as `torch.distributions.continuous_bernoulli`.
"""
from __future__ import annotations

import math
from typing import Any

from .. import eager as torch
from ..eager import Size, Tensor
from ..eager.functional import binary_cross_entropy_with_logits
from . import constraints
from .chance import Chance
from .exp_family import ExponentialFamily
from .utils import broadcast_all, clamp_probs

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(Chance, ExponentialFamily):
    """Numbers in [0, 1] of density C(probs) probs^x (1 - probs)^(1 - x).

    C(p) = 2 atanh(1 - 2p) / (1 - 2p). Within `lims` around p = 1/2, where that cancels, Taylor series serve.
    Source: PyTorch `ContinuousBernoulli`; Loaiza-Ganem and Cunningham, 2019.

    >>> ContinuousBernoulli(0.5).mean
    tensor(0.5000)
    """

    support = constraints.unit_interval
    has_rsample = True
    _parameters = ("probs", "logits")
    _mean_carrier_measure = 0

    def __init__(self, probs: Any = None, logits: Any = None, lims: tuple[float, float] = (0.499, 0.501),
                 validate_args: bool | None = None) -> None:
        self._take_chance(probs, logits)
        if probs is not None:
            if validate_args and not self.arg_constraints["probs"].check(self.probs).all():
                raise ValueError("The parameter probs has invalid values")
            self.probs = clamp_probs(self.probs)
        self._lims = lims
        super().__init__(self._param.size(), validate_args=validate_args)

    def _outside_unstable_region(self) -> Tensor:
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _cut_probs(self) -> Tensor:
        """probs, moved out of the region where formulas cancel."""
        return torch.where(self._outside_unstable_region(), self.probs,
                           self._lims[0] * torch.ones_like(self.probs))

    def _away_or_series(self, away: Tensor, series: Tensor) -> Tensor:
        return torch.where(self._outside_unstable_region(), away, series)

    def _cont_bern_log_norm(self) -> Tensor:
        """log C(probs)."""
        cut = self._cut_probs()
        low, half = cut <= 0.5, torch.full_like(cut, 0.5)
        below, above = torch.where(low, cut, half * 0), torch.where(low, half * 2, cut)
        width = torch.where(low, torch.log1p(-2.0 * below), torch.log(2.0 * above - 1.0))   # log |1 - 2p|
        away = torch.log(torch.abs(torch.log1p(-cut) - torch.log(cut))) - width
        x = (self.probs - 0.5) ** 2
        return self._away_or_series(away, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self) -> Tensor:
        cut = self._cut_probs()
        away = cut / (2.0 * cut - 1.0) + 1.0 / (torch.log1p(-cut) - torch.log(cut))
        x = self.probs - 0.5
        return self._away_or_series(away, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x**2) * x)

    @property
    def stddev(self) -> Tensor:
        return torch.sqrt(self.variance)

    @property
    def variance(self) -> Tensor:
        cut = self._cut_probs()
        away = cut * (cut - 1.0) / (1.0 - 2.0 * cut) ** 2 + 1.0 / (torch.log1p(-cut) - torch.log(cut)) ** 2
        x = (self.probs - 0.5) ** 2
        return self._away_or_series(away, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def sample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        shape = self._extended_shape(sample_shape)
        return self.icdf(torch.rand(shape, dtype=self.probs.dtype, device=self.probs.device))

    def log_prob(self, value: Tensor) -> Tensor:
        value = self._checked(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none") + self._cont_bern_log_norm()

    def cdf(self, value: Tensor) -> Tensor:
        value, cut = self._checked(value), self._cut_probs()
        away = (cut**value * (1.0 - cut) ** (1.0 - value) + cut - 1.0) / (2.0 * cut - 1.0)
        return self._away_or_series(away, value.clamp(0.0, 1.0)).masked_fill(value <= 0.0, 0.0).masked_fill(
            value >= 1.0, 1.0)

    def icdf(self, value: Tensor) -> Tensor:
        cut = self._cut_probs()
        log_no = torch.log1p(-cut)
        away = (torch.log1p(-cut + value * (2.0 * cut - 1.0)) - log_no) / (torch.log(cut) - log_no)
        return self._away_or_series(away, value)

    def entropy(self) -> Tensor:
        log_no, log_yes = torch.log1p(-self.probs), torch.log(self.probs)
        return self.mean * (log_no - log_yes) - self._cont_bern_log_norm() - log_no

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        (x,) = natural_params
        outside = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        cut = torch.where(outside, x, (self._lims[0] - 0.5) * torch.ones_like(x))
        away = torch.log(torch.abs(torch.expm1(cut))) - torch.log(torch.abs(cut))
        return torch.where(outside, away, 0.5 * x + x**2 / 24.0 - x**4 / 2880.0)
