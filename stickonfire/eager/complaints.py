"""What the framework says when an op cannot run: PyTorch's exception type and first line, then ours."""
from __future__ import annotations

from typing import Any

from ..backends.base import XP
from ..core.shapes import broadcast_shapes
from ..ops.op import Op




def describe(arrays: list[Any]) -> str:
    """The operands of an op in words, as `float32[2, 3], int64[4], 2.5`."""
    return ", ".join(f"{a.dtype}{list(a.shape)}" if a.__class__ in XP else repr(a) for a in arrays if a is not None)


KINDS = {   # an attribute's annotation -> what it may be, in PyTorch's words, and the test
    "int": ("int", lambda value: is_int(value)),
    "float": ("Number", lambda value: isinstance(value, (int, float, complex)) or hasattr(value, "item")),
    "bool": ("bool", lambda value: isinstance(value, bool)),
    "str": ("str", lambda value: isinstance(value, str)),
    "dims": ("tuple of ints", lambda value: is_int(value) or are_ints(value)),
}
BY_NAME = {"dim": "dims", "dims": "dims", "keepdim": "bool"}        # attributes that are declared as Any


def is_int(value: Any) -> bool:
    """Whether PyTorch takes it for an int."""
    return hasattr(value, "__index__") and not isinstance(value, bool)


def are_ints(values: Any) -> bool:
    """Whether it is a sequence of ints."""
    return isinstance(values, (list, tuple)) and all(is_int(n) for n in values)


def misused(op: Op, attrs: dict[str, Any]) -> TypeError | None:
    """PyTorch's error for the first attribute that is of no use to the op; None if all could be right."""
    for name in op.attributes:
        value = attrs.get(name)
        annotation = op.forward.__annotations__[name]
        kind = "dims" if annotation in ("Ints", "tuple[int, ...]", "Sequence[int]") or "Sequence[int]" in annotation else annotation
        wanted = KINDS.get(kind) or KINDS.get(BY_NAME.get(name, ""))
        if wanted is not None and value is not None and not wanted[1](value):
            return TypeError(f"{op.name}(): argument '{name}' (position {op.params.index(name)}) must be {wanted[0]}, not "
                             f"{type(value).__name__}: got {value!r}")
    return None


def rephrased(error: Exception, op: Op, arrays: list[Any], attrs: dict[str, Any]) -> Exception:
    """An array library's complaint as PyTorch's: a ValueError about shapes becomes a RuntimeError naming the op."""
    misuse = misused(op, attrs)
    if misuse is not None:
        return misuse
    if isinstance(error, AttributeError):
        return error
    shown = describe(arrays)
    text = str(error)
    if f"{op.name}(" in text:                           # said by the op's own checks
        return error
    if isinstance(error, TypeError) and not text.startswith(("ufunc", "unsupported operand", "bad operand")):
        return type(error)(text)
    shapes = [a.shape for a in arrays if a.__class__ in XP]
    if len(shapes) > 1 and isinstance(error, ValueError):
        try:
            broadcast_shapes(*shapes)
        except RuntimeError as mismatch:
            return RuntimeError(f"{mismatch}. In {op.name}({shown}); shapes broadcast from the last dim: make sizes "
                                "equal or 1, with view(), unsqueeze() or expand()")
    kind = RuntimeError if isinstance(error, TypeError) or "broadcast" in text else type(error)
    return kind(f"{text}. In {op.name}({shown})")
