"""Random numbers from laws with tensor parameters: PyTorch's `binomial` and the private samplers distributions use.

The ops are in `ops/random_laws.py`, the draws in the backend's generator. `compose.py` publishes these functions.
"""
from __future__ import annotations

from ..ops.op import REGISTRY
from .dispatch import dispatch
from .publish import function
from .random import Generator, stream
from .tensor import Tensor

_standard_gamma_grad = function(REGISTRY["_standard_gamma_grad"])
_dirichlet_grad = function(REGISTRY["_dirichlet_grad"])


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Successes in `count` trials, each with chance `prob`. Shape: both broadcast.   Source: PyTorch `binomial`.

    >>> import stickonfire as torch
    >>> torch.binomial(torch.full((2,), 10.0), torch.tensor([0.0, 1.0]))
    tensor([ 0., 10.])
    """
    return dispatch(REGISTRY["binomial_draw"], (count, prob), {"generator": stream(generator)})


def _standard_gamma(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Gamma(input, 1) numbers, differentiable. Shape: (*) -> (*).   Source: PyTorch `_standard_gamma`."""
    return dispatch(REGISTRY["_standard_gamma"], (input,), {"generator": stream(generator)})


def _sample_dirichlet(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Points of the simplex, differentiable. Shape: (*, k) -> (*, k).   Source: PyTorch `_sample_dirichlet`."""
    return dispatch(REGISTRY["_sample_dirichlet"], (input,), {"generator": stream(generator)})


FUNCTIONS = (binomial, _standard_gamma, _standard_gamma_grad, _sample_dirichlet, _dirichlet_grad)
METHODS: dict[str, object] = {}
