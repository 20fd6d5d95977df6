"""What the declarations of elementwise ops share: where they are published, and a few small questions.

Called by the op files beside this one. Imports `op` alone.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .op import Op, op

EVERYWHERE = ("stickonfire", "Tensor", "Tensor_")
NUMBERS = frozenset((bool, int, float, complex))        # classes of what may stand for a tensor


def is_number(value: Any) -> bool:
    """Whether an operand is a Python number, not an array or a Tensor."""
    return value.__class__ in NUMBERS


def is_integral(value: Any) -> bool:
    """Whether an operand is a whole number, or an array of ints or bools."""
    if value.__class__ in NUMBERS:
        return value.__class__ is int or value.__class__ is bool
    return value.dtype.kind in "biu"


def is_bool(value: Any) -> bool:
    """Whether an operand is a bool, or an array of bools."""
    return value.__class__ is bool if value.__class__ in NUMBERS else value.dtype.kind == "b"


def flat(made: Op) -> Op:
    """Gives an op of one differentiable input, which is constant almost everywhere, the gradient zero."""
    def rule(xp, g):
        return xp.zeros_like(g)
    return made.gradient(made.tensors[0])(rule)


def lacks_gradient(made: Op, name: str) -> Op:
    """Declares that PyTorch has no gradient for an input: asking for it is an error, not zero."""
    position = made.tensors.index(name)

    def rule(xp, g, needs):
        if needs[position]:
            raise NotImplementedError(f"the derivative for '{name}' of '{made.name}' is not implemented. Wrap "
                                      "the call in torch.no_grad(), or call .detach() on that input")
    return made.gradient(name)(rule)


def floating(*, publish: tuple[str, ...] = EVERYWHERE, **options: Any) -> Callable[[Callable[..., Any]], Op]:
    """`op` for an elementwise function of one tensor that has no meaning for ints: they become floats."""
    return op(publish=publish, promote="float", **options)


def refuse_bools(name: str, *operands: Any) -> None:
    """Raises PyTorch's error for arithmetic it does not define for bools."""
    if all(map(is_bool, operands)):
        raise RuntimeError(f'"{name}" not implemented for \'Bool\'. Cast the tensor first, as with .int()')


def refuse_complex(name: str, *operands: Any) -> None:
    """Raises PyTorch's error for what has no meaning for complex numbers."""
    for value in operands:
        given = value.__class__
        if given is complex or given not in NUMBERS and value is not None and value.dtype.kind == "c":
            raise RuntimeError(f"{name} is not supported for complex tensors. Take .real, .imag or .abs() "
                               f"first")
