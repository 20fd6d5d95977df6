"""Living beside PyTorch: `install()` makes `import torch` mean this package.

Top floor; nothing else of ours imports it.
"""

from __future__ import annotations

from .alias import install, installed, is_installed, uninstall

__all__ = ["install", "installed", "is_installed", "uninstall"]
