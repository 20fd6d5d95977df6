"""Activations made of tensor methods and ops: PReLU, random units, and the like.

Room: eager. Those with a rule of their own are in ops/, their in-place forms in activation.py.
"""
from __future__ import annotations

import warnings
from typing import Any

from .fused import prelu_kernel


def softsign(input: Any) -> Any:
    """x / (1 + |x|).

    Shape: (*) -> (*).   Source: PyTorch `softsign`.
    """
    return input / (input.abs() + 1)


def tanhshrink(input: Any) -> Any:
    """x - tanh(x).

    Shape: (*) -> (*).   Source: PyTorch `tanhshrink`.
    """
    return input - input.tanh()


def prelu(input: Any, weight: Any) -> Any:
    """x for x > 0, weight * x otherwise, with one weight or one per channel.

    Shape: (N, C, *), (1) or (C) -> (N, C, *).   Source: He et al. 2015; PyTorch `prelu`.
    """
    if weight.dim() > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.dim()}")
    if input.dtype != weight.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {input.dtype} and {weight.dtype}")
    if weight.numel() != 1:
        if input.dim() == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.dim() > 1 else 1
        if channels != weight.numel():
            raise RuntimeError("Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                               f"{weight.numel()} and channel size = {channels}.")
        weight = weight.reshape((-1, *[1] * (input.dim() - 2)))
    else:
        weight = weight.reshape([1] * input.dim())
    return prelu_kernel(input, weight)


def rrelu(input: Any, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False,
          inplace: bool = False) -> Any:
    """x for x > 0, a * x otherwise; a is drawn from (lower, upper) in training, else it is their middle.

    Shape: (*) -> (*).   Source: Xu et al. 2015; PyTorch `rrelu`.
    """
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    below = input.detach() <= 0
    slope = input.detach().new_ones(input.shape)
    if training:
        draws = slope.new_empty(int(below.sum())).double().uniform_(lower, upper)
        slope[below] = draws.to(slope.dtype)
    else:
        slope.masked_fill_(below, (lower + upper) / 2)
    return input.mul_(slope) if inplace else input * slope


def rrelu_(input: Any, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Any:
    """`rrelu` in place."""
    return rrelu(input, lower, upper, training, inplace=True)


def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """A sample from a categorical distribution that gradients pass: softmax((logits + Gumbel noise) / tau).

    `hard`: one-hot in the forward, soft in the backward.
    Shape: (*, C) -> (*, C).   Source: Jang et al. 2016; PyTorch `gumbel_softmax`.
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = -logits.detach().new_empty(logits.shape).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    chosen = soft.detach().new_zeros(soft.shape).scatter_(dim, soft.max(dim, keepdim=True)[1], 1.0)
    return chosen - soft.detach() + soft
