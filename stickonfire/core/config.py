"""Switches of the whole process, with what they do. `eager/switches.py` holds the functions that set them.

Modes of a thread (gradients, inference) and the default dtype are in `state.py`.
"""
from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

DETERMINISM = ("default", "warn", "error")      # PyTorch's debug modes 0, 1 and 2
PRECISIONS = ("highest", "high", "medium")

# Environment variables, read where they are first needed: what they default to, and what they do.
ENVIRONMENT = {
    "STICKONFIRE_CACHE": ("", "folder for compiled kernels, or `off`; else $XDG_CACHE_HOME/stickonfire/kernels"),
    "STICKONFIRE_FUSED": ("1", "0 leaves ops on large arrays to NumPy, see `torch.backends.fused`"),
    "STICKONFIRE_CACHE_MB": ("256", "how large that folder may get; the kernels used longest ago go first"),
    "STICKONFIRE_THREADS": ("", "threads for compiled kernels; else OMP_NUM_THREADS, else one a core"),
    "STICKONFIRE_SPIN_US": ("50", "microseconds that an idle thread watches for work before it sleeps"),
}


def environment(name: str) -> str:
    """The value of one of our environment variables, or its default.

    >>> environment("STICKONFIRE_SPIN_US")
    '50'
    """
    return os.environ.get(name) or ENVIRONMENT[name][0]


def kernel_folder() -> str | None:
    """Where compiled kernels are kept from one process to the next; None if they are not to be kept."""
    chosen = environment("STICKONFIRE_CACHE")
    if chosen.lower() in ("off", "0", "none"):
        return None
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return chosen or os.path.join(home, "stickonfire", "kernels")


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
        self.fused = environment("STICKONFIRE_FUSED") != "0"     # whether large arrays run as native programs
        self.interop_threads: int | None = None
        self.threads: int | None = None             # for compiled kernels; None: one a core
        self.on_threads: list[Callable[[int], None]] = []       # who wants to know when that changes
        self.default_devices: list[Any] = []        # set by set_default_device, pushed by `with device:`


switches = Switches()
