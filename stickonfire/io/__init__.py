"""Files: checkpoints in PyTorch's format, and safetensors.

Floor 2; may import eager and nn. `checkpoint.py` is the way in: `save` and `load`, published as
`stickonfire.save` and `stickonfire.load`; `stickonfire.serialization` has PyTorch's names for the list of
types that may be loaded. `safetensors.py` is imported by name: `from stickonfire.io import safetensors`.
"""

from __future__ import annotations

from .checkpoint import load, save
from .safe_globals import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "load", "safe_globals", "save"]
