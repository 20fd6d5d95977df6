"""Sampling images at given places: affine_grid makes the places, grid_sample looks them up.

Room: eager. Made of tensor ops, so that gradients with respect to images and places come by themselves. Places are
(x, y) or (x, y, z) between -1 and 1: the last dim of the image comes first.
"""
from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from typing import Any

from ..creation import linspace, ones


def affine_grid(theta: Any, size: Sequence[int], align_corners: bool | None = None) -> Any:
    """Places of an output's elements after an affine map.

    Shape: (N, 2, 3), size (N, C, H, W) -> (N, H, W, 2); (N, 3, 4), size (N, C, D, H, W) -> (N, D, H, W, 3).
    Raises: ValueError for other shapes.   Source: PyTorch `affine_grid`.
    """
    if align_corners is None:
        warnings.warn("Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. "
                      "Please specify align_corners=True if the old behavior is desired. See the documentation of "
                      "grid_sample for details.", stacklevel=2)
        align_corners = False
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    dims = len(size) - 2
    if dims not in (2, 3):
        raise NotImplementedError("affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
                                  f"respectively. Got size {tuple(size)}")
    if theta.dim() != 3 or tuple(theta.shape[1:]) != (dims, dims + 1):
        raise ValueError(f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size "
                         f"{tuple(size)}. Got {tuple(theta.shape)}.")
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {tuple(size)}")
    spatial = tuple(size[2:])
    parts = []
    for d in reversed(range(dims)):
        line = _centers(spatial[d], align_corners, theta.dtype).reshape([-1 if k == d else 1 for k in range(dims)])
        parts.append(line.expand(spatial))
    base = _stacked([*parts, ones(spatial, dtype=theta.dtype)]).reshape(1, -1, dims + 1)
    return base.expand(size[0], -1, -1).bmm(theta.transpose(1, 2)).reshape(size[0], *spatial, dims)


def _stacked(parts: list[Any]) -> Any:
    """The parts side by side in a new last dim."""
    out = parts[0].new_empty((*parts[0].shape, len(parts)))
    for k, part in enumerate(parts):
        out[..., k] = part
    return out


def _centers(n: int, align_corners: bool, dtype: Any) -> Any:
    """Places of n elements between -1 and 1: their centers are at the ends, or their borders."""
    if n == 1:
        return linspace(0, 0, 1, dtype=dtype)
    line = linspace(-1, 1, n, dtype=dtype)
    return line if align_corners else line * ((n - 1) / n)


def grid_sample(input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros",
                align_corners: bool | None = None) -> Any:
    """The input at the places of a grid, interpolated between neighbours.

    mode: bilinear (trilinear for volumes), nearest, bicubic.
    padding_mode, for places outside: zeros, border, reflection.
    Shape: (N, C, H, W), (N, H', W', 2) -> (N, C, H', W'); (N, C, D, H, W), (N, D', H', W', 3) -> (N, C, D', H', W').
    Raises: ValueError, RuntimeError for what doesn't fit.   Source: PyTorch `grid_sample`.
    """
    _check_choice(mode, padding_mode)
    if align_corners is None:
        warnings.warn("Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. "
                      "Please specify align_corners=True if the old behavior is desired. See the documentation of "
                      "grid_sample for details.", stacklevel=2)
        align_corners = False
    _check_shapes(input, grid, mode)
    dims = input.dim() - 2
    coords = [_place(grid[..., dims - 1 - d], input.shape[2 + d], align_corners) for d in range(dims)]
    if mode == "bicubic":
        out = _cubic(input, coords, padding_mode, align_corners)
    else:
        coords = [_contained(c, n, padding_mode, align_corners) for c, n in zip(coords, input.shape[2:])]
        out = _nearest(input, coords) if mode == "nearest" else _linear(input, coords)
    return out


def _check_choice(mode: str, padding_mode: str) -> None:
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError("nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but "
                         f"got: '{mode}'")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError("nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
                         f"'reflection', but got: '{padding_mode}'")


def _check_shapes(input: Any, grid: Any, mode: str) -> None:
    dims = input.dim() - 2
    if input.dtype is not grid.dtype:
        raise RuntimeError(f"grid_sampler(): expected input and grid to have same dtype, but input has {input.dtype} "
                           f"and grid has {grid.dtype}")
    if dims not in (2, 3) or grid.dim() != input.dim():
        raise RuntimeError("grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but "
                           f"got input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}")
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError("grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
                           f"{list(input.shape)} and grid with sizes {list(grid.shape)}")
    if grid.shape[-1] != dims:
        raise RuntimeError(f"grid_sampler(): expected grid to have size {dims} in last dimension, but got grid with "
                           f"sizes {list(grid.shape)}")
    if 0 in input.shape[2:]:
        raise RuntimeError("grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                           f"{list(input.shape)}")
    if mode == "bicubic" and dims == 3:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")


def _place(coord: Any, n: int, align_corners: bool) -> Any:
    """From -1 ... 1 to positions in a dim of n elements."""
    return (coord + 1) / 2 * (n - 1) if align_corners else ((coord + 1) * n - 1) / 2


def _contained(place: Any, n: int, padding_mode: str, align_corners: bool) -> Any:
    """Positions moved inside, as the padding mode says; zeros leaves them."""
    if padding_mode == "zeros":
        return place
    if padding_mode == "reflection":
        low, span = (0.0, float(n - 1)) if align_corners else (-0.5, float(n))
        place = _reflected(place, low, span)
    return place.clamp(0, n - 1)


def _reflected(place: Any, low: float, span: float) -> Any:
    """Positions mirrored at both ends until they are inside."""
    if span == 0:
        return place * 0
    distance = (place - low).abs()
    flips = (distance / span).floor().detach()
    rest = distance - flips * span
    return (rest + low).where(flips % 2 == 0, span - rest + low)


def _nearest(image: Any, coords: list[Any]) -> Any:
    return _look_up(image, [c.detach().round() for c in coords])


def _linear(image: Any, coords: list[Any]) -> Any:
    lows = [c.detach().floor() for c in coords]
    total: Any = 0
    for corner in itertools.product((0, 1), repeat=len(coords)):
        weight: Any = 1
        for coord, low, side in zip(coords, lows, corner):
            weight = weight * (coord - low if side else low + 1 - coord)
        total = total + _look_up(image, [low + side for low, side in zip(lows, corner)]) * weight.unsqueeze(1)
    return total


def _cubic(image: Any, coords: list[Any], padding_mode: str, align_corners: bool) -> Any:
    """Keys' kernel over 4 x 4 neighbours; each neighbour is moved inside by itself."""
    lows = [c.detach().floor() for c in coords]
    weights = [_cubic_weights(c - low) for c, low in zip(coords, lows)]
    total: Any = 0
    for i, j in itertools.product(range(4), repeat=2):
        near = [_contained(low + k - 1, n, padding_mode, align_corners)
                for low, k, n in zip(lows, (i, j), image.shape[2:])]
        total = total + _look_up(image, near) * (weights[0][i] * weights[1][j]).unsqueeze(1)
    return total


def _cubic_weights(t: Any, a: float = -0.75) -> list[Any]:
    """Weights of the neighbours at -1, 0, 1, 2 for a place t between 0 and 1."""
    def outer(x: Any) -> Any:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    def inner(x: Any) -> Any:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return [outer(t + 1), inner(t), inner(1 - t), outer(2 - t)]


def _look_up(image: Any, places: list[Any]) -> Any:
    """Elements at integer positions, zero outside. Shape: (N, C, *spatial), dims x (N, *size) -> (N, C, *size)."""
    flat: Any = 0
    inside: Any = None
    for d, place in enumerate(places):
        n = image.shape[2 + d]
        fits = (place >= 0) & (place <= n - 1)
        inside = fits if inside is None else inside & fits
        flat = flat + place.where(fits, place.new_zeros(())).long() * math.prod(image.shape[3 + d:])
    count, channels = image.shape[:2]
    index = flat.reshape(count, 1, -1).expand(count, channels, -1)
    found = image.reshape(count, channels, -1).gather(2, index).reshape(count, channels, *places[0].shape[1:])
    return found.where(inside.unsqueeze(1), found.new_zeros(()))
