"""The gamma function's family: lgamma, digamma, polygamma and the Hurwitz zeta function.

Called through `special.py`; `special_gammainc.py` uses the float64 pieces. All computes in float64 except
trigamma, which keeps the input's precision so that its poles look as PyTorch's do. The Chebyshev tables
interpolate the named function at 60 nodes with 45 digits (mpmath), cut below 2e-17. Imports NumPy and
`special_tools` only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .special_tools import Array, chebyshev, horner, in_float64, real, regions

# lgamma(1 + u) / u, Chebyshev in 2u on |u| <= 1/2.
_LGAMMA1 = (
    -0.633011426275031, 0.4405675574678963, -0.057857409449912446, 0.010513973690267811,
    -0.002163989092091715, 0.0004744402338724658, -0.00010799644528099427, 2.5201155299530276e-05,
    -5.986014498026819e-06, 1.4410616180293054e-06, -3.5060690575761177e-07, 8.603823016763753e-08,
    -2.126510912478688e-08, 5.287778091463614e-09, -1.3217135752166157e-09, 3.3186698554450495e-10,
    -8.365902567746219e-11, 2.116338666160694e-11, -5.370507653794381e-12, 1.3666688100545857e-12,
    -3.486660039885161e-13, 8.915622432767707e-14, -2.28454959350908e-14, 5.86514671522212e-15,
    -1.5084071183968602e-15, 3.885614648428306e-16, -1.0024188186640361e-16, 2.5896418565384152e-17,
)
# lgamma(2 + u) / u, Chebyshev in (4u - 1) / 3 on -1/2 <= u <= 1.
_LGAMMA2 = (
    0.48362763659842517, 0.22408351337696908, -0.016061611364725618, 0.0016796351005504537,
    -0.000206207082576848, 2.7619482587698902e-05, -3.902432064395172e-06, 5.712600238782988e-07,
    -8.57232441585347e-08, 1.3098706178370361e-08, -2.0291174319191596e-09, 3.177019404112652e-10,
    -5.0168902255267044e-11, 7.977607508944761e-12, -1.2759320707466868e-12, 2.0507506001786822e-13,
    -3.309998326505828e-14, 5.362087191185866e-15, -8.714427500704616e-16, 1.4203170417419452e-16,
    -2.3208252786405174e-17,
)
# lgamma(x), Chebyshev in (x - 5.5) / 2.5 on 3 <= x <= 8.
_LGAMMA3 = (
    4.279739698099203, 3.9450988185126756, 0.3255673375009746, -0.02848320523568185, 0.003740682549409767,
    -0.0005886069713650613, 0.00010265809795118672, -1.9129016841133593e-05, 3.7315170321594507e-06,
    -7.525998542829356e-07, 1.5566278944797453e-07, -3.2832563128974686e-08, 7.033547324878824e-09,
    -1.525815040231788e-09, 3.344335790568014e-10, -7.393395016155016e-11, 1.6463103136120872e-11,
    -3.688430041158149e-12, 8.307171015937658e-13, -1.879474919245369e-13, 4.269103126144874e-14,
    -9.730649087368384e-15, 2.2247181227259754e-15, -5.100198379803953e-16, 1.1720647553021896e-16,
)
# Bernoulli numbers B2, B4, ... B24 (DLMF 24.2(iv)).
_BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510,
    43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730,
)
# B2k / (2k (2k - 1)) and B2k / 2k, highest power of 1/x**2 first: Stirling's series of lgamma and digamma.
_STIRLING = tuple(b / (2 * k * (2 * k - 1)) for k, b in enumerate(_BERNOULLI[:10], 1))[::-1]
_DIGAMMA = tuple(b / (2 * k) for k, b in enumerate(_BERNOULLI[:8], 1))[::-1]

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_ZETA_TERMS = 9  # terms summed directly before the Euler-Maclaurin tail
_ZETA_REFLECT = -32.0  # further left, the terms at negative arguments are folded onto positive ones


def sin_pi(x: Array) -> Array:
    """sin(pi x), exact at integers and half-integers whatever their size."""
    rest = x - 2 * np.round(x / 2)  # in [-1, 1]
    return np.sin(np.pi * np.where(np.abs(rest) > 0.5, np.copysign(1, rest) - rest, rest))


def lgamma1p(u: Array) -> Array:
    """lgamma(1 + u) for |u| <= 1/2, with full relative precision at u = 0."""
    return u * chebyshev(2 * u, _LGAMMA1) + 0.0  # + 0.0: lgamma(1) is 0, not -0


def stirling_correction(x: Array) -> Array:
    """lgamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2) for x >= 8. Source: DLMF 5.11.1."""
    return horner(1 / (x * x), _STIRLING) / x


def _lgamma_large(x: Array) -> Array:
    log = np.log(x)
    # log x - 1 first: for x near the largest float the two products would overflow one by one.
    main = (x - 0.5) * (log - 1) + (_HALF_LOG_2PI - 0.5)
    return np.where(np.isinf(x), np.inf, main + stirling_correction(x))


def _lgamma_left(x: Array) -> Array:
    """For x <= -1/2 by reflection: Gamma(x) Gamma(-x) = -pi / (x sin(pi x)). Source: DLMF 5.5.3."""
    return np.log(np.pi / np.abs(x * sin_pi(x))) - lgamma64(-x)


def lgamma64(x: Array) -> Array:
    """lgamma for a flat float64 array."""
    return regions(
        (x,),
        (np.abs(x) <= 0.5, lambda x: lgamma1p(x) - np.log(np.abs(x))),
        ((x > 0.5) & (x <= 1.5), lambda x: lgamma1p(x - 1)),
        ((x > 1.5) & (x <= 3), lambda x: (x - 2) * chebyshev((4 * (x - 2) - 1) / 3, _LGAMMA2)),
        ((x > 3) & (x <= 8), lambda x: chebyshev((x - 5.5) / 2.5, _LGAMMA3)),
        (x > 8, _lgamma_large),
        (x < -0.5, _lgamma_left),
        ((x <= 0) & (x == np.floor(x)), lambda x: np.full_like(x, np.inf)),
    )


@in_float64
def lgamma(x: Any) -> Array:
    """log(abs(Gamma(x))); infinite at zero and the negative integers.

    Shape: that of `x`. Source: DLMF 5.11.1 (Stirling), 5.5.3 (reflection), Chebyshev series between.

    >>> lgamma(np.array([0.5, 1.0, 10.0])).round(6)
    array([ 0.572365,  0.      , 12.801827])
    """
    return lgamma64(x)


def _digamma_right(x: Array) -> Array:
    """For x > 0: step up to x >= 10, then the asymptotic series. Source: DLMF 5.5.2, 5.11.2."""
    x, steps = x.copy(), np.zeros_like(x)
    while (small := x < 10).any():
        steps -= np.where(small, 1 / x, 0)
        x += small
    z = 1 / (x * x)
    return steps + np.log(x) - 0.5 / x - z * horner(z, _DIGAMMA)


def _digamma_left(x: Array) -> Array:
    rest = x - np.round(x)
    return _digamma_right(1 - x) - np.pi / np.tan(np.pi * rest)


@in_float64
def digamma(x: Any) -> Array:
    """Derivative of lgamma; NaN at negative integers, minus or plus infinity at plus or minus zero.

    Shape: that of `x`. Source: DLMF 5.5.2, 5.5.4, 5.11.2.

    >>> digamma(np.array([1.0, 0.0])).round(6)
    array([-0.577216,      -inf])
    """
    return regions(
        (x,),
        (x > 0, _digamma_right),
        ((x < 0) & (x != np.floor(x)), _digamma_left),
        (x == 0, lambda x: np.copysign(np.inf, -x)),
    )


def _trigamma(x: Any) -> Array:
    """zeta(2, x), reflected for x < 1/2; in the precision of `x`. Source: DLMF 5.15.5, 5.15.6, 5.15.8."""
    x, dtype = real(x)
    with np.errstate(all="ignore"):
        left = x < 0.5
        y = np.where(left, 1 - x, x)
        total = np.zeros_like(y)
        for _ in range(6):
            total += 1 / (y * y)
            y = y + 1
        z = 1 / (y * y)
        total += (1 + 1 / (2 * y) + z * horner(z, _BERNOULLI[7::-1])) / y
        out = np.where(left, np.square(np.pi / np.sin(np.pi * x)) - total, total)
    return out.astype(dtype, copy=False)


def polygamma(n: int, x: Any) -> Array:
    """The n-th derivative of digamma.

    Shape: that of `x`. Raises: RuntimeError for negative n. Source: DLMF 5.15.1, n! zeta(n + 1, x) with sign.

    >>> polygamma(1, np.array([1.0])).round(6)
    array([1.644934])
    """
    if n < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n, got n={n}")
    if n == 0:
        return digamma(x)
    if n == 1:
        return _trigamma(x)

    def derivative(x: Array) -> Array:
        factorial = np.exp(lgamma64(np.array([n + 1.0])))
        return (1.0 if n % 2 else -1.0) * factorial * _zeta64(np.full_like(x, n + 1.0), x)

    return in_float64(derivative)(x)


def _zeta_sum(s: Array, q: Array) -> Array:
    """Euler-Maclaurin: direct terms up to q + k > 9, then the tail. Source: DLMF 25.11.7, Cephes' zeta."""
    eps = np.finfo(np.float64).eps
    a, term = q.copy(), np.power(q, -s)
    total, done, count = term.copy(), np.zeros(q.shape, bool), 0
    while (todo := ~done & ((count < _ZETA_TERMS) | (a <= 9))).any():
        count += 1
        a += todo
        term = np.where(todo, np.power(a, -s), term)
        total = np.where(todo, total + term, total)
        done |= todo & (np.abs(term) < eps * np.abs(total))
    tail = term * a / (s - 1) - 0.5 * term
    power, rising, factorial = term / a, s.copy(), 2.0
    for k, bernoulli in enumerate(_BERNOULLI, 1):
        tail += rising * power * (bernoulli / factorial)
        rising = rising * (s + 2 * k - 1) * (s + 2 * k)
        power = power / (a * a)
        factorial *= (2 * k + 1) * (2 * k + 2)
    return np.where(done, total, total + tail)


def _zeta_reflected(s: Array, q: Array) -> Array:
    """For q far left, s whole: the terms with q + k < 0 are (-1)**s times terms at positive arguments."""
    rest = q - np.floor(q)
    below = _zeta_sum(s, 1 - rest) - np.nan_to_num(_zeta_sum(s, 1 - q))  # NaN: s so large that it is 0
    return _zeta_sum(s, rest) + np.where(s % 2 == 0, below, -below)


def _zeta64(s: Array, q: Array) -> Array:
    whole = s == np.floor(s)
    pole = (q <= 0) & (q == np.floor(q))
    near, far = ~pole & (q >= _ZETA_REFLECT), q < _ZETA_REFLECT
    return regions(
        (s, q),
        ((s > 1) & (near & (whole | (q > 0))), _zeta_sum),
        ((s > 1) & far & whole, _zeta_reflected),
        ((s == np.inf) & far, lambda s, q: np.full_like(s, np.inf)),
        ((s == 1) | pole & ~(s < 1), lambda s, q: np.full_like(s, np.inf)),
    )


@in_float64
def zeta(s: Any, q: Any) -> Array:
    """Hurwitz zeta function: sum of (q + k)**-s over k = 0, 1, ...; NaN for s < 1, infinite at poles.

    Shape: `s` and `q` broadcast together. Source: DLMF 25.11.7.

    >>> zeta(np.array([2.0]), np.array([1.0])).round(6)
    array([1.644934])
    """
    return _zeta64(s, q)
