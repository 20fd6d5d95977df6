"""The half-Cauchy law: the absolute value of a Cauchy number.

Room: distributions; public as `torch.distributions.half_cauchy`.
"""
from __future__ import annotations

from math import inf
from typing import Any

from .. import eager as torch
from ..eager import Tensor
from .cauchy import Cauchy
from .folded import Folded
from .transforms import AbsTransform

__all__ = ["HalfCauchy"]


class HalfCauchy(Folded):
    """|X|, X Cauchy about 0 with `scale`.   Source: PyTorch `HalfCauchy`.

    >>> from stickonfire import tensor
    >>> HalfCauchy(1.0).cdf(tensor(1.0))
    tensor(0.5000)
    """

    _parameters = ()

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Cauchy(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return torch.full(self._extended_shape(), inf, dtype=self.scale.dtype, device=self.scale.device)

    def log_prob(self, value: Any) -> Tensor:
        return super().log_prob(torch.as_tensor(value, dtype=self.scale.dtype, device=self.scale.device))

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance
