"""Decompositions into orthogonal and diagonal factors: QR, eigenvalues, singular values, the pseudo-inverse.

An op has the name and the signature of the kernel it calls, so that rules find both in `xp`.
`eager/composite_spectral.py` has PyTorch's functions. Sources: Walter and Lehmann, Algorithmic differentiation of
linear algebra functions (2010), also for complex QR; Giles, Collected matrix derivative results (2008); Boeddeker
et al., On the computation of complex-valued gradients (2017), for `eig`; Wan and Zhang, Automatic differentiation
for complex valued SVD (2019); Golub and Pereyra, The differentiation of pseudo-inverses (1973).
"""
from __future__ import annotations

from ..core.dtypes import COMPLEX
from ..core.limits import finfo
from .linalg import check_matrix, identity
from .matmul import adjoint
from .op import op


@op(opmath=False, grad_name="LinalgQrBackward0")
def qr(xp, a, mode: str = "reduced"):
    """Q with orthonormal columns and R upper triangular, Q R = a.

    Shape: (*, M, N) -> (*, M, K), (*, K, N), K = min(M, N) or M ("complete").   Source: PyTorch `linalg.qr`.
    """
    check_matrix(xp, "linalg.qr", a, square=False)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or "
                           "'complete'")
    return xp.qr(a, mode)


@qr.gradient("a")
def _(xp, g, outs, mode):
    q, r = outs
    if mode == "r":
        raise RuntimeError("The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
                           "linalg.qr(A, mode='reduced') if you are going to backpropagate through linalg.qr.")
    m, n = q.shape[-2], r.shape[-1]
    if mode == "complete" and m > n:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols. Use "
                           "'reduced'")
    if m >= n:
        return qr_rule(xp, g[0], g[1], q, r)
    to_rest = g[1][..., m:]                 # a = [A1, A2]: Q and R1 come from A1, and R2 = Q^H A2
    to_q = g[0] + xp.product(xp.product(q, r[..., m:]), adjoint(xp, to_rest))
    return xp.concatenate([qr_rule(xp, to_q, g[1][..., :m], q, r[..., :m]), xp.product(q, to_rest)], -1)


def qr_rule(xp, to_q, to_r, q, r):
    """[Q (C - Q^H Gq) + Gq] R^-H, where C = Gr R^H + tril(N - N^H, -1) + i Im diag N, N = Q^H Gq - Gr R^H."""
    right = xp.product(xp.triu(to_r), adjoint(xp, r))
    left = xp.product(adjoint(xp, q), to_q)
    skew = left - right
    inner = right + xp.tril(skew - adjoint(xp, skew), -1) - left
    if xp.dtype_of(q).category == COMPLEX:
        inner = inner + diagonal_part(xp, skew - xp.conj(skew)) * 0.5
    return xp.solve_triangular(adjoint(xp, r), xp.product(q, inner) + to_q, False, False)


def diagonal_part(xp, a):
    """A matrix with everything off the diagonal set to zero."""
    return xp.tril(xp.triu(a))


def differences(xp, values):
    """E[i, j] = values[j] - values[i], with ones on the diagonal."""
    e = xp.expand_dims(values, -2) - xp.expand_dims(values, -1)
    return e + identity(xp, e)


def columns_times(xp, matrix, values):
    """matrix @ diag(values)."""
    return matrix * xp.expand_dims(values, -2)


def check_gauge(xp, name, what, phases):
    """Vectors are only determined up to a phase: a loss that depends on it has no gradient."""
    off = xp.abs(xp.imag(diagonal_part(xp, phases)))
    if xp.any(off > 1e-2 * (1 + xp.abs(diagonal_part(xp, phases)))):
        raise RuntimeError(f"{name}: The {what} in the complex case are specified up to multiplication by e^{{i phi}}. "
                           "The specified loss function depends on this quantity, so it is ill-defined.")


@op(opmath=False, grad_name="LinalgEighBackward0")
def eigh(xp, a, uplo: str = "L"):
    """Eigenvalues, ascending, and eigenvectors of Hermitian matrices.

    Shape: (*, N, N) -> (*, N), (*, N, N).   Source: PyTorch `linalg.eigh`.
    """
    check_matrix(xp, "linalg.eigh", a)
    return xp.eigh(a, checked_triangle("eigh", uplo))


def checked_triangle(name, uplo):
    if not isinstance(uplo, str) or uplo.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {uplo}. In linalg.{name}()")
    return uplo.upper()


@eigh.gradient("a")
def _(xp, g, outs):
    """V (diag(Gw) + V^H Gv / E) V^H (Giles, section 3.1)."""
    values, vectors = outs
    turned = adjoint(xp, vectors)
    inner = xp.product(turned, g[1])
    if xp.dtype_of(vectors).category == COMPLEX:
        check_gauge(xp, "linalg_eigh_backward", "eigenvectors", inner)
    off = (inner - diagonal_part(xp, inner)) / differences(xp, values)
    return xp.product(xp.product(vectors, off), turned) + xp.product(columns_times(xp, vectors, xp.real(g[0])), turned)


@op(opmath=False, differentiable=False)
def eigvalsh(xp, a, uplo: str = "L"):
    """Eigenvalues of Hermitian matrices, ascending, where no gradient is wanted. Shape: (*, N, N) -> (*, N).

    Source: PyTorch `linalg.eigvalsh`.
    """
    check_matrix(xp, "linalg.eigh", a)
    return xp.eigvalsh(a, checked_triangle("eigvalsh", uplo))


@op(opmath=False, grad_name="LinalgEigBackward0")
def eig(xp, a):
    """Eigenvalues and eigenvectors, complex. Shape: (*, N, N) -> (*, N), (*, N, N).   Source: PyTorch `linalg.eig`."""
    check_matrix(xp, "linalg.eig", a)
    return xp.eig(a)


@eig.gradient("a")
def _(xp, g, outs, a_dtype):
    """V^-H (diag(Gw) + (V^H Gv - V^H V diag(Re V^H Gv)) / conj(E)) V^H (Boeddeker et al., equation 4.77)."""
    values, vectors = outs
    turned = adjoint(xp, vectors)
    inner = xp.product(turned, g[1])
    check_gauge(xp, "linalg_eig_backward", "eigenvectors", inner)
    along = diagonal_part(xp, inner)
    inner = inner - xp.product(xp.product(turned, vectors), xp.real(along) + 0j)
    off = (inner - diagonal_part(xp, inner)) / xp.conj(differences(xp, values))
    middle = off + identity(xp, off) * xp.expand_dims(g[0], -2)
    out = xp.solve_info(turned, xp.product(middle, turned))[0]
    return out if a_dtype.category == COMPLEX else xp.real(out)


@op(opmath=False, differentiable=False)
def eigvals(xp, a):
    """Eigenvalues, complex, where no gradient is wanted.

    Shape: (*, N, N) -> (*, N).   Source: PyTorch `linalg.eigvals`.
    """
    check_matrix(xp, "linalg.eig", a)
    return xp.eigvals(a)


@op(opmath=False, grad_name="LinalgSvdBackward0")
def svd(xp, a, full_matrices: bool = True):
    """U, S and V^H: a = U diag(S) V^H, singular values in descending order.

    Shape: (*, M, N) -> (*, M, K), (*, K), (*, K, N), with M and N for K in U and V^H if full.
    Source: PyTorch `linalg.svd`.
    """
    check_matrix(xp, "linalg.svd", a, square=False)
    return xp.svd(a, full_matrices)


@svd.gradient("a")
def _(xp, g, outs):
    """Wan and Zhang, equation 19; the parts of U and V that complete a basis have no gradient."""
    k = outs[1].shape[-1]
    u, s, vh = outs[0][..., :k], outs[1], outs[2][..., :k, :]
    to_u, to_s, to_v = g[0][..., :k], xp.real(g[1]), adjoint(xp, g[2][..., :k, :])
    v, uh = adjoint(xp, vh), adjoint(xp, u)
    of_u, of_v = xp.product(uh, to_u), xp.product(vh, to_v)
    skew_u, skew_v = of_u - adjoint(xp, of_u), of_v - adjoint(xp, of_v)
    e = differences(xp, s * s)
    inner = columns_times(xp, skew_u / e, s) + xp.expand_dims(s, -1) * (skew_v / e)
    inner = inner - diagonal_part(xp, inner) + identity(xp, inner) * xp.expand_dims(to_s, -2)
    if xp.dtype_of(u).category == COMPLEX:
        check_gauge(xp, "svd_backward", "singular vectors", skew_u + skew_v)
        inner = inner + diagonal_part(xp, skew_u) / (2 * xp.expand_dims(s, -2))
    out = xp.product(xp.product(u, inner), vh)
    if u.shape[-2] > k:
        rest = columns_times(xp, to_u - xp.product(u, of_u), 1 / s)
        out = out + xp.product(rest, vh)
    if v.shape[-2] > k:
        rest = columns_times(xp, to_v - xp.product(v, of_v), 1 / s)
        out = out + xp.product(u, adjoint(xp, rest))
    return out


@op(opmath=False, differentiable=False)
def svdvals(xp, a):
    """Singular values, where no gradient is wanted.

    Shape: (*, M, N) -> (*, min(M, N)).   Source: PyTorch `linalg.svdvals`.
    """
    check_matrix(xp, "linalg.svd", a, square=False)
    return xp.svdvals(a)


@op(opmath=False, scalars=True, grad_name="LinalgPinvBackward0")
def pinv(xp, a, atol=None, rtol=None, hermitian: bool = False):
    """The pseudo-inverse, singular values up to max(atol, rtol * largest) counted as zero.

    Shape: (*, M, N) -> (*, N, M).   Source: PyTorch `linalg.pinv`.
    """
    check_matrix(xp, "linalg.pinv", a, square=hermitian)
    if hermitian:
        s, u = xp.eigh(a, "L")
        vh = adjoint(xp, u)
    else:
        u, s, vh = xp.svd(a, False)
    size = xp.abs(s)
    large = size > xp.expand_dims(threshold(xp, a, xp.maximum.reduce(size, axis=-1), atol, rtol), -1)
    inverse = xp.where(large, 1 / xp.where(large, s, xp.ones_like(s)), xp.zeros_like(s))
    return xp.product(columns_times(xp, adjoint(xp, vh), inverse), adjoint(xp, u))


def threshold(xp, a, largest, atol, rtol):
    """Up to where a singular value counts as zero: max(atol, rtol * the largest one)."""
    if rtol is None:
        absolute = atol is not None and xp.any(xp.asarray(atol) > 0)
        rtol = 0.0 if absolute else max(a.shape[-2:]) * finfo(xp.dtype_of(a)).eps
    relative = largest * rtol
    return relative if atol is None else xp.maximum(relative, xp.cast(xp.asarray(atol), xp.dtype_of(largest)))


@op(opmath=False, scalars=True, differentiable=False)
def matrix_rank(xp, a, atol=None, rtol=None, hermitian: bool = False):
    """How many singular values are above max(atol, rtol * largest).

    Shape: (*, M, N) -> (*).   Source: `linalg.matrix_rank`.
    """
    check_matrix(xp, "linalg.matrix_rank", a, square=hermitian)
    if 0 in a.shape[-2:]:
        return xp.zeros(a.shape[:-2], int)
    size = xp.abs(xp.eigvalsh(a, "L")) if hermitian else xp.svdvals(a)
    least = threshold(xp, a, xp.maximum.reduce(size, axis=-1), atol, rtol)
    return xp.add.reduce(size > xp.expand_dims(least, -1), axis=-1, dtype=int)


@pinv.gradient("a")
def _(xp, g, a, out):
    """-P^H G P^H + (1 - A P) G^H P P^H + P^H P G^H (1 - P A), P the pseudo-inverse (Golub and Pereyra, 4.12)."""
    p, ph, gh = out, adjoint(xp, out), adjoint(xp, g)
    first, second = xp.product(gh, xp.product(p, ph)), xp.product(xp.product(ph, p), gh)
    return (first - xp.product(a, xp.product(p, first)) + second - xp.product(xp.product(second, p), a)
            - xp.product(ph, xp.product(g, ph)))


@op(opmath=False)
def householder_form(xp, input):
    """R and the reflectors that made it, as LAPACK's geqrf leaves them. Shape: (*, M, N) -> (*, M, N), (*, min(M, N)).

    Source: PyTorch `geqrf`.
    """
    check_matrix(xp, "geqrf", input, square=False)
    return xp.householder_form(input)
