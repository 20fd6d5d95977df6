"""Methods of Tensor whose module is loaded when one is first called: rarely used families cost nothing at import.

Functions of that kind stand in LAZY in `stickonfire/__init__.py`. Called by users as methods.
"""
from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from .tensor import Tensor


def later(module: str, name: str) -> Callable[..., Any]:
    """The method `name`, which loads `module`, puts its function in its own place and calls it."""
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        made = getattr(importlib.import_module(f"{__package__}.{module}"), name)
        setattr(Tensor, name, made)
        return made(self, *args, **kwargs)
    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"The function `{name}` as a method: see there.   Source: PyTorch `Tensor.{name}`."
    return method


METHODS: dict[str, Any] = {name: later(module, name) for module, name in (
    ("composite_stft", "stft"), ("composite_stft", "istft"), ("composite_rare", "hash_tensor"))}
