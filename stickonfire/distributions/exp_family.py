"""Exponential families: laws whose log-density is a natural parameter times a statistic less a normaliser.

Room: distributions. Base of Normal, Gamma, Bernoulli and others; `kl.py` and `entropy` use the Bregman form.
Imports the base class and eager.
"""
from __future__ import annotations

from typing import Any

from ..eager import Tensor
from ..eager.autograd import grad
from .distribution import Distribution, _not_given

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """p(x; t) = exp(t s(x) - F(t) + k(x)), with F in `_log_normalizer` and t in `_natural_params`.

    Source: PyTorch `torch.distributions.ExponentialFamily`.

    >>> from stickonfire.distributions import Normal
    >>> ExponentialFamily.entropy(Normal(0.0, 1.0)).item() == Normal(0.0, 1.0).entropy().item()
    True
    """

    _natural_params: Any = property(_not_given)
    _mean_carrier_measure: Any = property(_not_given)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        """F(t). Shape: batch."""
        raise NotImplementedError(f"{type(self).__name__} has no log normalizer: define _log_normalizer")

    def entropy(self) -> Tensor:
        """F(t) - t F'(t) - E[k(x)].   Source: Nielsen and Nock, "Entropies of exponential families", 2010."""
        result = -self._mean_carrier_measure
        params = [p.detach().requires_grad_() for p in self._natural_params]
        normalizer = self._log_normalizer(*params)
        slopes = grad(normalizer.sum(), params, create_graph=True)
        result = result + normalizer
        for param, slope in zip(params, slopes):
            result = result - (param * slope).reshape(self._batch_shape + (-1,)).sum(-1)
        return result
