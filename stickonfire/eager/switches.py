"""The switches of the whole process, under PyTorch's names: devices, threads, determinism, precision.

Where PyTorch's switch chooses between kernels and there is one kernel only, the choice is remembered and changes
nothing; each such docstring says so. The values live in `core/config.py`.
"""
from __future__ import annotations

from typing import Any

from ..backends.base import BY_DEVICE
from ..core.config import DETERMINISM, PRECISIONS, switches
from ..core.device import device as device_type
from .tensor import Tensor


def set_default_device(device: Any) -> None:
    """Where new tensors live from here on; None means the CPU. An absent device is an error at the next tensor.

    Raises: RuntimeError for a spelling PyTorch does not know.   Source: PyTorch `torch.set_default_device`.

    >>> import stickonfire as torch
    >>> torch.set_default_device("cpu"); torch.get_default_device()
    device(type='cpu')
    """
    switches.default_devices[:] = [] if device is None else [device_type(device)]


def get_default_device() -> device_type:
    """Where new tensors live.   Source: PyTorch `torch.get_default_device`."""
    return switches.default_devices[-1] if switches.default_devices else device_type("cpu")


def get_num_threads() -> int:
    """How many threads matrix products use.   Source: PyTorch `torch.get_num_threads`."""
    return BY_DEVICE["cpu"].xp.get_threads()


def set_num_threads(num: int) -> None:
    """How many threads matrix products use from here on.

    Raises: RuntimeError unless a positive int.   Source: PyTorch `torch.set_num_threads`.
    """
    if not isinstance(num, int) or isinstance(num, bool):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, but got {num}")
    BY_DEVICE["cpu"].xp.set_threads(num)
    switches.threads = num
    for tell in switches.on_threads:
        tell(num)


def get_num_interop_threads() -> int:
    """How many ops run at the same time: one, unless another number was set.   Source: PyTorch, same name."""
    return switches.interop_threads or 1


def set_num_interop_threads(num: int) -> None:
    """Remembered only: ops run one after the other.

    Raises: RuntimeError unless a positive int, or when called again.   Source: PyTorch `torch.set_num_interop_threads`.
    """
    if not isinstance(num, int) or isinstance(num, bool):
        raise RuntimeError(f"set_num_interop_threads expects an int, but got {type(num).__name__}")
    if num < 1:
        raise RuntimeError(f"set_num_interop_threads expects a positive integer, but got {num}")
    if switches.interop_threads is not None:
        raise RuntimeError("Error: cannot set number of interop threads after parallel work has started or "
                           "set_num_interop_threads called")
    switches.interop_threads = num


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Remembered only: every op here gives the same result each time.   Source: PyTorch, same name."""
    for name, value in (("mode", mode), ("warn_only", warn_only)):
        if not isinstance(value, bool):
            raise TypeError(f"use_deterministic_algorithms(): argument '{name}' must be bool, not "
                            f"{type(value).__name__}")
    switches.determinism = "default" if not mode else "warn" if warn_only else "error"


def are_deterministic_algorithms_enabled() -> bool:
    """Whether `use_deterministic_algorithms(True)` was called."""
    return switches.determinism != "default"


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was called with `warn_only`."""
    return switches.determinism == "warn"


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """0 or "default", 1 or "warn", 2 or "error". Remembered only, see `use_deterministic_algorithms`.

    Raises: RuntimeError for another value, TypeError for another type.   Source: PyTorch, same name.
    """
    if isinstance(debug_mode, str):
        if debug_mode not in DETERMINISM:
            raise RuntimeError("invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got "
                               f"{debug_mode}")
        switches.determinism = debug_mode
        return
    if not isinstance(debug_mode, int):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    switches.determinism = DETERMINISM[debug_mode]


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2: default, warn, error.   Source: PyTorch `torch.get_deterministic_debug_mode`."""
    return DETERMINISM.index(switches.determinism)


def set_float32_matmul_precision(precision: str) -> None:
    """"highest", "high" or "medium". Remembered only: products are computed in float32.   Source: PyTorch, same name.

    Raises: RuntimeError for another value.
    """
    if precision not in PRECISIONS:
        raise RuntimeError(f"{precision} is not one of 'highest', 'high', or 'medium'")
    switches.matmul_precision = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` set.   Source: PyTorch, same name."""
    return switches.matmul_precision


def set_flush_denormal(mode: bool) -> bool:
    """Whether tiny numbers were made zero: never, NumPy computes with them. Returns False, "not supported".

    Source: PyTorch `torch.set_flush_denormal`.
    """
    return False


def set_warn_always(b: bool, /) -> None:
    """Remembered only: no warning is limited to its first time.   Source: PyTorch `torch.set_warn_always`."""
    switches.warn_always = b


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` set.   Source: PyTorch `torch.is_warn_always_enabled`."""
    return switches.warn_always


def typename(obj: Any, /) -> str:
    """The name of an object's type; of a tensor, as 'torch.FloatTensor'.   Source: PyTorch `torch.typename`."""
    if isinstance(obj, Tensor):
        return obj.type()
    kind = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(kind, "__module__", "") or ""
    return kind.__qualname__ if module in ("", "builtins") else f"{module}.{kind.__qualname__}"


METHODS: dict[str, Any] = {}
FUNCTIONS = (
    set_default_device, get_default_device, get_num_threads, set_num_threads, get_num_interop_threads,
    set_num_interop_threads, use_deterministic_algorithms, are_deterministic_algorithms_enabled,
    is_deterministic_algorithms_warn_only_enabled, set_deterministic_debug_mode, get_deterministic_debug_mode,
    set_float32_matmul_precision, get_float32_matmul_precision, set_flush_denormal, set_warn_always,
    is_warn_always_enabled, typename)
