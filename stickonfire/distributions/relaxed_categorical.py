"""Relaxed one-hot vectors (Gumbel-softmax): points of the simplex, with a gradient.

Room: distributions; public as `torch.distributions.relaxed_categorical`.
"""
from __future__ import annotations

from typing import Any

from .. import eager as torch
from ..eager import Size, Tensor
from . import constraints
from .classes import OverClasses
from .relaxed import Relaxed
from .transforms import ExpTransform
from .utils import broadcast_all, clamp_probs

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(OverClasses):
    """The logarithm of a relaxed one-hot vector: log_softmax((logits + Gumbel noise) / temperature).

    Source: PyTorch `ExpRelaxedCategorical`; Maddison and others, 2017; Jang and others, 2017.

    >>> ExpRelaxedCategorical(torch.tensor(1.0), torch.ones(3)).event_shape
    torch.Size([3])
    """

    support = constraints.real_vector       # the true one is a surface in it
    has_rsample = True
    _parameters = ("_categorical",)

    def __init__(self, temperature: Any, probs: Tensor | None = None, logits: Tensor | None = None,
                 validate_args: bool | None = None) -> None:
        self.temperature = temperature
        super().__init__(probs, logits, validate_args)

    def rsample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        shape = self._extended_shape(sample_shape)
        u = clamp_probs(torch.rand(shape, dtype=self.logits.dtype, device=self.logits.device))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        return scores - scores.logsumexp(dim=-1, keepdim=True)

    def log_prob(self, value: Tensor) -> Tensor:
        classes = self._categorical._num_events
        value = self._checked(value)
        logits, value = broadcast_all(self.logits, value)
        log_scale = (torch.full_like(self.temperature, float(classes)).lgamma()
                     - self.temperature.log().mul(-(classes - 1)))
        score = logits - value.mul(self.temperature)
        return (score - score.logsumexp(dim=-1, keepdim=True)).sum(-1) + log_scale


class RelaxedOneHotCategorical(Relaxed):
    """Points of the simplex that tend to one-hot vectors as the temperature falls.

    Source: PyTorch `RelaxedOneHotCategorical`.

    >>> RelaxedOneHotCategorical(torch.tensor(0.5), torch.ones(3)).event_shape
    torch.Size([3])
    """

    arg_constraints: Any = ExpRelaxedCategorical.arg_constraints
    support = constraints.simplex
    _parameters = ()

    def __init__(self, temperature: Any, probs: Tensor | None = None, logits: Tensor | None = None,
                 validate_args: bool | None = None) -> None:
        super().__init__(ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args),
                         ExpTransform(), validate_args=validate_args)
