"""User-written functions: a forward of any code, a backward of the user's own.

`Function.apply` runs the forward with recording off and hangs one `FunctionNode` on the graph; the node holds
the context, and calls the backward during the walk. What `save_for_backward` was given is kept as arrays
and edges, never as the tensors themselves, so that no reference cycle arises.
"""
from __future__ import annotations

import functools
import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ..backends.base import XP
from ..core import state
from ..core.state import modes
from ..tape.node import Edge, Node, Output, next_number
from .graph import DIFFERENTIABLE, FREED, AccumulateGrad, SavedTensor, forward_trace
from .modes import no_grad, set_grad
from .tensor import Tensor, make, make_view
from .views import current_edge, rebase


class FunctionCtx:
    """What forward hands over to backward; its attributes are the user's. Source: PyTorch `FunctionCtx`."""

    needs_input_grad: tuple[bool, ...] = ()
    materialize_grads = True
    to_save: tuple[Any, ...] = ()
    non_differentiable: tuple[Any, ...] = ()
    dirty_tensors: tuple[Any, ...] = ()
    _saved: tuple[Any, ...] | None = ()
    _node: Any = None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps inputs, outputs or other tensors for backward, where they are `ctx.saved_tensors`."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for `jvp`; accepted, but forward mode is not there."""

    def mark_dirty(self, *args: Tensor) -> None:
        """Names the inputs that forward changes in place."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Names the outputs that have no gradient."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (the default) instead of None for outputs without a gradient."""
        self.materialize_grads = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What `save_for_backward` was given.

        Raises: RuntimeError once it was freed, or if one of the tensors was changed in place.
        """
        if self._saved is None:
            raise RuntimeError(FREED)
        node = None if self._node is None else self._node()
        return tuple([None if saved is None else saved.unpack(node) for saved in self._saved])

    saved_variables = saved_tensors


class FunctionNode(Node):
    """The node of a user-written function; there is a subclass `<Name>Backward` for each."""

    __slots__ = ("ctx", "count", "tensors")
    ctx: FunctionCtx
    count: int                              # of the forward's arguments
    tensors: tuple[int, ...]                # which of them are tensors: the parents
    function: type[Function]
    custom = True                           # its outputs, if views, may not be written to: see views.rebase

    def __getattr__(self, name: str) -> Any:
        if name == "ctx":
            raise AttributeError(name)
        return getattr(self.ctx, name)      # PyTorch's grad_fn is the context itself

    def release(self) -> None:
        if self.ctx._saved:
            self.ctx._saved = None

    def apply(self, grads: list[Any], values: Any) -> list[Any]:
        tensors = [values.wrap(g) for g in grads]
        if self.ctx.materialize_grads:
            like: Any = next((t for t in tensors if t is not None), None)
            if like is None:
                return [None] * len(self.parents)
            tensors = [zeros(like, shape, native) if t is None and native is not None else t
                       for t, (shape, native) in zip(tensors, self.templates)]
        with set_grad(values.recording):
            result = self.function.backward(self.ctx, *tensors)
        result = result if isinstance(result, tuple) else (result,)
        return [self.checked(result[i], position, edge, values)
                for position, (i, edge) in enumerate(zip(self.tensors, self.parents))] if self.fits(result) else []

    def fits(self, result: tuple[Any, ...]) -> bool:
        """Checks that backward returned a gradient for each argument, and None for those that are no tensors."""
        name = self.name()
        if len(result) < self.count or any(g is not None for g in result[self.count:]):
            raise RuntimeError(f"function {name} returned an incorrect number of gradients (expected {self.count}, got "
                               f"{len(result)}). Return one for each argument of forward, None where there is none")
        for i, g in enumerate(result[:self.count]):
            if g is not None and i not in self.tensors:
                raise RuntimeError(f"function {name} returned a gradient different than None at position "
                                   f"{i + 1}, but the corresponding forward input was not a Variable")
        return True

    def checked(self, grad: Any, position: int, edge: Edge | None, values: Any) -> Any:
        """One gradient, as the walk takes it."""
        if grad is None or edge is None:
            return None
        if not isinstance(grad, Tensor):
            raise RuntimeError(f"expected Variable or None (got {type(grad).__name__}) from backward of {self.name()}")
        shape, found = self.expected[position], grad._array.shape
        if found != shape and not expandable(shape, found):
            raise RuntimeError(f"Function {self.name()} returned an invalid gradient at index {position} - got "
                               f"{list(found)} but expected shape compatible with {list(shape)}")
        return values.unwrap(grad)


def zeros(like: Tensor, shape: tuple[int, ...], native: Any) -> Tensor:
    return make(XP[like._array.__class__].zeros(shape, native))


def expandable(shape: Sequence[int], target: Sequence[int]) -> bool:
    """Whether a tensor of a shape could be expanded to the target."""
    extra = len(target) - len(shape)
    return extra >= 0 and all(n in (1, m) for n, m in zip(shape, target[extra:]))


class FunctionMeta(type):
    """Gives each Function the class of its nodes, under PyTorch's name `<Name>Backward`."""

    def __init__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> None:
        super().__init__(name, bases, members)
        cls._backward_cls = type(f"{name}Backward", (FunctionNode,), {"__slots__": (), "function": cls})


class Function(FunctionCtx, metaclass=FunctionMeta):
    """A function with a backward of its own: subclass it, write `forward` and `backward`, call `apply`.

    Source: PyTorch `torch.autograd.Function`.

    >>> import stickonfire as torch
    >>> class Exp(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         y = x.exp()
    ...         ctx.save_for_backward(y)
    ...         return y
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         y, = ctx.saved_tensors
    ...         return g * y
    >>> x = torch.zeros(2, requires_grad=True)
    >>> Exp.apply(x)
    tensor([1., 1.], grad_fn=<ExpBackward>)
    """

    _backward_cls: type[FunctionNode]
    generate_vmap_rule = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you "
                      f"should invoke them on the class itself: {type(self).__name__}.apply(...)",
                      DeprecationWarning, stacklevel=2)

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError("Legacy autograd function with non-static forward method is deprecated. Please use "
                           "new-style autograd function with static forward method. (Example: "
                           f"{type(self).__name__}.apply(x))")

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """`forward(ctx, *args)`; or `forward(*args)` beside a `setup_context`. Overridden by each function."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Fills the context after a forward that takes none. Overridden where forward has no `ctx`."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """One gradient for each argument of forward, from one for each output. Overridden by each function."""
        raise NotImplementedError("You must implement either the backward or vjp method for your custom "
                                  "autograd.Function to use it with backward mode AD.")

    vjp = backward

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Runs the function and records it.

        Raises: RuntimeError if a leaf that requires a gradient is marked dirty.
        """
        if not state.plain and modes.handler is not None:
            result = modes.handler.function(cls, args)
            if result is not NotImplemented:
                return result
        ctx = FunctionCtx()
        tensors = tuple([i for i, a in enumerate(args) if isinstance(a, Tensor)])
        edges = [current_edge(args[i]) for i in tensors]
        needed = dict(zip(tensors, edges))
        ctx.needs_input_grad = tuple([needed.get(i) is not None for i in range(len(args))])
        with no_grad():
            if cls.setup_context is Function.setup_context:
                output = cls.forward(ctx, *args)
            else:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
        tracked = (state.plain or modes.records) and any(edge is not None for edge in edges)
        node = make_node(cls, ctx, args, tensors, edges) if tracked else None
        results = output if isinstance(output, tuple) else (output,)
        wrapped = tuple(attach(node, ctx, args, results))
        if node is not None:
            ctx._saved = tuple([None if t is None else save(node, t, output) for t in ctx.to_save])
        ctx.to_save = ctx.dirty_tensors = ctx.non_differentiable = ()
        return wrapped if isinstance(output, tuple) else wrapped[0]


def make_node(cls: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], tensors: tuple[int, ...],
              edges: list[Edge | None]) -> FunctionNode:
    """The node of one call."""
    node: FunctionNode = object.__new__(cls._backward_cls)
    node.number, node.parents, node.ctx, node.count, node.tensors = next_number(), tuple(edges), ctx, len(args), tensors
    arrays = [args[i]._array for i in tensors]
    node.natives = tuple([a.dtype for a in arrays])
    node.expected = [a.shape for a in arrays]
    ctx._node = weakref.ref(node)
    if not state.plain and modes.anomaly:
        node.trace = forward_trace()
    return node


def attach(node: FunctionNode | None, ctx: FunctionCtx, args: tuple[Any, ...], results: tuple[Any, ...]) -> list[Any]:
    """The outputs as the caller gets them: tensors with an edge to the node."""
    if node is not None:
        arrays = [t._array if isinstance(t, Tensor) else None for t in results]
        shapes = tuple([() if a is None else a.shape for a in arrays])
        node.templates = [(shape, None if a is None else a.dtype) for shape, a in zip(shapes, arrays)]
        if len(results) != 1:
            node.outputs = len(results)
        node.shape = shapes if len(results) != 1 else shapes[0]
    inputs, flat = {id(a) for a in args}, {id(t) for t in ctx.non_differentiable}
    dirty = {id(t) for t in ctx.dirty_tensors}
    wrapped = []
    for i, t in enumerate(results):
        if not isinstance(t, Tensor):
            wrapped.append(t)
            continue
        edge = None if node is None else Output(node, i) if len(results) != 1 else node
        if id(t) in flat or t._array.dtype.kind not in DIFFERENTIABLE:
            edge = None
        if id(t) in dirty:
            check_dirty(t, node is not None, id(t) in inputs)
            if edge is not None:
                rebase(t, edge)
            wrapped.append(t)
        elif id(t) in inputs or t._edge is not None:            # it stays what it was; the caller gets another tensor
            wrapped.append(beside(t, edge))
        else:
            t._edge = edge
            wrapped.append(t)
    return wrapped


def check_dirty(t: Tensor, tracked: bool, is_input: bool) -> None:
    """Raises PyTorch's error for a leaf that was changed in place; warns of a tensor that is no input."""
    if tracked and isinstance(t._edge, AccumulateGrad):
        raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation. Give it to the "
                           "function as x.clone()")
    if not is_input:
        warnings.warn("Only input Tensors should be given to ctx.mark_dirty(). If a Tensor is not an input, "
                      "there is no need to pass it to mark_dirty().", stacklevel=3)


def beside(t: Tensor, edge: Edge | None) -> Tensor:
    """Another tensor over the same memory."""
    view = make_view(t._array, t)
    view._edge = edge
    return view


def save(node: FunctionNode, t: Tensor, output: Any) -> SavedTensor:
    """One of the tensors given to `save_for_backward`."""
    if not isinstance(t, Tensor):
        raise TypeError(f"save_for_backward can only save variables, but got {type(t)}: "
                        "store anything else as an attribute of ctx")
    return SavedTensor(t, current_edge(t), node)


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a backward whose result cannot be differentiated again; trying to raises RuntimeError.

    Source: PyTorch `torch.autograd.function.once_differentiable`.
    """
    @functools.wraps(function)
    def wrapper(ctx: Any, *args: Any) -> Any:
        recording = modes.grad
        with no_grad():
            outputs = function(ctx, *args)
        if not recording or not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            return outputs
        many = outputs if isinstance(outputs, tuple) else (outputs,)
        delayed = tuple([make(t._array, Refusal(t._array.shape)) if isinstance(t, Tensor) else t for t in many])
        return delayed if isinstance(outputs, tuple) else delayed[0]
    return wrapper


class Refusal(Node):
    """The node behind a gradient that may not be differentiated again."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.number, self.parents, self.shape = next_number(), (), shape

    def name(self) -> str:
        return "DelayedError"

    def apply(self, grads: list[Any], values: Any) -> Any:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


class InplaceFunction(Function):
    """A Function that may work in place, chosen at construction; kept for old code.

    Source: PyTorch `InplaceFunction`.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


