"""Attention with several heads, projections and masks in one function.

Room: eager. Called by nn/attention.py; loaded with `nn`. Without weights to return, the middle is
`scaled_dot_product_attention`; with them it is written out, since weights are returned as they were used.
"""
from __future__ import annotations

import math
import warnings
from typing import Any

from ...core.dtypes import bool_
from .activation import softmax
from .attention import scaled_dot_product_attention
from .dropout import dropout
from .fused import fused, linear
from .pad import pad

cat, baddbmm, bmm = fused("cat"), fused("baddbmm"), fused("bmm")


def multi_head_attention_forward(
        query: Any, key: Any, value: Any, embed_dim_to_check: int, num_heads: int, in_proj_weight: Any,
        in_proj_bias: Any, bias_k: Any, bias_v: Any, add_zero_attn: bool, dropout_p: float, out_proj_weight: Any,
        out_proj_bias: Any, training: bool = True, key_padding_mask: Any = None, need_weights: bool = True,
        attn_mask: Any = None, use_separate_proj_weight: bool = False, q_proj_weight: Any = None,
        k_proj_weight: Any = None, v_proj_weight: Any = None, static_k: Any = None, static_v: Any = None,
        average_attn_weights: bool = True, is_causal: bool = False) -> tuple[Any, Any]:
    """Projects query, key and value, attends head by head, projects the result; also gives the weights, if needed.

    Masks of bools leave out where they are True, masks of floats are added. `is_causal` is a hint that `attn_mask` is
    the causal mask.
    Shape: (L, N, E), (S, N, E_k), (S, N, E_v) -> (L, N, E), (N, L, S); without N for one sequence.
    Raises: AssertionError and RuntimeError for what does not fit.
    Source: Vaswani et al. 2017; PyTorch `multi_head_attention_forward`.
    """
    batched = is_batch(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = _with_batch(query, key, value)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, batch, size = query.shape
    key_padding_mask = float_mask(key_padding_mask, "key_padding_mask", query.dtype, attn_mask, "attn_mask")
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
                           "`generate_square_subsequent_mask` to create this mask.")
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None
    else:
        attn_mask, is_causal = float_mask(attn_mask, "attn_mask", query.dtype), False
    _check_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if use_separate_proj_weight:
        q, k, v = _projected_apart(query, key, value, (q_proj_weight, k_proj_weight, v_proj_weight), in_proj_bias)
    else:
        q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias)
    attn_mask = _as_3d(attn_mask, length, key.shape[0], batch * num_heads)
    k, v, extra = _with_biases(k, v, bias_k, bias_v, static_k, static_v)
    q = _heads(q, num_heads)
    k = _heads(k, num_heads) if static_k is None else _static(static_k, "k", q)
    v = _heads(v, num_heads) if static_v is None else _static(static_v, "v", q)
    if add_zero_attn:
        extra += 1
        k, v = (cat((t, t.new_zeros((batch * num_heads, 1, t.shape[2]))), 1) for t in (k, v))
    mask = _merged(attn_mask, key_padding_mask, extra, num_heads, (batch, k.shape[1]))
    p = dropout_p if training else 0.0
    if need_weights:
        out, weights = _attend(q, k, v, mask, p)
        weights = weights.reshape((batch, num_heads, length, k.shape[1]))
        weights = weights.mean(1) if average_attn_weights else weights
    else:
        out, weights = _attend_fused(q, k, v, mask, p, is_causal, num_heads), None
    out = linear(out.transpose(0, 1).reshape((length, batch, size)), out_proj_weight, out_proj_bias)
    if batched:
        return out, weights
    return out.squeeze(1), None if weights is None else weights.squeeze(0)


# -- checks and masks -----------------------------------------------------------------------------------

def is_batch(query: Any, key: Any, value: Any, key_padding_mask: Any, attn_mask: Any, num_heads: int) -> bool:
    """Whether there is a batch dim. Raises: AssertionError if the number of dims doesn't fit."""
    dims = query.dim()
    if dims not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {dims}-D query tensor")
    form = "batched (3-D)" if dims == 3 else "unbatched (2-D)"
    if key.dim() != dims or value.dim() != dims:
        raise AssertionError(f"For {form} `query`, expected `key` and `value` to be {dims}-D but found {key.dim()}-D "
                             f"and {value.dim()}-D tensors respectively")
    if key_padding_mask is not None and key_padding_mask.dim() != dims - 1:
        raise AssertionError(f"For {form} `query`, expected `key_padding_mask` to be `None` or {dims - 1}-D but found "
                             f"{key_padding_mask.dim()}-D tensor instead")
    if attn_mask is not None:
        if attn_mask.dim() not in (2, 3):
            raise AssertionError(f"For {form} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found "
                                 f"{attn_mask.dim()}-D tensor instead")
        wanted = (num_heads, query.shape[0], key.shape[0])
        if dims == 2 and attn_mask.dim() == 3 and tuple(attn_mask.shape) != wanted:
            raise AssertionError(f"Expected `attn_mask` shape to be {wanted} but got {attn_mask.shape}")
    return dims == 3


def float_mask(mask: Any, name: str, kind: Any, other: Any = None, other_name: str = "") -> Any:
    """A mask of bools as one of floats: -inf where it is True. Warns if another mask is of another dtype."""
    if mask is None:
        return None
    if mask.dtype is not bool_ and not mask.dtype.is_floating_point:
        raise AssertionError(f"only bool and floating types of {name} are supported; {name} is {mask.dtype}")
    if other is not None and other.dtype is not mask.dtype:
        warnings.warn(f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both instead.",
                      stacklevel=3)
    if mask.dtype is bool_:
        return mask.new_zeros(mask.shape, dtype=kind).masked_fill_(mask, -math.inf)
    return mask


def _check_sizes(query: Any, key: Any, value: Any, wanted: int, num_heads: int, apart: bool) -> None:
    size = query.shape[2]
    if size != wanted:
        raise AssertionError(f"was expecting embedding dimension of {wanted}, but got {size}")
    if size % num_heads:
        raise AssertionError(f"embed_dim {size} not divisible by num_heads {num_heads}")
    if apart and key.shape[:2] != value.shape[:2]:
        raise AssertionError(f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}")
    if not apart and key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")


def _as_3d(mask: Any, length: int, source: int, rows: int) -> Any:
    """The attention mask with a dim for batch and heads. Raises: RuntimeError for another shape."""
    if mask is None:
        return None
    wanted = (length, source) if mask.dim() == 2 else (rows, length, source)
    if tuple(mask.shape) != wanted:
        raise RuntimeError(f"The shape of the {mask.dim()}D attn_mask is {mask.shape}, but should be {wanted}.")
    return mask.unsqueeze(0) if mask.dim() == 2 else mask


def _merged(attn_mask: Any, padding: Any, extra: int, num_heads: int, wanted: tuple[int, int]) -> Any:
    """Both masks in one, (1 or N * heads, 1 or L, S); nothing is masked at the `extra` positions at the end."""
    if extra:
        attn_mask = None if attn_mask is None else pad(attn_mask, (0, extra))
        padding = None if padding is None else pad(padding, (0, extra))
    if padding is None:
        return attn_mask
    for dim, size in enumerate(wanted):
        if padding.shape[dim] != size:
            raise AssertionError(f"Expected key_padded_mask.shape[{dim}] to be {size}, but got {padding.shape[dim]}")
    padding = padding.unsqueeze(1).repeat_interleave(num_heads, 0)              # (N * heads, 1, S)
    return padding if attn_mask is None else attn_mask + padding


# -- projections ----------------------------------------------------------------------------------------

def _with_batch(query: Any, key: Any, value: Any) -> tuple[Any, Any, Any]:
    """The three with a batch dim; what was the same tensor stays so."""
    q = query.unsqueeze(1)
    k = q if key is query else key.unsqueeze(1)
    return q, k, k if value is key else value.unsqueeze(1)


def _projected(query: Any, key: Any, value: Any, weight: Any, bias: Any) -> tuple[Any, ...]:
    """By one matrix: in one product where all three are the same, in two where key and value are."""
    if weight is None:
        raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
    if query is key and key is value:
        return tuple(linear(query, weight, bias).chunk(3, -1))
    if key is value:
        size = query.shape[-1]
        w_q, w_kv = weight.split((size, 2 * size))
        b_q, b_kv = (None, None) if bias is None else bias.split((size, 2 * size))
        return linear(query, w_q, b_q), *linear(key, w_kv, b_kv).chunk(2, -1)
    return _projected_apart(query, key, value, weight.chunk(3), bias)


def _projected_apart(query: Any, key: Any, value: Any, weights: Any, bias: Any) -> tuple[Any, ...]:
    for name, weight in zip("qkv", weights):
        if weight is None:
            raise AssertionError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
    biases = (None, None, None) if bias is None else bias.chunk(3)
    return tuple([linear(t, w, b) for t, w, b in zip((query, key, value), weights, biases)])


def _with_biases(k: Any, v: Any, bias_k: Any, bias_v: Any, static_k: Any, static_v: Any) -> tuple[Any, Any, int]:
    """Key and value with one learned position more, if there is one, and how many were added."""
    if (bias_k is None) != (bias_v is None):
        there, missing = ("bias_v", "bias_k") if bias_k is None else ("bias_k", "bias_v")
        raise AssertionError(f"{there} is set but {missing} is None")
    if bias_k is None:
        return k, v, 0
    for name, static in (("key", static_k), ("value", static_v)):
        if static is not None:
            raise AssertionError(f"bias cannot be added to static {name}.")
    return cat((k, bias_k.repeat(1, k.shape[1], 1))), cat((v, bias_v.repeat(1, v.shape[1], 1))), 1


def _heads(t: Any, num_heads: int) -> Any:
    """(L, N, E) -> (N * heads, L, E / heads)."""
    length, batch, size = t.shape
    return t.reshape((length, batch * num_heads, size // num_heads)).transpose(0, 1)


def _static(t: Any, name: str, q: Any) -> Any:
    for dim in (0, 2):
        if t.shape[dim] != q.shape[dim]:
            raise AssertionError(f"expecting static_{name}.size({dim}) of {q.shape[dim]}, but got {t.shape[dim]}")
    return t


# -- attention ------------------------------------------------------------------------------------------

def _attend(q: Any, k: Any, v: Any, mask: Any, p: float) -> tuple[Any, Any]:
    q = q * math.sqrt(1.0 / q.shape[-1])
    scores = bmm(q, k.transpose(1, 2)) if mask is None else baddbmm(mask, q, k.transpose(1, 2))
    weights = softmax(scores, -1)
    if p > 0.0:
        weights = dropout(weights, p)
    return bmm(weights, v), weights


def _attend_fused(q: Any, k: Any, v: Any, mask: Any, p: float, is_causal: bool, num_heads: int) -> Any:
    rows = q.shape[0]
    if mask is not None:
        mask = mask.unsqueeze(0) if mask.shape[0] == 1 else mask.reshape((-1, num_heads, *mask.shape[1:]))
    q, k, v = (t.reshape((rows // num_heads, num_heads, *t.shape[1:])) for t in (q, k, v))
    out = scaled_dot_product_attention(q, k, v, mask, p, is_causal)
    return out.reshape((rows, *out.shape[2:]))
