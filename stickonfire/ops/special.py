"""Special functions of one number: error functions, gamma and its kin, entropy, logit,
modified Bessel functions.

The kernels are the backend's (`backends/cpu/special*.py`). Functions of two numbers are in
`special_flat.py`, those that PyTorch gives no gradient in `special_flat.py`.
"""
from __future__ import annotations

import math

from .common import EVERYWHERE, floating, is_number, lacks_gradient, refuse
from .op import op

ROOT_PI = math.sqrt(math.pi)
ROOT_TAU = math.sqrt(2 * math.pi)
SPECIAL = ("special",)


@floating(publish=(*EVERYWHERE, "special"))
def erf(xp, input):
    """2 / sqrt(pi) times the integral of exp(-t * t) from 0 to input.

    Shape: (*) -> (*).   Source: PyTorch `erf`.
    """
    return xp.erf(input)


@erf.gradient("input")
def _(xp, g, input):
    return g * xp.exp(-input * input) * (2 / ROOT_PI)


@floating(publish=(*EVERYWHERE, "special"))
def erfc(xp, input):
    """1 - erf(input), exact where that is small.

    Shape: (*) -> (*).   Source: PyTorch `erfc`.
    """
    return xp.erfc(input)


@erfc.gradient("input")
def _(xp, g, input):
    return g * xp.exp(-input * input) * (-2 / ROOT_PI)


@floating(publish=SPECIAL)
def erfcx(xp, input):
    """exp(input ** 2) * erfc(input).

    Shape: (*) -> (*).   Source: PyTorch `special.erfcx`.
    """
    return xp.erfcx(input)


@erfcx.gradient("input")
def _(xp, g, input, out):
    return g * (input * out * 2 - 2 / ROOT_PI)


@floating(publish=(*EVERYWHERE, "special"))
def erfinv(xp, input):
    """The inverse of erf, on [-1, 1].

    Shape: (*) -> (*).   Source: PyTorch `erfinv`.
    """
    return xp.erfinv(input)


@erfinv.gradient("input")
def _(xp, g, out):
    return g * xp.exp(out * out) * (ROOT_PI / 2)


@floating(publish=(*EVERYWHERE, "special.gammaln"))
def lgamma(xp, input):
    """log(abs(gamma(input))).

    Shape: (*) -> (*).   Source: PyTorch `lgamma`.
    """
    return xp.lgamma(input)


@lgamma.gradient("input")
def _(xp, g, input):
    return g * xp.digamma(input)


@floating(publish=(*EVERYWHERE, "special.psi", "special.digamma"))
def digamma(xp, input):
    """The derivative of lgamma.

    Shape: (*) -> (*).   Source: PyTorch `digamma`.
    """
    return xp.digamma(input)


@digamma.gradient("input")
def _(xp, g, input):
    return g * xp.polygamma(1, input)


@floating(publish=())
def polygamma(xp, input, n: int):
    """The derivative of order n of digamma. Users call `polygamma(n, input)`.

    Shape: (*) -> (*).   Raises: RuntimeError for a negative order.   Source: PyTorch `polygamma`.
    """
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return xp.polygamma(n, input)


@polygamma.gradient("input")
def _(xp, g, input, n):
    return g * xp.polygamma(n + 1, input)


@floating(publish=SPECIAL)
def ndtr(xp, input):
    """P(X <= input) for a normal X.

    Shape: (*) -> (*).   Source: PyTorch `special.ndtr`.
    """
    return xp.ndtr(input)


@ndtr.gradient("input")
def _(xp, g, input):
    return g * xp.exp(input * input * -0.5) / ROOT_TAU


@floating(publish=SPECIAL)
def ndtri(xp, input):
    """The inverse of ndtr.

    Shape: (*) -> (*).   Source: PyTorch `special.ndtri`.
    """
    return xp.ndtri(input)


@ndtri.gradient("input")
def _(xp, g, out):
    return g * xp.exp(out * out * 0.5) * ROOT_TAU


@floating(publish=SPECIAL)
def log_ndtr(xp, input):
    """log(ndtr(input)), exact where ndtr underflows.

    Shape: (*) -> (*).   Source: PyTorch `special.log_ndtr`.
    """
    return xp.log_ndtr(input)


@log_ndtr.gradient("input")
def _(xp, g, input):
    return g / xp.erfcx(input * -math.sqrt(0.5)) * (2 / ROOT_TAU)


@floating(publish=SPECIAL)
def entr(xp, input):
    """-input * log(input), 0 at 0, -inf below.

    Shape: (*) -> (*).   Source: PyTorch `special.entr`.
    """
    return xp.entr(input)


@entr.gradient("input")
def _(xp, g, input):
    return -g * (xp.log(input) + 1)


@floating(publish=(*EVERYWHERE, "special"))
def logit(xp, input, eps: float | None = None):
    """log(input / (1 - input)), the inverse of sigmoid; with `eps`, of input clamped to [eps, 1 - eps].

    Shape: (*) -> (*).   Source: PyTorch `logit`.
    """
    return xp.logit(input, eps)


@logit.gradient("input")
def _(xp, g, input, eps):
    slope = g / (input * (1 - input))
    if eps is None:
        return xp.where((input < 0) | (input > 1), math.nan, slope)
    return xp.keep(slope, (input >= eps) & (input <= 1 - eps))


@floating(publish=(*EVERYWHERE, "special"))
def i0(xp, input):
    """The modified Bessel function of the first kind, order 0.

    Shape: (*) -> (*).   Source: PyTorch `i0`.
    """
    return xp.i0(input)


@i0.gradient("input")
def _(xp, g, input):
    return g * xp.i1(input)


@floating(publish=SPECIAL)
def i0e(xp, input):
    """exp(-abs(input)) * i0(input).

    Shape: (*) -> (*).   Source: PyTorch `special.i0e`.
    """
    return xp.i0e(input)


@i0e.gradient("input")
def _(xp, g, input, out):
    return g * (xp.i1e(input) - xp.sign(input) * out)


@floating(publish=SPECIAL)
def i1(xp, input):
    """The modified Bessel function of the first kind, order 1.

    Shape: (*) -> (*).   Source: PyTorch `special.i1`.
    """
    return xp.i1(input)


@i1.gradient("input")
def _(xp, g, input, out):
    return g * xp.where(input == 0, 0.5, xp.i0(input) - out / input)


@floating(publish=SPECIAL)
def i1e(xp, input):
    """exp(-abs(input)) * i1(input).

    Shape: (*) -> (*).   Source: PyTorch `special.i1e`.
    """
    return xp.i1e(input)


@i1e.gradient("input")
def _(xp, g, input, out):
    return g * xp.where(input == 0, 0.5, xp.i0e(input) - out * (xp.sign(input) + 1 / input))


def same_floats(xp, *operands):
    """Operands of which one may be a Python number, as arrays of one float dtype."""
    kind = next(xp.dtype_of(a) for a in operands if not is_number(a))
    return [xp.cast(xp.asarray(a), kind) if is_number(a) else a for a in operands]


@op(publish=(*EVERYWHERE, "special"), promote="float", scalars="some", stepwise=True)
def xlogy(xp, input, other):
    """input * log(other), and 0 where input is 0.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `xlogy`.
    """
    return xp.xlogy(*same_floats(xp, input, other))


@xlogy.gradient("input")
def _(xp, g, input, other):
    return xp.where((input == 0) & (other <= 0), xp.zeros_like(g), g * logarithm(xp, other))


@xlogy.gradient("other")
def _(xp, g, input, other):
    return g * input / other


def logarithm(xp, value):
    """The natural logarithm of an array, a Tensor or a Python number."""
    if not is_number(value):
        return xp.log(value)
    return math.log(value) if value > 0 else -math.inf if value == 0 else math.nan


@op(publish=SPECIAL, promote="float", scalars="some")
def xlog1py(xp, input, other):
    """input * log(1 + other), and 0 where input is 0.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `special.xlog1py`.
    """
    return xp.xlog1py(*same_floats(xp, input, other))


@xlog1py.gradient("input")
def _(xp, g, input, other):
    log = math.log1p(other) if is_number(other) and other > -1 else logarithm(xp, other + 1)
    return xp.where((input == 0) & (other <= -1), xp.zeros_like(g), g * log)


@xlog1py.gradient("other")
def _(xp, g, input, other):
    return g * input / (other + 1)


@op(publish=SPECIAL, promote="float", scalars="some")
def zeta(xp, input, other):
    """The Hurwitz zeta function: the sum of (other + k) ** -input over k = 0, 1, ...

    Shape: (*), (*) -> broadcast.   Source: PyTorch `special.zeta`.
    """
    return xp.zeta(*same_floats(xp, input, other))


lacks_gradient(zeta, "input")


@zeta.gradient("other")
def _(xp, g, input, other):
    return g * xp.zeta(input + 1, other) * -input


@op(publish=(*EVERYWHERE, "special.gammainc"), promote="float")
def igamma(xp, input, other):
    """The regularized lower incomplete gamma function P(input, other).

    Shape: (*), (*) -> broadcast.   Source: PyTorch `igamma`.
    """
    return xp.gammainc(input, other)


refuse(igamma, "bic", "igamma_cpu")
lacks_gradient(igamma, "input")


@igamma.gradient("other")
def _(xp, g, input, other):
    return g * xp.exp((input - 1) * xp.log(other) - other - xp.lgamma(input))


@op(publish=(*EVERYWHERE, "special.gammaincc"), promote="float")
def igammac(xp, input, other):
    """The regularized upper incomplete gamma function Q(input, other).

    Shape: (*), (*) -> broadcast.   Source: PyTorch `igammac`.
    """
    return xp.gammaincc(input, other)


refuse(igammac, "bic", "igammac_cpu")
lacks_gradient(igammac, "input")


@igammac.gradient("other")
def _(xp, g, input, other):
    return -g * xp.exp((input - 1) * xp.log(other) - other - xp.lgamma(input))
