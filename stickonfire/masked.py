"""`stickonfire.masked`, under PyTorch's names. A list of names, no logic: see `eager/composite_masked.py`."""
from __future__ import annotations

from typing import Any

from .eager.composite_masked import (
    amax,
    amin,
    argmax,
    argmin,
    cumprod,
    cumsum,
    is_masked_tensor,
    log_softmax,
    logaddexp,
    logsumexp,
    mean,
    median,
    norm,
    normalize,
    prod,
    softmax,
    softmin,
    std,
    var,
)
from .eager.composite_masked import masked_sum as sum

__all__ = ["amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "is_masked_tensor", "log_softmax", "logaddexp",
           "logsumexp", "mean", "median", "norm", "normalize", "prod", "softmax", "softmin", "std", "sum", "var"]
NOT_HERE = ("MaskedTensor", "as_masked_tensor", "masked_tensor")


def __getattr__(name: str) -> Any:
    way_out = (": keep the mask beside the tensor and give it as mask= to the functions here, or use torch.where"
               if name in NOT_HERE else "")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'{way_out}")
