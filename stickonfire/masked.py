"""`stickonfire.masked`, under PyTorch's names. A list of names, no logic: see `eager/composite_masked.py`."""
from __future__ import annotations

from typing import Any

from .eager.composite_masked import BY_NAME, is_masked_tensor, logaddexp, mean, median, norm, normalize, std, var

sum, prod, amax, amin, logsumexp = (BY_NAME[name] for name in ("sum", "prod", "amax", "amin", "logsumexp"))
argmax, argmin, cumsum, cumprod = (BY_NAME[name] for name in ("argmax", "argmin", "cumsum", "cumprod"))
softmax, log_softmax, softmin = (BY_NAME[name] for name in ("softmax", "log_softmax", "softmin"))

__all__ = ["amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "is_masked_tensor", "log_softmax", "logaddexp",
           "logsumexp", "mean", "median", "norm", "normalize", "prod", "softmax", "softmin", "std", "sum", "var"]
NOT_HERE = ("MaskedTensor", "as_masked_tensor", "masked_tensor")


def __getattr__(name: str) -> Any:
    way_out = (": keep the mask beside the tensor and give it as mask= to the functions here, or use torch.where"
               if name in NOT_HERE else "")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'{way_out}")
