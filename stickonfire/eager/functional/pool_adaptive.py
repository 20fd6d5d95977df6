"""Pooling to a given size: adaptive windows, and windows at pseudo-random places.

Room: eager. PyTorch's signatures over ops/pool.py. Where the size divides the input's, adaptive windows are
regular ones.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..creation import arange
from ..random import rand
from .fused import fused
from .pool import _avg_pool, _max_pool, per_dim

_resample = fused("resample")

Numbers = int | None | Sequence[int | None]


def _targets(input: Any, output_size: Any, dims: int, name: str) -> tuple[int, ...]:
    """The size asked for; None keeps the input's. Raises: RuntimeError for sizes or inputs that don't fit."""
    if input.dim() not in (dims + 1, dims + 2):
        kind = RuntimeError if dims == 1 else ValueError
        raise kind(f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got {list(input.shape)}")
    if any(n == 0 for n in input.shape[1:]) and 0 in input.shape[-dims:]:
        raise RuntimeError(f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has "
                           f"sizes {list(input.shape)}")
    shape = input.shape[-dims:]
    if output_size is None or isinstance(output_size, int):
        output_size = (output_size,) * dims
    if len(output_size) == 1:
        output_size = tuple(output_size) * dims
    if len(output_size) != dims:
        raise RuntimeError(f"{name}(): output_size must be {dims} numbers, not {tuple(output_size)}")
    sizes = tuple([n if m is None else m for n, m in zip(shape, output_size)])
    if min(sizes) < 0:
        raise RuntimeError(f"{name}(): elements of output_size must be greater than or equal to 0 but received "
                           f"{list(sizes)}")
    return sizes


def _regular(n: int, size: int) -> tuple[Any, ...]:
    return ("window", n, size, n // size, n // size, 0, 1)


def _adaptive_mean(dims: int, input: Any, output_size: Any) -> Any:
    sizes = _targets(input, output_size, dims, f"adaptive_avg_pool{dims}d")
    if not input.is_floating_point():
        raise RuntimeError(f"\"adaptive_avg_pool{dims}d\" not implemented for '{input.dtype}'")
    pairs = list(zip(input.shape[-dims:], sizes))
    if all(m and n % m == 0 for n, m in pairs):
        return _avg_pool(input, tuple([_regular(n, m) for n, m in pairs]), True, None)
    return _resample(input, tuple([("mean", n, m) for n, m in pairs]))


def adaptive_avg_pool1d(input: Any, output_size: Numbers) -> Any:
    """Means over windows that cover the input. Shape: (N, C, W) or (C, W) -> same, output_size.

    Source: PyTorch `adaptive_avg_pool1d`.

    >>> from stickonfire import tensor
    >>> adaptive_avg_pool1d(tensor([[1.0, 2.0, 3.0]]), 2)
    tensor([[1.5000, 2.5000]])
    """
    return _adaptive_mean(1, input, output_size)


def adaptive_avg_pool2d(input: Any, output_size: Numbers) -> Any:
    """Means over windows that cover the input. Shape: (N, C, H, W) or (C, H, W) -> same, *output_size.

    Source: PyTorch `adaptive_avg_pool2d`.
    """
    return _adaptive_mean(2, input, output_size)


def adaptive_avg_pool3d(input: Any, output_size: Numbers) -> Any:
    """Means over windows that cover the input. Shape: (N, C, D, H, W) or (C, D, H, W) -> same, *output_size.

    Source: PyTorch `adaptive_avg_pool3d`.
    """
    return _adaptive_mean(3, input, output_size)


def _adaptive_maximum(dims: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    sizes = _targets(input, output_size, dims, f"adaptive_max_pool{dims}d")
    if not input.is_floating_point():
        raise RuntimeError(f"\"adaptive_max_pool{dims}d\" not implemented for '{input.dtype}'")
    pairs = list(zip(input.shape[-dims:], sizes))
    values, places = _max_pool(input, tuple([_regular(n, m) if m and n % m == 0 else ("adaptive", n, m) for n,
                                             m in pairs]))
    return (values, places) if return_indices else values


def adaptive_max_pool1d(input: Any, output_size: Numbers, return_indices: bool = False) -> Any:
    """Maxima over windows that cover the input. Shape: (N, C, W) or (C, W) -> same, output_size.

    Source: PyTorch `adaptive_max_pool1d`.
    """
    return _adaptive_maximum(1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Any, output_size: Numbers, return_indices: bool = False) -> Any:
    """Maxima over windows that cover the input. Shape: (N, C, H, W) or (C, H, W) -> same, *output_size.

    Source: PyTorch `adaptive_max_pool2d`.
    """
    return _adaptive_maximum(2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Any, output_size: Numbers, return_indices: bool = False) -> Any:
    """Maxima over windows that cover the input. Shape: (N, C, D, H, W) or (C, D, H, W) -> same, *output_size.

    Source: PyTorch `adaptive_max_pool3d`.
    """
    return _adaptive_maximum(3, input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(input: Any, output_size: Numbers, return_indices: bool = True) -> Any:
    """`adaptive_max_pool1d` with places.

    Shape: (N, C, W) -> (N, C, output_size), twice.   Source: PyTorch, same name.
    """
    return _adaptive_maximum(1, input, output_size, True)


def adaptive_max_pool2d_with_indices(input: Any, output_size: Numbers, return_indices: bool = True) -> Any:
    """`adaptive_max_pool2d` with places.

    Shape: (N, C, H, W) -> (N, C, *output_size), twice.   Source: PyTorch, same name.
    """
    return _adaptive_maximum(2, input, output_size, True)


def adaptive_max_pool3d_with_indices(input: Any, output_size: Numbers, return_indices: bool = True) -> Any:
    """`adaptive_max_pool3d` with places. Shape: (N, C, D, H, W) -> smaller, twice.   Source: PyTorch, same name."""
    return _adaptive_maximum(3, input, output_size, True)


def _fractional(dims: int, input: Any, kernel_size: Any, output_size: Any, output_ratio: Any, return_indices: bool,
                samples: Any) -> Any:
    """Maxima over windows whose steps vary, chosen for each plane by a random number a dim."""
    name = f"fractional_max_pool{dims}d"
    kernel = per_dim(kernel_size, dims, "kernel_size", name)
    shape = tuple(input.shape[-dims:])
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        ratio = (output_ratio,) * dims if isinstance(output_ratio, (int, float)) else tuple(output_ratio)
        output_size = [int(n * r) for n, r in zip(shape, ratio)]
    sizes = per_dim(output_size, dims, "output_size", name)
    if input.dim() not in (dims + 1, dims + 2) or 0 in shape:
        raise RuntimeError(f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor with non-zero dimensions, but got "
                           f"{list(input.shape)}")
    if any(m < 1 or m + k - 1 > n for n, m, k in zip(shape, sizes, kernel)):
        raise RuntimeError(f"{name}(): pool size {kernel} is too large for input {shape} and output {sizes}")
    whole = input if input.dim() == dims + 2 else input.unsqueeze(0)
    if samples is None:
        samples = rand(*whole.shape[:2], dims, dtype=input.dtype)
    places = _window_places(shape, sizes, kernel, samples[:whole.shape[0]])
    best, which = whole.flatten(2).gather(2, places.flatten(2)).reshape(places.shape).max(-1)
    where = places.gather(-1, which.unsqueeze(-1)).squeeze(-1)
    best, where = (t.reshape(*input.shape[:-dims], *sizes) for t in (best, where))
    return (best, where) if return_indices else best


def _window_places(shape: tuple[int, ...], sizes: tuple[int, ...], kernel: tuple[int, ...], samples: Any) -> Any:
    """Row-major places of each window's elements. Shape: (N, C, prod(sizes), prod(kernel))."""
    dims = len(shape)
    lead = tuple(samples.shape[:2])
    total: Any = 0
    for d in range(dims):
        # PyTorch's random numbers count from the last dim in 2D and from the first in 3D
        sample = samples[..., dims - 1 - d if dims == 2 else d].unsqueeze(-1)
        starts = _starts(shape[d], sizes[d], kernel[d], sample)
        line = starts.unsqueeze(-1) + arange(kernel[d])
        spread = [1] * dims + [1] * dims
        spread[d], spread[dims + d] = sizes[d], kernel[d]
        total = total + line.reshape(*lead, *spread) * math.prod(shape[d + 1:])
    return total.reshape(*lead, math.prod(sizes), math.prod(kernel))


def _starts(n: int, size: int, kernel: int, sample: Any) -> Any:
    """Where windows begin; the last ends with the input. Shape: (N, C, 1) -> (N, C, size)."""
    last = (sample * 0).long() + (n - kernel)
    if size == 1:
        return last
    alpha = (n - kernel) / (size - 1)
    steps = arange(size - 1).to(sample.dtype)
    starts = ((steps + sample) * alpha).long() - (sample * alpha).long()
    both = last.new_empty((*last.shape[:2], size))
    both[..., :size - 1], both[..., size - 1:] = starts, last
    return both


def fractional_max_pool2d(input: Any, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
                          return_indices: bool = False, _random_samples: Any = None) -> Any:
    """Maxima over windows at pseudo-random places. Shape: (N, C, H, W) or (C, H, W) -> same, *output_size.

    Source: Graham 2014, "Fractional Max-Pooling", arXiv:1412.6071; PyTorch `fractional_max_pool2d`.
    """
    return _fractional(2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


def fractional_max_pool3d(input: Any, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
                          return_indices: bool = False, _random_samples: Any = None) -> Any:
    """Maxima over windows at pseudo-random places. Shape: (N, C, D, H, W) or (C, D, H, W) -> same, *output_size.

    Source: Graham 2014, "Fractional Max-Pooling", arXiv:1412.6071; PyTorch `fractional_max_pool3d`.
    """
    return _fractional(3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


def fractional_max_pool2d_with_indices(input: Any, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
                                       return_indices: bool = True, _random_samples: Any = None) -> Any:
    """`fractional_max_pool2d` with places.

    Shape: (N, C, H, W) -> (N, C, *output_size), twice.   Source: PyTorch, same name.
    """
    return _fractional(2, input, kernel_size, output_size, output_ratio, True, _random_samples)


def fractional_max_pool3d_with_indices(input: Any, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
                                       return_indices: bool = True, _random_samples: Any = None) -> Any:
    """`fractional_max_pool3d` with places. Shape: (N, C, D, H, W) -> smaller, twice.   Source: PyTorch, same name."""
    return _fractional(3, input, kernel_size, output_size, output_ratio, True, _random_samples)
