"""How error messages of nn name the type of a value: `torch.FloatTensor`, `list`, `package.Class`.

Room: nn. Called by module.py and the containers. May import: eager.
"""
from __future__ import annotations

from typing import Any

from ..eager import Tensor


def typename(value: Any) -> str:
    """The type's name as PyTorch's messages spell it. Source: PyTorch `typename`.

    >>> typename([1])
    'list'
    """
    if isinstance(value, Tensor):
        return value.type()
    kind = value if isinstance(value, type) else type(value)
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", None) else f"{module}.{kind.__qualname__}"
