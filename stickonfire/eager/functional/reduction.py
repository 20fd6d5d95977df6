"""How losses are reduced, and the checks they share.

Room: eager. Called by the losses beside this file. Methods of Tensor only.
"""
from __future__ import annotations

import warnings
from typing import Any

MODES = ("none", "mean", "sum")


def legacy_reduction(size_average: bool | None, reduce: bool | None) -> str:
    """The `reduction` that the two arguments of old stood for. Warns."""
    average = size_average is None or size_average
    wanted = reduce is None or reduce
    name = "none" if not wanted else "mean" if average else "sum"
    warnings.warn("size_average and reduce args will be deprecated, "
                  f"please use reduction='{name}' instead.", stacklevel=3)
    return name


def reduced(loss: Any, reduction: str) -> Any:
    """The loss as it is, its mean, or its sum. Raises: ValueError for another word."""
    if reduction == "mean" or reduction == "elementwise_mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss
    raise ValueError(f"{reduction} is not a valid value for reduction")


def check_reduction(reduction: str) -> None:
    """Raises: ValueError unless the reduction is one of none, mean, sum."""
    if reduction not in MODES:
        raise ValueError(f"{reduction} is not a valid value for reduction")


def warn_if_sizes_differ(input: Any, target: Any) -> None:
    """A target that has to be broadcast is nearly always a mistake."""
    if target._array.shape != input._array.shape:
        warnings.warn(f"Using a target size ({target.size()}) that is different to the input size "
                      f"({input.size()}). This will likely lead to incorrect results due to broadcasting. "
                      "Please ensure they have the same size.", stacklevel=3)


def weighted(loss: Any, weight: Any, reduction: str) -> Any:
    """An elementwise loss times a weight, the mean being over the weights."""
    if weight.shape != loss.shape:
        raise ValueError("Weights and input must have the same size.")
    loss = loss * weight
    if reduction == "mean":
        return loss.sum() / weight.sum()
    if reduction not in MODES:
        raise ValueError(f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.")
    return reduced(loss, reduction)
