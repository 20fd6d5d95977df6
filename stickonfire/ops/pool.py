"""Pooling and interpolation: maxima and weighted sums over windows of the last dims.

A spec (see backends/cpu/taps.py) says how one dim is treated. Linear ops come in pairs, each the other's gradient.
Users reach them through `eager/functional/pool.py` and `resample.py`. Imports `op` alone.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .op import op

Specs = tuple[tuple[Any, ...], ...]
Ints = Sequence[int]


def non_overlapping(specs):
    """Whether no element lies in two windows."""
    return all(spec[0] == "window" and spec[4] > (spec[3] - 1) * spec[6] for spec in specs)


@op(promote="same")
def max_pool(xp, input, specs: Specs):
    """The largest element of each window and its place in the plane. Shape: (*, spatial) -> (*, size), twice.

    Source: PyTorch `max_pool2d_with_indices`, `adaptive_max_pool2d`.
    """
    return xp.max_pool(input, specs)


@max_pool.gradient("input")
def _(xp, g, outs, specs):
    return xp.spread_planes(g[0], outs[1], tuple([spec[1] for spec in specs]), non_overlapping(specs))


@op()
def spread_planes(xp, values, index, shape: Ints, distinct: bool):
    """Values put into planes of zeros at their places, or added up where places repeat.

    Shape: (*, M), (*, M) -> (*, shape).
    """
    return xp.spread_planes(values, index, shape, distinct)


@spread_planes.gradient("values")
def _(xp, g, index, shape):
    return xp.gather_planes(g, index, len(shape))


@op()
def gather_planes(xp, input, index, dims: int):
    """Elements of planes (the last `dims` dims) by row-major place. Shape: (*, spatial), (*, M) -> (*, M)."""
    return xp.gather_planes(input, index, dims)


@gather_planes.gradient("input")
def _(xp, g, input_shape, index, dims):
    return xp.spread_planes(g, index, tuple(input_shape[len(input_shape) - dims:]), False)


@op(promote="same")
def avg_pool(xp, input, specs: Specs, include_pad: bool, divisor: Any):
    """Means over windows. Shape: (*, spatial) -> (*, size).   Source: PyTorch `avg_pool2d`."""
    return xp.avg_pool(input, specs, include_pad, divisor)


@avg_pool.gradient("input")
def _(xp, g, specs, include_pad, divisor):
    return xp.avg_pool_back(g, specs, include_pad, divisor)


@op(promote="same")
def avg_pool_back(xp, input, specs: Specs, include_pad: bool, divisor: Any):
    """The adjoint of `avg_pool`. Shape: (*, size) -> (*, spatial)."""
    return xp.avg_pool_back(input, specs, include_pad, divisor)


@avg_pool_back.gradient("input")
def _(xp, g, specs, include_pad, divisor):
    return xp.avg_pool(g, specs, include_pad, divisor)


@op(promote="same")
def resample(xp, input, specs: Specs):
    """Weighted sums along the last dims: interpolation, adaptive means. Shape: (*, spatial) -> (*, size).

    Source: PyTorch `interpolate`, `adaptive_avg_pool2d`.
    """
    return xp.resample(input, specs)


@resample.gradient("input")
def _(xp, g, specs):
    return xp.resample_back(g, specs)


@op(promote="same")
def resample_back(xp, input, specs: Specs):
    """The adjoint of `resample`. Shape: (*, size) -> (*, spatial)."""
    return xp.resample_back(input, specs)


@resample_back.gradient("input")
def _(xp, g, specs):
    return xp.resample(g, specs)
