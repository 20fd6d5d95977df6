"""Orthogonal polynomials of degree n: Chebyshev (T, U, V, W, plain and shifted), Hermite, Laguerre, Legendre.

Called through `special.py`. The degree may differ from element to element; as in PyTorch a fractional
degree is cut towards zero and the value for a negative (or non-finite) degree is 0. Each family is its
three-term recurrence, and inside the interval of orthogonality a Chebyshev polynomial of high degree is its
trigonometric form. In float32 the recurrences round where PyTorch's do, so results are equal to the last
bit; they have the precision of `x`. Imports NumPy and `special_tools` only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .special_tools import Array, real

# step(k, x, p, q) is the polynomial of degree k + 1 from those of degree k - 1 (p) and k (q).
Step = Callable[[int, Array, Array, Array], Array]


def _fused(a: Array, b: Array, c: Array) -> Array:
    """a * b - c with one rounding, as compiled code contracts it (two in float64: no wider type)."""
    if a.dtype != np.float32:
        return a * b - c
    return (a.astype(np.float64) * b - c).astype(np.float32)


def _rounded(function: Callable[[Array], Array], x: Array) -> Array:
    """`function` by way of float64: NumPy's float32 acos, sin and cos are an ulp off a C library's."""
    return function(x.astype(np.float64)).astype(x.dtype)


def _prepare(x: Any, n: Any) -> tuple[Array, Array, np.dtype[Any]]:
    """`x` and the whole degrees, broadcast; -1 stands for every degree that yields zero."""
    degree = np.asarray(n)
    if degree.dtype.kind not in "biu":
        wide = degree.astype(np.float64)
        degree = np.where(np.abs(wide) < 2.0**62, wide, -1.0)
    x, dtype = real(x)
    whole = np.maximum(np.trunc(degree).astype(np.int64), -1)
    x, whole = np.broadcast_arrays(x, whole)
    return x, whole, dtype


def _recurrence(x: Array, degree: Array, first: Array, step: Step) -> Array:
    """Run the recurrence once up to the highest degree and pick each element's own value on the way."""
    out = np.where(degree == 0, x.dtype.type(1), x.dtype.type(0))
    out = np.where(degree == 1, first, out)
    below, current = np.ones_like(first), first
    for k in range(1, int(degree.max(initial=0))):
        below, current = current, step(k, x, below, current)
        reached = degree == k + 1
        if reached.any():
            out = np.where(reached, current, out)
    return out


def _next_chebyshev(k: int, x: Array, p: Array, q: Array) -> Array:
    return _fused(x + x, q, p)


def _chebyshev(
    x: Any, n: Any, slope: int, offset: int, shifted: bool, high: int, angle: Callable[[Array, Array], Array]
) -> Array:
    """Chebyshev polynomial with P1 = slope x + offset; above degree `high` by its trigonometric form."""
    x, degree, dtype = _prepare(x, n)
    with np.errstate(all="ignore"):
        if shifted:
            x = x + x - 1
        trigonometric = (degree > high) & (np.abs(x) < 1)
        out = _recurrence(x, np.where(trigonometric, 0, degree), slope * x + offset, _next_chebyshev)
        if trigonometric.any():
            # Elsewhere acos is taken of 0 and the result discarded.
            theta = _rounded(np.arccos, np.where(trigonometric, x, x.dtype.type(0)))
            out = np.where(trigonometric, angle(theta, degree.astype(x.dtype)), out)
    return out.astype(dtype, copy=False)


def _cos_t(theta: Array, n: Array) -> Array:
    return _rounded(np.cos, n * theta)


def _sin_u(theta: Array, n: Array) -> Array:
    return _rounded(np.sin, (n + 1) * theta) / _rounded(np.sin, theta)


def _cos_v(theta: Array, n: Array) -> Array:
    return _rounded(np.cos, (n + 0.5) * theta) / _rounded(np.cos, theta / 2)


def _sin_w(theta: Array, n: Array) -> Array:
    return _rounded(np.sin, (n + 0.5) * theta) / _rounded(np.sin, theta / 2)


def chebyshev_polynomial_t(x: Any, n: Any) -> Array:
    """Chebyshev polynomial of the first kind, cos(n acos x).

    Shape: `x` and `n` broadcast together. Source: DLMF 18.5.1, 18.9.9.

    >>> chebyshev_polynomial_t(np.array([0.5, 2.0]), 3)
    array([-1., 26.])
    """
    return _chebyshev(x, n, 1, 0, False, 6, _cos_t)


def chebyshev_polynomial_u(x: Any, n: Any) -> Array:
    """Chebyshev polynomial of the second kind, sin((n + 1) acos x) / sin(acos x).

    Shape: `x` and `n` broadcast together. Source: DLMF 18.5.2, 18.9.10.

    >>> chebyshev_polynomial_u(np.array([0.5, 2.0]), 3)
    array([-1., 56.])
    """
    return _chebyshev(x, n, 2, 0, False, 8, _sin_u)


def chebyshev_polynomial_v(x: Any, n: Any) -> Array:
    """Chebyshev polynomial of the third kind, cos((n + 1/2) acos x) / cos(acos(x) / 2).

    Shape: `x` and `n` broadcast together. Source: Mason & Handscomb (2003), 1.2.

    >>> chebyshev_polynomial_v(np.array([0.5, 2.0]), 3)
    array([-1., 41.])
    """
    return _chebyshev(x, n, 2, -1, False, 8, _cos_v)


def chebyshev_polynomial_w(x: Any, n: Any) -> Array:
    """Chebyshev polynomial of the fourth kind, sin((n + 1/2) acos x) / sin(acos(x) / 2).

    Shape: `x` and `n` broadcast together. Source: Mason & Handscomb (2003), 1.2.

    >>> chebyshev_polynomial_w(np.array([0.5, 2.0]), 3)
    array([-1., 71.])
    """
    return _chebyshev(x, n, 2, 1, False, 8, _sin_w)


def shifted_chebyshev_polynomial_t(x: Any, n: Any) -> Array:
    """chebyshev_polynomial_t(2 x - 1, n).

    Shape: `x` and `n` broadcast together. Source: DLMF 18.7.7.

    >>> shifted_chebyshev_polynomial_t(np.array([2.0]), 2)
    array([17.])
    """
    return _chebyshev(x, n, 1, 0, True, 6, _cos_t)


def shifted_chebyshev_polynomial_u(x: Any, n: Any) -> Array:
    """chebyshev_polynomial_u(2 x - 1, n).

    Shape: `x` and `n` broadcast together. Source: DLMF 18.7.8.

    >>> shifted_chebyshev_polynomial_u(np.array([2.0]), 2)
    array([35.])
    """
    return _chebyshev(x, n, 2, 0, True, 6, _sin_u)


def shifted_chebyshev_polynomial_v(x: Any, n: Any) -> Array:
    """chebyshev_polynomial_v(2 x - 1, n).

    Shape: `x` and `n` broadcast together. Source: Mason & Handscomb (2003), 1.3.

    >>> shifted_chebyshev_polynomial_v(np.array([2.0]), 2)
    array([29.])
    """
    return _chebyshev(x, n, 2, -1, True, 6, _cos_v)


def shifted_chebyshev_polynomial_w(x: Any, n: Any) -> Array:
    """chebyshev_polynomial_w(2 x - 1, n).

    Shape: `x` and `n` broadcast together. Source: Mason & Handscomb (2003), 1.3.

    >>> shifted_chebyshev_polynomial_w(np.array([2.0]), 2)
    array([41.])
    """
    return _chebyshev(x, n, 2, 1, True, 4, _sin_w)


def _polynomial(x: Any, n: Any, first: Callable[[Array], Array], step: Step, hermite: bool = False) -> Array:
    x, degree, dtype = _prepare(x, n)
    with np.errstate(all="ignore"):
        # Hermite polynomials overflow; PyTorch answers NaN above these degrees.
        limit = (128 if x.dtype == np.float32 else 512) if hermite else np.iinfo(np.int64).max
        out = _recurrence(x, np.where(degree > limit, 0, degree), first(x), step)
        if hermite:
            out = np.where(degree > limit, x.dtype.type(np.nan), out)
    return out.astype(dtype, copy=False)


def hermite_polynomial_h(x: Any, n: Any) -> Array:
    """Physicist's Hermite polynomial.

    Shape: `x` and `n` broadcast together. Source: DLMF 18.9.13, torch.special.hermite_polynomial_h.

    >>> hermite_polynomial_h(np.array([0.5, 2.0]), 3)
    array([-5., 40.])
    """
    return _polynomial(x, n, lambda x: x + x, lambda k, x, p, q: _fused(x + x, q, 2 * k * p), hermite=True)


def hermite_polynomial_he(x: Any, n: Any) -> Array:
    """Probabilist's Hermite polynomial.

    Shape: `x` and `n` broadcast together. Source: DLMF 18.9.13, torch.special.hermite_polynomial_he.

    >>> hermite_polynomial_he(np.array([1.0, 2.0]), 3)
    array([-2.,  2.])
    """
    return _polynomial(x, n, lambda x: x + 0, lambda k, x, p, q: _fused(x, q, k * p), hermite=True)


def laguerre_polynomial_l(x: Any, n: Any) -> Array:
    """Laguerre polynomial.

    Shape: `x` and `n` broadcast together. Source: DLMF 18.9.13, torch.special.laguerre_polynomial_l.

    >>> laguerre_polynomial_l(np.array([0.0, 2.0]), 2)
    array([ 1., -1.])
    """
    return _polynomial(
        x, n, lambda x: 1 - x, lambda k, x, p, q: _fused(2 * k + (1 - x), q, k * p) / (k + 1)
    )


def legendre_polynomial_p(x: Any, n: Any) -> Array:
    """Legendre polynomial.

    Shape: `x` and `n` broadcast together. Source: DLMF 18.9.13, torch.special.legendre_polynomial_p.

    >>> legendre_polynomial_p(np.array([0.5, 2.0]), 2)
    array([-0.125,  5.5  ])
    """
    return _polynomial(
        x, n, lambda x: x + 0, lambda k, x, p, q: _fused((2 * k + 1) * x, q, k * p) / (k + 1)
    )
