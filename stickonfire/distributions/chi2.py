"""The chi-squared law.

Room: distributions; public as `torch.distributions.chi2`.
"""
from __future__ import annotations

from typing import Any

from ..eager import Tensor
from . import constraints
from .gamma import Gamma

__all__ = ["Chi2"]


class Chi2(Gamma):
    """The sum of `df` squared standard normals: Gamma(df / 2, 1 / 2).   Source: PyTorch `Chi2`.

    >>> Chi2(3.0).mean
    tensor(3.)
    """

    arg_constraints: Any = {"df": constraints.positive}
    _parameters = ("concentration", "rate")

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    @property
    def df(self) -> Tensor:
        """The degrees of freedom. Shape: batch."""
        return self.concentration * 2
