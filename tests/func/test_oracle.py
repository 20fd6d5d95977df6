"""torch.func of PyTorch and ours on the same snippets; and vmap over PyTorch's operator database."""
from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import stickonfire
from stickonfire.func.pytree import leaves

pytestmark = pytest.mark.oracle
SNIPPETS = {
    "vmap": lambda m, x, y: m.vmap(lambda a, b: (a @ b, a.softmax(-1).sum(0)), (0, None), (0, 1))(x, y),
    "negative dims": lambda m, x, y: m.vmap(m.sub, (-1, None), -1)(x, 2.0 * m.ones(2, 3)),
    "nested": lambda m, x, y: m.vmap(m.vmap(m.dot, (None, 1)), (0, None))(x[0], y),
    "per sample": lambda m, x, y: m.vmap(m.func.grad(lambda w, a: (a @ w).tanh().sum()), (None, 0))(y, x),
    "grad of vmap": lambda m, x, y: m.func.grad(lambda w: m.vmap(lambda a: (a @ w).exp().mean())(x).sum())(y),
    "hessian": lambda m, x, y: m.func.hessian(lambda w: (x[0] @ w).sigmoid().prod())(y),
    "batch of hessians": lambda m, x, y: m.vmap(m.func.hessian(lambda a: a.log_softmax(0).pow(2).sum()))(x[0]),
    "jacrev": lambda m, x, y: m.func.jacrev(lambda w, a: {"s": a @ w, "t": w.sum()}, (0, 1))(y, x[0])["s"],
    "jacfwd": lambda m, x, y: m.func.jacfwd(lambda w: m.nn.functional.layer_norm(x @ w, (2,)))(y),
    "jvp": lambda m, x, y: m.func.jvp(lambda a, b: (a @ b).cumsum(0), (x, y), (x + 1, y - 1)),
    "vjp": lambda m, x, y: m.func.vjp(lambda a: a.sort(-1)[0].cumprod(-1), x)[1](x),
    "linearize": lambda m, x, y: m.func.linearize(lambda a: a.norm(dim=-1), x)[1](x + 2),
    "random": lambda m, x, y: (m.manual_seed(3), m.vmap(lambda a: m.randn(2) * a[0, 0], randomness="different")(x))[1],
    "random same": lambda m, x, y: (m.manual_seed(3), m.vmap(lambda a: m.rand(2) * a[0, 0], randomness="same")(x))[1],
    "dropout": lambda m, x, y: (m.manual_seed(3), m.vmap(m.nn.functional.dropout, randomness="different")(x))[1],
    "promotion": lambda m, x, y: m.vmap(lambda a: a[0, 0].double() + a)(x),
    "promotion of ints": lambda m, x, y: m.vmap(lambda i, a: i * a + i / 2)(m.arange(2), x[:, 0]),
}


def facts(m, name):
    x = m.tensor([[[0.1 * (i * j - k) for k in range(4)] for j in range(3)] for i in range(1, 3)])
    y = m.tensor([[0.3 * i - 0.2 * j * j for j in range(2)] for i in range(4)])
    return [(tuple(t.shape), str(t.dtype), t.detach().tolist()) for t in leaves(SNIPPETS[name](m, x, y))]


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_gives_what_pytorch_gives(name):
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")          # PyTorch warns of its own torch.jit.script
        theirs = facts(torch, name)
    for (*kind, values), (*wanted_kind, wanted) in zip(facts(stickonfire, name), theirs, strict=True):
        assert kind == wanted_kind
        dtype = getattr(torch, kind[1].removeprefix("torch."))
        torch.testing.assert_close(torch.tensor(values, dtype=dtype), torch.tensor(wanted, dtype=dtype), rtol=1e-4,
                                   atol=1e-5)                           # sums of float32 in another order


@pytest.mark.slow
def test_the_operator_database():
    pytest.importorskip("torch")
    root = Path(__file__).parents[2]
    command = [sys.executable, str(root / "scripts" / "vmap_coverage.py"), "--samples", "3", "--list", "--at-least"]
    done = subprocess.run([*command, "0.95"], capture_output=True, text=True, timeout=300, check=False, cwd=root,
                          env={**os.environ, "PYTHONPATH": str(root)})
    assert done.returncode == 0, done.stdout + done.stderr
