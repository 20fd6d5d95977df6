"""From the op registry to what users call: one explicit loop makes functions, methods, in-place methods.

`published(namespace)` is the result, written down for editors and type checkers in `__init__.pyi` by
`scripts/make_stubs.py`. An op is published where its declaration says; nothing else is looked at.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops  # noqa: F401  (declares the ops)
from ..backends.base import FAST
from ..ops.op import REGISTRY, Op
from . import fused
from .binding import bind
from .dispatch import NUMBERS, dispatch, dispatch_operator
from .inplace import check_out, dispatch_inplace, write_out
from .results import named_result
from .specialize import can_specialize, compiled, inplace_source, specialized
from .tensor import Tensor

NAMESPACES: dict[str, dict[str, Callable[..., Any]]] = {}
HOLDERS: list[dict[str, Any]] = []      # the globals of modules that took published functions over
PLACES = ("stickonfire", "Tensor", "Tensor_", "nn.functional", "linalg", "special", "fft")
OPERATORS = {   # Python's operators and the ops they stand for; r: with swapped operands
    "add": "__add__", "sub": "__sub__", "mul": "__mul__", "div": "__truediv__", "matmul": "__matmul__",
    "pow": "__pow__", "remainder": "__mod__", "floor_divide": "__floordiv__", "bitwise_and": "__and__",
    "bitwise_or": "__or__", "bitwise_xor": "__xor__", "bitwise_left_shift": "__lshift__",
    "bitwise_right_shift": "__rshift__", "eq": "__eq__", "ne": "__ne__", "lt": "__lt__", "le": "__le__",
    "gt": "__gt__", "ge": "__ge__"}
UNARY_OPERATORS = {"neg": "__neg__", "abs": "__abs__", "bitwise_not": "__invert__"}


def function(op: Op) -> Callable[..., Any]:
    """The function (and method) that executes an op. Its fast form is written at the first call."""
    if not can_specialize(op):
        def call(*args: Any, **kwargs: Any) -> Any:
            return general(op, args, kwargs)
        return named(call, op, op.name)
    made: Callable[..., Any] | None = None

    def first_call(*args: Any, **kwargs: Any) -> Any:
        nonlocal made
        if made is None:
            made = named(specialized(op, general), op, op.name)
            replace(first_call, made)
        return made(*args, **kwargs)
    return named(first_call, op, op.name)


def ready_function(op: Op, out: bool = False) -> Callable[..., Any]:
    """An op's function in its fast form at once, for callers that keep it: no look-up, no first call to wait for.

    out: whether it takes `out=` and NumPy's spellings, or the op's own parameters alone.
    """
    return named(specialized(op, general, out=out), op, op.name) if can_specialize(op) else function(op)


def general(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Any call of an op: binds the arguments, dispatches, and sees to `out=` and named results."""
    out = kwargs.pop("out", None)
    inputs, attrs = bind(op, args, kwargs)
    if out is not None:
        check_out(op, inputs, out)
        return write_out(op, dispatch(op, inputs, attrs), out)
    result = dispatch(op, inputs, attrs)
    return named_result(op, result) if op.returns else result


def replace(old: Callable[..., Any], new: Callable[..., Any], suffix: str = "") -> None:
    """Puts an op's fast function wherever its first form was published."""
    op: Op = old.__dict__["op"]
    own = [place.rpartition(".")[2] for place in op.publish]
    for name in (op.name, *op.aliases, *own):
        for names in (*NAMESPACES.values(), *HOLDERS):
            if names.get(name) is old:
                names[name] = new
    for name in (op.name, *op.aliases, *UNARY_OPERATORS.values()):
        if Tensor.__dict__.get(name + suffix) is old:
            setattr(Tensor, name + suffix, new)


def inplace_method(op: Op) -> Callable[..., Any]:
    """The method `name_` that executes an op and writes its result into the tensor."""
    if op.kernel is None or not can_specialize(op):
        def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            return general_inplace(op, (self, *args), kwargs)
        return named(method, op, op.name + "_")
    made: Callable[..., Any] | None = None

    def first_call(*args: Any, **kwargs: Any) -> Any:
        nonlocal made
        if made is None:
            made = named(compiled(op, inplace_source(op), general_inplace), op, op.name + "_")
            replace(first_call, made, "_")
        return made(*args, **kwargs)
    return named(first_call, op, op.name + "_")


def general_inplace(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """Any call of an in-place method."""
    inputs, attrs = bind(op, args, kwargs)
    return dispatch_inplace(op, inputs, attrs)


def operator(op: Op, dunder: str) -> Callable[..., Any]:
    """The operator `self op other`."""
    def general_operator(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return dispatch_operator(op, *args[:2])

    def first_call(self: Tensor, other: Any) -> Any:
        made = named(specialized(op, general_operator, operator=True), op, dunder)
        setattr(Tensor, dunder, made)
        return made(self, other)
    return named(first_call, op, dunder)


def inplace_operator(op: Op, dunder: str) -> Callable[..., Any]:
    """The operator `self op= other`."""
    def general_operator(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return general_inplace(op, args[:2], {}) if is_operand(args[1]) else NotImplemented

    def method(self: Tensor, other: Any) -> Any:
        if op.kernel is None:
            return general_operator(op, (self, other), {})
        made = named(compiled(op, inplace_source(op), general_operator), op, dunder)
        setattr(Tensor, dunder, made)
        return made(self, other)
    return named(method, op, dunder)


def reflected(op: Op) -> Callable[..., Any]:
    """The operator `other op self`, for an `other` that is no Tensor."""
    number = REFLECTED.get(op.name)

    def method(self: Tensor, other: Any) -> Any:
        if not is_operand(other):
            return NotImplemented
        if not isinstance(self, Tensor):
            raise TypeError(f"descriptor of '{op.name}' for Tensor objects doesn't apply to a '{type(self).__name__}' "
                            f"object")
        if number is not None and other.__class__ in NUMBERS:
            return number(self, other)
        if other.__class__ in NUMBERS and not op.scalars:
            return NotImplemented
        if other.__class__ in NUMBERS or isinstance(other, Tensor):
            return dispatch(op, (other, self), op.attribute_defaults)
        return dispatch(op, bind(op, (other, self), {})[0], op.attribute_defaults)
    return method


def number_minus(t: Tensor, number: Any) -> Any:
    """number - t: a node of its own in PyTorch."""
    return dispatch(REGISTRY["number_minus"], (t, number), {})


def number_over(t: Tensor, number: Any) -> Any:
    """number / t: in PyTorch number * (1 / t), which is rounded twice."""
    return dispatch(REGISTRY["mul"], (dispatch(REGISTRY["reciprocal"], (t,), {}), number), {})


REFLECTED = {"sub": number_minus, "div": number_over}


def is_operand(value: Any) -> bool:
    """Whether an operator of ours has an answer to it; else Python asks the other operand."""
    return isinstance(value, (Tensor, bool, int, float, complex)) or hasattr(value, "dtype")


def named(made: Callable[..., Any], op: Op, name: str) -> Callable[..., Any]:
    """Gives a function its name, docstring and op, for `help()` and for the stub writer."""
    made.__name__ = made.__qualname__ = name
    made.__doc__ = op.__doc__
    made.__dict__["op"] = op
    made.__module__ = "stickonfire"             # where pickle looks for it; `publish` knows better
    return made


def publish(op: Op) -> None:
    """Puts an op's functions where its declaration says."""
    made = function(op) if op.publish else None
    for place in op.publish:
        namespace, other = place, ""
        if place not in PLACES:
            namespace, _, other = place.rpartition(".")         # "special.expit": under a name of its own
        names = [other] if other else [op.name, *op.aliases]
        for name in names:
            if namespace == "Tensor_":
                setattr(Tensor, name + "_", inplace_method(op))
            elif namespace == "Tensor":
                setattr(Tensor, name, made)
            elif made is not None:
                made.__module__ = "stickonfire" if namespace == "stickonfire" else f"stickonfire.{namespace}"
                NAMESPACES.setdefault(namespace, {})[name] = made


def publish_operators() -> None:
    """Gives Tensor Python's operators."""
    for name, dunder in OPERATORS.items():
        op = REGISTRY.get(name)
        if op is None:
            continue
        setattr(Tensor, dunder, operator(op, dunder))
        bare = dunder.strip("_")
        if bare not in ("eq", "ne", "lt", "le", "gt", "ge"):
            setattr(Tensor, f"__r{bare}__", reflected(op))
            if bare != "matmul":                # x @= y binds the name to a new tensor, as in PyTorch
                setattr(Tensor, f"__i{bare}__", inplace_operator(op, f"__i{bare}__"))
    for name, dunder in UNARY_OPERATORS.items():
        if name in REGISTRY:
            setattr(Tensor, dunder, function(REGISTRY[name]))


def published(namespace: str) -> dict[str, Callable[..., Any]]:
    """What the ops publish under a namespace: "stickonfire", "nn.functional", "linalg", "special", "fft"."""
    return NAMESPACES.get(namespace, {})


for _op in REGISTRY.values():
    publish(_op)
publish_operators()
for _array_class, _fast in FAST.items():
    for _name, _backward in _fast.BACKWARDS.items():
        REGISTRY[_name].quick = {**(REGISTRY[_name].quick or {}), _array_class: _backward}
fused.install()
