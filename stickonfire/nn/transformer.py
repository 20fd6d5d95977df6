"""Transformers: layers of encoder and decoder, stacks of them, and both together.

Room: nn. May import: eager, this room.
"""
from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from typing import Any

from ..eager import Tensor, arange, full, is_grad_enabled, triu
from ..eager import functional as F
from ..eager.functional.multihead import float_mask
from . import init
from .activation import GELU, ReLU
from .containers import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .multihead import MultiheadAttention
from .normalization import LayerNorm

Activation = str | Callable[[Tensor], Tensor]


def subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
    """-inf above the diagonal, 0 elsewhere: position i sees 0..i. Shape: (sz, sz)."""
    return triu(full((sz, sz), -math.inf, device=device, dtype=dtype), diagonal=1)


def is_causal_mask(mask: Tensor | None, hint: bool | None, size: int) -> bool:
    """The hint, or whether the mask is the causal one, if there is no hint."""
    if hint is not None or mask is None:
        return hint is True
    causal = subsequent_mask(size, mask.device, mask.dtype)
    return mask.shape == causal.shape and bool((mask == causal).all())


def clones(module: Module, count: int) -> ModuleList:
    """Copies of a module, with the same first values."""
    return ModuleList([copy.deepcopy(module) for _ in range(count)])


def activation_function(activation: Activation) -> Callable[[Tensor], Tensor]:
    """An activation by name, or as given. Raises: RuntimeError for a name other than relu and gelu."""
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return F.relu if activation == "relu" else F.gelu


def sequence_length(t: Tensor, batch_first: bool) -> int:
    """The number of positions of (L, E), (L, N, E) or (N, L, E)."""
    return t.shape[1 if batch_first and t.dim() == 3 else 0]


class TransformerLayer(Module):
    """What the layers of encoder and decoder share: residual blocks, each normalised before or after.

    Blocks take the names that PyTorch gives them: `self_attn`, `multihead_attn`, `linear1`, `norm1`, `dropout1`, ...
    """

    attentions: tuple[str, ...] = ()

    def __init__(self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
                 activation: Activation = F.relu, layer_norm_eps: float = 1e-5, batch_first: bool = False,
                 norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        factory: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        super().__init__()
        for name in self.attentions:
            setattr(self, name, MultiheadAttention(d_model, nhead, dropout=dropout, batch_first=batch_first,
                                                   **factory))
        self.linear1 = Linear(d_model, dim_feedforward, **factory)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **factory)
        self.norm_first = norm_first
        blocks = range(1, len(self.attentions) + 2)
        for i in blocks:
            setattr(self, f"norm{i}", LayerNorm(d_model, eps=layer_norm_eps, **factory))
        for i in blocks:
            setattr(self, f"dropout{i}", Dropout(dropout))
        self._set_activation(activation)

    def _set_activation(self, activation: Activation) -> None:
        self.activation = activation_function(activation)

    def _residual(self, x: Tensor, norm: Module, block: Callable[[Tensor], Tensor]) -> Tensor:
        """x + block(norm(x)), or norm(x + block(x))."""
        return x + block(norm(x)) if self.norm_first else norm(x + block(x))

    def _feed(self, x: Tensor, drop: Module) -> Tensor:
        return drop(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoderLayer(TransformerLayer):
    """Self-attention, then two linear layers, each with dropout, a residual connection and a layer norm.

    Shape: (L, N, E), or (N, L, E) if batch_first, or (L, E) -> same.
    Source: Vaswani et al. 2017; PyTorch `nn.TransformerEncoderLayer`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16)(stickonfire.ones(5, 3, 8)).shape
    torch.Size([5, 3, 8])
    """

    attentions = ("self_attn",)
    self_attn: MultiheadAttention

    def _set_activation(self, activation: Activation) -> None:
        found = activation_function(activation)
        kinds = (found is F.relu or isinstance(found, ReLU), found is F.gelu or isinstance(found, GELU))
        self.activation_relu_or_gelu = 1 if kinds[0] else 2 if kinds[1] else 0
        self.activation = found

    def forward(self, src: Tensor, src_mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
                is_causal: bool = False) -> Tensor:
        padding = float_mask(src_key_padding_mask, "src_key_padding_mask", src.dtype, src_mask, "src_mask")
        mask = float_mask(src_mask, "src_mask", src.dtype)

        def attend(x: Tensor) -> Tensor:
            return self.dropout1(self.self_attn(x, x, x, attn_mask=mask, key_padding_mask=padding,
                                                need_weights=False, is_causal=is_causal)[0])

        x = self._residual(src, self.norm1, attend)
        return self._residual(x, self.norm2, lambda y: self._feed(y, self.dropout2))


class TransformerDecoderLayer(TransformerLayer):
    """Self-attention, attention to the encoder's memory, then two linear layers, each block as in the encoder.

    Shape: (T, N, E), (S, N, E), or N first if batch_first, or without N -> (T, N, E).
    Source: Vaswani et al. 2017; PyTorch `nn.TransformerDecoderLayer`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> layer = nn.TransformerDecoderLayer(8, nhead=2, dim_feedforward=16)
    >>> layer(stickonfire.ones(4, 3, 8), stickonfire.ones(5, 3, 8)).shape
    torch.Size([4, 3, 8])
    """

    attentions = ("self_attn", "multihead_attn")
    self_attn: MultiheadAttention
    multihead_attn: MultiheadAttention

    def forward(self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None, memory_mask: Tensor | None = None,
                tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
                tgt_is_causal: bool = False, memory_is_causal: bool = False) -> Tensor:
        def attend(x: Tensor) -> Tensor:
            return self.dropout1(self.self_attn(x, x, x, attn_mask=tgt_mask, key_padding_mask=tgt_key_padding_mask,
                                                need_weights=False, is_causal=tgt_is_causal)[0])

        def look_up(x: Tensor) -> Tensor:
            return self.dropout2(self.multihead_attn(x, memory, memory, attn_mask=memory_mask,
                                                     key_padding_mask=memory_key_padding_mask, need_weights=False,
                                                     is_causal=memory_is_causal)[0])

        x = self._residual(tgt, self.norm1, attend)
        x = self._residual(x, self.norm2, look_up)
        return self._residual(x, self.norm3, lambda y: self._feed(y, self.dropout3))


class TransformerEncoder(Module):
    """A stack of encoder layers, copies of one layer, with an optional norm at the end.

    In evaluation without gradients, where PyTorch leaves padded positions out, they come out as zeros (before the
    norm): for `batch_first` and a padding mask that is True at the ends only.
    Shape: as of TransformerEncoderLayer.   Source: Vaswani et al. 2017; PyTorch `nn.TransformerEncoder`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> layer = nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> nn.TransformerEncoder(layer, num_layers=3)(stickonfire.ones(5, 3, 8)).shape
    torch.Size([5, 3, 8])
    """

    def __init__(self, encoder_layer: Any, num_layers: int, norm: Module | None = None,
                 enable_nested_tensor: bool = True, mask_check: bool = True) -> None:
        super().__init__()
        self.layers = clones(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.use_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check
        obstacle = _obstacle(encoder_layer) if enable_nested_tensor else ""
        if obstacle:
            warnings.warn("enable_nested_tensor is True, but self.use_nested_tensor is False because "
                          f"encoder_layer{obstacle}", stacklevel=2)
            self.use_nested_tensor = False

    def forward(self, src: Tensor, mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
                is_causal: bool | None = None) -> Tensor:
        padding = float_mask(src_key_padding_mask, "src_key_padding_mask", src.dtype, mask, "mask")
        mask = float_mask(mask, "mask", src.dtype)
        batch_first = self.layers[0].self_attn.batch_first
        causal = is_causal_mask(mask, is_causal, sequence_length(src, batch_first))
        blank = self._blank(src, mask, padding)
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, is_causal=causal, src_key_padding_mask=padding)
        if blank is not None:
            x = x.masked_fill(blank.unsqueeze(2), 0.0)
        return x if self.norm is None else self.norm(x)

    def _blank(self, src: Tensor, mask: Tensor | None, padding: Tensor | None) -> Tensor | None:
        """The positions that PyTorch's nested tensors leave out, or None where it does not use them."""
        first = self.layers[0]
        if not self.use_nested_tensor or first.training or src.dim() != 3 or padding is None or mask is not None:
            return None
        if is_grad_enabled() and (src.requires_grad or any(p.requires_grad for p in first.parameters())):
            return None
        kept = padding == 0
        prefix = arange(src.shape[1]) < kept.sum(1, keepdim=True)
        return ~kept if bool((kept == prefix).all()) else None


def _obstacle(layer: Any) -> str:
    """Why PyTorch would not use nested tensors for such a layer; empty if nothing stands against it."""
    if not isinstance(layer, TransformerEncoderLayer):
        return " was not TransformerEncoderLayer"
    if layer.norm_first:
        return ".norm_first was True"
    attention = layer.self_attn
    if not attention.batch_first:
        return ".self_attn.batch_first was not True(use batch_first for better inference performance)"
    if not attention._qkv_same_embed_dim:
        return ".self_attn._qkv_same_embed_dim was not True"
    if attention.in_proj_bias is None:
        return ".self_attn was passed bias=False"
    if not layer.activation_relu_or_gelu:
        return ".activation_relu_or_gelu was not True"
    if layer.norm1.eps != layer.norm2.eps:
        return ".norm1.eps was not equal to encoder_layer.norm2.eps"
    return ".self_attn.num_heads is odd" if attention.num_heads % 2 else ""


class TransformerDecoder(Module):
    """A stack of decoder layers, copies of one layer, with an optional norm at the end.

    Shape: as of TransformerDecoderLayer.   Source: Vaswani et al. 2017; PyTorch `nn.TransformerDecoder`.
    """

    def __init__(self, decoder_layer: Any, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = clones(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None, memory_mask: Tensor | None = None,
                tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
                tgt_is_causal: bool | None = None, memory_is_causal: bool = False) -> Tensor:
        batch_first = self.layers[0].self_attn.batch_first
        causal = is_causal_mask(tgt_mask, tgt_is_causal, sequence_length(tgt, batch_first))
        x = tgt
        for layer in self.layers:
            x = layer(x, memory, tgt_mask=tgt_mask, memory_mask=memory_mask,
                      tgt_key_padding_mask=tgt_key_padding_mask, memory_key_padding_mask=memory_key_padding_mask,
                      tgt_is_causal=causal, memory_is_causal=memory_is_causal)
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """Encoder and decoder. All matrices start with Xavier's uniform distribution.

    Shape: (S, N, E), (T, N, E), or N first if batch_first, or without N -> (T, N, E).
    Raises: RuntimeError for batches or features that don't fit.
    Source: Vaswani et al. 2017; PyTorch `nn.Transformer`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> model = nn.Transformer(8, 2, 1, 1, dim_feedforward=16, batch_first=True)
    >>> model(stickonfire.ones(3, 5, 8), stickonfire.ones(3, 4, 8)).shape
    torch.Size([3, 4, 8])
    """

    def __init__(self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6, num_decoder_layers: int = 6,
                 dim_feedforward: int = 2048, dropout: float = 0.1, activation: Activation = F.relu,
                 custom_encoder: Any = None, custom_decoder: Any = None, layer_norm_eps: float = 1e-5,
                 batch_first: bool = False, norm_first: bool = False, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        options = (dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        for name, layer, stack, count, custom in (
                ("encoder", TransformerEncoderLayer, TransformerEncoder, num_encoder_layers, custom_encoder),
                ("decoder", TransformerDecoderLayer, TransformerDecoder, num_decoder_layers, custom_decoder)):
            if custom is None:
                one = layer(d_model, nhead, *options, **factory)
                norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **factory)
                custom = stack(one, count, norm)
            setattr(self, name, custom)
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(self, src: Tensor, tgt: Tensor, src_mask: Tensor | None = None, tgt_mask: Tensor | None = None,
                memory_mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
                tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
                src_is_causal: bool | None = None, tgt_is_causal: bool | None = None,
                memory_is_causal: bool = False) -> Tensor:
        batch_dim = 0 if self.batch_first else 1
        if src.dim() == 3 and src.shape[batch_dim] != tgt.shape[batch_dim]:
            raise RuntimeError("the batch number of src and tgt must be equal; they are "
                               f"{src.shape[batch_dim]} and {tgt.shape[batch_dim]}")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model; they are "
                               f"{src.shape[-1]} and {tgt.shape[-1]}, d_model is {self.d_model}")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask,
                            tgt_key_padding_mask=tgt_key_padding_mask,
                            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
                            memory_is_causal=memory_is_causal)

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """The causal mask: -inf above the diagonal, 0 elsewhere. Shape: (sz, sz).

        >>> Transformer.generate_square_subsequent_mask(2)
        tensor([[0., -inf],
                [0., 0.]])
        """
        return subsequent_mask(sz, device, dtype)

    def _reset_parameters(self) -> None:
        for parameter in self.parameters():
            if parameter.dim() > 1:
                init.xavier_uniform_(parameter)
