"""PyTorch's spelling of some rooms: `torch.utils.data` and others. Lists of names, loaded when first used."""
import importlib
from typing import Any

_SUBMODULES = ("checkpoint", "data", "dlpack")

__all__ = ["checkpoint", "data", "dlpack"]


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
