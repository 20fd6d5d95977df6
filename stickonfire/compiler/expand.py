"""Forwards in a form that a program can repeat: for ops whose ordinary forward looks at values as it runs.

Each stands for the op of its name while a function is captured, and agrees with it up to rounding. A check of values
becomes a part of the program (`check`), which raises after the run. `decompose.py` does the same for kernels of `xp`.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from ..backends.cpu import xp as real_xp
from ..core.shapes import normalize_dim
from ..ops.index import index_select as select
from ..ops.index import vector
from ..ops.loss import check_classes, reduced


def binary_cross_entropy(xp: Any, input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """The logarithms are always kept above -100."""
    xp.check(input, 0, 1, "all elements of input should be between 0 and 1")
    loss = (target - 1) * xp.maximum(xp.log1p(-input), -100) - target * xp.maximum(xp.log(input), -100)
    return reduced(xp, loss if weight is None else loss * weight, reduction)


def nll_loss(xp: Any, input: Any, target: Any, weight: Any = None, ignore_index: int = -100,
             reduction: str = "mean") -> Any:
    """Rows that are ignored count 0; whether there are any is not asked."""
    check_classes(real_xp, input.real, np.zeros_like(target.real), -1)      # shapes and dtypes
    axis = 0 if input.ndim == 1 else 1
    valid = target != ignore_index
    safe = xp.where(valid, target, 0)
    xp.check(safe, 0, input.shape[axis] - 1, "Target {} is out of bounds.", IndexError)
    scale = xp.cast(valid, xp.dtype_of(input))
    if weight is not None:
        scale = scale * xp.take(weight, safe)
    loss = -xp.pick_along(input, safe, axis) * scale
    if reduction == "none":
        return loss
    total = xp.add.reduce(loss, axis=None)
    return total / xp.add.reduce(scale, axis=None) if reduction == "mean" else total


def embedding(xp: Any, input: Any, weight: Any, padding_idx: int = -1, scale_grad_by_freq: bool = False) -> Any:
    """The range of the indices is checked by the program."""
    if input.dtype.kind not in "iu":
        raise RuntimeError("Expected tensor for argument #1 'indices' to have one of the following scalar types: "
                           f"Long, Int; but got torch.{xp.dtype_of(input).name} instead (while checking arguments "
                           "for embedding)")
    xp.check(input, 0, weight.shape[0] - 1, "index out of range in self: embedding has no row {}", IndexError)
    return xp.rows(weight, input)


def index_select(xp: Any, input: Any, index: Any, dim: int) -> Any:
    """The range of the indices is checked by the program; there are no negative ones."""
    at = normalize_dim(dim, input.ndim)
    picks = vector("index_select", index)
    if input.ndim == 0 or not input.shape[at]:
        return select.forward(xp, input, dim, index)
    xp.check(picks, 0, input.shape[at] - 1, "index_select(): index out of range in self: index {} is out of bounds for "
             f"size {input.shape[at]}", IndexError)
    if at == 0:
        return xp.rows(input, picks)
    return xp.contiguous(xp.moveaxis(xp.rows(xp.moveaxis(input, at, 0), picks), 0, at))


def adam_step(xp: Any, *tensors: Any, lr: float, beta1: float, beta2: float, eps: float) -> Any:
    """The step count stays an array; its powers are taken in double precision."""
    n = len(tensors) // 5
    for param, grad, mean, square, step in zip(*[tensors[k * n:(k + 1) * n] for k in range(5)]):
        step += 1
        count = step.astype("float64")
        size, root = lr / (1 - beta1 ** count), xp.sqrt(1 - beta2 ** count)
        mean += (1 - beta1) * (grad - mean)
        square *= beta2
        square += (1 - beta2) * grad * grad
        param -= size.astype(param.dtype) * mean / (xp.sqrt(square) / root.astype(param.dtype) + eps)
    return ()


FORWARDS = {"binary_cross_entropy": binary_cross_entropy, "nll_loss": nll_loss, "embedding": embedding,
            "index_select": index_select, "adam_step": adam_step}
