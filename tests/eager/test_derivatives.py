"""jacobian, hessian and their products with vectors."""
from __future__ import annotations

import pytest

import stickonfire as torch
from stickonfire.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp

X, Y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])


def cubes(x):
    return (x ** 3).sum()


def test_jacobian():
    assert jacobian(lambda x: x ** 2, X).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    a, b = jacobian(lambda x, y: (x * y).sum(), (X, Y))
    assert a.tolist() == [3.0, 4.0] and b.tolist() == [1.0, 2.0]
    (a, b), (c, d) = jacobian(lambda x, y: (x * y, x.sum()), (X, Y))
    assert a.shape == (2, 2) and b.tolist() == [[1.0, 0.0], [0.0, 2.0]]
    assert c.tolist() == [1.0, 1.0] and d.tolist() == [0.0, 0.0]
    assert jacobian(lambda x: x.view(2, 1) * torch.ones(2, 3), X).shape == (2, 3, 2)
    assert jacobian(lambda x: x[:0], X).shape == (0, 2)
    for options in ({"vectorize": True}, {"strategy": "forward-mode", "vectorize": True}):
        assert jacobian(lambda x: x ** 2, X, **options).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert X.grad is None and not X.requires_grad


def test_hessian():
    assert hessian(cubes, X).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    (a, b), (c, d) = hessian(lambda x, y: (x * y).sum() + cubes(x), (X, Y))
    assert a.tolist() == [[6.0, 0.0], [0.0, 12.0]] and b.tolist() == c.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert d.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(RuntimeError, match="should contain a single element"):
        hessian(lambda x: x, X)


def test_products():
    v = torch.tensor([1.0, 10.0])
    out, product = vjp(lambda x: x ** 2, X, v)
    assert out.tolist() == [1.0, 4.0] and product.tolist() == [2.0, 40.0] and not product.requires_grad
    out, product = jvp(lambda x: torch.cat([x ** 2, x]), X, v)
    assert out.tolist() == [1.0, 4.0, 1.0, 2.0] and product.tolist() == [2.0, 40.0, 1.0, 10.0]
    for f in (vhp, hvp):
        out, product = f(cubes, X, v)
        assert out.item() == 9.0 and product.tolist() == [6.0, 120.0]
        _, (a, b) = f(lambda x, y: (x * y).sum(), (X, Y), (v, v))
        assert a.tolist() == b.tolist() == [1.0, 10.0]
    assert vjp(lambda x: x.sum(), X)[1].tolist() == [1.0, 1.0]
    assert jvp(lambda x: x * 2, torch.tensor(1.0))[1].item() == 2.0


def test_create_graph():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    jacobian(lambda x: x ** 3, x, create_graph=True).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]
    x.grad = None
    vjp(lambda x: x ** 3, x, torch.ones(2), create_graph=True)[1].sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]
    x.grad = None
    hessian(lambda x: (x ** 4).sum(), x, create_graph=True).sum().backward()
    assert x.grad.tolist() == [24.0, 48.0]


def test_strict():
    for f in (jacobian, vjp, jvp, hessian, vhp, hvp):
        with pytest.raises(RuntimeError, match="strict mode"):
            f(lambda x: torch.ones(()), torch.ones(()), strict=True)
        f(lambda x: torch.ones(()), torch.ones(()))
    with pytest.raises(RuntimeError, match="independent of input 1"):
        jacobian(lambda x, y: x * 2, (X, Y), strict=True)


def test_arguments():
    with pytest.raises(TypeError, match="must be either a Tensor or a tuple of Tensors"):
        jacobian(lambda x: x, 3)
    with pytest.raises(TypeError, match="outputs of the user-provided function"):
        jacobian(lambda x: 3, X)
    with pytest.raises(RuntimeError, match="can only be None"):
        vjp(lambda x: x * 2, X)
    with pytest.raises(RuntimeError, match="Entry 0 in v has invalid size"):
        jvp(lambda x: x * 2, X, torch.ones(3))
    with pytest.raises(RuntimeError, match="v is a tuple of invalid length: should be 1 but got 2"):
        hvp(cubes, X, (X, X))
    with pytest.raises(ValueError, match="strategy"):
        jacobian(lambda x: x, X, strategy="sideways")
