"""Linear algebra: factors multiply back, gradients agree with differences, singular matrices are named."""

from __future__ import annotations

import numpy as np
import pytest

import stickonfire as sof
from tests.helpers.numeric import check_gradients

L = sof.linalg
random = np.random.RandomState(0)
SQUARE = random.randn(2, 3, 3) + 2 * np.eye(3)
COMPLEX = SQUARE + 1j * random.randn(2, 3, 3)
RIGHT = random.randn(2, 3, 2)


def spd(a):
    """A positive-definite tensor made of any square one."""
    return a @ a.mH + 0.5 * sof.eye(a.shape[-1], dtype=a.dtype)


def absolutes(*tensors):
    """What does not depend on the phases of vectors."""
    return sum((t.abs() ** 2).sum(-1).sum(-1) for t in tensors)


def corners(factors):
    """The sizes of the first elements of U and V."""
    return absolutes(factors[0][..., :1, :1], factors[2][..., :1, :1])


GRADIENTS = {
    "inv": (L.inv, SQUARE), "det": (L.det, SQUARE), "slogdet": (lambda a: L.slogdet(a)[1], SQUARE),
    "logdet": (lambda a: sof.logdet(spd(a)), SQUARE), "matrix_exp": (L.matrix_exp, SQUARE[0]),
    "solve": (L.solve, SQUARE, RIGHT), "solve vector": (L.solve, SQUARE, RIGHT[..., 0]),
    "solve right": (lambda a, b: L.solve(a, b.mT, left=False), SQUARE, RIGHT),
    "cholesky": (lambda a: L.cholesky(spd(a)), SQUARE), "upper": (lambda a: sof.cholesky(spd(a), True), SQUARE),
    "cholesky_solve": (lambda a, b: sof.cholesky_solve(b, a.tril()), SQUARE, RIGHT),
    "cholesky_inverse": (lambda a: sof.cholesky_inverse(a.tril()), SQUARE[0]),
    "triangular": (lambda a, b: L.solve_triangular(a, b, upper=True), SQUARE, RIGHT),
    "triangular right": (lambda a, b: L.solve_triangular(a, b.mT, upper=False, left=False, unitriangular=True),
                         SQUARE, RIGHT),
    "lu": (lambda a: L.lu(a)[1] + L.lu(a)[2], SQUARE), "lu wide": (lambda a: L.lu(a)[2], SQUARE[:, :2]),
    "lu tall": (lambda a: L.lu(a).L, SQUARE[:, :, :2]), "lu wide packed": (lambda a: L.lu_factor(a).LU, SQUARE[:, :2]),
    "lu_solve": (lambda a, b: L.lu_solve(*L.lu_factor(a), b), SQUARE, RIGHT),
    "lu_solve adjoint": (lambda a, b: L.lu_solve(*L.lu_factor(a), b, adjoint=True), SQUARE, RIGHT),
    "qr": (lambda a: L.qr(a)[0] + L.qr(a)[1], SQUARE), "qr tall": (lambda a: L.qr(a)[0], SQUARE[:, :, :2]),
    "qr wide": (lambda a: L.qr(a)[1], SQUARE[:, :2]),
    "eigh": (lambda a: L.eigh(spd(a))[0] + absolutes(L.eigh(spd(a))[1][..., :2]).unsqueeze(-1), SQUARE),
    "eigvalsh": (lambda a: L.eigvalsh(spd(a)), SQUARE), "eig": (lambda a: L.eig(a)[0].abs(), SQUARE[0]),
    "eig vectors": (lambda a: (L.eig(a)[1].abs() ** 2)[0], SQUARE[0]),
    "svd": (lambda a: L.svd(a)[1] + absolutes(L.svd(a)[0][..., :1, :2]).unsqueeze(-1), SQUARE),
    "svd tall": (lambda a: corners(L.svd(a, False)), SQUARE[:, :, :2]),
    "svd wide": (lambda a: corners(L.svd(a, False)), SQUARE[:, :2]),
    "svdvals": (L.svdvals, SQUARE[:, :2]), "pinv": (L.pinv, SQUARE[:, :, :2]),
    "pinv of rank 1": (lambda a: L.pinv(a[:, :1] @ a[:, :1].mT), SQUARE[0]),
    "lstsq": (lambda a, b: L.lstsq(a, b)[0], SQUARE[:, :, :2], RIGHT),
    "matrix_power": (lambda a: L.matrix_power(a, 5), SQUARE),
    "inverse power": (lambda a: L.matrix_power(a, -2), SQUARE), "nuclear": (lambda a: L.norm(a, "nuc"), SQUARE[0]),
    "spectral": (lambda a: L.matrix_norm(a, 2), SQUARE), "norm 1": (lambda a: L.matrix_norm(a, 1), SQUARE),
    "cond": (L.cond, SQUARE[0]), "cond 1": (lambda a: L.cond(a, 1), SQUARE[0]),
    "householder": (lambda a, t: L.householder_product(a, t), SQUARE[0, :, :2], RIGHT[0, :2, 0]),
    "ormqr": (lambda a, t, c: sof.ormqr(a, t, c, transpose=True), SQUARE[0, :, :2], RIGHT[0, :2, 0], RIGHT[0]),
    "vander": (lambda x: L.vander(x, N=4), RIGHT[0]),
}
NOT_COMPLEX = ("slogdet", "eig", "eig vectors", "vander", "ormqr", "lstsq", "cond", "cond 1", "nuclear")
SECOND = ("inv", "det", "solve", "cholesky", "qr", "eigvalsh", "svdvals", "lu", "triangular", "matrix_exp", "pinv")


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name):
    function, *inputs = GRADIENTS[name]
    check_gradients(function, *inputs, second=name in SECOND)


@pytest.mark.parametrize("name", [n for n in GRADIENTS if n not in NOT_COMPLEX])
def test_complex_gradients(name):
    function, *inputs = GRADIENTS[name]
    check_gradients(function, *[a + 0.5j * random.randn(*a.shape) for a in inputs], second=False)


def test_complex_slogdet_gradient():
    check_gradients(lambda a: L.slogdet(a)[0], COMPLEX, second=False)


def test_gradient_of_a_singular_determinant():
    check_gradients(L.det, np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]]), second=False)


@pytest.mark.parametrize("a", [SQUARE, COMPLEX, SQUARE[:, :2], COMPLEX[:, :, :2], random.randn(70, 90),
                               random.randn(0, 3)])
def test_factors_multiply_back(a):
    t = sof.from_numpy(np.ascontiguousarray(a))
    p, lower, upper = L.lu(t)
    q, r = L.qr(t)
    u, s, vh = L.svd(t, full_matrices=False)
    for product in (p @ lower @ upper, q @ r, u * s.unsqueeze(-2).to(u.dtype) @ vh):
        np.testing.assert_allclose(product.numpy(), a, atol=1e-10)
    assert (lower.triu(1) == 0).all() and (upper.tril(-1) == 0).all()


@pytest.mark.parametrize("n", [1, 5, 40, 100])
@pytest.mark.parametrize("hermitian", [False, True])
def test_solvers(n, hermitian):
    a = random.randn(n, n) + (1j * random.randn(n, n) if hermitian else 0) + n * np.eye(n)
    t, b = sof.from_numpy(a), sof.from_numpy(random.randn(n, 2).astype(a.dtype))
    for upper in (False, True):
        x = L.solve_triangular(t, b, upper=upper)
        np.testing.assert_allclose(((t.triu() if upper else t.tril()) @ x).numpy(), b.numpy(), atol=1e-9)
    np.testing.assert_allclose((t @ L.lu_solve(*L.lu_factor(t), b)).numpy(), b.numpy(), atol=1e-9)
    sym = t + (t.mH if hermitian else t.mT) - 2 * n * sof.eye(n, dtype=t.dtype)         # indefinite
    x = L.ldl_solve(*L.ldl_factor(sym, hermitian=hermitian), b, hermitian=hermitian)
    np.testing.assert_allclose((sym @ x).numpy(), b.numpy(), atol=1e-7)


def test_least_squares_and_rank():
    a, b = random.randn(5, 3), random.randn(5, 2)
    out = L.lstsq(sof.from_numpy(a), sof.from_numpy(b), driver="gelsd")
    expected = np.linalg.lstsq(a, b, rcond=None)
    for got, wanted in zip(out, expected[:2] + (np.array(expected[2]),) + expected[3:]):
        np.testing.assert_allclose(got.numpy(), wanted)
    low = sof.from_numpy(a[:, :1] @ a[:, :1].T)
    assert L.matrix_rank(low).item() == 1 and L.matrix_rank(low, hermitian=True).item() == 1
    np.testing.assert_allclose(L.pinv(low).numpy(), np.linalg.pinv(low.numpy()), atol=1e-10)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_matrix_exp(scale):
    values, vectors = np.linalg.eigh(SQUARE[0] + SQUARE[0].T)
    expected = vectors * np.exp(scale * values) @ vectors.T
    out = L.matrix_exp(sof.from_numpy(scale * (SQUARE[0] + SQUARE[0].T)))
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-9, atol=1e-12 * abs(expected).max())


def test_tensor_equations():
    a, b = random.randn(2, 3, 6) + 1, random.randn(2, 3)
    x = L.tensorsolve(sof.from_numpy(a), sof.from_numpy(b))
    np.testing.assert_allclose(np.tensordot(a, x.numpy(), 1), b)
    np.testing.assert_allclose(L.tensorinv(sof.from_numpy(a)).numpy(), np.linalg.tensorinv(a))


def test_info_names_the_broken_matrices():
    batch = sof.stack([sof.eye(2), sof.zeros(2, 2), -sof.eye(2)])
    assert L.inv_ex(batch).info.tolist() == L.solve_ex(batch, batch).info.tolist() == [0, 1, 0]
    assert L.cholesky_ex(batch).info.tolist() == [0, 1, 1] and L.lu_factor_ex(batch).info.tolist() == [0, 1, 0]
    assert L.inv_ex(batch).inverse[2].tolist() == [[-1, 0], [0, -1]]


ZERO = sof.zeros(2, 2)


@pytest.mark.parametrize(("function", "error", "text"), [
    (lambda: L.inv(ZERO), L.LinAlgError, "The diagonal element 1 is zero"),
    (lambda: L.solve(sof.stack([sof.eye(2), ZERO]), ZERO), L.LinAlgError, "\\(Batch element 1\\): The solver failed"),
    (lambda: L.cholesky(-sof.eye(2)), L.LinAlgError, "leading minor of order 1 is not positive-definite"),
    (lambda: L.lu_factor(ZERO), RuntimeError, "U\\[1,1\\] is zero"),
    (lambda: L.svd(sof.full((2, 2), float("nan"))), L.LinAlgError, "failed to converge"),
    (lambda: L.eig(sof.full((2, 2), float("nan"))), RuntimeError, "infs or NaNs"),
    (lambda: L.inv(sof.ones(2, 3)), RuntimeError, "must be batches of square matrices, but they are 2 by 3"),
    (lambda: L.det(sof.ones(2)), RuntimeError, "at least 2 dimensions"),
    (lambda: L.inv(sof.ones(2, 2, dtype=sof.int64)), RuntimeError, "floating point or complex"),
    (lambda: L.inv(sof.ones(2, 2, dtype=sof.float16)), RuntimeError, "Low precision"),
    (lambda: L.qr(ZERO, "all"), RuntimeError, "unrecognized mode"),
    (lambda: L.norm(ZERO, "two"), RuntimeError, "not supported"),
    (lambda: L.solve(ZERO, sof.ones(3, 1)), RuntimeError, "Incompatible shapes"),
])
def test_errors(function, error, text):
    with pytest.raises(error, match=text):
        function()
    assert issubclass(L.LinAlgError, RuntimeError)


def test_undefined_gradients_are_refused():
    a = sof.from_numpy(np.random.RandomState(1).randn(3, 2)).requires_grad_()
    with pytest.raises(RuntimeError, match="mode='complete' and nrows > ncols"):
        L.qr(a, "complete")[0].sum().backward()
    z = sof.from_numpy(COMPLEX[0]).requires_grad_()
    with pytest.raises(RuntimeError, match="ill-defined"):
        L.eigh(z + z.mH)[1].real.sum().backward()


def test_low_rank():
    a = sof.from_numpy(random.randn(20, 3) @ random.randn(3, 12))
    u, s, v = sof.svd_lowrank(a, 3)
    np.testing.assert_allclose((u * s @ v.mT).numpy(), a.numpy(), atol=1e-10)
    assert sof.pca_lowrank(a, 2)[2].shape == (12, 2)


@pytest.mark.oracle
@pytest.mark.parametrize("snippet", [
    "torch.linalg.qr(torch.arange(6., dtype=torch.float64).view(3, 2) + 1)",
    "torch.linalg.lu(torch.tensor([[0., 2.], [3., 4.]]))", "torch.lu_unpack(*torch.lu(torch.eye(2)))",
    "torch.slogdet(torch.tensor([[0., 2.], [3., 4.]]))",
    "torch.linalg.ldl_factor(torch.tensor([[0., 2.], [2., 0.]]))", "torch.geqrf(torch.tensor([[3., 1.], [4., 2.]]))",
    "torch.triangular_solve(torch.ones(2, 1), torch.eye(2))", "torch.linalg.matrix_rank(torch.ones(3, 3))",
    "torch.logdet(torch.tensor([[0., 1.], [1., 0.]]))", "torch.svd(torch.eye(2) * 3, compute_uv=False)",
    "torch.linalg.matrix_norm(torch.arange(4.).view(2, 2), ord=-1)", "torch.linalg.inv(torch.eye(2).int())",
    "torch.linalg.vander(torch.arange(3))", "torch.linalg.lstsq(torch.eye(2), torch.ones(2, 1)).rank",
])
def test_like_pytorch(snippet):
    pytest.importorskip("torch")
    from tests.helpers.oracle import same
    same(snippet, strides=False)
