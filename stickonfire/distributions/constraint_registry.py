"""Which transform leads from free numbers to a constrained region: `biject_to` and `transform_to`.

Room: distributions. Variational inference and optimisers of constrained parameters use it. `biject_to` gives
bijections, with a Jacobian; `transform_to` anything that reaches the region. Imports constraints and transforms.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from numbers import Number
from typing import Any

from . import constraints, transforms
from .transforms import Transform

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]

Factory = Callable[[Any], Transform]


class ConstraintRegistry:
    """A table from kinds of constraints to what builds their transforms.

    >>> from stickonfire.distributions import biject_to, constraints
    >>> biject_to(constraints.unit_interval)
    SigmoidTransform()
    """

    def __init__(self) -> None:
        self._registry: dict[type, Factory] = {}

    def register(self, constraint: Any, factory: Factory | None = None) -> Any:
        """Enters a kind of constraint (a class, or an instance of it); without a factory, as a decorator.

        Raises: TypeError for anything but a constraint.
        """
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = type(constraint) if isinstance(constraint, constraints.Constraint) else constraint
        if not (isinstance(kind, type) and issubclass(kind, constraints.Constraint)):
            raise TypeError("Expected constraint to be either a Constraint subclass or instance, but got "
                            f"{constraint}")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> Transform:
        """The transform onto a region.   Raises: NotImplementedError if none is registered for its kind."""
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints: register() a "
                                      "transform for them")
        return factory(constraint)


biject_to = ConstraintRegistry()
transform_to = ConstraintRegistry()


def for_both(constraint: Any) -> Callable[[Callable[[Any, Any], Transform]], Callable[[Any, Any], Transform]]:
    """Enters `make(registry, constraint)` in both tables."""
    def enter(make: Callable[[Any, Any], Transform]) -> Callable[[Any, Any], Transform]:
        for registry in (biject_to, transform_to):
            registry.register(constraint, partial(make, registry))
        return make
    return enter


@for_both(constraints.real)
def _real(registry: Any, constraint: Any) -> Transform:
    return transforms.identity_transform


@for_both(constraints.independent)
def _independent(registry: Any, constraint: Any) -> Transform:
    return transforms.IndependentTransform(registry(constraint.base_constraint), constraint.reinterpreted_batch_ndims)


@for_both(constraints.greater_than)
@for_both(constraints.greater_than_eq)
def _above(registry: Any, constraint: Any) -> Transform:
    return transforms.ComposeTransform([transforms.ExpTransform(),
                                        transforms.AffineTransform(constraint.lower_bound, 1)])


@for_both(constraints.less_than)
def _below(registry: Any, constraint: Any) -> Transform:
    return transforms.ComposeTransform([transforms.ExpTransform(),
                                        transforms.AffineTransform(constraint.upper_bound, -1)])


@for_both(constraints.interval)
@for_both(constraints.half_open_interval)
def _between(registry: Any, constraint: Any) -> Transform:
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, Number) and isinstance(high, Number) and low == 0 and high == 1:
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform([transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)])


@for_both(constraints.corr_cholesky)
def _corr_cholesky(registry: Any, constraint: Any) -> Transform:
    return transforms.CorrCholeskyTransform()


@for_both(constraints.cat)
def _cat(registry: Any, constraint: Any) -> Transform:
    return transforms.CatTransform([registry(c) for c in constraint.cseq], constraint.dim, constraint.lengths)


@for_both(constraints.stack)
def _stack(registry: Any, constraint: Any) -> Transform:
    return transforms.StackTransform([registry(c) for c in constraint.cseq], constraint.dim)


biject_to.register(constraints.simplex, lambda c: transforms.StickBreakingTransform())
transform_to.register(constraints.simplex, lambda c: transforms.SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda c: transforms.LowerCholeskyTransform())
transform_to.register(constraints.positive_definite, lambda c: transforms.PositiveDefiniteTransform())
transform_to.register(constraints.positive_semidefinite, lambda c: transforms.PositiveDefiniteTransform())
