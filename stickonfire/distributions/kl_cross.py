"""Divergences between laws of different classes: the cross entropy E_p[-log q] less p's entropy.

Room: distributions. Entered when `kl.py` is imported. Each q has one formula of p's moments, which serves all p;
where p reaches outside q's support, the divergence is infinite.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from math import inf
from typing import Any

from .. import eager as torch
from ..eager import Tensor
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .continuous_bernoulli import ContinuousBernoulli
from .exponential import Exponential
from .gamma import Gamma
from .gumbel import Gumbel
from .kl_registry import register_kl
from .laplace import Laplace
from .normal import Normal
from .pareto import Pareto
from .poisson import Poisson
from .uniform import Uniform
from .utils import _replace, euler_constant

# -- moments of p ---------------------------------------------------------------------------------------------------


def _uniform_mean_log(low: Tensor, high: Tensor) -> Tensor:
    """E[log X] for X uniform."""
    return (torch.xlogy(high, high) - torch.xlogy(low, low)) / (high - low) - 1


def _log_of_uniform_factor(p: Uniform, t: Tensor) -> Tensor:
    """log E[exp(-t X)] = -t low + log((1 - exp(-w)) / w), w = t (high - low)."""
    width = t * (p.high - p.low)
    return -t * p.low + torch.log(-torch.expm1(-width) / width)


MEAN_LOG: dict[type, Callable[[Any], Tensor]] = {           # E[log X]
    Exponential: lambda p: -euler_constant - p.rate.log(),
    Gamma: lambda p: p.concentration.digamma() - p.rate.log(),
    Beta: lambda p: p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma(),
    Pareto: lambda p: p.scale.log() + p.alpha.reciprocal(),
    Uniform: lambda p: _uniform_mean_log(p.low, p.high),
}
LOG_LAPLACE: dict[type, Callable[[Any, Tensor], Tensor]] = {      # log E[exp(-t X)]
    Exponential: lambda p, t: -torch.log1p(t / p.rate),
    Gamma: lambda p, t: -p.concentration * torch.log1p(t / p.rate),
    Normal: lambda p, t: -p.loc * t + 0.5 * (p.scale * t).pow(2),
    Uniform: _log_of_uniform_factor,
}


def _moment(table: dict[type, Any], p: Any, *args: Any) -> Tensor:
    """A moment by the class of p, or by the nearest of its bases."""
    return next(table[kind] for kind in type(p).__mro__ if kind in table)(p, *args)


# -- E_p[-log q] ----------------------------------------------------------------------------------------------------


def _to_exponential(p: Any, q: Exponential) -> Tensor:
    return q.rate * p.mean - q.rate.log()


def _to_gamma(p: Any, q: Gamma) -> Tensor:
    log_norm = q.concentration.lgamma() - q.concentration * q.rate.log()
    return log_norm + (1 - q.concentration) * _moment(MEAN_LOG, p) + q.rate * p.mean


def _to_normal(p: Any, q: Normal) -> Tensor:
    second = p.variance + (p.mean - q.loc).pow(2)
    return 0.5 * math.log(2 * math.pi) + q.scale.log() + second / (2 * q.scale.pow(2))


def _to_gumbel(p: Any, q: Gumbel) -> Tensor:
    t = q.scale.reciprocal()
    return q.scale.log() + (p.mean - q.loc) * t + torch.exp(q.loc * t + _moment(LOG_LAPLACE, p, t))


def _to_laplace(p: Normal, q: Laplace) -> Tensor:
    distance = p.loc - q.loc
    r = distance / p.scale
    mean_distance = (math.sqrt(2 / math.pi) * p.scale * torch.exp(-0.5 * r.pow(2))
                     + distance * torch.erf(math.sqrt(0.5) * r))
    return torch.log(2 * q.scale) + mean_distance / q.scale


def _to_uniform(p: Any, q: Uniform) -> Tensor:
    return torch.log(q.high - q.low)


def _to_pareto(p: Uniform, q: Pareto) -> Tensor:
    return (q.alpha + 1) * _moment(MEAN_LOG, p) - q.alpha.log() - q.alpha * q.scale.log()


def _to_beta(p: Uniform, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    log_norm = a.lgamma() + b.lgamma() - (a + b).lgamma()
    return (log_norm + (1 - a) * _uniform_mean_log(p.low, p.high)
            + (1 - b) * _uniform_mean_log(1 - p.high, 1 - p.low))


def _to_continuous_bernoulli(p: Any, q: ContinuousBernoulli) -> Tensor:
    return -p.mean * q.logits - torch.log1p(-q.probs) - q._cont_bern_log_norm()


def _to_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return q.rate - p.probs * q.rate.log()          # 0! = 1! = 1


# -- supports -------------------------------------------------------------------------------------------------------


def _ends(law: Any) -> tuple[Any, Any]:
    """Where the support begins and ends."""
    if isinstance(law, Uniform):
        return law.low, law.high
    if isinstance(law, (Beta, ContinuousBernoulli)):
        return 0.0, 1.0
    if isinstance(law, Pareto):
        return law.scale, inf
    return (0.0, inf) if isinstance(law, (Exponential, Gamma)) else (-inf, inf)


def _reaches_outside(p: Any, q: Any) -> Any:
    (low, high), (least, most) = _ends(p), _ends(q)
    if isinstance(p, ContinuousBernoulli) and isinstance(q, Uniform) or (
            isinstance(q, ContinuousBernoulli) and isinstance(p, Uniform)):
        return (low <= least) | (high >= most)      # PyTorch's test: equal ends count as outside
    return (low < least) | (high > most)


def _infinite(p: Any, q: Any) -> Tensor:
    return torch.full_like(p.mean, inf)


CROSS: tuple[tuple[type, Callable[[Any, Any], Tensor], tuple[type, ...]], ...] = (     # q, E_p[-log q], all p
    (Exponential, _to_exponential, (Beta, ContinuousBernoulli, Gamma, Pareto, Uniform)),
    (Gamma, _to_gamma, (Beta, Exponential, Pareto, Uniform)),
    (Normal, _to_normal, (Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform)),
    (Gumbel, _to_gumbel, (Exponential, Gamma, Normal, Uniform)),
    (Laplace, _to_laplace, (Normal,)),
    (Uniform, _to_uniform, (Beta, ContinuousBernoulli)),
    (Pareto, _to_pareto, (Uniform,)),
    (Beta, _to_beta, (Uniform,)),
    (ContinuousBernoulli, _to_continuous_bernoulli, (Beta, Uniform)),
    (Poisson, _to_poisson, (Bernoulli,)),
)
INSIDE = (Beta, ContinuousBernoulli, Pareto, Uniform)
INFINITE: dict[type, tuple[type, ...]] = {                  # p, and the q whose support is always too small
    Beta: (Pareto,), ContinuousBernoulli: (Pareto,), Exponential: INSIDE, Gamma: INSIDE,
    Gumbel: (*INSIDE, Exponential, Gamma), Laplace: (*INSIDE, Exponential, Gamma),
    Normal: (*INSIDE, Exponential, Gamma), Pareto: (Beta, ContinuousBernoulli, Uniform), Poisson: (Bernoulli, Binomial),
}


def _by(cross: Callable[[Any, Any], Tensor]) -> Callable[[Any, Any], Tensor]:
    """The divergence, given its cross entropy."""
    def divergence(p: Any, q: Any) -> Tensor:
        kl, outside = cross(p, q) - p.entropy(), _reaches_outside(p, q)
        return kl if outside is False else _replace(kl, torch.as_tensor(outside), inf)
    return divergence


for _q, _cross, _laws in CROSS:
    for _p in _laws:
        register_kl(_p, _q)(_by(_cross))
for _p, _narrow in INFINITE.items():
    for _q in _narrow:
        register_kl(_p, _q)(_infinite)
