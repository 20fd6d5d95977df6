"""Layers of old programs: CrossMapLRN2d, NLLLoss2d, Container.

Room: nn, loaded when first used. May import: eager, this room.
"""
from __future__ import annotations

import warnings
from typing import Any

from ..eager import Tensor, arange
from ..eager import functional as F
from .loss import NLLLoss
from .module import Module
from .normalization import LocalResponseNorm


class CrossMapLRN2d(LocalResponseNorm):
    """y = x / (k + alpha / size * sum of x^2 over neighbouring channels)^beta; an even size sums over size - 1.

    As in PyTorch the first channel stays in all later sums; the gradient is this function's (docs/differences.md).
    Shape: (N, C, H, W) -> same.   Raises: ValueError for another number of dims.
    Source: PyTorch `nn.CrossMapLRN2d`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> nn.CrossMapLRN2d(3, alpha=3.0, beta=1.0)(stickonfire.ones(1, 3, 1, 1)).flatten()
    tensor([0.3333, 0.2500, 0.2500])
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead.")
        reach, squares = (self.size + 1) // 2, input * input
        total = F.pad(squares, (0, 0, 0, 0, reach - 1, reach - 1)).unfold(1, 2 * reach - 1, 1).sum(-1)  # type: ignore
        later = arange(input.shape[1]).reshape(-1, 1, 1) >= reach
        total = total + squares[:, :1] * later
        return input * (total * (self.alpha / self.size) + self.k) ** -self.beta


class NLLLoss2d(NLLLoss):
    """The older name of `NLLLoss` for images. Shape: (N, C, H, W), (N, H, W) of classes -> () or (N, H, W).

    Source: PyTorch `nn.NLLLoss2d`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn("`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in replacement.",
                      FutureWarning, stacklevel=2)
        super().__init__(*args, **kwargs)


class Container(Module):
    """A module of the given children, by name.   Source: PyTorch `nn.Container`."""

    def __init__(self, **kwargs: Any) -> None:
        warnings.warn("`nn.Container` is deprecated. All of its functionality is now implemented in `nn.Module`. "
                      "Subclass that instead.", FutureWarning, stacklevel=2)
        super().__init__()
        for name, child in kwargs.items():
            self.add_module(name, child)
