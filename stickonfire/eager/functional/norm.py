"""Normalisations, embedding and dropout: PyTorch's signatures and checks over the ops in ops/.

Room: eager.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..modes import no_grad
from .fused import forms, fused

_batch_norm = fused("batch_norm")
_instance_norm = fused("instance_norm")
_group_norm = fused("group_norm")
_embedding = fused("embedding")
_dropout, _dropout_ = forms("dropout")


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
    return _batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(input: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None,
                  bias: Any = None, use_input_stats: bool = True, momentum: float = 0.1,
                  eps: float = 1e-5) -> Any:
    """(x - mean) / sqrt(var + eps) * weight + bias, per sample and channel over positions.

    Shape: (N, C, *) -> same.   Raises: ValueError for one position.   Source: PyTorch `instance_norm`.
    """
    if use_input_stats and math.prod(input.shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.size()}")
    return _instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """(x - mean) / sqrt(var + eps) * weight + bias, per sample over groups of channels and positions.

    Shape: (N, C, *) -> same.   Raises: RuntimeError for fewer than two dimensions.
    Source: Wu & He 2018; PyTorch `group_norm`.
    """
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    samples, channels, *positions = input.shape
    _require_several_values([samples * channels // num_groups, num_groups, *positions])
    return _group_norm(input, num_groups, weight, bias, eps)


def _require_several_values(size: Sequence[int]) -> None:
    if size and math.prod(size[:1]) * math.prod(size[2:]) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(size)}")


def embedding(input: Any, weight: Any, padding_idx: int | None = None, max_norm: float | None = None,
              norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False) -> Any:
    """Row i of the weight for each index i.

    `max_norm`: rows longer than that are shortened, in place, when they are used.
    Shape: (*) of integers, (V, D) -> (*, D).   Raises: NotImplementedError for sparse gradients.
    Source: PyTorch `embedding`.
    """
    if sparse:
        raise NotImplementedError("embedding: sparse gradients are not supported; use sparse=False, which "
                                  "gives "
                                  "the same values")
    if weight.dim() != 2:
        raise RuntimeError("'weight' must be 2-D")
    rows = weight.shape[0]
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= rows
    if max_norm is not None:
        _shorten_rows(weight, input, max_norm, norm_type)
    return _embedding(input, weight, -1 if padding_idx is None else padding_idx, scale_grad_by_freq)


def _shorten_rows(weight: Any, indices: Any, max_norm: float, norm_type: float) -> None:
    """Scales the rows that are looked up to a norm of at most max_norm."""
    with no_grad():
        used = indices.reshape(-1).unique()
        rows = weight[used]
        norm = rows.norm(norm_type, 1, keepdim=True)
        scale = (max_norm / (norm + 1e-7)).masked_fill(norm <= max_norm, 1.0)
        weight[used] = rows * scale


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zeros each element with probability p and scales the others by 1 / (1 - p); nothing in evaluation.

    Shape: (*) -> (*).   Raises: ValueError unless 0 <= p <= 1.
    Source: Hinton et al. 2012; PyTorch `dropout`.
    """
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    return _dropout_(input, p, training) if inplace else _dropout(input, p, training)
