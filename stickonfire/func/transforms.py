"""Derivatives as functions of functions: `grad`, `vjp`, `jvp`, `jacrev`, `jacfwd`, `hessian`, `linearize`.

Each calls the function on stand-ins for the inputs and asks `autograd.grad` for the derivative with respect to these
alone, so nests do not mix and outer tensors are left alone. Inside vmap the stand-ins are physical and batched at every
level: samples do not meet in a graph, so the gradient of the batch is the batch of gradients. Room: func.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..eager import Tensor, enable_grad, is_grad_enabled, ones_like, zeros_like
from ..eager.autograd import grad as tape_grad
from ..eager.graph import AccumulateGrad
from ..eager.modes import set_grad
from ..eager.views import current_edge
from ..tape.engine import reachable
from .batched import expose, hide, level_of
from .handler import running
from .pytree import filled, leaves, mapped, same_structure

Function = Callable[..., Any]
Argnums = int | tuple[int, ...]


class Recording:
    """One run of a function on stand-ins: outputs and inputs as the tape knows them, without any batch hidden."""

    def __init__(self, func: Function, args: tuple[Any, ...], chosen: list[Any], name: str, has_aux: bool,
                 kwargs: dict[str, Any] | None = None) -> None:
        self.levels, self.outer, self.chosen = running(), is_grad_enabled(), chosen
        self.own: set[Any] = set()
        with enable_grad():
            self.inputs = [self.stand_in(t, name) for part in chosen for t in leaves(part)]
            replaced = iter([self.hidden(t) for t in self.inputs])
            inside = [filled(part, replaced) for part in chosen]
            result = func(*args_with(args, inside), **(kwargs or {}))
        self.aux: Any = None
        self.result, self.aux = split_aux(result, name) if has_aux else (result, None)
        self.outputs = [self.exposed(t, name) for t in leaves(self.result)]
        edges = [current_edge(t) for t in self.outputs]
        self.needed = self.outer and any(
            [isinstance(node, AccumulateGrad) and node not in self.own
             for node in reachable([edge for edge in edges if edge is not None])])

    def stand_in(self, t: Any, name: str) -> Tensor:
        """A tensor that is nobody else's, connected to the given one only if that is recorded."""
        if not isinstance(t, Tensor):
            if name.startswith("jvp"):
                raise RuntimeError(f"{name}: Expected primals to only contain Tensors, got {type(t)}")
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(t)}. In {name}: choose the "
                             "tensors with argnums, or make it one with torch.tensor()")
        whole = self.exposed(t, name)
        if self.outer and whole.requires_grad:
            return whole.view_as(whole)
        alone = whole.detach()
        alone.requires_grad_()
        self.own.add(alone._edge)
        return alone

    def exposed(self, t: Any, name: str) -> Any:
        """The batches of the levels that ran when this began, as leading dims."""
        if not isinstance(t, Tensor):
            raise RuntimeError(f"{name}: Expected f(*args) to return only tensors, got {type(t)}")
        for level in reversed(self.levels):
            t = expose(t, level)
        return t

    def hidden(self, t: Any) -> Any:
        """The reverse of `exposed`."""
        for level in self.levels:
            t = hide(t, level)
        return t

    def finished(self, tree: Any) -> Any:
        """A result for the caller: outside the graph, unless somebody outside is recorded in it."""
        return tree if self.needed else mapped(lambda t: t.detach() if isinstance(t, Tensor) else t, tree)

    def pulled(self, outputs: list[Any], cotangents: list[Any], inputs: list[Any], create_graph: bool) -> list[Any]:
        """The products of cotangents with the derivative of outputs with respect to inputs; zeros where there is none.
        """
        pairs = [(out, g) for out, g in zip(outputs, cotangents) if out.requires_grad]
        if not pairs:
            return [zeros_like(t) for t in inputs]
        graph = create_graph or any([level_of(g) is not None for _, g in pairs])
        with set_grad(graph):
            found = tape_grad([out for out, _ in pairs], inputs, [g for _, g in pairs], retain_graph=True,
                              create_graph=graph, allow_unused=True)
        return [zeros_like(t) if g is None else g if create_graph else g.detach() for g, t in zip(found, inputs)]


def args_with(args: tuple[Any, ...], inside: list[Any]) -> tuple[Any, ...]:
    """Arguments among which `Hole(i)` stands for the i-th of some others."""
    return tuple([inside[a.index] if isinstance(a, Hole) else a for a in args])


class Hole:
    """The place of an argument that is differentiated."""

    def __init__(self, index: int) -> None:
        self.index = index


def split_aux(result: Any, name: str) -> tuple[Any, Any]:
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return result


def recorded(func: Function, args: tuple[Any, ...], argnums: Argnums, name: str, has_aux: bool,
             kwargs: dict[str, Any]) -> Recording:
    """A run with the arguments at some positions replaced."""
    places = []
    for n in (argnums,) if isinstance(argnums, int) else argnums:
        if not isinstance(n, int):
            raise RuntimeError(f"argnum must be int, got: {type(n)}")
        if not -len(args) <= n < len(args):
            raise RuntimeError(f"Got argnum={n}, but only {len(args)} positional inputs")
        places.append(n % len(args))
    if not places or len(set(places)) < len(places):
        raise RuntimeError(f"{name}: argnums must be unique and not empty, got {argnums}")
    holes = tuple([Hole(places.index(i)) if i in places else a for i, a in enumerate(args)])
    return Recording(func, holes, [args[i] for i in places], name, has_aux, kwargs)


def grad_and_value(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of `func`, and what `func` returns.

    Raises: RuntimeError unless `func` returns one number.   Source: PyTorch `torch.func.grad_and_value`.

    >>> import stickonfire as torch
    >>> torch.func.grad_and_value(lambda x: (x ** 2).sum())(torch.tensor([1., 2.]))
    (tensor([2., 4.]), tensor(5.))
    """
    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        run = recorded(func, args, argnums, "grad_and_value(f)(*args)", has_aux, kwargs)
        out = run.result
        if not isinstance(out, Tensor):
            raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a tensor, got {type(out)}")
        if out.ndim:
            raise RuntimeError("grad_and_value(f)(*args): Expected f(*args) to return a scalar tensor, got tensor with "
                               f"{out.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?")
        if not out.is_floating_point():
            raise RuntimeError("grad_and_value(f)(*args): Expected f(*args) to return a real floating-point tensor, "
                               f"got {out.dtype}")
        found = run.pulled(run.outputs, [ones_like(run.outputs[0])], run.inputs, run.needed)
        values = iter([run.hidden(g) for g in found])
        grads = tuple([filled(part, values) for part in run.chosen])
        picked = grads[0] if isinstance(argnums, int) else grads
        out, aux = run.finished(out), run.finished(run.aux)
        return (picked, (out, aux)) if has_aux else (picked, out)
    return wrapper


def grad(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of `func` with respect to some of its arguments.

    has_aux: `func` returns (output, anything), and the gradient comes with the second of these.
    Raises: RuntimeError unless `func` returns one number.   Source: PyTorch `torch.func.grad`.

    >>> import stickonfire as torch
    >>> cosine = torch.func.grad(torch.sin)
    >>> torch.vmap(torch.func.grad(cosine))(torch.tensor([0., 1.]))
    tensor([-0.0000, -0.8415])
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found
    return wrapper


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """`func(*primals)`, and a function of cotangents that gives their product with the derivative there.

    Raises: RuntimeError for cotangents of another structure.   Source: PyTorch `torch.func.vjp`.

    >>> import stickonfire as torch
    >>> out, pull = torch.func.vjp(torch.exp, torch.zeros(2)); pull(torch.ones(2))
    (tensor([1., 1.]),)
    """
    holes = tuple([Hole(i) for i in range(len(primals))])
    run = Recording(func, holes, list(primals), "vjp(f, *primals)", has_aux)

    def pull(*cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given = cotangents[0] if len(cotangents) == 1 and not (isinstance(run.result, tuple) and len(run.result) == 1
                                                               and isinstance(cotangents[0], Tensor)) else cotangents
        if not same_structure(given, run.result):
            raise RuntimeError(f"Expected pytree structure of cotangents to be the same as pytree structure of outputs "
                               f"to the function. cotangents: {mapped(lambda t: '*', given)}, primal output: "
                               f"{mapped(lambda t: '*', run.result)}")
        weights = [run.exposed(g, "vjp") for g in leaves(given)]
        graph = is_grad_enabled() and (run.needed or any([g.requires_grad for g in weights]))
        found = run.pulled(run.outputs, weights, run.inputs, graph)
        values = iter([run.hidden(g) for g in found])
        return tuple([filled(part, values) for part in run.chosen])
    out = run.finished(run.result)
    return (out, pull, run.finished(run.aux)) if has_aux else (out, pull)


class Linear:
    """The derivative of a function at a point as a linear map: the reverse derivative, itself reversed.

    The product of a cotangent v with the derivative is linear in v, whatever v is; its derivative with respect to v is
    the forward derivative.
    """

    def __init__(self, func: Function, primals: tuple[Any, ...], argnums: Argnums, name: str, has_aux: bool) -> None:
        self.run = run = recorded(func, primals, argnums, name, has_aux, {})
        with enable_grad():
            self.duals = [zeros_like(out).requires_grad_() for out in run.outputs]
            self.first = run.pulled(run.outputs, self.duals, run.inputs, True)

    def push(self, tangents: list[Any], create_graph: bool) -> Any:
        """What the outputs change by when the inputs change by the tangents."""
        run = self.run
        weights = [run.exposed(t, "jvp") for t in tangents]
        graph = create_graph and is_grad_enabled() and (run.needed or any([t.requires_grad for t in weights]))
        found = run.pulled(self.first, weights, self.duals, graph)
        return filled(run.result, iter([run.hidden(t) for t in found]))


def jvp(func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """`func(*primals)`, and the product of its derivative there with the tangents, one for each primal.

    strict: whether an output that does not depend on the primals is an error, not zero.
    Raises: RuntimeError for tangents of another structure or shape.   Source: PyTorch `torch.func.jvp`.

    >>> import stickonfire as torch
    >>> torch.func.jvp(torch.sin, (torch.zeros(2),), (torch.ones(2),))
    (tensor([0., 0.]), tensor([1., 1.]))
    """
    if not isinstance(primals, tuple) or not primals:
        raise RuntimeError("jvp(f, primals, tangents): Expected primals to be a non-empty tuple, got "
                           f"{type(primals).__name__}. E.g. it should be valid to call f(*primals).")
    if not same_structure(primals, tangents):
        raise RuntimeError("jvp(f, primals, tangents): Expected primals and tangents to have the same python structure."
                           f" For example, if primals is a tuple of 3 tensors, tangents also must be. Got "
                           f"{mapped(lambda t: '*', primals)} and {mapped(lambda t: '*', tangents)}")
    check_tangents(leaves(primals), leaves(tangents))
    line = Linear(func, primals, tuple(range(len(primals))), "jvp(f, primals, tangents)", has_aux)
    if strict and not all([out.requires_grad for out in line.run.outputs]):
        raise RuntimeError("jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This "
                           "is not allowed with strict=True.")
    moved = line.push(leaves(tangents), True)
    out = line.run.finished(line.run.result)
    return (out, moved, line.run.finished(line.run.aux)) if has_aux else (out, moved)


def check_tangents(primals: list[Any], tangents: list[Any]) -> None:
    for p, t in zip(primals, tangents):
        if not isinstance(p, Tensor) or not isinstance(t, Tensor) or p.shape != t.shape:
            raise RuntimeError("jvp(f, primals, tangents): Expected each tangent to be a tensor of its primal's shape, "
                               f"got {getattr(t, 'shape', type(t))} for {getattr(p, 'shape', type(p))}")


def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """`func(*primals)`, and a function of tangents that gives `jvp` there without running `func` again.

    Source: PyTorch `torch.func.linearize`.

    >>> import stickonfire as torch
    >>> out, push = torch.func.linearize(lambda x: x ** 2, torch.tensor([1., 2.])); push(torch.ones(2))
    tensor([2., 4.])
    """
    line = Linear(func, primals, tuple(range(len(primals))), "linearize(f, *primals)", False)

    def push(*tangents: Any) -> Any:
        if not same_structure(primals, tangents):
            raise RuntimeError("linearize: Expected tangents to have the structure of the primals")
        check_tangents(leaves(primals), leaves(tangents))
        return line.push(leaves(tangents), True)
    return line.run.finished(line.run.result), push
