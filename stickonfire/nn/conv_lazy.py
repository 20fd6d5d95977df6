"""Convolutions that take `in_channels` from their first input.

Room: nn. May import: eager, this room. After the first forward they are ordinary layers of conv.py.
"""
from __future__ import annotations

from typing import Any

from ..eager import Tensor
from .conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    Numbers,
    _Conv,
    _ConvNd,
    _ConvTransposeNd,
)
from .lazy import LazyModule
from .parameter import UninitializedParameter


class _LazyConvNd(LazyModule):
    """What the lazy convolutions share: parameters without a shape, and how they get one."""

    def _postpone(self: Any, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        """Replaces the parameters by ones that wait for a shape."""
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self: Any) -> None:
        """Draws weight and bias anew, once they are there."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            _ConvNd.reset_parameters(self)

    def initialize_parameters(self: Any, input: Tensor, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Takes the channels from the first input."""
        if not self.has_uninitialized_params():
            return
        if input.dim() not in (self.dims + 1, self.dims + 2):
            raise RuntimeError(f"Expected {self.dims + 1}D (unbatched) or {self.dims + 2}D (batched) input to "
                               f"{type(self).__name__}, but got input of size: {input.shape}")
        self.in_channels = input.shape[-self.dims - 1]
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        first, second = self.out_channels, self.in_channels
        if self.transposed:
            first, second = second, first
        self.weight.materialize((first, second // self.groups, *self.kernel_size))
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


class _LazyConv(_LazyConvNd, _Conv):
    """The ordinary ones."""

    def __init__(self, out_channels: int, kernel_size: Numbers, stride: Numbers = 1, padding: Numbers | str = 0,
                 dilation: Numbers = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros",
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._postpone(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConvNd, _ConvTransposeNd):
    """The transposed ones."""

    def __init__(self, out_channels: int, kernel_size: Numbers, stride: Numbers = 1, padding: Numbers = 0,
                 output_padding: Numbers = 0, groups: int = 1, bias: bool = True, dilation: Numbers = 1,
                 padding_mode: str = "zeros", device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode,
                         device, dtype)
        self._postpone(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConv):
    """A Conv1d that takes in_channels from its first input. Shape: as Conv1d.   Source: PyTorch `nn.LazyConv1d`.

    >>> import stickonfire
    >>> layer = LazyConv1d(2, 3)
    >>> _ = layer(stickonfire.ones(5, 4, 8))
    >>> layer
    Conv1d(4, 2, kernel_size=(3,), stride=(1,))
    """

    dims = 1
    function = staticmethod(Conv1d.function)
    cls_to_become = Conv1d


class LazyConv2d(_LazyConv):
    """A Conv2d that takes in_channels from its first input. Shape: as Conv2d.   Source: PyTorch `nn.LazyConv2d`."""

    dims = 2
    function = staticmethod(Conv2d.function)
    cls_to_become = Conv2d


class LazyConv3d(_LazyConv):
    """A Conv3d that takes in_channels from its first input. Shape: as Conv3d.   Source: PyTorch `nn.LazyConv3d`."""

    dims = 3
    function = staticmethod(Conv3d.function)
    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose):
    """A ConvTranspose1d that takes in_channels from its first input. Shape: as ConvTranspose1d.

    Source: PyTorch `nn.LazyConvTranspose1d`.
    """

    dims = 1
    function = staticmethod(ConvTranspose1d.function)
    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose):
    """A ConvTranspose2d that takes in_channels from its first input. Shape: as ConvTranspose2d.

    Source: PyTorch `nn.LazyConvTranspose2d`.
    """

    dims = 2
    function = staticmethod(ConvTranspose2d.function)
    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose):
    """A ConvTranspose3d that takes in_channels from its first input. Shape: as ConvTranspose3d.

    Source: PyTorch `nn.LazyConvTranspose3d`.
    """

    dims = 3
    function = staticmethod(ConvTranspose3d.function)
    cls_to_become = ConvTranspose3d
