"""Rows of a table, summed up, averaged or maximized bag by bag.

Room: eager. PyTorch's signature over `embedding` and sums by index.
"""
from __future__ import annotations

from typing import Any

from ..creation import arange
from .embedding import embedding


def embedding_bag(input: Any, weight: Any, offsets: Any = None, max_norm: float | None = None, norm_type: float = 2,
                  scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
                  per_sample_weights: Any = None, include_last_offset: bool = False,
                  padding_idx: int | None = None) -> Any:
    """The sum, mean or maximum of each bag's rows. Bags are the input's rows, or begin at the offsets of a flat input.

    Rows `padding_idx` are left out; empty bags give zeros.
    Shape: (B, L) of integers, or (M) with offsets (B), weight (V, D) -> (B, D).
    Raises: ValueError for what doesn't fit together; NotImplementedError for sparse gradients.
    Source: PyTorch `embedding_bag`.

    >>> from stickonfire import tensor
    >>> table = tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> embedding_bag(tensor([0, 1, 1]), table, tensor([0, 2]), mode="sum")
    tensor([[4., 6.],
            [3., 4.]])
    """
    _check(input, weight, offsets, mode, per_sample_weights, scale_grad_by_freq)
    if padding_idx is not None:
        if not -weight.shape[0] <= padding_idx < weight.shape[0]:
            raise RuntimeError("padding_idx must be within the number of embeddings, but got "
                               f"padding_idx={padding_idx} and "
                               f"{weight.shape[0]} embeddings")
        padding_idx %= weight.shape[0]
    bags, bag_of = _bags(input, offsets, include_last_offset)
    picks, weights = input.reshape(-1), None if per_sample_weights is None else per_sample_weights.reshape(-1)
    if padding_idx is not None:
        keep = picks != padding_idx
        picks, bag_of, weights = picks[keep], bag_of[keep], None if weights is None else weights[keep]
    try:
        rows = embedding(picks, weight, None, max_norm, norm_type, scale_grad_by_freq, sparse)
    except IndexError as error:
        raise RuntimeError("embedding_bag: Expected idx >= 0 && idx < num_embeddings but found another one: "
                           f"{error}") from None
    wide = rows.float() if rows.dtype.name in ("bfloat16", "float16") else rows
    if mode == "max":
        return _maxima(wide, bag_of, bags).to(rows.dtype)
    if weights is not None:
        wide = wide * weights.unsqueeze(1)
    out = wide.new_zeros((bags, wide.shape[1])).index_add(0, bag_of, wide)
    if mode == "mean":
        counts = bag_of.bincount(minlength=bags) if bags else bag_of.new_zeros(0)
        out = out / counts.clamp(min=1).unsqueeze(1).to(out.dtype)
    return out.to(rows.dtype)


def _check(input: Any, weight: Any, offsets: Any, mode: str, per_sample_weights: Any, by_frequency: bool) -> None:
    if weight.dim() != 2:
        raise RuntimeError(f"embedding_bag: weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}")
    if per_sample_weights is not None and tuple(input.shape) != tuple(per_sample_weights.shape):
        raise ValueError(f"embedding_bag: If per_sample_weights ({list(per_sample_weights.shape)}) is not None, then "
                         f"it must have the same shape as the input ({list(input.shape)})")
    if input.dim() == 2 and offsets is not None:
        raise ValueError("if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed "
                         "length sequences. However, found offsets of type " + type(offsets).__name__)
    if input.dim() == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if offsets.dim() != 1:
            raise ValueError("offsets has to be a 1D Tensor")
    elif input.dim() != 2:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and by_frequency:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError("embedding_bag: per_sample_weights was not None. per_sample_weights is only "
                                  "supported for "
                                  f"mode='sum' (got mode='{mode}'). Please open a feature request on GitHub.")


def _bags(input: Any, offsets: Any, include_last: bool) -> tuple[int, Any]:
    """How many bags there are, and which one each index belongs to."""
    if input.dim() == 2:
        bags, length = input.shape
        return bags, arange(bags).reshape(-1, 1).expand(bags, length).reshape(-1)
    count = input.shape[0]
    if include_last and offsets.numel() == 0:
        raise RuntimeError("include_last_offset: number of offset should be at least 1")
    if offsets.numel() and int(offsets[0]) != 0:
        raise RuntimeError("offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
                           f"position 0. However, got {int(offsets[0])}")
    if offsets.numel() and int(offsets[-1]) > count:
        raise RuntimeError(f"offsets[-1] can not be greater than input's length({count}) but got offsets[-1] of "
                           f"{int(offsets[-1])}")
    starts = (offsets[:-1] if include_last else offsets).long()
    begun = starts.new_zeros(count + 1).index_add(0, starts, starts.new_ones(starts.shape))
    return starts.shape[0], begun[:count].cumsum(0) - 1


def _maxima(rows: Any, bag_of: Any, bags: int) -> Any:
    """The largest element of each bag and column, the first of equal ones."""
    if bag_of.numel() == 0:
        return rows.new_zeros((bags, rows.shape[1])) + rows.sum()
    counts = bag_of.bincount(minlength=bags)
    rank = arange(bag_of.shape[0]) - (counts.cumsum(0) - counts)[bag_of]
    padded = rows.new_full((bags, int(counts.max()), rows.shape[1]), -float("inf"))
    padded[bag_of, rank] = rows
    best = padded.max(1).values
    return best.masked_fill((counts == 0).unsqueeze(1), 0.0)
