"""The Bernoulli law: one trial, yes or no.

Room: distributions; public as `torch.distributions.bernoulli`.
"""
from __future__ import annotations

from math import nan
from typing import Any

from .. import eager as torch
from ..eager import Size, Tensor
from ..eager.functional import binary_cross_entropy_with_logits
from . import constraints
from .chance import Chance
from .exp_family import ExponentialFamily
from .utils import _replace, broadcast_all

__all__ = ["Bernoulli"]


class Bernoulli(Chance, ExponentialFamily):
    """1 with chance `probs` (or sigmoid(`logits`)), else 0.

    Raises: ValueError unless exactly one of them is given.   Source: PyTorch `Bernoulli`.

    >>> Bernoulli(probs=0.25).log_prob(torch.tensor(1.0)).exp()
    tensor(0.2500)
    """

    support = constraints.boolean
    has_enumerate_support = True
    _parameters = ("probs", "logits")
    _mean_carrier_measure = 0

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._take_chance(probs, logits)
        super().__init__(self._param.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return _replace((self.probs >= 0.5).to(self.probs), self.probs == 0.5, nan)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        with torch.no_grad():
            return torch.bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        value = self._checked(value)        # before logits are made, so that messages do not show them
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._listed(torch.arange(2, dtype=self._param.dtype, device=self._param.device), expand)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (torch.logit(self.probs),)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return torch.log(1 + torch.exp(natural_params[0]))
