"""PyTorch's spelling `torch.cuda`, for scripts that ask whether there is a GPU: there is none yet."""
from __future__ import annotations

import importlib
from typing import Any


def is_available() -> bool:
    """Whether tensors can live on a CUDA device."""
    return False


def device_count() -> int:
    """How many CUDA devices there are."""
    return 0


def manual_seed(seed: int) -> None:
    """Seeds the current CUDA device's generator; without a device there is nothing to seed."""


def manual_seed_all(seed: int) -> None:
    """Seeds every CUDA device's generator; without a device there is nothing to seed."""


def empty_cache() -> None:
    """Returns cached CUDA memory; without a device there is none."""


def is_bf16_supported() -> bool:
    """Whether the CUDA device computes in bfloat16."""
    return False


def synchronize(device: object = None) -> None:
    """Waits for a CUDA device.

    Raises: AssertionError, as PyTorch without CUDA.
    """
    raise AssertionError("Torch not compiled with CUDA enabled")


def current_device() -> int:
    """The index of the current CUDA device.

    Raises: AssertionError, as PyTorch without CUDA.
    """
    raise AssertionError("Torch not compiled with CUDA enabled")


def is_initialized() -> bool:
    """Whether CUDA was started."""
    return False


def init() -> None:
    """Starts CUDA.

    Raises: AssertionError, as PyTorch without CUDA.
    """
    raise AssertionError("Torch not compiled with CUDA enabled")


def set_device(device: object) -> None:
    """Chooses the current CUDA device; as in PyTorch, a negative index is left unanswered.

    Raises: AssertionError, as PyTorch without CUDA.
    """
    raise AssertionError("Torch not compiled with CUDA enabled")


def get_device_name(device: object = None) -> str:
    """The name of a CUDA device.

    Raises: AssertionError, as PyTorch without CUDA.
    """
    raise AssertionError("Torch not compiled with CUDA enabled")


def get_device_properties(device: object = None) -> object:
    """The properties of a CUDA device.

    Raises: AssertionError, as PyTorch without CUDA.
    """
    raise AssertionError("Torch not compiled with CUDA enabled")


def get_device_capability(device: object = None) -> tuple[int, int]:
    """The compute capability of a CUDA device.

    Raises: AssertionError, as PyTorch without CUDA.
    """
    raise AssertionError("Torch not compiled with CUDA enabled")


def memory_allocated(device: object = None) -> int:
    """Bytes that tensors occupy on the CUDA device: none."""
    return 0


def max_memory_allocated(device: object = None) -> int:
    """The most bytes that tensors occupied on the CUDA device: none."""
    return 0


def memory_reserved(device: object = None) -> int:
    """Bytes that the allocator holds on the CUDA device: none."""
    return 0


def max_memory_reserved(device: object = None) -> int:
    """The most bytes that the allocator held on the CUDA device: none."""
    return 0


def reset_peak_memory_stats(device: object = None) -> None:
    """Forgets the peaks; without a device there are none."""


def __getattr__(name: str) -> Any:
    if name == "amp":
        return importlib.import_module(f"{__name__}.amp")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
