"""What the loss modules share: the reduction, and a weight kept as a buffer.

Room: nn. Called by loss.py and loss_margin.py.
"""
from __future__ import annotations

from typing import Any

from ..eager import Tensor
from ..eager.functional.reduction import legacy_reduction
from .module import Module


class Loss(Module):
    """A loss with a `reduction`: "none", "mean" or "sum"."""

    reduction: str

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None,
                 reduction: str = "mean") -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = legacy_reduction(size_average, reduce)
        self.reduction = reduction


class WeightedLoss(Loss):
    """A loss with a weight per class or element."""

    weight: Tensor | None

    def __init__(self, weight: Any = None, size_average: bool | None = None, reduce: bool | None = None,
                 reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
