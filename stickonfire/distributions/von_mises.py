"""The von Mises law: angles around a direction.

Room: distributions; public as `torch.distributions.von_mises`.
"""
from __future__ import annotations

import math
from typing import Any

from .. import eager as torch
from .. import special
from ..eager import Size, Tensor
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, lazy_property

__all__ = ["VonMises"]


class VonMises(Distribution):
    """Angles in [-pi, pi) of density exp(concentration cos(x - loc)) / (2 pi I0(concentration)).

    Source: PyTorch `VonMises`; sampling by Best and Fisher, 1979.

    >>> VonMises(torch.tensor(0.0), torch.tensor(1.0)).mean
    tensor(0.)
    """

    arg_constraints: Any = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False
    _parameters = ("loc", "concentration", "_loc", "_concentration", "_proposal_r")

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @lazy_property
    def _loc(self) -> Tensor:
        return self.loc.to(torch.double)

    @lazy_property
    def _concentration(self) -> Tensor:
        return self.concentration.to(torch.double)

    @lazy_property
    def _proposal_r(self) -> Tensor:
        """The wrapped Cauchy proposal's parameter r; its series serves small concentrations."""
        kappa = self._concentration
        tau = 1 + (1 + 4 * kappa**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
        return torch.where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The circular variance. Shape: batch."""
        return 1 - special.i1e(self.concentration) / special.i0e(self.concentration)

    def sample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            turn = _rejection_sample(self._concentration, self._proposal_r, shape)
            return ((turn + math.pi + self._loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        kappa = self.concentration
        log_bessel = special.i0e(kappa).log() + kappa
        return kappa * torch.cos(self._checked(value) - self.loc) - math.log(2 * math.pi) - log_bessel


def _rejection_sample(kappa: Tensor, r: Tensor, shape: Size) -> Tensor:
    """Angles around zero. All are redrawn until each has been accepted once, as PyTorch does; the last counts."""
    angle = torch.empty(shape, dtype=kappa.dtype, device=kappa.device)
    done = torch.zeros(shape, dtype=torch.bool, device=kappa.device)
    while not done.all():
        u1, u2, u3 = torch.rand((3, *shape), dtype=kappa.dtype, device=kappa.device).unbind()
        z = torch.cos(math.pi * u1)
        cosine = (1 + r * z) / (r + z)
        c = kappa * (r - cosine)
        accept = ((c * (2 - c) - u2) > 0) | ((c / u2).log() + 1 - c >= 0)
        angle = torch.where(accept, (u3 - 0.5).sign() * cosine.acos(), angle)
        done = done | accept
    return angle
