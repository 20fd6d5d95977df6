"""Special functions made of ops, or that take their attribute first: polygamma, mvlgamma."""
from __future__ import annotations

import math
from typing import Any

from ..core import dtypes, state
from ..ops.op import REGISTRY
from .outs import composed
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
    if input.dtype.category == dtypes.BOOL:
        raise RuntimeError("The input tensor may not be a boolean tensor. In mvlgamma(): cast it to float")
    floats = input if input.dtype.category >= dtypes.FLOATING else input.to(state.default_dtype())
    shifted = floats.unsqueeze(-1) - floats.new_tensor(range(p)) / 2
    return shifted.lgamma().sum(-1) + p * (p - 1) / 4 * math.log(math.pi)


def mvlgamma_(self: Tensor, p: int) -> Tensor:
    """`mvlgamma` in place."""
    if self.dtype.category < dtypes.FLOATING:
        raise RuntimeError(f"mvlgamma: result type {dtypes.SCALAR_NAMES[self.dtype.name]} can't be cast to the desired "
                           "output type Float. Call .float() first")
    return self.copy_(mvlgamma(self, p))


_softmax, _log_softmax = function(REGISTRY["softmax"]), function(REGISTRY["log_softmax"])


@composed
def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """exp(x) / sum(exp(x)) along a dim, computed in `dtype` if one is given.

    Shape: (*) -> (*).   Raises: NotImplementedError for integers.   Source: PyTorch `softmax`.

    >>> import stickonfire as torch
    >>> torch.softmax(torch.tensor([0., 0.]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return _softmax(input if dtype is None else input.to(dtype), dim)


@composed
def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """x - log(sum(exp(x))) along a dim, computed in `dtype` if one is given.

    Shape: (*) -> (*).   Raises: NotImplementedError for integers.   Source: PyTorch `log_softmax`.
    """
    return _log_softmax(input if dtype is None else input.to(dtype), dim)


FUNCTIONS = (polygamma, mvlgamma, softmax, log_softmax)
METHODS = {"polygamma": polygamma_method, "polygamma_": polygamma_inplace, "mvlgamma": mvlgamma,
           "mvlgamma_": mvlgamma_, "softmax": softmax, "log_softmax": log_softmax}
SPECIAL = {"polygamma": polygamma, "multigammaln": mvlgamma, "softmax": softmax, "log_softmax": log_softmax}
