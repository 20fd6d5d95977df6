"""Parity: matrix products, einsum, norms and other linear algebra."""

from __future__ import annotations

import pytest

from tests.helpers.oracle import same, same_gradients

A = "a = torch.arange(6.).view(2, 3); b = torch.arange(12.).view(3, 4); "
V = "v = torch.arange(3.); "
B = "p = torch.arange(12.).view(2, 2, 3); q = torch.arange(18.).view(2, 3, 3); "

SNIPPETS = [
    A + "a @ b",
    A + "torch.matmul(a, b)",
    A + "torch.mm(a, b)",
    A + "a.mm(b)",
    A + "b @ a",
    A + "torch.mm(b, a)",
    A + "a @ 2",
    A + V + "a @ v",
    A + V + "v @ b",
    A + V + "v @ v",
    A + V + "torch.mv(a, v)",
    A + V + "torch.mv(v, a)",
    A + V + "torch.dot(v, v)",
    A + V + "torch.dot(a, v)",
    A + V + "torch.dot(v, torch.ones(2))",
    A + V + "torch.dot(v, torch.arange(3))",
    V + "torch.inner(v, v), torch.outer(v, v), torch.ger(v, v)",
    V + "torch.outer(v, torch.ones(2))",
    V + "torch.vdot(v, v), torch.linalg.vecdot(v, v)",
    A + "torch.mm(a, torch.arange(3.))",
    B + "torch.bmm(p, q)",
    B + "torch.bmm(p, q[:1])",
    B + "torch.bmm(p[0], q[0])",
    B + "p @ q",
    B + "p @ q[0]",
    B + "p[0] @ q",
    B + V + "p @ v",
    B + V + "v @ q",
    B + "torch.ones(5, 1, 2, 3) @ q",
    B + "torch.ones(3, 2, 3) @ q",
    "torch.ones(2, 3).t() @ torch.ones(2, 4)",
    "torch.ones(0, 3) @ torch.ones(3, 2)",
    "torch.ones(2, 0) @ torch.ones(0, 2)",
    "torch.arange(4).view(2, 2) @ torch.arange(4).view(2, 2)",
    "torch.ones(2, 2, dtype=torch.bool) @ torch.ones(2, 2, dtype=torch.bool)",
    "torch.ones(2, 2, dtype=torch.float16) @ torch.ones(2, 2, dtype=torch.float16)",
    "torch.ones(2, 2, dtype=torch.bfloat16) @ torch.ones(2, 2, dtype=torch.bfloat16)",
    "torch.tensor([[1j, 2], [0, 1]]) @ torch.tensor([[1j, 2], [0, 1]])",
    "torch.tensor(2.) @ torch.tensor(3.)",
    "torch.ones(2) @ torch.ones(3)",
    A + "torch.addmm(torch.ones(4), a, b)",
    A + "torch.addmm(torch.ones(2, 4), a, b, beta=0.5, alpha=2)",
    A + V + "torch.addmv(torch.ones(2), a, v)",
    V + "torch.addr(torch.zeros(3, 3), v, v)",
    B + "torch.baddbmm(torch.ones(2, 2, 3), p, q)",
    B + "torch.addbmm(torch.zeros(2, 3), p, q)",
    A + "torch.linalg.multi_dot([a, b, torch.ones(4, 2)])",
    "torch.tensordot(torch.arange(6.).view(2, 3), torch.arange(12.).view(3, 4), dims=1)",
    "torch.tensordot(torch.ones(2, 3, 4), torch.ones(4, 3), dims=([1, 2], [1, 0]))",
    "torch.kron(torch.eye(2), torch.ones(1, 2))",
    "torch.cross(torch.tensor([1., 0, 0]), torch.tensor([0, 1., 0]), dim=0)",
    "torch.cdist(torch.tensor([[0., 0]]), torch.tensor([[3., 4]]))",
    "torch.cosine_similarity(torch.tensor([[1., 0]]), torch.tensor([[1., 1]]))",
    "torch.trace(torch.eye(3))",
    "torch.matrix_power(torch.tensor([[1., 1], [0, 1]]), 3)",
    # einsum
    A + "torch.einsum('ij,jk->ik', a, b)",
    A + "torch.einsum('ij,jk', a, b)",
    A + "torch.einsum('ij->ji', a)",
    A + "torch.einsum('ij->', a)",
    A + "torch.einsum('ij->j', a)",
    "torch.einsum('ii', torch.arange(9.).view(3, 3))",
    "torch.einsum('ii->i', torch.arange(9.).view(3, 3))",
    V + "torch.einsum('i,i->', v, v)",
    V + "torch.einsum('i,j->ij', v, v)",
    B + "torch.einsum('bij,bjk->bik', p, q)",
    B + "torch.einsum('...ij,...jk->...ik', p, q)",
    B + "torch.einsum('b...j,bjk', p, q).shape",
    "torch.einsum('bhqd,bhkd->bhqk', torch.ones(2, 2, 3, 4), torch.ones(2, 2, 5, 4)).shape",
    "torch.einsum('ij,ij->ij', torch.ones(2, 2), torch.ones(2, 2))",
    "torch.einsum('i,ij,j->', torch.ones(2), torch.ones(2, 3), torch.ones(3))",
    A + "torch.einsum('ij,kj->ik', a, b)",
    A + "torch.einsum('ij->k', a)",
    A + "torch.einsum('ijk->i', a)",
    "torch.einsum(torch.ones(2, 3), [0, 1], torch.ones(3), [1], [0])",
    # linalg
    "torch.linalg.norm(torch.tensor([3., 4.]))",
    "torch.linalg.norm(torch.arange(4.).view(2, 2))",
    "torch.linalg.norm(torch.arange(4.).view(2, 2), ord=1)",
    "torch.linalg.norm(torch.arange(4.).view(2, 2), ord='nuc')",
    "torch.linalg.vector_norm(torch.arange(4.).view(2, 2), ord=3)",
    "torch.linalg.vector_norm(torch.arange(4.).view(2, 2), dim=1)",
    "torch.linalg.matrix_norm(torch.arange(4.).view(2, 2))",
    "torch.linalg.inv(torch.tensor([[2., 1], [1, 1]]))",
    "torch.inverse(torch.zeros(2, 2))",
    "torch.linalg.inv(torch.ones(2, 3))",
    "torch.linalg.det(torch.tensor([[2., 1], [1, 1]])), torch.det(torch.eye(3))",
    "torch.linalg.slogdet(torch.tensor([[2., 1], [1, 1]]))",
    "torch.linalg.solve(torch.tensor([[2., 1], [1, 1]]), torch.tensor([1., 2]))",
    "torch.linalg.cholesky(torch.tensor([[2., 1], [1, 2]]))",
    "torch.linalg.cholesky(-torch.eye(2))",
    "torch.linalg.qr(torch.tensor([[2., 1], [1, 2]]))[1].abs()",
    "torch.linalg.svdvals(torch.tensor([[2., 1], [1, 2]]))",
    "torch.linalg.svd(torch.tensor([[2., 1], [1, 2]])).S",
    "torch.linalg.eigvalsh(torch.tensor([[2., 1], [1, 2]]))",
    "torch.linalg.eigh(torch.tensor([[2., 1], [1, 2]])).eigenvalues",
    "torch.linalg.eigvals(torch.tensor([[0., 1], [-1, 0]])).abs()",
    "torch.linalg.pinv(torch.tensor([[2., 1], [1, 1], [0, 1]]))",
    "torch.linalg.matrix_rank(torch.ones(2, 2))",
    "torch.linalg.lstsq(torch.tensor([[1., 0], [1, 1], [1, 2]]), torch.tensor([[1.], [2], [4]])).solution",
    "torch.linalg.matrix_exp(torch.zeros(2, 2))",
]

M = [[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]]
N = [[1.0, 0.0], [2.0, -1.0], [0.5, 1.5]]
S = [[2.0, 0.5], [0.5, 1.0]]
GRADIENTS = {
    "matmul": (lambda torch, a, b: a @ b, M, N),
    "matrix times vector": (lambda torch, a, v: a @ v, M, [1.0, 2.0, -1.0]),
    "vector times matrix": (lambda torch, v, a: v @ a, [1.0, 2.0], M),
    "dot": (lambda torch, a, b: torch.dot(a, b), [1.0, 2.0], [3.0, 4.0]),
    "broadcast batch": (lambda torch, a, b: a.expand(2, 2, 3) @ b, M, N),
    "batch on the right": (lambda torch, a, b: a @ b.expand(4, 3, 2), M, N),
    "addmm": (lambda torch, c, a, b: torch.addmm(c, a, b, beta=2, alpha=3), [1.0, 2.0], M, N),
    "einsum": (lambda torch, a, b: torch.einsum("ij,jk->ki", a, b), M, N),
    "einsum of a diagonal": (lambda torch, s: torch.einsum("ii->i", s), S),
    "bmm": (lambda torch, a, b: torch.bmm(a.unsqueeze(0), b.unsqueeze(0)), M, N),
    "outer": (lambda torch, a, b: torch.outer(a, b), [1.0, 2.0], [3.0, 4.0]),
    "linear": (lambda torch, x, w: torch.nn.functional.linear(x, w), M, M),
    "inv": (lambda torch, s: torch.linalg.inv(s), S),
    "det": (lambda torch, s: torch.linalg.det(s), S),
    "solve": (lambda torch, s, b: torch.linalg.solve(s, b), S, [1.0, 2.0]),
    "cholesky": (lambda torch, s: torch.linalg.cholesky(s @ s.t()), S),
    "vector_norm": (lambda torch, v: torch.linalg.vector_norm(v, ord=3), [1.0, -2.0]),
    "cosine similarity": (lambda torch, a, b: torch.cosine_similarity(a, b, dim=0), [1.0, 2.0], [2.0, -1.0]),
    "cdist": (lambda torch, a: torch.cdist(a, a.flip(0)), M),
    "tensordot": (lambda torch, a, b: torch.tensordot(a, b, dims=1), M, N),
}


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_products(snippet):
    last_bit = "linalg.svd(" in snippet or "pinv" in snippet
    same(snippet, text=not last_bit)


# made of other nodes than PyTorch's, or named without knowing the operands, which are gone after backward
OTHER_NODES = ("vector times matrix", "batch on the right", "einsum", "einsum of a diagonal")


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name):
    same_gradients(*GRADIENTS[name], text=name not in OTHER_NODES, strides=name != "einsum")
