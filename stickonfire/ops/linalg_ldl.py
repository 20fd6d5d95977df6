"""The LDL factorisation of symmetric or Hermitian matrices, and solving with it. PyTorch has no gradients of them."""
from __future__ import annotations

from .linalg import check_matrix
from .op import op


@op(opmath=False, differentiable=False)
def ldl_packed(xp, a, hermitian: bool = False):
    """L and D in one array, the pivots, and where D is singular. Shape: (*, N, N) -> (*, N, N), (*, N), (*).

    Source: PyTorch `linalg.ldl_factor_ex`.
    """
    check_matrix(xp, "torch.linalg.ldl_factor_ex", a)
    return xp.ldl_packed(a, hermitian)


@op(opmath=False, grad_name="LinalgLdlSolveBackward0")
def ldl_solve(xp, packed, pivots, b, hermitian: bool = False):
    """X of A X = b from an LDL factorisation.

    Shape: (*, N, N), (*, N), (*, N, K) -> (*, N, K).   Source: `linalg.ldl_solve`.
    """
    check_matrix(xp, "torch.linalg.ldl_solve", packed)
    if b.ndim < 2 or b.shape[-2] != packed.shape[-1]:
        raise RuntimeError("linalg.ldl_solve: Incompatible shapes of A and B for the equation AX = B "
                           f"({packed.shape[-2]}x{packed.shape[-1]} and {'x'.join(map(str, b.shape[-2:]))})")
    return xp.ldl_solve(packed, pivots, b, hermitian)
