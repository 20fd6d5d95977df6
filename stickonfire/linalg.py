"""`stickonfire.linalg`: linear algebra, under PyTorch's names. A list of names, no logic: see `ops/linalg*.py`."""
from __future__ import annotations

from .core.errors import LinAlgError
from .eager import published

__all__ = ["LinAlgError", *published("linalg")]
globals().update(published("linalg"))
