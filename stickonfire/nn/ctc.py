"""Connectionist temporal classification as a layer: CTCLoss.

Room: nn. May import: eager, this room.
"""
from __future__ import annotations

from typing import Any

from ..eager import Tensor
from ..eager import functional as F
from .module import Module


class CTCLoss(Module):
    """-log of the probability that an output reads as the target, over all alignments.

    Shape: (T, N, C), targets (N, S) or (sum of lengths), lengths (N) -> () or (N).   Source: PyTorch `nn.CTCLoss`.

    >>> import stickonfire
    >>> even = stickonfire.full((2, 1, 2), 0.5).log()
    >>> CTCLoss()(even, stickonfire.tensor([[1]]), (2,), (1,)).exp()    # three of four readings
    tensor(1.3333)
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__()
        self.reduction = reduction
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any) -> Tensor:
        return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction,
                          self.zero_infinity)
