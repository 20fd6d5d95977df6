"""`stickonfire.special`: special functions, under PyTorch's names. A list of names, no logic."""
from __future__ import annotations

from .eager import published

__all__ = [*published("special")]
globals().update(published("special"))
