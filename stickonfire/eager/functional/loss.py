"""The common losses: PyTorch's signatures, legacy arguments and warnings over the fused ops in ops/loss.py.

Room: eager. Losses made of other ops are in loss_regression.py and loss_margin.py.
"""
from __future__ import annotations

import warnings
from typing import Any

from ...core.dtypes import SCALAR_NAMES
from .fused import fused
from .loss_regression import l1_loss
from .reduction import check_reduction, legacy_reduction, reduced, warn_if_sizes_differ, weighted

_mse_loss = fused("mse_loss")
_smooth_l1_loss = fused("smooth_l1_loss")
_huber_loss = fused("huber_loss")
_kl_div = fused("kl_div")
_binary_cross_entropy = fused("binary_cross_entropy")
_binary_cross_entropy_with_logits = fused("binary_cross_entropy_with_logits")
_nll_loss = fused("nll_loss")
_log_softmax = fused("log_softmax")


def mse_loss(input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None,
             reduction: str = "mean", weight: Any = None) -> Any:
    """(input - target)^2.

    Shape: (*), (*) -> () or (*).   Source: PyTorch `mse_loss`.
    """
    warn_if_sizes_differ(input, target)
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    if weight is not None:
        return weighted((input - target) ** 2, weight, reduction)
    check_reduction(reduction)
    return _mse_loss(input, target, reduction=reduction)


def smooth_l1_loss(input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None,
                   reduction: str = "mean", beta: float = 1.0) -> Any:
    """d^2 / (2 beta) for d = |input - target| < beta, d - beta / 2 otherwise.

    Shape: (*), (*) -> () or (*).   Source: Girshick 2015; PyTorch `smooth_l1_loss`.
    """
    warn_if_sizes_differ(input, target)
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    check_reduction(reduction)
    if beta == 0.0:
        return l1_loss(input, target, reduction=reduction)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    return _smooth_l1_loss(input, target, reduction=reduction, beta=beta)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0,
               weight: Any = None) -> Any:
    """d^2 / 2 for d = |input - target| < delta, delta * (d - delta / 2) otherwise.

    Shape: (*), (*) -> () or (*).   Source: Huber 1964; PyTorch `huber_loss`.
    """
    warn_if_sizes_differ(input, target)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    check_reduction(reduction)
    if weight is None:
        return _huber_loss(input, target, reduction=reduction, delta=delta)
    if weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    return reduced(_huber_loss(input, target, reduction="none", delta=delta) * weight, reduction)


def kl_div(input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None,
           reduction: str = "mean", log_target: bool = False) -> Any:
    """t * (log(t) - x), for log-probabilities x; with `log_target` the target is a logarithm too.

    Shape: (*), (*) -> () or (*). `reduction` may also be "batchmean".   Source: PyTorch `kl_div`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    elif reduction == "mean":
        warnings.warn("reduction: 'mean' divides the total loss by both the batch size and the support size."
                      "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
                      "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
                      stacklevel=2)
    if reduction == "batchmean":
        total = _kl_div(input, target, reduction="sum", log_target=log_target)
        return total / input.shape[0] if input.dim() else total
    check_reduction(reduction)
    return _kl_div(input, target, reduction=reduction, log_target=log_target)


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, size_average: bool | None = None,
                         reduce: bool | None = None, reduction: str = "mean") -> Any:
    """-(t log(x) + (1 - t) log(1 - x)), for probabilities; the logarithms are limited to -100.

    Shape: (*), (*) -> () or (*).   Raises: ValueError if the sizes differ.
    Source: PyTorch `binary_cross_entropy`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    check_reduction(reduction)
    given, wanted = input._array, target._array
    if wanted.shape != given.shape:
        raise ValueError(f"Using a target size ({target.size()}) that is different to the input size "
                         f"({input.size()}) is deprecated. Please ensure they have the same size.")
    if wanted.dtype is not given.dtype and target.dtype.category != input.dtype.category:
        raise RuntimeError(f"Found dtype {target.dtype} but expected {input.dtype}. In binary_cross_entropy: convert "
                           f"the "
                           "target with .float()")
    return _binary_cross_entropy(input, target, weight, reduction=reduction)


def binary_cross_entropy_with_logits(input: Any, target: Any, weight: Any = None,
                                     size_average: bool | None = None, reduce: bool | None = None,
                                     reduction: str = "mean", pos_weight: Any = None) -> Any:
    """Binary cross-entropy of sigmoid(x), computed without overflow.

    Shape: (*), (*) -> () or (*).   Raises: ValueError if the sizes differ.
    Source: PyTorch `binary_cross_entropy_with_logits`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    check_reduction(reduction)
    if target.shape != input.shape:
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    if not (target.is_floating_point() or target.is_complex()):
        raise RuntimeError(f"result type {SCALAR_NAMES[input.dtype.name]} can't be cast to the desired output type "
                           f"{SCALAR_NAMES[target.dtype.name]}. In binary_cross_entropy_with_logits(): targets are "
                           "chances between 0 and 1, convert them with target.to(input.dtype)")
    return _binary_cross_entropy_with_logits(input, target, weight, pos_weight, reduction=reduction)


def nll_loss(input: Any, target: Any, weight: Any = None, size_average: bool | None = None,
             ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean") -> Any:
    """-weight[y] * x[y]: the negative log-likelihood of the right class, for log-probabilities.

    Shape: (N, C, *), (N, *) of classes -> () or (N, *).   Source: PyTorch `nll_loss`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    check_reduction(reduction)
    return _nll_loss(input, target, weight, ignore_index=ignore_index, reduction=reduction)


def cross_entropy(input: Any, target: Any, weight: Any = None, size_average: bool | None = None,
                  ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean",
                  label_smoothing: float = 0.0) -> Any:
    """-log softmax(x)[y], for logits; targets are classes or probabilities of classes.

    Shape: (N, C, *), (N, *) of classes or (N, C, *) of probabilities -> () or (N, *).
    Source: PyTorch `cross_entropy`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    check_reduction(reduction)
    _check_smoothing(label_smoothing)
    dim = 0 if input.dim() == 1 else 1
    log_probabilities = _log_softmax(input, dim)
    if input.shape == target.shape:
        return _soft_targets(log_probabilities, target, weight, ignore_index, reduction, label_smoothing, dim)
    loss = _nll_loss(log_probabilities, target, weight, ignore_index, reduction)
    if label_smoothing == 0.0:
        return loss
    even = _even_targets(log_probabilities, target, weight, ignore_index, reduction, dim)
    return (1 - label_smoothing) * loss + even * (label_smoothing / input.shape[dim])


def _check_smoothing(label_smoothing: float) -> None:
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")


def _along(weight: Any, dims: int, dim: int) -> Any:
    """A weight per class in a shape that broadcasts along the class dimension."""
    return weight.reshape([-1 if d == dim else 1 for d in range(dims)])


def _soft_targets(log_probabilities: Any, target: Any, weight: Any, ignore_index: int, reduction: str,
                  smoothing: float, dim: int) -> Any:
    """Cross-entropy against probabilities of classes."""
    if not target.is_floating_point():
        raise RuntimeError(f"Expected floating point type for target with class probabilities, got {target.dtype}")
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    classes = log_probabilities.shape[dim]
    if smoothing > 0.0:
        target = target * (1 - smoothing) + smoothing / classes
    products = log_probabilities * target
    if weight is not None:
        products = products * _along(weight, products.dim(), dim)
    if reduction == "none":
        return -products.sum(dim)
    total = -products.sum()
    return total / (products.numel() / classes) if reduction == "mean" else total


def _even_targets(log_probabilities: Any, target: Any, weight: Any, ignore_index: int, reduction: str,
                  dim: int) -> Any:
    """What label smoothing adds: the same weight on every class, reduced like the loss itself."""
    products = log_probabilities
    if weight is not None:
        products = products * _along(weight, products.dim(), dim)
    ignored = target == ignore_index
    even = (-products.sum(dim)).masked_fill(ignored, 0.0)
    if reduction != "mean":
        return reduced(even, reduction)
    if weight is None:
        return even.sum() / (~ignored).sum()
    return even.sum() / weight[target.masked_fill(ignored, 0)].masked_fill(ignored, 0.0).sum()
