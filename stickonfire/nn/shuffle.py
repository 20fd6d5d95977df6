"""Moving elements between channels and positions: PixelShuffle, PixelUnshuffle, ChannelShuffle.

Room: nn. May import: eager, this room.
"""
from __future__ import annotations

from ..eager import Tensor
from ..eager import functional as F
from .module import Module


class PixelShuffle(Module):
    """Channels become pixels: r x r of them an image r times as high and wide.

    Shape: (*, C r^2, H, W) -> (*, C, H r, W r).   Source: Shi et al. 2016; PyTorch `nn.PixelShuffle`.

    >>> from stickonfire import nn, ones
    >>> nn.PixelShuffle(2)(ones(1, 4, 3, 3)).shape
    torch.Size([1, 1, 6, 6])
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """The inverse of PixelShuffle.

    Shape: (*, C, H r, W r) -> (*, C r^2, H, W).   Source: PyTorch `nn.PixelUnshuffle`.
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Interleaves the groups of channels.

    Shape: (N, C, *) -> same.   Source: Zhang et al. 2018; PyTorch `nn.ChannelShuffle`.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
