"""Relaxed Bernoulli numbers: between 0 and 1, with a gradient.

Room: distributions; public as `torch.distributions.relaxed_bernoulli`.
"""
from __future__ import annotations

from typing import Any

from .. import eager as torch
from ..eager import Size, Tensor
from . import constraints
from .chance import Chance
from .relaxed import Relaxed
from .transforms import SigmoidTransform
from .utils import broadcast_all, clamp_probs

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(Chance):
    """The logit of a relaxed Bernoulli number: (logits + logistic noise) / temperature.

    Source: PyTorch `LogitRelaxedBernoulli`; Maddison and others, "The Concrete Distribution", 2017.

    >>> LogitRelaxedBernoulli(torch.tensor(1.0), probs=0.5).log_prob(torch.tensor(0.0)).exp()
    tensor(0.2500)
    """

    support = constraints.real
    has_rsample = True
    _parameters = ("probs", "logits")

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        self.temperature = temperature
        self._take_chance(probs, logits)
        super().__init__(self._param.size(), validate_args=validate_args)

    def rsample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(torch.rand(shape, dtype=probs.dtype, device=probs.device))
        return (u.log() - (-u).log1p() + probs.log() - (-probs).log1p()) / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        value = self._checked(value)
        logits, value = broadcast_all(self.logits, value)
        distance = logits - value.mul(self.temperature)
        return self.temperature.log() + distance - 2 * distance.exp().log1p()


class RelaxedBernoulli(Relaxed):
    """Numbers in (0, 1) that tend to Bernoulli's as the temperature falls.   Source: PyTorch `RelaxedBernoulli`.

    >>> RelaxedBernoulli(torch.tensor(0.5), probs=0.3).has_rsample
    True
    """

    arg_constraints: Any = Chance.arg_constraints
    support = constraints.unit_interval
    _parameters = ()

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        super().__init__(LogitRelaxedBernoulli(temperature, probs, logits), SigmoidTransform(),
                         validate_args=validate_args)
