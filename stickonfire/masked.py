"""`stickonfire.masked`, under PyTorch's names. A list of names, no logic: see `eager/composite_masked.py`."""
from __future__ import annotations

from typing import Any

from .eager.composite_masked import FUNCTIONS

__all__ = [f.__name__ for f in FUNCTIONS]
globals().update({f.__name__: f for f in FUNCTIONS})
NOT_HERE = ("MaskedTensor", "as_masked_tensor", "masked_tensor")


def __getattr__(name: str) -> Any:
    way_out = (": keep the mask beside the tensor and give it as mask= to the functions here, or use torch.where"
               if name in NOT_HERE else "")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'{way_out}")
