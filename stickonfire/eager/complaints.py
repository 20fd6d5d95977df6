"""What the framework says when an op cannot run: PyTorch's exception type and first line, then ours."""
from __future__ import annotations

from typing import Any

from ..backends.base import XP
from ..core.shapes import broadcast_shapes
from ..ops.op import Op




def describe(arrays: list[Any]) -> str:
    """The operands of an op in words, as `float32[2, 3], int64[4], 2.5`."""
    return ", ".join(f"{a.dtype}{list(a.shape)}" if a.__class__ in XP else repr(a) for a in arrays if a is not None)


def rephrased(error: Exception, op: Op, arrays: list[Any]) -> Exception:
    """An array library's complaint as PyTorch's: a ValueError about shapes becomes a RuntimeError naming the op."""
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
