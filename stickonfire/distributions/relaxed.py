"""What the relaxed discrete laws share: RelaxedBernoulli and RelaxedOneHotCategorical.

Room: distributions. Imports transformed laws and eager.
"""
from __future__ import annotations

from ..eager import Tensor
from .transformed_distribution import TransformedDistribution


class Relaxed(TransformedDistribution):
    """A map of a law that has a temperature, and `probs` or `logits`."""

    has_rsample = True

    @property
    def temperature(self) -> Tensor:
        """How far from the corners the points stay."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The logits that belong to `probs`. Shape: batch + event."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """The probabilities. Shape: batch + event."""
        return self.base_dist.probs
