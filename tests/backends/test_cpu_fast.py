"""The CPU's shorter ways against the rules in ops/: the same numbers, to the last bit, or a refusal."""
from __future__ import annotations

import numpy as np
import pytest

import stickonfire as torch
from stickonfire.backends.cpu import fast, xp
from stickonfire.eager.graph import prepare
from stickonfire.eager.values import sum_to
from stickonfire.ops.op import REGISTRY

RNG = np.random.default_rng(0)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def odds(*shape):
    return RNG.random(shape, dtype=np.float32)


SATURATED = np.array([[0.0], [1.0], [0.0], [1.0]], np.float32)
WITH_NAN = np.array([np.nan, -1, 0, 2, -np.inf, np.inf], np.float32)
CASES = [                                       # op, arrays, attributes
    ("linear", (floats(12, 2), floats(1, 2), floats(1)), ()),
    ("linear", (floats(8, 4), floats(16, 4), floats(16)), ()),
    ("linear", (floats(8, 4), floats(16, 4), floats(1)), ()),
    ("linear", (floats(8, 4), floats(16, 4), None), ()),
    ("linear", (floats(4, 8).T, floats(4, 16).T, floats(8, 16)), ()),
    ("linear", (floats(5, 8, 4), floats(16, 4), floats(16)), ()),
    ("linear", (floats(8, 4), floats(4), None), ()),
    ("linear", (floats(0, 4), floats(3, 4), floats(3)), ()),
    ("sigmoid", (floats(12, 1),), ()),
    ("sigmoid", (floats(3, 4).T,), ()),
    ("sigmoid", (WITH_NAN,), ()),
    ("sigmoid", (floats(),), ()),
    ("relu", (floats(8, 16),), ()),
    ("relu", (floats(80, 40),), ()),
    ("relu", (WITH_NAN,), ()),
    ("relu", (floats(),), ()),
    *[("mse_loss", (floats(*shape), floats(*shape)), (reduction,))
      for reduction in ("mean", "sum", "none") for shape in ((8, 1), (0,), (), (70, 40))],
    *[("binary_cross_entropy", (odds(*shape), odds(*shape), None), (reduction,))
      for reduction in ("mean", "sum", "none") for shape in ((12, 1), (0,), (), (70, 40))],
    *[("log_softmax", (floats(*shape),), (dim,))
      for shape in ((256, 10), (3, 100), (5, 1), (0, 3)) for dim in (1, -1, 0)],
    *[("nll_loss", (floats(6, 10), np.array(targets), None), (ignored, reduction))
      for targets, ignored in (([0, 9, 3, 3, 1, 0], -100), ([0, 9, 3, 3, 1, 0], 3), ([0, -100, 3, 3, 1, 0], -100))
      for reduction in ("mean", "sum", "none")],
    ("nll_loss", (floats(6, 10), np.arange(6), floats(10)), (-100, "mean")),
    ("binary_cross_entropy", (SATURATED, SATURATED[::-1], None), ("mean",)),
    ("binary_cross_entropy", (odds(3), odds(3), odds(3)), ("mean",)),
]


def alike(got, expected):
    return got is expected is None or np.array_equal(np.asarray(got), np.asarray(expected), equal_nan=True)


class Edge:
    """All that a backward asks of its input's edge."""

    def __init__(self, array):
        self.shape = array.shape


def summed(g, edge):
    return g if g is None or g.shape == edge.shape else sum_to(xp, g, edge.shape)


@pytest.mark.parametrize("name, arrays, attributes", CASES)
def test_forward_and_backward_are_those_of_the_op(name, arrays, attributes):
    op = REGISTRY[name]
    expected = op.forward(xp, *arrays, *attributes)
    got = fast.FORWARDS[name](*arrays, *attributes)
    assert got is None or alike(got, expected) and got.dtype == expected.dtype
    facts = {"out": expected, **dict(zip(op.tensors, arrays)), **dict(zip(op.attributes, attributes)),
             **{f"{n}_shape": a.shape for n, a in zip(op.tensors, arrays) if a is not None}}
    wants = [rule.function.__code__.co_varnames[2:rule.function.__code__.co_argcount] for rule in op.rules]
    kept = tuple(tuple(facts[n] for n in names) for names in wants)
    g = RNG.standard_normal(np.shape(expected)).astype(np.float32)
    for needed in ((True, True, True), (True, False, True), (False, True, False)):
        saved = tuple(values if needed[i] or not values else None for i, values in enumerate(kept))
        edges = tuple(None if a is None or not needed[i] else Edge(a) for i, a in enumerate(arrays))
        if all(edge is None for edge in edges):
            continue
        got = fast.BACKWARDS[name](g, saved, edges)
        rules = (REGISTRY[name].backward or prepare(REGISTRY[name]))(xp, g, saved)
        for a, b, edge in zip(got or (), rules, edges):
            assert edge is None or alike(summed(a, edge), summed(b, edge)) and (a is None or a.dtype == np.float32)


def test_the_usual_sizes_are_not_refused():
    assert all(fast.FORWARDS[name](*arrays, *attributes) is not None
               for name, arrays, attributes in CASES if arrays[0].shape in ((12, 1), (12, 2), (8, 1), (8, 16)))


def test_bad_probabilities_are_left_to_the_op():
    for bad in (-0.5, 1.5, np.nan):
        assert fast.binary_cross_entropy(np.float32([0.5, bad]), np.float32([0, 1]), None, "mean") is None
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        torch.nn.functional.binary_cross_entropy(torch.tensor([0.5, 1.5]), torch.tensor([0.0, 1.0]))


def test_the_unit_gradient_is_safe_from_users():
    x = torch.tensor(2.0, requires_grad=True)
    x.backward()
    x.grad.add_(5)
    seen = []
    loss = x * 1
    loss.register_hook(lambda g: seen.append(g.mul_(3)))
    loss.retain_grad()
    loss.backward()
    loss.grad.add_(1)
    assert fast.unit(np.zeros((), np.float32)) == 1 and x.grad.item() == 9.0 and seen[0].item() == 3.0


@pytest.mark.parametrize("make", [
    lambda params, **extra: torch.optim.SGD(params, lr=0.1, **extra),
    lambda params, **extra: torch.optim.Adam(params, lr=0.1, **extra),
    lambda params, **extra: torch.optim.AdamW(params, lr=0.1, weight_decay=0.3, **extra)], ids=["SGD", "Adam", "AdamW"])
def test_updates_at_once_are_those_of_the_ops(make, monkeypatch):
    arrays = [floats(16, 4), floats(16), floats(60, 70), floats(5, 3).T]

    def trained(at_once):
        if not at_once:
            monkeypatch.setattr(fast, "updatable", lambda *args: False)
        count = 4 if at_once is None else 3                         # the last is not dense: never at once
        params = [torch.from_numpy(a.copy(order="K")).requires_grad_() for a in arrays[:count]]
        optimizer = make(params)
        for _ in range(3):
            optimizer.zero_grad()
            sum((p * p * p).sum() for p in params).backward()
            versions = [p._version for p in params]
            optimizer.step()
            assert all(p._version > version for p, version in zip(params, versions))
        return params
    for p, q in zip(trained(True), trained(False)):
        assert np.array_equal(p.detach().numpy(), q.detach().numpy())
    trained(None)


def test_a_step_without_gradients_or_of_frozen_parameters_changes_nothing():
    w = torch.ones(3, requires_grad=True)
    frozen = torch.ones(2)
    optimizer = torch.optim.SGD([w, frozen], lr=0.5)
    optimizer.step()
    assert w.tolist() == [1.0] * 3
    w.sum().backward()
    optimizer.step()
    assert w.tolist() == [0.5] * 3 and frozen.tolist() == [1.0] * 2
