"""The error function's family: erf, erfc, erfcx, erfinv, ndtr, ndtri, log_ndtr.

Called through `special.py`. float32 erf and erfc are hot (GELU): in-place rational approximations over
cache-sized pieces. Everything else computes in float64. The Chebyshev tables interpolate the named function
at 48 nodes with 45 digits (mpmath) and are cut where they fall below 2e-17; the rationals were fitted by
Lawson's weighted least squares. Imports NumPy and `special_tools` only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .special_tools import Array, blockwise, chebyshev, horner, in_float64, real, regions

# erf(x) / x over z = x*x in [0, 3.95**2], relative error 2.1e-8. Form as in Cody (1969), fitted anew for
# float32.
_ERF_LIMIT = 3.95 * 3.95
_ERF_P = (
    2.025928175395917e-06, 0.0002846876812470989, 0.0038081172808047898,
    0.052875312108102424, 0.19154912282639383, 1.1283791437566848,
)
_ERF_Q = (
    3.783201182089032e-05, 0.0011707168566062358, 0.015055000134892388,
    0.11455915277130484, 0.5030886661286641, 1.0,
)

# exp(t*t) erfc(t) for t in [0, 10.3], relative error 6.0e-9. Form as in Cody (1969), fitted anew for float32.
ERFCX_P = (
    0.03296804324301371, 0.23003603407263618, 0.7333186835352545,
    1.2400474006073794, 1.0000000059512966,
)
ERFCX_Q = (
    0.058433664206433374, 0.40775386064615877, 1.3285691538623015,
    2.405792916187631, 2.3684271663066427, 1.0,
)

# erf(x) / x, Chebyshev in 2 x*x - 1 on |x| <= 1.
_ERF = (
    0.9754769393826541, -0.14226120510371365, 0.010035582187599796, -0.0005768764699767485,
    2.741993125219606e-05, -1.1043175507344507e-06, 3.8488755420345036e-08, -1.1808582533875466e-09,
    3.2334215826050907e-11, -7.991015947004549e-13, 1.7990725113961456e-14, -3.718635487818693e-16,
)
# (1 + 2x) exp(x*x) erfc(x), Chebyshev in (x - 3.75) / (x + 3.75) on x >= 0: Shepherd & Laframboise (1981).
_ERFCX = (
    1.1775789345674017, -0.004590054580646478, -0.08424913336651792, 0.05920993999819189,
    -0.026658668435305753, 0.009074997670705265, -0.002413163540417608, 0.0004907758365258086,
    -6.916973302501207e-05, 4.13902798607301e-06, 7.74038306619849e-07, -2.1886401049234397e-07,
    1.076499946567091e-08, 4.521959811218287e-09, -7.754400208831351e-10, -6.318088340886684e-11,
    2.86879501093067e-11, 1.9455868545777347e-13, -9.65469674843344e-13, 3.25254814814874e-14,
    3.3478119482868056e-14, -1.864562880419313e-15, -1.2507950530688648e-15, 7.418235256624044e-17,
    5.068148904796111e-17,
)
# Wichura (1988), algorithm AS 241 (PPND16): three rationals for the normal quantile, highest power first.
_CENTRE_P = (
    2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
    1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0,
)
_CENTRE_Q = (
    5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
    5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0,
)
_TAIL_P = (
    7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
    3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0,
)
_TAIL_Q = (
    1.05075007164441684e-9, 5.47593808499534495e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
    6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0,
)
_FAR_P = (
    2.01033439929228813e-7, 2.71155556874348758e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
    2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0,
)
_FAR_Q = (
    2.04426310338993979e-15, 1.42151175831644589e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
    1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0,
)

_ROOT_HALF = math.sqrt(0.5)


def _erf32(x: Array, out: Array, z: Array, q: Array) -> None:
    np.multiply(x, x, out=z)
    np.minimum(z, _ERF_LIMIT, out=z)
    horner(z, _ERF_P, out)
    horner(z, _ERF_Q, q)
    np.divide(out, q, out=out)
    np.multiply(out, x, out=out)
    np.clip(out, -1, 1, out=out)


def _erfc32(x: Array, out: Array, t: Array, q: Array, tail: Array) -> None:
    np.absolute(x, out=t)
    np.minimum(t, 11, out=t)  # exp(-121) is zero in float32; keeps the rational finite
    horner(t, ERFCX_P, out)
    horner(t, ERFCX_Q, q)
    np.divide(out, q, out=out)
    # exp(-t*t) = exp(-h*h) exp(-(t-h)(t+h)), where h is t cut to 12 bits: h*h is exact.
    np.bitwise_and(t.view(np.int32), -4096, out=q.view(np.int32))
    np.subtract(t, q, out=tail)
    np.add(t, q, out=t)
    np.multiply(tail, t, out=tail)
    np.square(q, out=q)
    for exponent in (q, tail):
        np.negative(exponent, out=exponent)
        np.exp(exponent, out=exponent)
        np.multiply(out, exponent, out=out)
    np.less(x, 0, out=t)
    np.add(t, t, out=t)
    np.subtract(t, out, out=out)
    np.absolute(out, out=out)


def exp_square(x: Array, sign: float) -> Array:
    """exp(sign * x * x) in float64 without the error that rounding x * x would bring into the exponent."""
    head = x.astype(np.float32).astype(np.float64)  # 24 bits: its square is exact
    return np.where(np.abs(x) < 30, np.exp(sign * head * head) * np.exp(sign * (x - head) * (x + head)),
                    np.exp(sign * x * x))


def scaled_erfc(x: Array) -> Array:
    """exp(x*x) erfc(x) for float64 x >= 0."""
    return chebyshev(1 - 7.5 / (x + 3.75), _ERFCX) / (1 + 2 * x)


def erfc64(x: Array) -> Array:
    """erfc in float64 for a flat float64 array."""
    t = np.minimum(np.abs(x), 28.0)
    upper = exp_square(t, -1.0) * scaled_erfc(t)
    return regions(
        (x, upper),
        (x >= 0, lambda x, upper: upper),
        (x < 0, lambda x, upper: 2 - upper),
        (np.abs(x) < 0.5, lambda x, upper: 1 - _erf_series(x)),
    )


def _erf_series(x: Array) -> Array:
    return x * chebyshev(2 * x * x - 1, _ERF)


def _erf64(x: Array) -> Array:
    return regions(
        (x,),
        (np.abs(x) <= 1, _erf_series),
        (np.abs(x) > 1, lambda x: np.sign(x) - np.sign(x) * erfc64(np.abs(x))),
    )


_erf_slow, _erfc_slow = in_float64(_erf64), in_float64(erfc64)


def erf(x: Any) -> Array:
    """Error function 2/sqrt(pi) * integral of exp(-t*t) from 0 to x.

    Shape: that of `x`. Source: DLMF 7.2.1; rational form of Cody (1969), float64 by Chebyshev series.

    >>> erf(np.array([0.0, 1.0])).round(6)
    array([0.      , 0.842701])
    """
    return _erf_slow(x) if real(x)[1] == np.float64 else blockwise(_erf32, x, scratch=2)


def erfc(x: Any) -> Array:
    """1 - erf(x), without cancellation for large x.

    Shape: that of `x`. Source: DLMF 7.2.2; Shepherd & Laframboise (1981) in float64.

    >>> float(erfc(np.array(5.0)))
    1.537459794428035e-12
    """
    return _erfc_slow(x) if real(x)[1] == np.float64 else blockwise(_erfc32, x, scratch=3)


@in_float64
def erfcx(x: Any) -> Array:
    """exp(x*x) * erfc(x).

    Shape: that of `x`. Source: Shepherd & Laframboise (1981); DLMF 7.4.2 for x < 0.

    >>> float(erfcx(np.array(0.0)))
    1.0
    """
    return regions(
        (x,),
        (x >= 0, scaled_erfc),
        (x == 0, np.ones_like),
        (x < 0, lambda x: 2 * exp_square(x, 1.0) - scaled_erfc(-x)),
    )


def _quantile(half_q: Array, tail: Array) -> Array:
    """Normal quantile of 0.5 + half_q, where tail = 0.5 - |half_q| is known to full precision (AS 241)."""
    root = np.sqrt(-np.log(tail))

    def ratio(r: Array, p: tuple[float, ...], q: tuple[float, ...]) -> Array:
        return horner(r, p) / horner(r, q)

    def centre(h: Array, r: Array) -> Array:
        return h * ratio(0.180625 - h * h, _CENTRE_P, _CENTRE_Q)

    return regions(
        (half_q, root),
        (root <= 5, lambda h, r: np.copysign(ratio(r - 1.6, _TAIL_P, _TAIL_Q), h)),
        (root > 5, lambda h, r: np.copysign(ratio(r - 5, _FAR_P, _FAR_Q), h)),
        (tail == 0, lambda h, r: np.copysign(np.inf, h)),
        (np.abs(half_q) <= 0.425, centre),
    )


@in_float64
def erfinv(x: Any) -> Array:
    """Inverse of erf on [-1, 1]; NaN outside.

    Shape: that of `x`. Source: Wichura (1988), AS 241.

    >>> erfinv(np.array([0.5, 1.0])).round(6)
    array([0.476936,      inf])
    """
    return _quantile(x / 2, (1 - np.abs(x)) / 2) * _ROOT_HALF


@in_float64
def ndtri(p: Any) -> Array:
    """Quantile of the standard normal distribution; NaN outside [0, 1].

    Shape: that of `p`. Source: Wichura (1988), AS 241.

    >>> ndtri(np.array([0.5, 0.975])).round(6)
    array([0.      , 1.959964])
    """
    return _quantile(p - 0.5, np.where(p <= 0.5, p, 1 - p))


@in_float64
def ndtr(x: Any) -> Array:
    """Distribution function of the standard normal distribution.

    Shape: that of `x`. Source: DLMF 7.2.2, ndtr(x) = erfc(-x / sqrt 2) / 2.

    >>> ndtr(np.array([0.0, 1.0])).round(6)
    array([0.5     , 0.841345])
    """
    return erfc64(-x * _ROOT_HALF) / 2


@in_float64
def log_ndtr(x: Any) -> Array:
    """log(ndtr(x)), accurate far into the lower tail.

    Shape: that of `x`. Source: DLMF 7.4.2; ndtr(x) = exp(-x*x/2) erfcx(-x / sqrt 2) / 2.

    >>> log_ndtr(np.array([-40.0])).round(4)
    array([-804.6084])
    """
    return regions(
        (x,),
        (x >= -1, lambda x: np.log1p(-erfc64(x * _ROOT_HALF) / 2)),
        (x < -1, lambda x: np.log(scaled_erfc(-x * _ROOT_HALF) / 2) - x * x / 2),
    )
