"""PyTorch's spelling `torch.mps`, for scripts that ask whether there is an Apple GPU: not for us."""
from __future__ import annotations


def is_available() -> bool:
    """Whether tensors can live on an Apple GPU: no."""
    return False


def device_count() -> int:
    """How many such devices there are."""
    return 0


def manual_seed(seed: int) -> None:
    """Seeds the device's generator; without a device there is nothing to seed."""


def empty_cache() -> None:
    """Returns cached memory; without a device there is none."""
