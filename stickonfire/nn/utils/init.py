"""Building a layer without drawing its first values.

Room: nn. May import: eager, this room.
"""
from __future__ import annotations

import inspect
from typing import Any

from ...eager import get_rng_state, set_rng_state
from ..module import Module


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """A module whose parameters have arbitrary values, the random stream being left as it was.

    Raises: RuntimeError unless the class is a Module that takes `device`.   Source: PyTorch `skip_init`.

    >>> from stickonfire import nn
    >>> skip_init(nn.Linear, 3, 2)
    Linear(in_features=3, out_features=2, bias=True)
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = get_rng_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        set_rng_state(state)
