"""Switches of the whole process, with what they do. `eager/switches.py` holds the functions that set them.

Modes of a thread (gradients, inference) and the default dtype are in `state.py`.
"""
from __future__ import annotations

from typing import Any

DETERMINISM = ("default", "warn", "error")      # PyTorch's debug modes 0, 1 and 2
PRECISIONS = ("highest", "high", "medium")


class Switches:
    """The switches. Those for determinism and precision change nothing: ops are deterministic and exact in their dtype.

    >>> switches.determinism
    'default'
    """

    def __init__(self) -> None:
        self.determinism = "default"
        self.fill_uninitialized = True
        self.matmul_precision = "highest"
        self.warn_always = False
        self.interop_threads: int | None = None
        self.threads: int | None = None
        self.default_devices: list[Any] = []        # set by set_default_device, pushed by `with device:`


switches = Switches()
