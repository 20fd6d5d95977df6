"""Windows of an image as columns, and back: Unfold and Fold.

Room: nn. May import: eager, this room.
"""
from __future__ import annotations

from collections.abc import Sequence

from ..eager import Tensor
from ..eager import functional as F
from .module import Module

Numbers = int | Sequence[int]


class Unfold(Module):
    """Each window as a column.

    Shape: (N, C, H, W) or (C, H, W) -> (N, C * KH * KW, L) or without N.   Source: PyTorch `nn.Unfold`.

    >>> import stickonfire
    >>> Unfold(2)(stickonfire.ones(1, 3, 4, 4)).shape
    torch.Size([1, 12, 9])
    """

    def __init__(self, kernel_size: Numbers, dilation: Numbers = 1, padding: Numbers = 0, stride: Numbers = 1) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
                f"stride={self.stride}")


class Fold(Module):
    """Columns added up into the image whose windows they are.

    Shape: (N, C * KH * KW, L) or (C * KH * KW, L) -> (N, C, H, W) or without N.   Source: PyTorch `nn.Fold`.
    """

    def __init__(self, output_size: Numbers, kernel_size: Numbers, dilation: Numbers = 1, padding: Numbers = 0,
                 stride: Numbers = 1) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
                f"padding={self.padding}, stride={self.stride}")
