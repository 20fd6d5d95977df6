"""Systems of linear equations: solve, inverse, triangular systems, Cholesky, LU, determinants.

The `..._info` ops return where a matrix was singular; `eager/composite_solve.py` turns that into errors and into
PyTorch's `..._ex` functions. An op has the name and the signature of the kernel it calls, so that rules find both
in `xp`. Sources: Giles, Collected matrix derivative results (2008); Murray, Differentiation of the Cholesky
decomposition (2016); de Hoog et al., The derivative of a matrix LU factorization (2011). Decompositions with
eigenvalues: `linalg_spectral.py`.
"""
from __future__ import annotations

from ..core.dtypes import COMPLEX, FLOATING
from .matmul import adjoint
from .op import op


def check_matrix(xp, name, a, square=True):
    """Raises PyTorch's errors for what is no batch of (square) matrices of floats or complex numbers."""
    if a.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions. Got shape {list(a.shape)}")
    if square and a.shape[-1] != a.shape[-2]:
        raise RuntimeError(f"{name}: A must be batches of square matrices, but they are {a.shape[-2]} by {a.shape[-1]} "
                           "matrices")
    kind = xp.dtype_of(a)
    if kind.category < FLOATING:
        raise NotImplementedError(f"{name}: Expected a floating point or complex tensor as input. Got "
                           f"{kind.name.capitalize()}. "
                           "Convert with .float() first")
    if kind.is_reduced:
        raise NotImplementedError(f"{name}: Low precision dtypes not supported. Got {kind.name}. Convert with "
                                  ".float() first")


@op(promote="match", opmath=False, grad_name="LinalgSolveExBackward0")
def solve_info(xp, a, b, vector: bool = False):
    """X of a X = b, and where a was singular.

    Shape: (*, N, N), (*, N, K) or (*, N) if `vector` -> as b, (*).   Source: PyTorch `linalg.solve`.
    """
    check_matrix(xp, "linalg.solve", a)
    if a.shape[-1] != b.shape[-1 if vector else -2]:
        raise RuntimeError("linalg.solve: Incompatible shapes of A and B for the equation AX = B "
                           f"({a.shape[-2]}x{a.shape[-1]} and {'x'.join(map(str, b.shape[-2:]))})")
    x, info = xp.solve_info(a, xp.expand_dims(b, -1) if vector else b)
    return (xp.squeeze(x, -1) if vector else x), info


@solve_info.gradient()
def _(xp, g, a, outs, vector, needs):
    """dB = A^-H G, dA = -dB X^H (Giles, section 2.3.1)."""
    to_x, x = (xp.expand_dims(g[0], -1), xp.expand_dims(outs[0], -1)) if vector else (g[0], outs[0])
    of_b = xp.solve_info(adjoint(xp, a), to_x)[0]
    of_a = -xp.product(of_b, adjoint(xp, x)) if needs[0] else None
    return of_a, xp.squeeze(of_b, -1) if vector else of_b


@op(opmath=False, grad_name="LinalgInvExBackward0")
def inverse_info(xp, a):
    """The inverse, and where a pivot was zero.

    Shape: (*, N, N) -> (*, N, N), (*).   Source: PyTorch `linalg.inv_ex`.
    """
    check_matrix(xp, "linalg.inv", a)
    return xp.inverse_info(a)


@inverse_info.gradient("a")
def _(xp, g, outs):
    """-A^-H G A^-H (Giles, section 2.2.3)."""
    inverse = adjoint(xp, outs[0])
    return -xp.product(inverse, xp.product(g[0], inverse))


@op(promote="match", opmath=False, grad_name="LinalgSolveTriangularBackward0")
def solve_triangular(xp, a, b, upper: bool, left: bool = True, unitriangular: bool = False):
    """X of a X = b, or of X a = b, reading one triangle of `a`.

    Shape: (*, N, N), (*, N, K) -> (*, N, K).   Source: PyTorch `linalg.solve_triangular`.
    """
    check_matrix(xp, "linalg.solve_triangular", a)
    if a.shape[-1] != b.shape[-2 if left else -1]:
        equation = "AX = B" if left else "XA = B"
        raise RuntimeError(f"linalg.solve_triangular: Incompatible shapes of A and B for the equation {equation} "
                           f"({a.shape[-2]}x{a.shape[-1]} and {b.shape[-2]}x{b.shape[-1]})")
    return xp.solve_triangular(a, b, upper, left, unitriangular)


@solve_triangular.gradient()
def _(xp, g, a, out, upper, left, unitriangular, needs):
    of_b = xp.solve_triangular(adjoint(xp, a), g, not upper, left, unitriangular)
    if not needs[0]:
        return None, of_b
    of_a = xp.product(of_b, adjoint(xp, out)) if left else xp.product(adjoint(xp, out), of_b)
    off = 1 if unitriangular else 0
    return -(xp.triu(of_a, off) if upper else xp.tril(of_a, -off)), of_b


@op(opmath=False, grad_name="LinalgCholeskyExBackward0")
def cholesky_info(xp, a):
    """L of a = L L^H, and the order of the first leading minor that is not positive.

    Shape: (*, N, N) -> (*, N, N), (*).   Source: PyTorch `linalg.cholesky_ex`.
    """
    check_matrix(xp, "linalg.cholesky", a)
    return xp.cholesky_info(a)


@cholesky_info.gradient("a")
def _(xp, g, outs):
    """S = L^-H Phi(L^H G) L^-1, made Hermitian; Phi: lower triangle, half the diagonal (Murray, section 3.2)."""
    lower, upper = outs[0], adjoint(xp, outs[0])
    middle = xp.tril(xp.product(upper, g[0]))
    middle = middle - xp.triu(middle) * 0.5
    inner = xp.solve_triangular(lower, xp.solve_triangular(upper, middle, True), False, False)
    return (inner + adjoint(xp, inner)) * 0.5


@op(opmath=False, grad_name="LinalgLuFactorExBackward0")
def lu_packed(xp, a):
    """L and U in one array, the row swaps, the first zero pivot: a = P L U.

    Shape: (*, M, N) -> (*, M, N), (*, min(M, N)), (*).   Source: PyTorch `linalg.lu_factor_ex`.
    """
    check_matrix(xp, "torch.linalg.lu_factor", a, square=False)
    return xp.lu_packed(a)


@op(differentiable=False)
def row_order(xp, pivots, rows: int, inverse: bool = False):
    """Row i of P^T A is row order[i] of A, or the other way round.

    Shape: (*, K) -> (*, rows).   Source: PyTorch `lu_unpack`.
    """
    return xp.row_order(pivots, rows, inverse)


@lu_packed.gradient("a")
def _(xp, g, outs):
    packed, pivots, _ = outs
    m, n = packed.shape[-2:]
    turned = lu_rule(xp, g[0], packed, min(m, n))
    back = xp.row_order(pivots, m, True)
    return xp.take_along_axis(turned, xp.broadcast_to(xp.expand_dims(back, -1), turned.shape), -2)


def lu_rule(xp, g, packed, k):
    """The gradient of P^T A from that of L and U, packed: the square part as in de Hoog et al.

    Further rows are L2 = A2 U^-1, further columns U2 = L^-1 A2.
    """
    square = packed[..., :k, :k]
    to_lower, to_upper = xp.tril(g[..., :k, :k], -1), xp.triu(g[..., :k, :k])
    lower_h, upper_h = adjoint(xp, square), adjoint(xp, xp.triu(square))
    columns = rows = None
    if packed.shape[-1] > k:
        columns = xp.solve_triangular(lower_h, g[..., k:], True, True, True)
        to_lower = to_lower - xp.product(columns, adjoint(xp, packed[..., k:]))
    if packed.shape[-2] > k:
        rows = xp.solve_triangular(upper_h, g[..., k:, :], False, False)
        to_upper = to_upper - xp.product(adjoint(xp, packed[..., k:, :]), rows)
    unit = xp.tril(square, -1) + identity(xp, square)
    middle = xp.tril(xp.product(adjoint(xp, unit), to_lower), -1) + xp.triu(xp.product(to_upper, upper_h))
    inner = xp.solve_triangular(upper_h, xp.solve_triangular(lower_h, middle, True, True, True), False, False)
    if columns is not None:
        return xp.concatenate([inner, columns], -1)
    return inner if rows is None else xp.concatenate([inner, rows], -2)


def identity(xp, like):
    """Unit matrices in the shape and dtype of others."""
    return xp.tril(xp.triu(xp.ones_like(like)))


def adjugate_h(xp, a):
    """The conjugate of the matrix of cofactors, by singular values: right for singular matrices too."""
    u, s, vh = xp.svd(a, False)
    others = xp.stack([product_without(xp, s, i) for i in range(s.shape[-1])], -1)
    phase = xp.expand_dims(xp.expand_dims(xp.conj(xp.det(u) * xp.det(vh)), -1), -1)
    return phase * xp.product(u * xp.expand_dims(others, -2), vh)


def product_without(xp, s, i):
    """The product of all but one along the last dim."""
    out = xp.ones_like(s[..., 0])
    for j in range(s.shape[-1]):
        out = out if j == i else out * s[..., j]
    return out


@op(opmath=False, grad_name="LinalgDetBackward0")
def det(xp, a):
    """The determinant. Shape: (*, N, N) -> (*).   Source: PyTorch `linalg.det`."""
    check_matrix(xp, "linalg.det", a)
    return xp.det(a)


@det.gradient("a")
def _(xp, g, a, out):
    """conj(det) A^-H G (Giles, section 2.2.4); for singular matrices the cofactors."""
    factor = xp.expand_dims(xp.expand_dims(g, -1), -1)
    if xp.all(out != 0):
        scaled = factor * xp.conj(xp.expand_dims(xp.expand_dims(out, -1), -1))
        return xp.solve_info(adjoint(xp, a), scaled * identity(xp, a))[0]
    return factor * adjugate_h(xp, a)


@op(opmath=False, grad_name="LinalgSlogdetBackward0")
def slogdet(xp, a):
    """Sign (a phase, if complex) of the determinant, and the logarithm of its size.

    Shape: (*, N, N) -> (*), (*).   Source: PyTorch `linalg.slogdet`.
    """
    check_matrix(xp, "linalg.slogdet", a)
    return xp.slogdet(a)


@slogdet.gradient("a")
def _(xp, g, a, outs):
    """A^-H G; the phase of a complex determinant turns by the imaginary part of tr(A^-1 dA)."""
    factor = xp.real(g[1])
    if xp.dtype_of(a).category == COMPLEX:
        factor = factor - xp.imag(xp.conj(g[0]) * outs[0]) * 1j
    return xp.solve_info(adjoint(xp, a), xp.expand_dims(xp.expand_dims(factor, -1), -1) * identity(xp, a))[0]


@op(opmath=False, grad_name="LinalgMatrixExpBackward0")
def matrix_exp(xp, a):
    """1 + A + A^2 / 2! + A^3 / 3! + ... Shape: (*, N, N) -> (*, N, N).   Source: PyTorch `linalg.matrix_exp`."""
    check_matrix(xp, "linalg.matrix_exp", a)
    return xp.matrix_exp(a)


@matrix_exp.gradient("a")
def _(xp, g, a):
    """The upper right block of exp([[A^H, G], [0, A^H]]) (Mathias, A chain rule for matrix functions, 1996)."""
    turned, n = adjoint(xp, a), a.shape[-1]
    top = xp.concatenate([turned, g], -1)
    bottom = xp.concatenate([xp.zeros_like(turned), turned], -1)
    return xp.matrix_exp(xp.concatenate([top, bottom], -2))[..., :n, n:]
