"""What the laws of a yes-or-no chance share: `probs` or `logits`, whichever is given, and the other on demand.

Room: distributions. Base of Bernoulli, Binomial, Geometric and others. Imports the base class and utils.
"""
from __future__ import annotations

from typing import Any

from ..eager import Size, Tensor
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits


def check_one_given(probs: Any, logits: Any) -> None:
    """Raises: ValueError unless exactly one of the two is given."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


class Chance(Distribution):
    """A law with one chance of success in each trial."""

    arg_constraints: Any = {"probs": constraints.unit_interval, "logits": constraints.real}

    def _take_chance(self, probs: Any, logits: Any, *others: Any) -> tuple[Any, ...]:
        """Keeps the one that is given, broadcast with other parameters, which it returns."""
        check_one_given(probs, logits)
        *broadcast, chance = broadcast_all(*others, probs if logits is None else logits)
        setattr(self, "probs" if logits is None else "logits", chance)
        return tuple(broadcast)

    @property
    def _param(self) -> Tensor:
        return vars(self)["probs" if "probs" in vars(self) else "logits"]

    @lazy_property
    def logits(self) -> Tensor:
        """log(probs / (1 - probs)). Shape: batch."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """The chance. Shape: batch."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def param_shape(self) -> Size:
        """The shape of `probs` and `logits`."""
        return self._param.size()
