"""The older spellings `torch.cuda.amp` and `torch.cpu.amp`: the same with the device type filled in, and a warning.

Room: amp. `cuda/amp.py` and `cpu/amp.py` hand out what is made here.
"""
from __future__ import annotations

import functools
import warnings
from typing import Any

from .autocast_mode import autocast, custom_bwd, custom_fwd
from .grad_scaler import GradScaler


def deprecated(device_type: str, name: str) -> None:
    warnings.warn(f"`torch.{device_type}.amp.{name}(args...)` is deprecated. Please use "
                  f"`torch.amp.{name}('{device_type}', args...)` instead.", FutureWarning, stacklevel=3)


def autocast_for(device_type: str, default: Any) -> type:
    """The class `autocast` of a device type."""
    class old_autocast(autocast):
        def __init__(self, enabled: bool = True, dtype: Any = default, cache_enabled: bool = True) -> None:
            deprecated(device_type, "autocast")
            super().__init__(device_type, dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)
    old_autocast.__name__ = old_autocast.__qualname__ = "autocast"
    old_autocast.__doc__ = f"`torch.amp.autocast` for {device_type}.   Source: PyTorch `torch.{device_type}.amp`."
    return old_autocast


def scaler_for(device_type: str) -> type:
    """The class `GradScaler` of a device type."""
    class OldGradScaler(GradScaler):
        def __init__(self, init_scale: float = 2.0 ** 16, growth_factor: float = 2.0, backoff_factor: float = 0.5,
                     growth_interval: int = 2000, enabled: bool = True) -> None:
            deprecated(device_type, "GradScaler")
            super().__init__(device_type, init_scale=init_scale, growth_factor=growth_factor,
                             backoff_factor=backoff_factor, growth_interval=growth_interval, enabled=enabled)
    OldGradScaler.__name__ = OldGradScaler.__qualname__ = "GradScaler"
    OldGradScaler.__doc__ = f"`torch.amp.GradScaler` for {device_type}.   Source: PyTorch `torch.{device_type}.amp`."
    return OldGradScaler


def decorator_for(device_type: str, name: str) -> Any:
    """`custom_fwd` or `custom_bwd` of a device type."""
    made: Any = custom_fwd if name == "custom_fwd" else custom_bwd

    def decorate(function: Any = None, **options: Any) -> Any:
        deprecated(device_type, name)
        return functools.partial(made, device_type=device_type, **options)(function)
    decorate.__name__ = name
    return decorate
