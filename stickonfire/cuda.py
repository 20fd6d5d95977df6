"""PyTorch's spelling `torch.cuda`, for scripts that ask whether there is a GPU: there is none yet."""
from __future__ import annotations


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
