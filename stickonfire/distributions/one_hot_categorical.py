"""The categorical law with classes as one-hot vectors, and its straight-through form.

Room: distributions; public as `torch.distributions.one_hot_categorical`.
"""
from __future__ import annotations

from typing import Any

from .. import eager as torch
from ..eager import Size, Tensor
from ..eager.functional import one_hot
from . import constraints
from .classes import OverClasses

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OneHotCategorical(OverClasses):
    """One-hot vectors, drawn with probabilities `probs` or softmax(`logits`).   Source: PyTorch `OneHotCategorical`.

    >>> OneHotCategorical(torch.tensor([0.25, 0.75])).mode
    tensor([0., 1.])
    """

    support = constraints.one_hot
    has_enumerate_support = True
    _parameters = ("_categorical",)

    def __init__(self, probs: Tensor | None = None, logits: Tensor | None = None,
                 validate_args: bool | None = None) -> None:
        super().__init__(probs, logits, validate_args)

    def _vectors(self, indices: Tensor) -> Tensor:
        return one_hot(indices, self._categorical._num_events).to(self.probs)

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return self._vectors(self.probs.argmax(dim=-1))

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        return self._vectors(self._categorical.sample(sample_shape)).detach()

    def log_prob(self, value: Tensor) -> Tensor:
        return self._categorical.log_prob(self._checked(value).max(-1)[1])

    def entropy(self) -> Tensor:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._listed(torch.eye(self._event_shape[0], dtype=self._param.dtype, device=self._param.device),
                            expand)


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """One-hot samples whose gradient is that of the probabilities.   Source: PyTorch; Bengio and others, 2013.

    >>> OneHotCategoricalStraightThrough(torch.tensor([0.0, 1.0])).rsample()
    tensor([0., 1.])
    """

    has_rsample = True

    def rsample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        probs = self._categorical.probs
        return self.sample(sample_shape) + (probs - probs.detach())
