"""PyTorch's spelling `torch.types`: names for annotations."""
from __future__ import annotations

import builtins
import os
from collections.abc import Sequence
from typing import IO, TypeAlias

from .eager import Size, Tensor, device

Number: TypeAlias = builtins.int | builtins.float | builtins.bool
Device: TypeAlias = device | str | builtins.int | None
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]
_int, _float, _bool = builtins.int, builtins.float, builtins.bool
_size: TypeAlias = Size | list[builtins.int] | tuple[builtins.int, ...]
_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]
_device = device

__all__ = ["Device", "FileLike", "Number", "Size", "Tensor"]
