"""Checkpointing gives the same gradients and dropout masks, and keeps less."""
from __future__ import annotations

import gc
import tracemalloc
import warnings
import weakref

import pytest

import stickonfire as torch
from stickonfire.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential

F = torch.nn.functional
BOTH = pytest.mark.parametrize("use_reentrant", [False, True])


def numbers(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1)).requires_grad_()


def body(x, w):
    return (x @ w).tanh() * x


@BOTH
def test_same_gradients(use_reentrant):
    x, w = numbers(3, 3), numbers(3, 3)
    expected = torch.autograd.grad(body(x, w).sum(), (x, w))
    y = checkpoint(body, x, w, use_reentrant=use_reentrant)
    assert y.tolist() == body(x, w).tolist()
    y.sum().backward()
    assert x.grad.tolist() == expected[0].tolist() and w.grad.tolist() == expected[1].tolist()


@BOTH
def test_same_dropout_mask(use_reentrant):
    x = torch.ones(200, requires_grad=True)
    torch.manual_seed(3)
    y = checkpoint(lambda t: F.dropout(t * 2, 0.5), x, use_reentrant=use_reentrant)
    state = torch.get_rng_state()
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()                        # 4 where kept, 0 where dropped
    assert torch.get_rng_state().tolist() == state.tolist()
    x.grad = None
    y = checkpoint(lambda t: F.dropout(t * 2, 0.5), x, use_reentrant=use_reentrant, preserve_rng_state=False)
    y.sum().backward()
    assert use_reentrant is False or x.grad.tolist() != y.tolist()


def test_the_function_runs_once_more_and_only_as_far_as_needed():
    x, calls = numbers(4), []

    def f(t):
        calls.append("start")
        t = t.exp().sin()
        calls.append("middle")
        t = t + 1
        calls.append("end")
        return t
    y = checkpoint(f, x, use_reentrant=False)
    y.sum().backward()
    assert calls == ["start", "middle", "end", "start"]         # sin is the last to save something
    calls.clear()
    checkpoint(f, x, use_reentrant=False, early_stop=False).sum().backward()
    assert calls == ["start", "middle", "end"] * 2


def test_what_the_better_form_can_do():
    x, w = numbers(3, 3), numbers(3, 3)
    f = lambda x, *, scale: {"out": (x @ w).exp() * scale}      # noqa: E731  (keywords, closures, any structure)
    expected, = torch.autograd.grad(f(x, scale=2.0)["out"].sum(), w)
    y = checkpoint(f, x.detach(), scale=2.0, use_reentrant=False)["out"]
    found, = torch.autograd.grad(y.sum(), w, retain_graph=True)
    assert found.tolist() == expected.tolist()
    y.sum().backward()                                          # a second time
    assert w.grad.tolist() == expected.tolist()
    with torch.no_grad():
        assert not checkpoint(body, x, w, use_reentrant=False).requires_grad


def test_nested():
    x = numbers(5)
    inner = lambda t: t.exp() * t                               # noqa: E731
    outer = lambda t: checkpoint(inner, t.sin(), use_reentrant=False) * t       # noqa: E731
    expected, = torch.autograd.grad((inner(x.sin()) * x).sum(), x)
    checkpoint(outer, x, use_reentrant=False).sum().backward()
    assert x.grad.tolist() == pytest.approx(expected.tolist())


def test_second_order():
    x = numbers(3)
    y = checkpoint(lambda t: t.exp() * t, x, use_reentrant=False)
    g, = torch.autograd.grad(y.sum(), x, create_graph=True)
    h, = torch.autograd.grad(g.sum(), x)
    assert h.tolist() == pytest.approx((x.exp() * (x + 2)).tolist())


def test_memory():
    def held(make):
        x = torch.ones(200_000, requires_grad=True)
        gc.collect()
        tracemalloc.start()
        try:
            y = make(x)
            return tracemalloc.get_traced_memory()[0] - y.numel() * 4
        finally:
            tracemalloc.stop()
    chain = lambda x: x.exp().sin().tanh().exp().sin() + 1      # noqa: E731
    assert held(chain) > 3 * 800_000 * 0.9
    assert held(lambda x: checkpoint(chain, x, use_reentrant=False)) < 50_000
    assert held(lambda x: checkpoint(chain, x, use_reentrant=True)) < 50_000


@BOTH
@pytest.mark.parametrize("backward", [True, False])
def test_freed_by_reference_counting(use_reentrant, backward):
    gc.disable()
    try:
        x = numbers(3) * 1
        y = checkpoint(lambda t: t.exp() * t, x, use_reentrant=use_reentrant)
        watch = weakref.ref(y.grad_fn)
        if backward:
            y.sum().backward()
        del x, y
        assert watch() is None
    finally:
        gc.enable()


def test_an_input_was_changed():
    x = numbers(3) * 1
    y = checkpoint(lambda t: t * t, x, use_reentrant=False)
    with torch.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_another_second_run_is_noticed():
    x, calls = numbers(3), []

    def more(t):
        calls.append(1)
        return t.exp().sin() if len(calls) == 1 else t.exp()

    def other(t):
        calls.append(1)
        return t.exp() if len(calls) == 1 else t[:2].exp()
    with pytest.raises(CheckpointError, match="A different number of tensors was saved"):
        checkpoint(more, x, use_reentrant=False).sum().backward()
    calls.clear()
    with pytest.raises(CheckpointError, match="different metadata"):
        checkpoint(other, x, use_reentrant=False).sum().backward()


def test_warnings_and_refusals():
    x = numbers(2)
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        checkpoint(lambda t: t * 2, x)
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
        assert not checkpoint(lambda t: t * 2, torch.ones(2), use_reentrant=True).requires_grad
    with pytest.raises(ValueError, match="Unexpected keyword arguments: scale"):
        checkpoint(lambda t, scale: t * scale, x, scale=2, use_reentrant=True)
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(lambda t: t, x, use_reentrant=False, determinism_check="maybe")


def test_contexts():
    entered = []

    class Note:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            entered.append(self.name)

        def __exit__(self, *exc):
            pass
    x = numbers(2)
    y = checkpoint(lambda t: t.exp(), x, use_reentrant=False, context_fn=lambda: (Note("first"), Note("second")))
    y.sum().backward()
    assert entered == ["first", "second"]


@BOTH
def test_sequential(use_reentrant):
    layers = [torch.exp, torch.sin, lambda t: t * 2, torch.tanh, torch.cos]
    x = numbers(4)
    expected = x
    for layer in layers:
        expected = layer(expected)
    found = checkpoint_sequential(layers, 2, x, use_reentrant=use_reentrant)
    assert found.tolist() == expected.tolist()
    assert (torch.autograd.grad(expected.sum(), x)[0].tolist() == (found.sum().backward(), x.grad)[1].tolist())
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    checkpoint_sequential(model, 3, x, use_reentrant=use_reentrant).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_ordinary_use_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checkpoint(lambda t: t * t, numbers(2), use_reentrant=False).sum().backward()


@pytest.mark.parametrize("use_reentrant", [False, True])
@pytest.mark.parametrize("during_backward", [False, True])
def test_the_second_run_is_under_the_autocast_of_the_first(use_reentrant, during_backward):
    pytest.importorskip("ml_dtypes")
    w, x = torch.ones(3, 3, requires_grad=True), torch.ones(2, 3, requires_grad=True)
    kinds = []

    def step(t):
        out = t @ w
        kinds.append(out.dtype)
        return out.float().tanh()
    with torch.autocast("cpu", enabled=not during_backward):
        out = torch.utils.checkpoint.checkpoint(step, x, use_reentrant=use_reentrant, early_stop=False)
    with torch.autocast("cpu", enabled=during_backward):
        out.sum().backward()
    assert kinds == [torch.float32 if during_backward else torch.bfloat16] * 2
    assert w.grad.dtype is x.grad.dtype is torch.float32
    assert not torch.is_autocast_enabled("cpu") and (x @ w).dtype is torch.float32
