"""Convolution layers: Conv1d to Conv3d and ConvTranspose1d to ConvTranspose3d.

Room: nn. The lazy ones are in conv_lazy.py. May import: eager, this room. One base class holds the numbers, the
parameters and their first draws; a layer adds how many dims it works on.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ..eager import Tensor, empty
from ..eager import functional as F
from . import init
from .module import Module
from .parameter import Parameter

Numbers = int | Sequence[int]


def spread_out(value: Numbers, dims: int) -> tuple[int, ...]:
    """One number for each dim."""
    return (value,) * dims if isinstance(value, int) else tuple(value)


class _ConvNd(Module):
    """What all convolutions share. Weights and bias start uniform on (-1/sqrt(fan_in), 1/sqrt(fan_in))."""

    dims: ClassVar[int] = 1
    transposed: bool = False
    weight: Tensor
    bias: Tensor | None

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Numbers, stride: Numbers,
                 padding: Numbers | str,
                 dilation: Numbers, output_padding: Numbers, groups: int, bias: bool, padding_mode: str,
                 device: Any, dtype: Any) -> None:
        super().__init__()
        self._check(in_channels, out_channels, groups, padding, stride, padding_mode)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = spread_out(kernel_size, self.dims)
        self.stride = spread_out(stride, self.dims)
        self.padding = padding if isinstance(padding, str) else spread_out(padding, self.dims)
        self.dilation = spread_out(dilation, self.dims)
        self.output_padding = spread_out(output_padding, self.dims)
        self.groups = groups
        self.padding_mode = padding_mode
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = Parameter(empty((first, second // groups, *self.kernel_size), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _check(self, in_channels: int, out_channels: int, groups: int, padding: Any, stride: Any,
               padding_mode: str) -> None:
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
            if padding == "same" and any(s != 1 for s in spread_out(stride, self.dims)):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError("padding_mode must be one of {'zeros', 'reflect', 'replicate', 'circular'}, but got "
                             f"padding_mode='{padding_mode}'")

    def reset_parameters(self) -> None:
        """Draws weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def _sides(self) -> list[int]:
        """The padding as `pad` takes it: two numbers a dim, the last dim first."""
        if self.padding == "valid":
            return [0] * (2 * self.dims)
        if self.padding == "same":
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size)]
            return [side for total in reversed(totals) for side in (total // 2, total - total // 2)]
        return [side for p in reversed(self.padding) for side in (p, p)]  # type: ignore[misc]

    def extra_repr(self) -> str:
        text = (f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}")
        if self.padding != (0,) * self.dims:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * self.dims:
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * self.dims:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        return text + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")


class _Conv(_ConvNd):
    """The ordinary convolutions."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Numbers, stride: Numbers = 1,
                 padding: Numbers | str = 0, dilation: Numbers = 1, groups: int = 1, bias: bool = True,
                 padding_mode: str = "zeros", device: Any = None, dtype: Any = None) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias,
                         padding_mode, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The convolution with a weight of the caller's choice."""
        convolve, padding = type(self).function, self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._sides(), mode=self.padding_mode), (0,) * self.dims
        return convolve(input, weight, bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Conv):
    """Cross-correlation along one dim, with weight (out_channels, in_channels / groups, K).

    Shape: (N, C, W) or (C, W) -> (N, O, W') or (O, W').   Source: PyTorch `nn.Conv1d`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> nn.Conv1d(3, 2, 5)(stickonfire.ones(4, 3, 10)).shape
    torch.Size([4, 2, 6])
    """

    dims = 1
    function = staticmethod(F.conv1d)


class Conv2d(_Conv):
    """Cross-correlation along two dims, with weight (out_channels, in_channels / groups, KH, KW).

    Shape: (N, C, H, W) or (C, H, W) -> (N, O, H', W') or (O, H', W').   Source: PyTorch `nn.Conv2d`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> nn.Conv2d(3, 2, 3, padding="same")(stickonfire.ones(4, 3, 8, 8)).shape
    torch.Size([4, 2, 8, 8])
    """

    dims = 2
    function = staticmethod(F.conv2d)


class Conv3d(_Conv):
    """Cross-correlation along three dims, with weight (out_channels, in_channels / groups, KD, KH, KW).

    Shape: (N, C, D, H, W) or (C, D, H, W) -> (N, O, D', H', W') or without N.   Source: PyTorch `nn.Conv3d`.
    """

    dims = 3
    function = staticmethod(F.conv3d)


class _ConvTransposeNd(_ConvNd):
    """The adjoints of convolutions; `output_padding` or `output_size` says which of several sizes is meant."""

    transposed = True
    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Numbers, stride: Numbers = 1,
                 padding: Numbers = 0, output_padding: Numbers = 0, groups: int = 1, bias: bool = True,
                 dilation: Numbers = 1, padding_mode: str = "zeros", device: Any = None, dtype: Any = None) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups,
                         bias,
                         padding_mode, device, dtype)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        extra = self._output_padding(input, output_size)
        return type(self).function(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups,
                                   self.dilation)

    def _output_padding(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """The rows missing to the size wanted."""
        if output_size is None:
            return self.output_padding
        single = input.dim() == self.dims + 1
        if len(output_size) == self.dims + (1 if single else 2):
            output_size = output_size[-self.dims:]
        if len(output_size) != self.dims:
            raise ValueError(f"ConvTranspose{self.dims}D: for {input.dim()}D input, output_size must have "
                             f"{self.dims} or {input.dim()} elements (got {len(output_size)})")
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in
                 zip(input.shape[-self.dims:], self.stride, self.padding, self.dilation, self.kernel_size)]
        most = [n + s - 1 for n, s in zip(least, self.stride)]
        if any(not low <= n <= high for low, n, high in zip(least, output_size, most)):
            raise ValueError(f"requested an output size of {output_size}, but valid sizes range from {least} to "
                             f"{most} (for an input of {list(input.shape[2:])})")
        return tuple([n - low for n, low in zip(output_size, least)])


class ConvTranspose1d(_ConvTransposeNd):
    """The adjoint of a Conv1d, with weight (in_channels, out_channels / groups, K).

    Shape: (N, C, W) or (C, W) -> (N, O, W') or (O, W').   Source: PyTorch `nn.ConvTranspose1d`.
    """

    dims = 1
    function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTransposeNd):
    """The adjoint of a Conv2d, with weight (in_channels, out_channels / groups, KH, KW).

    Shape: (N, C, H, W) or (C, H, W) -> (N, O, H', W') or (O, H', W').   Source: PyTorch `nn.ConvTranspose2d`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> nn.ConvTranspose2d(3, 2, 2, stride=2)(stickonfire.ones(4, 3, 8, 8)).shape
    torch.Size([4, 2, 16, 16])
    """

    dims = 2
    function = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTransposeNd):
    """The adjoint of a Conv3d, with weight (in_channels, out_channels / groups, KD, KH, KW).

    Shape: (N, C, D, H, W) or (C, D, H, W) -> (N, O, D', H', W') or without N.   Source: PyTorch `nn.ConvTranspose3d`.
    """

    dims = 3
    function = staticmethod(F.conv_transpose3d)
