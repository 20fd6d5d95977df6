"""The CPU's discrete Fourier transforms: NumPy's pocketfft, which keeps single precision.

Offered in `xp` to the ops of `ops/fft.py`. `normalization` says by what a transform is divided: 0 by nothing, 1 by
the root of the number of points, 2 by that number. `numpy.fft` is loaded by the first transform.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# NumPy's names: the direction that is divided by the number of points
FORWARD: tuple[Any, ...] = ("backward", "ortho", "forward")
INVERSE = FORWARD[::-1]


def fft_c2c(a: Any, dim: Sequence[int], normalization: int, forward: bool) -> Any:
    """Points, complex or real, to complex frequencies, or back, over all the dims."""
    if not dim or not a.size:
        return a.astype(np.result_type(a.dtype, np.complex64))
    if a.dtype.kind == "f":             # a transform of real points takes half the time; the inverse is its conjugate
        out = fft_r2c(a, dim, normalization, False)
        return out if forward else np.conjugate(out, out=out)
    if forward:
        return np.fft.fftn(a, axes=dim, norm=FORWARD[normalization])
    return np.fft.ifftn(a, axes=dim, norm=INVERSE[normalization])


def fft_r2c(a: Any, dim: Sequence[int], normalization: int, onesided: bool) -> Any:
    """Real points to complex frequencies; of the last dim all or, `onesided`, those from 0 to n // 2."""
    last, norm = dim[-1], FORWARD[normalization]
    if not a.size:
        shape = [n // 2 + 1 if onesided and d == last else n for d, n in enumerate(a.shape)]
        return np.zeros(shape, np.result_type(a.dtype, np.complex64))
    out = np.fft.rfft(a, axis=last, norm=norm)
    out = np.fft.fftn(out, axes=dim[:-1], norm=norm) if len(dim) > 1 else out
    return out if onesided else mirrored(out, dim, a.shape[last])


def mirrored(half: Any, dim: Sequence[int], n: int) -> Any:
    """All n frequencies of real points: the upper ones of the last dim are conjugates, at -k, of the lower ones."""
    before, known = (slice(None),) * dim[-1], half.shape[dim[-1]]
    out = np.empty([n if d == dim[-1] else size for d, size in enumerate(half.shape)], half.dtype)
    out[(*before, slice(known))] = half
    image = half[(*before, slice(n - known, 0, -1))]
    for d in dim[:-1]:
        image = np.roll(np.flip(image, d), 1, d)
    np.conjugate(image, out=out[(*before, slice(known, None))])
    return out


def fft_c2r(a: Any, dim: Sequence[int], normalization: int, last_dim_size: int) -> Any:
    """Complex frequencies, those from 0 to n // 2 in the last dim, back to n real points."""
    last, norm = dim[-1], INVERSE[normalization]
    if not a.size:
        return np.zeros([last_dim_size if d == last else n for d, n in enumerate(a.shape)], a.real.dtype)
    if len(dim) > 1:
        a = np.fft.ifftn(a, axes=dim[:-1], norm=norm)
    return np.fft.irfft(a, last_dim_size, axis=last, norm=norm)
