"""Sequences of different lengths in one tensor.

Room: nn. May import: eager. Packed sequences come with the recurrent layers.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...eager import Tensor, arange


def pad_sequence(sequences: Tensor | Iterable[Tensor], batch_first: bool = False, padding_value: float = 0.0,
                 padding_side: str = "right") -> Tensor:
    """Stacks sequences, the shorter ones filled up with `padding_value`.

    Shape: N times (L_i, *) -> (L, N, *), or (N, L, *) if batch_first, L being the longest.
    Raises: RuntimeError for no sequence, or a side other than left and right.
    Source: PyTorch `pad_sequence`.

    >>> import stickonfire
    >>> pad_sequence([stickonfire.ones(3), stickonfire.ones(1)], batch_first=True)
    tensor([[1., 1., 1.],
            [1., 0., 0.]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError("pad_sequence: Expected iterable for input sequences, but got arg of type: "
                           f"{type(sequences)}")
    parts = tuple(sequences)
    if not parts:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    longest = max(part.shape[0] for part in parts)
    padded = parts[0].new_full((len(parts), longest, *parts[0].shape[1:]), padding_value)
    for position, part in enumerate(parts):
        start = 0 if padding_side == "right" else longest - part.shape[0]
        padded[position, start:start + part.shape[0]] = part
    return padded if batch_first else padded.transpose(0, 1).contiguous()


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """The inverse of `pad_sequence`, given the lengths. Source: PyTorch `unpad_sequence`."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    positions = arange(rows.shape[1])
    return [row[positions < length] for row, length in zip(rows, lengths)]
