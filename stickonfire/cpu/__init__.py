"""PyTorch's spelling `torch.cpu`: the CPU answers the questions that are asked of other devices."""
from __future__ import annotations

import importlib
from typing import Any


def is_available() -> bool:
    """Whether there is a CPU."""
    return True


def device_count() -> int:
    """How many CPUs there are, counted as devices: one."""
    return 1


def current_device() -> str:
    """The current CPU."""
    return "cpu"


def synchronize(device: Any = None) -> None:
    """Waits until everything is computed: it always is."""


def set_device(device: Any) -> None:
    """Chooses a CPU: there is one only."""


def __getattr__(name: str) -> Any:
    if name == "amp":
        return importlib.import_module(f"{__name__}.amp")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
