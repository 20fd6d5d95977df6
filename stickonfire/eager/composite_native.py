"""PyTorch's `native_*` spellings: what stands behind layer norm, group norm, batch norm, grid_sample and dropout.

Room: eager, loaded when one of these is first used (LAZY in `stickonfire/__init__.py`). They return what PyTorch's
kernels keep for the backward pass next to the result. May import: eager.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.dtypes import float32
from . import functional as F
from .creation import empty
from .modes import no_grad
from .tensor import Tensor


def native_layer_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None,
                      eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Layer norm, the mean, and 1 / sqrt(var + eps).

    Shape: (*, D) -> (*, D), (*, 1), (*, 1).   Raises: RuntimeError for shapes that do not fit.
    Source: PyTorch `native_layer_norm`.
    """
    shape = tuple(normalized_shape)
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and tuple(t.shape) != shape:
            raise RuntimeError(f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                               f"{list(t.shape)} and normalized_shape = {list(shape)}")
    out = F.layer_norm(input, shape, weight, bias, eps)
    mean, scale = statistics(input, tuple(range(-len(shape), 0)), eps)
    return out, mean.to(input.dtype), scale.to(input.dtype)


def statistics(input: Tensor, dims: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor]:
    """Mean and 1 / sqrt(var + eps) over dims (kept), outside the graph; in float32 for 16-bit floats."""
    with no_grad():
        wide = input.float() if input.dtype.is_reduced else input
        return wide.mean(dims, keepdim=True), (wide.var(dims, correction=0, keepdim=True) + eps).rsqrt()


def native_group_norm(input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int,
                      eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Group norm, each group's mean, and its 1 / sqrt(var + eps).

    Shape: (N, C, *) -> (N, C, *), (N, group), (N, group).   Source: PyTorch `native_group_norm`.
    """
    rows = input.reshape(N, group, C // group, HxW)
    rows = rows.float() if input.dtype.is_reduced else rows             # rounded to 16 bits once, at the end
    mean = rows.mean((2, 3), keepdim=True)
    scale = (rows.var((2, 3), correction=0, keepdim=True) + eps).rsqrt()
    out = ((rows - mean) * scale).reshape(N, C, HxW)
    out = out if weight is None else out * weight.reshape(1, C, 1)
    out = out if bias is None else out + bias.reshape(1, C, 1)
    return tuple([t.reshape(shape).to(input.dtype)                      # type: ignore[return-value]
                  for t, shape in ((out, input.shape), (mean, (N, group)), (scale, (N, group)))])


def native_batch_norm(input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
                      running_var: Tensor | None, training: bool, momentum: float, eps: float,
                      ) -> tuple[Tensor, Tensor, Tensor]:
    """Batch norm, and in training each channel's mean and 1 / sqrt(var + eps).

    Shape: (N, C, *) -> (N, C, *), (C), (C); the latter two are empty outside of training.
    Source: PyTorch `native_batch_norm`.
    """
    out = F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    like = running_mean if weight is None else weight
    kind = like.dtype if like is not None else float32 if input.dtype.is_reduced else input.dtype
    if not training:
        return out, empty(0, dtype=kind), empty(0, dtype=kind)
    mean, scale = statistics(input, (0, *range(2, input.dim())), eps)
    return out, mean.reshape(-1).to(kind), scale.reshape(-1).to(kind)


MODES, PADDING = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")


def grid_sampler_2d(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int,
                    align_corners: bool) -> Tensor:
    """`nn.functional.grid_sample` with its modes as numbers.

    Shape: (N, C, H, W), (N, h, w, 2) -> (N, C, h, w).   Source: PyTorch `grid_sampler_2d`.
    """
    return F.grid_sample(input, grid, MODES[interpolation_mode], PADDING[padding_mode], align_corners)


def grid_sampler_3d(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int,
                    align_corners: bool) -> Tensor:
    """`nn.functional.grid_sample` of volumes, with its modes as numbers.

    Shape: (N, C, D, H, W), (N, d, h, w, 3) -> (N, C, d, h, w).   Source: PyTorch `grid_sampler_3d`.
    """
    return grid_sampler_2d(input, grid, interpolation_mode, padding_mode, align_corners)


def grid_sampler(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int,
                 align_corners: bool) -> Tensor:
    """`grid_sampler_2d` or `grid_sampler_3d`, by the number of dims.   Source: PyTorch `grid_sampler`."""
    return grid_sampler_2d(input, grid, interpolation_mode, padding_mode, align_corners)


native_channel_shuffle = F.channel_shuffle          # PyTorch's name of the kernel behind it


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Zeros with probability p in training, the rest scaled by 1 / (1 - p).

    Shape: (*) -> (*).   Source: PyTorch `torch.dropout`.

    >>> import stickonfire as torch
    >>> torch.dropout(torch.ones(3), 0.5, train=False)
    tensor([1., 1., 1.])
    """
    return F.dropout(input, p, train)


def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """Dropout, and the mask of what was kept. Shape: (*) -> (*), (*) of bools.   Source: PyTorch `native_dropout`."""
    if train is False or p == 0:
        return input.clone(), input.detach().isfinite().fill_(True)
    kept = F.dropout(input.detach().new_ones(input.shape), p, True) != 0
    return input * kept * (0.0 if p == 1 else 1 / (1 - p)), kept


def compiled_with_cxx11_abi() -> bool:
    """Whether C++ extensions would find the new ABI: there is no C++ here, so nothing speaks against it.

    Source: PyTorch `torch.compiled_with_cxx11_abi`.
    """
    return True


def cond(pred: Any, true_fn: Any, false_fn: Any, operands: Sequence[Any] = ()) -> Any:
    """true_fn(*operands) or false_fn(*operands), by a condition that may be a tensor of one element.

    Raises: RuntimeError for a `pred` that is neither a bool nor one element.   Source: PyTorch `torch.cond`.

    >>> import stickonfire as torch
    >>> torch.cond(torch.tensor(3.) > 2, lambda x: x + 1, lambda x: x - 1, (torch.zeros(2),))
    tensor([1., 1.])
    """
    if not isinstance(pred, (bool, Tensor)) or isinstance(pred, Tensor) and pred.numel() != 1:
        raise RuntimeError(f"Expected pred to be bool or single-element tensor, but got {pred}.")
    if not callable(true_fn) or not callable(false_fn):
        raise RuntimeError("Expect both branches to be callable.")
    if not isinstance(operands, (tuple, list)):
        raise RuntimeError(f"Expect operands to be a tuple of possibly nested dict/list/tuple that only consists of "
                           f"tensor leaves, but got {operands}.")
    return (true_fn if bool(pred) else false_fn)(*operands)


def while_loop(cond_fn: Any, body_fn: Any, carried_inputs: Sequence[Any]) -> tuple[Any, ...]:
    """What `body_fn` makes of the inputs, again and again as long as `cond_fn` of them is true.

    Raises: RuntimeError if `body_fn` returns another number of values.   Source: PyTorch `torch.while_loop`.

    >>> import stickonfire as torch
    >>> torch.while_loop(lambda n, x: n < 3, lambda n, x: (n + 1, x * 2), (torch.tensor(0), torch.ones(2)))
    (tensor(3), tensor([8., 8.]))
    """
    if not callable(cond_fn) or not callable(body_fn):
        raise RuntimeError("Expect cond_fn and body_fn to be callable.")
    if not isinstance(carried_inputs, (tuple, list)):
        raise RuntimeError(f"Expect carried_inputs to be a tuple or list, but got {type(carried_inputs).__name__}.")
    carried = tuple(carried_inputs)
    while bool(cond_fn(*carried)):
        out = body_fn(*carried)
        if not isinstance(out, (tuple, list)) or len(out) != len(carried):
            raise RuntimeError(f"body_fn should return a tuple of {len(carried)} values, as many as carried_inputs "
                               f"has, but got {out}")
        carried = tuple(out)
    return carried
