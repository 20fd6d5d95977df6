"""What the declarations of elementwise ops share: where they are published, and a few small questions.

Called by the op files beside this one. Imports `op` alone.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.dtypes import SCALAR_NAMES
from .op import Op, op

EVERYWHERE = ("stickonfire", "Tensor", "Tensor_")
NUMBERS = {bool, int, float, complex}   # classes of what may stand for a tensor; the compiler adds its kind of float

_CALLED = {"float16": "Half", "float32": "Float", "float64": "Double", "complex64": "ComplexFloat",
           "complex128": "ComplexDouble", "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short",
           "int32": "Int", "int64": "Long"}
KINDS = {"b": "bools", "i": "ints", "f": "floats", "c": "complex numbers"}


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
            raise NotImplementedError(f"the derivative for '{name}' of '{made.name}' is not implemented. "
                                      "Wrap the call in torch.no_grad(), or call .detach() on that input")
    return made.gradient(name)(rule)


def floating(*, publish: tuple[str, ...] = EVERYWHERE, **options: Any) -> Callable[[Callable[..., Any]], Op]:
    """`op` for an elementwise function of one tensor that has no meaning for ints: they become floats."""
    return op(publish=publish, promote="float", **options)


def refuse(made: Op, letters: str, kernel: str = "", text: str = "") -> Op:
    """Declares that an op has no meaning for some dtypes: b bools, i ints, f floats, c complex numbers.

    kernel: what PyTorch's error calls the op; text: an error of its own.
    """
    called = kernel or f"{made.name}_cpu"

    def check(common, kinds):
        if "bifc"[common.category] in letters:
            said = f'"{called}" not implemented for \'{SCALAR_NAMES[common.name]}\'. Cast the tensor first: '
            raise NotImplementedError(text or f"{said}{made.name}() takes {accepted}")
    accepted = ", ".join(word for letter, word in KINDS.items() if letter not in letters)
    return made.admission()(check)


def refuse_now(kernel: str, array: Any, letters: str) -> None:
    """`refuse`, for an op that is not told when dtypes are new: looks at an array at each call."""
    if array.dtype.kind in letters:
        raise NotImplementedError(f'"{kernel}" not implemented for '
                                  f'\'{_CALLED.get(array.dtype.name, array.dtype.name)}\'. Cast '
                                  f"the tensor first: it has dtype {array.dtype}")


def refuse_complex(name: str, value: Any) -> None:
    """Raises for a complex array, where no plan is made: in kernels that work in place."""
    if value.dtype.kind == "c":
        raise NotImplementedError(f"{name} is not supported for complex types. Take .real, .imag or .abs() first")
