"""What the laws of |X| share, for X symmetric about zero: HalfNormal and HalfCauchy.

Room: distributions. Imports transformed laws and eager.
"""
from __future__ import annotations

import math
from math import inf
from typing import Any

from .. import eager as torch
from ..eager import Tensor
from . import constraints
from .transformed_distribution import TransformedDistribution
from .utils import _replace


class Folded(TransformedDistribution):
    """|X|: twice X's density on the positive half."""

    arg_constraints: Any = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    @property
    def scale(self) -> Tensor:
        """The scale of X. Shape: batch."""
        return self.base_dist.scale

    @property
    def mode(self) -> Tensor:
        return torch.zeros_like(self.scale)

    def log_prob(self, value: Tensor) -> Tensor:
        value = self._checked(value)
        return _replace(self.base_dist.log_prob(value) + math.log(2), value < 0, -inf)

    def cdf(self, value: Tensor) -> Tensor:
        return 2 * self.base_dist.cdf(self._checked(value)) - 1

    def icdf(self, prob: Tensor) -> Tensor:  # type: ignore[override]
        return self.base_dist.icdf((prob + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)
