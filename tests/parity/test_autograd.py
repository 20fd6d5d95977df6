"""Parity: backward, grad, hooks, higher order, custom functions, grad modes, what is refused."""

from __future__ import annotations

import pytest

from tests.helpers.oracle import same, same_gradients

X = "x = torch.tensor([1., 2., 3.], requires_grad=True); "

SNIPPETS = [
    X + "x.sum().backward(); x.grad",
    X + "(x * x).sum().backward(); x.grad",
    X + "(x * 2).backward()",
    X + "(x * 2).backward(torch.ones(3)); x.grad",
    X + "(x * 2).backward(gradient=torch.tensor([1., 0., 2.])); x.grad",
    X + "(x * 2).backward(torch.ones(2))",
    X + "(x * 2).backward(torch.ones(3, dtype=torch.float64)); x.grad",
    X + "(x * 2).sum().backward(torch.tensor(3.)); x.grad",
    X + "x.detach().sum().backward()",
    "torch.ones(2).sum().backward()",
    "torch.ones(()).backward()",
    X + "y = x.sum(); y.backward(); y.backward(); x.grad",
    X + "y = (x * x).sum(); y.backward(); y.backward()",
    X + "y = (x * x).sum(); y.backward(retain_graph=True); y.backward(); x.grad",
    X + "(x * x).sum().backward(); (x * x).sum().backward(); x.grad",
    X + "x.sum().backward(); x.grad = None; (x * 2).sum().backward(); x.grad",
    X + "x.sum().backward(); x.grad.zero_(); (x * 2).sum().backward(); x.grad",
    X + "x.grad",
    X + "x.grad = torch.ones(3); x.sum().backward(); x.grad",
    X + "x.grad = torch.ones(2)",
    X + "x.grad = torch.ones(3, dtype=torch.float64)",
    X + "x.grad = 1",
    X + "y = x * 2; y.grad",
    X + "y = x * 2; y.retain_grad(); y.sum().backward(); y.grad, y.retains_grad",
    X + "y = x * 2; y.sum().backward(); y.grad, y.is_leaf, x.is_leaf",
    "torch.ones(2).retain_grad()",
    X + "torch.autograd.grad(x.sum(), x)",
    X + "torch.autograd.grad((x * x).sum(), [x])",
    X + "torch.autograd.grad(x * x, x, torch.ones(3)), x.grad",
    X + "torch.autograd.grad(x * x, x, grad_outputs=[torch.ones(3)])",
    X + "torch.autograd.grad(x * x, x)",
    X + "z = torch.ones(2, requires_grad=True); torch.autograd.grad(x.sum(), z)",
    X + "z = torch.ones(2, requires_grad=True); torch.autograd.grad(x.sum(), [x, z], allow_unused=True)",
    X + "z = torch.ones(2, requires_grad=True); torch.autograd.grad(x.sum(), [x, z], allow_unused=True, "
    "materialize_grads=True)",
    X + "torch.autograd.grad(x.sum(), torch.ones(2))",
    X + "torch.autograd.grad([x.sum(), (x * 2).sum()], x)",
    X + "y = x * 2; z = y * y; torch.autograd.grad(z.sum(), y)",
    X
    + "y = (x ** 3).sum(); g, = torch.autograd.grad(y, x, create_graph=True); g2, = "
    "torch.autograd.grad(g.sum(), x); g, g2",
    X + "y = (x ** 3).sum(); y.backward(create_graph=True); x.grad",
    X + "g, = torch.autograd.grad(x.exp().sum(), x, create_graph=True); h, = torch.autograd.grad(g.sum(), x, "
    "create_graph=True); torch.autograd.grad(h.sum(), x)",
    X + "g, = torch.autograd.grad((x * 2).sum(), x, create_graph=True); g.requires_grad",
    X + "(x * 2).sum().backward(inputs=[x]); x.grad",
    X + "y = torch.ones(3, requires_grad=True); (x * y).sum().backward(inputs=[x]); x.grad, y.grad",
    X + "torch.autograd.backward([x.sum(), (x * 2).sum()]); x.grad",
    X + "torch.autograd.backward(x * 2, torch.ones(3)); x.grad",
    # broadcasting
    X + "b = torch.zeros(1, requires_grad=True); (x + b).sum().backward(); b.grad",
    X + "b = torch.zeros(2, 1, requires_grad=True); (x * b).sum().backward(); b.grad, x.grad",
    X + "s = torch.tensor(2., requires_grad=True); (x * s).sum().backward(); s.grad",
    X + "(x.double() * 2).sum().backward(); x.grad",
    X + "y = x.to(torch.float16) * 2; y.sum().backward(); x.grad",
    "z = torch.tensor([1 + 2j], requires_grad=True); (z * z.conj()).real.sum().backward(); z.grad",
    "z = torch.tensor([1 + 2j], requires_grad=True); z.abs().sum().backward(); z.grad",
    "z = torch.tensor([1 + 2j], requires_grad=True); (z * z).sum().backward()",
    # the graph
    X + "x.grad_fn",
    X + "y = x * 2; y.grad_fn.name(), repr(y.grad_fn).split(' ')[0]",
    X + "y = (x * 2).sum(); y.grad_fn.next_functions[0][0].name(), y.grad_fn.next_functions[0][1]",
    X + "y = x * 2; n = y.grad_fn.next_functions; n[0][0].name(), n[1]",
    X + "y = x * 2; y.grad_fn.next_functions[0][0].variable is x",
    X + "y = x * 2; y.requires_grad, y.is_leaf, y.detach().requires_grad, y.detach().is_leaf",
    "x = torch.ones(2); y = x * 2; y.requires_grad, y.grad_fn, y.is_leaf",
    X + "y = x.detach(); y.requires_grad_(); (y * 2).sum().backward(); x.grad, y.grad",
    X + "y = x * 2; y.detach_(); y.requires_grad, y.is_leaf",
    X + "x.clone().requires_grad, x.clone().is_leaf",
    X + "x.argmax().requires_grad, (x > 1).requires_grad, x.long().requires_grad, x.round().requires_grad",
    X + "a, b = x.max(0); a.requires_grad, b.requires_grad",
    X + "torch.tensor(x)",
    X + "x.tolist(), x[0].item()",
    X + "len(x), x.shape",
    # hooks
    X
    + "seen = []; x.register_hook(lambda g: seen.append(g.clone())); (x * 2).sum().backward(); seen, x.grad",
    X + "x.register_hook(lambda g: g * 10); (x * 2).sum().backward(); x.grad",
    X + "y = x * 2; y.register_hook(lambda g: g + 1); y.sum().backward(); x.grad",
    X + "h = x.register_hook(lambda g: g * 10); h.remove(); x.sum().backward(); x.grad",
    X + "x.register_hook(lambda g: g * 2); x.register_hook(lambda g: g + 1); x.sum().backward(); x.grad",
    X + "x.register_hook(lambda g: torch.ones(2)); x.sum().backward()",
    X + "x.register_hook(lambda g: 'a'); x.sum().backward()",
    "torch.ones(2).register_hook(lambda g: g)",
    X
    + "seen = []; x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.clone())); "
    "x.sum().backward(); seen",
    X
    + "seen = []; y = x * 2; y.grad_fn.register_hook(lambda gi, go: seen.append((len(gi), go))); "
    "y.sum().backward(); seen",
    X + "y = x * 2; y.retain_grad(); y.register_hook(lambda g: g * 5); y.sum().backward(); y.grad, x.grad",
    # modes
    X
    + "n = torch.no_grad(); n.__enter__(); y = x * 2; n.__exit__(None, None, None); y.requires_grad, (x * "
    "2).requires_grad",
    X + "torch.no_grad()(lambda: x * 2)().requires_grad",
    X + "torch.no_grad()(lambda: torch.enable_grad()(lambda: x * 2)())().requires_grad",
    X
    + "torch.set_grad_enabled(False); y = x * 2; torch.set_grad_enabled(True); y.requires_grad, "
    "torch.is_grad_enabled()",
    X + "torch.inference_mode()(lambda: (x * 2).is_inference())()",
    X + "torch.inference_mode()(lambda: x * 2)().requires_grad_()",
    X + "torch.no_grad()(lambda: x.requires_grad_())().requires_grad",
    "torch.is_grad_enabled(), torch.is_inference_mode_enabled()",
    # functions over functions
    "torch.autograd.functional.jacobian(lambda x: x ** 2, torch.tensor([1., 2.]))",
    "torch.autograd.functional.jacobian(lambda x, y: x * y, (torch.tensor([1., 2.]), torch.tensor([3., "
    "4.])))",
    "torch.autograd.functional.hessian(lambda x: (x ** 3).sum(), torch.tensor([1., 2.]))",
    "torch.autograd.functional.vjp(lambda x: x ** 2, torch.tensor([1., 2.]), torch.ones(2))",
    "torch.autograd.functional.jvp(lambda x: x ** 2, torch.tensor([1., 2.]), torch.ones(2))",
    "torch.autograd.functional.hvp(lambda x: (x ** 3).sum(), torch.tensor([1., 2.]), torch.ones(2))",
    "torch.autograd.functional.jacobian(lambda x: x ** 2, 3)",
    "torch.autograd.gradcheck(lambda x: x.sin(), torch.ones(2, dtype=torch.float64, requires_grad=True))",
    "torch.autograd.gradcheck(lambda x: x.detach() * x, torch.ones(2, dtype=torch.float64, "
    "requires_grad=True))",
    "torch.autograd.gradgradcheck(lambda x: x ** 3, torch.ones(2, dtype=torch.float64, requires_grad=True))",
    X
    + "y = torch.utils.checkpoint.checkpoint(lambda t: t.sin() * t, x, use_reentrant=False); "
    "y.sum().backward(); y, x.grad",
]


def custom_square(torch, **methods):
    """A custom Function with some of its methods replaced."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g

    members = {"forward": forward, "backward": backward, **methods}
    return type("Square", (torch.autograd.Function,), {name: staticmethod(f) for name, f in members.items()})


def leaf(torch):
    return torch.tensor([1.0, 2.0, 3.0], requires_grad=True)


def run_custom(torch, **methods):
    x = leaf(torch)
    y = custom_square(torch, **methods).apply(x)
    y.sum().backward()
    return y, x.grad, y.grad_fn.name()


def two_inputs(torch):
    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a, b, factor):
            ctx.save_for_backward(a, b)
            ctx.factor = factor
            return a * b * factor, a + b

        @staticmethod
        def backward(ctx, g, h):
            a, b = ctx.saved_tensors
            need = ctx.needs_input_grad
            assert need == (True, False, False)
            return g * b * ctx.factor + h, None, None

    a = leaf(torch)
    product, total = Product.apply(a, torch.ones(3), 3.0)
    (product.sum() + 2 * total.sum()).backward()
    return product, total, a.grad


def non_differentiable(torch):
    class Split(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            index = x.argmax()
            ctx.mark_non_differentiable(index)
            ctx.shape = x.shape
            return x * 2, index

        @staticmethod
        def backward(ctx, g, _):
            return g * 2

    x = leaf(torch)
    y, index = Split.apply(x)
    y.sum().backward()
    return y, index, x.grad


def in_place(torch):
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(torch)
    y = x.clone()
    z = Double.apply(y)
    z.sum().backward()
    return z is y, y, x.grad


def setup_context(torch):
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x**3

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x**2 * g

    x = leaf(torch)
    y = Cube.apply(x)
    y.sum().backward()
    return y, x.grad


def twice_differentiable(torch):
    x = leaf(torch)
    (g,) = torch.autograd.grad(custom_square(torch).apply(x).sum(), x, create_graph=True)
    return g, torch.autograd.grad(g.sum(), x)


def once_only(torch):
    once = torch.autograd.function.once_differentiable(lambda ctx, g: g * 2 * ctx.saved_tensors[0])
    x = leaf(torch)
    (g,) = torch.autograd.grad(custom_square(torch, backward=once).apply(x).sum(), x, create_graph=True)
    return torch.autograd.grad(g.sum(), x)


def saved_changed(torch):
    x = leaf(torch)
    y = x * 1
    z = custom_square(torch).apply(y)
    y.add_(1)
    z.sum().backward()


FUNCTIONS = {
    "square": run_custom,
    "wrong shape": lambda torch: run_custom(torch, backward=lambda ctx, g: torch.ones(5)),
    "too many gradients": lambda torch: run_custom(torch, backward=lambda ctx, g: (g, g)),
    "extra None": lambda torch: run_custom(torch, backward=lambda ctx, g: (g, None)),
    "no gradient": lambda torch: run_custom(torch, backward=lambda ctx, g: None),
    "not a tensor": lambda torch: run_custom(torch, backward=lambda ctx, g: 1.0),
    "raises": lambda torch: run_custom(torch, backward=lambda ctx, g: 1 / 0),
    "called, not applied": lambda torch: custom_square(torch)(leaf(torch)),
    "forward is an instance method": lambda torch: custom_square(torch)().forward(leaf(torch)),
    "no requires_grad": lambda torch: custom_square(torch).apply(torch.ones(2)),
    "two inputs, two outputs": two_inputs,
    "non-differentiable output": non_differentiable,
    "marked dirty": in_place,
    "setup_context": setup_context,
    "second order": twice_differentiable,
    "once differentiable": once_only,
    "saved tensor changed": saved_changed,
    "returns its input": lambda torch: run_custom(
        torch, forward=lambda ctx, x: x, backward=lambda ctx, g: g * 7
    ),
    "forward returns a number": lambda torch: custom_square(torch, forward=lambda ctx, x: 3.0).apply(
        leaf(torch)
    ),
    "node attributes": lambda torch: custom_square(torch).apply(leaf(torch)).grad_fn.next_functions[0][1],
}

V = [0.5, -1.5, 2.0]
W = [1.5, 0.7, 2.5]
GRADIENTS = {
    "mul": (lambda torch, a, b: a * b, V, W),
    "div": (lambda torch, a, b: a / b, V, W),
    "pow of a number": (lambda torch, a: a**3, V),
    "pow of a tensor": (lambda torch, a, b: a**b, W, V),
    "number to a power": (lambda torch, a: 2**a, V),
    "exp log": (lambda torch, a: (a * a).log() + a.exp(), V),
    "sqrt": (lambda torch, a: a.sqrt(), W),
    "trigonometry": (lambda torch, a: a.sin() * a.cos() + a.tan() + a.atan(), V),
    "hyperbolic": (lambda torch, a: a.tanh() + a.sinh() + a.cosh(), V),
    "activations": (lambda torch, a: a.relu() + a.sigmoid() + torch.nn.functional.gelu(a), V),
    "abs and sign": (lambda torch, a: a.abs() * a.sign(), V),
    "abs at zero": (lambda torch, a: (a * 0).abs(), V),
    "maximum": (lambda torch, a, b: torch.maximum(a, b) + torch.minimum(a, b), V, W),
    "maximum, ties": (lambda torch, a: torch.maximum(a, a * 1), V),
    "where": (lambda torch, a, b: torch.where(a > b, a, b * 2), V, W),
    "views": (lambda torch, a: a.view(3, 1).expand(3, 4).t().reshape(2, 6), V),
    "cat, stack": (lambda torch, a, b: torch.cat([torch.stack([a, b]), a.view(1, 3)]), V, W),
    "gather": (lambda torch, a: a.gather(0, torch.tensor([0, 0, 2])), V),
    "scatter": (lambda torch, a, b: a.scatter(0, torch.tensor([1, 2, 0]), b), V, W),
    "index_put": (lambda torch, a, b: a.index_put((torch.tensor([0, 2]),), b[:2]), V, W),
    "masked_fill": (lambda torch, a: a.masked_fill(a > 0, 5.0), V),
    "flip and roll": (lambda torch, a: a.flip(0).roll(1), V),
    "unfold": (lambda torch, a: a.unfold(0, 2, 1), V),
    "remainder": (lambda torch, a, b: a % b, V, W),
    "atan2": (lambda torch, a, b: torch.atan2(a, b), V, W),
    "erf": (lambda torch, a: a.erf(), V),
    "lgamma": (lambda torch, a: a.lgamma(), W),
    "used twice": (lambda torch, a: a * a + a, V),
    "control flow": (lambda torch, a: a * 2 if a.sum() > 0 else a * 3, V),
    "norms": (lambda torch, a: torch.nn.functional.layer_norm(a, (3,)), V),
    "two outputs": (lambda torch, a: a.chunk(3), V),
}


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippets(snippet):
    same(snippet)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_custom_functions(name):
    same(FUNCTIONS[name])


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name):
    same_gradients(*GRADIENTS[name], text=name != "views")      # our reshape is one node, copy or not
