"""The parts of a complex tensor as attributes to read and write, and PyTorch's questions about lazy views."""
from __future__ import annotations

from typing import Any

from ..ops.op import REGISTRY
from .dispatch import dispatch
from .tensor import Tensor


def part(name: str) -> property:
    """The property `real` or `imag`: a view, or what to write into it."""
    op = REGISTRY[name]

    def read(self: Tensor) -> Tensor:
        return dispatch(op, (self,), {})

    def write(self: Tensor, value: Any) -> None:
        read(self).copy_(value)                                 # type: ignore[attr-defined]
    return property(read, write, doc=op.__doc__)


def is_conj(input: Tensor) -> bool:
    """Whether conjugation is still to be done: never, ours is done at once.   Source: PyTorch `is_conj`."""
    return False


def is_neg(input: Tensor) -> bool:
    """Whether negation is still to be done: never, ours is done at once.   Source: PyTorch `is_neg`."""
    return False


FUNCTIONS = (is_conj, is_neg)
METHODS = {"real": part("real"), "imag": part("imag"), "is_conj": is_conj, "is_neg": is_neg}
