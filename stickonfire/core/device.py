"""Devices and their spelling. Which of them exist is what the backends registered."""
from __future__ import annotations

from .config import switches

KNOWN_TYPES = ("cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla",
               "lazy",
               "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone")


class device:
    """Where a tensor lives: a type and, for some, an index.

    Raises: RuntimeError for a spelling PyTorch does not know.   Source: PyTorch `torch.device`.

    >>> device("cuda:1"), device("cpu").type
    (device(type='cuda', index=1), 'cpu')
    """

    __slots__ = ("type", "index")
    type: str
    index: int | None

    def __init__(self, type: str | int | device, index: int | None = None) -> None:
        if isinstance(type, device):
            index, type = type.index, type.type
        elif isinstance(type, int) and not isinstance(type, bool):
            raise RuntimeError(f"Cannot access accelerator device when none is available: {type} means accelerator "
                               f"{type}. Leave the device out, or pass 'cpu'")
        elif not isinstance(type, str):
            raise TypeError(f"device() received an invalid combination of arguments - got ({type.__class__.__name__}); "
                            "a string such as 'cpu' or 'cuda:0' is expected")
        kind, colon, number = type.partition(":")
        if colon and (index is not None or not number.isdigit()):
            raise RuntimeError(f"Invalid device string: '{type}'")
        if kind not in KNOWN_TYPES:
            known = ", ".join(KNOWN_TYPES)
            raise RuntimeError(f"Expected one of {known} device type at start of device string: {kind}")
        object.__setattr__(self, "type", kind)
        object.__setattr__(self, "index", int(number) if colon else index)

    def __enter__(self) -> device:
        switches.default_devices.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        switches.default_devices.pop()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"attribute '{name}' of 'torch.device' objects is not writable")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __reduce__(self) -> tuple[type, tuple[str]]:            # type: ignore[valid-type]
        return device, (str(self),)


CPU = device("cpu")
