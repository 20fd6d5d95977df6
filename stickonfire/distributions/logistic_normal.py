"""The logistic-normal law: normal numbers broken into a point of the simplex.

Room: distributions; public as `torch.distributions.logistic_normal`.
"""
from __future__ import annotations

from typing import Any

from ..eager import Tensor
from . import constraints
from .normal import Normal
from .transformed_distribution import TransformedDistribution
from .transforms import StickBreakingTransform

__all__ = ["LogisticNormal"]


class LogisticNormal(TransformedDistribution):
    """Points of the simplex of n + 1 numbers, made by stick breaking of n normal ones.

    Source: PyTorch `LogisticNormal`.

    >>> from stickonfire import zeros
    >>> LogisticNormal(zeros(2), 1.0).event_shape
    torch.Size([3])
    """

    arg_constraints: Any = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    has_rsample = True
    _parameters = ()

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args=validate_args)
        if not base.batch_shape:
            base = base.expand([1])
        super().__init__(base, StickBreakingTransform(), validate_args=validate_args)

    @property
    def loc(self) -> Tensor:
        """The means of the normal numbers. Shape: batch + (n,)."""
        return self.base_dist.base_dist.loc

    @property
    def scale(self) -> Tensor:
        """The standard deviations of the normal numbers. Shape: batch + (n,)."""
        return self.base_dist.base_dist.scale
