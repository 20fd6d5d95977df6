"""The 22 functions of `torch.fft`: checks, promotion, padding and cropping around the three ops of `ops/fft.py`.

Loaded with `torch.fft` (`stickonfire/fft.py` lists what stands in FUNCTIONS), or with `stft` and `istft`, when first
asked for. May import: eager, ops, core.
"""
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from operator import index
from typing import Any

from ..core import state
from ..core.dtypes import FLOATING, SCALAR_NAMES, dtype, float32
from ..core.shapes import normalize_dim
from ..ops import fft as declared  # noqa: F401  (declares the ops)
from .arguments import guarded
from .autocast import autocasting
from .composite_reduce import run
from .creation import arange, into
from .outs import composed
from .tensor import Tensor

LAST_TWO = (-2, -1)
NORMS = {None: (0, 2), "backward": (0, 2), "ortho": (1, 1), "forward": (2, 0)}     # forward transform, inverse


def transform(*, real: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Lets a function take `out=`, which must be real or complex as the result is, and looks at failed calls."""
    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        inner = guarded(composed(function))

        @functools.wraps(function)
        def call(*args: Any, out: Any = None, **kwargs: Any) -> Any:
            if out is None:
                return inner(*args, **kwargs)
            if isinstance(out, Tensor) and out.is_complex() == real:
                kind = "floating point" if real else "complex"
                raise RuntimeError(f"{function.__name__} expects a {kind} output tensor, but got "
                                   f"{SCALAR_NAMES[out.dtype.name]}")
            return inner(*args, out=out, **kwargs)
        return call
    return wrap


def promoted(t: Tensor, to_complex: bool = True) -> Tensor:
    """The tensor in a dtype that can be transformed.

    Raises: RuntimeError for 16-bit floats.
    """
    kind = t.dtype
    if kind.is_reduced and autocasting.enabled:
        t, kind = t.to(float32), float32
    if kind.is_reduced:
        raise RuntimeError(f"Unsupported dtype {SCALAR_NAMES[kind.name]}. Transforms take float32 and float64: "
                           "call .float() first")
    if kind.category < FLOATING:
        kind = state.default_dtype()
    kind = kind.to_complex() if to_complex else kind
    return t if t.dtype is kind else t.to(kind)


def check_real(name: str, t: Tensor, word: str) -> None:
    if t.is_complex():
        raise RuntimeError(f"{name} expects a {word} input tensor, but got {SCALAR_NAMES[t.dtype.name]}")


def normalization(norm: str | None, forward: bool) -> int:
    """By what a transform is divided, as the ops say it.

    Raises: RuntimeError for an unknown norm.
    """
    if norm not in NORMS:
        raise RuntimeError(f'Invalid normalization mode: "{norm}". There are "backward", "forward" and "ortho"')
    return NORMS[norm][0 if forward else 1]


def dim_of(t: Tensor, dim: int) -> int:
    """The dim counted from the front.

    Raises: IndexError if there is none.
    """
    if t.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return normalize_dim(index(dim), t.ndim)


def check_points(sizes: Sequence[int]) -> None:
    for n in sizes:
        if n < 1:
            raise RuntimeError(f"Invalid number of data points ({n}) specified")


def resized(t: Tensor, dims: Sequence[int], sizes: Sequence[int]) -> Tensor:
    """The dims cropped, or made longer by zeros, to the sizes."""
    if all(t.shape[dim] == n for dim, n in zip(dims, sizes)):
        return t
    pad = [0] * (2 * t.ndim)
    for dim, n in zip(dims, sizes):
        if n < t.shape[dim]:
            t = t.narrow(dim, 0, n)
        pad[2 * (t.ndim - 1 - dim) + 1] = n - t.shape[dim]
    return run("constant_pad_nd", t, pad=pad, value=0) if any(pad) else t


def to_complex(t: Tensor, n: int | None, dim: int, norm: str | None, forward: bool) -> Tensor:
    """A transform of one dim with as many frequencies as points."""
    t = promoted(t, to_complex=False)
    at = dim_of(t, dim)
    points = t.shape[at] if n is None else index(n)
    check_points([points])
    mode = normalization(norm, forward)
    t = resized(t, (at,), (points,))
    if t.is_complex():
        return run("fft_c2c", t, dim=(at,), normalization=mode, forward=forward)
    result = run("fft_r2c", t, dim=(at,), normalization=mode, onesided=False)
    return result if forward else result.conj()


def half_spectrum(name: str, t: Tensor, n: int | None, dim: int, norm: str | None, forward: bool) -> Tensor:
    """The frequencies 0 to n // 2 of n real points."""
    check_real(name, t, "real")
    t = promoted(t, to_complex=False)
    at = dim_of(t, dim)
    points = t.shape[at] if n is None else index(n)
    check_points([points])
    result = run("fft_r2c", resized(t, (at,), (points,)), dim=(at,), normalization=normalization(norm, forward),
                 onesided=True)
    return result if forward else result.conj()


def from_half(t: Tensor, n: int | None, dim: int, norm: str | None, forward: bool) -> Tensor:
    """n real points from the frequencies 0 to n // 2."""
    t = promoted(t)
    at = dim_of(t, dim)
    points = 2 * (t.shape[at] - 1) if n is None else index(n)
    check_points([points])
    t = resized(t, (at,), (points // 2 + 1,))
    mode = normalization(norm, forward)
    return run("fft_c2r", t.conj() if forward else t, dim=(at,), normalization=mode, last_dim_size=points)


def dims_and_sizes(t: Tensor, s: Any, dim: Any) -> tuple[tuple[int, ...], list[int]]:
    """The dims to transform and their sizes: all dims, or as many last ones as there are sizes; -1 leaves a size.

    Raises: RuntimeError for a dim named twice, or where dims and sizes do not match.
    """
    dims: tuple[int, ...] | None = None
    if dim is not None:
        dims = tuple([dim_of(t, d) for d in ((dim,) if hasattr(dim, "__index__") else dim)])
        if len(set(dims)) < len(dims):
            raise RuntimeError(f"FFT dims must be unique, but got {list(dims)}")
    if s is None:
        dims = tuple(range(t.ndim)) if dims is None else dims
        return dims, [t.shape[d] for d in dims]
    given = [index(n) for n in ((s,) if hasattr(s, "__index__") else s)]
    if dims is not None and len(dims) != len(given):
        raise RuntimeError("When given, dim and shape arguments must have the same length, but got "
                           f"{len(dims)} dims and {len(given)} sizes")
    if len(given) > t.ndim:
        raise RuntimeError(f"Got shape with {len(given)} values but input tensor only has {t.ndim} dimensions.")
    dims = tuple(range(t.ndim - len(given), t.ndim)) if dims is None else dims
    return dims, [t.shape[d] if n == -1 else n for d, n in zip(dims, given)]


def to_complex_n(t: Tensor, s: Any, dim: Any, norm: str | None, forward: bool) -> Tensor:
    """A transform of several dims with as many frequencies as points."""
    dims, sizes = dims_and_sizes(t, s, dim)
    check_points(sizes)
    t = resized(promoted(t, to_complex=False), dims, sizes)
    return run("fft_c2c", t, dim=dims, normalization=normalization(norm, forward), forward=forward)


def half_spectrum_n(name: str, t: Tensor, s: Any, dim: Any, norm: str | None, forward: bool) -> Tensor:
    """The frequencies of real points, of the last dim the lower half."""
    check_real(name, t, "real-valued")
    dims, sizes = dims_and_sizes(t, s, dim)
    check_points(sizes)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    t, mode = resized(promoted(t, to_complex=False), dims, sizes), normalization(norm, forward)
    if forward:
        return run("fft_r2c", t, dim=dims, normalization=mode, onesided=True)
    t = run("fft_r2c", t, dim=dims[-1:], normalization=mode, onesided=True).conj()
    return run("fft_c2c", t, dim=dims[:-1], normalization=mode, forward=False) if dims[:-1] else t


def from_half_n(name: str, t: Tensor, s: Any, dim: Any, norm: str | None, forward: bool) -> Tensor:
    """Real points from their frequencies, of the last dim the lower half."""
    dims, sizes = dims_and_sizes(t, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    if s is None or (s if hasattr(s, "__index__") else s[-1]) == -1:
        sizes[-1] = 2 * (t.shape[dims[-1]] - 1)
    check_points(sizes)
    points, mode = sizes[-1], normalization(norm, forward)
    t = resized(promoted(t), dims, [*sizes[:-1], points // 2 + 1])
    if not forward:
        return run("fft_c2r", t, dim=dims, normalization=mode, last_dim_size=points)
    t = run("fft_c2c", t, dim=dims[:-1], normalization=mode, forward=True) if dims[:-1] else t
    return run("fft_c2r", t.conj(), dim=dims[-1:], normalization=mode, last_dim_size=points)


@transform()
def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The discrete Fourier transform of one dim, cropped or filled up with zeros to n points.

    norm: "backward" (the default) divides nothing, "forward" by n, "ortho" by its root.

    Shape: (*, N) -> (*, n or N).   Dtype: complex.   Raises: RuntimeError for 16-bit floats.
    Source: PyTorch `fft.fft`.

    >>> import stickonfire as torch
    >>> torch.fft.fft(torch.tensor([0., 1., 0., 0.]))
    tensor([ 1.+0.j,  0.-1.j, -1.+0.j,  0.+1.j])
    """
    return to_complex(input, n, dim, norm, True)


@transform()
def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `fft`. Shape: (*, N) -> (*, n or N).   Source: PyTorch `fft.ifft`.

    >>> import stickonfire as torch
    >>> torch.fft.ifft(torch.fft.fft(torch.tensor([1., 2., 4.]))).real
    tensor([1., 2., 4.])
    """
    return to_complex(input, n, dim, norm, False)


@transform()
def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """`fft` of real numbers without the upper half, which is the conjugate of the lower.

    Shape: (*, N) -> (*, n // 2 + 1).   Raises: RuntimeError for complex input.   Source: PyTorch `fft.rfft`.

    >>> import stickonfire as torch
    >>> torch.fft.rfft(torch.tensor([0., 1., 0., 0.]))
    tensor([ 1.+0.j,  0.-1.j, -1.+0.j])
    """
    return half_spectrum("rfft", input, n, dim, norm, True)


@transform(real=True)
def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `rfft`: n real points, by default an even number.

    Shape: (*, N) -> (*, n or 2 (N - 1)).   Source: PyTorch `fft.irfft`.

    >>> import stickonfire as torch
    >>> torch.fft.irfft(torch.fft.rfft(torch.tensor([1., 2., 4.])), n=3)
    tensor([1., 2., 4.])
    """
    return from_half(input, n, dim, norm, False)


@transform(real=True)
def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """`fft` of points of which the upper half, the conjugate of the lower, is left out: n real frequencies.

    Shape: (*, N) -> (*, n or 2 (N - 1)).   Source: PyTorch `fft.hfft`.

    >>> import stickonfire as torch
    >>> torch.fft.hfft(torch.tensor([1., 0.5, 0.]))
    tensor([2., 1., 0., 1.])
    """
    return from_half(input, n, dim, norm, True)


@transform()
def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `hfft`. Shape: (*, N) -> (*, n // 2 + 1).   Source: PyTorch `fft.ihfft`.

    Raises: RuntimeError for complex input.

    >>> import stickonfire as torch
    >>> torch.fft.ihfft(torch.tensor([2., 1., 0., 1.])).real
    tensor([1.0000, 0.5000, 0.0000])
    """
    return half_spectrum("ihfft", input, n, dim, norm, False)


@transform()
def fftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """`fft` over several dims: all, those named, or as many last ones as there are sizes in `s`.

    Shape: (*) -> (*).   Raises: RuntimeError for a dim named twice.   Source: PyTorch `fft.fftn`.

    >>> import stickonfire as torch
    >>> torch.fft.fftn(torch.eye(2)).real
    tensor([[2., 0.],
            [0., 2.]])
    """
    return to_complex_n(input, s, dim, norm, True)


@transform()
def ifftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of `fftn`. Shape: (*) -> (*).   Source: PyTorch `fft.ifftn`."""
    return to_complex_n(input, s, dim, norm, False)


@transform()
def rfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """`fftn` of real numbers, of the last dim the lower half. Shape: (*, N) -> (*, N // 2 + 1).

    Raises: RuntimeError for complex input.   Source: PyTorch `fft.rfftn`.
    """
    return half_spectrum_n("rfftn", input, s, dim, norm, True)


@transform(real=True)
def irfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of `rfftn`. Shape: (*, N) -> (*, 2 (N - 1)).   Source: PyTorch `fft.irfftn`."""
    return from_half_n("irfftn", input, s, dim, norm, False)


@transform(real=True)
def hfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """`fftn` of points of which the last dim's upper half is left out. Shape: (*, N) -> (*, 2 (N - 1)).

    Source: PyTorch `fft.hfftn`.
    """
    return from_half_n("hfftn", input, s, dim, norm, True)


@transform()
def ihfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of `hfftn`. Shape: (*, N) -> (*, N // 2 + 1).   Source: PyTorch `fft.ihfftn`."""
    return half_spectrum_n("ihfftn", input, s, dim, norm, False)


def of_two(function: Callable[..., Any], name: str, real: bool = False) -> Callable[..., Any]:
    """A function of several dims, by default the last two."""
    def made(input: Tensor, s: Any = None, dim: Any = LAST_TWO, norm: str | None = None) -> Tensor:
        return function(input, s, dim, norm)
    made.__name__ = made.__qualname__ = name
    made.__doc__ = (f"`{function.__name__}` of two dims, by default the last ones. Shape: as there.   "
                    f"Source: PyTorch `fft.{name}`.")
    return transform(real=real)(made)


fft2, ifft2 = of_two(fftn, "fft2"), of_two(ifftn, "ifft2")
rfft2, ihfft2 = of_two(rfftn, "rfft2"), of_two(ihfftn, "ihfft2")
irfft2, hfft2 = of_two(irfftn, "irfft2", real=True), of_two(hfftn, "hfft2", real=True)


def floating(name: str, kind: dtype | None) -> None:
    if isinstance(kind, dtype) and kind.category < FLOATING:
        raise RuntimeError(f"{name} requires a floating point or complex dtype, but got {kind}")
    if isinstance(kind, dtype) and kind.is_complex:
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{SCALAR_NAMES[kind.name]}': call {name} with a "
                                  "real dtype, and .to(dtype) on the result")


def frequencies(numbers: Tensor, n: int, d: float, out: Tensor | None, requires_grad: bool) -> Tensor:
    """numbers / (n d), in `out` if there is one."""
    result = into(out, numbers * (1.0 / (n * d) if n else 1.0))
    return result.requires_grad_(True) if requires_grad else result


@guarded
def fftfreq(n: int, d: float = 1.0, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None,
            device: Any = None, requires_grad: bool = False) -> Tensor:
    """The frequencies of `fft`, for points d apart: 0, 1, ..., then the negative ones, over n d.

    Shape: (n).   Raises: RuntimeError for integral dtypes.   Source: PyTorch `fft.fftfreq`.

    >>> import stickonfire as torch
    >>> torch.fft.fftfreq(4, 0.5)
    tensor([ 0.0000,  0.5000, -1.0000, -0.5000])
    """
    floating("fftfreq", dtype)
    check_length(n)
    kind = (out.dtype if out is not None else state.default_dtype()) if dtype is None else dtype
    numbers = arange(-(n // 2), n - n // 2, dtype=kind, layout=layout, device=device)
    return frequencies(ifftshift(numbers), n, d, out, requires_grad)


@guarded
def rfftfreq(n: int, d: float = 1.0, *, out: Tensor | None = None, dtype: Any = None, layout: Any = None,
             device: Any = None, requires_grad: bool = False) -> Tensor:
    """The frequencies of `rfft`, for points d apart: 0, 1, ..., n // 2, over n d.

    Shape: (n // 2 + 1).   Raises: RuntimeError for integral dtypes.   Source: PyTorch `fft.rfftfreq`.

    >>> import stickonfire as torch
    >>> torch.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    floating("rfftfreq", dtype)
    check_length(n)
    kind = (out.dtype if out is not None else state.default_dtype()) if dtype is None else dtype
    return frequencies(arange(n // 2 + 1, dtype=kind, layout=layout, device=device), n, d, out, requires_grad)


def check_length(n: int) -> None:
    if index(n) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")


def rolled(t: Tensor, dim: Any, up: int) -> Tensor:
    """Each of the dims (all, if none is named) rolled by half its size, rounded up or down."""
    dims = tuple(range(t.ndim)) if dim is None else (dim,) if hasattr(dim, "__index__") else tuple(dim)
    return run("roll", t, shifts=[(t.shape[normalize_dim(d, t.ndim)] + up) // 2 for d in dims], dims=dims)


@guarded
def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Frequency 0 moved to the middle of each dim.

    Shape: (*) -> (*).   Source: PyTorch `fft.fftshift`.

    >>> import stickonfire as torch
    >>> torch.fft.fftshift(torch.fft.fftfreq(4, 0.25))
    tensor([-2., -1.,  0.,  1.])
    """
    return rolled(input, dim, 0)


@guarded
def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The inverse of `fftshift`. Shape: (*) -> (*).   Source: PyTorch `fft.ifftshift`."""
    return rolled(input, dim, 1)


FUNCTIONS = (fft, ifft, fft2, ifft2, fftn, ifftn, rfft, irfft, rfft2, irfft2, rfftn, irfftn, hfft, ihfft, hfft2, ihfft2,
             hfftn, ihfftn, fftfreq, rfftfreq, fftshift, ifftshift)
