"""PyTorch's spelling `torch.autograd`: a list of names, no logic. The code is in `eager/` and `tape/`."""
import importlib
from typing import Any

from ..eager.autograd import Variable, backward, grad
from ..eager.function import Function, FunctionCtx
from ..eager.modes import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)
from . import function, functional, grad_mode, graph
from .gradcheck import GradcheckError, gradcheck, gradgradcheck
from .switches import (
    enforce_grad_layout_policy,
    is_multithreading_enabled,
    is_tensor_like,
    is_view_replay_enabled,
    set_multithreading_enabled,
    variable,
)

__all__ = [
    "Function", "FunctionCtx", "GradcheckError", "Variable", "backward", "detect_anomaly", "enable_grad",
    "enforce_grad_layout_policy", "function", "functional", "grad", "grad_mode", "gradcheck", "gradgradcheck", "graph",
    "inference_mode", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "is_multithreading_enabled",
    "is_tensor_like", "is_view_replay_enabled", "no_grad", "set_detect_anomaly", "set_grad_enabled",
    "set_multithreading_enabled", "variable"]


def __getattr__(name: str) -> Any:
    if name == "forward_ad":
        return importlib.import_module(f"{__name__}.forward_ad")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
