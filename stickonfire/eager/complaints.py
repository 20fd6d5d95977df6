"""What the framework says when an op cannot run: PyTorch's exception type and first line, then the op, its operands
and, where there is one, the likely fix.

Called by `dispatch.execute` with whatever an op's forward, or its plan of dtypes, raised.
"""
from __future__ import annotations

import re
from typing import Any

from ..backends.base import XP
from ..core.dtypes import SCALAR_NAMES
from ..core.shapes import broadcast_shapes
from ..ops.op import Op
from .arguments import misused

PLAIN = (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError)
NUMPY_REFUSES = ("ufunc", "unsupported operand", "bad operand", "numpy boolean")
BROADCAST = "shapes broadcast from the last dim: make sizes equal or 1, with view(), unsqueeze() or expand()"
HINTS = (       # what a message says, and the likely way out
    ("The size of tensor a", BROADCAST),
    ("is invalid for input of size", "the sizes must multiply to the number of elements; one of them may be -1"),
    ("The expanded size of the tensor", "only dims of size 1 expand; repeat() copies any"),
    ("must match except in dimension", "cat() joins along one dim, in all others the sizes must be equal"),
    ("stack expects each tensor", "make the sizes equal, for example with nn.functional.pad(), or join with cat()"),
    ("Dimension out of range", "dims count from 0, or backwards from -1"),
    ("is out of bounds for dimension", "indices go from 0 to size - 1, or backwards from -1"),
    ("to have the same dtype", "cast one of them with .to(dtype)"),
    ("must have the same dtype", "cast one of them with .to(dtype)"),
    ("to match target batch_size", "the first dim of input and target is the batch"),
    ("Expected size for first two dimensions", "batches must be equal, and inner sizes agree"),
    ("running_mean should contain", "the statistics have one element a channel, which is dim 1 of the input"),
    ("expected input with shape", "normalized_shape is the shape of the last dims of the input"),
    ("-D", "reshape() or squeeze() gives another number of dims"),
)


def describe(arrays: list[Any]) -> str:
    """The operands of an op in words, as `float32[2, 3], int64[4], 2.5`."""
    return ", ".join(f"{a.dtype}{list(a.shape)}" if a.__class__ in XP else repr(a) for a in arrays if a is not None)


def rephrased(error: Exception, op: Op, arrays: list[Any], attrs: dict[str, Any]) -> Exception:
    """What to raise instead of an error of an op's forward; the error itself if it says all."""
    misuse = misused(op.name, op.forward.__annotations__, {name: attrs.get(name) for name in op.params})
    if misuse is not None:
        return misuse
    if type(error) not in PLAIN:
        return error
    text, kind = str(error), type(error)
    if kind is TypeError and text.startswith(NUMPY_REFUSES):
        dtypes = [XP[a.__class__].dtype_of(a) for a in arrays if a.__class__ in XP]
        called = SCALAR_NAMES[dtypes[0].name] if dtypes else "numbers"
        kind = NotImplementedError
        text = f'"{op.name}_cpu" not implemented for \'{called}\'. Cast to another dtype first'
    elif kind is ValueError and (mismatch := not_broadcastable(arrays)):
        kind, text = RuntimeError, mismatch
    elif kind is ValueError and "broadcast" in text:
        kind = RuntimeError
    return kind(with_operands(text, op, arrays))


def not_broadcastable(arrays: list[Any]) -> str:
    """PyTorch's words for arrays whose shapes do not broadcast; empty if they do."""
    try:
        broadcast_shapes(*[a.shape for a in arrays if a.__class__ in XP])
    except RuntimeError as error:
        return str(error)
    return ""


def with_operands(text: str, op: Op, arrays: list[Any]) -> str:
    """A message with the op, its operands and a hint, so far as it lacks them."""
    text = text.removesuffix(f". In {op.name}()")
    if f"In {op.name}(" in text:
        return text
    hint = next((f"; {hint}" for said, hint in HINTS if said in text and hint not in text), "")
    return f"{text.rstrip('.')}. In {spoken(op)}({describe(arrays)}){hint}"


def spoken(op: Op) -> str:
    """What users call an op: its name, or, for one that is not published, what PyTorch's node is named after."""
    if op.publish:
        return op.name
    stem = op.grad_name.rpartition("::")[2].partition("Backward")[0]
    return re.sub(r"(?<!^)(?=[A-Z])", "_", stem).lower()
