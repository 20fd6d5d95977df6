"""The memory layout of convolutions' weights.

Room: nn. May import: this room. Values and results stay as they are.
"""
from __future__ import annotations

from typing import Any

from ..conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d


def _convert(module: Any, kinds: tuple[type, ...], memory_format: Any) -> Any:
    for found in module.modules():
        if isinstance(found, kinds):
            found.weight.data = found.weight.detach().clone(memory_format=memory_format)  # type: ignore[union-attr]
    return module


def convert_conv2d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Lays out the weights of all 2d convolutions in a module anew. Source: PyTorch."""
    return _convert(module, (Conv2d, ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Lays out the weights of all 3d convolutions in a module anew. Source: PyTorch."""
    return _convert(module, (Conv3d, ConvTranspose3d), memory_format)
