"""Losses with a margin: hinge, ranking, cosine, triplet, multi-class and multi-label.

Room: nn. May import: eager, this room. `reduction` is "mean" (the default), "sum" or "none".
"""
from __future__ import annotations

from collections.abc import Callable

from ..eager import Tensor
from ..eager import functional as F
from .distance import PairwiseDistance
from .loss_base import Loss, WeightedLoss


class HingeEmbeddingLoss(Loss):
    """x where the target is 1, max(0, margin - x) where it is -1.

    Shape: (*), (*) -> () or (*).   Source: PyTorch `nn.HingeEmbeddingLoss`.
    """

    def __init__(self, margin: float = 1.0, size_average: bool | None = None,
                 reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class SoftMarginLoss(Loss):
    """log(1 + exp(-t * x)), the target t being 1 or -1.

    Shape: (*), (*) -> () or (*).   Source: PyTorch `nn.SoftMarginLoss`.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MarginRankingLoss(Loss):
    """max(0, -t * (x1 - x2) + margin): target 1 wants x1 larger, -1 wants x2 larger.

    Shape: (*), (*), (*) -> () or (*).
    Source: PyTorch `nn.MarginRankingLoss`.
    """

    def __init__(self, margin: float = 0.0, size_average: bool | None = None,
                 reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(Loss):
    """1 - cos(x1, x2) where the target is 1, max(0, cos(x1, x2) - margin) where it is -1.

    Shape: (N, D), (N, D), (N) -> () or (N).
    Source: PyTorch `nn.CosineEmbeddingLoss`.
    """

    def __init__(self, margin: float = 0.0, size_average: bool | None = None,
                 reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class TripletMarginLoss(Loss):
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), d being the p-norm of the difference.

    Shape: (N, D), three times -> () or (N).   Raises: ValueError for a margin of 0 or less.
    Source: Balntas et al. 2016; PyTorch `nn.TripletMarginLoss`.
    """

    def __init__(self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False,
                 size_average: bool | None = None, reduce: bool | None = None,
                 reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginLoss: expected margin to be greater than 0, got {margin} instead")
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(anchor, positive, negative, margin=self.margin, p=self.p, eps=self.eps,
                                     swap=self.swap, reduction=self.reduction)


class TripletMarginWithDistanceLoss(Loss):
    """TripletMarginLoss with any distance.

    Shape: (N, D), three times -> () or (N).   Raises: ValueError for a margin of 0 or less.
    Source: PyTorch `nn.TripletMarginWithDistanceLoss`.
    """

    def __init__(self, *, distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
                 margin: float = 1.0, swap: bool = False, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ValueError("TripletMarginWithDistanceLoss: expected margin to be greater than 0, got "
                             f"{margin} instead")
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=self.distance_function, margin=self.margin,
            swap=self.swap, reduction=self.reduction)


class MultiMarginLoss(WeightedLoss):
    """Sum over the classes i other than y of max(0, margin - x[y] + x[i])^p, times weight[y], over C.

    Shape: (N, C), (N) -> () or (N).   Raises: ValueError unless p is 1 or 2.
    Source: PyTorch `nn.MultiMarginLoss`.
    """

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
                 size_average: bool | None = None, reduce: bool | None = None,
                 reduction: str = "mean") -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p != 1 and p != 2:
            raise ValueError("only p == 1 and p == 2 supported")
        if weight is not None and weight.dim() != 1:
            raise ValueError(f"MultiMarginLoss: expected weight to be None or 1D tensor, got {weight.dim()}D instead")
        self.p = p
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multi_margin_loss(input, target, p=self.p, margin=self.margin, weight=self.weight,
                                   reduction=self.reduction)


class MultiLabelMarginLoss(Loss):
    """Sum over labels j and other classes i of max(0, 1 - x[j] + x[i]), over C. Labels end at the first -1.

    Shape: (N, C), (N, C) -> () or (N).
    Source: PyTorch `nn.MultiLabelMarginLoss`.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(WeightedLoss):
    """Binary cross-entropy with logits, averaged over the classes.

    Shape: (N, C), (N, C) -> () or (N).
    Source: PyTorch `nn.MultiLabelSoftMarginLoss`.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_soft_margin_loss(input, target, weight=self.weight, reduction=self.reduction)
