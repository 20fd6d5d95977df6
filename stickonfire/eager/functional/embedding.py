"""Look-up in a table of rows.

Room: eager. PyTorch's signature over the op in ops/embedding.py.
"""
from __future__ import annotations

from typing import Any

from ..modes import no_grad
from .fused import fused

_embedding = fused("embedding")


def embedding(input: Any, weight: Any, padding_idx: int | None = None, max_norm: float | None = None,
              norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False) -> Any:
    """Row i of the weight for each index i.

    `max_norm`: rows longer than that are shortened, in place, when they are used.
    Shape: (*) of integers, (V, D) -> (*, D).   Raises: NotImplementedError for sparse gradients.
    Source: PyTorch `embedding`.
    """
    if sparse:
        raise NotImplementedError("embedding: sparse gradients are not supported; use sparse=False, which gives "
                                  "the same values")
    if weight.dim() != 2:
        raise RuntimeError("'weight' must be 2-D")
    rows = weight.shape[0]
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= rows
    if max_norm is not None:
        _shorten_rows(weight, input, max_norm, norm_type)
    row = -1 if padding_idx is None else padding_idx
    return _embedding(input, weight, padding_idx=row, scale_grad_by_freq=scale_grad_by_freq)


def _shorten_rows(weight: Any, indices: Any, max_norm: float, norm_type: float) -> None:
    """Scales the rows that are looked up to a norm of at most max_norm."""
    with no_grad():
        used = indices.reshape(-1).unique()
        rows = weight[used]
        norm = rows.norm(norm_type, 1, keepdim=True)
        scale = (max_norm / (norm + 1e-7)).masked_fill(norm <= max_norm, 1.0)
        weight[used] = rows * scale
