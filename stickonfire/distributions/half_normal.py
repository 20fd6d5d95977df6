"""The half-normal law: the absolute value of a normal number.

Room: distributions; public as `torch.distributions.half_normal`.
"""
from __future__ import annotations

import math
from typing import Any

from ..eager import Tensor
from .folded import Folded
from .normal import Normal
from .transforms import AbsTransform

__all__ = ["HalfNormal"]


class HalfNormal(Folded):
    """|X|, X normal with mean 0 and deviation `scale`.   Source: PyTorch `HalfNormal`.

    >>> HalfNormal(1.0).mean
    tensor(0.7979)
    """

    _parameters = ()

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        return self.scale.pow(2) * (1 - 2 / math.pi)
