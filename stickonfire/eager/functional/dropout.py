"""Dropout: of elements, of whole channels, and the kind that keeps mean and variance.

Room: eager. Compositions of tensor methods.
"""
from __future__ import annotations

import math
import warnings
from typing import Any

from ..random import dropout_mask

SELU_LIMIT = 1.7580993408473766     # minus the value SELU tends to for large negative inputs


def _check_probability(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _channel_shape(input: Any) -> tuple[int, ...]:
    """(N, C, 1, ...): one random number per channel."""
    if input.dim() < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return (*input.shape[:2], *[1] * (input.dim() - 2))


def _result(input: Any, output: Any, inplace: bool) -> Any:
    return input.copy_(output) if inplace else output


def _drop(input: Any, shape: Any, p: float, inplace: bool) -> Any:
    """Zeros with probability p, the rest times 1 / (1 - p); one draw per element of `shape`."""
    if p == 1:
        return _result(input, input * input.detach().new_zeros(()), inplace)
    order = None if input.is_contiguous() else _memory_order(input, shape)
    if order is None:
        noise = dropout_mask(input, p, shape)
    else:
        noise = _turned_back(dropout_mask(input, p, [shape[d] for d in order]), order)
    return input.mul_(noise) if inplace else input * noise


def _memory_order(input: Any, shape: Any) -> list[int] | None:
    """The dims as they lie in memory, outermost first: PyTorch draws one number per element in that order.

    None where it draws row by row: for numbers that several elements share, and for tensors that repeat themselves.
    """
    strides = input.stride()
    if tuple(shape) != tuple(input.shape) or 0 in strides:
        return None
    return sorted(range(len(strides)), key=lambda d: -strides[d])


def _turned_back(noise: Any, order: list[int]) -> Any:
    """Noise drawn with its dims in another order, with the dims in their own places."""
    return noise.permute(*[order.index(d) for d in range(len(order))])


def _feature_dropout(input: Any, p: float, training: bool, inplace: bool) -> Any:
    if p == 0 or not training or input.numel() == 0:
        return input
    return _drop(input, _channel_shape(input), p, inplace)


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zeros each element with probability p and scales the others by 1 / (1 - p); nothing in evaluation.

    Shape: (*) -> (*).   Raises: ValueError unless 0 <= p <= 1.
    Source: Hinton et al. 2012; PyTorch `dropout`.
    """
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if p == 0 or not training or input.numel() == 0:
        return input
    return _drop(input, input.shape, p, inplace)


def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zeros whole channels of sequences with probability p and scales the others by 1 / (1 - p).

    Shape: (N, C, L) or (C, L) -> same.   Source: PyTorch `dropout1d`.
    """
    _check_probability(p)
    if input.dim() not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. Note that "
                           "dropout1d exists to provide channel-wise dropout on inputs with 1 spatial dimension, "
                           "a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs).")
    return _with_batch(input, 3, p, training, inplace)


def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zeros whole channels of images with probability p and scales the others by 1 / (1 - p).

    Shape: (N, C, H, W) -> same.   Source: PyTorch `dropout2d`.
    """
    _check_probability(p)
    if input.dim() not in (3, 4):
        warnings.warn(f"dropout2d: Received a {input.dim()}-D input to dropout2d, which is deprecated and will "
                      "result in an error in a future release. To retain the behavior and silence this warning, "
                      "please use dropout instead.", stacklevel=2)
    if input.dim() == 3:
        warnings.warn("dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
                      "behavior is desired - input is interpreted as shape (N, C, L), where C is the channel "
                      "dim. Please switch to using dropout1d instead.", stacklevel=2)
    return _feature_dropout(input, p, training, inplace)


def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zeros whole channels of volumes with probability p and scales the others by 1 / (1 - p).

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same.   Source: PyTorch `dropout3d`.
    """
    _check_probability(p)
    if input.dim() not in (4, 5):
        warnings.warn(f"dropout3d: Received a {input.dim()}-D input to dropout3d, which is deprecated and will "
                      "result in an error in a future release. To retain the behavior and silence this warning, "
                      "please use dropout instead.", stacklevel=2)
    return _with_batch(input, 5, p, training, inplace)


def _with_batch(input: Any, dims: int, p: float, training: bool, inplace: bool) -> Any:
    if input.dim() == dims:
        return _feature_dropout(input, p, training, inplace)
    if inplace:
        return _feature_dropout(input.unsqueeze_(0), p, training, True).squeeze_(0)
    return _feature_dropout(input.unsqueeze(0), p, training, False).squeeze(0)


def _alpha_noise(input: Any, shape: Any, p: float, inplace: bool) -> Any:
    """a x + b for kept elements, b - a SELU_LIMIT for dropped ones; a, b keep mean 0 and variance 1."""
    if p == 1:
        return _result(input, input * input.detach().new_zeros(()), inplace)
    a = 1.0 / math.sqrt((SELU_LIMIT**2 * p + 1) * (1 - p))
    order = _memory_order(input, shape) or list(range(input.dim()))
    noise = _turned_back(input.detach().new_empty([shape[d] for d in order]).bernoulli_(1 - p), order)
    shift = noise.add(-1).mul_(SELU_LIMIT * a).add_(SELU_LIMIT * a * p)
    noise = noise.mul_(a)
    return input.mul_(noise).add_(shift) if inplace else input * noise + shift


def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Dropout for SELU networks: keeps mean and variance.

    Shape: (*) -> (*).   Source: Klambauer et al. 2017; PyTorch `alpha_dropout`.
    """
    _check_probability(p)
    if p == 0 or not training or input.numel() == 0:
        return input
    return _alpha_noise(input, input.shape, p, inplace)


def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """`alpha_dropout` of whole channels.

    Shape: (N, C, *) -> same.   Source: PyTorch `feature_alpha_dropout`.
    """
    _check_probability(p)
    if p == 0 or not training or input.numel() == 0:
        return input
    return _alpha_noise(input, _channel_shape(input), p, inplace)
