"""Layers that enlarge: Upsample, UpsamplingNearest2d, UpsamplingBilinear2d.

Room: nn. May import: eager, this room.
"""
from __future__ import annotations

from typing import Any

from ..eager import Tensor
from ..eager import functional as F
from .module import Module


class Upsample(Module):
    """The input in another size, or scaled by a factor.

    Shape: (N, C, *spatial) -> (N, C, *size).   Source: PyTorch `nn.Upsample`.

    >>> import stickonfire
    >>> Upsample(scale_factor=2)(stickonfire.ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                 align_corners: bool | None = None, recompute_scale_factor: bool | None = None) -> None:
        super().__init__()
        self.name = type(self).__name__
        self.size = size
        if isinstance(scale_factor, tuple):
            self.scale_factor: Any = tuple([float(factor) for factor in scale_factor])
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(input, self.size, self.scale_factor, self.mode, self.align_corners,
                             recompute_scale_factor=self.recompute_scale_factor)

    def extra_repr(self) -> str:
        size = f"scale_factor={self.scale_factor!r}" if self.scale_factor is not None else f"size={self.size!r}"
        return f"{size}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Each output element is its nearest neighbour. Shape: (N, C, H, W) -> (N, C, *size).

    Source: PyTorch `nn.UpsamplingNearest2d`.
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Bilinear, with aligned corners. Shape: (N, C, H, W) -> (N, C, *size).

    Source: PyTorch `nn.UpsamplingBilinear2d`.
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
