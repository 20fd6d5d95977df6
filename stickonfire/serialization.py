"""PyTorch's spelling `torch.serialization`: saving, loading, and the list of types a file may hold.

A list of names, no logic; the code is in `io/`.
"""

from __future__ import annotations

from .io import add_safe_globals, clear_safe_globals, get_safe_globals, load, safe_globals, save

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "load", "safe_globals", "save"]
