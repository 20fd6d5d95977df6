"""Images in another size: interpolate and its older names. Sampling at given places is in grid.py.

Room: eager. PyTorch's signatures over `resample` in ops/pool.py: along each dim, an output element is a weighted sum of
a few neighbours.
"""
from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from .fused import fused
from .pool_adaptive import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d

_resample = fused("resample")

KINDS = {   # mode -> kind of table, number of dims it stands for (None: any)
    "nearest": ("nearest", None), "nearest-exact": ("nearest-exact", None), "area": ("area", None),
    "linear": ("linear", 1), "bilinear": ("linear", 2), "trilinear": ("linear", 3), "bicubic": ("cubic", 2)}


def interpolate(input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
                antialias: bool = False) -> Any:
    """The input in another size, or scaled by a factor.

    mode: nearest, nearest-exact, linear (3D input), bilinear, bicubic (4D), trilinear (5D), area.
    Shape: (N, C, *spatial) -> (N, C, *size).   Raises: ValueError, NotImplementedError for what doesn't fit together.
    Source: PyTorch `interpolate`.

    >>> from stickonfire import tensor
    >>> interpolate(tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    aligned = _check_mode(mode, align_corners)
    dims = input.dim() - 2
    sizes, factors = _target(input, dims, size, scale_factor)
    if recompute_scale_factor and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if mode == "area" and sizes is None:
        recompute_scale_factor = True
    if sizes is None:
        sizes = [math.floor(float(n * factor)) for n, factor in zip(input.shape[2:], factors)]
        if recompute_scale_factor:
            factors = [None] * dims
    if antialias and not (mode in ("bilinear", "bicubic") and input.dim() == 4):
        raise ValueError("Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D tensor as "
                         "input")
    if mode not in KINDS:
        raise NotImplementedError("Input Error: Only 3D, 4D and 5D input Tensors supported (got "
                                  f"{input.dim()}D) for the modes: {' | '.join(KINDS)} (got {mode})")
    kind, wanted = KINDS[mode]
    if not 1 <= dims <= 3 or wanted not in (None, dims):
        raise NotImplementedError(f"Got {input.dim()}D input, but {mode} mode needs {(wanted or 2) + 2}D input")
    if min(sizes) <= 0 or 0 in input.shape[1:]:
        raise RuntimeError("Input and output sizes should be greater than 0, but got input "
                           f"({list(input.shape[2:])}) and "
                           f"output ({sizes}). In interpolate()")
    if kind == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[dims - 1](input, sizes)
    _check_dtype(input, mode)
    double = input.dtype.name == "float64"
    kind += "-aa" if antialias else ""
    return _resample(input, tuple([(kind, n, m, factor, aligned, double)
                                   for n, m, factor in zip(input.shape[2:], sizes, factors)]))


def _check_mode(mode: str, align_corners: bool | None) -> bool:
    """Whether corners are aligned. Raises: ValueError where that has no meaning."""
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError("align_corners option can only be set with the interpolating modes: linear | bilinear | "
                             "bicubic | trilinear")
        return False
    return bool(align_corners)


def _check_dtype(input: Any, mode: str) -> None:
    if not input.is_floating_point():
        raise NotImplementedError(f"\"interpolate\" with mode '{mode}' not implemented for '{input.dtype}'; convert "
                                  "the input to a floating point dtype first")


def _target(input: Any, dims: int, size: Any, scale_factor: Any) -> tuple[list[int] | None, list[Any]]:
    """The size, or None, and the factor of each dim."""
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if size is not None:
        if isinstance(size, Sequence):
            if len(size) != dims:
                raise ValueError("Input and output must have the same number of spatial dimensions, but got input with "
                                 f"spatial dimensions of {list(input.shape[2:])} and output size of {size}. Please "
                                 "provide "
                                 "input tensor in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) "
                                 "format.")
            if not all(isinstance(n, int) or hasattr(n, "__index__") for n in size):
                raise TypeError("expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, "
                                f"int], but got size with types {[type(n) for n in size]}")
            return [int(n) for n in size], [None] * dims
        return [int(size)] * dims, [None] * dims
    if isinstance(scale_factor, (list, tuple)):
        if len(scale_factor) != dims:
            raise ValueError("Input and scale_factor must have the same number of spatial dimensions, but got input "
                             f"with spatial dimensions of {list(input.shape[2:])} and scale_factor of shape "
                             f"{scale_factor}. Please "
                             "provide input tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, "
                             "...,sK) format.")
        return None, list(scale_factor)
    return None, [scale_factor] * dims


def upsample(input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
             align_corners: bool | None = None) -> Any:
    """`interpolate` under its old name. Shape: (N, C, *spatial) -> (N, C, *size).   Source: PyTorch `upsample`."""
    warnings.warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """`interpolate` with mode "nearest".

    Shape: (N, C, *spatial) -> (N, C, *size).   Source: PyTorch `upsample_nearest`.
    """
    warnings.warn("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.",
                  stacklevel=2)
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """`interpolate` with aligned corners.

    Shape: (N, C, H, W) -> (N, C, *size).   Source: PyTorch `upsample_bilinear`.
    """
    warnings.warn("`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.",
                  stacklevel=2)
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
