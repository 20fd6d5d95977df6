"""Bessel functions of order 0 and 1 (J, Y, I, K), spherical j0 and Airy's Ai.

Called through `special.py`. Small arguments use Chebyshev series of the entire part, large ones Hankel's
asymptotic form with Chebyshev series in 1/x (tables in `special_bessel_tables.py`). Everything computes in
float64. At zero, at infinity and for negative arguments the values are PyTorch's. Imports NumPy and the
files beside it only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import special_bessel_tables as table
from .special_tools import Array, chebyshev, horner, in_float64, regions

_TWO_OVER_PI = 2 / math.pi
_ROOT_2_OVER_PI = math.sqrt(2 / math.pi)


def _entire(x: Array, coefficients: Sequence[float]) -> Array:
    return chebyshev(x * x / 32 - 1, coefficients)


def _hankel(x: Array, p: Sequence[float], q: Sequence[float]) -> tuple[Array, Array, Array]:
    """Amplitude, P and Q of the asymptotic form for x >= 8. Source: DLMF 10.17.3-4."""
    t = 2 * (8 / x) ** 2 - 1
    return _ROOT_2_OVER_PI / np.sqrt(x), chebyshev(t, p), chebyshev(t, q) / x


def _phase(x: Array) -> tuple[Array, Array]:
    """cos and sin of x - pi/4, from cos x and sin x so that x keeps its digits."""
    c, s = np.cos(x), np.sin(x)
    return (c + s) * math.sqrt(0.5), (s - c) * math.sqrt(0.5)


def _j0_small(x: Array) -> Array:
    return _entire(x, table.J0)


def _j0_large(x: Array) -> Array:
    amplitude, p, q = _hankel(x, table.P0, table.Q0)
    c, s = _phase(x)
    return amplitude * (p * c - q * s)


def _j1_small(x: Array) -> Array:
    return x * _entire(x, table.J1)


def _j1_large(x: Array) -> Array:
    amplitude, p, q = _hankel(x, table.P1, table.Q1)
    c, s = _phase(x)  # x - 3 pi/4 is a quarter turn behind
    return amplitude * (p * s + q * c)


def _y0_small(x: Array) -> Array:
    return _entire(x, table.Y0) + _TWO_OVER_PI * np.log(x) * _j0_small(x)


def _y0_large(x: Array) -> Array:
    amplitude, p, q = _hankel(x, table.P0, table.Q0)
    c, s = _phase(x)
    return amplitude * (p * s + q * c)


def _y1_small(x: Array) -> Array:
    return x * _entire(x, table.Y1) + _TWO_OVER_PI * (np.log(x) * _j1_small(x) - 1 / x)


def _y1_large(x: Array) -> Array:
    amplitude, p, q = _hankel(x, table.P1, table.Q1)
    c, s = _phase(x)
    return amplitude * (q * s - p * c)


@in_float64
def bessel_j0(x: Any) -> Array:
    """Bessel function of the first kind of order 0; NaN at infinity.

    Shape: that of `x`. Source: DLMF 10.17.3, Clenshaw (1962).

    >>> bessel_j0(np.array([0.0, 1.0])).round(6)
    array([1.      , 0.765198])
    """
    x = np.abs(x)
    return regions((x,), (x <= 8, _j0_small), (x > 8, _j0_large))


@in_float64
def bessel_j1(x: Any) -> Array:
    """Bessel function of the first kind of order 1; NaN at infinity.

    Shape: that of `x`. Source: DLMF 10.17.3, Clenshaw (1962).

    >>> bessel_j1(np.array([0.0, 1.0])).round(6)
    array([0.      , 0.440051])
    """
    small = np.abs(x) <= 8
    return regions((x,), (small, _j1_small), (~small, lambda x: np.sign(x) * _j1_large(np.abs(x))))


def _second_kind(x: Array, split: float, at_zero: float, small: Callable[[Array], Array],
                 large: Callable[[Array], Array]) -> Array:
    """The functions with a pole at zero and a cut to its left: NaN for x < 0."""
    return regions(
        (x,),
        ((x > 0) & (x <= split), small),
        (x > split, large),
        (x == 0, lambda x: np.full_like(x, at_zero)),
    )


@in_float64
def bessel_y0(x: Any) -> Array:
    """Bessel function of the second kind of order 0; minus infinity at 0, NaN for x < 0.

    Shape: that of `x`. Source: DLMF 10.8.2, 10.17.4, Clenshaw (1962).

    >>> bessel_y0(np.array([0.0, 1.0])).round(6)
    array([    -inf, 0.088257])
    """
    return _second_kind(x, 8, -np.inf, _y0_small, _y0_large)


@in_float64
def bessel_y1(x: Any) -> Array:
    """Bessel function of the second kind of order 1; minus infinity at 0, NaN for x < 0.

    Shape: that of `x`. Source: DLMF 10.8.1, 10.17.4, Clenshaw (1962).

    >>> bessel_y1(np.array([0.0, 1.0])).round(6)
    array([     -inf, -0.781213])
    """
    return _second_kind(x, 8, -np.inf, _y1_small, _y1_large)


def _i0e(x: Array) -> Array:
    x = np.abs(x)
    return regions(
        (x,),
        (x <= 8, lambda x: chebyshev(x / 4 - 1, table.I0_SMALL)),
        (x > 8, lambda x: chebyshev(16 / x - 1, table.I0_LARGE) / np.sqrt(x)),
    )


def _i1e(x: Array) -> Array:
    size = regions(
        (np.abs(x),),
        (np.abs(x) <= 8, lambda x: x * chebyshev(x / 4 - 1, table.I1_SMALL)),
        (np.abs(x) > 8, lambda x: chebyshev(16 / x - 1, table.I1_LARGE) / np.sqrt(x)),
    )
    return np.where(x < 0, -size, size)


@in_float64
def i0(x: Any) -> Array:
    """Modified Bessel function of the first kind of order 0 (also torch.special.modified_bessel_i0).

    Shape: that of `x`. Source: DLMF 10.40.1, Clenshaw (1962).

    >>> i0(np.array([0.0, 1.0])).round(6)
    array([1.      , 1.266066])
    """
    return np.exp(np.abs(x)) * _i0e(x)


@in_float64
def i0e(x: Any) -> Array:
    """exp(-abs(x)) * i0(x).

    Shape: that of `x`. Source: DLMF 10.40.1, Clenshaw (1962).

    >>> i0e(np.array([1.0])).round(6)
    array([0.46576])
    """
    return _i0e(x)


@in_float64
def i1(x: Any) -> Array:
    """Modified Bessel function of the first kind of order 1 (also torch.special.modified_bessel_i1).

    Shape: that of `x`. Source: DLMF 10.40.1, Clenshaw (1962).

    >>> i1(np.array([0.0, 1.0])).round(6)
    array([0.      , 0.565159])
    """
    return np.exp(np.abs(x)) * _i1e(x)


@in_float64
def i1e(x: Any) -> Array:
    """exp(-abs(x)) * i1(x).

    Shape: that of `x`. Source: DLMF 10.40.1, Clenshaw (1962).

    >>> i1e(np.array([1.0])).round(6)
    array([0.20791])
    """
    return _i1e(x)


def _k0_small(x: Array) -> Array:
    return chebyshev(x * x / 2 - 1, table.K0_SMALL) - np.log(x / 2) * np.exp(x) * _i0e(x)


def _k1_small(x: Array) -> Array:
    return chebyshev(x * x / 2 - 1, table.K1_SMALL) / x + np.log(x / 2) * np.exp(x) * _i1e(x)


def _k0_large_scaled(x: Array) -> Array:
    return chebyshev(4 / x - 1, table.K0_LARGE) / np.sqrt(x)


def _k1_large_scaled(x: Array) -> Array:
    return chebyshev(4 / x - 1, table.K1_LARGE) / np.sqrt(x)


@in_float64
def modified_bessel_k0(x: Any) -> Array:
    """Modified Bessel function of the second kind of order 0; infinite at 0, NaN for x < 0.

    Shape: that of `x`. Source: DLMF 10.31.2, 10.40.2, Clenshaw (1962).

    >>> modified_bessel_k0(np.array([0.0, 1.0])).round(6)
    array([     inf, 0.421024])
    """
    return _second_kind(x, 2, np.inf, _k0_small, lambda x: np.exp(-x) * _k0_large_scaled(x))


@in_float64
def modified_bessel_k1(x: Any) -> Array:
    """Modified Bessel function of the second kind of order 1; infinite at 0, NaN for x < 0.

    Shape: that of `x`. Source: DLMF 10.31.1, 10.40.2, Clenshaw (1962).

    >>> modified_bessel_k1(np.array([0.0, 1.0])).round(6)
    array([     inf, 0.601907])
    """
    return _second_kind(x, 2, np.inf, _k1_small, lambda x: np.exp(-x) * _k1_large_scaled(x))


@in_float64
def scaled_modified_bessel_k0(x: Any) -> Array:
    """exp(x) * modified_bessel_k0(x).

    Shape: that of `x`. Source: DLMF 10.31.2, 10.40.2, Clenshaw (1962).

    >>> scaled_modified_bessel_k0(np.array([1.0])).round(6)
    array([1.144463])
    """
    return _second_kind(x, 2, np.inf, lambda x: np.exp(x) * _k0_small(x), _k0_large_scaled)


@in_float64
def scaled_modified_bessel_k1(x: Any) -> Array:
    """exp(x) * modified_bessel_k1(x).

    Shape: that of `x`. Source: DLMF 10.31.1, 10.40.2, Clenshaw (1962).

    >>> scaled_modified_bessel_k1(np.array([1.0])).round(6)
    array([1.636153])
    """
    return _second_kind(x, 2, np.inf, lambda x: np.exp(x) * _k1_small(x), _k1_large_scaled)


@in_float64
def spherical_bessel_j0(x: Any) -> Array:
    """sin(x) / x, 1 at zero and 0 at infinity.

    Shape: that of `x`. Source: DLMF 10.49.3.

    >>> spherical_bessel_j0(np.array([0.0, np.inf]))
    array([1., 0.])
    """
    return regions(
        (x,),
        (x != 0, lambda x: np.sin(x) / x),
        (np.abs(x) < 1e-4, lambda x: horner(x * x, (1 / 120, -1 / 6, 1.0))),
        (np.isinf(x), np.zeros_like),
    )


def _airy_right(x: Array) -> Array:
    decay = np.exp(x * np.sqrt(x) * (-2 / 3)) / (2 * math.sqrt(math.pi) * np.sqrt(np.sqrt(x)))
    return decay * chebyshev(2 * (2 / x) ** 1.5 - 1, table.AIRY_RIGHT)


def _airy_left(x: Array) -> Array:
    y = -x
    z, t = y * np.sqrt(y) * (2 / 3), 2 * (5 / y) ** 3 - 1
    c, s = _phase(z)
    wave = c * chebyshev(t, table.AIRY_F) + s * chebyshev(t, table.AIRY_G) / z
    return wave / (math.sqrt(math.pi) * np.sqrt(np.sqrt(y)))


@in_float64
def airy_ai(x: Any) -> Array:
    """Airy function Ai; NaN at infinity.

    Shape: that of `x`. Source: DLMF 9.7.5, 9.7.9 beyond 2 and -5, a Chebyshev series between.

    >>> airy_ai(np.array([0.0, 1.0])).round(6)
    array([0.355028, 0.135292])
    """
    return regions(
        (x,),
        ((x >= -5) & (x <= 2), lambda x: chebyshev((2 * x + 3) / 7, table.AIRY_MIDDLE)),
        ((x > 2) & np.isfinite(x), _airy_right),
        ((x < -5) & np.isfinite(x), _airy_left),
    )
