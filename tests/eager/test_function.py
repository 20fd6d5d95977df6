"""User-written functions: what forward may do, what backward gets and must give."""
from __future__ import annotations

import gc
import warnings
import weakref

import pytest

import stickonfire as torch
from stickonfire.autograd import Function, gradcheck, gradgradcheck
from stickonfire.autograd.function import once_differentiable


def leaf(*values, dtype=torch.float32):
    return torch.tensor(values, dtype=dtype, requires_grad=True)


class Square(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return 2 * x * g


def variant(**methods):
    """Square with some of its methods replaced."""
    return type("Variant", (Square,), {name: staticmethod(f) for name, f in methods.items()})


def test_forward_and_backward():
    x = leaf(1.0, 2.0)
    y = Square.apply(x)
    assert y.grad_fn.name() == type(y.grad_fn).__name__ == "SquareBackward"
    assert repr(y).endswith("grad_fn=<SquareBackward>)")
    assert y.grad_fn.next_functions[0][0].variable is x
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    assert not Square.apply(torch.ones(2)).requires_grad
    with torch.no_grad():
        assert not Square.apply(x).requires_grad


def test_first_and_second_order():
    x = leaf(1.0, -2.0, dtype=torch.float64)
    assert gradcheck(Square.apply, x) and gradgradcheck(Square.apply, x)
    g, = torch.autograd.grad(Square.apply(x).sum(), x, create_graph=True)
    assert torch.autograd.grad(g.sum(), x)[0].tolist() == [2.0, 2.0]


def test_saved_outputs_keep_their_place_in_the_graph():
    class Exp(Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            y, = ctx.saved_tensors
            assert y.grad_fn is None or y.grad_fn.name() == "ExpBackward"
            return g * y
    x = leaf(0.5, 1.0, dtype=torch.float64)
    assert gradcheck(Exp.apply, x) and gradgradcheck(Exp.apply, x)


def test_several_inputs_and_outputs():
    class Mix(Function):
        @staticmethod
        def forward(ctx, a, factor, b, note=None):
            ctx.factor = factor
            ctx.save_for_backward(a, None, b)
            assert ctx.needs_input_grad == (True, False, False, False)
            return a * b * factor, a + b

        @staticmethod
        def backward(ctx, g, h):
            a, nothing, b = ctx.saved_tensors
            assert nothing is None and ctx.needs_input_grad == (True, False, False, False)
            return g * b * ctx.factor + h, None, a * 0, None
    a = leaf(1.0, 2.0)
    product, total = Mix.apply(a, 3.0, torch.ones(2) * 4, "note")
    assert (product.output_nr, total.output_nr) == (0, 1)
    (product * 10 + total).sum().backward()
    assert a.grad.tolist() == [121.0, 121.0]


def test_missing_gradients_are_zeros_unless_told_otherwise():
    seen = []

    def pair(materialize):
        class Pair(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.set_materialize_grads(materialize)
                return x * 2, x * 3

            @staticmethod
            def backward(ctx, g, h):
                seen.append((g, h))
                return g * 2
        return Pair
    for materialize in (True, False):
        pair(materialize).apply(leaf(1.0, 2.0))[0].sum().backward()
    assert seen[0][1].tolist() == [0.0, 0.0] and seen[1][1] is None


def test_outputs_that_are_no_tensors_or_need_no_gradient():
    class Odd(Function):
        @staticmethod
        def forward(ctx, x):
            index, rounded = x.argmax(), x.round()
            ctx.mark_non_differentiable(rounded)
            return x * 2, index, rounded, "text", None

        @staticmethod
        def backward(ctx, g, *others):
            assert [o if o is None else o.tolist() for o in others] == [0, [0.0, 0.0], None, None]
            return g * 2
    x = leaf(1.0, 2.0)
    y, index, rounded, text, nothing = Odd.apply(x)
    assert (index.requires_grad, rounded.requires_grad, text, nothing) == (False, False, "text", None)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_mark_dirty():
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, g):
            return g * 2
    x = leaf(1.0, 2.0)
    y = x * 1
    z = Double.apply(y)
    assert z is y and y.grad_fn.name() == "DoubleBackward"
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    w = x * 1
    Double.apply(w[:1])                                         # through a view
    x.grad = None
    w.sum().backward()
    assert x.grad.tolist() == [2.0, 1.0]
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        Double.apply(leaf(1.0))


def test_an_input_returned_as_it_is():
    x = leaf(1.0, 2.0)
    y = variant(forward=lambda ctx, x: x, backward=lambda ctx, g: g * 7).apply(x)
    assert y is not x and y.grad_fn.name() == "VariantBackward" and x.is_leaf
    y.sum().backward()
    assert x.grad.tolist() == [7.0, 7.0]
    z = variant(forward=lambda ctx, x: x.view(2, 1), backward=lambda ctx, g: g.view(2)).apply(x * 1)
    with pytest.raises(RuntimeError, match="created inside a custom Function"):
        z.add_(1)


def test_setup_context():
    class Cube(Function):
        @staticmethod
        def forward(x, power):
            return x ** power

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, ctx.power = inputs
            ctx.save_for_backward(x)
            ctx.shape = output.shape                            # any name is the user's

        @staticmethod
        def backward(ctx, g):
            x, = ctx.saved_tensors
            return g * ctx.power * x ** (ctx.power - 1), None
    x = leaf(1.0, 2.0)
    y = Cube.apply(x, 3)
    assert y.grad_fn.power == 3
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 12.0]


def test_wrong_gradients():
    cases = {
        "incorrect number of gradients .expected 1, got 2.": lambda ctx, g: (g, g),
        "invalid gradient at index 0 - got .5. but expected shape compatible with .2.": lambda ctx, g: torch.ones(5),
        "expected Variable or None .got float.": lambda ctx, g: 1.0,
    }
    for message, backward in cases.items():
        with pytest.raises(RuntimeError, match=message):
            variant(backward=backward).apply(leaf(1.0, 2.0)).sum().backward()
    x = leaf(1.0, 2.0)
    variant(backward=lambda ctx, g: None).apply(x).sum().backward()
    assert x.grad is None
    variant(backward=lambda ctx, g: (g, None, None)).apply(x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    variant(backward=lambda ctx, g: torch.ones(4, 2)).apply(x).sum().backward()        # summed, as for broadcasting
    assert x.grad.tolist() == [5.0, 5.0]
    variant(backward=lambda ctx, g: g.double()).apply(x).sum().backward()
    assert x.grad.dtype is torch.float32
    number = type("Number", (Function,), {
        "forward": staticmethod(lambda ctx, x, k: x * k), "backward": staticmethod(lambda ctx, g: (g, g))})
    with pytest.raises(RuntimeError, match="gradient different than None at position 2"):
        number.apply(x, 2.0).sum().backward()


def test_freed_and_changed():
    x = leaf(1.0, 2.0)
    y = Square.apply(x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()
    y = x * 1
    z = Square.apply(y)
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation.*SquareBackward"):
        z.sum().backward()
    nothing_saved = variant(forward=lambda ctx, x: x * 2, backward=lambda ctx, g: g * 2).apply(x).sum()
    nothing_saved.backward()
    nothing_saved.backward()


def test_once_differentiable():
    once = variant(backward=once_differentiable(lambda ctx, g: 2 * ctx.saved_tensors[0] * g))
    x = leaf(1.0, 2.0)
    once.apply(x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    g, = torch.autograd.grad((once.apply(x) * x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        g.sum().backward()


def test_misuse():
    x = leaf(1.0)
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        made = Square()
    with pytest.raises(RuntimeError, match="Legacy autograd function"):
        made(x)
    with pytest.raises(NotImplementedError, match="must implement the forward"):
        type("Empty", (Function,), {}).apply(x)
    lacking = type("Lacking", (Function,), {"forward": staticmethod(lambda ctx, x: x * 1)})
    with pytest.raises(NotImplementedError, match="must implement either the backward"):
        lacking.apply(x).backward()
    with pytest.raises(TypeError, match="can only save variables"):
        variant(forward=lambda ctx, x: ctx.save_for_backward(3) or x * 1).apply(x)


def test_modes_inside():
    seen = []

    def forward(ctx, x):
        seen.append(torch.is_grad_enabled())
        return x * 1

    def backward(ctx, g):
        seen.append((torch.is_grad_enabled(), g.requires_grad))
        return g
    x = leaf(1.0)
    variant(forward=forward, backward=backward).apply(x).backward()
    torch.autograd.grad(variant(forward=forward, backward=backward).apply(x) * x, x, create_graph=True)
    assert seen == [False, (False, False), False, (True, True)]


def test_nothing_is_left_alive():
    class Keep(Function):
        @staticmethod
        def forward(ctx, x, b):
            y = x * b
            ctx.save_for_backward(x, b, y)
            return y

        @staticmethod
        def backward(ctx, g):
            x, b, y = ctx.saved_tensors
            return g * b, None
    gc.disable()
    try:
        for backward in (True, False):
            x, b = leaf(1.0, 2.0), torch.zeros(2)
            y = Keep.apply(x * 1, b)
            if backward:
                y.sum().backward()
            b.add_(y)                                           # b, which the node has saved, now depends on the node
            watch = weakref.ref(y.grad_fn)
            del x, b, y
            assert watch() is None
    finally:
        gc.enable()


def test_saved_subclasses_stay_what_they_were():
    seen = []

    def backward(ctx, g):
        seen.append(type(ctx.saved_tensors[0]).__name__)
        return g
    variant(backward=backward).apply(torch.nn.Parameter(torch.ones(2))).sum().backward()
    assert seen == ["Parameter"]


def test_straight_through_estimator():
    ste = variant(forward=lambda ctx, x: (x > 0).float(), backward=lambda ctx, g: g)
    x = leaf(-1.0, 2.0)
    (ste.apply(x) * torch.tensor([3.0, 5.0])).sum().backward()
    assert x.grad.tolist() == [3.0, 5.0]


def test_saved_tensors_hooks_apply():
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t * 10, lambda t: t):
        x = leaf(1.0, 2.0)
        y = Square.apply(x)
    y.sum().backward()
    assert x.grad.tolist() == [20.0, 40.0]


def test_no_warnings_in_ordinary_use():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Square.apply(leaf(1.0)).backward()
