"""`stickonfire.signal`: PyTorch's namespace for signal processing, which has one member: `windows`."""
from __future__ import annotations

from . import windows

__all__ = ["windows"]
