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
from .eager.publish import HOLDERS

HOLDERS.append(globals())
newaxis = None
SUBMODULES = ("accelerator", "autograd", "backends", "compat", "cpu", "cuda", "data", "io", "linalg", "models",
              "mps", "nn", "optim", "random", "serialization", "special", "testing", "text", "train", "types",
              "utils", "version", "viz", "xpu")
NOT_YET = {     # what scripts ask for, and the way out
    "compile": "leave the call out: the function itself gives the same results",
    "func": "torch.autograd.functional has jacobian, hessian, vjp and jvp",
    "vmap": "write the batch dim out; ops broadcast over leading dims",
    "jit": "leave torch.jit out: there is nothing to script here",
    "distributions": "torch.normal, torch.multinomial, torch.bernoulli and Tensor.exponential_ draw the same numbers",
    "fft": "numpy.fft works on tensor.numpy()", "amp": "train in float32, or cast with .bfloat16()",
    "distributed": "run on one machine", "sparse": "use dense tensors"}
LAZY = {"save": "io.checkpoint", "load": "io.checkpoint"}       # name -> where it is

__all__ = [*eager.__all__, *LAZY, *SUBMODULES, "e", "inf", "nan", "newaxis", "pi"]


def __getattr__(name: str) -> Any:
    if name in SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in LAZY:
        found = globals()[name] = getattr(importlib.import_module(f"{__name__}.{LAZY[name]}"), name)
        return found
    way_out = f": not there yet; {NOT_YET[name]} (see docs/differences.md)" if name in NOT_YET else ""
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'{way_out}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
