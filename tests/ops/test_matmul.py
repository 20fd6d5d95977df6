"""Products of matrices: values against NumPy for all layouts, gradients against differences, einsum, errors."""

from __future__ import annotations

import numpy as np
import pytest

import stickonfire as sof
from stickonfire.eager import functional as F
from tests.helpers.numeric import check_gradients

random = np.random.RandomState(0)
SHAPES = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (3,)),
          ((3,), (5, 3, 4)), ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((2, 1, 2, 3), (5, 3, 4)), ((0, 3), (3, 2)),
          ((2, 0), (0, 3))]


@pytest.mark.parametrize(("a", "b"), SHAPES)
@pytest.mark.parametrize("complex_", [False, True])
def test_matmul(a, b, complex_):
    x, y = (random.randn(*s) + (1j * random.randn(*s) if complex_ else 0) for s in (a, b))
    np.testing.assert_allclose((sof.from_numpy(x) @ sof.from_numpy(y)).numpy(), x @ y, atol=1e-12)
    if 0 not in a:
        check_gradients(sof.matmul, x, y, second=not complex_)


def test_layouts_that_blas_cannot_take():
    a, b = random.randn(4, 6, 8), random.randn(4, 8, 10)
    for x, y in ((a[:, ::2, ::2], b[:, ::2]), (a.transpose(0, 2, 1)[..., ::2], a[:, ::2]), (a, b[..., ::-1].copy())):
        np.testing.assert_allclose((sof.from_numpy(x) @ sof.from_numpy(y)).numpy(), x @ y)
    t = sof.from_numpy(a)
    np.testing.assert_allclose((t[:, :, ::2] @ t[:, :, ::2].mT).numpy(), a[..., ::2] @ a[..., ::2].swapaxes(1, 2))


@pytest.mark.parametrize("size", [3, 20])
def test_integers(size):
    a = random.randint(-2 ** 40, 2 ** 40, (size, size))
    assert (sof.from_numpy(a) @ sof.from_numpy(a)).tolist() == (a @ a).tolist()        # wraps
    small = random.randint(-99, 99, (size, size)).astype(np.int8)
    assert (sof.from_numpy(small) @ sof.from_numpy(small)).tolist() == (small @ small).tolist()
    with pytest.raises(RuntimeError, match="'Bool'"):
        sof.ones(2, 2).bool() @ sof.ones(2, 2).bool()


def test_bfloat16_is_rounded_once():
    pytest.importorskip("ml_dtypes")
    a = sof.from_numpy(random.randn(5, 300).astype(np.float32)).bfloat16()
    assert sof.equal(a @ a.T, (a.float() @ a.float().T).bfloat16())


M, N, V, W = random.randn(2, 3), random.randn(3, 4), random.randn(3), random.randn(4)
B, C = random.randn(2, 3, 4), random.randn(2, 4, 3)
PRODUCTS = {
    "mm": (sof.mm, (M, N), M @ N), "mv": (sof.mv, (M, V), M @ V), "dot": (sof.dot, (V, V), V @ V),
    "outer": (sof.outer, (V, W), np.outer(V, W)), "bmm": (sof.bmm, (B, C), B @ C),
    "vdot": (sof.vdot, (V, V), V @ V), "inner": (sof.inner, (M, B.swapaxes(1, 2)), np.inner(M, B.swapaxes(1, 2))),
    "addmm": (lambda a, b, c: sof.addmm(a, b, c, beta=2, alpha=0.5), (W, M, N), 2 * W + M @ N / 2),
    "addmv": (lambda a, b, c: sof.addmv(a, b, c, alpha=3), (M[:, 0], M, V), M[:, 0] + 3 * M @ V),
    "baddbmm": (sof.baddbmm, (V, B, C), V + B @ C), "addbmm": (sof.addbmm, (V, B, C), V + (B @ C).sum(0)),
    "addr": (lambda a, b, c: sof.addr(a, b, c, beta=2), (N, V, W), 2 * N + np.outer(V, W)),
    "linear": (F.linear, (B, N.T[:2].repeat(2, 1)[:, :4], V[:2]), B @ N.T[:2].repeat(2, 1)[:, :4].T + V[:2]),
    "linear without bias": (F.linear, (V, N.T), N.T @ V), "linear vector": (F.linear, (B, W), B @ W),
    "tensordot": (lambda a, b: sof.tensordot(a, b, ([0, 2], [0, 1])), (B, C), np.tensordot(B, C, ([0, 2], [0, 1]))),
    "kron": (sof.kron, (M, V), np.kron(M, V)), "trace": (sof.trace, (M,), np.trace(M)),
    "multi_dot": (lambda *t: sof.linalg.multi_dot(t), (M[0], N, N.T, M.T), M[0] @ N @ N.T @ M.T),
    "cross": (lambda a, b: sof.linalg.cross(a, b, dim=1), (B, B[::-1].copy()), np.cross(B, B[::-1], axis=1)),
    "cdist": (sof.cdist, (M, N.T), np.linalg.norm(M[:, None] - N.T, axis=-1)),
    "cdist 3": (lambda a, b: sof.cdist(a, b, 3), (M, N.T), np.linalg.norm(M[:, None] - N.T, 3, axis=-1)),
    "cdist by product": (lambda a, b: sof.cdist(a, b, 2, "use_mm_for_euclid_dist"), (M, N.T),
                         np.linalg.norm(M[:, None] - N.T, axis=-1)),
    "vecdot": (lambda a, b: sof.linalg.vecdot(a, b), (B, C.swapaxes(1, 2)), (B * C.swapaxes(1, 2)).sum(-1)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name):
    function, inputs, expected = PRODUCTS[name]
    out = function(*[sof.from_numpy(np.ascontiguousarray(a)) for a in inputs])
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-10)
    check_gradients(function, *inputs)


@pytest.mark.parametrize("name", ["mm", "vdot", "addmm", "baddbmm", "linear", "cross", "vecdot", "outer", "kron"])
def test_complex_gradients(name):
    function, inputs, _ = PRODUCTS[name]
    check_gradients(function, *[a + 1j * random.randn(*a.shape) for a in inputs], second=False)


EQUATIONS = ["ij,jk->ik", "ij,jk", "bij,bjk->bik", "ii", "ii->i", "ij->ji", "i,j->ij", "ij,kj->", "...ij,...jk->...ik",
             "ijk,ljk->il", "ij,ij,ij->i", "i,ij,j", "abc,cd->abd", "iij->j", "b...,b...->..."]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum(equation):
    sizes = dict(zip("abcdijkl", (2, 3, 2, 4, 3, 3, 2, 4)))
    terms = equation.split("->")[0].split(",")
    operands = [random.randn(*[sizes[c] for c in t.replace("...", "ad")]) for t in terms]
    function = lambda *t: sof.einsum(equation, *t)  # noqa: E731
    out = function(*map(sof.from_numpy, operands))
    np.testing.assert_allclose(out.numpy(), np.einsum(equation, *operands), atol=1e-10)
    check_gradients(function, *operands, second=False)


def test_einsum_with_lists_and_broadcasting():
    a, b = sof.from_numpy(B), sof.from_numpy(C)
    assert sof.allclose(sof.einsum(a, [0, 1, 2], b, [0, 2, 3], [0, 1, 3]), a @ b)
    assert sof.allclose(sof.einsum("bij,bjk->bik", a, b[:1]), a @ b[:1])
    assert sof.allclose(sof.einsum(a, [..., 2], [...]), a.sum(-1))


def test_in_place_and_beta_zero():
    x = sof.full((2, 4), float("nan"), dtype=sof.float64)
    x.addmm_(sof.from_numpy(M), sof.from_numpy(N), beta=0)
    np.testing.assert_allclose(x.numpy(), M @ N)


@pytest.mark.parametrize(("function", "text"), [
    (lambda: sof.ones(2, 3) @ sof.ones(2, 3), "mat1 and mat2 shapes cannot be multiplied \\(2x3 and 2x3\\)"),
    (lambda: sof.ones(2, 3) @ sof.tensor(1.0), "at least 1D"),
    (lambda: sof.ones(2, 3) @ sof.ones(3, 3).double(), "same dtype"),
    (lambda: sof.mm(sof.ones(2), sof.ones(2)), "must be a matrix"),
    (lambda: sof.bmm(sof.ones(2, 2), sof.ones(2, 2)), "must be a 3D tensor"),
    (lambda: sof.dot(sof.ones(2), sof.ones(3)), "inconsistent tensor size"),
    (lambda: F.linear(sof.ones(2, 3), sof.ones(4, 2)), "shapes cannot be multiplied \\(2x3 and 2x4\\)"),
    (lambda: sof.einsum("ij,jk", sof.ones(2, 2)), "fewer operands|more operands"),
    (lambda: sof.einsum("ij->k", sof.ones(2, 2)), "output subscript k does not appear"),
    (lambda: sof.einsum("ij,jk", sof.ones(2, 2), sof.ones(3, 2)), "does not broadcast"),
    (lambda: sof.einsum("ijk", sof.ones(2, 2)), "does not match the number of dimensions"),
    (lambda: sof.tensordot(sof.ones(2, 3), sof.ones(2, 3), 1), "contracted dimensions"),
    (lambda: sof.cdist(sof.ones(2, 3), sof.ones(2, 2)), "same number of columns"),
])
def test_errors(function, text):
    with pytest.raises(RuntimeError, match=text):
        function()


@pytest.mark.oracle
@pytest.mark.parametrize("snippet", [
    "torch.arange(6.).view(2, 3) @ torch.arange(6.).view(3, 2)", "torch.ones(2, 3) @ torch.ones(2, 3)",
    "torch.arange(4).outer(torch.arange(3))", "torch.einsum('ij,kj->ik', torch.ones(2, 3), torch.arange(6.).view(2, "
                                              "3))",
    "torch.addmv(torch.ones(2).int(), torch.ones(2, 2).int(), torch.ones(2).int(), beta=0.5)",
    "torch.kron(torch.eye(2), torch.arange(4).view(2, 2))", "torch.cross(torch.eye(3)[0], torch.eye(3)[1])",
    "torch.chain_matmul(torch.ones(2, 3), torch.ones(3, 4))", "torch.tensordot(torch.ones(2, 3), torch.ones(3, 2), 1)",
])
def test_like_pytorch(snippet):
    pytest.importorskip("torch")
    from tests.helpers.oracle import same
    same(snippet)
