"""The base class: groups, errors, state dicts, hooks, repr, copies."""
import copy
import pickle
import warnings

import pytest

import stickonfire as torch
from stickonfire.optim import SGD, Adam, Optimizer
from stickonfire.optim.hooks import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from stickonfire.optim.optimizer import required


def leaf(*values):
    return torch.tensor(list(values), requires_grad=True)


def stepped(optimizer, times=1):
    for _ in range(times):
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad = torch.ones_like(p.detach())
        optimizer.step()
    return optimizer


def test_groups_take_the_defaults_they_do_not_give():
    a, b = leaf(1.0), leaf(2.0)
    optimizer = SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.1, momentum=0.9)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.5]
    assert optimizer.param_groups[1]["momentum"] == 0.9
    assert optimizer.param_groups[1]["params"][0] is b
    optimizer.add_param_group({"params": leaf(3.0), "weight_decay": 0.1})
    assert len(optimizer.param_groups) == 3


def test_named_parameters():
    optimizer = SGD([("w", leaf(1.0)), ("b", leaf(2.0))], lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["w", "b"]
    with pytest.raises(ValueError, match="with/without names"):
        optimizer.add_param_group({"params": [leaf(3.0)]})
    with pytest.raises(ValueError, match="Some param names are missing"):
        SGD([("w", leaf(1.0)), leaf(2.0)], lr=0.1)


@pytest.mark.parametrize(("params", "error", "message"), [
    (lambda: leaf(1.0), TypeError, "should be an iterable of Tensors or dicts"),
    (list, ValueError, "optimizer got an empty parameter list"),
    (lambda: [3.0], TypeError, "optimizer can only optimize Tensors"),
    (lambda: [leaf(1.0) * 2], ValueError, "can't optimize a non-leaf Tensor"),
    (lambda: [{"params": {leaf(1.0)}}], TypeError, "ordered collections"),
])
def test_parameters_that_are_refused(params, error, message):
    with pytest.raises(error, match=message):
        SGD(params(), lr=0.1)


def test_a_parameter_belongs_to_one_group():
    a = leaf(1.0)
    with pytest.raises(ValueError, match="appear in more than one parameter group"):
        SGD([{"params": [a]}, {"params": [a]}], lr=0.1)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        SGD([a, a], lr=0.1)
    with pytest.raises(TypeError, match="param_group must be a dict"):
        SGD([a], lr=0.1).add_param_group([a])


def test_a_required_option_must_be_given():
    class Mine(Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": required})

    with pytest.raises(ValueError, match="required optimization parameter lr"):
        Mine([leaf(1.0)])
    assert Mine([{"params": [leaf(1.0)], "lr": 1.0}]).param_groups[0]["lr"] == 1.0
    with pytest.raises(NotImplementedError):
        Mine([{"params": [leaf(1.0)], "lr": 1.0}]).step()


def test_repr_is_pytorchs():
    optimizer = SGD([{"params": [leaf(1.0)]}, {"params": [leaf(1.0)], "lr": 0.5}], lr=0.1)
    lines = repr(optimizer).splitlines()
    assert lines[:3] == ["SGD (", "Parameter Group 0", "    dampening: 0"]
    assert lines[11:13] == ["Parameter Group 1", "    dampening: 0"]
    assert lines[-1] == ")"
    assert "    lr: 0.5" in lines


def test_zero_grad():
    a, b = leaf(1.0), leaf(2.0)
    optimizer = SGD([a, b], lr=0.1)
    (a * 3).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert a.grad.tolist() == [0.0]
    assert b.grad is None
    optimizer.zero_grad()
    assert a.grad is None


def test_step_returns_what_the_closure_returns_and_runs_it_with_gradients():
    a = leaf(2.0)
    optimizer = SGD([a], lr=0.1)

    def closure():
        assert torch.is_grad_enabled()
        optimizer.zero_grad()
        loss = (a * a).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 4.0
        assert not torch.is_grad_enabled()
    assert a.tolist() == pytest.approx([1.6])
    assert optimizer.step() is None


def test_parameters_without_gradient_are_left_alone():
    a, b = leaf(1.0), leaf(2.0)
    optimizer = Adam([a, b])
    a.grad = torch.ones(1)
    optimizer.step()
    assert b.tolist() == [2.0]
    assert b not in optimizer.state or not optimizer.state[b]


def test_state_dict_has_pytorchs_format():
    optimizer = stepped(Adam([{"params": [leaf(1.0), leaf(2.0)]}, {"params": [leaf(3.0)], "lr": 0.5}]))
    saved = optimizer.state_dict()
    assert list(saved) == ["state", "param_groups"]
    assert list(saved["state"]) == [0, 1, 2]
    assert list(saved["state"][0]) == ["step", "exp_avg", "exp_avg_sq"]
    assert saved["state"][0]["step"].item() == 1.0
    assert saved["state"][0]["step"].dtype == torch.float32
    assert [group["params"] for group in saved["param_groups"]] == [[0, 1], [2]]
    assert list(saved["param_groups"][0]) == [
        "lr", "betas", "eps", "weight_decay", "amsgrad", "maximize", "foreach", "capturable",
        "differentiable", "fused", "decoupled_weight_decay", "params"]


def test_a_loaded_optimizer_goes_on_where_the_saved_one_stopped():
    first = stepped(Adam([leaf(1.0, 2.0)], lr=0.1), 3)
    w = first.param_groups[0]["params"][0].detach().clone().requires_grad_()
    second = Adam([w], lr=99.0)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    stepped(first)
    stepped(second)
    assert w.tolist() == first.param_groups[0]["params"][0].tolist()


def test_loading_takes_dtypes_from_the_parameters_but_keeps_the_step():
    saved = stepped(Adam([leaf(1.0)])).state_dict()
    optimizer = Adam([torch.ones(1, dtype=torch.float64, requires_grad=True)])
    optimizer.load_state_dict(saved)
    (state,) = optimizer.state.values()
    assert state["exp_avg"].dtype == torch.float64
    assert state["step"].dtype == torch.float32


def test_state_dicts_of_older_versions_are_completed():
    optimizer = stepped(Adam([leaf(1.0)]))
    saved = optimizer.state_dict()
    for name in ("maximize", "foreach", "capturable", "differentiable", "fused", "decoupled_weight_decay"):
        del saved["param_groups"][0][name]
    saved["state"][0]["step"] = 1
    optimizer.load_state_dict(saved)
    assert stepped(optimizer).state_dict()["state"][0]["step"].item() == 2.0
    assert optimizer.param_groups[0]["maximize"] is False


def test_state_dicts_that_do_not_fit():
    saved = SGD([leaf(1.0), leaf(2.0)], lr=0.1).state_dict()
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
        SGD([leaf(1.0)], lr=0.1).load_state_dict(saved)
    with pytest.raises(ValueError, match="different number of parameter groups"):
        SGD([{"params": [leaf(1.0)]}, {"params": [leaf(1.0)]}], lr=0.1).load_state_dict(saved)


def test_step_hooks_and_their_order():
    calls = []
    optimizer = SGD([leaf(1.0)], lr=0.1)
    handles = [
        optimizer.register_step_pre_hook(lambda *_: calls.append("pre")),
        optimizer.register_step_post_hook(lambda *_: calls.append("post")),
        register_optimizer_step_pre_hook(lambda *_: calls.append("all pre")),
        register_optimizer_step_post_hook(lambda *_: calls.append("all post"))]
    stepped(optimizer)
    assert calls == ["all pre", "pre", "post", "all post"]
    for handle in handles:
        handle.remove()
    stepped(optimizer)
    assert len(calls) == 4


def test_a_pre_hook_can_change_the_arguments_and_must_return_a_pair():
    optimizer = SGD([leaf(1.0)], lr=0.1)
    with optimizer.register_step_pre_hook(lambda opt, args, kwargs: ((opt,), {"closure": lambda: 7})):
        assert optimizer.step() == 7
    optimizer.register_step_pre_hook(lambda *_: 3)
    with pytest.raises(RuntimeError, match="must return None or"):
        optimizer.step()


def test_hooks_run_once_for_a_step_that_calls_the_one_it_overrides():
    class Mine(SGD):
        def step(self, closure=None):
            return super().step(closure)

    calls = []
    optimizer = Mine([leaf(1.0)], lr=0.1)
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    stepped(optimizer, 2)
    assert calls == [1, 1]


def test_state_dict_hooks():
    optimizer = SGD([leaf(1.0)], lr=0.1)
    calls = []
    optimizer.register_state_dict_pre_hook(lambda opt: calls.append("before"))
    optimizer.register_state_dict_post_hook(lambda opt, saved: {**saved, "note": 1})
    saved = optimizer.state_dict()
    assert saved["note"] == 1
    optimizer.register_load_state_dict_pre_hook(lambda opt, saved: calls.append(saved["note"]))
    optimizer.register_load_state_dict_post_hook(lambda opt: calls.append("second"))
    optimizer.register_load_state_dict_post_hook(lambda opt: calls.append("first"), prepend=True)
    optimizer.load_state_dict(saved)
    assert calls == ["before", 1, "first", "second"]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_are_independent_and_complete(duplicate):
    first = stepped(Adam([leaf(1.0, 2.0)], lr=0.1), 2)
    second = duplicate(first)
    stepped(second)
    (a,), (b,) = first.param_groups[0]["params"], second.param_groups[0]["params"]
    assert a is not b
    assert second.state[b]["step"].item() == 3.0
    assert first.state[a]["step"].item() == 2.0


def test_a_users_own_optimizer():
    class Plain(Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    p -= group["lr"] * p.grad

    a = leaf(1.0)
    optimizer = Plain([a], 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stepped(optimizer)
    assert a.tolist() == [0.5]


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Adagrad", "RMSprop", "Adadelta", "Adamax", "NAdam",
                                  "RAdam", "ASGD", "Rprop", "Adafactor", "LBFGS", "Muon"])
def test_repr_and_groups_equal_the_oracles(name):
    oracle = pytest.importorskip("torch")
    theirs = getattr(oracle.optim, name)([oracle.ones(2, 2, requires_grad=True)])
    ours = getattr(torch.optim, name)([torch.ones(2, 2, requires_grad=True)])
    assert repr(ours) == repr(theirs)
    assert ours.state_dict()["param_groups"] == theirs.state_dict()["param_groups"]
    assert list(ours.state_dict()["param_groups"][0]) == list(theirs.state_dict()["param_groups"][0])


@pytest.mark.oracle
def test_state_dicts_travel_both_ways():
    oracle = pytest.importorskip("torch")

    def made(lib):
        w = lib.tensor([1.0, 2.0], requires_grad=True)
        return w, lib.optim.Adam([w], lr=0.1, amsgrad=True)

    def translated(saved, lib):
        return {key: lib.tensor(value.tolist()) if hasattr(value, "tolist")
                else translated(value, lib) if isinstance(value, dict) else value for key,
                value in saved.items()}

    def step(lib, w, optimizer):
        w.grad = lib.tensor([0.5, -3.0])
        optimizer.step()

    for source, target in ((oracle, torch), (torch, oracle)):
        w, first = made(source)
        step(source, w, first)
        v, second = made(target)
        v.data = target.tensor(w.tolist())
        second.load_state_dict(translated(first.state_dict(), target))
        step(source, w, first)
        step(target, v, second)
        assert v.tolist() == pytest.approx(w.tolist(), rel=1e-6)
