"""The three discrete Fourier transforms all others are made of; each one's gradient is another of them.

`eager/composite_fft.py` has PyTorch's 22 functions and imports this file when `torch.fft` is first asked for. The ops
have the names and signatures of the backend's kernels. `normalization`: 0 divides by nothing, 1 by the root of the
number of points, 2 by that number. Complex gradients are conjugates of derivatives, so that a transform's rule is its
adjoint: the transform in the other direction, divided likewise.
"""
from __future__ import annotations

from .op import op
from .shape import Ints


@op(opmath=False, grad_name="FftC2CBackward0")
def fft_c2c(xp, input, dim: Ints, normalization: int, forward: bool):
    """out[k] = sum over j of input[j] exp(-2 pi i j k / n), with + where not `forward`, over each of the dims.

    Shape: (*) -> (*).   Dtype: to complex.   Source: PyTorch `_fft_c2c`.
    """
    return xp.fft_c2c(input, dim, normalization, forward)


@fft_c2c.gradient("input")
def _(xp, g, dim, normalization, forward, input_dtype):
    back = xp.fft_c2c(g, dim, normalization, not forward)
    return back if input_dtype.is_complex else xp.real(back)


@op(opmath=False, grad_name="FftR2CBackward0")
def fft_r2c(xp, input, dim: Ints, normalization: int, onesided: bool):
    """The forward transform of real numbers; `onesided` without the last dim's upper half, the conjugate of the lower.

    Shape: (*, N) -> (*, N) or (*, N // 2 + 1).   Dtype: real to complex.   Source: PyTorch `_fft_r2c`.
    """
    return xp.fft_r2c(input, dim, normalization, onesided)


@fft_r2c.gradient("input")
def _(xp, g, dim, normalization, onesided, input_shape):
    if not onesided:
        return xp.real(xp.fft_c2c(g, dim, normalization, False))
    n = input_shape[dim[-1]]
    return xp.fft_c2r(paired(xp, g, dim[-1], n, 0.5), dim, normalization, n)


@op(opmath=False, grad_name="FftC2RBackward0")
def fft_c2r(xp, input, dim: Ints, normalization: int, last_dim_size: int):
    """The inverse transform to real numbers, from the last dim's frequencies 0 to n // 2.

    Shape: (*, N // 2 + 1) -> (*, N).   Dtype: complex to real.   Source: PyTorch `_fft_c2r`.
    """
    return xp.fft_c2r(input, dim, normalization, last_dim_size)


@fft_c2r.gradient("input")
def _(xp, g, dim, normalization, last_dim_size):
    return paired(xp, xp.fft_r2c(g, dim, normalization, True), dim[-1], last_dim_size, 2.0)


def paired(xp, a, dim, n, factor):
    """The frequencies of a half spectrum that stand for two, themselves and a mirror image, times a factor."""
    ends = 1 + n - a.shape[dim]         # 0, and n / 2 where there is one, have no mirror image
    if ends == 1:
        return a
    before = (slice(None),) * dim
    parts = [a[(*before, slice(1))], a[(*before, slice(1, ends))] * factor, a[(*before, slice(ends, None))]]
    return xp.concatenate(parts, axis=dim)
