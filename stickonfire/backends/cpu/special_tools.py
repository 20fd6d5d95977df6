"""Machinery shared by the special functions of the CPU backend: blocks, regions, series.

Every `special_*.py` beside this file imports from here; this file imports NumPy only. Two ways of running a
function over an array are offered: `blockwise` for hot float32 kernels (in-place ufuncs over pieces that stay
in the level-2 cache) and `in_float64` for rare functions (computed in float64, rounded to the caller's type).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

# Elements per piece: three or four float32 arrays of this size fit the level-2 cache of any current core, and
# one ufunc call over a piece (about 1 us) costs several times its own overhead.
BLOCK = 16384

_NATIVE = (np.dtype(np.float32), np.dtype(np.float64))


def real(x: Any) -> tuple[Array, np.dtype[Any]]:
    """`x` as a float32 or float64 array, and the type the result shall have.

    Half-width floats compute in float32 and come back as they were; integers and bools become float32.
    Raises: NotImplementedError for complex arrays.

    >>> a, dtype = real(np.arange(3))
    >>> a.dtype, dtype
    (dtype('float32'), dtype('float32'))
    """
    x = np.asarray(x)
    if x.dtype in _NATIVE:
        return x, x.dtype
    if x.dtype.kind in "biu":
        return x.astype(np.float32), _NATIVE[0]
    if x.dtype.kind == "c":
        raise NotImplementedError(
            f"special function not implemented for {x.dtype} (shape {x.shape}): take .real or .abs() first"
        )
    return x.astype(np.float32), x.dtype


def flatten(x: Array) -> tuple[Array, Callable[[Array], Array]]:
    """`x` in memory order as one dimension, and the way back to its shape (and its order of strides).

    Source: PyTorch keeps the memory format of a dense input in element-wise functions.
    """
    if x.flags.c_contiguous:
        return x.reshape(-1), lambda flat: flat.reshape(x.shape)
    order = sorted(range(x.ndim), key=lambda d: -abs(x.strides[d]))
    sorted_shape = tuple(x.shape[d] for d in order)
    inverse = tuple(int(d) for d in np.argsort(order))
    return x.transpose(order).reshape(-1), lambda flat: flat.reshape(sorted_shape).transpose(inverse)


def blockwise(kernel: Callable[..., None], x: Any, scratch: int = 0, **options: Any) -> Array:
    """Run `kernel(x, out, *scratch_buffers)` over cache-sized pieces of `x`.

    Shape: that of `x`; the kernel sees float32 or float64 and must write every element of `out`.

    >>> def double(x, out):
    ...     np.add(x, x, out=out)
    >>> blockwise(double, np.float32([1, 2]))
    array([2., 4.], dtype=float32)
    """
    x, dtype = real(x)
    if x.size <= BLOCK:
        out = np.empty(x.shape, x.dtype)
        kernel(x, out, *[np.empty(x.shape, x.dtype) for _ in range(scratch)], **options)
    else:
        flat, restore = flatten(x)
        result = np.empty(flat.size, x.dtype)
        buffers = [np.empty(BLOCK, x.dtype) for _ in range(scratch)]
        for start in range(0, flat.size, BLOCK):
            piece = flat[start : start + BLOCK]
            views = [b[: piece.size] for b in buffers]
            kernel(piece, result[start : start + BLOCK], *views, **options)
        out = restore(result)
    return out if out.dtype == dtype else out.astype(dtype)


def in_float64(function: Callable[..., Array]) -> Callable[..., Array]:
    """Decorator: `function` sees flat float64 pieces of its (broadcast) arguments; results are rounded back.

    The result has the widest type among the arguments; warnings of intermediate overflow are not shown.
    """

    @functools.wraps(function)
    def run(*arguments: Any) -> Array:
        pairs = [real(a) for a in arguments]
        dtype = functools.reduce(np.promote_types, [d for _, d in pairs])
        arrays = [a for a, _ in pairs]
        if len(arrays) > 1:
            arrays = [np.asarray(a, order="C") for a in np.broadcast_arrays(*arrays)]
        restore = flatten(arrays[0])[1]
        flats = [flatten(a)[0] for a in arrays]
        out = np.empty(flats[0].size, dtype)
        with np.errstate(all="ignore"):
            for start in range(0, out.size, BLOCK):
                pieces = [f[start : start + BLOCK].astype(np.float64) for f in flats]
                out[start : start + BLOCK] = function(*pieces)
        return restore(out)

    return run


def regions(arguments: Sequence[Array], *cases: tuple[Array, Callable[..., Array]]) -> Array:
    """Evaluate each case's function on the elements its mask marks; a later case overrides an earlier one.

    Elements no mask marks (in practice: NaN) become NaN.

    >>> x = np.array([-2.0, 3.0, np.nan])
    >>> regions((x,), (x < 0, np.negative), (x >= 0, np.square))
    array([ 2.,  9., nan])
    """
    out = np.full(arguments[0].shape, np.nan)
    for mask, function in cases:
        where = np.flatnonzero(mask)
        if where.size:
            out[where] = function(*[a[where] for a in arguments])
    return out


def chebyshev(t: Array, coefficients: Sequence[float]) -> Array:
    """Sum of c[k] T_k(t) for t in [-1, 1]. Source: Clenshaw (1955).

    >>> chebyshev(np.array([0.5]), (1.0, 2.0, 4.0))
    array([0.])
    """
    twice = t + t
    ahead, current = np.zeros_like(t), np.full_like(t, coefficients[-1])
    for c in coefficients[-2:0:-1]:
        np.subtract(c, ahead, out=ahead)
        ahead += twice * current
        ahead, current = current, ahead
    return t * current - ahead + coefficients[0]


def horner(z: Array, coefficients: Sequence[float], out: Array | None = None) -> Array:
    """Polynomial with the highest power first, in place in `out`. `z` and `out` must not overlap.

    >>> horner(np.array([2.0]), (1.0, 0.0, 3.0))
    array([7.])
    """
    out = np.multiply(z, coefficients[0], out=np.empty_like(z) if out is None else out)
    for c in coefficients[1:-1]:
        np.add(out, c, out=out)
        np.multiply(out, z, out=out)
    return np.add(out, coefficients[-1], out=out)
