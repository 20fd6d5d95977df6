"""The regularised incomplete gamma functions P (gammainc) and Q (gammaincc).

Called through `special.py`. Four methods share the plane: a power series for P (x < a), one for Q (x and a
small), a continued fraction for Q (x > a) and Temme's uniform expansion (a large, x near a). Everything
computes in float64. Imports NumPy and the special functions beside this file only.
"""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any

import numpy as np

from .special_erf import erfc64
from .special_gamma import lgamma1p, lgamma64, stirling_correction
from .special_tools import Array, horner, in_float64, regions

_EPS = float(np.finfo(np.float64).eps)
_MAX_TERMS = 2000
_TEMME_ORDERS = 12  # powers of 1/a: a >= 20
_TEMME_POWERS = 20  # powers of eta: |eta| < 0.4

# Coefficients of Gamma(a) ~ exp(-a) a**a sqrt(2 pi / a) * sum of g[k] / a**k follow from log: DLMF 5.11.1,
# 5.11.3.
_BERNOULLI = tuple(Fraction(*b) for b in ((1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730)))


def _stirling_coefficients(count: int) -> list[Fraction]:
    """g[0..count-1], the exponential of Stirling's series: k g[k] is the sum of j c[j] g[k-j]."""
    series = [Fraction(0)] * (count + 12)
    for k, b in enumerate(_BERNOULLI, 1):
        series[2 * k - 1] = b / (2 * k * (2 * k - 1))
    g = [Fraction(1)]
    for k in range(1, count):
        g.append(sum((j * series[j] * g[k - j] for j in range(1, k + 1)), Fraction(0)) / k)
    return g


@functools.cache
def _temme_table() -> tuple[tuple[float, ...], ...]:
    """Power series in eta (highest power first) of Temme's c_0, c_1, ... Source: DLMF 8.12.10-12.

    With mu = x/a - 1 and eta**2 / 2 = mu - log(1 + mu):  c_0 = 1/mu - 1/eta,
    c_k = (1/eta) dc_(k-1)/deta + (-1)**k g_k / mu; the poles at eta = 0 cancel.
    """
    size = _TEMME_POWERS + 2 * _TEMME_ORDERS + 3
    mu = [Fraction(0), Fraction(1)]  # mu(eta), from mu mu' = eta (1 + mu)
    for n in range(2, size + 1):
        known = sum((mu[j] * mu[n + 1 - j] for j in range(2, n)), Fraction(0))
        # Coefficient of eta**n in mu mu' = (mu**2 / 2)' is (n + 1) / 2 times that of eta**(n + 1) in mu**2.
        mu.append((2 * mu[n - 1] / (n + 1) - known) / 2)
    inverse = [Fraction(1)]  # eta / mu
    for n in range(1, size):
        inverse.append(-sum((mu[j + 1] * inverse[n - j] for j in range(1, n + 1)), Fraction(0)))
    g = _stirling_coefficients(_TEMME_ORDERS)
    current = inverse[1:]  # c_0
    rows = [current]
    for k in range(1, _TEMME_ORDERS):
        # The term eta**-1 of the derivative cancels the pole of g_k / mu.
        pole, size = (-1) ** k * g[k], len(current) - 2
        current = [(n + 2) * current[n + 2] + pole * inverse[n + 1] for n in range(size)]
        rows.append(current)
    return tuple(tuple(float(c) for c in row[:_TEMME_POWERS])[::-1] for row in rows)


def _excess(a: Array, x: Array) -> Array:
    """mu - log(1 + mu) >= 0 for mu = x/a - 1, by its series near zero. Source: DLMF 4.6.4."""
    mu = (x - a) / a
    small = np.clip(mu, -0.35, 0.35)
    r = small / (2 + small)  # log(1 + mu) = 2 atanh(r)
    z = r * r
    series = small * r - 2 * r * z * horner(z, tuple(1.0 / (2 * k + 1) for k in range(14, 0, -1)))
    return np.where(np.abs(mu) < 0.35, series, mu - np.log(x / a))


def _prefactor(a: Array, x: Array) -> Array:
    """x**a exp(-x) / Gamma(a + 1), without cancellation for large a. Source: DLMF 5.11.1."""

    def small(a: Array, x: Array) -> Array:
        return np.exp(a * np.log(x) - x - np.where(a <= 0.5, lgamma1p(np.minimum(a, 0.5)), lgamma64(a + 1)))

    def large(a: Array, x: Array) -> Array:
        return np.exp(-a * _excess(a, x) - stirling_correction(a)) / np.sqrt(2 * np.pi * a)

    return regions((a, x), (a < 10, small), (a >= 10, large))


def _series_p(a: Array, x: Array) -> Array:
    """P = prefactor * (1 + x/(a+1) + x**2/((a+1)(a+2)) + ...). Source: DLMF 8.7.1."""
    total, term = np.ones_like(a), np.ones_like(a)
    for k in range(1, _MAX_TERMS):
        term = term * (x / (a + k))
        total += term
        if not (term > total * _EPS).any():
            break
    return total * _prefactor(a, x)


def _series_q(a: Array, x: Array) -> Array:
    """Q for small x: 1 - x**a / Gamma(a+1) * (1 - a x / (a+1) + ...), ones cancelled. Source: DLMF 8.7.3."""
    term, total = np.ones_like(a), np.zeros_like(a)
    for k in range(1, _MAX_TERMS):
        term = term * (-x / k)
        total += term / (a + k)
        if not (np.abs(term) > np.abs(total) * _EPS).any():
            break
    log_power = a * np.log(x) - np.where(a <= 0.5, lgamma1p(np.minimum(a, 0.5)), lgamma64(a + 1))
    return -np.expm1(log_power) - np.exp(log_power) * a * total


def _fraction_q(a: Array, x: Array) -> Array:
    """Q = prefactor * a / (x + 1 - a - 1(1-a)/(x + 3 - a - ...)). Source: DLMF 8.9.2, modified Lentz."""
    tiny = 1e-300
    b = x + 1 - a
    c, d = np.full_like(a, 1 / tiny), 1 / np.where(b == 0, tiny, b)
    ratio = d.copy()
    for k in range(1, _MAX_TERMS):
        numerator = k * (a - k)
        b = b + 2
        d = numerator * d + b
        c = b + numerator / c
        d = 1 / np.where(np.abs(d) < tiny, tiny, d)
        c = np.where(np.abs(c) < tiny, tiny, c)
        step = c * d
        ratio *= step
        if not (np.abs(step - 1) > _EPS).any():
            break
    return ratio * a * _prefactor(a, x)


def _temme(a: Array, x: Array, sign: float) -> Array:
    """P (sign -1) or Q (sign +1) for large a and x near a. Source: Temme (1979), DLMF 8.12.3-8.12.7."""
    half_square = _excess(a, x)
    eta = np.copysign(np.sqrt(2 * half_square), x - a)
    total = np.zeros_like(a)
    for row in reversed(_temme_table()):
        total = total / a + horner(eta, row)
    rest = np.exp(-a * half_square) / np.sqrt(2 * np.pi * a) * total
    return 0.5 * erfc64(sign * eta * np.sqrt(a / 2)) + sign * rest


def _near_diagonal(a: Array, x: Array) -> Array:
    distance = np.abs(x - a) / a
    return ((a > 20) & (distance < 0.3)) | ((a > 200) & (distance < 4.5 / np.sqrt(a)))


def _edges(a: Array, x: Array, inside: Array, upper: float) -> Array:
    """Overlay the values at zero, at infinity and outside the domain, in PyTorch's order of precedence."""
    lower = 1.0 - upper
    out = np.where(x == np.inf, upper, inside)
    out = np.where(np.isinf(a), np.where(np.isinf(x), np.nan, lower), out)
    out = np.where(x == 0, lower, out)
    out = np.where(a == 0, np.where(x > 0, upper, np.nan), out)
    return np.where((x < 0) | (a < 0), np.nan, out)


def _inner(a: Array, x: Array) -> Array:
    return (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)


@in_float64
def gammainc(a: Any, x: Any) -> Array:
    """Regularised lower incomplete gamma function P(a, x), torch.special.gammainc (igamma).

    Shape: `a` and `x` broadcast together. Source: DLMF 8.7.1, 8.9.2, 8.12 (Temme 1979).

    >>> gammainc(np.array([1.0]), np.array([1.0])).round(6)
    array([0.632121])
    """
    inner, near, right = _inner(a, x), _near_diagonal(a, x), (x > 1) & (x > a)
    inside = regions(
        (a, x),
        (inner & ~near & ~right, _series_p),
        (inner & ~near & right, lambda a, x: 1 - _fraction_q(a, x)),
        (inner & near, lambda a, x: _temme(a, x, -1.0)),
    )
    return _edges(a, x, inside, upper=1.0)


@in_float64
def gammaincc(a: Any, x: Any) -> Array:
    """Regularised upper incomplete gamma function Q(a, x) = 1 - P(a, x), torch.special.gammaincc (igammac).

    Shape: `a` and `x` broadcast together. Source: DLMF 8.7.1, 8.7.3, 8.9.2, 8.12 (Temme 1979).

    >>> gammaincc(np.array([1.0]), np.array([1.0])).round(6)
    array([0.367879])
    """
    inner, near = _inner(a, x), _near_diagonal(a, x)
    right = (x > 1.1) & (x > a)
    # Left of this line P stays below about 0.9, so that 1 - P is accurate (Gil, Segura & Temme 2012, sec.
    # 2.2).
    large_q = np.where(x <= 0.5, -0.4 / np.log(np.where(x < 1, x, 0.5)) < a, x * 1.1 < a) | (x > 1.1)
    inside = regions(
        (a, x),
        (inner & ~near & ~right & large_q, lambda a, x: 1 - _series_p(a, x)),
        (inner & ~near & ~right & ~large_q, _series_q),
        (inner & ~near & right, _fraction_q),
        (inner & near, lambda a, x: _temme(a, x, 1.0)),
    )
    return _edges(a, x, inside, upper=0.0)
