"""`torch.nn.attention`: the choice among PyTorch's kernels for attention. Here there is one, so it changes nothing.

Room: nn. Loaded on first use. The layer is in multihead.py, the function in eager/functional/attention.py.
"""
from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator, Sequence

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(enum.Enum):
    """PyTorch's kernels for scaled dot-product attention. Source: PyTorch `nn.attention.SDPBackend`."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(backends: SDPBackend | Sequence[SDPBackend], set_priority: bool = False) -> Iterator[None]:
    """A block in which PyTorch would use these kernels only; the results are the same with any.

    Raises: AssertionError for what is no backend.   Source: PyTorch `nn.attention.sdpa_kernel`.

    >>> with sdpa_kernel(SDPBackend.MATH):
    ...     pass
    """
    chosen = backends if isinstance(backends, (list, tuple)) else [backends]
    if not all(isinstance(backend, SDPBackend) for backend in chosen):
        raise AssertionError("Backend must be an instance of SDPBackend or a list of SDPBackend instances, got "
                             f"{type(backends).__name__}")
    yield
