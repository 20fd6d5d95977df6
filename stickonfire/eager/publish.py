"""From the op registry to what users call: one explicit loop makes functions, methods, in-place methods.

`published(namespace)` is the result, written down for editors and type checkers in `__init__.pyi` by
`scripts/make_stubs.py`. An op is published where its declaration says; nothing else is looked at.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops  # noqa: F401  (declares the ops)
from ..ops.op import REGISTRY, Op
from .binding import bind
from .dispatch import binary, dispatch
from .inplace import dispatch_inplace, write_out
from .results import named_result
from .tensor import Tensor

NAMESPACES: dict[str, dict[str, Callable[..., Any]]] = {}
PLACES = ("stickonfire", "Tensor", "Tensor_", "nn.functional", "linalg", "special", "fft")
OPERATORS = {   # Python's operators and the ops they stand for; r: with swapped operands
    "add": "__add__", "sub": "__sub__", "mul": "__mul__", "div": "__truediv__", "matmul": "__matmul__",
    "pow": "__pow__", "remainder": "__mod__", "floor_divide": "__floordiv__", "bitwise_and": "__and__",
    "bitwise_or": "__or__", "bitwise_xor": "__xor__", "bitwise_left_shift": "__lshift__",
    "bitwise_right_shift": "__rshift__", "eq": "__eq__", "ne": "__ne__", "lt": "__lt__", "le": "__le__",
    "gt": "__gt__", "ge": "__ge__"}


def function(op: Op) -> Callable[..., Any]:
    """The function (and method) that executes an op."""
    plain = len(op.tensors) if not op.variadic and not op.returns and not op.varargs else -1
    defaults = op.attribute_defaults if len(op.attribute_defaults) == len(op.attributes) else None

    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) == plain and not kwargs and defaults is not None:
            for t in args:
                if not isinstance(t, Tensor):
                    break
            else:
                return dispatch(op, args, defaults)
        out = kwargs.pop("out", None) if "out" in kwargs else None
        inputs, attrs = bind(op, args, kwargs)
        result = dispatch(op, inputs, attrs)
        if out is not None:
            return write_out(op, result, out)
        return named_result(op, result) if op.returns else result
    return named(call, op, op.name)


def inplace_method(op: Op) -> Callable[..., Any]:
    """The method `name_` that executes an op and writes its result into the tensor."""
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        inputs, attrs = bind(op, (self, *args), kwargs)
        return dispatch_inplace(op, inputs, attrs)
    return named(method, op, op.name + "_")


def inplace_operator(op: Op) -> Callable[..., Any]:
    """The operator `self op= other`."""
    def method(self: Tensor, other: Any) -> Any:
        if not is_operand(other):
            return NotImplemented
        inputs, attrs = bind(op, (self, other), {})
        return dispatch_inplace(op, inputs, attrs)
    return method


def reflected(op: Op) -> Callable[..., Any]:
    """The operator `other op self`, for an `other` that is no Tensor."""
    def method(self: Tensor, other: Any) -> Any:
        if not is_operand(other):
            return NotImplemented
        return dispatch(op, bind(op, (other, self), {})[0], op.attribute_defaults)
    return method


def is_operand(value: Any) -> bool:
    """Whether an operator of ours has an answer to it; else Python asks the other operand."""
    return isinstance(value, (Tensor, bool, int, float, complex)) or hasattr(value, "dtype")


def named(made: Callable[..., Any], op: Op, name: str) -> Callable[..., Any]:
    """Gives a function its name, docstring and op, for `help()` and for the stub writer."""
    made.__name__ = made.__qualname__ = name
    made.__doc__ = op.__doc__
    made.__dict__["op"] = op
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
            else:
                NAMESPACES.setdefault(namespace, {})[name] = made      # type: ignore[assignment]


def publish_operators() -> None:
    """Gives Tensor Python's operators."""
    for name, dunder in OPERATORS.items():
        op = REGISTRY.get(name)
        if op is None:
            continue
        setattr(Tensor, dunder, binary(op))
        bare = dunder.strip("_")
        if bare not in ("eq", "ne", "lt", "le", "gt", "ge"):
            setattr(Tensor, f"__r{bare}__", reflected(op))
            setattr(Tensor, f"__i{bare}__", inplace_operator(op))


def published(namespace: str) -> dict[str, Callable[..., Any]]:
    """What the ops publish under a namespace: "stickonfire", "nn.functional", "linalg", "special", "fft"."""
    return NAMESPACES.get(namespace, {})


for _op in REGISTRY.values():
    publish(_op)
publish_operators()
