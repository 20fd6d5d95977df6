"""Hooks: order, what they may replace, what they see of the gradients, and how they come off."""

import copy

import pytest

import stickonfire as sf
from stickonfire import nn
from stickonfire.nn import global_hooks


class Twice(nn.Module):
    def forward(self, x, plus=0):
        return 2 * x + plus


def test_order_of_forward_hooks():
    log = []
    module = Twice()
    module.register_forward_hook(lambda m, args, out: log.append("after 1"))
    module.register_forward_hook(lambda m, args, out: log.append("after 2"))
    module.register_forward_hook(lambda m, args, out: log.append("after 0"), prepend=True)
    module.register_forward_pre_hook(lambda m, args: log.append("before 1"))
    module.register_forward_pre_hook(lambda m, args: log.append("before 0"), prepend=True)
    module(1)
    assert log == ["before 0", "before 1", "after 0", "after 1", "after 2"]


def test_hooks_replace_arguments_and_result():
    module = Twice()
    with module.register_forward_pre_hook(lambda m, args: args[0] + 1):
        assert module(1) == 4
    with module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"plus": 5}), with_kwargs=True):
        assert module(1) == 7
    with module.register_forward_hook(lambda m, args, kwargs, out: out + kwargs["plus"], with_kwargs=True):
        assert module(1, plus=10) == 22
    assert module(1) == 2 and not module._forward_hooks and not module._forward_hooks_with_kwargs
    module.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="must return None or a tuple of"):
        module(1)


def test_always_call_runs_after_an_error():
    log = []

    class Broken(nn.Module):
        def forward(self):
            raise KeyError("broken")

    module = Broken()
    module.register_forward_hook(lambda m, args, out: log.append("not called"))
    module.register_forward_hook(lambda m, args, out: log.append(out), always_call=True)
    with pytest.raises(KeyError, match="broken"):
        module()
    assert log == [None]


def test_backward_hooks_see_and_replace_gradients():
    log = []
    module = Twice()
    module.register_full_backward_pre_hook(lambda m, grad: log.append(("out", grad[0].tolist())))
    module.register_full_backward_hook(lambda m, grad_in, grad_out: (grad_in[0] * 10,))
    module.register_full_backward_hook(lambda m, grad_in, grad_out: log.append(("in", grad_in[0].tolist())))
    x = sf.ones(2, requires_grad=True)
    module(x).sum().backward()
    assert log == [("out", [1.0, 1.0]), ("in", [20.0, 20.0])] and x.grad.tolist() == [20.0, 20.0]


def test_a_backward_pre_hook_replaces_the_incoming_gradient():
    module = Twice()
    handle = module.register_full_backward_pre_hook(lambda m, grad: (grad[0] * 3,))
    x = sf.ones(2, requires_grad=True)
    module(x).sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]
    handle.remove()
    handle.remove()
    assert not module._backward_pre_hooks


def test_backward_hook_without_an_input_that_needs_gradients():
    seen = []
    module = nn.Linear(2, 1)
    module.register_full_backward_hook(lambda m, grad_in, grad_out: seen.append((grad_in, grad_out[0].shape)))
    module(sf.ones(3, 2)).sum().backward()
    assert seen == [((None,), (3, 1))]


def test_both_kinds_of_backward_hooks_do_not_mix():
    module = Twice()
    module.register_full_backward_hook(lambda m, grad_in, grad_out: None)
    with pytest.raises(RuntimeError, match="both regular backward hooks and full backward hooks"):
        module.register_backward_hook(lambda m, grad_in, grad_out: None)


def test_global_hooks():
    log = []
    handles = [
        global_hooks.register_module_forward_pre_hook(lambda m, args: log.append("before all")),
        global_hooks.register_module_forward_hook(lambda m, args, out: log.append("after all")),
        global_hooks.register_module_module_registration_hook(lambda m, name, child: log.append(name)),
    ]
    try:
        module = nn.Module()
        module.child = Twice()
        module.child.register_forward_pre_hook(lambda m, args: log.append("before own"))
        module.child(1)
    finally:
        for handle in handles:
            handle.remove()
    Twice()(1)
    assert log == ["child", "before all", "before own", "after all"]


def test_hooks_are_copied_with_the_module():
    module = Twice()
    handle = module.register_forward_hook(lambda m, args, out: out + 1)
    twin = copy.deepcopy(module)
    handle.remove()
    assert module(1) == 2 and twin(1) == 3
