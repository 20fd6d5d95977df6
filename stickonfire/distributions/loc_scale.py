"""What the laws symmetric about `loc` with a `scale` share: Normal, Laplace, Cauchy.

Room: distributions. Imports the base class and utils.
"""
from __future__ import annotations

from typing import Any

from ..eager import Tensor
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all


class LocScale(Distribution):
    """The law of loc + scale * X, for X symmetric about zero."""

    arg_constraints: Any = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.size(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc
