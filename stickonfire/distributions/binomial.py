"""The binomial law: how many of several trials succeed.

Room: distributions; public as `torch.distributions.binomial`.
"""
from __future__ import annotations

from typing import Any

from .. import eager as torch
from ..eager import Size, Tensor
from . import constraints
from .chance import Chance

__all__ = ["Binomial"]


def _positive_part(x: Tensor) -> Tensor:
    """max(x, 0) with slope 1/2 at zero, so that the gradient of log_prob is right there."""
    return (x.clamp(min=0) + x - x.clamp(max=0)) / 2


class Binomial(Chance):
    """Successes in `total_count` trials of chance `probs` (or sigmoid(`logits`)).

    p(k) = n! / (k! (n - k)!) probs^k (1 - probs)^(n - k).
    Raises: ValueError unless exactly one of probs and logits is given.   Source: PyTorch `Binomial`.

    >>> Binomial(2, torch.tensor(0.5)).log_prob(torch.tensor(1.0)).exp()
    tensor(0.5000)
    """

    arg_constraints: Any = {"total_count": constraints.nonnegative_integer, **Chance.arg_constraints}
    has_enumerate_support = True
    _parameters = ("total_count", "probs", "logits")

    def __init__(self, total_count: Any = 1, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        (total_count,) = self._take_chance(probs, logits, total_count)
        self.total_count = total_count.type_as(self._param)
        super().__init__(self._param.size(), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """The whole numbers from 0 to total_count."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            return torch.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        value, n = self._checked(value), self.total_count
        choices = torch.lgamma(n + 1) - torch.lgamma(value + 1) - torch.lgamma(n - value + 1)
        # n log(1 - p) = -n log(1 + exp(logits)), written so that it does not overflow
        log_failures = n * (_positive_part(self.logits) + torch.log1p(torch.exp(-torch.abs(self.logits))))
        return value * self.logits + choices - log_failures

    def _common_count(self, name: str) -> int:
        total_count = int(self.total_count.max())
        if not self.total_count.min() == total_count:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{name}`. Make a Binomial for each "
                                      "count")
        return total_count

    def entropy(self) -> Tensor:
        self._common_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(torch.exp(log_prob) * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        count = 1 + self._common_count("enumerate_support")
        return self._listed(torch.arange(count, dtype=self._param.dtype, device=self._param.device), expand)
