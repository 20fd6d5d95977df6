"""Padding: constant, reflected, replicated, circular.

Room: eager. A pad is a list (left, right, top, bottom, ...): two numbers for each dim, the last dim first.
Negative numbers crop.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...ops.op import REGISTRY
from ..creation import arange
from ..publish import function

constant = function(REGISTRY["constant_pad_nd"])
MODES = ("constant", "reflect", "replicate", "circular")


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """The input with a border: a value, or copies of the elements inside.

    Shape: (*, W) -> (*, W + left + right), and so on for further dims.
    Raises: RuntimeError for an odd or too long list, or reflected elements that aren't there.
    Source: PyTorch `pad`.
    """
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) // 2 > input.dim():
        raise RuntimeError("Padding length should be less than or equal to two times the input dimension but got "
                           f"padding length {len(pad)} and input of dimension {input.dim()}")
    sides = [(input.dim() - 1 - i // 2, pad[i], pad[i + 1]) for i in range(0, len(pad), 2)]
    if mode == "constant":
        return constant(input, pad, 0 if value is None else value)
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if mode not in MODES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if not (len(sides) <= 3 and input.dim() in (len(sides) + 1, len(sides) + 2)):
        raise NotImplementedError("Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now: a pad "
                                  f"of {len(sides)} dims wants {len(sides) + 1} or {len(sides) + 2} dims, not "
                                  f"{input.dim()}")
    for dim, before, after in sides:
        input = _copied(input, mode, dim, before, after)
    return input


def _cropped(input: Any, dim: int, before: int, after: int) -> Any:
    """The input without what negative numbers take off."""
    if before >= 0 and after >= 0:
        return input
    start = max(-before, 0)
    return input.narrow(dim, start, input.shape[dim] - start - max(-after, 0))


def _copied(input: Any, mode: str, dim: int, before: int, after: int) -> Any:
    """Pads one dim with elements of the input, by a look-up of positions."""
    if mode == "circular":                      # goes round what is left after cropping
        input, before, after = _cropped(input, dim, before, after), max(before, 0), max(after, 0)
    size = input.shape[dim]
    _check_room(input, mode, dim, before, after)
    positions = arange(-before, size + after)
    if mode == "replicate":
        positions = positions.clamp(0, size - 1)
    elif mode == "circular":
        positions = positions.remainder(size)
    else:
        positions = (size - 1) - (positions.abs() - (size - 1)).abs()
    return input.index_select(dim, positions)


def _check_room(input: Any, mode: str, dim: int, before: int, after: int) -> None:
    size, shape = input.shape[dim], list(input.shape)
    if mode == "reflect" and (before >= size or after >= size):
        raise RuntimeError("Argument #4: Padding size should be less than the corresponding input dimension, but got: "
                           f"padding ({before}, {after}) at dimension {dim} of input {shape}")
    if mode == "circular" and (before > size or after > size):
        raise RuntimeError("Padding value causes wrapping around more than once: padding "
                           f"({before}, {after}) at dimension {dim} of input {shape}")
    if size == 0:
        raise RuntimeError(f"Expected {input.dim()}D tensor with possibly 0 batch size and other non-zero dimensions "
                           f"for input, but got: {shape}")
    if size + before + after < 1:
        raise RuntimeError(f"input (size {size} at dimension {dim}) is too small for padding ({before}, {after})")
