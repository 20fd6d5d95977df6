"""Numbers from laws whose parameters are tensors, drawn by rejection: gamma, Dirichlet, binomial.

The generator (the backend's) draws element by element in PyTorch's order, so the same seed gives PyTorch's numbers.
Gamma and Dirichlet numbers have gradients: how a number moves with its parameter (`rsample` in distributions). Called
from `eager/random_laws.py`.
"""
from __future__ import annotations

from typing import Any

from .common import lacks_gradient
from .op import op


@op()
def _standard_gamma(xp, input, *, generator: Any):
    """Gamma(input, 1) numbers. Shape: (*) -> (*).   Source: PyTorch `_standard_gamma` (Marsaglia and Tsang)."""
    return generator.standard_gamma(input)


@_standard_gamma.gradient("input")
def _(xp, g, input, out):
    return g * xp._standard_gamma_grad(input, out)


@op(promote="match")
def _standard_gamma_grad(xp, input, output):
    """d output / d input for output drawn from Gamma(input, 1). Shape: both broadcast.

    Source: PyTorch `_standard_gamma_grad`; the integral is in the backend's `special_reparameterized.py`.
    """
    return xp._standard_gamma_grad(input, output)


for _name in _standard_gamma_grad.tensors:
    lacks_gradient(_standard_gamma_grad, _name)


@op(grad_name="_DirichletBackward")
def _sample_dirichlet(xp, input, *, generator: Any):
    """Points of the simplex, rows along the last dim. Shape: (*, k) -> (*, k).

    Source: PyTorch `_sample_dirichlet`.
    """
    return generator.dirichlet(input)


@_sample_dirichlet.gradient("input")
def _(xp, g, input, out):
    total = xp.broadcast_to(xp.sum(input, axis=-1, keepdims=True), input.shape)
    return xp._dirichlet_grad(out, input, total) * (g - xp.sum(out * g, axis=-1, keepdims=True))


@op(promote="match")
def _dirichlet_grad(xp, x, alpha, total):
    """d x / d alpha / (1 - x) for x drawn from Beta(alpha, total - alpha). Shape: all broadcast.

    Source: PyTorch `_dirichlet_grad`.
    """
    return xp._dirichlet_grad(x, alpha, total)


for _name in _dirichlet_grad.tensors:
    lacks_gradient(_dirichlet_grad, _name)


@op(promote="match", opmath=False)
def binomial_draw(xp, count, prob, *, generator: Any):
    """Successes in `count` trials, each with chance `prob`. Shape: both broadcast.   Source: PyTorch `binomial`."""
    return generator.binomial(count, prob)


@binomial_draw.gradient("prob")
def _(xp, g):
    return xp.zeros_like(g)
