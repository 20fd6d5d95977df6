"""Products made of matrix products: tensordot, kron, inner, multi_dot, cross; `einsum.py` has einsum."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..core.shapes import broadcast_shapes
from .einsum import einsum
from .outs import composed
from .publish import NAMESPACES
from .tensor import Tensor


@composed
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sums of products over the last dims of one tensor and the first of another, or over pairs of dims.

    Shape: (*I, *K), (*K, *J) -> (*I, *J).   Raises: RuntimeError if the sizes differ.   Source: PyTorch `tensordot`.

    >>> import stickonfire as torch
    >>> torch.tensordot(torch.ones(2, 3, 4), torch.ones(3, 4, 5), dims=2).shape
    torch.Size([2, 5])
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        mine, others = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        mine, others = [[d] if isinstance(d, int) else list(d) for d in dims]
    if len(mine) != len(others):
        raise RuntimeError(f"both dimension lists should have same length, got {mine} and {others}")
    mine, others = [d % max(a.ndim, 1) for d in mine], [d % max(b.ndim, 1) for d in others]
    for i, j in zip(mine, others):
        if 1 != a.shape[i] != b.shape[j] != 1:
            raise RuntimeError(f"contracted dimensions need to match, but first has size {a.shape[i]} in dim {i} and "
                               f"second has size {b.shape[j]} in dim {j}")
        if a.shape[i] != b.shape[j]:            # a size of 1 broadcasts: the other one is summed
            a, b = (a.sum(i, keepdim=True), b) if b.shape[j] == 1 else (a, b.sum(j, keepdim=True))
    rows = [d for d in range(a.ndim) if d not in mine]
    columns = [d for d in range(b.ndim) if d not in others]
    inner = math.prod([a.shape[d] for d in mine])
    left = a.permute(rows + mine).reshape(math.prod([a.shape[d] for d in rows]), inner)
    right = b.permute(others + columns).reshape(inner, math.prod([b.shape[d] for d in columns]))
    return (left @ right).reshape([a.shape[d] for d in rows] + [b.shape[d] for d in columns])


@composed
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sums of products over the last dims. Shape: (*I, K), (*J, K) -> (*I, *J).   Source: PyTorch `inner`."""
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError("inner() the last dimension must match on both input tensors but got shapes "
                           f"{list(input.shape)} and {list(other.shape)}")
    return tensordot(input, other, ([-1], [-1]))


@composed
def kron(input: Tensor, other: Tensor) -> Tensor:
    """Kronecker's product: each element of one tensor times the whole other one.

    Shape: (A, B), (C, D) -> (A * C, B * D).   Source: PyTorch `kron`.
    """
    ndim = max(input.ndim, other.ndim)
    a = (1,) * (ndim - input.ndim) + tuple(input.shape)
    b = (1,) * (ndim - other.ndim) + tuple(other.shape)
    left, right = [n for size in a for n in (size, 1)], [n for size in b for n in (1, size)]
    product = input.reshape(left) * other.reshape(right)
    return product.reshape([m * n for m, n in zip(a, b)])


@composed
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of several matrices, in the order that needs the fewest multiplications; the ends may be vectors.

    Shape: (N, A), (A, B), ..., (Z, M) -> (N, M).   Source: PyTorch `linalg.multi_dot`; Cormen et al., Introduction to
    Algorithms, section 15.2.
    """
    tensors = list(tensors)
    check_chain(tensors)
    first, last = tensors[0].ndim == 1, tensors[-1].ndim == 1
    if first:
        tensors[0] = tensors[0].unsqueeze(0)
    if last:
        tensors[-1] = tensors[-1].unsqueeze(1)
    sizes = [t.shape[0] for t in tensors] + [tensors[-1].shape[1]]
    out = multiplied(tensors, cheapest_splits(sizes), 0, len(tensors) - 1)
    if first:
        out = out.squeeze(0)
    return out.squeeze(-1) if last else out


def check_chain(tensors: list[Tensor]) -> None:
    """Raises PyTorch's errors for what cannot be multiplied in a row."""
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    for i, t in enumerate(tensors):
        ends = i in (0, len(tensors) - 1)
        if t.ndim != 2 and not (ends and t.ndim == 1):
            which = "the first tensor" if i == 0 else "the last tensor" if ends else f"tensor {i}"
            raise RuntimeError(f"multi_dot(): {which} must be {'1D or ' if ends else ''}2D but got {t.ndim}D")
        if t.dtype is not tensors[0].dtype:
            raise RuntimeError("multi_dot(): all tensors must have be the same dtype but tensor 0 is "
                               f"{tensors[0].dtype.name} and tensor {i} {t.dtype.name}")
        if i and tensors[i - 1].shape[-1] != t.shape[0]:
            raise RuntimeError(f"multi_dot(): tensors {i - 1} and {i} with shapes {list(tensors[i - 1].shape)} and "
                               f"{list(t.shape)} cannot be multiplied")


def cheapest_splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """For each run of matrices where to split it; matrix i is sizes[i] by sizes[i + 1]."""
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    split: dict[tuple[int, int], int] = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            costs = [cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)]
            cost[i, j] = min(costs)
            split[i, j] = i + costs.index(cost[i, j])
    return split


def multiplied(tensors: list[Tensor], split: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    """The product of matrices i to j."""
    if i == j:
        return tensors[i]
    k = split[i, j]
    return multiplied(tensors, split, i, k) @ multiplied(tensors, split, k + 1, j)


@composed
def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of several matrices. Shape: as of `linalg.multi_dot`.   Source: PyTorch `chain_matmul`."""
    for matrix in matrices:
        if matrix.ndim != 2:
            raise RuntimeError(f"Tensor dimension is {matrix.ndim}, expected 2 instead. In chain_matmul()")
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


@composed
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The cross product of vectors of 3 elements, along `dim` or the first dim of size 3.

    Shape: (*, 3), (*, 3) -> broadcast.   Source: PyTorch `cross`.
    """
    if dim is None:
        shape = broadcast_shapes(input.shape, other.shape)
        if 3 not in shape:
            raise RuntimeError(f"no dimension of size 3 in input. In cross(): {list(input.shape)}, {list(other.shape)}")
        dim = shape.index(3)
    return NAMESPACES["linalg"]["cross"](input, other, dim=dim)


@composed
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Sums of products along a dim, the first factor conjugated.

    Shape: (*, N), (*, N) -> (*).   Source: `linalg.vecdot`.
    """
    if x.dtype is not y.dtype:
        raise RuntimeError(f"linalg.vecdot: Expected vectors of same dtype but got {x.dtype} and {y.dtype}")
    if x.shape[dim] != y.shape[dim] and 1 not in (x.shape[dim], y.shape[dim]):
        raise RuntimeError(f"linalg.vecdot: the vectors have {x.shape[dim]} and {y.shape[dim]} elements")
    return (x.conj() * y).sum(dim)


FUNCTIONS = (einsum, tensordot, inner, kron, chain_matmul, cross)
METHODS = {"inner": inner, "kron": kron, "cross": cross}
LINALG = {"multi_dot": multi_dot, "vecdot": vecdot}
