"""Differentiation as users ask for it: `backward`, `grad`, gradient modes, hooks, leaves.

Translates between Tensors and the walk of `tape/engine.py`. User-written functions are in `function.py`.
"""
from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from typing import Any

from ..backends.base import FAST
from ..core import state
from ..core.state import modes
from ..tape.engine import Wanted, walk
from ..tape.node import Edge, Node, RemovableHandle, ends_of
from . import namespace
from .graph import DIFFERENTIABLE, AccumulateGrad
from .graph_tools import GradientEdge
from .modes import is_anomaly_check_nan_enabled, is_anomaly_enabled, set_grad
from .tensor import INFERENCE, Tensor, make, make_view, namespace_of
from .values import ArrayValues, TensorValues
from .views import current_edge

Tensors = Any         # a tensor, a gradient edge, or a sequence of them
Roots = tuple[list[Edge], list[Any]]
ARRAYS, TENSORS = ArrayValues(), TensorValues()


def backward(tensors: Tensors, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
             grad_variables: Any = None, inputs: Tensors | None = None) -> None:
    """Adds the gradient of the tensors with respect to the graph's leaves to the leaves' `grad`.

    grad_tensors: a gradient for each tensor, of its shape; None for a tensor of one element, meaning 1.
    inputs: the only leaves whose `grad` is to change.

    Raises: RuntimeError if a tensor needs no gradient, is not a scalar and got no gradient, or its graph was freed.
    Source: PyTorch `torch.autograd.backward`.

    >>> import stickonfire as torch
    >>> x = torch.tensor([1., 2.], requires_grad=True)
    >>> torch.autograd.backward((x * x).sum()); x.grad
    tensor([2., 4.])
    """
    roots = start(tensors, grad_tensors if grad_tensors is not None else grad_variables, create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    values = TENSORS if create_graph else ARRAYS
    if inputs is None:
        run(roots, values, keep)
        return
    chosen = as_tuple(inputs)
    if not chosen:
        raise RuntimeError("'inputs' argument to backward() cannot be empty.")
    targets = {(edge_ends(t)): t for t in chosen}

    def collect(node: Node, output: int, grad: Any) -> None:
        if grad is not None and isinstance(node, AccumulateGrad):
            node.apply([grad], values)
        elif grad is not None:
            values.keep(targets[node, output], grad)
    run(roots, values, keep, Wanted(by_node(targets), collect))


def grad(outputs: Tensors, inputs: Tensors, grad_outputs: Any = None, retain_graph: bool | None = None,
         create_graph: bool = False, only_inputs: bool = True, allow_unused: bool | None = None,
         is_grads_batched: bool = False, materialize_grads: bool = False) -> tuple[Any, ...]:
    """The gradients of the outputs' sum (weighted by `grad_outputs`) with respect to the inputs.

    Raises: RuntimeError if an input does not appear in the graph, unless allow_unused.
    Source: PyTorch `torch.autograd.grad`.

    >>> import stickonfire as torch
    >>> x = torch.tensor(3., requires_grad=True)
    >>> torch.autograd.grad(x ** 2, x)
    (tensor(6.),)
    """
    if is_grads_batched:
        return batched(outputs, inputs, as_tuple(grad_outputs), create_graph=create_graph, allow_unused=allow_unused,
                       materialize_grads=materialize_grads)
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
                         "allow_unused=False.")
    wanted = as_tuple(inputs)
    roots = start(outputs, grad_outputs, create_graph)
    values = TENSORS if create_graph else ARRAYS
    ends = [edge_ends(t) for t in wanted]
    found: dict[tuple[Node, int], Any] = {}

    def collect(node: Node, output: int, value: Any) -> None:
        found[node, output] = None if value is None else [value]
    run(roots, values, create_graph if retain_graph is None else retain_graph,
        Wanted(by_node(dict.fromkeys(ends)), collect))
    result = [found.get(end) for end in ends]
    missing = [i for i, value in enumerate(result) if value is None]
    if missing and not (allow_unused or materialize_grads):
        raise RuntimeError("One of the differentiated Tensors appears to not have been used in the graph. Set "
                           f"allow_unused=True if this is the desired behavior. (It is input {missing[0]} of grad.)")
    found.clear()
    tensors = [None if box is None else values.result(box) for box in result]
    if materialize_grads:
        tensors = [namespace.zeros_like(t) if g is None else g for g, t in zip(tensors, wanted)]
    return tuple(tensors)


def batched(outputs: Tensors, inputs: Tensors, grad_outputs: tuple[Tensor, ...], **options: Any) -> tuple[Any, ...]:
    """`grad` for each of the gradients stacked in `grad_outputs`, stacked."""
    rows = [grad(outputs, inputs, [g[i] for g in grad_outputs], retain_graph=True, **options)
            for i in range(len(grad_outputs[0]))]
    return tuple([None if column[0] is None else namespace.stack(column) for column in zip(*rows)])


def run(roots: Roots, values: ArrayValues, keep: bool, wanted: Wanted | None = None) -> None:
    """The walk, with recording on only if the gradients' own graph is wanted."""
    anomaly = not state.plain and modes.anomaly
    if values is ARRAYS:        # nothing that is called records, and what a user wrote is called with recording off
        walk(*roots, values, keep, wanted, AccumulateGrad.watched, anomaly)
    else:
        with set_grad(True):
            walk(*roots, values, keep, wanted, AccumulateGrad.watched, anomaly)


def start(tensors: Tensors, grads: Any, create_graph: bool) -> Roots:
    """The roots of a walk: the tensors' edges, and their gradients."""
    outputs = as_tuple(tensors)
    given = (None,) * len(outputs) if grads is None else as_tuple(grads)
    if len(given) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(given)} gradients")
    edges: list[Edge] = []
    first: list[Any] = []
    for t, g in zip(outputs, given):
        if isinstance(t, GradientEdge):
            edges.append(t.edge())
            first.append(at_edge(t, g, create_graph))
            continue
        edge = current_edge(t)
        if edge is None:
            raise RuntimeError(f"element {len(edges)} of tensors does not require grad and does not have a "
                               "grad_fn. Nothing it "
                               "was computed from has requires_grad=True (or it was computed under no_grad)")
        edges.append(edge)
        first.append(first_gradient(t, g, create_graph))
    return edges, first


def at_edge(edge: GradientEdge, g: Tensor | None, create_graph: bool) -> Any:
    """The gradient a walk starts with at a gradient edge."""
    if g is None:
        raise RuntimeError("grad can be implicitly created only for scalar outputs: a GradientEdge needs its "
                           "gradient in grad_outputs")
    return g if create_graph else g._array


def first_gradient(t: Tensor, g: Tensor | None, create_graph: bool) -> Any:
    """The gradient a walk starts with at `t`."""
    xp = namespace_of(t)
    if g is None:
        if t._array.size != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs\nThis one has shape "
                               f"{list(t._array.shape)}: reduce it with .sum() or .mean(), or pass gradient=")
        if t._array.dtype.kind == "c":
            raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {t.dtype}")
        ones = xp.ones_like(t._array)
        return make(ones) if create_graph else ones
    if not isinstance(g, Tensor):
        raise TypeError("gradients can be either Tensors or None, but got " + type(g).__name__)
    if g._array.shape != t._array.shape:
        raise RuntimeError(f"Mismatch in shape: grad_output[0] has a shape of {g.shape} and output[0] has a shape of "
                           f"{t.shape}.")
    return g if create_graph else xp.cast(g._array, t.dtype)


def as_tuple(tensors: Any) -> tuple[Any, ...]:
    return (tensors,) if isinstance(tensors, (Tensor, GradientEdge)) else tuple(tensors)


def edge_ends(t: Tensor | GradientEdge) -> tuple[Node, int]:
    """Where a tensor's gradient arrives.

    Raises: RuntimeError if none ever will.
    """
    if isinstance(t, GradientEdge):
        return t.node, t.output_nr
    edge = current_edge(t)
    if edge is None:
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    return ends_of(edge)


def by_node(ends: dict[tuple[Node, int], Any]) -> dict[Node, list[int]]:
    wanted: dict[Node, list[int]] = {}
    for node, output in ends:
        wanted.setdefault(node, []).append(output)
    return wanted


# -- what Tensor offers -------------------------------------------------------------------------------------------


def tensor_backward(self: Tensor, gradient: Tensor | None = None, retain_graph: bool | None = None,
                    create_graph: bool = False, inputs: Tensors | None = None) -> None:
    """Adds the gradient of this tensor with respect to the graph's leaves to the leaves' `grad`.

    See `torch.autograd.backward`.
    """
    if gradient is None and inputs is None and not create_graph and state.plain:        # the usual case at once
        array, edge = self._array, current_edge(self)
        fast = FAST.get(array.__class__)
        first = None if fast is None else fast.unit(array)
        if first is not None and edge is not None:
            walk([edge], [first], ARRAYS, bool(retain_graph), None, AccumulateGrad.watched)
            return
    backward((self,), None if gradient is None else (gradient,), retain_graph, create_graph, inputs=inputs)


def get_grad(self: Tensor) -> Tensor | None:
    """The gradient that backward left here; None before that, and for non-leaves without `retain_grad()`."""
    edge = self._edge
    if isinstance(edge, AccumulateGrad):
        return edge.grad
    kept: Tensor | None = self.__dict__.get("_grad")
    if kept is None and edge is not None and not retains_grad(self):
        warnings.warn("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
                      "attribute won't be populated during autograd.backward(). If you indeed want the .grad field to "
                      "be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access "
                      "the non-leaf Tensor by mistake, make sure you access the leaf Tensor instead.", stacklevel=2)
    return kept


def set_grad_value(self: Tensor, value: Tensor | None) -> None:
    """Sets the gradient, which must have the tensor's shape and dtype.

    Raises: RuntimeError, TypeError otherwise.
    """
    if value is not None:
        if not isinstance(value, Tensor):
            raise TypeError("assigned grad expected to be a Tensor or None but got grad of type "
                            f"{type(value).__name__}")
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad")
        if value._array.shape != self._array.shape:
            raise RuntimeError(f"assigned grad has data of a different size: {list(value._array.shape)} instead of "
                               f"{list(self._array.shape)}")
        if value._array.dtype != self._array.dtype:
            raise RuntimeError(f"assigned grad has data of a different type: {value.dtype} instead of {self.dtype}")
    if isinstance(self._edge, AccumulateGrad):
        self._edge.grad = value
    else:
        self.__dict__["_grad"] = value


def get_requires_grad(self: Tensor) -> bool:
    """Whether gradients flow to or through this tensor."""
    return current_edge(self) is not None


def set_requires_grad(self: Tensor, value: bool) -> None:
    if value.__class__ is not bool:
        raise RuntimeError(f"requires_grad must be a bool, not {type(value).__name__}")
    requires_grad_(self, value)


def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Sets in place whether backward gathers a gradient for this tensor.

    Raises: RuntimeError for an integer tensor, an inference tensor, or switching off a non-leaf.
    """
    if requires_grad.__class__ is not bool:
        raise TypeError("requires_grad_(): argument 'requires_grad' (position 1) must be bool, not "
                        f"{type(requires_grad).__name__}")
    edge = current_edge(self)
    if edge is not None and not isinstance(edge, AccumulateGrad):
        if not requires_grad:
            raise RuntimeError("you can only change requires_grad flags of leaf variables. If you want to use "
                               "a computed "
                               "variable in a subgraph that doesn't require differentiation use var_no_grad = "
                               "var.detach().")
    elif requires_grad and edge is None:
        if self._array.dtype.kind not in DIFFERENTIABLE:
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients. This one is "
                               f"{self.dtype}: convert it with .float()")
        if self._alias is INFERENCE and not modes.inference:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        leaf = AccumulateGrad(self)
        leaf.grad = self.__dict__.pop("_grad", None)
        self._edge = leaf
    elif not requires_grad and isinstance(edge, AccumulateGrad):
        if edge.grad is not None:
            self.__dict__["_grad"] = edge.grad
        self._edge = None
    return self


def is_leaf(self: Tensor) -> bool:
    """Whether no op made this tensor, or none that recorded a gradient."""
    edge = current_edge(self)
    return edge is None or isinstance(edge, AccumulateGrad)


def grad_fn(self: Tensor) -> Node | None:
    """The node that made this tensor; None for a leaf."""
    edge = current_edge(self)
    return None if edge is None or isinstance(edge, AccumulateGrad) else ends_of(edge)[0].shown()


def output_nr(self: Tensor) -> int:
    """Which output of its `grad_fn` this tensor is."""
    edge = current_edge(self)
    return 0 if edge is None else ends_of(edge)[1]


def retain_grad(self: Tensor) -> None:
    """Makes backward keep this non-leaf's gradient in `grad`.

    Raises: RuntimeError if the tensor needs no gradient.
    """
    edge = current_edge(self)
    if edge is None:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if isinstance(edge, AccumulateGrad):
        return
    node, output = ends_of(edge)
    node.hooked().retained[output] = weakref.ref(self)


def retains_grad(self: Tensor) -> bool:
    """Whether this is a non-leaf whose gradient backward keeps."""
    edge = current_edge(self)
    if edge is None or isinstance(edge, AccumulateGrad):
        return False
    node, output = ends_of(edge)
    return node.hooks is not None and output in node.hooks.retained


def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Calls `hook(grad)` whenever this tensor's gradient is computed; what it returns, if anything, replaces it.

    Raises: RuntimeError if the tensor needs no gradient.
    """
    edge = current_edge(self)
    if edge is None:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    node, output = ends_of(edge)
    return node.add_tensor_hook(output, hook)


def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Calls `hook(tensor)` after this leaf's `grad` was added to.

    Raises: RuntimeError if the tensor needs no gradient or is no leaf.
    """
    leaf = current_edge(self)
    if leaf is None:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if not isinstance(leaf, AccumulateGrad):
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    if leaf.post_hooks is None:
        leaf.post_hooks = {}
    AccumulateGrad.watched = True
    return RemovableHandle(leaf.post_hooks, hook)


def detach(self: Tensor) -> Tensor:
    """The same memory outside the graph: no gradient flows through it."""
    out = make_view(self._array, self)
    if out._alias is not INFERENCE:
        out._alias = (out._alias[0], None, 0)                           # type: ignore[index]
    return out


def detach_(self: Tensor) -> Tensor:
    """Cuts this tensor off the graph that made it.

    Raises: RuntimeError for a view, whose base would stay in the graph.
    """
    if self._base is not None:
        raise RuntimeError("Can't detach views in-place. Use detach() instead.")
    self._edge = None
    return self


def get_data(self: Tensor) -> Tensor:
    """The same memory, with no graph and no shared version: writes to it go unnoticed."""
    return make(self._array)


def set_data(self: Tensor, value: Tensor) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
    self._array = value._array
    if isinstance(self._edge, AccumulateGrad):
        self._edge.array, self._edge.shape = value._array, value._array.shape


class VariableMeta(type):
    """Makes isinstance(t, Variable) true of all tensors."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=VariableMeta):
    """What PyTorch had before tensors could require gradients; makes a Tensor. Source: PyTorch `autograd.Variable`."""

    def __new__(cls, data: Tensor, requires_grad: bool = False, volatile: bool | None = None) -> Any:
        return data.detach().requires_grad_(requires_grad)


FUNCTIONS = (is_anomaly_enabled, is_anomaly_check_nan_enabled)
METHODS: dict[str, Any] = {
    "backward": tensor_backward, "requires_grad_": requires_grad_, "retain_grad": retain_grad,
    "register_hook": register_hook, "register_post_accumulate_grad_hook": register_post_accumulate_grad_hook,
    "detach": detach, "detach_": detach_,
    "grad": property(get_grad, set_grad_value, lambda self: set_grad_value(self, None), get_grad.__doc__),
    "requires_grad": property(get_requires_grad, set_requires_grad, doc=get_requires_grad.__doc__),
    "data": property(get_data, set_data, doc=get_data.__doc__),
    "is_leaf": property(is_leaf), "grad_fn": property(grad_fn), "output_nr": property(output_nr),
    "retains_grad": property(retains_grad),
}
