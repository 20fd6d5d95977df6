"""Hooks on tensors, leaves and nodes: order, removal, changed gradients; and hooks for what is saved."""
from __future__ import annotations

import gc
import weakref

import pytest

import stickonfire as torch


def leaf(*values):
    return torch.tensor(values, requires_grad=True)


def test_a_hook_sees_and_changes_the_gradient():
    x = leaf(1.0, 2.0)
    seen = []
    x.register_hook(lambda g: seen.append(g.clone()))
    x.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 1)
    (x * 2).sum().backward()
    assert seen[0].tolist() == [2.0, 2.0] and x.grad.tolist() == [21.0, 21.0]


def test_hooks_see_the_sum_once():
    x = leaf(1.0)
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append(g.item()))
    (y * 2 + y * 3).backward()
    assert seen == [5.0]


def test_order():
    a, b, seen = leaf(1.0), leaf(1.0), []

    def note(name):
        return lambda *args: seen.append(name)
    a.register_hook(note("a"))
    a.register_post_accumulate_grad_hook(note("a has it"))
    b.register_hook(note("b"))
    c = a * 2
    c.register_hook(note("c"))
    d = c * b
    d.grad_fn.register_hook(note("after d"))
    d.grad_fn.register_prehook(note("before d"))
    d.register_hook(note("d"))
    d.backward()
    assert seen == ["d", "before d", "after d", "b", "c", "a", "a has it"]


def test_removal():
    x = leaf(1.0)
    y = x * 1
    first, second = y.register_hook(lambda g: g * 2), y.register_hook(lambda g: g + 1)
    first.remove()
    first.remove()
    with y.register_hook(lambda g: g * 100):
        pass
    y.backward(retain_graph=True)
    assert x.grad.item() == 2.0
    second.remove()
    y.backward()
    assert x.grad.item() == 3.0


def test_hooks_run_without_recording_unless_a_graph_is_wanted():
    x, seen = leaf(1.0), []
    x.register_hook(lambda g: seen.append((torch.is_grad_enabled(), g.requires_grad)))
    (x * x).backward()
    (x * x).backward(create_graph=True)
    assert seen == [(False, False), (True, True)]
    x.grad = None


def test_bad_hooks():
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: torch.ones(3))
    with pytest.raises(RuntimeError, match="has changed the size of value"):
        x.sum().backward()
    y = leaf(1.0)
    y.register_hook(lambda g: "text")
    with pytest.raises(TypeError, match="expected Tensor, but hook returned 'str'"):
        y.sum().backward()
    for register in (torch.ones(2).register_hook, torch.ones(2).register_post_accumulate_grad_hook):
        with pytest.raises(RuntimeError, match="doesn't require gradient"):
            register(lambda g: g)
    with pytest.raises(RuntimeError, match="non-leaf"):
        (y * 2).register_post_accumulate_grad_hook(lambda t: None)
    z = y * y
    z.grad_fn.register_hook(lambda inputs, outputs: (None,))
    with pytest.raises(RuntimeError, match="incorrect number of values"):
        z.sum().backward()


def test_an_exception_in_a_hook_gets_through():
    x = leaf(1.0)
    x.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        (x * 2).backward()
    assert torch.is_grad_enabled() and x.grad is None


def test_a_gradient_kept_by_a_hook_stays_what_it_was():
    x, kept = leaf(1.0, 2.0), []
    x.register_hook(kept.append)
    (x * 3).sum().backward()
    x.grad.zero_()
    assert kept[0].tolist() == [3.0, 3.0]


def test_hooks_on_nodes():
    x = leaf(1.0, 2.0)
    y = x * x
    seen = []
    y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 10,))

    def half(inputs, outputs):
        seen.append((len(inputs), outputs[0].tolist()))
        return inputs[0] * 0, inputs[1]
    y.grad_fn.register_hook(half)
    y.sum().backward()
    assert seen == [(2, [10.0, 10.0])] and x.grad.tolist() == [10.0, 20.0]


def test_post_accumulate_hooks_get_the_leaf_itself():
    x, seen = leaf(1.0, 2.0), []

    def update(t):
        seen.append(t is x)
        t.add_(t.grad, alpha=-0.5)
        t.grad = None
    handle = x.register_post_accumulate_grad_hook(update)
    (x * x).sum().backward()
    assert seen == [True] and x.grad is None and x.tolist() == [0.0, 0.0]
    handle.remove()
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_leaf_with_a_post_accumulate_hook_is_freed():
    gc.disable()
    try:
        x = leaf(1.0)
        x.register_post_accumulate_grad_hook(lambda t: None)
        watch = weakref.ref(x)
        del x
        assert watch() is None
    finally:
        gc.enable()


def test_retain_grad():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 5)
    assert y.retains_grad and not x.retains_grad
    (y * 3).sum().backward(retain_graph=True)
    assert y.grad.tolist() == [15.0, 15.0]                      # what the hooks left
    (y * 3).sum().backward()
    assert y.grad.tolist() == [30.0, 30.0]
    x.retain_grad()                                             # a leaf does so anyway
    with pytest.raises(RuntimeError, match="requires_grad=False"):
        torch.ones(1).retain_grad()


def test_asking_for_the_gradient_of_a_non_leaf():
    y = leaf(1.0) * 2
    with pytest.warns(UserWarning, match="not a leaf Tensor is being accessed"):
        assert y.grad is None


def test_retain_grad_follows_the_tensor_through_in_place_writes():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    y.mul_(3)
    y.sum().backward()
    assert y.grad.tolist() == [1.0, 1.0] and x.grad.tolist() == [6.0, 6.0]


def test_hooks_and_grad():
    x = leaf(1.0)
    y = x * 2
    y.register_hook(lambda g: g * 5)
    x.register_hook(lambda g: g * 7)
    assert torch.autograd.grad(y, x)[0].item() == 70.0
    y = x * 2
    y.register_hook(lambda g: g * 5)
    assert torch.autograd.grad(y, y)[0].item() == 5.0


# -- hooks for what is saved ---------------------------------------------------------------------------------------


def test_saved_tensors_hooks():
    x, packed = leaf(1.0, 2.0), []

    def pack(t):
        packed.append(t)
        return "parcel", t * 10
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda parcel: parcel[1]):
        y = x.exp() * x
    assert len(packed) == 3 and not any(t.requires_grad for t in packed)
    z = y * 2                                                   # outside
    z.sum().backward()
    e = x.detach().exp()
    assert x.grad.tolist() == pytest.approx((2 * (10 * e + 10 * x.detach() * 10 * e)).tolist())


def test_saved_tensors_hooks_and_second_order():
    x = leaf(3.0)
    graph = torch.autograd.graph
    with graph.save_on_cpu(), graph.saved_tensors_hooks(lambda t: [t], lambda parcel: parcel[0]):
        y = x ** 3
    g, = torch.autograd.grad(y, x, create_graph=True)
    assert g.item() == 27.0 and torch.autograd.grad(g, x)[0].item() == 18.0


def test_saved_tensors_hooks_misused():
    x = leaf(3.0)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: 5):
        y = x * x
    with pytest.raises(TypeError, match="expected to be a Tensor"):
        y.backward()
    with torch.autograd.graph.disable_saved_tensors_hooks("not here"):
        with pytest.raises(RuntimeError, match="not here"), torch.autograd.graph.save_on_cpu():
            pass


def test_increment_version():
    x, w = leaf(1.0), torch.ones(1)
    y = x * w
    torch.autograd.graph.increment_version(w)
    with pytest.raises(RuntimeError, match="at version 1; expected version 0"):
        y.backward()
