"""The short-time Fourier transform and its inverse: windows cut out, transformed; transformed back, added up.

Loaded when `torch.stft`, `torch.istft` or the methods of those names are first used. May import: eager, ops, core.
Source: Griffin and Lim, Signal estimation from modified short-time Fourier transform (1984), for the inverse.
"""
from __future__ import annotations

import warnings
from typing import Any

from ..core.dtypes import FLOATING
from .arguments import guarded
from .composite_fft import promoted
from .composite_reduce import run
from .functional.pad import pad as padded
from .publish import NAMESPACES
from .tensor import Tensor

WARNED: set[str] = set()
SMALLEST_ENVELOPE = 1e-11       # where the windows add up to less, nothing can be restored


def refuse(name: str, input: Tensor, facts: dict[str, Any], what: str) -> RuntimeError:
    """The error for a call with these arguments."""
    said = ", ".join(f"{key}={list(value.shape) if isinstance(value, Tensor) else value}"
                     for key, value in facts.items())
    return RuntimeError(f"{name}({input.dtype} of shape {list(input.shape)}, {said}): {what}")


def warn_once(text: str) -> None:
    """A warning given once in a process, as PyTorch gives these."""
    if text not in WARNED:
        WARNED.add(text)
        warnings.warn(text, UserWarning, stacklevel=5)


def warn_of_no_window(name: str) -> None:
    warn_once(f"{name}: A window was not provided. A rectangular window will be applied, which is known to cause "
              "spectral leakage. Give window=torch.hann_window(n_fft) or the like, and the same one to istft; "
              "window=torch.ones(n_fft) is silent.")


def is_complex(window: Tensor | None) -> bool:
    return window is not None and window.is_complex()


def check_window(name: str, input: Tensor, facts: dict[str, Any], what: str) -> None:
    """Refuses a window that is no vector of win_length elements."""
    window, size = facts["window"], facts["win_length"]
    if window is not None and (window.ndim != 1 or window.shape[0] != size):
        raise refuse(name, input, facts, what)


def widened(window: Tensor, n_fft: int) -> Tensor:
    """A window with zeros on both sides, so that it has n_fft elements."""
    left = (n_fft - window.shape[0]) // 2
    right = n_fft - window.shape[0] - left
    return run("constant_pad_nd", window, pad=[left, right], value=0) if right else window


def centred(input: Tensor, n_fft: int, pad_mode: str) -> Tensor:
    """The signal made longer by half a window on both sides, so that frame t is centred at t * hop_length."""
    shape = tuple(input.shape)
    batched = input.reshape((1,) * (3 - len(shape)) + shape) if len(shape) < 3 else input
    longer = padded(batched, (n_fft // 2, n_fft // 2), pad_mode)
    return longer.reshape((*shape[:-1], longer.shape[-1]) if shape else (longer.shape[-1],))


def check_signal(input: Tensor, n_fft: int, facts: dict[str, Any]) -> None:
    """Refuses what cannot be cut into frames."""
    hop, size = facts["hop_length"], facts["win_length"]
    if input.dtype.category < FLOATING:
        raise refuse("stft", input, facts, "expected a tensor of floating point or complex values")
    if input.ndim not in (1, 2):
        raise refuse("stft", input, facts, "expected a 1D or 2D tensor")
    if not 0 < n_fft <= input.shape[-1]:
        raise refuse("stft", input, facts, f"expected 0 < n_fft < {input.shape[-1]}, but got n_fft={n_fft}")
    if hop <= 0:
        raise refuse("stft", input, facts, f"expected hop_length > 0, but got hop_length={hop}")
    if not 0 < size <= n_fft:
        raise refuse("stft", input, facts, f"expected 0 < win_length <= n_fft, but got win_length={size}")
    check_window("stft", input, facts, f"expected a 1D window tensor of size equal to win_length={size}, but got "
                                       f"window with size {list(getattr(facts['window'], 'shape', ()))}")


def complex_wanted(some_complex: bool, return_complex: bool | None) -> bool:
    """Whether `stft` gives complex numbers, or pairs of their parts.

    Raises: RuntimeError where a program has to say so.
    """
    if return_complex is None and not some_complex:
        raise RuntimeError("stft requires the return_complex parameter be given for real inputs, and will further "
                           "require that return_complex=True in a future PyTorch release. Call stft(..., "
                           "return_complex=True), and torch.view_as_real on the result for pairs of real numbers")
    if return_complex is False:
        warn_once("stft with return_complex=False is deprecated. Call torch.view_as_real on the complex output to "
                  "recover the old return format.")
    return return_complex is not False


@guarded
def stft(input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
         window: Tensor | None = None, center: bool = True, pad_mode: str = "reflect", normalized: bool = False,
         onesided: bool | None = None, return_complex: bool | None = None,
         align_to_window: bool | None = None) -> Tensor:
    """The short-time Fourier transform: frames of n_fft points, hop_length apart, times a window, transformed.

    Shape: (T) or (N, T) -> (F, frames) or (N, F, frames); F is n_fft // 2 + 1, or n_fft unless `onesided`.
    Raises: RuntimeError for sizes that do not fit, and where `return_complex` is missing for real input.
    Source: PyTorch `stft`.

    >>> import stickonfire as torch
    >>> torch.stft(torch.ones(8), 4, window=torch.ones(4), return_complex=True).shape
    torch.Size([3, 9])
    """
    if align_to_window is not None and center:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    if center:
        input = centred(input, n_fft, pad_mode)
    hop = n_fft // 4 if hop_length is None else hop_length
    facts: dict[str, Any] = {
        "n_fft": n_fft, "hop_length": hop, "win_length": n_fft if win_length is None else win_length,
        "window": window, "normalized": normalized, "onesided": onesided, "return_complex": return_complex,
        "align_to_window": align_to_window}
    some_complex = input.is_complex() or is_complex(window)
    as_complex = complex_wanted(some_complex, return_complex)
    if window is None:
        warn_of_no_window("stft")
    check_signal(input, n_fft, facts)
    if onesided and some_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    if align_to_window:
        left = (n_fft - facts["win_length"]) // 2
        input = run("constant_pad_nd", input, pad=[left, n_fft - facts["win_length"] - left], value=0)
    frames = promoted(windowed(input.unfold(-1, n_fft, hop), window, facts["win_length"], n_fft), some_complex)
    spectrum = frame_spectrum(frames, normalized, onesided).transpose(-1, -2)
    return spectrum if as_complex else NAMESPACES["stickonfire"]["view_as_real"](spectrum)


def windowed(frames: Tensor, window: Tensor | None, size: int, n_fft: int) -> Tensor:
    """The frames times the window; without one, of a rectangular window of `size` elements."""
    if window is None:
        if size == n_fft:
            return frames
        window = frames.new_ones(size)
    return frames * widened(window, n_fft)


def frame_spectrum(frames: Tensor, normalized: bool, onesided: bool | None) -> Tensor:
    dim, mode = (frames.ndim - 1,), int(normalized)
    if frames.is_complex():
        return run("fft_c2c", frames, dim=dim, normalization=mode, forward=True)
    return run("fft_r2c", frames, dim=dim, normalization=mode, onesided=onesided is not False)


def half(spectrum: Tensor, n_fft: int, onesided: bool | None) -> bool:
    """Whether a spectrum has the lower frequencies only: as the user says, else as its size says."""
    return spectrum.shape[-2] != n_fft if onesided is None else onesided


def check_spectrum(input: Tensor, facts: dict[str, Any]) -> None:
    """Refuses what `stft` did not give."""
    n_fft, hop, size = facts["n_fft"], facts["hop_length"], facts["win_length"]
    if input.numel() == 0:
        raise refuse("istft", input, facts, "input tensor cannot be empty.")
    if input.ndim not in (2, 3):
        raise refuse("istft", input, facts, f"expected a tensor with 2 or 3 dimensions, but got {input.ndim}")
    whole = not half(input, n_fft, facts["onesided"])
    if input.shape[-2] != (n_fft if whole else n_fft // 2 + 1):
        wanted = "n_fft when onesided=False" if whole else "n_fft / 2 + 1 when onesided=True"
        raise refuse("istft", input, facts, "expected the frequency dimension (3rd to the last) of the input tensor "
                                            f"to match {wanted}, but got {input.shape[-2]}")
    if not 0 < hop <= size:
        raise refuse("istft", input, facts, "expected 0 < hop_length <= win_length")
    if not 0 < size <= n_fft:
        raise refuse("istft", input, facts, "expected 0 < win_length <= n_fft")
    check_window("istft", input, facts, "Invalid window shape. window has to be 1D and length of `win_length`")


@guarded
def istft(input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
          window: Tensor | None = None, center: bool = True, normalized: bool = False, onesided: bool | None = None,
          length: int | None = None, return_complex: bool = False) -> Tensor:
    """The inverse of `stft`: the signal whose transform is nearest, in the sense of least squares.

    Shape: (F, frames) or (N, F, frames) -> (T) or (N, T), T = length where it is given.
    Raises: RuntimeError for sizes that do not fit, and where the windows add up to zero.   Source: PyTorch `istft`.

    >>> import stickonfire as torch
    >>> x, w = torch.arange(8.), torch.hann_window(4)
    >>> torch.istft(torch.stft(x, 4, window=w, return_complex=True), 4, window=w, length=8).round()
    tensor([0., 1., 2., 3., 4., 5., 6., 7.])
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    facts: dict[str, Any] = {
        "n_fft": n_fft, "hop_length": hop, "win_length": n_fft if win_length is None else win_length,
        "window": window, "center": center, "normalized": normalized, "onesided": onesided, "length": length,
        "return_complex": return_complex}
    if window is None:
        warn_of_no_window("istft")
    if not input.is_complex():
        raise RuntimeError("istft requires a complex-valued input tensor matching the output from stft with "
                           "return_complex=True. torch.view_as_complex makes one of pairs of real numbers")
    check_spectrum(input, facts)
    check_kinds(window, half(input, n_fft, onesided), return_complex)
    frames = frame_points(promoted(input).transpose(-1, -2), n_fft, normalized, return_complex)
    window = widened(frames.new_ones(facts["win_length"]) if window is None else window, n_fft)
    frames = frames * window
    total = n_fft + hop * (frames.shape[-2] - 1)
    places = {"dim": frames.ndim - 2, "size": n_fft, "step": hop, "shape": (*frames.shape[:-2], total)}
    signal = run("fold_windows", frames, **places)
    squares = window.square().unsqueeze(0).expand(frames.shape[-2], n_fft)
    envelope = run("fold_windows", squares, **places | {"dim": 0, "shape": (total,)})
    start, end = n_fft // 2 if center else 0, total - n_fft // 2 if center else total
    end = end if length is None else start + length
    envelope = envelope[start:end]
    if envelope.numel() and float(envelope.detach().abs().min()) <= SMALLEST_ENVELOPE:
        raise refuse("istft", input, facts, "window overlap add min: 1. The windows add up to zero somewhere: take a "
                                            "smaller hop_length, or center=True for windows that begin with zeros")
    return filled_up(signal[..., start:end] / envelope, end - total)


def check_kinds(window: Tensor | None, onesided: bool, return_complex: bool) -> None:
    """Refuses a complex signal of half a spectrum, and the other way round."""
    if return_complex and onesided:
        raise RuntimeError("Cannot have onesided output if window or input is complex: give onesided=False")
    if not return_complex and is_complex(window):
        raise RuntimeError("Complex windows are incompatible with return_complex=False")


def frame_points(spectrum: Tensor, n_fft: int, normalized: bool, return_complex: bool) -> Tensor:
    """The points of each frame. Shape: (*, frames, F) -> (*, frames, n_fft)."""
    dim, mode = (spectrum.ndim - 1,), 1 if normalized else 2
    if return_complex:
        return run("fft_c2c", spectrum, dim=dim, normalization=mode, forward=False)
    lower = spectrum[..., :n_fft // 2 + 1]
    return run("fft_c2r", lower, dim=dim, normalization=mode, last_dim_size=n_fft)


def filled_up(signal: Tensor, missing: int) -> Tensor:
    """The signal with zeros where the frames do not reach."""
    if missing <= 0:
        return signal
    warn_once("The length of signal is shorter than the length parameter. Result is being padded with zeros in the "
              "tail. Please check your center and hop_length settings.")
    return run("constant_pad_nd", signal, pad=[0, missing], value=0)


FUNCTIONS = (stft, istft)
