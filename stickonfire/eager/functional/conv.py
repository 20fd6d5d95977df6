"""Convolutions, transposed convolutions, and windows as columns: PyTorch's signatures over ops/conv.py.

Room: eager. Strides, paddings and dilations are one number or one for each spatial dim. An input without its batch
dim gives an output without one.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .fused import fused
from .pad import pad

_convolution = fused("convolution")
_convolution_input = fused("convolution_input")
_im2col = fused("im2col")
_col2im = fused("col2im")

Numbers = int | Sequence[int]


def numbers(value: Any, dims: int, name: str) -> tuple[int, ...]:
    """One number for each dim. Raises: RuntimeError for a list of another length, TypeError for no integers."""
    if isinstance(value, int):
        return (value,) * dims
    try:
        given = tuple([n.__index__() for n in value])
    except (TypeError, AttributeError):
        raise TypeError(f"{name} must be an int or {dims} ints, not {value!r}") from None
    if len(given) == 1:
        return given * dims
    if len(given) != dims:
        raise RuntimeError(f"expected {name} to be a single integer value or a list of {dims} values to match the "
                           f"convolution dimensions, but got {name}={list(given)}")
    return given


def batched(input: Any, dims: int, name: str) -> tuple[Any, bool]:
    """The input with a batch dim, and whether it had none."""
    if input.dim() == dims + 1:
        return input.unsqueeze(0), True
    if input.dim() != dims + 2:
        raise RuntimeError(f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got "
                           f"input of size: {list(input.shape)}")
    return input, False


def check_weight(input: Any, weight: Any, bias: Any, groups: int, transposed: bool) -> None:
    """Raises RuntimeError unless channels, groups and bias fit the weight."""
    shape, channels = list(weight.shape), input.shape[1]
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if weight.dim() != input.dim():
        raise RuntimeError(f"expected {input.dim()}-dimensional weight, because the input has sizes "
                           f"{list(input.shape)}, but "
                           f"got weight of size {shape}")
    if shape[0] < groups or shape[0] % groups:
        raise RuntimeError(f"Given groups={groups}, expected weight to be at least {groups} at dimension 0 and "
                           f"divisible by it, but got weight of size {shape} instead")
    wanted = shape[0] if transposed else shape[1] * groups
    if channels != wanted:
        raise RuntimeError(f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size {shape}, "
                           "expected "
                           f"input{list(input.shape)} to have {wanted} channels, but got {channels} channels instead")
    outputs = shape[1] * groups if transposed else shape[0]
    if bias is not None and (bias.dim() != 1 or bias.shape[0] != outputs):
        raise RuntimeError(f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size {shape}, "
                           f"expected bias to be 1-dimensional with {outputs} elements, but got bias of size "
                           f"{list(bias.shape)} instead")


def check_steps(stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]) -> None:
    """Raises RuntimeError for numbers without a meaning."""
    if min(padding) < 0:
        raise RuntimeError(f"negative padding is not supported: {list(padding)}")
    if min(stride) <= 0:
        raise RuntimeError(f"non-positive stride is not supported: {list(stride)}")
    if min(dilation) <= 0:
        raise RuntimeError(f"dilation should be greater than zero: {list(dilation)}")


def check_kernel(spatial: Sequence[int], kernel: Sequence[int], padding: Sequence[int],
                 dilation: Sequence[int]) -> None:
    """Raises RuntimeError unless a window fits into the padded input."""
    padded = [n + 2 * p for n, p in zip(spatial, padding)]
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    if any(n < r for n, r in zip(padded, reach)):
        raise RuntimeError(f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). Kernel size: "
                           f"({' x '.join(map(str, reach))}). Kernel size can't be greater than actual input size")


def same_padding(input: Any, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> tuple[Any,
                                                                                                             tuple]:
    """Padding that keeps the size. An odd total puts the extra zero behind, which is done here."""
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    total = [d * (k - 1) for k, d in zip(kernel, dilation)]
    if any(t % 2 for t in total):
        input = pad(input, [side for t in reversed(total) for side in (0, t % 2)])
    return input, tuple([t // 2 for t in total])


def _conv(dims: int, name: str, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any,
          groups: int) -> Any:
    input, single = batched(input, dims, name)
    stride, dilation = numbers(stride, dims, "stride"), numbers(dilation, dims, "dilation")
    check_weight(input, weight, bias, groups, False)
    kernel = weight.shape[2:]
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise RuntimeError(f"Invalid padding string: '{padding}'. Use 'same', 'valid' or numbers")
        zeros = (0,) * dims
        check_steps(stride, zeros, dilation)
        input, padding = same_padding(input, kernel, stride, dilation) if padding == "same" else (input, zeros)
    else:
        padding = numbers(padding, dims, "padding")
        check_steps(stride, padding, dilation)
    check_kernel(input.shape[2:], kernel, padding, dilation)
    out = _convolution(input, weight, bias, stride, padding, dilation, groups)
    return out.squeeze(0) if single else out


def conv1d(input: Any, weight: Any, bias: Any = None, stride: Numbers = 1, padding: Numbers | str = 0,
           dilation: Numbers = 1, groups: int = 1) -> Any:
    """Cross-correlation along one dim.

    Shape: (N, C, W) or (C, W), (O, C / groups, K), (O) -> (N, O, W') or (O, W').
    Raises: RuntimeError for channels, kernels or strides that don't fit.   Source: PyTorch `conv1d`.

    >>> from stickonfire import tensor
    >>> conv1d(tensor([[1.0, 2.0, 4.0]]), tensor([[[-1.0, 1.0]]]))
    tensor([[1., 2.]])
    """
    return _conv(1, "conv1d", input, weight, bias, stride, padding, dilation, groups)


def conv2d(input: Any, weight: Any, bias: Any = None, stride: Numbers = 1, padding: Numbers | str = 0,
           dilation: Numbers = 1, groups: int = 1) -> Any:
    """Cross-correlation along two dims.

    Shape: (N, C, H, W) or (C, H, W), (O, C / groups, KH, KW), (O) -> (N, O, H', W') or (O, H', W').
    Raises: RuntimeError for channels, kernels or strides that don't fit.   Source: PyTorch `conv2d`.

    >>> import stickonfire
    >>> conv2d(stickonfire.ones(1, 1, 3, 3), stickonfire.ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 2, 2])
    """
    return _conv(2, "conv2d", input, weight, bias, stride, padding, dilation, groups)


def conv3d(input: Any, weight: Any, bias: Any = None, stride: Numbers = 1, padding: Numbers | str = 0,
           dilation: Numbers = 1, groups: int = 1) -> Any:
    """Cross-correlation along three dims.

    Shape: (N, C, D, H, W) or (C, D, H, W), (O, C / groups, KD, KH, KW), (O) -> (N, O, D', H', W') or without N.
    Raises: RuntimeError for channels, kernels or strides that don't fit.   Source: PyTorch `conv3d`.
    """
    return _conv(3, "conv3d", input, weight, bias, stride, padding, dilation, groups)


def _conv_transpose(dims: int, name: str, input: Any, weight: Any, bias: Any, stride: Any, padding: Any,
                    output_padding: Any, groups: int, dilation: Any) -> Any:
    input, single = batched(input, dims, name)
    stride, dilation = numbers(stride, dims, "stride"), numbers(dilation, dims, "dilation")
    padding, extra = numbers(padding, dims, "padding"), numbers(output_padding, dims, "output_padding")
    check_weight(input, weight, bias, groups, True)
    check_steps(stride, padding, dilation)
    if min(extra) < 0:
        raise RuntimeError("negative output_padding is not supported")
    if any(e >= s and e >= d for e, s, d in zip(extra, stride, dilation)):
        raise RuntimeError("output padding must be smaller than either stride or dilation, but got output_padding: "
                           f"{list(extra)}, stride: {list(stride)}, dilation: {list(dilation)}")
    shape = tuple([(n - 1) * s - 2 * p + d * (k - 1) + e + 1 for n, k, s, p, d, e in
                   zip(input.shape[2:], weight.shape[2:], stride, padding, dilation, extra)])
    if min(shape) <= 0:
        raise RuntimeError(f"Given input size per channel: {list(input.shape[2:])}. Calculated output size per "
                           f"channel: {list(shape)}. Output size is too small")
    out = _convolution_input(input, weight, bias, shape, stride, padding, dilation, groups)
    return out.squeeze(0) if single else out


def conv_transpose1d(input: Any, weight: Any, bias: Any = None, stride: Numbers = 1, padding: Numbers = 0,
                     output_padding: Numbers = 0, groups: int = 1, dilation: Numbers = 1) -> Any:
    """The adjoint of a convolution along one dim.

    Shape: (N, C, W) or (C, W), (C, O / groups, K), (O) -> (N, O, W') or (O, W').
    Raises: RuntimeError for sizes that don't fit.   Source: PyTorch `conv_transpose1d`.

    >>> from stickonfire import tensor
    >>> conv_transpose1d(tensor([[1.0, 2.0]]), tensor([[[1.0, 10.0]]]))
    tensor([[ 1., 12., 20.]])
    """
    return _conv_transpose(1, "conv_transpose1d", input, weight, bias, stride, padding, output_padding, groups,
                           dilation)


def conv_transpose2d(input: Any, weight: Any, bias: Any = None, stride: Numbers = 1, padding: Numbers = 0,
                     output_padding: Numbers = 0, groups: int = 1, dilation: Numbers = 1) -> Any:
    """The adjoint of a convolution along two dims.

    Shape: (N, C, H, W) or (C, H, W), (C, O / groups, KH, KW), (O) -> (N, O, H', W') or (O, H', W').
    Raises: RuntimeError for sizes that don't fit.   Source: PyTorch `conv_transpose2d`.
    """
    return _conv_transpose(2, "conv_transpose2d", input, weight, bias, stride, padding, output_padding, groups,
                           dilation)


def conv_transpose3d(input: Any, weight: Any, bias: Any = None, stride: Numbers = 1, padding: Numbers = 0,
                     output_padding: Numbers = 0, groups: int = 1, dilation: Numbers = 1) -> Any:
    """The adjoint of a convolution along three dims.

    Shape: (N, C, D, H, W) or (C, D, H, W), (C, O / groups, KD, KH, KW), (O) -> (N, O, D', H', W') or without N.
    Raises: RuntimeError for sizes that don't fit.   Source: PyTorch `conv_transpose3d`.
    """
    return _conv_transpose(3, "conv_transpose3d", input, weight, bias, stride, padding, output_padding, groups,
                           dilation)


def conv_tbc(input: Any, weight: Any, bias: Any, pad: int = 0) -> Any:
    """A convolution along time, of inputs (T, N, C).

    Shape: (T, N, C), (K, C, O), (O) -> (T', N, O).   Source: PyTorch `conv_tbc`.
    """
    out = conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return out.permute(2, 0, 1)


def _window_numbers(kernel: Any, dilation: Any, padding: Any, stride: Any) -> list[tuple[int, ...]]:
    lists = [numbers(value, 2, name) for value, name in
             ((kernel, "kernel_size"), (dilation, "dilation"), (padding, "padding"), (stride, "stride"))]
    for values, name in zip(lists, ("kernel size", "dilation", "", "stride")):
        if name and min(values) <= 0:
            raise RuntimeError(f"{name} should be greater than zero, but got {name.replace(' ', '_')}: {list(values)}")
    if min(lists[2]) < 0:
        raise RuntimeError(f"padding should be non-negative, but got padding: {list(lists[2])}")
    return lists


def _count(spatial: Sequence[int], kernel: Sequence[int], dilation: Sequence[int], padding: Sequence[int],
           stride: Sequence[int]) -> list[int]:
    """How many windows fit along each dim."""
    sizes = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in zip(spatial, kernel, dilation, padding,
                                                                             stride)]
    if min(sizes) < 1:
        raise RuntimeError(f"Given input with spatial size {tuple(spatial)}, kernel_size={tuple(kernel)}, "
                           f"dilation={tuple(dilation)}, padding={tuple(padding)}, calculated shape of the array of "
                           f"sliding blocks as {tuple(sizes)}, but its components must be at least one.")
    return sizes


def unfold(input: Any, kernel_size: Numbers, dilation: Numbers = 1, padding: Numbers = 0, stride: Numbers = 1) -> Any:
    """Each window of an image as a column.

    Shape: (N, C, H, W) or (C, H, W) -> (N, C * KH * KW, L) or without N.   Source: PyTorch `unfold`.

    >>> import stickonfire
    >>> unfold(stickonfire.ones(1, 3, 4, 4), 2).shape
    torch.Size([1, 12, 9])
    """
    lists = _window_numbers(kernel_size, dilation, padding, stride)
    if input.dim() not in (3, 4) or 0 in input.shape[input.dim() - 3:]:
        raise RuntimeError("Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
                           f"dimensions for input, but got: {list(input.shape)}")
    _count(input.shape[-2:], *lists)
    out = _im2col(input if input.dim() == 4 else input.unsqueeze(0), *lists)
    return out if input.dim() == 4 else out.squeeze(0)


def fold(input: Any, output_size: Numbers, kernel_size: Numbers, dilation: Numbers = 1, padding: Numbers = 0,
         stride: Numbers = 1) -> Any:
    """Columns added up into the image whose windows they are.

    Shape: (N, C * KH * KW, L) or (C * KH * KW, L) -> (N, C, H, W) or without N.   Source: PyTorch `fold`.
    """
    shape, lists = numbers(output_size, 2, "output_size"), _window_numbers(kernel_size, dilation, padding, stride)
    if input.dim() not in (2, 3) or 0 in input.shape[input.dim() - 2:]:
        raise RuntimeError("Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero "
                           f"dimensions for input, but got: {list(input.shape)}")
    if input.shape[-2] % math.prod(lists[0]):
        raise RuntimeError("Expected size of input's dimension 1 to be divisible by the product of kernel_size, but "
                           f"got input.size(1)={input.shape[-2]} and kernel_size={lists[0]}.")
    sizes = _count(shape, *lists)
    if input.shape[-1] != math.prod(sizes):
        raise RuntimeError(f"Given output_size={shape}, kernel_size={lists[0]}, dilation={lists[1]}, "
                           f"padding={lists[2]}, "
                           f"stride={lists[3]}, expected size of input's dimension 2 to match the calculated number "
                           f"of sliding blocks {sizes[0]} * {sizes[1]} = {math.prod(sizes)}, but got "
                           f"input.size(2)={input.shape[-1]}.")
    out = _col2im(input if input.dim() == 3 else input.unsqueeze(0), shape, *lists)
    return out if input.dim() == 3 else out.squeeze(0)
