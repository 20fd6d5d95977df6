"""`stickonfire.linalg`: linear algebra, under PyTorch's names. A list of names, no logic: see `ops/linalg*.py`."""
from __future__ import annotations

from .core.errors import LinAlgError
from .eager import published

__all__ = [*published("linalg"), "LinAlgError"]  # noqa: PLE0604
globals().update(published("linalg"))
