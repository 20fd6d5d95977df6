"""Where loaded tensors go: what `map_location` may be, and what each form means.

Called by `checkpoint.py` and `safetensors.py`. May import: eager.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import eager

Location = str | eager.device | dict[Any, Any] | Callable[[Any, str], Any] | None


class StorageStandIn:
    """What a `map_location` function is handed in place of PyTorch's storage: the usual lambdas run on it."""

    def __init__(self, nbytes: int, location: str) -> None:
        self.size, self.location = nbytes, location

    @property
    def device(self) -> eager.device:
        """Where the data lives."""
        return eager.device(self.location)

    def nbytes(self) -> int:
        """Length in bytes."""
        return self.size

    def cpu(self) -> StorageStandIn:
        """The same data in main memory."""
        return StorageStandIn(self.size, "cpu")

    def cuda(self, device: int | None = None) -> StorageStandIn:
        """The same data on a GPU."""
        return StorageStandIn(self.size, "cuda" if device is None else f"cuda:{device}")


def resolver(map_location: Location) -> Callable[[Any, str], str]:
    """A function from (storage, device in the file) to the device to use.

    >>> resolver({"cuda:0": "cpu"})(None, "cuda:0")
    'cpu'
    """
    if map_location is None:
        return lambda storage, location: _available(location)
    if isinstance(map_location, dict):
        return lambda storage, location: _available(_name(map_location.get(location, location)))
    if isinstance(map_location, (str, eager.device)):
        target = _name(map_location)
        return lambda storage, location: _available(target)
    if not callable(map_location):
        raise TypeError(
            f"load: map_location must be a device, its name, a dict or a function, not "
            f"{type(map_location).__name__}"
        )
    return lambda storage, location: _by_function(map_location, storage, location)


def _by_function(function: Callable[[Any, str], Any], storage: Any, location: str) -> str:
    answer = function(StorageStandIn(len(storage.data), "cpu"), location)
    if answer is None:
        return _available(location)
    if not isinstance(answer, StorageStandIn):
        raise TypeError(
            f"load: the map_location function must return its storage or None, not {type(answer).__name__}"
        )
    return _available(answer.location)


def _name(device: Any) -> str:
    return str(eager.device(device))


def _available(name: str) -> str:
    """The device's name.

    Raises: RuntimeError if it is not there.
    """
    kind = name.split(":")[0]
    if kind in ("cpu", "meta"):
        return kind
    try:
        eager.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise RuntimeError(
            f"Attempting to deserialize object on a {kind.upper()} device but torch.{kind}.is_available() is False. If "
            "you are running on a CPU-only machine, please use load with map_location=torch.device('cpu') to map "
            "your storages to the CPU."
        ) from error
    return name
