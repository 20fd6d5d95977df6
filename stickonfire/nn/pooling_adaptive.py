"""Pooling layers that are told the size of their output: adaptive and fractional ones.

Room: nn. May import: eager, this room.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ..eager import Tensor
from ..eager import functional as F
from .module import Module
from .pooling import spread_out

Sizes = int | None | Sequence[int | None]


class _AdaptiveAvgPoolNd(Module):
    """What the adaptive layers of means share."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, output_size: Sizes) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Means over windows along one dim, as many as asked for.

    Shape: (N, C, W) or (C, W) -> same, W'.   Source: PyTorch `nn.AdaptiveAvgPool1d`.
    """

    function = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Means over windows along two dims, as many as asked for.

    Shape: (N, C, H, W) or (C, H, W) -> same, H', W'.   Source: PyTorch `nn.AdaptiveAvgPool2d`.

    >>> import stickonfire
    >>> AdaptiveAvgPool2d(1)(stickonfire.ones(2, 3, 5, 7)).shape
    torch.Size([2, 3, 1, 1])
    """

    function = staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Means over windows along three dims, as many as asked for.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same, D', H', W'.   Source: PyTorch `nn.AdaptiveAvgPool3d`.
    """

    function = staticmethod(F.adaptive_avg_pool3d)


class _AdaptiveMaxPoolNd(Module):
    """What the adaptive layers of maxima share."""

    function: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: Sizes, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        return type(self).function(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """Maxima over windows along one dim, as many as asked for.

    Shape: (N, C, W) or (C, W) -> same, W'.   Source: PyTorch `nn.AdaptiveMaxPool1d`.
    """

    function = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """Maxima over windows along two dims, as many as asked for.

    Shape: (N, C, H, W) or (C, H, W) -> same, H', W'.   Source: PyTorch `nn.AdaptiveMaxPool2d`.
    """

    function = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """Maxima over windows along three dims, as many as asked for.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same, D', H', W'.   Source: PyTorch `nn.AdaptiveMaxPool3d`.
    """

    function = staticmethod(F.adaptive_max_pool3d)


class _FractionalMaxPoolNd(Module):
    """What the layers share that take maxima over windows at pseudo-random places."""

    dims: ClassVar[int] = 2
    function: ClassVar[Callable[..., Any]]

    def __init__(self, kernel_size: int | Sequence[int], output_size: Any = None, output_ratio: Any = None,
                 return_indices: bool = False, _random_samples: Tensor | None = None) -> None:
        super().__init__()
        self.kernel_size = spread_out(kernel_size, self.dims)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = spread_out(output_size, self.dims) if output_size is not None else None
        self.output_ratio = ((output_ratio,) * self.dims if isinstance(output_ratio, (int, float)) else output_ratio)
        name = type(self).__name__
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input: Tensor) -> Any:
        return type(self).function(input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices,
                                   _random_samples=self._random_samples)


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """Maxima over windows at pseudo-random places along two dims (Graham 2014, arXiv:1412.6071).

    Shape: (N, C, H, W) or (C, H, W) -> same, H', W'.   Source: PyTorch `nn.FractionalMaxPool2d`.
    """

    dims = 2
    function = staticmethod(F.fractional_max_pool2d)


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """Maxima over windows at pseudo-random places along three dims (Graham 2014, arXiv:1412.6071).

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same, D', H', W'.   Source: PyTorch `nn.FractionalMaxPool3d`.
    """

    dims = 3
    function = staticmethod(F.fractional_max_pool3d)
