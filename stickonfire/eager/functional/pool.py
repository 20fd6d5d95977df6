"""Pooling at regular places: maxima, means, power means, and the way back from maxima.

Room: eager. PyTorch's signatures over ops/pool.py; the adaptive and fractional ones are in pool_adaptive.py. Kernels,
strides and paddings are one number or one for each spatial dim; the batch dim may be left out.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .fused import fused

_max_pool = fused("max_pool")
_avg_pool = fused("avg_pool")
_spread_planes = fused("spread_planes")

Numbers = int | Sequence[int]


def per_dim(value: Any, dims: int, name: str, function: str) -> tuple[int, ...]:
    """One number for each dim. Raises: RuntimeError for a list of another length, TypeError for no integers."""
    if isinstance(value, int):
        return (value,) * dims
    try:
        given = tuple([n.__index__() for n in value])
    except (TypeError, AttributeError):
        raise TypeError(f"{function}(): argument '{name}' must be an int or {dims} ints, not {value!r}") from None
    if len(given) not in (1, dims):
        raise RuntimeError(f"{function}: {name} must either be a single int, or a tuple of {dims} ints, not {given}")
    return given * dims if len(given) == 1 else given


def check_input(input: Any, dims: int, function: str) -> None:
    """Raises RuntimeError unless there are channels, perhaps a batch, and no empty dims but the batch."""
    if input.dim() not in (dims + 1, dims + 2):
        raise RuntimeError(f"{function}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor expected for input, "
                           f"but got input of size {list(input.shape)}")
    if 0 in input.shape[input.dim() - dims - 1:]:
        raise RuntimeError(f"{function}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim "
                           f"batch size for input, but got: {list(input.shape)}")


def window_specs(input: Any, dims: int, function: str, kernel: Any, stride: Any, padding: Any, dilation: Any,
                 ceil_mode: bool) -> tuple[Any, ...]:
    """How each dim is cut into windows. Raises: RuntimeError for numbers that don't fit."""
    kernel = per_dim(kernel, dims, "kernel_size", function)
    stride = kernel if stride is None or (not isinstance(stride, int) and len(stride) == 0) else \
        per_dim(stride, dims, "stride", function)
    padding, dilation = per_dim(padding, dims, "padding", function), per_dim(dilation, dims, "dilation", function)
    check_input(input, dims, function)
    for name, values in (("kernel size", kernel), ("stride", stride), ("dilation", dilation)):
        if min(values) <= 0:
            raise RuntimeError(f"{function}: {name} should be greater than zero, but got {list(values)}")
    if min(padding) < 0:
        raise RuntimeError(f"pad must be non-negative, but got pad: {min(padding)}. In {function}()")
    if any(p > ((k - 1) * d + 1) // 2 for k, p, d in zip(kernel, padding, dilation)):
        raise RuntimeError(f"pad should be at most half of effective kernel size, but got pad={max(padding)}, "
                           f"kernel_size={max(kernel)} and dilation={max(dilation)}. In {function}()")
    shape = input.shape[input.dim() - dims:]
    sizes = [window_count(*numbers, ceil_mode) for numbers in zip(shape, kernel, stride, padding, dilation)]
    if min(sizes) < 1:
        raise RuntimeError(f"Given input size: ({'x'.join(map(str, input.shape[-dims - 1:]))}). Calculated output "
                           "size: "
                           f"({'x'.join(map(str, (input.shape[-dims - 1], *sizes)))}). Output size is too small. In "
                           f"{function}()")
    return tuple([("window", *numbers) for numbers in zip(shape, sizes, kernel, stride, padding, dilation)])


def window_count(n: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """How many windows; in ceil mode the last may reach beyond the end, but must begin before it."""
    room = n + 2 * padding - dilation * (kernel - 1) - 1
    count = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    return count - 1 if ceil_mode and (count - 1) * stride >= n + padding else count


def _pool_maxima(dims: int, input: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
                 return_indices: bool) -> Any:
    if input.is_complex() or input.dtype.name == "bool":
        raise RuntimeError(f"\"max_pool{dims}d\" not implemented for '{input.dtype}'")
    values, places = _max_pool(input, window_specs(input, dims, f"max_pool{dims}d", kernel, stride, padding,
                                                   dilation, ceil_mode))
    return (values, places) if return_indices else values


def max_pool1d(input: Any, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
               dilation: Numbers = 1, ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The largest element of each window along one dim.

    Shape: (N, C, W) or (C, W) -> same, W'.   Raises: RuntimeError for windows that don't fit.
    Source: PyTorch `max_pool1d`.

    >>> from stickonfire import tensor
    >>> max_pool1d(tensor([[1.0, 5.0, 2.0, 3.0]]), 2)
    tensor([[5., 3.]])
    """
    return _pool_maxima(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(input: Any, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
               dilation: Numbers = 1, ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The largest element of each window along two dims, and on request its row-major place in the plane.

    Shape: (N, C, H, W) or (C, H, W) -> same, H', W'.   Raises: RuntimeError for windows that don't fit.
    Source: PyTorch `max_pool2d`.

    >>> from stickonfire import arange
    >>> max_pool2d(arange(16.0).reshape(1, 4, 4), 2)
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """
    return _pool_maxima(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(input: Any, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
               dilation: Numbers = 1, ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The largest element of each window along three dims.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same, D', H', W'.   Source: PyTorch `max_pool3d`.
    """
    return _pool_maxima(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d_with_indices(input: Any, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
                            dilation: Numbers = 1, ceil_mode: bool = False, return_indices: bool = True) -> Any:
    """`max_pool1d` with places. Shape: (N, C, W) -> (N, C, W'), twice.   Source: PyTorch `max_pool1d_with_indices`."""
    return _pool_maxima(1, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(input: Any, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
                            dilation: Numbers = 1, ceil_mode: bool = False, return_indices: bool = True) -> Any:
    """`max_pool2d` with places.

    Shape: (N, C, H, W) -> (N, C, H', W'), twice.   Source: PyTorch `max_pool2d_with_indices`.
    """
    return _pool_maxima(2, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(input: Any, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
                            dilation: Numbers = 1, ceil_mode: bool = False, return_indices: bool = True) -> Any:
    """`max_pool3d` with places.

    Shape: (N, C, D, H, W) -> smaller, twice.   Source: PyTorch `max_pool3d_with_indices`.
    """
    return _pool_maxima(3, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def _pool_means(dims: int, input: Any, kernel: Any, stride: Any, padding: Any, ceil_mode: bool, include_pad: bool,
                divisor: int | None) -> Any:
    name = f"avg_pool{dims}d"
    if divisor == 0:
        raise RuntimeError(f"divisor must be not zero. In {name}()")
    if input.is_complex() or input.dtype.name == "bool":
        raise RuntimeError(f"\"{name}\" not implemented for '{input.dtype}'")
    specs = window_specs(input, dims, name, kernel, stride, padding, 1, ceil_mode)
    return _avg_pool(input, specs, include_pad, divisor)


def avg_pool1d(input: Any, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
               ceil_mode: bool = False, count_include_pad: bool = True) -> Any:
    """The mean of each window along one dim.

    Shape: (N, C, W) or (C, W) -> same, W'.   Source: PyTorch `avg_pool1d`.

    >>> from stickonfire import tensor
    >>> avg_pool1d(tensor([[1.0, 5.0, 2.0, 3.0]]), 2)
    tensor([[3.0000, 2.5000]])
    """
    return _pool_means(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(input: Any, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
               ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None) -> Any:
    """The mean of each window along two dims. Padding counts as zeros, or not at all.

    Shape: (N, C, H, W) or (C, H, W) -> same, H', W'.   Source: PyTorch `avg_pool2d`.
    """
    return _pool_means(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(input: Any, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
               ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None) -> Any:
    """The mean of each window along three dims.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same, D', H', W'.   Source: PyTorch `avg_pool3d`.
    """
    return _pool_means(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _power_mean(dims: int, input: Any, norm_type: float, kernel: Any, stride: Any, ceil_mode: bool) -> Any:
    lengths = per_dim(kernel, dims, "kernel_size", f"lp_pool{dims}d")
    means = (avg_pool1d, avg_pool2d, avg_pool3d)[dims - 1](input.pow(norm_type), kernel, stride, 0, ceil_mode)
    return (means.sign() * means.abs().relu() * math.prod(lengths)).pow(1.0 / norm_type)


def lp_pool1d(input: Any, norm_type: float, kernel_size: Numbers, stride: Numbers | None = None,
              ceil_mode: bool = False) -> Any:
    """(sum of x^p)^(1/p) over each window. Shape: (N, C, W) or (C, W) -> same, W'.   Source: PyTorch `lp_pool1d`."""
    return _power_mean(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Any, norm_type: float, kernel_size: Numbers, stride: Numbers | None = None,
              ceil_mode: bool = False) -> Any:
    """(sum of x^p)^(1/p) over each window.

    Shape: (N, C, H, W) or (C, H, W) -> same, H', W'.   Source: PyTorch `lp_pool2d`.
    """
    return _power_mean(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Any, norm_type: float, kernel_size: Numbers, stride: Numbers | None = None,
              ceil_mode: bool = False) -> Any:
    """(sum of x^p)^(1/p) over each window.

    Shape: (N, C, D, H, W) -> (N, C, D', H', W').   Source: PyTorch `lp_pool3d`.
    """
    return _power_mean(3, input, norm_type, kernel_size, stride, ceil_mode)


def _unpool(dims: int, input: Any, indices: Any, kernel: Any, stride: Any, padding: Any,
            output_size: Sequence[int] | None) -> Any:
    name = f"max_unpool{dims}d"
    kernel = per_dim(kernel, dims, "kernel_size", name)
    stride = kernel if stride is None else per_dim(stride, dims, "stride", name)
    padding = per_dim(padding, dims, "padding", name)
    if indices.dtype.name != "int64":
        raise RuntimeError(f"elements in indices should be type int64 but got: {indices.dtype}")
    if tuple(indices.shape) != tuple(input.shape):
        raise RuntimeError(f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) "
                           f"but got indices tensor with shape: {list(indices.shape)}")
    check_input(input, dims, name)
    if min(stride) <= 0:
        raise RuntimeError(f"strides should be greater than zero, but got stride: {stride}")
    size = _unpooled_size(tuple(input.shape[-dims:]), kernel, stride, padding, output_size)
    count = math.prod(size)
    places = indices._array                         # under vmap the whole batch's
    if indices.numel() and not 0 <= places.min() <= places.max() < count:
        raise RuntimeError(f"Found an invalid max index: {int(places.max())} (output volumes are of size "
                           f"{'x'.join(map(str, size))})")
    return _spread_planes(input, indices, size, True)


def _unpooled_size(shape: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...],
                   wanted: Sequence[int] | None) -> tuple[int, ...]:
    """The size before pooling, of which several are possible. Raises: ValueError if the one wanted is not."""
    default = tuple([(n - 1) * s + k - 2 * p for n, k, s, p in zip(shape, kernel, stride, padding)])
    if wanted is None:
        return default
    if len(wanted) == len(shape) + 2:
        wanted = wanted[2:]
    if len(wanted) != len(shape):
        raise ValueError(f"output_size should be a sequence containing {len(shape)} or {len(shape) + 2} elements, "
                         f"but it has a length of '{len(wanted)}'")
    for d, n in enumerate(wanted):
        if not default[d] - stride[d] < n < default[d] + stride[d]:
            raise ValueError(f'invalid output_size "{wanted}" (dim {d} must be between {default[d] - stride[d]} and '
                             f"{default[d] + stride[d]})")
    return tuple(wanted)


def max_unpool1d(input: Any, indices: Any, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
                 output_size: Sequence[int] | None = None) -> Any:
    """Zeros with the maxima of `max_pool1d` at their places.

    Shape: (N, C, W') -> (N, C, W).   Source: PyTorch `max_unpool1d`.
    """
    return _unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(input: Any, indices: Any, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
                 output_size: Sequence[int] | None = None) -> Any:
    """Zeros with the maxima of `max_pool2d` at their places.

    Shape: (N, C, H', W') -> larger.   Source: PyTorch `max_unpool2d`.
    """
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(input: Any, indices: Any, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0,
                 output_size: Sequence[int] | None = None) -> Any:
    """Zeros with the maxima of `max_pool3d` at their places.

    Shape: (N, C, D', H', W') -> larger.   Source: PyTorch `max_unpool3d`.
    """
    return _unpool(3, input, indices, kernel_size, stride, padding, output_size)
