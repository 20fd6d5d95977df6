"""The Laplace law.

Room: distributions; public as `torch.distributions.laplace`.
"""
from __future__ import annotations

from typing import Any

from .. import eager as torch
from ..eager import Size, Tensor
from .loc_scale import LocScale

__all__ = ["Laplace"]


class Laplace(LocScale):
    """Density exp(-|x - loc| / scale) / (2 scale).   Source: PyTorch `Laplace`.

    >>> Laplace(0.0, 1.0).cdf(torch.tensor(0.0))
    tensor(0.5000)
    """

    _parameters = ("loc", "scale")

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale.pow(2)

    @property
    def stddev(self) -> Tensor:
        return 2**0.5 * self.scale

    def rsample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        u = self.loc.new_empty(self._extended_shape(sample_shape))
        u.uniform_(torch.finfo(self.loc.dtype).eps - 1, 1)
        return self.loc - self.scale * u.sign() * torch.log1p(-u.abs())

    def log_prob(self, value: Tensor) -> Tensor:
        return -torch.log(2 * self.scale) - torch.abs(self._checked(value) - self.loc) / self.scale

    def cdf(self, value: Tensor) -> Tensor:
        distance = self._checked(value) - self.loc
        return 0.5 - 0.5 * distance.sign() * torch.expm1(-distance.abs() / self.scale)

    def icdf(self, value: Tensor) -> Tensor:
        side = value - 0.5
        return self.loc - self.scale * side.sign() * torch.log1p(-2 * side.abs())

    def entropy(self) -> Tensor:
        return 1 + torch.log(2 * self.scale)
