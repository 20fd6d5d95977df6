"""The windows of `torch.signal.windows`: computed from `linspace`, symmetric by default.

Loaded when one is first asked for; `classic_windows.py` has `torch.hann_window` and its like. A symmetric window has
the same number at both ends; a periodic one (`sym=False`) is a symmetric one of one element more without the last,
which suits Fourier transforms. May import: eager, core.
"""
from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from operator import index
from typing import Any

from ..core import state
from ..core.dtypes import float32, float64
from ..core.formats import strided
from .arguments import guarded
from .creation import linspace, ones
from .creation import tensor as new_tensor
from .publish import NAMESPACES
from .tensor import Tensor

i0 = NAMESPACES["special"]["i0"]


def window(shape: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The public form of `shape(M, span, how, *, ...)`, which computes a window of M elements.

    `span` is the number of steps between the ends of the symmetric window of which this one is a part, 0 if it has
    one element at most; `how` are the keyword arguments of creation functions.
    """
    def made(M: int, *, sym: bool = True, dtype: Any = None, layout: Any = strided, device: Any = None,
             requires_grad: bool = False, **parameters: Any) -> Tensor:
        dtype = state.default_dtype() if dtype is None else dtype
        check(shape.__name__, M, layout, dtype)
        span = M if M > 1 and not sym else max(M - 1, 0)
        how = {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}
        return shape(index(M), span, how, **parameters)
    common = [p for p in inspect.signature(made).parameters.values() if p.kind is not p.VAR_KEYWORD]
    own = [p for p in inspect.signature(shape).parameters.values() if p.kind is p.KEYWORD_ONLY]
    made.__dict__["__signature__"] = inspect.Signature([common[0], *own, *common[1:]], return_annotation="Tensor")
    made.__name__ = made.__qualname__ = shape.__name__
    made.__doc__ = shape.__doc__
    return guarded(made)


def check(name: str, M: int, layout: Any, dtype: Any) -> None:
    """Refuses what PyTorch's windows refuse."""
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if dtype not in (float32, float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}. Call .to(dtype) on the window")


def sum_of_cosines(M: int, span: int, how: dict[str, Any], a: Iterable[float]) -> Tensor:
    """a[0] - a[1] cos(x) + a[2] cos(2 x) - ..., x from 0 to 2 pi. Shape: (M)."""
    weights = list(a)
    if not weights:
        raise ValueError("Coefficients cannot be empty")
    if M <= 1:
        return ones((M,), **how)
    x = linspace(0, (M - 1) * (2 * math.pi / span), M, **how)
    signed = new_tensor([(-1) ** i * w for i, w in enumerate(weights)], dtype=how["dtype"], device=how["device"])
    orders = new_tensor(list(range(len(weights))), dtype=how["dtype"], device=how["device"])
    return (signed.unsqueeze(-1) * (orders.unsqueeze(-1) * x).cos()).sum(0)


@window
def general_cosine(M: int, span: int, how: dict[str, Any], *, a: Iterable[float]) -> Tensor:
    """A sum of cosines with the weights `a`, of alternating sign. Shape: (M).

    Raises: ValueError without weights.   Source: PyTorch `signal.windows.general_cosine`.

    >>> import stickonfire as torch
    >>> torch.signal.windows.general_cosine(3, a=[0.5, 0.5])
    tensor([0., 1., 0.])
    """
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    return sum_of_cosines(M, span, how, a)


@window
def general_hamming(M: int, span: int, how: dict[str, Any], *, alpha: float = 0.54) -> Tensor:
    """alpha - (1 - alpha) cos(x). Shape: (M).   Source: PyTorch `signal.windows.general_hamming`.

    >>> import stickonfire as torch
    >>> torch.signal.windows.general_hamming(3, alpha=0.6)
    tensor([0.2000, 1.0000, 0.2000])
    """
    return sum_of_cosines(M, span, how, [alpha, 1.0 - alpha])


@window
def hamming(M: int, span: int, how: dict[str, Any]) -> Tensor:
    """0.54 - 0.46 cos(x). Shape: (M).   Source: PyTorch `signal.windows.hamming`.

    >>> import stickonfire as torch
    >>> torch.signal.windows.hamming(3)
    tensor([0.0800, 1.0000, 0.0800])
    """
    return sum_of_cosines(M, span, how, [0.54, 1.0 - 0.54])


@window
def hann(M: int, span: int, how: dict[str, Any]) -> Tensor:
    """(1 - cos(x)) / 2. Shape: (M).   Source: PyTorch `signal.windows.hann`.

    >>> import stickonfire as torch
    >>> torch.signal.windows.hann(4, sym=False)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return sum_of_cosines(M, span, how, [0.5, 0.5])


@window
def blackman(M: int, span: int, how: dict[str, Any]) -> Tensor:
    """0.42 - 0.5 cos(x) + 0.08 cos(2 x). Shape: (M).   Source: PyTorch `signal.windows.blackman`.

    >>> import stickonfire as torch
    >>> torch.signal.windows.blackman(5)[1:4]
    tensor([0.3400, 1.0000, 0.3400])
    """
    return sum_of_cosines(M, span, how, [0.42, 0.5, 0.08])


@window
def nuttall(M: int, span: int, how: dict[str, Any]) -> Tensor:
    """The sum of four cosines with the least side lobes. Shape: (M).

    Source: PyTorch `signal.windows.nuttall`; Heinzel et al., Spectrum and spectral density estimation (2002).

    >>> import stickonfire as torch
    >>> torch.signal.windows.nuttall(5)[1:4]
    tensor([0.2270, 1.0000, 0.2270])
    """
    return sum_of_cosines(M, span, how, [0.3635819, 0.4891775, 0.1365995, 0.0106411])


@window
def bartlett(M: int, span: int, how: dict[str, Any]) -> Tensor:
    """A triangle from 0 to 1 and back. Shape: (M).   Source: PyTorch `signal.windows.bartlett`.

    >>> import stickonfire as torch
    >>> torch.signal.windows.bartlett(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    if M <= 1:
        return ones((M,), **how)
    return 1 - linspace(-1, -1 + (M - 1) * (2 / span), M, **how).abs()


@window
def cosine(M: int, span: int, how: dict[str, Any]) -> Tensor:
    """Half a wave of the sine. Shape: (M).   Source: PyTorch `signal.windows.cosine`.

    >>> import stickonfire as torch
    >>> torch.signal.windows.cosine(3)
    tensor([0.5000, 1.0000, 0.5000])
    """
    step = math.pi / (span + 1)
    return linspace(0.5 * step, (0.5 + (M - 1)) * step, M, **how).sin()


@window
def exponential(M: int, span: int, how: dict[str, Any], *, center: float | None = None, tau: float = 1.0) -> Tensor:
    """exp(-|n - center| / tau), by default about the middle. Shape: (M).

    Raises: ValueError unless tau > 0, or for a symmetric window with a centre.
    Source: PyTorch `signal.windows.exponential`.

    >>> import stickonfire as torch
    >>> torch.signal.windows.exponential(3)
    tensor([0.3679, 1.0000, 0.3679])
    """
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if center is not None and span < M and M > 1:
        raise ValueError("Center must be None for symmetric windows: give sym=False")
    center = span / 2 if center is None else center
    return (-linspace(-center / tau, (-center + (M - 1)) / tau, M, **how).abs()).exp()


@window
def gaussian(M: int, span: int, how: dict[str, Any], *, std: float = 1.0) -> Tensor:
    """exp(-((n - middle) / std)^2 / 2). Shape: (M).

    Raises: ValueError unless std > 0.   Source: PyTorch `signal.windows.gaussian`.

    >>> import stickonfire as torch
    >>> torch.signal.windows.gaussian(3)
    tensor([0.6065, 1.0000, 0.6065])
    """
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    scale = 1 / (std * math.sqrt(2))
    return (-linspace(-span / 2 * scale, (-span / 2 + (M - 1)) * scale, M, **how) ** 2).exp()


@window
def kaiser(M: int, span: int, how: dict[str, Any], *, beta: float = 12.0) -> Tensor:
    """i0(sqrt(beta^2 - x^2)) / i0(beta), x from -beta to beta, i0 a modified Bessel function. Shape: (M).

    Raises: ValueError for a negative beta.   Source: PyTorch `signal.windows.kaiser`.

    >>> import stickonfire as torch
    >>> torch.signal.windows.kaiser(3, beta=2.0)
    tensor([0.4387, 1.0000, 0.4387])
    """
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    if M <= 1:
        return ones((M,), **how)
    width = new_tensor(beta, dtype=how["dtype"], device=how["device"])
    start = -float(width)
    x = linspace(start, min(-start, start + (M - 1) * (2.0 * beta / span)), M, **how)
    return i0((width * width - x ** 2).clamp(min=0).sqrt()) / i0(width)


FUNCTIONS = (bartlett, blackman, cosine, exponential, gaussian, general_cosine, general_hamming, hamming, hann, kaiser,
             nuttall)
