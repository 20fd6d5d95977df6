"""Pooling layers: maxima, means and power means over windows, and the way back from maxima.

Room: nn. Those that pool to a given size are in pooling_adaptive.py. May import: eager, this room. The layers hold the
numbers, `eager/functional/pool.py` does the work.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ..eager import Tensor
from ..eager import functional as F
from .module import Module

Numbers = int | Sequence[int]


def spread_out(value: Numbers, dims: int) -> tuple[int, ...]:
    """One number for each dim."""
    return (value,) * dims if isinstance(value, int) else tuple(value)


class _MaxPoolNd(Module):
    """What the layers of maxima share."""

    function: ClassVar[Callable[..., Any]]

    def __init__(self, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0, dilation: Numbers = 1,
                 return_indices: bool = False, ceil_mode: bool = False) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        return type(self).function(input, self.kernel_size, self.stride, self.padding, self.dilation,
                                   ceil_mode=self.ceil_mode, return_indices=self.return_indices)

    def extra_repr(self) -> str:
        return (f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
                f"dilation={self.dilation}, "
                f"ceil_mode={self.ceil_mode}")


class MaxPool1d(_MaxPoolNd):
    """The largest element of each window along one dim.

    Shape: (N, C, W) or (C, W) -> same, W'.   Source: PyTorch `nn.MaxPool1d`.
    """

    function = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPoolNd):
    """The largest element of each window along two dims.

    Shape: (N, C, H, W) or (C, H, W) -> same, H', W'.   Source: PyTorch `nn.MaxPool2d`.

    >>> import stickonfire
    >>> MaxPool2d(2)(stickonfire.arange(16.0).reshape(1, 4, 4))
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """

    function = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPoolNd):
    """The largest element of each window along three dims.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same, D', H', W'.   Source: PyTorch `nn.MaxPool3d`.
    """

    function = staticmethod(F.max_pool3d)


class _MaxUnpoolNd(Module):
    """What the layers share that put maxima back to their places."""

    dims: ClassVar[int] = 1
    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0) -> None:
        super().__init__()
        self.kernel_size = spread_out(kernel_size, self.dims)
        self.stride = spread_out(stride if stride is not None else kernel_size, self.dims)
        self.padding = spread_out(padding, self.dims)

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return type(self).function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    """Zeros with the maxima of MaxPool1d at their places.

    Shape: (N, C, W) or (C, W) -> same, W'.   Source: PyTorch `nn.MaxUnpool1d`.
    """

    dims = 1
    function = staticmethod(F.max_unpool1d)


class MaxUnpool2d(_MaxUnpoolNd):
    """Zeros with the maxima of MaxPool2d at their places.

    Shape: (N, C, H, W) or (C, H, W) -> same, H', W'.   Source: PyTorch `nn.MaxUnpool2d`.
    """

    dims = 2
    function = staticmethod(F.max_unpool2d)


class MaxUnpool3d(_MaxUnpoolNd):
    """Zeros with the maxima of MaxPool3d at their places.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same, D', H', W'.   Source: PyTorch `nn.MaxUnpool3d`.
    """

    dims = 3
    function = staticmethod(F.max_unpool3d)


class AvgPool1d(Module):
    """The mean of each window along one dim.

    Shape: (N, C, W) or (C, W) -> same, W'.   Source: PyTorch `nn.AvgPool1d`.
    """

    def __init__(self, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
                 ceil_mode: bool = False,
                 count_include_pad: bool = True) -> None:
        super().__init__()
        self.kernel_size = spread_out(kernel_size, 1)
        self.stride = spread_out(stride if stride is not None else kernel_size, 1)
        self.padding = spread_out(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPoolNd(Module):
    """What AvgPool2d and AvgPool3d share."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
                 ceil_mode: bool = False,
                 count_include_pad: bool = True, divisor_override: int | None = None) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
                                   self.count_include_pad, self.divisor_override)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPoolNd):
    """The mean of each window along two dims.

    Shape: (N, C, H, W) or (C, H, W) -> same, H', W'.   Source: PyTorch `nn.AvgPool2d`.
    """

    function = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPoolNd):
    """The mean of each window along three dims.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same, D', H', W'.   Source: PyTorch `nn.AvgPool3d`.
    """

    function = staticmethod(F.avg_pool3d)


class _LPPoolNd(Module):
    """What the layers of power means share."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, norm_type: float, kernel_size: Numbers, stride: Numbers | None = None,
                 ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
                f"ceil_mode={self.ceil_mode}")


class LPPool1d(_LPPoolNd):
    """(sum of x^p)^(1/p) over each window along one dim.

    Shape: (N, C, W) or (C, W) -> same, W'.   Source: PyTorch `nn.LPPool1d`.
    """

    function = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPoolNd):
    """(sum of x^p)^(1/p) over each window along two dims.

    Shape: (N, C, H, W) or (C, H, W) -> same, H', W'.   Source: PyTorch `nn.LPPool2d`.
    """

    function = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPoolNd):
    """(sum of x^p)^(1/p) over each window along three dims.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same, D', H', W'.   Source: PyTorch `nn.LPPool3d`.
    """

    function = staticmethod(F.lp_pool3d)
