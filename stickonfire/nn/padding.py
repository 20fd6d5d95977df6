"""Padding layers: constant, zero, reflected, replicated and circular borders for one to three dims.

Room: nn. May import: eager, this room. `padding` is one number for all sides or (left, right, top, bottom,
front, back), two for each dim.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..eager import Tensor
from ..eager import functional as F
from .module import Module


class Pad(Module):
    """What the padding layers share: the sides, and how many dims they belong to."""

    dims: ClassVar[int] = 1
    mode: ClassVar[str] = "constant"

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        self.padding = (padding,) * (2 * self.dims) if isinstance(padding, int) else tuple(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ConstantPad(Pad):
    """Padding with a value."""

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ZeroPad(ConstantPad):
    """Padding with zeros."""

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ReflectionPad(Pad):
    """Padding with the elements mirrored at the edge, the edge itself not repeated."""

    mode = "reflect"


class ReplicationPad(Pad):
    """Padding with copies of the edge."""

    mode = "replicate"


class CircularPad(Pad):
    """Padding with the elements from the other end."""

    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (self.dims + 1, self.dims + 2):
            raise ValueError(f"expected {self.dims + 1}D or {self.dims + 2}D input "
                             f"(got {input.dim()}D input)")
        return super().forward(input)


class ConstantPad1d(ConstantPad):
    """Pads 1 dim with a value.

    Shape: (N, C, W) or (C, W) -> same, larger.   Source: PyTorch `nn.ConstantPad1d`.
    """

    dims = 1


class ConstantPad2d(ConstantPad):
    """Pads 2 dims with a value.

    Shape: (N, C, H, W) or (C, H, W) -> same, larger.   Source: PyTorch `nn.ConstantPad2d`.
    """

    dims = 2


class ConstantPad3d(ConstantPad):
    """Pads 3 dims with a value.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same, larger.   Source: PyTorch `nn.ConstantPad3d`.
    """

    dims = 3


class ZeroPad1d(ZeroPad):
    """Pads 1 dim with zeros.

    Shape: (N, C, W) or (C, W) -> same, larger.   Source: PyTorch `nn.ZeroPad1d`.
    """

    dims = 1


class ZeroPad2d(ZeroPad):
    """Pads 2 dims with zeros.

    Shape: (N, C, H, W) or (C, H, W) -> same, larger.   Source: PyTorch `nn.ZeroPad2d`.
    """

    dims = 2


class ZeroPad3d(ZeroPad):
    """Pads 3 dims with zeros.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same, larger.   Source: PyTorch `nn.ZeroPad3d`.
    """

    dims = 3


class ReflectionPad1d(ReflectionPad):
    """Pads 1 dim with mirrored elements.

    Shape: (N, C, W) or (C, W) -> same, larger.   Source: PyTorch `nn.ReflectionPad1d`.

    >>> from stickonfire import nn, tensor
    >>> nn.ReflectionPad1d(2)(tensor([[0.0, 1.0, 2.0]]))
    tensor([[2., 1., 0., 1., 2., 1., 0.]])
    """

    dims = 1


class ReflectionPad2d(ReflectionPad):
    """Pads 2 dims with mirrored elements.

    Shape: (N, C, H, W) or (C, H, W) -> same, larger.   Source: PyTorch `nn.ReflectionPad2d`.
    """

    dims = 2


class ReflectionPad3d(ReflectionPad):
    """Pads 3 dims with mirrored elements.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same, larger.   Source: PyTorch `nn.ReflectionPad3d`.
    """

    dims = 3


class ReplicationPad1d(ReplicationPad):
    """Pads 1 dim with copies of the edge.

    Shape: (N, C, W) or (C, W) -> same, larger.   Source: PyTorch `nn.ReplicationPad1d`.
    """

    dims = 1


class ReplicationPad2d(ReplicationPad):
    """Pads 2 dims with copies of the edge.

    Shape: (N, C, H, W) or (C, H, W) -> same, larger.   Source: PyTorch `nn.ReplicationPad2d`.
    """

    dims = 2


class ReplicationPad3d(ReplicationPad):
    """Pads 3 dims with copies of the edge.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same, larger.   Source: PyTorch `nn.ReplicationPad3d`.
    """

    dims = 3


class CircularPad1d(CircularPad):
    """Pads 1 dim with elements from the other end.

    Shape: (N, C, W) or (C, W) -> same, larger.   Source: PyTorch `nn.CircularPad1d`.
    """

    dims = 1


class CircularPad2d(CircularPad):
    """Pads 2 dims with elements from the other end.

    Shape: (N, C, H, W) or (C, H, W) -> same, larger.   Source: PyTorch `nn.CircularPad2d`.
    """

    dims = 2


class CircularPad3d(CircularPad):
    """Pads 3 dims with elements from the other end.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same, larger.   Source: PyTorch `nn.CircularPad3d`.
    """

    dims = 3
