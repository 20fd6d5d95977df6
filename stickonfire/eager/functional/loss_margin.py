"""Losses with a margin: hinge, ranking, cosine, triplet, multi-class and multi-label margins.

Room: eager. Compositions of tensor methods.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .distance import pairwise_distance
from .fused import logsigmoid
from .reduction import check_reduction, legacy_reduction, reduced


def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, size_average: bool | None = None,
                         reduce: bool | None = None, reduction: str = "mean") -> Any:
    """x where the target is 1, max(0, margin - x) where it is -1.

    Shape: (*), (*) -> () or (*).   Source: PyTorch `hinge_embedding_loss`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    apart = (input.new_full((), margin) - input).clamp_min(0).masked_fill(target == 1, 0)
    together = input.masked_fill(target == -1, 0)
    return reduced(apart + together, reduction)


def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0,
                        size_average: bool | None = None, reduce: bool | None = None,
                        reduction: str = "mean") -> Any:
    """max(0, -target * (input1 - input2) + margin): target 1 wants input1 larger, -1 input2.

    Shape: (*), (*), (*) -> () or (*).   Source: PyTorch `margin_ranking_loss`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    if input1.dim() != input2.dim() or input1.dim() != target.dim():
        raise RuntimeError("margin_ranking_loss : All input tensors should have same dimension but got sizes: "
                           f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} ")
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


def soft_margin_loss(input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None,
                     reduction: str = "mean") -> Any:
    """log(1 + exp(-target * input)), the target being 1 or -1.

    Shape: (*), (*) -> () or (*).   Source: PyTorch `soft_margin_loss`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    return reduced((-target * input).exp().log1p(), reduction)


def cosine_embedding_loss(input1: Any, input2: Any, target: Any, margin: float = 0,
                          size_average: bool | None = None, reduce: bool | None = None,
                          reduction: str = "mean") -> Any:
    """1 - cos(x1, x2) where the target is 1, max(0, cos(x1, x2) - margin) where it is -1.

    Shape: (N, D), (N, D), (N) or (D), (D), () -> () or (N).   Source: PyTorch `cosine_embedding_loss`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    if target.dim() > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    wanted = target.dim() + 1
    if input1.dim() != wanted or input2.dim() != wanted:
        raise RuntimeError(f"{target.dim()}D target tensor expects {wanted}D input tensors, but found inputs "
                           f"with sizes {list(input1.shape)} and {list(input2.shape)}.")
    tiny = 1e-12
    squares = ((input1 * input1).sum(-1) + tiny) * ((input2 * input2).sum(-1) + tiny)
    cosine = (input1 * input2).sum(-1) / squares.sqrt()
    together = (1 - cosine).masked_fill(target != 1, 0)
    apart = (cosine - margin).clamp_min(0).masked_fill(target != -1, 0)
    return reduced(together + apart, reduction)


def triplet_margin_loss(anchor: Any, positive: Any, negative: Any, margin: float = 1.0, p: float = 2,
                        eps: float = 1e-6, swap: bool = False, size_average: bool | None = None,
                        reduce: bool | None = None, reduction: str = "mean") -> Any:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), d being `pairwise_distance`.

    `swap`: the negative is measured from the positive where that is nearer.
    Shape: (N, D) or (D), three times -> () or (N).
    Source: Balntas et al. 2016; PyTorch `triplet_margin_loss`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    check_reduction(reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(f"All inputs should have same dimension but got {anchor.dim()}D, "
                           f"{positive.dim()}D and {negative.dim()}D inputs.")

    def distance(x: Any, y: Any) -> Any:
        return pairwise_distance(x, y, p, eps)

    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(anchor: Any, positive: Any, negative: Any, *,
                                      distance_function: Callable[[Any, Any], Any] | None = None,
                                      margin: float = 1.0, swap: bool = False,
                                      reduction: str = "mean") -> Any:
    """`triplet_margin_loss` with any distance.

    Shape: (N, D), three times -> () or (N).   Source: PyTorch `triplet_margin_with_distance_loss`.
    """
    check_reduction(reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError("The anchor, positive, and negative tensors are expected to have the same number of "
                           f"dimensions, but got: anchor {anchor.dim()}D, positive {positive.dim()}D, and "
                           f"negative {negative.dim()}D inputs")
    distance = distance_function or pairwise_distance
    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


def _triplet(anchor: Any, positive: Any, negative: Any, distance: Callable[[Any, Any], Any], margin: float,
             swap: bool, reduction: str) -> Any:
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return reduced((margin + near - far).clamp_min(0), reduction)


def multi_margin_loss(input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None,
                      size_average: bool | None = None, reduce: bool | None = None,
                      reduction: str = "mean") -> Any:
    """Sum over the classes i other than y of max(0, margin - x[y] + x[i])^p, times weight[y], over C.

    Shape: (N, C), (N) or (C), () -> () or (N).   Source: PyTorch `multi_margin_loss`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    check_reduction(reduction)
    if p != 1 and p != 2:
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    rows = input if input.dim() == 2 else input.reshape(1, -1)
    if input.dim() > 2 or input.numel() == 0 and rows.shape[1] == 0:
        raise RuntimeError("Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
                           f"{list(input.shape)}")
    classes = target.reshape(-1, 1)
    if classes.shape[0] != rows.shape[0] or target.dim() > 1:
        raise RuntimeError(f"inconsistent target size, expected {rows.shape[0]} but got {list(target.shape)}")
    if weight is not None and weight.shape[0] != rows.shape[1]:
        raise RuntimeError(f"inconsistent weight size, expected {rows.shape[1]} but got {list(weight.shape)}")
    loss = (margin - rows.gather(1, classes) + rows).relu() ** p
    if weight is not None:
        loss = loss * weight[classes]
    own = rows.detach().new_zeros(rows.shape).scatter(1, classes, 1) > 0
    loss = loss.masked_fill(own, 0).sum(1) / rows.shape[1]
    return reduced(loss if target.dim() == 1 and input.dim() == 2 else loss.reshape(target.shape), reduction)


def multilabel_margin_loss(input: Any, target: Any, size_average: bool | None = None,
                           reduce: bool | None = None, reduction: str = "mean") -> Any:
    """Sum over labels j and other classes i of max(0, 1 - x[j] + x[i]), over C.

    The labels are the entries of `target` before its first -1.
    Shape: (N, C), (N, C) or (C), (C) -> () or (N).   Source: PyTorch `multilabel_margin_loss`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    check_reduction(reduction)
    if input.dim() > 2 or input.shape != target.shape:
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    rows, labels = (t.reshape(1, -1) if t.dim() < 2 else t for t in (input, target))
    valid = (labels < 0).cumsum(1) == 0
    places = labels.clamp(min=0)
    marked = rows.detach().new_zeros(rows.shape).scatter_add(1, places, valid.to(rows.dtype)) > 0
    pairs = (1 - rows.gather(1, places).unsqueeze(2) + rows.unsqueeze(1)).relu()
    pairs = pairs.masked_fill(~valid.unsqueeze(2) | marked.unsqueeze(1), 0)
    loss = pairs.sum((1, 2)) / rows.shape[1]
    return reduced(loss if input.dim() == 2 else loss.reshape(()), reduction)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, size_average: bool | None = None,
                                reduce: bool | None = None, reduction: str = "mean") -> Any:
    """Binary cross-entropy with logits, averaged over the classes.

    Shape: (*, C), (*, C) -> () or (*).   Source: PyTorch `multilabel_soft_margin_loss`.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    loss = loss.sum(-1) / input.shape[-1]
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    return reduced(loss, reduction)
