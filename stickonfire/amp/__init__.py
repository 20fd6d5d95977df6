"""PyTorch's `torch.amp`: mixed precision. Loaded when first used.

`autocast` casts operands op by op, `GradScaler` scales losses. Room: amp, beside floor 2. May import eager and below.
"""
from .autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
