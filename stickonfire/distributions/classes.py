"""What the laws over classes share that hold a Categorical: Multinomial, OneHotCategorical, ExpRelaxedCategorical.

Room: distributions. Imports the categorical law and the base class.
"""
from __future__ import annotations

from typing import Any

from ..eager import Size, Tensor
from . import constraints
from .categorical import Categorical
from .distribution import Distribution


class OverClasses(Distribution):
    """A law of vectors with one entry for each class."""

    arg_constraints: Any = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(self, probs: Tensor | None, logits: Tensor | None, validate_args: bool | None) -> None:
        self._categorical = Categorical(probs, logits)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:],
                         validate_args=validate_args)

    @property
    def _param(self) -> Tensor:
        return self._categorical._param

    @property
    def probs(self) -> Tensor:
        """The probabilities. Shape: batch + (classes,)."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """log(probs). Shape: batch + (classes,)."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Size:
        """The shape of `probs` and `logits`."""
        return self._categorical.param_shape
