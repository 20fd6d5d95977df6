"""Models, one file each, written against the public API only (floor 3). Next: `gpt.py`."""

from .gpt import GPT, GPTConfig

__all__ = ["GPT", "GPTConfig"]
