"""Mixtures of laws of one family.

Room: distributions; public as `torch.distributions.mixture_same_family`.
"""
from __future__ import annotations

from typing import Any

from .. import eager as torch
from ..eager import Size, Tensor
from . import constraints
from .categorical import Categorical
from .distribution import Distribution

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """A mixture: the categorical law picks one of the components, which are the last batch dim of a law.

    Raises: ValueError for laws of other kinds or counts that do not match.   Source: PyTorch `MixtureSameFamily`.

    >>> from stickonfire.distributions import Normal
    >>> mixture = MixtureSameFamily(Categorical(torch.ones(2)), Normal(torch.tensor([-1.0, 1.0]), 1.0))
    >>> mixture.mean, mixture.variance
    (tensor(0.), tensor(2.))
    """

    arg_constraints: Any = {}
    has_rsample = False

    def __init__(self, mixture_distribution: Categorical, component_distribution: Distribution,
                 validate_args: bool | None = None) -> None:
        _check_parts(mixture_distribution, component_distribution)
        self._mixture_distribution, self._component_distribution = mixture_distribution, component_distribution
        self._num_component = component_distribution.batch_shape[-1]
        event_shape = component_distribution.event_shape
        self._event_ndims = len(event_shape)
        super().__init__(component_distribution.batch_shape[:-1], event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(MixtureSameFamily, _instance)
        vars(new).update(vars(self))
        new._batch_shape = Size(batch_shape)
        new._component_distribution = self._component_distribution.expand(new._batch_shape + (self._num_component,))
        new._mixture_distribution = self._mixture_distribution.expand(new._batch_shape)
        return new

    @constraints.dependent_property
    def support(self) -> Any:
        """That of the components."""
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        """The law that picks the component."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components."""
        return self._component_distribution

    @property
    def _component_dim(self) -> int:
        return -1 - self._event_ndims

    def _pad(self, x: Tensor) -> Tensor:
        return x.unsqueeze(self._component_dim)

    def _pad_mixture_dimensions(self, x: Tensor) -> Tensor:
        """Weights of shape batch + (components,), with dims of 1 for the event (and for a smaller batch)."""
        missing = len(self._batch_shape) - len(self._mixture_distribution.batch_shape)
        shape = x.shape
        return x.reshape(shape[:-1] + (1,) * missing + shape[-1:] + (1,) * self._event_ndims)

    @property
    def mean(self) -> Tensor:
        weights = self._pad_mixture_dimensions(self._mixture_distribution.probs)
        return torch.sum(weights * self._component_distribution.mean, dim=self._component_dim)

    @property
    def variance(self) -> Tensor:
        weights = self._pad_mixture_dimensions(self._mixture_distribution.probs)
        within = torch.sum(weights * self._component_distribution.variance, dim=self._component_dim)
        distance = self._component_distribution.mean - self._pad(self.mean)
        return within + torch.sum(weights * distance.pow(2.0), dim=self._component_dim)

    def cdf(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return torch.sum(self._component_distribution.cdf(self._pad(x)) * self._mixture_distribution.probs, dim=-1)

    def log_prob(self, x: Tensor) -> Tensor:  # type: ignore[override]
        log_prob = self._component_distribution.log_prob(self._pad(self._checked(x)))
        return torch.logsumexp(log_prob + torch.log_softmax(self._mixture_distribution.logits, dim=-1), dim=-1)

    def sample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        with torch.no_grad():
            picked = self._mixture_distribution.sample(sample_shape)
            drawn = self._component_distribution.sample(sample_shape)
            dim = len(Size(sample_shape)) + len(self._batch_shape)
            picked = picked.reshape(picked.shape + (1,) * (self._event_ndims + 1))
            picked = picked.expand(drawn.shape[:dim] + (1,) + self._event_shape)
            return torch.gather(drawn, dim, picked).squeeze(dim)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self._mixture_distribution},\n  {self._component_distribution})"


def _check_parts(mixture: Any, component: Any) -> None:
    if not isinstance(mixture, Categorical):
        raise ValueError(" The Mixture distribution needs to be an  instance of torch.distributions.Categorical")
    if not isinstance(component, Distribution):
        raise ValueError("The Component distribution needs to be an instance of torch.distributions.Distribution")
    picks, batch = mixture.batch_shape, component.batch_shape[:-1]
    for size1, size2 in zip(reversed(picks), reversed(batch)):
        if size1 != 1 and size2 != 1 and size1 != size2:
            raise ValueError(f"`mixture_distribution.batch_shape` ({picks}) is not compatible with "
                             f"`component_distribution.batch_shape`({batch})")
    k, components = mixture.logits.shape[-1], component.batch_shape[-1]
    if k != components:
        raise ValueError(f"`mixture_distribution component` ({k}) does not equal "
                         f"`component_distribution.batch_shape[-1]` ({components})")
