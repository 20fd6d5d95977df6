"""Special functions made of ops, or that take their attribute first: polygamma, mvlgamma."""
from __future__ import annotations

import math
from typing import Any

from ..ops.op import REGISTRY
from .publish import function, inplace_method
from .tensor import Tensor

_polygamma, _polygamma_ = function(REGISTRY["polygamma"]), inplace_method(REGISTRY["polygamma"])


def polygamma(n: int, input: Tensor, **out: Any) -> Tensor:
    """The derivative of order n of digamma.

    Shape: (*) -> (*).   Raises: RuntimeError for a negative n.   Source: PyTorch `polygamma`.
    """
    return _polygamma(input, n, **out)


def polygamma_method(self: Tensor, n: int) -> Tensor:
    """See `polygamma`."""
    return _polygamma(self, n)


def polygamma_inplace(self: Tensor, n: int) -> Tensor:
    """`polygamma` in place."""
    return _polygamma_(self, n)


def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension p.

    Shape: (*) -> (*).   Raises: RuntimeError for p < 1 or bools.   Source: PyTorch `mvlgamma`.
    """
    if p < 1:
        raise RuntimeError(f"p has to be greater than or equal to 1. In mvlgamma(p={p})")
    if input.dtype.category == 0:
        raise RuntimeError("The input tensor may not be a boolean tensor. In mvlgamma(): cast it to float")
    result = input.lgamma()
    for k in range(1, p):
        result = result + (input - k / 2).lgamma()
    return result + p * (p - 1) / 4 * math.log(math.pi)


def mvlgamma_(self: Tensor, p: int) -> Tensor:
    """`mvlgamma` in place."""
    return self.copy_(mvlgamma(self, p))


FUNCTIONS = (polygamma, mvlgamma)
METHODS = {"polygamma": polygamma_method, "polygamma_": polygamma_inplace, "mvlgamma": mvlgamma,
           "mvlgamma_": mvlgamma_}
SPECIAL = {"polygamma": polygamma, "multigammaln": mvlgamma, "softmax": function(REGISTRY["softmax"]),
           "log_softmax": function(REGISTRY["log_softmax"])}
