"""PyTorch's spelling `torch.version`. `cuda` and `hip` are None, as in a build for the CPU."""
from __future__ import annotations

from .core.version import __version__

cuda = hip = xpu = git_version = None
debug = False

__all__ = ["__version__", "cuda", "debug", "git_version", "hip", "xpu"]
