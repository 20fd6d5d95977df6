"""Arrays, launching, random generators, memory: the only rooms that know an array library.

`base.py` is the contract and the registry; `cpu/` fulfils it with NumPy. Under PyTorch's name for this place,
`torch.backends`, programs also look for switches of libraries; those small modules load when asked for.
"""
from __future__ import annotations

import importlib
from typing import Any

SWITCHES = ("cuda", "cudnn", "fused", "mkl", "mkldnn", "mps", "openmp", "opt_einsum")


def __getattr__(name: str) -> Any:
    if name in SWITCHES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
