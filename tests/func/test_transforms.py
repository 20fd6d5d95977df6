"""Derivatives of functions: against autograd, nested in every order, and nothing outside is touched."""
from __future__ import annotations

import pytest

import stickonfire as torch
from stickonfire.func import (
    functional_call,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    stack_module_state,
    vjp,
    vmap,
)

from .test_vmap import assert_same

F = torch.nn.functional


def cube(x):
    return (x ** 3).sum()


def test_gradients_of_gradients_do_not_mix():
    x = torch.tensor(2.0)
    assert grad(grad(grad(cube)))(x) == 6
    # d/dx (x * d/dy (x + y)) = 1: a gradient that confuses levels gives 2
    assert grad(lambda x: x * grad(lambda y: x + y)(torch.tensor(1.0)))(x) == 1
    assert grad(lambda x: x * grad(lambda y: x * y)(torch.tensor(1.0)))(x) == 4
    assert grad(lambda x: grad(lambda x: x ** 2)(x) * x)(x) == 8


def test_outer_tensors_are_left_alone():
    x, w = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor(3.0, requires_grad=True)
    out = grad(lambda a: (a * a * w).sum())(x)
    assert x.grad is None and w.grad is None and out.requires_grad
    out.sum().backward()                                                # second order, by the outer tape
    assert x.grad.tolist() == [6, 6] and w.grad == 6
    fixed = grad(cube)(torch.ones(2))
    assert not fixed.requires_grad and fixed.is_leaf
    with torch.no_grad():
        inside = grad(cube)(x)
        assert not inside.requires_grad and inside.tolist() == [3, 12]
    constant = grad(lambda a: (a * a.detach()).sum() + torch.no_grad()(cube)(a))(x.detach())
    assert constant.tolist() == [1, 2]


def test_argnums_aux_and_values():
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])

    def f(a, b, scale=1):
        return (a * b * scale).sum(), {"aux": a + b}
    found, aux = grad(f, (0, -1), has_aux=True)(x, y, scale=2)
    assert_same((found, aux["aux"]), ((y * 2, x * 2), x + y))
    g, (value, aux) = grad_and_value(f, 1, has_aux=True)(x, y)
    assert_same((g, value, aux["aux"]), (x, (x * y).sum(), x + y))
    assert not aux["aux"].requires_grad
    tree = grad(lambda p: (p["w"][0] * p["b"]).sum())({"w": [x], "b": y})
    assert_same((tree["w"][0], tree["b"]), (y, x))
    assert grad(lambda a, b: a.sum(), 1)(x, y).tolist() == [0, 0]       # no dependence: zeros


@pytest.mark.parametrize("call", [lambda: grad(cube)(2.0), lambda: vjp(cube, 2.0), lambda: jacrev(cube)(2.0)])
def test_what_is_no_tensor_cannot_be_differentiated(call):
    with pytest.raises(ValueError, match="must be Tensor, got <class 'float'>"):
        call()


@pytest.mark.parametrize(("call", "text"), [
    (lambda x: grad(torch.sin)(x), "Maybe you wanted to use the vjp or jacrev APIs"),
    (lambda x: grad(lambda a: 1.0)(x), "to return only tensors"),
    (lambda x: grad(cube, 3)(x), "only 1 positional inputs"),
    (lambda x: grad(cube, has_aux=True)(x), r"\(output, aux\) if has_aux"),
    (lambda x: vjp(torch.sin, x)[1]((x, x)), "pytree structure of cotangents"),
    (lambda x: jvp(torch.sin, x, x), "non-empty tuple"),
    (lambda x: jvp(torch.sin, (x,), (x, x)), "same python structure"),
    (lambda x: jvp(torch.sin, (x,), (x[:1],)), "of its primal's shape"),
    (lambda x: jvp(lambda a: torch.ones(1), (x,), (x,), strict=True), "independent of the inputs"),
])
def test_errors(call, text):
    with pytest.raises(RuntimeError, match=text):
        call(torch.ones(2))


def test_products():
    x = torch.rand(3)
    out, pull = vjp(lambda a, b: {"s": a * b, "t": a.sum()}, x, x + 1)
    assert not out["s"].requires_grad
    ones = {"s": torch.ones(3), "t": torch.tensor(2.0)}
    assert_same(pull(ones), (x + 1 + 2, x))
    assert_same(pull(ones), (x + 1 + 2, x))                             # more than once
    value, moved = jvp(lambda a, b: (a * b, b.exp()), (x, x), (torch.ones(3), 2 * torch.ones(3)))
    assert_same((value, moved), ((x * x, x.exp()), (x + 2 * x, 2 * x.exp())))
    out, push = linearize(torch.sin, x)
    assert_same((out, push(x), push(torch.ones(3))), (x.sin(), x * x.cos(), x.cos()))
    assert_same(vjp(lambda a: (a.sin(),), x)[1]((torch.ones(3),)), (x.cos(),))
    assert_same(jvp(lambda a: (a, a.sum()), (x,), (x,), has_aux=True)[2], x.sum())


def network(p, x):
    return ((x @ p["w"]).tanh() @ p["v"]).softmax(-1)


def test_matrices_of_derivatives_agree():
    p = {"w": torch.rand(3, 4, dtype=torch.float64), "v": torch.rand(4, 2, dtype=torch.float64)}
    x = torch.rand(3, dtype=torch.float64)
    reverse, forward = jacrev(network, (0, 1))(p, x), jacfwd(network, (0, 1))(p, x)
    assert_same(reverse, forward)
    wanted = torch.autograd.functional.jacobian(lambda w, v, x: network({"w": w, "v": v}, x), (p["w"], p["v"], x))
    assert_same((reverse[0]["w"], reverse[0]["v"], reverse[1]), wanted)
    assert_same(jacrev(network, 1, chunk_size=1)(p, x), reverse[1])
    second = hessian(lambda a: network(p, a).log().sum())(x)
    assert_same(second, torch.autograd.functional.hessian(lambda a: network(p, a).log().sum(), x))
    for outer in (jacrev, jacfwd):
        for inner in (jacrev, jacfwd):
            assert_same(outer(inner(lambda a: network(p, a).log().sum()))(x), second)
    batch = torch.rand(5, 3, dtype=torch.float64)
    assert_same(vmap(hessian(lambda a: network(p, a).log().sum()))(batch),
                torch.stack([hessian(lambda a: network(p, a).log().sum())(row) for row in batch]))
    rows, aux = jacrev(lambda a: (a * 2, a), has_aux=True)(x)
    assert_same((rows, aux), (2 * torch.eye(3, dtype=torch.float64), x))


def test_the_jacobian_is_part_of_an_outer_graph():
    x = torch.rand(3, requires_grad=True)
    jacrev(lambda a: a ** 3)(x).diagonal().sum().backward()
    assert_same(x.grad, 6 * x.detach())
    x.grad = None
    jacfwd(lambda a: a ** 3)(x).diagonal().sum().backward()
    assert_same(x.grad, 6 * x.detach())


def modules():
    torch.manual_seed(0)
    mlp = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.LayerNorm(8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    cnn = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.GroupNorm(2, 4), torch.nn.ReLU(),
                              torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(16, 3))
    return [(mlp, torch.rand(6, 4)), (cnn, torch.rand(6, 1, 4, 4))]


@pytest.mark.parametrize("index", [0, 1])
def test_gradients_per_sample(index):
    model, x = modules()[index]
    y = torch.tensor([0, 1, 2, 0, 1, 2])
    params = {name: p.detach() for name, p in model.named_parameters()}

    def loss(params, x, y):
        return F.cross_entropy(functional_call(model, params, (x[None],)), y[None])
    per_sample = vmap(grad(loss), (None, 0, 0))(params, x, y)
    for i in range(6):
        model.zero_grad()
        F.cross_entropy(model(x[i:i + 1]), y[i:i + 1]).backward()
        assert_same([g[i] for g in per_sample.values()], [p.grad for p in model.parameters()])
    assert vmap(grad(loss), (None, 0, 0), chunk_size=2)(params, x, y)[next(iter(params))].shape[0] == 6


def test_an_ensemble():
    models = [modules()[0][0] for _ in range(3)]
    for i, model in enumerate(models):
        torch.nn.init.constant_(model[0].bias, float(i))
    params, buffers = stack_module_state(models)
    assert params["0.bias"].shape == (3, 8) and params["0.bias"].is_leaf and params["0.bias"].requires_grad
    x = torch.rand(5, 4)
    out = vmap(lambda p, b, x: functional_call(models[0], (p, b), (x,)), (0, 0, None))(params, buffers, x)
    assert_same(out, torch.stack([model(x) for model in models]))
    out.sum().backward()
    assert params["0.weight"].grad.shape == (3, 8, 4)
    with pytest.raises(RuntimeError, match="at least one model"):
        stack_module_state([])
    with pytest.raises(RuntimeError, match="same class"):
        stack_module_state([torch.nn.Linear(1, 1), torch.nn.ReLU()])
    with pytest.raises(RuntimeError, match="same training/eval mode"):
        stack_module_state([torch.nn.Linear(1, 1), torch.nn.Linear(1, 1).eval()])


class Counting(torch.nn.Module):
    """A module that puts another buffer in the place of its own."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(()))

    def forward(self):
        self.count = self.count + 1


def test_functional_call():
    layer, x = torch.nn.Linear(2, 2), torch.ones(2)
    before = layer.weight
    out = functional_call(layer, {"weight": torch.eye(2)}, x)
    assert torch.equal(out, x + layer.bias) and layer.weight is before
    assert torch.equal(functional_call(layer, ({"weight": torch.eye(2)}, {"bias": x}), (), {"input": x}), 2 * x)
    assert torch.equal(functional_call(layer, {"wait": x}, x), layer(x)) and not hasattr(layer, "wait")
    with pytest.raises(RuntimeError, match="Unexpected key"):
        functional_call(layer, {"wait": x}, x, strict=True)
    with pytest.raises(AttributeError):
        functional_call(layer, {"no.weight": x}, x)
    with pytest.raises(TypeError, match="not an instance of torch.Tensor"):
        functional_call(layer, {"in_features": x}, x)
    with pytest.raises(RuntimeError, match="Missing key"):
        functional_call(layer, {"weight": torch.eye(2)}, x, strict=True)
    with pytest.raises(ValueError, match="multiple dictionaries"):
        functional_call(layer, ({"bias": x}, {"bias": x}), x)
    tied = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False), torch.nn.Linear(2, 2, bias=False))
    tied[1].weight = tied[0].weight
    assert torch.equal(functional_call(tied, {"0.weight": 2 * torch.eye(2)}, x), 4 * x)
    with pytest.raises(ValueError, match="tied"):
        functional_call(tied, {"0.weight": torch.eye(2), "1.weight": torch.zeros(2, 2)}, x)
    norm = torch.nn.BatchNorm1d(2)
    stats = {"running_mean": torch.zeros(2), "running_var": torch.ones(2)}
    functional_call(norm, stats, torch.rand(4, 2))
    given = {"count": torch.zeros(())}
    functional_call(Counting(), given, ())
    assert given["count"] == 1                                                      # as is what was put there
    assert stats["running_mean"].sum() != 0 and norm.running_mean.sum() == 0        # written to what was given
