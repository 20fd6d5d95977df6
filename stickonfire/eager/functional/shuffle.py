"""Moving elements between channels and positions.

Room: eager. Reshapes and permutations only.
"""
from __future__ import annotations

from typing import Any


def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """Channels become pixels: r x r of them an image r times as high and wide.

    Shape: (*, C r^2, H, W) -> (*, C, H r, W r).   Source: Shi et al. 2016; PyTorch `pixel_shuffle`.
    """
    if input.dim() < 3:
        raise RuntimeError("pixel_shuffle expects input to have at least 3 dimensions, but got input with "
                           f"{input.dim()} dimension(s)")
    r = upscale_factor
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *batch, channels, height, width = input.shape
    if channels % (r * r):
        raise RuntimeError("pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
                           f"of upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}")
    split = input.reshape((*batch, channels // (r * r), r, r, height, width))
    n = len(batch)
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return _copied(split.permute(order)).reshape((*batch, channels // (r * r), height * r, width * r))


def _copied(t: Any) -> Any:
    """A contiguous copy, even of what is contiguous: the result never shares the input's memory."""
    return t.clone() if t.is_contiguous() else t.contiguous()


def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """The inverse of `pixel_shuffle`.

    Shape: (*, C, H r, W r) -> (*, C r^2, H, W).   Source: PyTorch `pixel_unshuffle`.
    """
    if input.dim() < 3:
        raise RuntimeError("pixel_unshuffle expects input to have at least 3 dimensions, but got input with "
                           f"{input.dim()} dimension(s)")
    r = downscale_factor
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *batch, channels, height, width = input.shape
    for name, size in (("height", height), ("width", width)):
        if size % r:
            raise RuntimeError(f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but "
                               f"input.size({-2 if name == 'height' else -1})={size} is not divisible by {r}")
    split = input.reshape((*batch, channels, height // r, r, width // r, r))
    n = len(batch)
    order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return _copied(split.permute(order)).reshape((*batch, channels * r * r, height // r, width // r))


def channel_shuffle(input: Any, groups: int) -> Any:
    """Interleaves the groups of channels.

    Shape: (N, C, *) -> same.   Source: Zhang et al. 2018; PyTorch `channel_shuffle`.
    """
    if input.dim() < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    batch, channels, *positions = input.shape
    if channels % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {channels} channels and "
                           f"{groups} groups.")
    split = input.reshape((batch, groups, channels // groups, *positions))
    return split.transpose(1, 2).reshape(input.shape)


native_channel_shuffle = channel_shuffle         # PyTorch's name of the kernel behind it
