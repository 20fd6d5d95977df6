"""Batch, instance and group norm over the op `standardize` in ops/norm.py.

Room: eager. Layer and RMS norm are ops of their own.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..modes import no_grad
from .fused import standardize


def batch_norm(input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None,
               training: bool = False, momentum: float = 0.1, eps: float = 1e-5) -> Any:
    """(x - mean) / sqrt(var + eps) * weight + bias, per channel over batch and positions.

    In training from the batch's statistics, towards which the running ones are moved in place.
    Shape: (N, C, *) -> same.   Raises: ValueError for one value per channel in training.
    Source: Ioffe & Szegedy 2015; PyTorch `batch_norm`.
    """
    if training:
        _require_several_values(list(input.shape))
    if eps < 0.0 or training and eps <= 0.0:
        wanted = "positive during training" if training else "non-negative"
        raise ValueError(f"batch_norm eps must be {wanted}, but got {eps}")
    if input.numel() == 0:
        return _empty(input, weight, bias)
    _check_channels(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    dims = (0, *range(2, input.dim()))
    if not training:
        return _with_statistics(input, running_mean, running_var, weight, bias, eps)
    if running_mean is not None:
        _follow(running_mean, input.detach().mean(dims), momentum)
    if running_var is not None:
        _follow(running_var, input.detach().var(dims), momentum)
    return _standardized(input, weight, bias, dims, eps)


def instance_norm(input: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None,
                  bias: Any = None, use_input_stats: bool = True, momentum: float = 0.1,
                  eps: float = 1e-5) -> Any:
    """(x - mean) / sqrt(var + eps) * weight + bias, per sample and channel over positions.

    Shape: (N, C, *) -> same.   Raises: ValueError for one position.   Source: PyTorch `instance_norm`.
    """
    if use_input_stats and math.prod(input.shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.size()}")
    _check_channels(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not use_input_stats:
        return _with_statistics(input, running_mean, running_var, weight, bias, eps)
    dims = tuple(range(2, input.dim()))
    if running_mean is not None:
        _follow(running_mean, input.detach().mean(dims).mean(0), momentum)
    if running_var is not None:
        _follow(running_var, input.detach().var(dims).mean(0), momentum)
    return _standardized(input, weight, bias, dims, eps)


def _empty(input: Any, weight: Any, bias: Any) -> Any:
    """The result for no elements; in the graph of weight and bias, as PyTorch's is."""
    out = input.clone() if weight is None else input * weight[0]
    return out if bias is None else out + bias[0]


def _standardized(input: Any, weight: Any, bias: Any, dims: tuple[int, ...], eps: float) -> Any:
    weight, bias = _per_channel(weight, input.dim()), _per_channel(bias, input.dim())
    out = standardize(input, weight, bias, dims=dims, eps=eps)
    return out if out.dtype is input.dtype else out.to(input.dtype)


def _with_statistics(input: Any, mean: Any, var: Any, weight: Any, bias: Any, eps: float) -> Any:
    """Normalised by given statistics: input * scale + shift, both per channel."""
    if mean is None or var is None:
        raise RuntimeError("Expected running_mean and running_var to be defined when training=False")
    if input.dtype.is_reduced:                      # rounded to 16 bits once, at the end
        mean, var, weight, bias = [None if t is None else t.float() for t in (mean, var, weight, bias)]
    scale = (var + eps).rsqrt()
    scale = scale if weight is None else scale * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    out = input * _per_channel(scale, input.dim()) + _per_channel(shift, input.dim())
    return out if out.dtype is input.dtype else out.to(input.dtype)


def _per_channel(t: Any, dims: int) -> Any:
    """(C) as (1, C, 1, ...)."""
    return None if t is None else t.reshape((1, -1, *[1] * (dims - 2)))


def _follow(running: Any, value: Any, momentum: float) -> None:
    """Moves a running statistic towards the batch's."""
    with no_grad():
        running.mul_(1 - momentum).add_(value.to(running.dtype) * momentum)


def _check_channels(input: Any, **tensors: Any) -> None:
    for name, t in tensors.items():
        if t is not None and t.numel() != input.shape[1]:
            raise RuntimeError(f"{name} should contain {input.shape[1]} elements not {t.numel()}")


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """(x - mean) / sqrt(var + eps) * weight + bias, per sample over groups of channels and positions.

    Shape: (N, C, *) -> same.   Raises: RuntimeError for fewer than two dimensions.
    Source: Wu & He 2018; PyTorch `group_norm`.
    """
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    samples, channels, *positions = input.shape
    _require_several_values([samples * channels // num_groups, num_groups, *positions])
    if channels % num_groups:
        raise RuntimeError("Expected number of channels in input to be divisible by num_groups, but got input of "
                           f"shape {list(input.shape)} and num_groups={num_groups}")
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and tuple(t.shape) != (channels,):
            raise RuntimeError(f"Expected {name} to be a vector of size equal to the number of channels in input, "
                               f"but got {name} of shape {list(t.shape)} and input of shape {list(input.shape)}")
    grouped = input.reshape((samples, num_groups, channels // num_groups, math.prod(positions)))
    per_group = (1, num_groups, channels // num_groups, 1)
    out = standardize(grouped, None if weight is None else weight.reshape(per_group),
                      None if bias is None else bias.reshape(per_group), dims=(2, 3), eps=eps)
    return out.reshape(input.shape).to(input.dtype)


def _require_several_values(size: Sequence[int]) -> None:
    if size and math.prod(size[:1]) * math.prod(size[2:]) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(size)}")
