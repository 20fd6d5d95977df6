"""Distances and similarities between vectors.

Room: eager. Compositions of tensor methods.
"""
from __future__ import annotations

from typing import Any


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """x1 . x2 / (max(|x1|, eps) * max(|x2|, eps)) along `dim`.

    Shape: (*, D, *), (*, D, *) broadcast -> (*, *).   Source: PyTorch `cosine_similarity`.
    """
    if not (x1.is_floating_point() or x1.is_complex() or x2.is_floating_point() or x2.is_complex()):
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {x1.dtype}")
    if x1.dtype != x2.dtype:
        common = (x1.new_zeros(()) + x2.new_zeros(())).dtype
        x1, x2 = x1.to(common), x2.to(common)
    product = x1 * x2
    x1, x2 = x1.expand_as(product), x2.expand_as(product)
    return ((x1 / _length(x1, dim, eps)) * (x2 / _length(x2, dim, eps))).sum(dim)


def _length(x: Any, dim: int, eps: float) -> Any:
    """The norm, at least eps. Its gradient is the norm's, limited or not."""
    norm = x.norm(2, dim, keepdim=True)
    return norm + (norm.detach().clamp(min=eps) - norm.detach())


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The p-norm of x1 - x2 + eps over the last dimension.

    Shape: (N, D), (N, D) -> (N), or (N, 1) if keepdim.   Source: PyTorch `pairwise_distance`.
    """
    return (x1 - x2 + eps).norm(p, -1, keepdim)


def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None) -> Any:
    """x / max(p-norm of x along dim, eps).

    Shape: (*) -> (*).   Source: PyTorch `normalize`.
    """
    result = input / input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    return result if out is None else out.copy_(result)


def pdist(input: Any, p: float = 2.0) -> Any:
    """The p-norm distance of each pair of rows, in the order (0, 1), (0, 2), ..., (1, 2), ...

    Shape: (N, D) -> (N (N - 1) / 2).   Source: PyTorch `pdist`.
    """
    if not input.is_floating_point():
        raise RuntimeError(f"pdist only supports floating-point dtypes, got {input.dtype}")
    if input.dim() != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.dim()}D")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    rows = input.shape[0]
    upper = input.detach().new_ones((rows, rows)).triu(1).nonzero()
    return (input[upper[:, 0]] - input[upper[:, 1]]).norm(p, -1)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """x1^T A x2 + b, with one matrix A per output feature.

    Shape: (*, D1), (*, D2), weight (O, D1, D2), bias (O) -> (*, O).   Source: PyTorch `bilinear`.
    """
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError("bilinear(): input batch dimensions do not match: got "
                           f"{list(input1.shape)} and {list(input2.shape)}")
    outputs, left, right = weight.shape
    if input1.shape[-1] != left or input2.shape[-1] != right:
        raise RuntimeError(f"bilinear(): input1 size {input1.shape[-1]} and input2 size {input2.shape[-1]} do "
                           f"not match weight size {list(weight.shape)}")
    folded = weight.permute(1, 0, 2).reshape(left, outputs * right)                       # (D1, O * D2)
    halves = (input1.reshape(-1, left) @ folded).reshape(-1, outputs, right)              # (B, O, D2)
    result = (halves @ input2.reshape(-1, right, 1)).reshape((*input1.shape[:-1], outputs))
    return result if bias is None else result + bias
