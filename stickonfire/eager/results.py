"""Named tuples for ops with several outputs, as PyTorch's `torch.return_types`."""
from __future__ import annotations

import functools
from collections import namedtuple
from typing import Any

from ..ops.op import Op


@functools.cache
def result_class(name: str, fields: str) -> type:
    """The named tuple `torch.return_types.<name>`: printed field by field."""
    class Result(namedtuple(name, fields)):                     # type: ignore[misc]
        __slots__ = ()

        def __repr__(self) -> str:
            values: Any = zip(self._fields, self)
            parts = ",\n".join(f"{field}={value!r}" for field, value in values)
            return f"torch.return_types.{name}(\n{parts})"
    Result.__name__ = Result.__qualname__ = name
    Result.__module__ = "torch.return_types"
    return Result


def named_result(op: Op, values: tuple[Any, ...]) -> Any:
    """The outputs of an op that declares `returns`, as a named tuple."""
    return result_class(op.name, op.returns)(*values)
