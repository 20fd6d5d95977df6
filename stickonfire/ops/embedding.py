"""Look-up tables: rows of a matrix by index."""
from __future__ import annotations

from .op import op


@op(promote="none")
def embedding(xp, input, weight, padding_idx: int = -1, scale_grad_by_freq: bool = False):
    """weight[input]. Shape: (*) of ints, (V, D) -> (*, D).   Raises: IndexError out of range.

    Source: PyTorch `embedding`.
    """
    if input.dtype.kind not in "iu":
        raise RuntimeError("Expected tensor for argument #1 'indices' to have one of the following scalar types: "
                           "Long, Int; but "
                           f"got torch.{xp.dtype_of(input).name} instead (while checking arguments for embedding)")
    if input.size and (input.max() >= weight.shape[0] or input.min() < 0):
        raise IndexError(f"index out of range in self: embedding has {weight.shape[0]} rows, the indices go from "
                         f"{int(input.min())} to {int(input.max())}")
    return xp.take(weight, input, axis=0)


@embedding.gradient("weight")
def _(xp, g, input, weight_shape, padding_idx, scale_grad_by_freq):
    picks = xp.reshape(input, (-1,))
    rows = xp.reshape(g, (-1, weight_shape[1]))
    if padding_idx >= 0:
        rows = xp.where(xp.expand_dims(picks == padding_idx, 1), xp.zeros_like(rows), rows)
    if scale_grad_by_freq:
        rows = rows / xp.expand_dims(xp.occurrences(picks, weight_shape[0], rows), 1)
    return xp.index_sum(rows, 0, picks, tuple(weight_shape))
