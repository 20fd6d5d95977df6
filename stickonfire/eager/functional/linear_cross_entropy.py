"""Cross-entropy of linearly transformed inputs, in pieces if asked for, so that the logits never exist as a whole.

Room: eager. Called by nn/linear_cross_entropy.py; loaded with `nn`. A piece is computed again in backward
(`eager/recompute.py`): memory for one piece of logits, any order of derivatives.
"""
from __future__ import annotations

import dataclasses
import math
import warnings
from typing import Any

from ...core.dtypes import bfloat16, float16, float32, float64, int64
from ..recompute import checkpoint
from .fused import fused, linear
from .loss import cross_entropy

cat = fused("cat")


@dataclasses.dataclass(slots=True, frozen=True)
class LinearCrossEntropyOptions:
    """How `linear_cross_entropy` cuts the batch into pieces; `batch_chunk_size` rows, or by a method.

    "aspect_ratio" makes a piece of logits as large as the input, "aspect_ratio:N" that divided by N; "auto" is
    "aspect_ratio:2", for 16-bit inputs "aspect_ratio". `acc_policy` and `acc_dtype` choose among PyTorch's kernels
    and change nothing here; nor does `allow_retain_graph`: backward may always run again.
    Raises: ValueError for values that PyTorch refuses.   Source: PyTorch `nn.LinearCrossEntropyOptions`.

    >>> LinearCrossEntropyOptions(batch_chunk_size=2).batch_chunk_size
    2
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None

    def __post_init__(self) -> None:
        if self.acc_policy not in ("auto", "accurate", "balanced", "compact"):
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        if self.chunking_method not in (None, "auto"):
            name, colon, factor = str(self.chunking_method).partition(":")
            if name != "aspect_ratio" or colon and not (factor.isdigit() and int(factor) > 0):
                raise ValueError(f"invalid chunking_method: {self.chunking_method!r}")
        rows = self.batch_chunk_size
        if rows is not None and not (isinstance(rows, int) and rows > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {rows!r}")
        if self.acc_dtype not in (None, float16, bfloat16, float32, float64):
            raise ValueError("acc_dtype must be one of {None, torch.float16, torch.bfloat16, torch.float32, "
                             f"torch.float64}}, got {self.acc_dtype!r}. Pass acc_dtype=None to let the op pick "
                             "automatically.")

    def rows(self, batch: int, features: int, classes: int, kind: Any) -> int:
        """How many rows a piece has. Raises: ValueError if size and method are both given and differ."""
        method, given = self.chunking_method, self.batch_chunk_size
        if method == "auto":
            method = None if given is not None else "aspect_ratio" if kind.is_reduced else "aspect_ratio:2"
        if method is None:
            return max(1, min(given or batch, batch))
        wanted = math.ceil(batch / math.ceil(classes / features))
        factor = int(method.partition(":")[2] or 1)
        rows = min((1 << max(wanted - 1, 0).bit_length()) // factor, batch)
        if given is not None and given != rows:
            raise ValueError(f"batch_chunk_size (={given}) and chunking_method ('{method}') give different chunk sizes "
                             f"({given} vs {rows}); pass only one.")
        return max(1, rows)


def linear_cross_entropy(input: Any, linear_weight: Any, target: Any, *, linear_bias: Any = None, weight: Any = None,
                         reduction: str = "mean", ignore_index: int | None = None, label_smoothing: float = 0.0,
                         options: LinearCrossEntropyOptions | None = None) -> Any:
    """cross_entropy(input @ linear_weight.T + linear_bias, target); with `options` piece by piece.

    Shape: (N, D) or (D), weight (C, D) or (C, *, D), targets (N, *) of classes or (N, C, *) of probabilities
    -> () or (N, *).
    Raises: RuntimeError for sizes that don't fit.   Source: PyTorch `linear_cross_entropy`.
    """
    classes, *more, features = _checked_sizes(input, linear_weight, linear_bias)
    soft = tuple(target.shape) == (*input.shape[:-1], classes, *more)
    if soft and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    ignore = -100 if ignore_index is None else ignore_index
    if options is not None:
        simple = not more and reduction in ("mean", "sum", "none") and label_smoothing == 0.0
        if simple and target.dtype is int64:
            rows = options.rows(input.shape[0] if input.dim() == 2 else 1, features, classes, input.dtype)
            return _in_pieces(input, linear_weight, target, linear_bias, weight, reduction, ignore, rows)
        warnings.warn("linear_cross_entropy: ``options`` ignored; chunked path needs reduction in "
                      "{'mean','sum','none'}, label_smoothing == 0, target.dtype == int64, out_features == (). Got "
                      f"reduction={reduction!r}, label_smoothing={label_smoothing}, target.dtype={target.dtype}, "
                      f"out_features={tuple(more)}", stacklevel=2)
    if more:
        linear_weight = linear_weight.reshape((-1, features))
        linear_bias = None if linear_bias is None else linear_bias.reshape(-1)
    logits = linear(input, linear_weight, linear_bias)
    if more:
        logits = logits.reshape((*input.shape[:-1], classes, *more))
    return cross_entropy(logits, target, weight, ignore_index=ignore, reduction=reduction,
                         label_smoothing=label_smoothing)


def _checked_sizes(input: Any, weight: Any, bias: Any) -> tuple[int, ...]:
    """The weight's shape, once it fits the input."""
    if input.dim() not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if weight.dim() < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {weight.dim()}")
    if input.shape[-1] != weight.shape[-1]:
        raise RuntimeError("expected equal input and linear_weight last dimensions (in_features), got "
                           f"{input.shape[-1]} and {weight.shape[-1]}, respectively")
    if bias is not None and tuple(bias.shape) != tuple(weight.shape[:-1]):
        raise RuntimeError(f"expected linear_bias shape {tuple(weight.shape[:-1])}, got {tuple(bias.shape)}")
    if weight.dim() > 2 and input.dim() == 1:
        raise RuntimeError(f"K-dimensional loss defined by linear_weight shape {tuple(weight.shape)} requires batched "
                           f"input, (N, {input.shape[-1]}), got unbatched input with shape {tuple(input.shape)}")
    return tuple(weight.shape)


def _in_pieces(input: Any, linear_weight: Any, target: Any, linear_bias: Any, weight: Any, reduction: str,
               ignore: int, rows: int) -> Any:
    single = input.dim() == 1
    if single:
        input, target = input.unsqueeze(0), target.unsqueeze(0)
    kind = "none" if reduction == "none" else "sum"

    def piece(x: Any, w: Any, b: Any, y: Any) -> Any:
        return cross_entropy(linear(x, w, b), y, weight, ignore_index=ignore, reduction=kind)

    parts = [checkpoint(piece, input[i:i + rows], linear_weight, linear_bias, target[i:i + rows],
                        use_reentrant=False, preserve_rng_state=False) for i in range(0, input.shape[0], rows)]
    if reduction == "none":
        out = cat(tuple(parts))
        return out.squeeze(0) if single else out
    total = sum(parts[1:], parts[0])
    if reduction == "sum":
        return total
    kept = target != ignore
    return total / (kept.sum() if weight is None else (weight[target.masked_fill(~kept, 0)] * kept).sum())
