"""The backward walk, with bare objects: numbers for gradients, nodes that multiply them."""
from __future__ import annotations

import gc
import weakref

import pytest

from stickonfire.tape.engine import Wanted, leading_to, reachable, walk
from stickonfire.tape.node import Node, Output, RemovableHandle, next_number


class Number(float):
    """A gradient."""

    shape = ()


class Numbers:
    """The least that the walk needs to know about gradients."""

    def __init__(self):
        self.order = []
        self.sums = []

    def add(self, a, b):
        self.sums.append((a, b))
        return Number(a + b)

    def fit(self, grad, shape, native):
        return Number(grad)

    def call_tensor_hooks(self, node, grads):
        for output, hook in node.hooks.tensor.values():
            grads[output] = hook(grads[output])
        for output, holder in node.hooks.retained.items():
            holder.append(grads[output])
        return grads

    def call_prehooks(self, node, grads):
        for hook in node.hooks.before.values():
            grads = hook(grads)
        return grads

    def call_hooks(self, node, inputs, grads):
        for hook in node.hooks.after.values():
            inputs = hook(inputs, grads)
        return inputs

    def check(self, node, inputs):
        if any(g is not None and g != g for g in inputs):
            raise ArithmeticError(node.label)

    def explain(self, node, error):
        error.add_note(node.label)


class Times(Node):
    """Hands on its gradient, times a factor for each parent."""

    __slots__ = ("factors", "label", "released")

    def __init__(self, label, *parents, factors=None, outputs=1):
        self.number, self.parents, self.label, self.released = next_number(), parents, label, False
        self.shape = () if outputs == 1 else ((),) * outputs
        self.factors = [Number(1)] * len(parents) if factors is None else factors
        if outputs > 1:
            self.outputs = outputs

    def apply(self, grads, values):
        values.order.append(self.label)
        if not self.parents:
            self.__dict__["total"] = self.__dict__.get("total", 0) + grads[0]
            return ()
        g = Number(sum(g for g in grads if g is not None))
        return [None if f is None else Number(f * g) for f in self.factors]

    def release(self):
        self.released = True


def run(*roots, grads=None, **options):
    values = Numbers()
    walk(list(roots), [Number(g) for g in grads or [1] * len(roots)], values, options.pop("keep", False), **options)
    return values


def test_youngest_first_and_leaves_last():
    x, y = Times("x"), Times("y")
    a = Times("a", x)
    b = Times("b", y)
    c = Times("c", a, b)
    d = Times("d", c, a)
    assert run(d).order == ["d", "c", "b", "a", "y", "x"]
    assert x.total == 2 and y.total == 1


def test_a_node_runs_once_with_the_sum_of_its_gradients():
    x = Times("x")
    a = Times("a", x, factors=[Number(3)])
    b = Times("b", a, a, a, factors=[Number(1), Number(10), Number(100)])
    values = run(b)
    assert values.order == ["b", "a", "x"]
    assert values.sums == [(1, 10), (11, 100)]                 # in the order in which they arrive
    assert x.total == 333


def test_several_roots_and_a_leaf_as_root():
    x = Times("x")
    a = Times("a", x)
    assert run(a, x, a, grads=[1, 10, 100]).order == ["a", "x"]
    assert x.total == 111


def test_no_gradient_no_walk():
    x, y = Times("x"), Times("y")
    a = Times("a", y)
    b = Times("b", x, a, None, factors=[Number(1), None, Number(1)])
    assert run(b).order == ["b", "x"]


def test_outputs():
    x = Times("x")
    pair = Times("pair", x, outputs=2)
    end = Times("end", Output(pair, 1), Output(pair, 0), Output(pair, 1), factors=[Number(1), Number(10), Number(100)])
    assert run(end).order == ["end", "pair", "x"] and x.total == 111
    run(Output(pair, 1))
    assert x.total == 112
    assert end.next_functions == ((pair, 1), (pair, 0), (pair, 1))


def test_release_unless_kept():
    x = Times("x")
    a = Times("a", x)
    run(a, keep=True)
    assert not a.released
    run(a)
    assert a.released


def test_wanted_outputs_are_collected_and_the_rest_is_left_alone():
    x, y = Times("x"), Times("y")
    a = Times("a", x, factors=[Number(2)])
    b = Times("b", a, y, factors=[Number(5), Number(7)])
    found = {}
    values = run(b, wanted=Wanted({a: [0]}, lambda node, output, grad: found.update({(node.label, output): grad})))
    assert found == {("a", 0): 5} and values.order == ["b"] and not hasattr(x, "total")
    assert not a.released                                       # it did not run
    run(b, wanted=Wanted({x: [0], a: [0]}, lambda node, output, grad: found.update({node.label: grad})))
    assert found["x"] == 10 and found["a"] == 5 and not hasattr(y, "total")


def test_leaves_wait_unless_asked_to_be_prompt():
    x, y = Times("x"), Times("y")
    a = Times("a", x)
    b = Times("b", a, y)
    assert run(b).order == ["b", "a", "y", "x"]
    assert run(b, prompt=True).order == ["b", "y", "a", "x"]
    c = Times("c", b, x)
    assert run(c, prompt=True).order == ["c", "b", "y", "a", "x"]         # x once, when all of it is there
    assert x.total == 1 + 1 + 2
    assert run(x, prompt=True).order == ["x"]


def test_hooks_and_their_order():
    x = Times("x")
    a = Times("a", x, factors=[Number(2)])
    seen, kept = [], []
    a.register_hook(lambda inputs, grads: seen.append(("after", inputs, grads)) or [Number(inputs[0] + 1)])
    a.register_prehook(lambda grads: seen.append(("before", grads)) or [Number(grads[0] * 3)])
    handle = a.add_tensor_hook(0, lambda g: seen.append(("tensor", g)) or Number(g * 10))
    a.hooked().retained[0] = kept
    run(a)
    assert seen == [("tensor", 1), ("before", [10]), ("after", [60], [30])]
    assert kept == [10] and x.total == 61
    handle.remove()
    handle.remove()
    run(a)
    assert kept == [10, 1]


def test_anomaly_mode_names_the_node():
    x = Times("x")
    bad = Times("bad", Times("a", x), factors=[Number("nan")])
    with pytest.raises(ArithmeticError, match="bad"):
        run(bad, anomaly=True)
    broken = Times("broken", x, factors=["?"])
    with pytest.raises(TypeError) as caught:
        run(broken, anomaly=True)
    assert caught.value.__notes__ == ["broken"]


def test_the_walk_is_iterative_and_so_is_freeing():
    x = Times("x")
    end = x
    for i in range(100_000):
        end = Times(i, end)
    watch = weakref.ref(end.parents[0].parents[0])
    gc.disable()
    try:
        assert len(run(end).order) == 100_001 and x.total == 1
        del end
        assert watch() is None
    finally:
        gc.enable()


def test_reachable_and_leading_to():
    x, y = Times("x"), Times("y")
    a, b = Times("a", x), Times("b", y)
    c = Times("c", a, b)
    assert reachable([c]) == [c, b, a, y, x]
    assert leading_to([x], [c]) == {x, a, c}
    assert leading_to([Times("elsewhere")], [c]) == set()


def test_handles_are_context_managers_and_metadata_is_kept():
    node = Times("x")
    with node.register_hook(print) as handle:
        assert isinstance(handle, RemovableHandle) and node.hooks.after
    assert not node.hooks.after
    node.metadata["note"] = 1
    assert node.metadata == {"note": 1} and "Times object at" in repr(node)
    with pytest.raises(NotImplementedError):
        Node().apply([], None)
