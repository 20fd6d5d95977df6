"""What the framework says when an op cannot run: PyTorch's exception type and first line, then ours."""
from __future__ import annotations

from typing import Any

from ..backends.base import XP
from ..core.dtypes import SCALAR_NAMES
from ..core.shapes import broadcast_shapes
from ..ops.op import Op
from .arguments import misused


def describe(arrays: list[Any]) -> str:
    """The operands of an op in words, as `float32[2, 3], int64[4], 2.5`."""
    return ", ".join(f"{a.dtype}{list(a.shape)}" if a.__class__ in XP else repr(a) for a in arrays if a is not None)


def rephrased(error: Exception, op: Op, arrays: list[Any], attrs: dict[str, Any]) -> Exception:
    """An array library's complaint as PyTorch's: a ValueError about shapes becomes a RuntimeError naming the op."""
    misuse = misused(op.name, op.forward.__annotations__, {name: attrs.get(name) for name in op.params})
    if misuse is not None:
        return misuse
    if not isinstance(error, (TypeError, ValueError)):
        return error
    shown = describe(arrays)
    text = str(error)
    if f"{op.name}(" in text:                           # said by the op's own checks
        return error
    if isinstance(error, TypeError):
        if not text.startswith(("ufunc", "unsupported operand", "bad operand", "numpy boolean")):
            return TypeError(f"{text}. In {op.name}({shown})")
        kinds = [XP[a.__class__].dtype_of(a) for a in arrays if a.__class__ in XP]
        called = SCALAR_NAMES[kinds[0].name] if kinds else "numbers"
        return NotImplementedError(f'"{op.name}_cpu" not implemented for \'{called}\'. In {op.name}({shown}): cast '
                                   'the tensors '
                                   "to a dtype for which it has a meaning")
    shapes = [a.shape for a in arrays if a.__class__ in XP]
    if len(shapes) > 1 and isinstance(error, ValueError):
        try:
            broadcast_shapes(*shapes)
        except RuntimeError as mismatch:
            return RuntimeError(f"{mismatch}. In {op.name}({shown}); shapes broadcast from the last dim: make sizes "
                                "equal or 1, with view(), unsqueeze() or expand()")
    kind = RuntimeError if "broadcast" in text else type(error)
    return kind(f"{text}. In {op.name}({shown})")
