"""PyStickOnFire: deep learning with PyTorch's API, in Python down to its kernels.

`import stickonfire as torch` is enough for a chapter of a PyTorch textbook. Here stands the public list:
the functions come from `eager` (published from the op declarations), submodules load when first used.
"""
from __future__ import annotations

import importlib
from math import e, inf, nan, pi
from typing import Any

from . import eager
from .core.version import __version__ as __version__
from .eager import *  # noqa: F403  (the list is eager.__all__)

newaxis = None
SUBMODULES = ("accelerator", "autograd", "backends", "compat", "cpu", "cuda", "data", "io", "linalg", "models",
              "mps", "nn", "optim", "random", "serialization", "special", "testing", "text", "train", "types",
              "utils", "version", "viz", "xpu")
LAZY = {"save": "io.checkpoint", "load": "io.checkpoint"}       # name -> where it is

__all__ = [*eager.__all__, *LAZY, *SUBMODULES, "e", "inf", "nan", "newaxis", "pi"]


def __getattr__(name: str) -> Any:
    if name in SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in LAZY:
        found = globals()[name] = getattr(importlib.import_module(f"{__name__}.{LAZY[name]}"), name)
        return found
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
