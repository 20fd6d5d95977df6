"""`autocast`: inside, products and convolutions run in 16 bits, losses and decompositions in float32.

Room: amp. The lists are in `handler.py`, the state in `eager/autocast.py`.
"""
from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from ..core import dtypes
from ..core.device import device
from ..core.dtypes import dtype as dtype_type
from ..core.state import modes, set_mode
from ..eager.autocast import autocasting
from .handler import AutocastHandler

LOWER_DTYPES = (dtypes.bfloat16, dtypes.float16)
DEFAULTS = {"cpu": None, "cuda": dtypes.float16, "mps": dtypes.float16, "xpu": dtypes.bfloat16}
other_dtypes: dict[str, dtype_type] = {}                # of device types that are not there, as somebody set them


def is_autocast_available(device_type: str) -> bool:
    """Whether autocast exists for a device type: for "cpu".   Source: PyTorch `amp.is_autocast_available`."""
    return device(device_type).type == "cpu"


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether autocast is on in this thread, for CUDA unless a device type is named.

    Source: PyTorch `torch.is_autocast_enabled`.
    """
    return device_type is not None and device(device_type).type == "cpu" and autocasting.enabled


def get_autocast_dtype(device_type: str) -> dtype_type:
    """The dtype that autocast lowers to.   Source: PyTorch `torch.get_autocast_dtype`."""
    kind = device(device_type).type
    if kind == "cpu":
        return autocasting.dtype
    return other_dtypes.get(kind, DEFAULTS.get(kind) or dtypes.float16)


def set_autocast_dtype(device_type: str, dtype: dtype_type) -> None:
    """Sets the dtype that autocast lowers to.   Source: PyTorch `torch.set_autocast_dtype`."""
    if device(device_type).type == "cpu":
        autocasting.dtype = dtype
    else:
        other_dtypes[device(device_type).type] = dtype


def is_autocast_cache_enabled() -> bool:
    """Whether parameters are cast once for all their uses in a block."""
    return autocasting.cache_enabled


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Switches that on or off."""
    autocasting.cache_enabled = enabled


def clear_autocast_cache() -> None:
    """Forgets the parameters that were cast.   Source: PyTorch `torch.clear_autocast_cache`."""
    autocasting.cache.clear()


class autocast:
    """A context manager and decorator under which ops choose their precision.

    device_type: "cpu"; with any other, as on a machine without that device, it is off, with a warning. dtype: bfloat16
    (the default) or float16. enabled: False switches autocast off inside. cache_enabled: whether parameters are cast
    once for all uses in the outermost block.

    Raises: ValueError, RuntimeError for what is no device type.   Source: PyTorch `torch.autocast`.

    >>> import stickonfire as torch
    >>> with torch.autocast("cpu"):
    ...     torch.ones(2, 2) @ torch.ones(2, 2)
    tensor([[2., 2.],
            [2., 2.]], dtype=torch.bfloat16)
    """

    def __init__(self, device_type: str, dtype: dtype_type | None = None, enabled: bool = True,
                 cache_enabled: bool | None = None) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device = device(device_type).type
        self.fast_dtype = get_autocast_dtype(self.device) if dtype is None else dtype
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        self._enabled = bool(enabled)
        self.before: list[tuple[Any, ...]] = []
        if self._enabled and self.device != "cpu":
            warnings.warn(f"{self.device.upper()} is not available or torch_xla is imported. Disabling autocast.",
                          stacklevel=2)
            self._enabled = False
        elif self._enabled and self.fast_dtype not in LOWER_DTYPES:
            warnings.warn("In CPU autocast, but the target dtype is not supported. Disabling autocast.\nCPU Autocast "
                          "only supports dtypes of torch.bfloat16, torch.float16 currently.", stacklevel=2)
            self._enabled = False

    def __enter__(self) -> autocast:
        a = autocasting
        self.before.append((a.enabled, a.dtype, a.cache_enabled, modes.handler))
        if self.device == "cpu":
            a.enabled, a.dtype = self._enabled, self.fast_dtype
        a.cache_enabled = self._cache_enabled
        a.nesting += 1
        if a.enabled and not isinstance(modes.handler, AutocastHandler):
            set_mode("handler", AutocastHandler(modes.handler))
        return self

    def __exit__(self, *exc: object) -> None:
        a = autocasting
        a.enabled, a.dtype, a.cache_enabled, handler = self.before.pop()
        set_mode("handler", handler)
        a.nesting -= 1
        if a.nesting == 0:
            a.cache.clear()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)
        return wrapper


def casting(value: Any, device_type: str, kind: dtype_type) -> Any:
    """Float tensors, also in containers, in another dtype; float64 stays."""
    if hasattr(value, "is_floating_point"):
        wanted = value.is_floating_point() and value.device.type == device_type and value.dtype is not dtypes.float64
        return value.to(kind) if wanted else value
    if isinstance(value, dict):
        return {casting(key, device_type, kind): casting(part, device_type, kind) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return value.__class__([casting(part, device_type, kind) for part in value])
    return value


def custom_fwd(fwd: Callable[..., Any] | None = None, *, device_type: str,
               cast_inputs: dtype_type | None = None) -> Callable[..., Any]:
    """Decorates the forward of an autograd Function, so that its backward runs under the same autocast.

    cast_inputs: the dtype to cast float arguments to if autocast is on; it is then off inside.
    Source: PyTorch `torch.amp.custom_fwd`.
    """
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        ctx, on = args[0], is_autocast_enabled(device_type)
        ctx._dtype = get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = on and cast_inputs is None
        if not on or cast_inputs is None:
            return fwd(*args, **kwargs)
        with autocast(device_type=device_type, enabled=False):
            return fwd(*casting(args, device_type, cast_inputs), **casting(kwargs, device_type, cast_inputs))
    return wrapper


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Callable[..., Any]:
    """Decorates the backward of an autograd Function whose forward has `custom_fwd`.

    Source: PyTorch `torch.amp.custom_bwd`.
    """
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with autocast(device_type=device_type, enabled=args[0]._fwd_used_autocast, dtype=args[0]._dtype):
            return bwd(*args, **kwargs)
    return wrapper
