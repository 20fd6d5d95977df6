"""PyTorch's older spelling `torch.cpu.amp`."""
from ..amp.legacy import autocast_for, scaler_for
from ..eager import bfloat16

autocast, GradScaler = autocast_for("cpu", bfloat16), scaler_for("cpu")

__all__ = ["GradScaler", "autocast"]
