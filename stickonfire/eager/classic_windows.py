"""`torch.hann_window`, `hamming_window`, `bartlett_window`, `blackman_window` and `kaiser_window`: periodic by default.

Loaded when one is first asked for. They are computed from `arange` in the window's dtype and round as PyTorch's do;
`signal_windows.py` has those of `torch.signal.windows`. May import: eager, core.
"""
from __future__ import annotations

import math
from operator import index
from typing import Any

from ..core import state
from ..core.dtypes import FLOATING, SCALAR_NAMES
from ..core.dtypes import dtype as dtype_type
from ..core.formats import strided
from .arguments import guarded
from .creation import arange, empty, ones, options
from .publish import NAMESPACES
from .tensor import Tensor

cat, i0 = NAMESPACES["stickonfire"]["cat"], NAMESPACES["special"]["i0"]


def positions(name: str, length: int, periodic: bool, dtype: Any, how: dict[str, Any]) -> tuple[Tensor, int]:
    """0, 1, ... and the number of steps in a period; ones and 0 for a window of one element at most.

    Raises: RuntimeError for a negative length, or a dtype that is no float.
    """
    layout = how.pop("layout")
    if layout is not None and layout is not strided:
        raise RuntimeError(f"{name} is not implemented for sparse types, got: {layout}")
    options(name, dtype, how["device"], None, how.pop("pin_memory"), how["requires_grad"])
    dtype = state.default_dtype() if dtype is None else dtype
    if isinstance(dtype, dtype_type) and dtype.category != FLOATING:
        kind = NotImplementedError if dtype.is_complex else RuntimeError
        raise kind(f"{name} expects floating point dtypes, got: {SCALAR_NAMES[dtype.name]}")
    if index(length) < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    if length <= 1:
        made = ones if length else empty
        return made((length,), dtype=dtype, device=how["device"]), 0
    return arange(length, dtype=dtype, device=how["device"]), length if periodic else length - 1


def finished(values: Tensor, requires_grad: bool) -> Tensor:
    return values.requires_grad_(True) if requires_grad else values


@guarded
def hamming_window(window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *,
                   dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False,
                   requires_grad: bool = False) -> Tensor:
    """alpha - beta cos(2 pi n / period). Shape: (window_length).

    Raises: RuntimeError for a negative length, or a dtype that is no float.   Source: PyTorch `hamming_window`.

    >>> import stickonfire as torch
    >>> torch.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    return waves("hamming_window", window_length, periodic, alpha, beta, dtype=dtype, layout=layout, device=device,
                 pin_memory=pin_memory, requires_grad=requires_grad)


@guarded
def hann_window(window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None,
                device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """(1 - cos(2 pi n / period)) / 2. Shape: (window_length).

    Raises: RuntimeError for a negative length, or a dtype that is no float.   Source: PyTorch `hann_window`.

    >>> import stickonfire as torch
    >>> torch.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return waves("hann_window", window_length, periodic, 0.5, 0.5, dtype=dtype, layout=layout, device=device,
                 pin_memory=pin_memory, requires_grad=requires_grad)


def waves(name: str, length: int, periodic: bool, alpha: float, beta: float, *, dtype: Any, **how: Any) -> Tensor:
    """alpha - beta cos(2 pi n / period)."""
    n, steps = positions(name, length, periodic, dtype, how)
    if steps:
        n = (n * (math.pi * 2 / steps)).cos() * -beta + alpha
    return finished(n, how["requires_grad"])


@guarded
def bartlett_window(window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None,
                    device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """A triangle from 0 to 1 and back. Shape: (window_length).

    Raises: RuntimeError for a negative length, or a dtype that is no float.   Source: PyTorch `bartlett_window`.

    >>> import stickonfire as torch
    >>> torch.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    how = {"layout": layout, "device": device, "pin_memory": pin_memory, "requires_grad": requires_grad}
    n, steps = positions("bartlett_window", window_length, periodic, dtype, how)
    if steps:
        n = n * (2.0 / steps)
        middle = steps // 2 + 1
        n = cat((n[:middle], n[middle:] * -1 + 2))
    return finished(n, requires_grad)


@guarded
def blackman_window(window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None,
                    device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """0.42 - 0.5 cos(2 pi n / period) + 0.08 cos(4 pi n / period). Shape: (window_length).

    Raises: RuntimeError for a negative length, or a dtype that is no float.   Source: PyTorch `blackman_window`.

    >>> import stickonfire as torch
    >>> torch.blackman_window(4)[1:]
    tensor([0.3400, 1.0000, 0.3400])
    """
    how = {"layout": layout, "device": device, "pin_memory": pin_memory, "requires_grad": requires_grad}
    n, steps = positions("blackman_window", window_length, periodic, dtype, how)
    if steps:
        n = n * (math.pi / steps)
        n = (n * 4).cos() * 0.08 - (n * 2).cos() * 0.5 + 0.42
    return finished(n, requires_grad)


@guarded
def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: Any = None,
                  layout: Any = None, device: Any = None, pin_memory: bool = False,
                  requires_grad: bool = False) -> Tensor:
    """i0(beta sqrt(1 - x^2)) / i0(beta), x from -1 to 1, i0 a modified Bessel function. Shape: (window_length).

    Raises: RuntimeError for a negative length, or a dtype that is no float.   Source: PyTorch `kaiser_window`.

    >>> import stickonfire as torch
    >>> torch.kaiser_window(4, beta=2.0)
    tensor([0.4387, 0.8348, 1.0000, 0.8348])
    """
    how = {"layout": layout, "device": device, "pin_memory": pin_memory, "requires_grad": requires_grad}
    n, steps = positions("kaiser_window", window_length, periodic, dtype, how)
    if steps:
        kind = n.dtype
        x = (n.float() if kind.is_reduced else n) / (steps / 2) - 1
        n = (i0(beta * (1 - x * x).sqrt()) / i0(x.new_full((), beta))).to(kind)
    return finished(n, requires_grad)


FUNCTIONS = (bartlett_window, blackman_window, hamming_window, hann_window, kaiser_window)
