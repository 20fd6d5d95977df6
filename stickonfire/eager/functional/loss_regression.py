"""Losses of a prediction against a number: l1, Poisson and Gaussian likelihoods.

Room: eager. Compositions of tensor methods; the commoner losses are fused ops in ops/loss.py.
"""
from __future__ import annotations

import math
from typing import Any

from .reduction import check_reduction, legacy_reduction, reduced, warn_if_sizes_differ, weighted


def l1_loss(input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None,
            reduction: str = "mean", weight: Any = None) -> Any:
    """|input - target|.

    Shape: (*), (*) -> () or (*).   Source: PyTorch `l1_loss`.
    """
    warn_if_sizes_differ(input, target)
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    loss = (input - target).abs()
    return reduced(loss, reduction) if weight is None else weighted(loss, weight, reduction)


def poisson_nll_loss(input: Any, target: Any, log_input: bool = True, full: bool = False,
                     size_average: bool | None = None, eps: float = 1e-8, reduce: bool | None = None,
                     reduction: str = "mean") -> Any:
    """exp(input) - target * input, or input - target * log(input + eps) if the input is no logarithm.

    `full` adds Stirling's approximation of log(target!) where target > 1.
    Shape: (*), (*) -> () or (*).   Source: PyTorch `poisson_nll_loss`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    check_reduction(reduction)
    if log_input:
        loss = input.exp() - target * input
    else:
        loss = input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduced(loss, reduction)


def gaussian_nll_loss(input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6,
                      reduction: str = "mean") -> Any:
    """(log(var) + (input - target)^2 / var) / 2, var being at least eps; `full` adds log(2 pi) / 2.

    Shape: (*), (*), var as input, or with a last dimension of one, or without it -> () or (*).
    Raises: ValueError for a negative or misshapen var.   Source: PyTorch `gaussian_nll_loss`.
    """
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = input.new_full(input.shape, var)
    elif (var < 0).any():
        raise ValueError("var has negative entry/entries")
    var = _fitted_variance(input, var)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    var = var + (var.detach().clamp(min=eps) - var.detach())       # limited, with the gradient of var itself
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction)


def _fitted_variance(input: Any, var: Any) -> Any:
    """var with as many dimensions as the input."""
    if var.shape == input.shape:
        return var
    if input.shape[:-1] == var.shape:
        return var.unsqueeze(-1)
    if input.dim() == var.dim():
        different = [theirs for ours, theirs in zip(input.shape, var.shape) if ours != theirs]
        if sum(different) == 1:
            return var
    raise ValueError("var is of incorrect size")
