"""The base class of all laws: shapes, validation, `expand`, repr, and what each law may answer.

Room: distributions. A law gives `arg_constraints`, `support`, `_parameters` (what `expand` broadcasts) and its
formulas; the rest is here. Imports constraints, utils and eager.
"""
from __future__ import annotations

import warnings
from typing import Any, ClassVar

from .. import eager as torch
from ..eager import Size, Tensor
from . import constraints
from .utils import lazy_property

__all__ = ["Distribution"]


def _not_given(self: Any) -> Any:
    raise NotImplementedError


class Distribution:
    """A probability law: `batch_shape` independent copies of it, each over events of shape `event_shape`.

    Raises: ValueError, where validate_args is on (the default), for a parameter outside its constraint.
    Source: PyTorch `torch.distributions.Distribution`.

    >>> from stickonfire.distributions import Normal
    >>> Normal(torch.zeros(3), 1.0).batch_shape
    torch.Size([3])
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    _validate_args: bool = __debug__
    _parameters: ClassVar[tuple[str, ...]] = ()     # tensors and inner laws that `expand` broadcasts, if present
    arg_constraints: Any = property(_not_given)
    support: Any = property(_not_given)
    mean: Any = property(_not_given, doc="The mean. Shape: batch + event.")
    variance: Any = property(_not_given, doc="The variance. Shape: batch + event.")

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Turns validation on or off for laws made from now on.   Raises: ValueError unless a bool."""
        if value not in (True, False):
            raise ValueError("set_default_validate_args expects True or False")
        Distribution._validate_args = value

    def __init__(self, batch_shape: Any = Size(), event_shape: Any = Size(),  # noqa: B008  (a Size never changes)
                 validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    def _check_parameters(self) -> None:
        try:
            arg_constraints = self.arg_constraints
        except NotImplementedError:
            warnings.warn(f"{self.__class__} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or "
                          "initialize the distribution with `validate_args=False` to turn off validation.",
                          stacklevel=4)
            return
        for name, constraint in arg_constraints.items():
            lazy = name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property)
            if lazy or constraints.is_dependent(constraint):
                continue
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) "
                                 f"of distribution {self!r} to satisfy the constraint {constraint!r}, but found "
                                 f"invalid values:\n{value}")

    # -- shapes -----------------------------------------------------------------------------------------------------

    @property
    def batch_shape(self) -> Size:
        """The shape of the parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one sample of one copy."""
        return self._event_shape

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The law with its batch dims expanded; the parameters are views.   Raises: NotImplementedError for a
        subclass with its own `__init__` and no `expand`.

        >>> from stickonfire.distributions import Normal
        >>> Normal(0.0, 1.0).expand((2,)).loc
        tensor([0., 0.])
        """
        owner = next((cls for cls in type(self).__mro__ if "_parameters" in vars(cls)), Distribution)
        if owner is Distribution:
            raise NotImplementedError(f"{type(self).__name__} does not define expand(): define it in the subclass")
        new = self._get_checked_instance(owner, _instance)
        batch_shape = Size(batch_shape)
        given = vars(self)
        vars(new).update(given)
        for name in self._parameters:
            if name in given:
                setattr(new, name, self._expanded(name, given[name], batch_shape))
        new._batch_shape = batch_shape
        return new

    def _expanded(self, name: str, value: Any, batch_shape: Size) -> Any:
        if isinstance(value, Distribution):
            return value.expand(batch_shape)
        constraint = self.arg_constraints.get(name)
        event_dim = constraint.event_dim if constraint is not None else 0
        return value.expand(batch_shape + value.shape[value.dim() - event_dim:])

    def _get_checked_instance(self, cls: Any, _instance: Any = None) -> Any:
        if _instance is None and type(self).__init__ != cls.__init__:
            raise NotImplementedError(f"Subclass {self.__class__.__name__} of {cls.__name__} that defines a custom "
                                      "__init__ method must also define a custom .expand() method.")
        return self.__new__(type(self)) if _instance is None else _instance

    def _extended_shape(self, sample_shape: Any = Size()) -> Size:  # noqa: B008
        return Size(sample_shape) + self._batch_shape + self._event_shape

    # -- what a law may answer --------------------------------------------------------------------------------------

    @property
    def mode(self) -> Tensor:
        """The most likely event. Shape: batch + event.   Raises: NotImplementedError where there is none."""
        raise NotImplementedError(f"{self.__class__} does not implement mode. Take mean, or the best of sample()")

    @property
    def stddev(self) -> Tensor:
        """The standard deviation. Shape: batch + event."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        """Draws, without gradient. Shape: sample_shape + batch + event."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        """Draws that are differentiable in the parameters. Shape: sample_shape + batch + event."""
        raise NotImplementedError(f"{type(self).__name__} has no rsample: use sample()")

    def sample_n(self, n: int) -> Tensor:
        """`sample((n,))`. Deprecated in PyTorch as well."""
        warnings.warn("`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", FutureWarning, stacklevel=2)
        return self.sample(Size((n,)))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density or the probability. Shape: sample + batch + event -> sample + batch."""
        raise NotImplementedError(f"{type(self).__name__} has no log_prob: define it in the subclass")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of values up to this one. Shape: sample + batch."""
        raise NotImplementedError(f"{type(self).__name__} has no cdf: estimate it from sample()")

    def icdf(self, value: Tensor) -> Tensor:
        """The value up to which a probability lies: the inverse of `cdf`. Shape: sample + batch."""
        raise NotImplementedError(f"{type(self).__name__} has no icdf: take quantiles of sample()")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values a discrete law can take, along a new first dim. Shape: (count,) + batch + event."""
        raise NotImplementedError(f"{type(self).__name__} has no enumerate_support: only discrete laws of few "
                                  "values have it")

    def _listed(self, values: Tensor, expand: bool) -> Tensor:
        """Values along a first dim, with dims of 1 for the batch, or all of it."""
        values = values.view((-1,) + (1,) * len(self._batch_shape) + self._event_shape)
        return values.expand((-1,) + self._batch_shape + self._event_shape) if expand else values

    def entropy(self) -> Tensor:
        """The entropy in nats. Shape: batch."""
        raise NotImplementedError(f"{type(self).__name__} has no entropy: estimate it by -log_prob(sample()).mean()")

    def perplexity(self) -> Tensor:
        """exp(entropy). Shape: batch."""
        return torch.exp(self.entropy())

    def _validate_sample(self, value: Any) -> None:
        """Raises: ValueError for a value that is no tensor, does not fit the shapes or lies outside the support."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        expected = self._batch_shape + self._event_shape
        for i, j in zip(reversed(value.size()), reversed(expected)):
            if i != 1 and j != 1 and i != j:
                raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {value.size()} vs "
                                 f"{expected}.")
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(f"{self.__class__} does not define `support` to enable sample validation. Please initialize "
                          "the distribution with `validate_args=False` to turn off validation.", stacklevel=3)
            return
        if not support.check(value).all():
            raise ValueError(f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be "
                             f"within the support ({support!r}) of the distribution {self!r}, but found invalid "
                             f"values:\n{value}")

    def _checked(self, value: Any) -> Any:
        """The value, validated where validation is on."""
        if self._validate_args:
            self._validate_sample(value)
        return value

    def __repr__(self) -> str:
        shown = [(name, vars(self)[name]) for name in self.arg_constraints if name in vars(self)]
        text = [f"{name}: {value if value.numel() == 1 else value.size()}" for name, value in shown]
        return f"{type(self).__name__}({', '.join(text)})"
