"""The switch of native programs for ops on large arrays: `torch.backends.fused`. PyTorch has no such place.

An op on 32,768 elements or more (softmax, layer norm, GELU, losses, optimizer updates, ...) runs as one multi-threaded
program from its fourth call with the same shapes on, if llvmlite is installed. Results agree with NumPy's up to
rounding. The environment variable STICKONFIRE_FUSED=0 switches this off from the start.
"""
from __future__ import annotations

import importlib.util

from ..core.config import switches


def is_available() -> bool:
    """Whether programs can be made here: they need llvmlite.

    >>> import stickonfire as torch
    >>> torch.backends.fused.is_available() in (True, False)
    True
    """
    return importlib.util.find_spec("llvmlite") is not None


def is_enabled() -> bool:
    """Whether large arrays go to native programs, where there are such.

    >>> import stickonfire as torch
    >>> torch.backends.fused.enable(False); torch.backends.fused.is_enabled()
    False
    >>> torch.backends.fused.enable(True)
    """
    return switches.fused


def enable(on: bool) -> None:
    """Says whether they do from here on."""
    switches.fused = bool(on)
