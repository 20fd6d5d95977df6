"""A linear layer and cross-entropy in one: the loss of a classifier's last layer.

Room: nn. May import: eager, this room. The arithmetic is in eager/functional/linear_cross_entropy.py.
"""
from __future__ import annotations

import math
from typing import Any

from ..eager import Tensor
from ..eager.functional.linear_cross_entropy import LinearCrossEntropyOptions, linear_cross_entropy
from .linear import Linear
from .loss_base import WeightedLoss

__all__ = ["LinearCrossEntropyLoss", "LinearCrossEntropyOptions"]


class LinearCrossEntropyLoss(WeightedLoss):
    """Cross-entropy of `linear(input)`; with `options` in pieces that never hold all logits at once.

    Shape: (N, in_features) or (in_features), targets (N, *out_features) of classes, or (N, C, *out_features) of
    probabilities -> () or (N, *out_features).
    Raises: RuntimeError for a weight of another size, or a label smoothing outside [0, 1].
    Source: PyTorch `nn.LinearCrossEntropyLoss`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> nn.LinearCrossEntropyLoss(4, 3)(stickonfire.ones(2, 4), stickonfire.tensor([0, 2])).shape
    torch.Size([])
    """

    def __init__(self, in_features: int, num_classes: int, *, out_features: tuple[int, ...] = (), bias: bool = False,
                 device: Any = None, dtype: Any = None, reduction: str = "mean", weight: Tensor | None = None,
                 ignore_index: int | None = None, label_smoothing: float = 0.0,
                 options: LinearCrossEntropyOptions | None = None) -> None:
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise RuntimeError(f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}")
        if not 0 <= label_smoothing <= 1:
            raise RuntimeError(f"expected label_smoothing to be in range [0, 1], got {label_smoothing}")
        super().__init__(weight, reduction=reduction)
        self.num_classes = num_classes
        self.out_features = out_features
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.linear = Linear(in_features, math.prod(out_features, start=num_classes), bias=bias, device=device,
                             dtype=dtype)
        self.options = options

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        sizes = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return linear_cross_entropy(
            input, self.linear.weight.reshape((*sizes, self.linear.in_features)), target,
            linear_bias=None if bias is None else bias.reshape(sizes), weight=self.weight, reduction=self.reduction,
            ignore_index=self.ignore_index, label_smoothing=self.label_smoothing, options=self.options)

    def extra_repr(self) -> str:
        return (f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
                f"out_features={self.out_features}, bias={self.linear.bias is not None}, reduction={self.reduction}, "
                f"ignore_index={self.ignore_index}, label_smoothing={self.label_smoothing}, options={self.options}")
