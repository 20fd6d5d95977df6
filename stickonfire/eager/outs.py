"""`out=` and NumPy's spellings for functions that are composed of ops.

What `publish.py` does for a single op, this decorator does for the functions in `composite_*.py`.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from .binding import SPELLINGS
from .inplace import write_out
from .results import result_class


def composed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Lets a function take `out=`, `axis=`, `keepdims=`, and its first argument as `input=` or `A=`."""
    named: Any = SimpleNamespace(name=function.__name__.strip("_"))
    names = function.__code__.co_varnames[:function.__code__.co_argcount + function.__code__.co_kwonlyargcount]
    names_set = frozenset(names)
    other = {"input": names[0], "A": names[0], "self": names[0]} if names else {}
    other |= {key: SPELLINGS[key] for key in ("axis", "keepdims")}

    @functools.wraps(function)
    def call(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        if kwargs and not names_set.issuperset(kwargs):
            kwargs = {key if key in names else other.get(key, key): value for key, value in kwargs.items()}
        result = function(*args, **kwargs)
        if out is None:
            return result
        written = write_out(named, result, out)
        return written if not isinstance(result, tuple) else type(result)(*written)
    return call


def results(name: str, fields: str, *values: Any) -> Any:
    """Several results as the named tuple `torch.return_types.<name>`."""
    return result_class(name, fields)(*values)
