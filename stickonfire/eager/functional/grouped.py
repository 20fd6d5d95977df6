"""Products of several pairs of matrices at once, the groups cut out of jagged matrices.

Room: eager. Loaded with `nn`. One product a group.
"""
from __future__ import annotations

from typing import Any

from .fused import fused

cat, stack = fused("cat"), fused("stack")
KINDS = ("torch.float32", "torch.bfloat16", "torch.float16")


def grouped_mm(mat_a: Any, mat_b: Any, *, offs: Any = None, bias: Any = None, out_dtype: Any = None) -> Any:
    """Products group by group; `offs` says where the groups of a matrix (in place of a batch of them) end.

    Two matrices are both cut along the inner size. Rows or columns behind the last group are zeros.
    Shape: (G, M, K), (G, K, N) -> (G, M, N); (sum M, K), (G, K, N) -> (sum M, N); (G, M, K), (K, sum N) -> (M, sum N);
    (M, sum K), (sum K, N) -> (G, M, N).
    Raises: RuntimeError for other dims or dtypes, or `offs` where it is not needed or missing.
    Source: PyTorch `grouped_mm`.

    >>> from stickonfire import ones, tensor
    >>> grouped_mm(ones(3, 2), ones(2, 2, 1) * tensor([1.0, 5.0]).reshape(2, 1, 1), offs=tensor([1, 3]))
    tensor([[ 2.],
            [10.],
            [10.]])
    """
    _check(mat_a, mat_b, offs)
    if offs is None:
        out = mat_a @ mat_b
    else:
        ends = offs.tolist()
        spans = list(zip([0, *ends[:-1]], ends))
        out = _jagged(mat_a, mat_b, spans)
    if bias is not None:
        out = out + bias
    return out if out_dtype is None else out.to(out_dtype)


def _jagged(a: Any, b: Any, spans: list[tuple[int, int]]) -> Any:
    if a.dim() == 2 and b.dim() == 2:
        return stack(tuple([a[:, start:end] @ b[start:end] for start, end in spans]))
    if a.dim() == 2:
        parts = [a[start:end] @ b[group] for group, (start, end) in enumerate(spans)]
        rest = a.new_zeros((a.shape[0] - spans[-1][1], b.shape[-1]))
        return cat((*parts, rest), 0)
    parts = [a[group] @ b[:, start:end] for group, (start, end) in enumerate(spans)]
    return cat((*parts, a.new_zeros((a.shape[-2], b.shape[-1] - spans[-1][1]))), 1)


def _check(a: Any, b: Any, offs: Any) -> None:
    for name, t in (("mat_a", a), ("mat_b", b)):
        if str(t.dtype) not in KINDS:
            raise RuntimeError(f"Expected {name} to be Float32, BFloat16 or Float16 matrix, got {t.dtype}")
        if t.dim() not in (2, 3):
            raise RuntimeError(f"{name} has to be 2 or 3d, got {t.dim()}d")
    if (offs is not None) != (a.dim() == 2 or b.dim() == 2):
        raise RuntimeError("Have to provide offsets if there is a 2d matrix, or no offset if both matrices are 3d; got "
                           f"{a.dim()}d and {b.dim()}d, offs {'missing' if offs is None else 'given'}")
    if a.shape[-1] != b.shape[-2]:
        raise RuntimeError(f"contraction dimension of mat_a and mat_b must match, got {list(a.shape)} and "
                           f"{list(b.shape)}")
