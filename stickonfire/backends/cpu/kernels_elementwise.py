"""Elementwise functions that NumPy lacks or computes slowly. `xp.py` hands them on to the rules in `ops/`.

Functions of mathematical physics are in `special.py`. Imports NumPy only.
"""
from __future__ import annotations

from typing import Any

import numpy as np

_INTS = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}
_SMALL = 256        # elements up to which np.where costs less than the way through the bits


def keep(a: Any, mask: Any) -> Any:
    """The elements that a bool array marks, zeros elsewhere, even where those are NaN or infinite.

    np.where(mask, a, 0), which takes eight times as long: here -1 and 0 as bit patterns cut the elements out.
    """
    if a.size <= _SMALL or a.itemsize > 8 or a.dtype.kind not in "fc":
        return np.where(mask, a, a.dtype.type(0))
    return (a.view(_INTS[a.itemsize]) & np.negative(mask.view(np.int8))).view(a.dtype)


def sign(a: Any) -> Any:
    """-1, 0 or 1, and 0 for NaN as in PyTorch; a / abs(a) for a complex number."""
    if a.dtype.kind != "f":
        return np.sign(a)
    return np.subtract((a > 0).view(np.int8), (a < 0).view(np.int8)).astype(a.dtype)


def step(a: Any, low: float) -> Any:
    """1 where it is positive, `low` elsewhere: np.where(a > 0, 1, low), without branches."""
    out = np.multiply(a > 0, 1 - low, dtype=a.dtype)
    return np.add(out, low, out=out if out.ndim else None)


def isposinf(a: Any) -> Any:
    """Whether it is plus infinity; ints never are."""
    return a == np.inf if a.dtype.kind in "fV" else _never(a)


def isneginf(a: Any) -> Any:
    """Whether it is minus infinity; ints never are."""
    return a == -np.inf if a.dtype.kind in "fV" else _never(a)


def isreal(a: Any) -> Any:
    """Whether the imaginary part is zero."""
    return a.imag == 0 if a.dtype.kind == "c" else np.ones(a.shape, np.bool_)


def _never(a: Any) -> Any:
    if a.dtype.kind == "c":
        raise RuntimeError("isposinf and isneginf are not supported for complex inputs. Take .real or .imag first")
    return np.zeros(a.shape, np.bool_)


def complex_logaddexp(a: Any, b: Any) -> Any:
    """log(exp(a) + exp(b)) of complex numbers, the larger one taken out first."""
    swap = a.real < b.real
    large, small = np.where(swap, b, a), np.where(swap, a, b)
    out = large + np.log1p(np.exp(small - large))
    return np.where((large.real == -np.inf) | ((large == small) & np.isinf(large)), large, out)


def complex_of(real: Any, imag: Any) -> Any:
    """The complex numbers with these parts."""
    out = np.empty(np.broadcast_shapes(real.shape, imag.shape), np.result_type(real, np.complex64))
    out.real, out.imag = real, imag
    return out


def parts_of(a: Any) -> Any:
    """A view of complex numbers as pairs of their parts, along a last dim."""
    part = a.real
    return np.lib.stride_tricks.as_strided(part, (*a.shape, 2), (*a.strides, part.itemsize))


def complex_over(a: Any) -> Any:
    """A view of pairs along the last dim as complex numbers.

    Raises: RuntimeError if the pairs do not lie as complex numbers do in memory.
    """
    if a.strides[-1] != a.itemsize:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(step % (2 * a.itemsize) for step in a.strides[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return a.view(np.result_type(a, np.complex64))[..., 0]


def in_double(function: Any) -> Any:
    """A NumPy function that computes float32 numbers in float64 and rounds once; others as they are.

    NumPy's own float32 exp and log are off by up to two units in the last place, in one case out of three; PyTorch's,
    like these, in one out of a hundred.
    """
    def exact(a: Any, out: Any = None) -> Any:
        if getattr(a, "dtype", None) != np.float32:
            return function(a, out=out)
        if a.size < 4096 and out is None:
            return function(a.astype(np.float64)).astype(np.float32)
        to = np.empty_like(a) if out is None else out
        return function(a, out=to, dtype=np.float64, casting="same_kind")       # in pieces that fit the cache
    exact.__name__ = function.__name__
    return exact


exp, log = in_double(np.exp), in_double(np.log)
