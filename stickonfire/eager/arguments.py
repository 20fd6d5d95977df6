"""After a call failed: was an argument of the wrong kind? Then PyTorch's TypeError says so, by name and position.

Nothing here runs while calls succeed. `complaints.py` asks for ops, whose attributes carry annotations, and `guarded`
for the functions that are composed of ops.
"""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from .tensor import Tensor

# where the annotation is Any
BY_NAME = {"dim": "Sequence[int]", "dims": "Sequence[int]", "keepdim": "bool", "shifts": "Sequence[int]"}


def is_int(value: Any) -> bool:
    """Whether PyTorch takes it for an int."""
    return hasattr(value, "__index__") and not isinstance(value, bool) and not getattr(value, "ndim", 0)


def are_ints(values: Any) -> bool:
    """Whether it is an int or a sequence of ints."""
    return is_int(values) or isinstance(values, (list, tuple)) and all(is_int(n) for n in values)


KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {     # annotation -> PyTorch's word for it, and the test
    "int": ("int", is_int),
    "float": ("Number", lambda value: hasattr(value, "__float__") and not getattr(value, "ndim", 0)),
    "complex": ("Number", lambda value: hasattr(value, "__complex__") or hasattr(value, "__float__")),
    "bool": ("bool", lambda value: isinstance(value, bool)),
    "str": ("str", lambda value: isinstance(value, str)),
    "Tensor": ("Tensor", lambda value: isinstance(value, Tensor)),
    "None": ("None", lambda value: value is None),
    "Ints": ("tuple of ints", are_ints),
    "Sequence[int]": ("tuple of ints", are_ints),
    "tuple[int, ...]": ("tuple of ints", are_ints),
}


def misused(name: str, annotations: Mapping[str, str], given: Mapping[str, Any]) -> TypeError | None:
    """The error for the first argument whose value is not what its annotation says; None if all could be right."""
    for position, (argument, value) in enumerate(given.items(), 1):
        annotation = annotations.get(argument, "Any")
        parts = (BY_NAME.get(argument, annotation) if annotation == "Any" else annotation).split(" | ")
        kinds = [KINDS.get(part) for part in parts]
        if value is None or None in kinds or any(kind[1](value) for kind in kinds if kind is not None):
            continue
        words = " or ".join(kind[0] for kind in kinds if kind is not None and kind[0] != "None")
        return TypeError(f"{name}(): argument '{argument}' (position {position}) must be {words}, not "
                         f"{type(value).__name__}{described(value)}")
    return None


def described(value: Any) -> str:
    """What the value was, if that is short."""
    if hasattr(value, "shape"):
        return f" of shape {list(value.shape)}"
    shown = repr(value)
    return f": got {shown}" if len(shown) < 40 else ""


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose failures are looked at again: was it called with something of the wrong kind?"""
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (AttributeError, TypeError, RuntimeError, ValueError, IndexError, KeyError) as error:
            misuse = misused_call(function, args, kwargs)
            if misuse is None:
                raise
            raise misuse from error
    return call


def misused_call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError | None:
    """`misused` for a call of a Python function."""
    signature = inspect.signature(function)
    try:
        bound = signature.bind_partial(*args, **kwargs).arguments
    except TypeError:
        return None
    annotations = {name: p.annotation for name, p in signature.parameters.items() if isinstance(p.annotation, str)}
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            wanted = annotations.get(name)
            for i, value in enumerate(bound.pop(name, ())):
                if (wanted == "Tensor" or name == "tensors") and not isinstance(value, (Tensor, list, tuple)):
                    return TypeError(f"expected Tensor as element {i} in argument 0, but got {type(value).__name__}. "
                                     f"In {function.__name__}()")
        elif parameter.kind is parameter.VAR_KEYWORD:
            bound.pop(name, None)
    return misused(function.__name__.strip("_"), annotations, bound)
