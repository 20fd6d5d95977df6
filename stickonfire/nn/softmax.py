"""Activations that normalise along a dimension: the softmax family.

Room: nn. May import: eager, this room. Every layer is its function in nn.functional with settings kept.
"""
from __future__ import annotations

from ..eager import Tensor
from ..eager import functional as F
from .module import Module


class Softmax(Module):
    """exp(x) / sum of exp(x) along `dim`.

    Shape: (*) -> (*).   Source: PyTorch `nn.Softmax`.

    >>> from stickonfire import nn, tensor
    >>> nn.Softmax(dim=0)(tensor([0.0, 0.0]))
    tensor([0.5000, 0.5000])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """x - log(sum of exp(x)) along `dim`.

    Shape: (*) -> (*).   Source: PyTorch `nn.LogSoftmax`.
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmin(Module):
    """Softmax of -x.

    Shape: (*) -> (*).   Source: PyTorch `nn.Softmin`.
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax2d(Module):
    """Softmax over the channels of images.

    Shape: (N, C, H, W) or (C, H, W) -> same.   Source: PyTorch `nn.Softmax2d`.
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
        return F.softmax(input, -3, _stacklevel=5)
