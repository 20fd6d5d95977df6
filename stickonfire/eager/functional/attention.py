"""Scaled dot-product attention.

Room: eager. A composition: two matrix products around a softmax.
"""
from __future__ import annotations

import math
from typing import Any

from ...core.dtypes import bool_
from ..autocast import in_lower_precision
from .activation import softmax
from .dropout import dropout


@in_lower_precision
def scaled_dot_product_attention(query: Any, key: Any, value: Any, attn_mask: Any = None,
                                 dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None,
                                 enable_gqa: bool = False) -> Any:
    """softmax(q k^T * scale + mask) v; scale is 1 / sqrt(E) unless given.

    A mask of bools keeps where it is True, a mask of floats is added. `is_causal`: position i sees 0..i.
    `enable_gqa`: each head of key and value serves several of query.
    Shape: (*, L, E), (*, S, E), (*, S, Ev) -> (*, L, Ev).
    Raises: RuntimeError for operands that do not fit.
    Source: Vaswani et al. 2017; PyTorch `scaled_dot_product_attention`.
    """
    _check(query, key, value)
    kind = query.dtype
    if kind.is_reduced:                                     # as one kernel would: rounded once, at the end
        query, key, value = query.float(), key.float(), value.float()
        mask = attn_mask if attn_mask is None or attn_mask.dtype == bool_ else attn_mask.float()
        return scaled_dot_product_attention(query, key, value, mask, dropout_p, is_causal, scale,
                                            enable_gqa).to(kind)
    if is_causal and attn_mask is not None:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    if enable_gqa:
        key, value = _repeated(key, query, "key"), _repeated(value, query, "value")
    scale = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query * scale) @ key.transpose(-2, -1)                                    # (*, L, S)
    if is_causal:
        seen = scores.detach().new_ones(scores.shape[-2:]).tril()
        weights = softmax(scores.masked_fill(seen == 0, -math.inf), -1)
    elif attn_mask is not None:
        weights = _masked_weights(scores, attn_mask)
    else:
        weights = softmax(scores, -1)
    if dropout_p > 0.0:
        weights = dropout(weights, dropout_p)
    return weights @ value                                                              # (*, L, Ev)


def _masked_weights(scores: Any, mask: Any) -> Any:
    """Softmax of the masked scores; a row that sees nothing has weights of zero."""
    if mask.dtype == bool_:
        scores = scores.masked_fill(~mask, -math.inf)
    elif mask.dtype != scores.dtype:
        raise RuntimeError("Expected attn_mask dtype to be bool or float or to match query dtype, but got "
                           f"attn_mask.dtype: {mask.dtype} and  query.dtype: {scores.dtype} instead.")
    else:
        scores = scores + mask
    blind = (scores.detach() == -math.inf).all(-1, keepdim=True)
    return softmax(scores.masked_fill(blind, 0.0), -1).masked_fill(blind, 0.0)


def _repeated(t: Any, query: Any, name: str) -> Any:
    """Heads repeated until there are as many as query's."""
    heads, wanted = t.shape[-3], query.shape[-3]
    if wanted % heads:
        raise RuntimeError(f"Number of heads in {name} and query do not fit for grouped queries: {heads} and "
                           f"{wanted}; the latter must be a multiple of the former")
    return t.repeat_interleave(wanted // heads, -3)


def _check(query: Any, key: Any, value: Any) -> None:
    if not query.dtype == key.dtype == value.dtype:
        raise RuntimeError(f"Expected query, key, and value to have the same dtype, but got query.dtype: "
                           f"{query.dtype} key.dtype: {key.dtype} and value.dtype: {value.dtype} instead.")
    if min(query.dim(), key.dim(), value.dim()) < 2:
        raise RuntimeError("Expected query, key, and value to all be  at least 2 dimensional, but got query.dim(): "
                           f"{query.dim()} key.dim(): {key.dim()} and value.dim(): {value.dim()} instead.")
