"""The contract between the framework and an array library, and the registry of those that exist.

An *array* of a backend has NumPy's attributes and operators: `shape`, `ndim`, `size`, `dtype`,
`strides` (bytes), basic and advanced indexing that aliases where NumPy's does, `+ - * / ** @ & | ^ ~`,
comparisons. A backend's *namespace* `xp` is a module with the functions listed in the CPU's
(`backends/cpu/xp.py`), under NumPy's names. Everything above gets at arrays through these two alone.
"""
from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..core.device import device

Array = Any         # an array of some backend; their classes share no base


class Backend:
    """What a device type brings along: its array class, its namespace, its random generator."""

    def __init__(self, name: str, array_type: type, xp: ModuleType | Any, generator: type,
                 from_numpy: Callable[[Any], Array], to_numpy: Callable[[Array], Any],
                 fast: ModuleType | None = None) -> None:
        self.device, self.array_type, self.xp, self.generator = device(name), array_type, xp, generator
        self.from_numpy, self.to_numpy, self.fast = from_numpy, to_numpy, fast


BY_DEVICE: dict[str, Backend] = {}
BY_ARRAY: dict[type, Backend] = {}
XP: dict[type, Any] = {}                # array class -> namespace; looked up at every op
FAST: dict[type, Any] = {}              # array class -> shorter ways for common cases (cpu/fast.py), if there are any


def register(backend: Backend) -> None:
    """Makes a backend known under its device type and its array class."""
    BY_DEVICE[backend.device.type] = backend
    BY_ARRAY[backend.array_type] = backend
    XP[backend.array_type] = backend.xp
    if backend.fast is not None:
        FAST[backend.array_type] = backend.fast


def backend_for(where: device | str | int | None) -> Backend:
    """The backend of a device.

    Raises: RuntimeError (AssertionError for cuda, as PyTorch without CUDA) if the device is not there.
    """
    if where is None:
        return BY_DEVICE["cpu"]
    kind = where if isinstance(where, device) else device(where)
    found = BY_DEVICE.get(kind.type)
    if found is not None:
        if kind.index and kind.type != "cpu":               # PyTorch takes any index for the CPU
            raise RuntimeError(f"device {kind} is not there: this machine has one {kind.type} device, {kind.type}:0")
        return found
    way_out = f"available: {', '.join(BY_DEVICE)}; pass device='cpu' or leave the argument out"
    if kind.type in ("cuda", "mtia", "xpu"):
        raise AssertionError(f"Torch not compiled with {kind.type.upper()} enabled: device '{kind}' is not there "
                             f"({way_out})")
    if kind.type == "mps":
        raise NotImplementedError(f"PyTorch is not linked with support for mps devices: device '{kind}' is not there "
                           f"({way_out})")
    raise RuntimeError(f"device '{kind}' is not there ({way_out})")
