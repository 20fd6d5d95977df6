"""Convolution on the CPU: windows as a strided view, copied into columns, and matrix products.

`xp.py` hands these on to `ops/conv.py`. Arrays are (N, C, *spatial), with one, two or three spatial dims. The three
functions are one trilinear form seen from its three sides: `convolution` gives the output, `convolution_input` what
an output's gradient means for the input, `convolution_weight` for the weight. Imports NumPy only.
"""
from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .products import product

BLOCK = 1 << 18         # elements of columns made at a time: about what a second-level cache holds
LONG = 1 << 20        # and for the transposed convolution, which gains from many samples at a time
FEW = 64                # with fewer output places a sample, the samples of a block share one product

Ints = Sequence[int]


def padded_shape(spatial: Ints, padding: Ints) -> tuple[int, ...]:
    return tuple([n + 2 * p for n, p in zip(spatial, padding)])


def output_size(spatial: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints) -> tuple[int, ...]:
    """How many windows there are along each dim."""
    return tuple([(n + 2 * p - d * (k - 1) - 1) // s + 1
                  for n, k, s, p, d in zip(spatial, kernel, stride, padding, dilation)])


def with_border(x: Any, padding: Ints) -> Any:
    """The input between zeros; itself if there is no padding."""
    if not any(padding):
        return x
    out = np.zeros((*x.shape[:2], *padded_shape(x.shape[2:], padding)), x.dtype)
    out[(slice(None), *inner(padding))] = x
    return out


def inner(padding: Ints) -> tuple[Any, ...]:
    """The index of what is not border, behind the channels."""
    return (slice(None), *[slice(p, -p or None) for p in padding])


def windows_of(x: Any, kernel: Ints, stride: Ints, dilation: Ints, size: Ints) -> Any:
    """A view of the windows. Shape: (N, C, *spatial) -> (N, C, *kernel, *size)."""
    steps = x.strides[2:]
    strides = (*x.strides[:2], *[n * d for n, d in zip(steps, dilation)], *[n * s for n, s in zip(steps, stride)])
    return as_strided(x, (*x.shape[:2], *kernel, *size), strides)


def blocks(count: int, each: int, limit: int = BLOCK) -> Iterator[slice]:
    """Samples that are worked on together."""
    step = max(1, limit // max(each, 1))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def by_parts(convolve: Any, x: Any, weight: Any, bias: Any, *rest: Any) -> Any:
    """A complex convolution as three real ones: (a - b) + i (c - a - b), c being that of the sums of the parts."""
    real = convolve(x.real, weight.real, None if bias is None else bias.real, *rest)
    imag = convolve(x.imag, weight.imag, None, *rest)
    both = convolve(x.real + x.imag, weight.real + weight.imag, None if bias is None else bias.real + bias.imag, *rest)
    out = np.empty(real.shape, np.result_type(x, weight))
    out.real, out.imag = real - imag, both - real - imag
    return out


def convolution(x: Any, weight: Any, bias: Any, stride: Ints, padding: Ints, dilation: Ints, groups: int,
                size: Ints = ()) -> Any:
    """Cross-correlation. Shape: (N, C, *spatial), (O, C / groups, *kernel) -> (N, O, *size)."""
    if x.dtype.kind == "c":
        return by_parts(convolution, x, weight, bias, stride, padding, dilation, groups, size)
    kernel = weight.shape[2:]
    size = size or output_size(x.shape[2:], kernel, stride, padding, dilation)
    windows = windows_of(with_border(x, padding), kernel, stride, dilation, size)
    places, depth = math.prod(size), math.prod(weight.shape[1:])
    out = np.empty((x.shape[0], weight.shape[0], *size), np.result_type(x, weight))
    if out.size == 0:
        return out
    grouped = out.reshape(x.shape[0], groups, -1, places)
    matrix = weight.reshape(groups, -1, depth)
    for part in blocks(x.shape[0], groups * depth * places):
        if groups == 1 and places < FEW:
            columns = np.moveaxis(windows[part], 0, len(kernel) + 1).reshape(depth, -1)
            rows = product(matrix[0], columns).reshape(weight.shape[0], -1, places)
            grouped[part, 0] = np.swapaxes(rows, 0, 1)
        else:
            columns = windows[part].reshape(-1, groups, depth, places)
            grouped[part] = product(matrix, columns)
    if bias is not None:
        out += bias.reshape(-1, *[1] * len(kernel))
    return out


def convolution_input(g: Any, weight: Any, bias: Any, shape: Ints, stride: Ints, padding: Ints, dilation: Ints,
                      groups: int) -> Any:
    """The adjoint in the input, also called transposed convolution. Shape: (N, O, *size), weight -> (N, C, *shape)."""
    if g.dtype.kind == "c":
        return by_parts(convolution_input, g, weight, bias, shape, stride, padding, dilation, groups)
    kernel, size = weight.shape[2:], g.shape[2:]
    count, channels = g.shape[0], weight.shape[1] * groups
    places, depth = math.prod(size), math.prod(weight.shape[1:])
    out = np.empty((count, channels, *shape), np.result_type(g, weight))
    if out.size == 0 or g.size == 0:
        out[...] = 0
    else:
        matrix = np.swapaxes(weight.reshape(groups, -1, depth), 1, 2)
        for part in blocks(count, groups * depth * places, LONG):
            rows = np.ascontiguousarray(np.moveaxis(g[part], 0, -1)).reshape(groups, -1, places * g[part].shape[0])
            windows = product(matrix, rows).reshape(channels, *kernel, *size, -1)
            out[part] = np.moveaxis(added_up(windows, padded_shape(shape, padding), stride,
                                             dilation)[inner(padding)], -1, 0)
    if bias is not None:
        out += bias.reshape(-1, *[1] * len(kernel))
    return out


def added_up(windows: Any, shape: Ints, stride: Ints, dilation: Ints) -> Any:
    """Windows added where they came from. Shape: (C, *kernel, *size, N) -> (C, *shape, N).

    The samples come last, so that what is added at a time is long however small the images are.
    """
    dims = len(shape)
    kernel, size = windows.shape[1:1 + dims], windows.shape[1 + dims:-1]
    out = np.zeros((windows.shape[0], *shape, windows.shape[-1]), windows.dtype)
    for at in itertools.product(*[range(k) for k in kernel]):       # at one place of the kernel no two windows meet
        target = [slice(a * d, a * d + (n - 1) * s + 1, s) for a, d, n, s in zip(at, dilation, size, stride)]
        out[(slice(None), *target)] += windows[(slice(None), *at)]
    return out


def convolution_weight(g: Any, x: Any, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int) -> Any:
    """The adjoint in the weight. Shape: (N, O, *size), (N, C, *spatial) -> (O, C / groups, *kernel)."""
    size = g.shape[2:]
    count, channels, outputs = g.shape[0], x.shape[1] // groups, g.shape[1]
    windows = windows_of(with_border(x, padding), kernel, stride, dilation, size)
    places, depth = math.prod(size), channels * math.prod(kernel)
    out = np.zeros((groups, outputs // groups, depth), np.result_type(g, x))
    if g.size and out.size:
        grouped = g.reshape(count, groups, -1, places)
        for part in blocks(count, groups * depth * places):
            if groups == 1 and places < FEW:
                columns = np.moveaxis(windows[part], 0, len(kernel) + 1).reshape(depth, -1)
                out[0] += product(np.moveaxis(grouped[part, 0], 0, 1).reshape(outputs, -1), columns.T)
            else:
                columns = windows[part].reshape(-1, groups, depth, places)
                out += product(grouped[part], np.swapaxes(columns, -1, -2)).sum(axis=0)
    return out.reshape(outputs, channels, *kernel)


def im2col(x: Any, kernel: Ints, dilation: Ints, padding: Ints, stride: Ints) -> Any:
    """Windows as columns. Shape: (N, C, H, W) -> (N, C * prod(kernel), L)."""
    size = output_size(x.shape[2:], kernel, stride, padding, dilation)
    windows = windows_of(with_border(x, padding), kernel, stride, dilation, size)
    columns = windows.reshape(x.shape[0], x.shape[1] * math.prod(kernel), math.prod(size))
    return columns.copy() if np.may_share_memory(columns, x) else columns


def col2im(columns: Any, shape: Ints, kernel: Ints, dilation: Ints, padding: Ints, stride: Ints) -> Any:
    """The adjoint of `im2col`: columns added up where they came from.

    Shape: (N, C * prod(kernel), L) -> (N, C, H, W).
    """
    size = output_size(shape, kernel, stride, padding, dilation)
    count, channels = columns.shape[0], columns.shape[1] // math.prod(kernel)
    windows = np.ascontiguousarray(np.moveaxis(columns, 0, -1)).reshape(channels, *kernel, *size, count)
    whole = added_up(windows, padded_shape(shape, padding), stride, dilation)
    return np.ascontiguousarray(np.moveaxis(whole[inner(padding)], -1, 0))
