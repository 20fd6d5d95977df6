"""Small helpers of all distributions: broadcasting, probabilities and logits, lazy properties, triangles.

Room: distributions. Public as `torch.distributions.utils`; every file here imports it. Imports eager only.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from functools import update_wrapper
from numbers import Number
from typing import Any

from .. import eager as torch
from ..eager import Size, Tensor

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits",
           "tril_matrix_to_vec", "vec_to_tril_matrix"]

euler_constant = 0.57721566490153286060


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors of one shape; numbers take the first tensor's dtype, else the default.

    Raises: ValueError for anything else.   Source: PyTorch `broadcast_all`.

    >>> broadcast_all(1.0, torch.zeros(2))
    (tensor([1., 1.]), tensor([0., 0.]))
    """
    for value in values:
        if not isinstance(value, (Tensor, Number)):
            raise ValueError("Input arguments must all be instances of Number, torch.Tensor or objects implementing "
                             f"__torch_function__.\nbroadcast_all: got {type(value).__name__}; wrap it in torch.tensor")
    first = next((v for v in values if isinstance(v, Tensor)), None)
    options = {"dtype": torch.get_default_dtype()} if first is None else {"dtype": first.dtype, "device": first.device}
    tensors = [v if isinstance(v, Tensor) else torch.tensor(v, **options) for v in values]
    shapes = {t.shape for t in tensors if t.shape}
    shape = torch.broadcast_shapes(*shapes) if len(shapes) > 1 else next(iter(shapes), Size())
    return tuple([t if t.shape == shape else t.expand(shape) for t in tensors])


def _standard_normal(shape: Any, dtype: Any, device: Any) -> Tensor:
    """Standard normal numbers, drawn as PyTorch's distributions do: from tensors of means and deviations."""
    return torch.normal(torch.zeros(shape, dtype=dtype, device=device), torch.ones(shape, dtype=dtype, device=device))


def _sum_rightmost(value: Any, dim: int) -> Any:
    """The sum over the last `dim` dims."""
    if dim == 0:
        return value
    return value.reshape(value.shape[:-dim] + (-1,)).sum(-1)


def _replace(values: Tensor, where: Any, by: float) -> Tensor:
    """`values` with a number in the places where a condition holds; no gradient flows there."""
    return torch.where(where, torch.full_like(values, by), values)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities: the sigmoid of each logit, or the softmax of each row. Shape: (*) -> (*).

    >>> logits_to_probs(torch.zeros(2), is_binary=True)
    tensor([0.5000, 0.5000])
    """
    return torch.sigmoid(logits) if is_binary else torch.softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities kept a rounding error away from 0 and 1. Shape: (*) -> (*)."""
    eps = torch.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """The inverse of `logits_to_probs`, finite at 0 and 1. Shape: (*) -> (*).

    >>> probs_to_logits(torch.tensor([0.5]), is_binary=True)
    tensor([0.])
    """
    clamped = clamp_probs(probs)
    return torch.log(clamped) - torch.log1p(-clamped) if is_binary else torch.log(clamped)


class lazy_property:
    """A property computed once, at its first use, and kept in the instance.   Source: PyTorch `lazy_property`."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        update_wrapper(self, wrapped)  # type: ignore[arg-type]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return _lazy_property_and_property(self.wrapped)
        with torch.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


class _lazy_property_and_property(lazy_property, property):
    """What the class shows of a lazy property: a property as well, for tools that look for one."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        property.__init__(self, wrapped)


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The entries on and below a diagonal, row by row. Shape: (*, n, n) -> (*, entries).

    Raises: ValueError for a diagonal outside the matrix.

    >>> tril_matrix_to_vec(torch.tensor([[1, 0], [2, 3]]))
    tensor([1, 2, 3])
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = torch.tril_indices(n, n, diag)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """The inverse of `tril_matrix_to_vec`: entries that fill a lower triangle. Shape: (*, entries) -> (*, n, n).

    Raises: ValueError if no square matrix has that many entries there.

    >>> vec_to_tril_matrix(torch.tensor([1, 2, 3]))
    tensor([[1, 0],
            [2, 3]])
    """
    entries = vec.shape[-1]
    shift = 1 + 2 * diag
    n = round((math.sqrt(shift**2 + 8 * entries + 4 * abs(diag) * (diag + 1)) - shift) / 2)
    rows, columns = torch.tril_indices(n, n, diag)
    if len(rows) != entries:
        raise ValueError(f"The size of last dimension is {entries} which cannot be expressed as the lower triangular "
                         f"part of a square D x D matrix.\nvec_to_tril_matrix: got {tuple(vec.shape)} with diag={diag}")
    matrix = vec.new_zeros(vec.shape[:-1] + (n, n))
    matrix[..., rows, columns] = vec
    return matrix
