"""QR, eigenvalues, singular values, norms of matrices and what follows from them, as users call them.

The ops are in `ops/linalg_spectral.py`. Where no gradient is wanted, values alone are computed without the vectors.
"""
from __future__ import annotations

from math import inf, prod
from typing import Any

from ..core.dtypes import FLOATING
from ..core.shapes import normalize_dims
from ..core.state import modes
from .composite_reduce import run
from .composite_solve import eye_like, inv_ex, inverse, solve
from .outs import composed, results
from .publish import NAMESPACES
from .tensor import Tensor

vector_norm = NAMESPACES["linalg"]["vector_norm"]


def wants_gradient(t: Tensor) -> bool:
    return t.requires_grad and modes.grad


@composed
def linalg_qr(A: Tensor, mode: str = "reduced") -> Any:
    """Q with orthonormal columns and R upper triangular, A = Q R.

    Shape: (*, M, N) -> (*, M, K), (*, K, N).   Source: PyTorch `linalg.qr`.
    """
    return results("linalg_qr", "Q R", *run("qr", A, mode=mode))


@composed
def qr(input: Tensor, some: bool = True) -> Any:
    """The older name of `linalg.qr`. Source: PyTorch `qr`."""
    return results("qr", "Q R", *run("qr", input, mode="reduced" if some else "complete"))


@composed
def geqrf(input: Tensor) -> Any:
    """R and the reflectors that made it, for `ormqr` and `linalg.householder_product`.

    Shape: (*, M, N) -> (*, M, N), (*, min(M, N)).   Source: PyTorch `geqrf`, LAPACK geqrf.
    """
    return results("geqrf", "a tau", *run("householder_form", input))


def reflector(A: Tensor, i: int) -> Tensor:
    """The vector of the i-th reflector: zeros, a one, what is below the diagonal. Shape: (*, M, N) -> (*, M, 1)."""
    return A[..., i:i + 1].tril(-i - 1) + eye_like(A)[..., i:i + 1]


def reflected(A: Tensor, tau: Tensor, C: Tensor, order: Any) -> Tensor:
    """C multiplied from the left by reflectors 1 - tau v v^H, in the given order."""
    for i in order:
        v = reflector(A, i)
        C = C - tau[..., i, None, None] * v @ (v.mH @ C)
    return C


@composed
def householder_product(A: Tensor, tau: Tensor) -> Tensor:
    """The first columns of a product of reflectors, as `geqrf` gives them: Q of the QR decomposition.

    Shape: (*, M, N), (*, K) -> (*, M, N).   Raises: RuntimeError unless M >= N >= K.
    Source: `linalg.householder_product`.
    """
    if A.ndim < 2:
        raise RuntimeError("torch.linalg.householder_product: input must have at least 2 dimensions.")
    if not A.shape[-2] >= A.shape[-1] >= tau.shape[-1]:
        which = ("input.shape[-2] must be greater than or equal to input.shape[-1]" if A.shape[-2] < A.shape[-1] else
                 "input.shape[-1] must be greater than or equal to tau.shape[-1]")
        raise RuntimeError(f"torch.linalg.householder_product: {which}")
    if A.dtype is not tau.dtype:
        raise RuntimeError(f"torch.linalg.householder_product: tau dtype {tau.dtype} does not match input dtype "
                           f"{A.dtype}")
    if tuple(A.shape[:-2]) != tuple(tau.shape[:-1]):
        raise RuntimeError("torch.linalg.householder_product: Expected batch dimensions of tau to be equal to "
                           f"input.shape[:-2], but got {list(tau.shape[:-1])}")
    start = A.tril(-A.shape[-2]) + eye_like(A)              # zeros that know where they come from, and a diagonal
    return reflected(A, tau, start, reversed(range(tau.shape[-1])))


@composed
def ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False) -> Tensor:
    """The product of Q, given as reflectors, with another matrix: Q C, Q^H C, C Q or C Q^H.

    Shape: (*, M, K), (*, K), (*, M, N) -> (*, M, N).   Source: PyTorch `ormqr`.
    """
    if input.ndim < 2 or other.ndim < 2:
        raise RuntimeError("torch.ormqr: input and other must have at least 2 dimensions.")
    if other.shape[-2 if left else -1] != input.shape[-2]:
        raise RuntimeError(f"torch.ormqr: other.shape[{-2 if left else -1}] must be equal to input.shape[-2]")
    if input.shape[-2] < tau.shape[-1] or tau.shape[-1] > input.shape[-1]:
        raise RuntimeError("torch.ormqr: other.shape[-2] must be greater than or equal to tau.shape[-1]")
    if not left:
        return ormqr(input, tau, other.mH, True, not transpose).mH
    order = range(tau.shape[-1])
    return reflected(input, tau.conj() if transpose else tau, other, order if transpose else reversed(order))


@composed
def eigh(A: Tensor, UPLO: str = "L") -> Any:
    """Eigenvalues, ascending, and eigenvectors of a Hermitian matrix, of which one triangle is read.

    Shape: (*, N, N) -> (*, N), (*, N, N).   Source: PyTorch `linalg.eigh`.
    """
    return results("linalg_eigh", "eigenvalues eigenvectors", *run("eigh", A, uplo=UPLO))


@composed
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Eigenvalues of a Hermitian matrix, ascending. Shape: (*, N, N) -> (*, N).   Source: PyTorch `linalg.eigvalsh`."""
    return run("eigh", A, uplo=UPLO)[0] if wants_gradient(A) else run("eigvalsh", A, uplo=UPLO)


@composed
def eig(A: Tensor) -> Any:
    """Eigenvalues and eigenvectors, complex. Shape: (*, N, N) -> (*, N), (*, N, N).   Source: PyTorch `linalg.eig`."""
    return results("linalg_eig", "eigenvalues eigenvectors", *run("eig", A))


@composed
def eigvals(A: Tensor) -> Tensor:
    """Eigenvalues, complex. Shape: (*, N, N) -> (*, N).   Source: PyTorch `linalg.eigvals`."""
    return run("eig", A)[0] if wants_gradient(A) else run("eigvals", A)


def refuse_driver(driver: str | None) -> None:
    if driver is not None:
        raise RuntimeError("torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
                           "cuSOLVER backend.")


@composed
def linalg_svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """U, S and Vh with A = U diag(S) Vh, singular values in descending order.

    Shape: (*, M, N) -> (*, M, M or K), (*, K), (*, N or K, N).   Source: PyTorch `linalg.svd`.
    """
    refuse_driver(driver)
    return results("linalg_svd", "U S Vh", *run("svd", A, full_matrices=full_matrices))


@composed
def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """Singular values in descending order. Shape: (*, M, N) -> (*, min(M, N)).   Source: PyTorch `linalg.svdvals`."""
    refuse_driver(driver)
    return run("svd", A, full_matrices=False)[1] if wants_gradient(A) else run("svdvals", A)


@composed
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """U, S and V with input = U diag(S) V^H: the older form of `linalg.svd`. Source: PyTorch `svd`."""
    if not compute_uv:
        m, n = input.shape[-2:]
        batch = input.shape[:-2]
        return results("svd", "U S V", input.new_zeros(*batch, m, m), svdvals(input), input.new_zeros(*batch, n, n))
    u, s, vh = run("svd", input, full_matrices=not some)
    return results("svd", "U S V", u, s, vh.mH)


@composed
def pinv(A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """The pseudo-inverse of Moore and Penrose; singular values up to max(atol, rtol * largest) count as zero.

    Shape: (*, M, N) -> (*, N, M).   Source: PyTorch `linalg.pinv`.
    """
    if A.ndim < 2:
        raise RuntimeError(f"linalg.pinv: Expected a tensor with 2 or more dimensions. Got shape {list(A.shape)}")
    if 0 in A.shape:
        return A.mT.clone()
    return run("pinv", A, atol, rcond if rtol is None else rtol, hermitian=hermitian)


@composed
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The older name of `linalg.pinv`. Shape: (*, M, N) -> (*, N, M).   Source: PyTorch `pinverse`."""
    return pinv(input, rcond)


@composed
def matrix_rank(A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """How many singular values are above max(atol, rtol * largest).

    Shape: (*, M, N) -> (*), of int64.   Source: PyTorch `linalg.matrix_rank`.
    """
    if A.ndim < 2:
        raise RuntimeError("torch.linalg.matrix_rank: The input tensor input must have at least 2 dimensions.")
    return run("matrix_rank", A, *((atol, rtol) if tol is None else (tol, 0.0)), hermitian=hermitian)


DRIVERS = ("gelsy", "gels", "gelsd", "gelss")


@composed
def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """X that makes |A X - B| smallest; with residuals, rank and singular values where the driver has them.

    Shape: (*, M, N), (*, M, K) or (*, M) -> (*, N, K) or (*, N), ...   Source: PyTorch `linalg.lstsq`.
    """
    if driver is not None and driver not in DRIVERS:
        raise RuntimeError("torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss). Got "
                           f"{driver}")
    if A.ndim < 2 or B.ndim < 1:
        raise RuntimeError("torch.linalg.lstsq: input must have at least 2 dimensions, other at least 1.")
    vector = A.ndim - 1 == B.ndim
    if A.shape[-2] != B.shape[-1 if vector else -2]:
        raise RuntimeError("torch.linalg.lstsq: input.size(-2) should match other.size(-" + ("1)" if vector else "2)"))
    if A.dtype is not B.dtype:
        raise RuntimeError("torch.linalg.lstsq: Expected input and other to have the same dtype, but got input's dtype "
                           f"{A.dtype} and other's dtype {B.dtype}")
    driver = driver or "gelsy"
    m, n = A.shape[-2:]
    right = B.unsqueeze(-1) if vector else B
    x = pinv(A, rtol=0.0 if driver == "gels" else rcond) @ right
    values, rank = svdvals(A.detach()), matrix_rank(A, rtol=rcond)
    residuals = x.real.reshape(-1)[:0]
    if m > n and driver != "gelsy" and bool((rank == n).all()):
        residuals = ((A @ x - right).abs() ** 2).sum(-2)
    return results("linalg_lstsq", "solution residuals rank singular_values", x.squeeze(-1) if vector else x, residuals,
                   rank.new_empty(0) if driver == "gels" else rank,
                   values if driver in ("gelsd", "gelss") else values.new_empty(0))


@composed
def matrix_power(A: Tensor, n: int) -> Tensor:
    """A multiplied n times with itself, by repeated squaring; a negative n takes the inverse.

    Shape: (*, N, N) -> (*, N, N).   Source: PyTorch `linalg.matrix_power`.
    """
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise RuntimeError("linalg.matrix_power: A must be batches of square matrices, but they are "
                           f"{' by '.join(map(str, A.shape[-2:]))} matrices")
    if n == 0:
        return A.tril(-A.shape[-1]) + eye_like(A)           # zeros that know where they come from
    square = inverse(A) if n < 0 else A.clone()
    n = abs(n)
    while n % 2 == 0:
        square, n = square @ square, n // 2
    result = square
    while n := n // 2:
        square = square @ square
        if n % 2:
            result = result @ square
    return result


@composed
def matrix_norm(A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *,
                dtype: Any = None) -> Tensor:
    """A norm of matrices: "fro", "nuc", 2 and -2 (singular values), 1, -1, inf and -inf (sums of columns or rows).

    Shape: (*, M, N) -> (*).   Source: PyTorch `linalg.matrix_norm`.
    """
    if A.ndim < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions. Got "
                           f"{list(A.shape)}")
    if A.dtype.category < FLOATING:
        raise RuntimeError("linalg.matrix_norm: Expected a floating point or complex tensor as input. Got "
                           f"{A.dtype.name.capitalize()}")
    dims = normalize_dims(dim, A.ndim)
    if len(dims) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {dim}")
    if dtype is not None:
        A = A.to(dtype)
    if ord == "fro":
        return vector_norm(A, 2, dims, keepdim)
    if ord in (1, -1, inf, -inf):
        inner, outer = dims if abs(ord) == 1 else dims[::-1]
        sums = vector_norm(A, 1, inner, True)
        result = sums.amax(outer, True) if ord > 0 else sums.amin(outer, True)
    elif ord in (2, -2, "nuc"):
        values = svdvals(A.movedim(dims, (-2, -1)))
        result = values.sum(-1) if ord == "nuc" else values.amax(-1) if ord > 0 else values.amin(-1)
        for d in sorted(dims):
            result = result.unsqueeze(d)
    else:
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    return result if keepdim else result.squeeze(dims)


@composed
def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """A norm of vectors (one dim) or matrices (two dims); without `ord` the root of the sum of squares of any dims.

    Shape: (*) -> (* without dims).   Source: PyTorch `linalg.norm`.
    """
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if dim is None and A.ndim not in (1, 2):
        raise RuntimeError("linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                           f"{A.ndim}D.")
    dims = tuple(range(A.ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if len(dims) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}")
    if len(dims) == 2:
        return matrix_norm(A, ord, dims, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {list(dims)}. '{ord}' is a norm of "
                           "matrices")
    return vector_norm(A, ord, dims, keepdim, dtype=dtype)


@composed
def cond(A: Tensor, p: Any = None) -> Tensor:
    """The condition number |A| |A^-1|.

    Shape: (*, N, N) -> (*); also (*, M, N) for 2 and -2.   Source: PyTorch `linalg.cond`.
    """
    if A.ndim < 2:
        raise RuntimeError(f"linalg.cond: The input tensor A must have at least 2 dimensions. Got {list(A.shape)}")
    if p in (None, 2, -2):
        values = svdvals(A)
        if values.shape[-1] == 0:
            return values.sum(-1)
        return values[..., -1] / values[..., 0] if p == -2 else values[..., 0] / values[..., -1]
    if A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f"linalg.cond: A must be batches of square matrices, but they are {A.shape[-2]} by "
                           f"{A.shape[-1]} matrices")
    other, info = inv_ex(A)
    product = matrix_norm(A, p) * matrix_norm(run("where", (info != 0)[..., None, None], other.new_zeros(()), other), p)
    return run("where", info != 0, product.new_full((), inf), product)


@composed
def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse with respect to `tensordot(A, B, ind)`.

    Shape: (*I, *J) -> (*J, *I).   Source: PyTorch `linalg.tensorinv`.
    """
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    left, right = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    if prod(left) != prod(right):
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), "
                           f"but got {prod(right)} != {prod(left)}")
    return inverse(A.reshape(prod(left), prod(right))).reshape(*right, *left)


@composed
def tensorsolve(A: Tensor, B: Tensor, dims: Any = None) -> Tensor:
    """X of tensordot(A, X) = B. Shape: (*J, *I), (*J) -> (*I).   Source: PyTorch `linalg.tensorsolve`."""
    if dims is not None:
        moved = [d % A.ndim for d in dims]
        A = A.permute([d for d in range(A.ndim) if d not in moved] + moved)
    shape = tuple(A.shape[B.ndim:])
    if prod(shape) != prod(A.shape[:B.ndim]):
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
                           f"prod(self.shape[:other.ndim]), but got {prod(shape)} != {prod(A.shape[:B.ndim])}")
    return solve(A.reshape(-1, prod(shape)), B.reshape(-1)).reshape(shape)


@composed
def linalg_vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Powers 0 to N - 1 of each element. Shape: (*, n) -> (*, n, N).   Source: PyTorch `linalg.vander`."""
    x = x.unsqueeze(-1) if x.ndim == 0 else x
    n = x.shape[-1] if N is None else N
    if n <= 1 and N is not None:
        raise RuntimeError("N must be greater than 1.")
    whole = x if x.dtype.category >= FLOATING else x.long()
    powers = whole.unsqueeze(-1).expand(*x.shape, n - 1).cumprod(-1)
    return NAMESPACES["stickonfire"]["cat"]((whole.new_ones(*x.shape, 1), powers), -1)


@composed
def linalg_diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of the last two dims. Shape: (*, M, N) -> (*, K).   Source: PyTorch `linalg.diagonal`."""
    return A.diagonal(offset, dim1, dim2)


FUNCTIONS = (qr, geqrf, ormqr, svd, pinverse, matrix_power)
METHODS = {f.__name__: f for f in FUNCTIONS}
ALIASES = {"orgqr": householder_product}
METHODS["orgqr"] = householder_product
LINALG = {"qr": linalg_qr, "householder_product": householder_product, "eigh": eigh, "eigvalsh": eigvalsh, "eig": eig,
          "eigvals": eigvals, "svd": linalg_svd, "svdvals": svdvals, "pinv": pinv, "matrix_rank": matrix_rank,
          "lstsq": lstsq, "matrix_power": matrix_power, "matrix_norm": matrix_norm, "norm": norm, "cond": cond,
          "tensorinv": tensorinv, "tensorsolve": tensorsolve, "vander": linalg_vander, "diagonal": linalg_diagonal}
