"""PyTorch's spelling `torch.accelerator`, for scripts that take whichever device there is: there is none yet."""
from __future__ import annotations

from types import TracebackType
from typing import Any

MISSING = "Cannot access accelerator device when none is available. Use torch.device('cpu')"


def is_available() -> bool:
    """Whether there is a device other than the CPU."""
    return False


def device_count() -> int:
    """How many such devices there are."""
    return 0


def current_accelerator(check_available: bool = False) -> None:
    """The device; None, as there is none."""


def current_device_index() -> int:
    """The index of the current device.

    Raises: RuntimeError, as PyTorch without one.
    """
    raise RuntimeError(MISSING)


def set_device_index(device: Any, /) -> None:
    """Chooses the current device.

    Raises: RuntimeError, as PyTorch without one.
    """
    raise RuntimeError(MISSING)


def synchronize(device: Any = None, /) -> None:
    """Waits for a device.

    Raises: RuntimeError, as PyTorch without one.
    """
    raise RuntimeError(MISSING)


class device_index:
    """A block in which another device is the current one; None: none is.

    Raises: RuntimeError for a device, as PyTorch without one.   Source: PyTorch `torch.accelerator.device_index`.
    """

    def __init__(self, device: int | None, /) -> None:
        self.idx = device

    def __enter__(self) -> None:
        if self.idx is not None:
            raise RuntimeError(MISSING)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        pass
