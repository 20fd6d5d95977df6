"""torch.compile as users meet it: modules, explain(), what is refused."""
from __future__ import annotations

import functools

import pytest

import stickonfire as torch
from stickonfire import nn

pytest.importorskip("llvmlite")
pytestmark = pytest.mark.llvm


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.LayerNorm(16), nn.Dropout(0.5), nn.Linear(16, 3))


def gradients(model: nn.Module, call, x: torch.Tensor) -> list[torch.Tensor]:
    model.zero_grad()
    torch.manual_seed(1)
    (call(x) ** 2).sum().backward()
    return [p.grad.clone() for p in model.parameters()]


def test_a_compiled_module_gives_the_same_results_and_gradients():
    model = net()
    compiled = torch.compile(model)
    for _ in range(4):
        x = torch.randn(5, 6)
        for ours, theirs in zip(gradients(model, compiled, x), gradients(model, model, x)):
            torch.testing.assert_close(ours, theirs)
    assert len(compiled.compiled.programs()) == 1
    assert compiled(x).grad_fn.name() == "CompiledFunctionBackward"


def test_gradients_flow_on_through_arguments_that_have_a_history():
    model = net().eval()
    compiled = torch.compile(model)
    for _ in range(4):
        x, y = (torch.ones(2, 6, requires_grad=True) for _ in range(2))
        compiled(x * 3).sum().backward()
        model(y * 3).sum().backward()
        torch.testing.assert_close(x.grad, y.grad)


def test_train_and_eval_are_two_programs():
    compiled = torch.compile(net())
    x = torch.ones(4, 6)
    for mode in (True, False):
        compiled.train(mode)
        for _ in range(3):
            compiled(x)
    assert len(compiled.compiled.programs()) == 2
    assert torch.equal(compiled(x), compiled(x))                    # no dropout any more


def test_a_compiled_module_is_its_module():
    model = net()
    compiled = torch.compile(model)
    assert compiled._orig_mod is model and compiled.append is not None
    assert [name for name, _ in compiled.named_parameters()] == [f"_orig_mod.{n}" for n, _ in model.named_parameters()]


def test_a_second_backward_and_a_double_backward_are_refused():
    compiled = torch.compile(net().eval())
    x = torch.ones(2, 6, requires_grad=True)
    for _ in range(3):
        out = compiled(x).sum()
    out.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        out.backward()
    with pytest.raises(RuntimeError, match="double backward"):
        torch.autograd.grad(compiled(x).sum(), x, create_graph=True)


def test_a_parameter_changed_between_forward_and_backward_is_noticed():
    model = net().eval()
    compiled = torch.compile(model)
    for _ in range(3):
        out = compiled(torch.ones(2, 6)).sum()
    with torch.no_grad():
        model[4].weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


def test_explain_lists_kernels_and_source_shows_them():
    double = torch.compile(lambda x: (x * 2 + 1).sum())
    for _ in range(3):
        double(torch.ones(100))
    text = double.explain()
    assert "1 variant(s)" in text and "roofline" in text
    assert "multiply" in double.program and "reduce" in double.program
    shown = double.source(0)
    assert "for row in parallel" in shown and "define" in shown and "ret" in shown
    with pytest.raises(IndexError, match="no step 99"):
        double.source(99)


def test_explain_names_the_line_that_cannot_be_captured():
    def step(x):
        return x * 2 if x.sum().item() > 0 else x

    compiled = torch.compile(step)
    for sign in (1.0, -1.0, 1.0, -1.0):
        x = torch.full((3,), sign)
        assert torch.equal(compiled(x), step(x))
    assert "item" in compiled.explain() and "test_compiled.py" in compiled.explain()


def test_fullgraph_raises_where_a_call_cannot_be_captured():
    compiled = torch.compile(lambda x: float(x.sum()), fullgraph=True)
    compiled(torch.ones(2))
    with pytest.raises(RuntimeError, match="cannot be captured"):
        compiled(torch.ones(2))


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="function or a module, not int"):
        torch.compile(3)


def test_compile_is_a_decorator_too():
    @torch.compile
    def plain(x):
        return x + 1

    @torch.compile(fullgraph=True)
    def configured(x):
        return x + 1

    for _ in range(3):
        assert torch.equal(plain(torch.ones(2)), configured(torch.ones(2)))
    assert plain.__name__ == "plain"
    assert torch.compile(abs, disable=True) is abs


def test_compiler_disable_keeps_a_function_out_of_programs():
    @torch.compiler.disable
    def outside(x):
        return x * 2

    compiled = torch.compile(lambda x: outside(x) + 1)
    for _ in range(3):
        assert torch.equal(compiled(torch.ones(2)), torch.full((2,), 3.0))
    assert "torch.compiler.disable" in compiled.explain()


def test_large_kernels_are_made_too(monkeypatch):
    from stickonfire.compiler import execute
    monkeypatch.setattr(execute, "FORGIVING", False)
    step = torch.compile(lambda x, y: (torch.softmax(x * y, -1).sum(0), (x + y).relu()))
    for _ in range(3):
        x, y = torch.randn(600, 1000), torch.randn(600, 1000)
        sums, out = step(x, y)
    assert len(step.programs()) == 1
    torch.testing.assert_close(sums, torch.softmax(x * y, -1).sum(0))
    assert torch.equal(out, (x + y).relu())


def test_arguments_made_anew_for_each_call_are_no_reason_to_start_over():
    square = torch.compile(lambda x: (x * x).sum())
    for _ in range(4):
        x = torch.ones(3).requires_grad_(True)
        square(x).backward()
        assert torch.equal(x.grad, torch.full((3,), 2.0))
    assert len(square.programs()) == 1


def test_an_argument_written_in_place_counts_its_versions():
    add = torch.compile(lambda x: x.add_(1))
    for _ in range(4):
        x = torch.zeros(3)
        before = x._version
        assert add(x) is x
        assert x._version == before + 1
    w = torch.ones(3, requires_grad=True)
    y = w * x
    add(x)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize("keep", [lambda p: p.grad, lambda p: p.grad.numpy(), lambda p: p.grad[0],
                                  lambda p: p.grad.detach()])
def test_a_gradient_that_somebody_kept_is_not_written_again(keep):
    layer = nn.Linear(4, 4)
    step = torch.compile(lambda x: (layer.zero_grad(), layer(x).sum().backward()))
    for _ in range(3):
        step(torch.ones(2, 4))
    kept = keep(layer.weight)
    step(torch.full((2, 4), 5.0))
    assert float(kept.max()) == 2.0 and float(layer.weight.grad.max()) == 10.0


class Loop(nn.Module):
    """Goes through a list of modules."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Identity()])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Tied(nn.Module):
    """Uses the weight of a layer that it does not call."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(4, 4)

    def forward(self, x):
        return nn.functional.linear(x, self.embedding.weight)


class Scaled(nn.Module):
    """Reads an attribute by way of a property."""

    def __init__(self):
        super().__init__()
        self._scale = 2.0

    @property
    def scale(self):
        return self._scale

    def forward(self, x):
        return x * self.scale


class Doubled(Scaled):
    def forward(self, x):
        return x * 2 * self.scale


def changes():
    """Functions of a tensor, and what is changed about them after they have been compiled."""
    def exchange(register, handle, hook):
        handle.remove()
        register(hook)

    def order(model):
        model._modules["0"] = model._modules.pop("0")

    def keyword(x, *, by=(1.0,), of=[2.0]):     # noqa: B006    (that it can change is the point)
        return x * by[0] * of[0]
    hooked, looped, relooped, tied, scaled = nn.Linear(4, 4), Loop(), Loop(), Tied(), Scaled()
    handle = hooked.register_forward_hook(lambda m, i, o: o * 0 + 1)
    before = hooked.register_forward_pre_hook(lambda m, i: (i[0] * 2,))
    parameters = nn.ParameterDict({"a": nn.Parameter(torch.ones(4))})
    ordered = nn.Sequential(nn.Threshold(9, 5), nn.Threshold(1.5, 1.0))
    other, chosen, some, many = Scaled(), nn.Parameter(torch.ones(4)), {1, 2}, [2.0] * 100
    partial = functools.partial(lambda x, by: x * by[0], by=[2.0])
    yield hooked, lambda: exchange(hooked.register_forward_hook, handle, lambda m, i, o: o * 0 + 2)
    yield hooked, lambda: exchange(hooked.register_forward_pre_hook, before, lambda m, i: (i[0] * 3,))
    yield looped, lambda: looped.layers.append(nn.Threshold(9, 5))
    yield relooped, lambda: relooped.layers.__setitem__(0, nn.Threshold(9, 5))
    yield tied, lambda: setattr(tied.embedding, "weight", nn.Parameter(torch.zeros(4, 4)))
    yield scaled, lambda: setattr(scaled, "_scale", 5.0)
    yield lambda x: x * parameters["a"], lambda: parameters.update({"a": nn.Parameter(torch.full((4,), 5.0))})
    yield ordered, lambda: order(ordered)
    yield lambda x: x * 2 if chosen.requires_grad else x * 3, lambda: chosen.requires_grad_(False)
    yield lambda x: other(x), lambda: setattr(other, "__class__", Doubled)
    yield lambda x: x * len(some), lambda: some.add(3)
    yield lambda x: x * many[0], lambda: many.__setitem__(0, 5.0)
    yield keyword, lambda: keyword.__kwdefaults__["of"].__setitem__(0, 7.0)
    yield partial, lambda: partial.keywords["by"].__setitem__(0, 5.0)
    yield partial, lambda: partial.keywords.update(by=[6.0])
    yield keyword, lambda: keyword.__kwdefaults__.update(of=[8.0])


@pytest.mark.parametrize("case", range(16))
def test_nothing_stale(case):
    """Whatever a function looks at may change between calls."""
    function, change = list(changes())[case]
    x = torch.ones(2, 4)
    compiled = torch.compile(function)
    for _ in range(3):
        compiled(x)
    change()
    assert torch.equal(compiled(x), function(x))
    assert torch.equal(compiled(x), function(x))


@pytest.mark.parametrize("kind", ["buffer", "step", "parameter", "hook"])
def test_nothing_stale_of_an_optimizer(kind):
    """Its state, its parameters and its hooks are the ones it had."""
    ends = []
    for compiles in (False, True):
        p, q = (nn.Parameter(torch.ones(4)) for _ in range(2))
        optimizer = torch.optim.Adam([p], 0.1) if kind == "step" else torch.optim.SGD([p], 0.1, momentum=0.9)

        def step(p=p, q=q, optimizer=optimizer):
            optimizer.zero_grad()
            (p * p + q * 3).sum().backward()
            optimizer.step()
        handle = optimizer.register_step_pre_hook(lambda *a, p=p: (p.grad.mul_(2.0), None)[1])
        run = torch.compile(step) if compiles else step
        for _ in range(4):
            run()
        if kind == "buffer":
            optimizer.state[p]["momentum_buffer"] = torch.zeros(4)
        elif kind == "step":
            optimizer.state[p]["step"] = torch.tensor(1000.0)
        elif kind == "parameter":
            optimizer.param_groups[0]["params"][0] = q
        else:
            handle.remove()
            optimizer.register_step_pre_hook(lambda *a, p=p: (p.grad.mul_(0.5), None)[1])
        for _ in range(2):
            run()
        ends.append((p.detach(), q.detach()))
    for plain, compiled in zip(*ends):
        torch.testing.assert_close(compiled, plain)
