"""The multinomial law: how often each class comes up in several draws.

Room: distributions; public as `torch.distributions.multinomial`.
"""
from __future__ import annotations

from math import inf
from typing import Any

from .. import eager as torch
from ..eager import Size, Tensor
from . import constraints
from .binomial import Binomial
from .classes import OverClasses
from .utils import _replace, broadcast_all

__all__ = ["Multinomial"]


class Multinomial(OverClasses):
    """Counts of classes in `total_count` draws with probabilities `probs` or softmax(`logits`).

    Raises: NotImplementedError for a total_count that is no int.   Source: PyTorch `Multinomial`.

    >>> Multinomial(4, torch.tensor([1.0, 3.0])).mean
    tensor([1., 3.])
    """

    total_count: int
    _parameters = ("_categorical",)

    def __init__(self, total_count: int = 1, probs: Tensor | None = None, logits: Tensor | None = None,
                 validate_args: bool | None = None) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported: make a Multinomial for each count")
        self.total_count = total_count
        super().__init__(probs, logits, validate_args)
        self._binomial = Binomial(total_count=total_count, probs=self.probs)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._binomial = self._binomial.expand(new._batch_shape + self._event_shape)
        return new

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        """Counts that add up to total_count."""
        return constraints.multinomial(self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        drawn = self._categorical.sample(Size((self.total_count,)) + Size(sample_shape))
        drawn = drawn.movedim(0, -1)        # the draws in the last dim, to be counted there
        counts = self._param.detach().new_zeros(self._extended_shape(sample_shape))
        return counts.scatter_add_(-1, drawn, torch.ones_like(drawn, dtype=counts.dtype))

    def entropy(self) -> Tensor:
        n = torch.tensor(self.total_count, dtype=self.probs.dtype, device=self.probs.device)
        counts = self._binomial.enumerate_support(expand=False)[1:]
        log_factorials = (torch.exp(self._binomial.log_prob(counts)) * torch.lgamma(counts + 1)).sum([0, -1])
        return n * self._categorical.entropy() - torch.lgamma(n + 1) + log_factorials

    def log_prob(self, value: Tensor) -> Tensor:
        value = self._checked(value)
        logits, value = broadcast_all(self.logits, value)
        choices = torch.lgamma(value.sum(-1) + 1) - torch.lgamma(value + 1).sum(-1)
        logits = _replace(logits, (value == 0) & (logits == -inf), 0.0)       # 0 log 0 = 0
        return choices + (logits * value).sum(-1)
