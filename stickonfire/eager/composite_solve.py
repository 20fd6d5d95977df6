"""Linear equations as users call them: errors for singular matrices, vectors on the right, PyTorch's older names.

The ops are in `ops/linalg.py`; what is made of eigenvalues and singular values in `composite_spectral.py`.
"""
from __future__ import annotations

from typing import Any

from ..core.errors import LinAlgError
from .composite_reduce import run
from .namespace import ones_like
from .outs import composed, results
from .tensor import Tensor


def check(info: Tensor, name: str, text: str) -> None:
    """Raises for the first matrix of a batch whose algorithm broke down.

    Raises: LinAlgError with the text, {} in it replaced by where.
    """
    places = info._array.reshape(-1)                # under vmap the whole batch's
    if not places.any():
        return
    first = int(places.nonzero()[0][0])
    batch = f"(Batch element {first}): " if info.ndim else ""
    raise LinAlgError(f"{name}: {batch}" + text.format(int(places[first])))


SINGULAR = "The diagonal element {} is zero, the inversion could not be completed because the input matrix is singular."
INDEFINITE = ("The factorization could not be completed because the input is not positive-definite (the leading minor "
              "of order {} is not positive-definite).")


@composed
def inv_ex(A: Tensor, *, check_errors: bool = False) -> Any:
    """The inverse, and for each matrix 0 or the (1-based) place of a zero pivot.

    Shape: (*, N, N) -> (*, N, N), (*).   Source: PyTorch `linalg.inv_ex`.
    """
    inverse, info = run("inverse_info", A)
    if check_errors:
        check(info, "linalg.inv_ex", SINGULAR)
    return results("linalg_inv_ex", "inverse info", inverse, info)


@composed
def inverse(A: Tensor) -> Tensor:
    """The inverse matrix.

    Shape: (*, N, N) -> (*, N, N).   Raises: LinAlgError for a singular matrix.   Source: PyTorch `linalg.inv`.

    >>> import stickonfire as torch
    >>> torch.linalg.inv(torch.tensor([[2., 0.], [0., 4.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    result, info = run("inverse_info", A)
    check(info, "linalg.inv", SINGULAR)
    return result


def is_vector(A: Tensor, B: Tensor) -> bool:
    """Whether a right-hand side is a vector, or a batch of them."""
    return B.ndim == 1 or (A.ndim - 1 == B.ndim and tuple(A.shape[:-1]) == tuple(B.shape))


def solved(A: Tensor, B: Tensor, left: bool) -> tuple[Tensor, Tensor]:
    if left and is_vector(A, B):
        return run("solve_info", A, B, vector=True)
    if B.ndim < 2:
        raise RuntimeError("linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. "
                           "In this case linalg.solve is equivalent to B / A.squeeze(-1)")
    if left:
        return run("solve_info", A, B)
    x, info = run("solve_info", A.mT, B.mT)
    return x.mT, info


@composed
def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """X of A X = B (or X A = B), and for each matrix 0 or the place of a zero pivot.

    Shape: (*, N, N), (*, N, K) or (*, N) -> as B, (*).   Source: PyTorch `linalg.solve_ex`.
    """
    x, info = solved(A, B, left)
    if check_errors:
        check(info, "torch.linalg.solve_ex", "The solver failed because the input matrix is singular.")
    return results("linalg_solve_ex", "result info", x, info)


@composed
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """X of A X = B, or of X A = B.

    Shape: (*, N, N), (*, N, K) or (*, N) -> as B.   Raises: LinAlgError for a singular matrix.
    Source: PyTorch `linalg.solve`.

    >>> import stickonfire as torch
    >>> torch.linalg.solve(torch.tensor([[2., 1.], [0., 4.]]), torch.tensor([4., 8.]))
    tensor([1., 2.])
    """
    x, info = solved(A, B, left)
    check(info, "torch.linalg.solve", "The solver failed because the input matrix is singular.")
    return x


@composed
def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """X of A X = B (or X A = B), reading one triangle of A.

    Shape: (*, N, N), (*, N, K) -> (*, N, K).   Source: PyTorch `linalg.solve_triangular`.
    """
    return run("solve_triangular", A, B, upper=upper, left=left, unitriangular=unitriangular)


@composed
def triangular_solve(b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False,
                     unitriangular: bool = False) -> Any:
    """X of A X = b for a triangular A, and a copy of A.

    Shape: (*, N, K), (*, N, N) -> (*, N, K), (*, N, N).   Source: PyTorch `triangular_solve`.
    """
    matrix = A.mT if transpose else A
    x = run("solve_triangular", matrix, b, upper=upper != transpose, unitriangular=unitriangular)
    return results("triangular_solve", "solution cloned_coefficient", x, A.clone().expand(*x.shape[:-2], *A.shape[-2:]))


def factor(A: Tensor, upper: bool) -> tuple[Tensor, Tensor]:
    """The Cholesky factor, from the triangle that is to be read."""
    lower, info = run("cholesky_info", A.mH if upper else A)
    return (lower.mH if upper else lower), info


@composed
def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """L of A = L L^H, and for each matrix 0 or the order of the first leading minor that is not positive-definite.

    Shape: (*, N, N) -> (*, N, N), (*).   Source: PyTorch `linalg.cholesky_ex`.
    """
    result, info = factor(A, upper)
    if check_errors:
        check(info, "linalg.cholesky_ex", INDEFINITE)
    return results("linalg_cholesky_ex", "L info", result, info)


@composed
def linalg_cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """L, lower triangular, of A = L L^H; or its transpose.

    Shape: (*, N, N) -> (*, N, N).   Raises: LinAlgError unless positive-definite.   Source: PyTorch `linalg.cholesky`.

    >>> import stickonfire as torch
    >>> torch.linalg.cholesky(torch.tensor([[4., 2.], [2., 5.]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    result, info = factor(A, upper)
    check(info, "linalg.cholesky", INDEFINITE)
    return result


@composed
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """The older name of `linalg.cholesky`. Shape: (*, N, N) -> (*, N, N).   Source: PyTorch `cholesky`."""
    result, info = factor(input, upper)
    check(info, "cholesky", INDEFINITE)
    return result


@composed
def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """X of A X = B from the Cholesky factor of A.

    Shape: (*, N, K), (*, N, N) -> (*, N, K).   Source: `cholesky_solve`.
    """
    if B.ndim < 2 or L.ndim < 2:
        raise RuntimeError(f"b should have at least 2 dimensions, but has {B.ndim} dimensions instead. In "
                           f"cholesky_solve(): {list(B.shape)}, {list(L.shape)}")
    first = run("solve_triangular", L.mH if upper else L, B, upper=False)
    return run("solve_triangular", L if upper else L.mH, first, upper=True)


@composed
def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """The inverse of a matrix from its Cholesky factor. Shape: (*, N, N) -> (*, N, N).   Source: `cholesky_inverse`."""
    if L.ndim < 2 or L.shape[-1] != L.shape[-2]:
        raise RuntimeError("cholesky_inverse: A must be batches of square matrices, but they are of shape "
                           f"{list(L.shape)}")
    return cholesky_solve(eye_like(L), L, upper)


def eye_like(matrix: Tensor) -> Tensor:
    """Unit matrices in the shape and dtype of others."""
    return ones_like(matrix).triu().tril()


def pivoted(pivot: bool) -> None:
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")


@composed
def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """L and U in one matrix, the rows swapped (1-based), and 0 or the place of a zero pivot.

    Shape: (*, M, N) -> (*, M, N), (*, min(M, N)), (*).   Source: PyTorch `linalg.lu_factor_ex`.
    """
    pivoted(pivot)
    packed, pivots, info = run("lu_packed", A)
    if check_errors:
        check(info, "torch.linalg.lu_factor_ex", ZERO_PIVOT)
    return results("linalg_lu_factor_ex", "LU pivots info", packed, pivots, info)


ZERO_PIVOT = ("U[{0},{0}] is zero and using it on lu_solve would result in a division by zero. If you still want to "
              "perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)")


@composed
def lu_factor(A: Tensor, *, pivot: bool = True) -> Any:
    """L and U in one matrix, and the rows swapped (1-based).

    Shape: (*, M, N) -> (*, M, N), (*, min(M, N)).   Raises: RuntimeError for a zero pivot.
    Source: `linalg.lu_factor`.
    """
    pivoted(pivot)
    packed, pivots, info = run("lu_packed", A)
    check(info, "torch.linalg.lu_factor", ZERO_PIVOT)
    return results("linalg_lu_factor", "LU pivots", packed, pivots)


@composed
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False) -> Any:
    """The older name of `linalg.lu_factor`, which raises nothing. Source: PyTorch `lu`."""
    pivoted(pivot)
    packed, pivots, info = run("lu_packed", A)
    return results("_lu_with_info", "LU pivots info", packed, pivots, info) if get_infos else (packed, pivots)


def parts(packed: Tensor) -> tuple[Tensor, Tensor]:
    """L and U from one matrix."""
    m, n = packed.shape[-2:]
    left, right = (packed[..., :m] if n > m else packed), (packed[..., :n, :] if m > n else packed)
    return left.tril(-1) + eye_like(left), right.triu()


def permutation(pivots: Tensor, rows: int, like: Tensor) -> Tensor:
    """P of A = P L U."""
    order = run("row_order", pivots, rows=rows)
    return eye_like(like.new_empty(rows, rows))[order].mT.contiguous()


@composed
def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True) -> Any:
    """P, L and U from what `lu_factor` gives.

    Shape: (*, M, N), (*, K) -> (*, M, M), (*, M, K), (*, K, N).   Source: PyTorch `lu_unpack`.
    """
    if unpack_pivots and LU_pivots.dtype.name != "int32":
        raise RuntimeError("torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype. "
                           "Note: this "
                           "function is intended to be used with the output produced by torch.linalg.lu_factor")
    empty = LU_data.new_empty(0)
    lower, upper = parts(LU_data) if unpack_data else (empty, empty)
    p = permutation(LU_pivots, LU_data.shape[-2], LU_data.detach()) if unpack_pivots else empty
    return results("lu_unpack", "P L U", p, lower, upper)


@composed
def linalg_lu(A: Tensor, *, pivot: bool = True) -> Any:
    """P, L and U with A = P L U. Shape: (*, M, N) -> (*, M, M), (*, M, K), (*, K, N).   Source: PyTorch `linalg.lu`."""
    pivoted(pivot)
    packed, pivots, _ = run("lu_packed", A)
    return results("linalg_lu", "P L U", permutation(pivots, A.shape[-2], A.detach()), *parts(packed))


def rows_in_order(B: Tensor, order: Tensor) -> Tensor:
    return B.gather(-2, order.unsqueeze(-1).expand(B.shape))


@composed
def linalg_lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """X of A X = B (X A = B; A^H for A if adjoint) from what `lu_factor` gives.

    Shape: (*, N, N), (*, N), (*, N, K) -> (*, N, K).   Source: PyTorch `linalg.lu_solve`.
    """
    if not left:
        return linalg_lu_solve(LU, pivots, B.mH, adjoint=not adjoint).mH
    n = LU.shape[-1]
    if not adjoint:
        first = run("solve_triangular", LU, broadcast_rows(B, LU, pivots, False), upper=False, unitriangular=True)
        return run("solve_triangular", LU, first, upper=True)
    first = run("solve_triangular", LU.mH, B, upper=False)
    second = run("solve_triangular", LU.mH, first, upper=True, unitriangular=True)
    order = run("row_order", pivots, rows=n, inverse=True)
    return rows_in_order(second, order)


def broadcast_rows(B: Tensor, LU: Tensor, pivots: Tensor, inverse: bool) -> Tensor:
    """P^T B, the batches of both broadcast."""
    order = run("row_order", pivots, rows=LU.shape[-1], inverse=inverse)
    zero = B.new_zeros(())
    batch = (zero.expand(*LU.shape[:-2], 1, 1) + zero.expand(*B.shape[:-2], 1, 1)).shape[:-2]
    return rows_in_order(B.expand(*batch, *B.shape[-2:]), order)


@composed
def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """The older name of `linalg.lu_solve`, with other places of arguments. Source: PyTorch `lu_solve`."""
    return linalg_lu_solve(LU_data, LU_pivots, b)


@composed
def det(A: Tensor) -> Tensor:
    """The determinant. Shape: (*, N, N) -> (*).   Source: PyTorch `linalg.det`.

    >>> import stickonfire as torch
    >>> torch.det(torch.tensor([[2., 1.], [0., 4.]]))
    tensor(8.)
    """
    return run("det", A)


@composed
def linalg_slogdet(A: Tensor) -> Any:
    """Sign of the determinant, and logarithm of its size.

    Shape: (*, N, N) -> (*), (*).   Source: PyTorch `linalg.slogdet`.
    """
    return results("linalg_slogdet", "sign logabsdet", *run("slogdet", A))


@composed
def slogdet(input: Tensor) -> Any:
    """The older name of `linalg.slogdet`. Shape: (*, N, N) -> (*), (*).   Source: PyTorch `slogdet`."""
    return results("slogdet", "sign logabsdet", *run("slogdet", input))


@composed
def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant; NaN where that is negative.

    Shape: (*, N, N) -> (*).   Source: PyTorch `logdet`.
    """
    sign, size = run("slogdet", input)
    if input.is_complex():
        return sign.log() + size
    return run("where", sign.detach() == -1, ones_like(size) * float("nan"), size)


@composed
def matrix_exp(A: Tensor) -> Tensor:
    """1 + A + A^2 / 2! + A^3 / 3! + ... Shape: (*, N, N) -> (*, N, N).   Source: PyTorch `linalg.matrix_exp`."""
    return run("matrix_exp", A)


@composed
def ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False) -> Any:
    """L and D of A = L D L^T in one matrix, the pivots, and 0 or the place of a zero in D.

    Shape: (*, N, N) -> (*, N, N), (*, N), (*).   Source: PyTorch `linalg.ldl_factor_ex`.
    """
    packed, pivots, info = run("ldl_packed", A, hermitian=hermitian)
    if check_errors:
        check(info, "torch.linalg.ldl_factor_ex", SINGULAR_D)
    return results("linalg_ldl_factor_ex", "LD pivots info", packed, pivots, info)


SINGULAR_D = ("D[{0},{0}] is zero and using it on ldl_solve would result in a division by zero. If you still want to "
              "perform the factorization, consider calling ldl_factor_ex")


@composed
def ldl_factor(A: Tensor, *, hermitian: bool = False) -> Any:
    """L and D of A = L D L^T in one matrix, and the pivots. Shape: (*, N, N) -> (*, N, N), (*, N).

    Source: PyTorch `linalg.ldl_factor`.
    """
    packed, pivots, info = run("ldl_packed", A, hermitian=hermitian)
    check(info, "torch.linalg.ldl_factor", SINGULAR_D)
    return results("linalg_ldl_factor", "LD pivots", packed, pivots)


@composed
def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """X of A X = B from what `ldl_factor` gives.

    Shape: (*, N, N), (*, N), (*, N, K) -> (*, N, K).   Source: `linalg.ldl_solve`.
    """
    return run("ldl_solve", LD, pivots, B, hermitian=hermitian)


FUNCTIONS = (inverse, triangular_solve, cholesky, cholesky_solve, cholesky_inverse, lu, lu_unpack, lu_solve, det,
             slogdet, logdet, matrix_exp)
METHODS = {f.__name__: f for f in FUNCTIONS if f is not lu_unpack}
LINALG = {"inv_ex": inv_ex, "inv": inverse, "solve_ex": solve_ex, "solve": solve, "solve_triangular": solve_triangular,
          "cholesky_ex": cholesky_ex, "cholesky": linalg_cholesky, "lu_factor_ex": lu_factor_ex, "lu_factor": lu_factor,
          "lu": linalg_lu, "lu_solve": linalg_lu_solve, "det": det, "slogdet": linalg_slogdet, "matrix_exp": matrix_exp,
          "ldl_factor_ex": ldl_factor_ex, "ldl_factor": ldl_factor, "ldl_solve": ldl_solve}
