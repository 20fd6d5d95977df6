"""PyTorch's older spelling `torch.cuda.amp`: without CUDA, autocast and scaling are off, with a warning."""
from ..amp.legacy import autocast_for, decorator_for, scaler_for
from ..eager import float16

autocast, GradScaler = autocast_for("cuda", float16), scaler_for("cuda")
custom_fwd, custom_bwd = decorator_for("cuda", "custom_fwd"), decorator_for("cuda", "custom_bwd")

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]
