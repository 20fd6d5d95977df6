"""The `_copy` forms of view ops: a view op and a copy of what it gives.

PyTorch has them for programs that may not alias; called by users as functions.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ops.op import REGISTRY
from . import attributes, composite_shape
from .creation import into
from .publish import function
from .tensor import Tensor

VIEWS: dict[str, Callable[..., Any]] = {name: function(REGISTRY[name]) for name in (
    "as_strided", "diagonal", "expand", "permute", "squeeze", "t", "transpose", "unbind", "unfold", "unsqueeze",
    "view_as_real", "view_as_complex")}
VIEWS |= {"narrow": composite_shape.narrow, "select": composite_shape.select, "view": attributes.view,
          "split": composite_shape.split, "split_with_sizes": function(REGISTRY["split_with_sizes"])}


def copying(name: str, view: Callable[..., Any]) -> Callable[..., Any]:
    """`<name>_copy`: what a view op gives, copied."""
    def made(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        result = view(*args, **kwargs)
        if isinstance(result, tuple):
            copies = tuple([t.clone() for t in result])
            return copies if out is None else tuple([into(o, t) for o, t in zip(out, copies)])
        return into(out, result.clone())
    made.__name__ = made.__qualname__ = name + "_copy"
    made.__doc__ = f"A copy of what `{name}` gives.   Source: PyTorch `{name}_copy`."
    return made


def alias_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy. Shape: (*) -> (*).   Source: PyTorch `alias_copy`."""
    return into(out, input.clone())


def detach_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy outside the graph. Shape: (*) -> (*).   Source: PyTorch `detach_copy`."""
    return into(out, input.detach().clone())


FUNCTIONS = (alias_copy, detach_copy, *[copying(name, view) for name, view in VIEWS.items()])
METHODS = {"narrow_copy": next(f for f in FUNCTIONS if f.__name__ == "narrow_copy")}
