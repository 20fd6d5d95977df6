"""exp, log, sin ... for a whole vector at once, as LLVM IR text. Room `codegen`; called by whoever writes kernels.

Each follows one plan: *reduce* the argument to a short interval, use a *polynomial* there (`polynomials.py`), and
*rebuild* the result from it. All lanes do the same; where methods differ, both are computed and `select` picks.
NaN, infinities, denormals and signed zeros come out as in C's libm. Sine, cosine and tangent of huge arguments are
left to libm: reducing those takes hundreds of digits of pi.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from fractions import Fraction

from . import llvm
from .polynomials import COEFFICIENTS
from .vector import (
    INTEGER,
    SHORT,
    Code,
    Value,
    at_least,
    at_most,
    bits_of,
    copysign,
    fma,
    polynomial,
    rounded,
    select,
    sqrt,
)

LN2 = "0.693147180559945309417232121458176568075500134360255254120680"
LOG2_E = "1.442695040888963407359924681001892137426645954152985934135449"
LOG10_E = "0.434294481903251827651128918916605082294397005803666566114454"
LOG10_2 = "0.301029995663981195213738894724493026768189881462108541310427"
PI = "3.141592653589793238462643383279502884197169399375105820974945"
INF, NAN = float("inf"), float("nan")


class Format:
    """How a dtype lays out a number: exponent bits above `mantissa` bits; `bias` is the exponent of 1."""

    def __init__(self, element: str) -> None:
        single = element == "float"
        self.element = element
        self.mantissa, self.bias = (23, 127) if single else (52, 1023)
        self.smallest = 2.0 ** (1 - self.bias)              # below it numbers are denormal: fewer digits
        self.magic = 1.5 * 2.0 ** self.mantissa             # adding it to a number rounds that to an integer
        self.sign = -(2 ** 31) if single else -(2 ** 63)    # the sign bit, as an integer
        self.exp_range = (-104.0, 89.0) if single else (-746.0, 710.0)      # beyond: 0 and infinity
        self.far = 1e5 if single else 1e6                   # sine of more: libm

    def parts(self, digits: str, count: int, scale: Fraction | int = 1) -> list[float]:
        """A constant as a sum of `count` numbers of this dtype, each what the ones before leave."""
        rest, found = Fraction(digits) * scale, []
        for _ in range(count):
            found.append(rounded(float(rest), self.element))
            rest -= Fraction(found[-1])
        return found

    def coefficients(self, name: str) -> tuple[float, ...]:
        return COEFFICIENTS[name, self.element]


FORMATS = {element: Format(element) for element in INTEGER}


def form(x: Value) -> Format:
    return FORMATS[x.element]


# -- exponentials: e^x = 2^n e^r with x = n ln 2 + r, |r| <= ln(2)/2 --------------------------------------------------

def nearest(x: Value, factor: float) -> tuple[Value, Value]:
    """The integer nearest to x * factor, as a float and as an integer. |x * factor| must stay below 2^22."""
    f = form(x)
    shifted = fma(x, factor, f.magic)       # the sum has no room for digits after the point
    return shifted - f.magic, shifted.bits() - bits_of(f.magic, f.element)


def power_of_two(k: Value, f: Format) -> Value:
    """2^k for integers k in the range of exponents: written straight into the exponent's bits."""
    return ((k + f.bias) << f.mantissa).number()


def scalef(p: Value, n: Value) -> Value | None:
    """p * 2^n by AVX-512's instruction, which knows all special cases. None where there is none."""
    bits = p.code.lanes * (32 if p.element == "float" else 64)
    if llvm.host().lanes32 < 16 or bits not in (128, 256, 512):
        return None
    kind, mask = ("ps" if p.element == "float" else "pd"), f"i{max(8, p.code.lanes)} -1"
    rounding = ", i32 4" if bits == 512 else ""
    return p.code.emit(p.element, f"call {p.type} @llvm.x86.avx512.mask.scalef.{kind}.{bits}({p.type} {p.name}, "
                                  f"{n.type} {n.name}, {p.type} zeroinitializer, {mask}{rounding})")


def scaled(p: Value, n: Value, k: Value) -> Value:
    """p * 2^n for n = k beyond the range of exponents too: in two halves, of which only the second may round."""
    by_instruction = scalef(p, n)
    if by_instruction is not None:
        return by_instruction
    f, half = form(p), k >> 1
    return p * power_of_two(half, f) * power_of_two(k - half, f)


def reduced(x: Value) -> tuple[Value, Value, Value]:
    """(r, n, k) with x = n ln 2 + r. ln 2 comes in two parts; the first product is exact inside the fma."""
    f = form(x)
    n, k = nearest(x, float(LOG2_E))
    high, low = f.parts(LN2, 2)
    return fma(n, -low, fma(n, -high, x)), n, k


def exp_of(x: Value, low: Value | None = None, halved: bool = False) -> Value:
    """e^(x + low), or half of that. `low` is what rounding took from x."""
    f = form(x)
    r, n, k = reduced(at_most(at_least(x, f.exp_range[0]), f.exp_range[1]))
    if low is not None:
        r = r + low
    p = fma(r * polynomial(r, f.coefficients("exp")), r, r) + 1.0
    return scaled(p, n - 1.0, k - 1) if halved else scaled(p, n, k)


def exp(x: Value) -> Value:
    return exp_of(x)


def exp2(x: Value) -> Value:
    f = form(x)
    x = at_most(at_least(x, -1.0 * (f.bias + f.mantissa + 1)), f.bias + 1.0)
    n, k = nearest(x, 1.0)
    r = x - n
    return scaled(fma(r, polynomial(r, f.coefficients("exp2")), 1.0), n, k)


def expm1(x: Value) -> Value:
    """2^n (e^r - 1) + (2^n - 1), at half size so that 2^n never overflows."""
    f = form(x)
    r, _, k = reduced(at_most(at_least(x, -40.0), f.exp_range[1]))
    p = fma(r * polynomial(r, f.coefficients("expm1")), r, r)
    half = power_of_two(k - 1, f)
    result = fma(half, p, half - 0.5)
    return copysign(result + result, x)


def sigmoid(x: Value) -> Value:
    """1 / (1 + e^-x); for negative x as e^x / (1 + e^x), which loses nothing."""
    e = exp_of(-abs(x))
    return select(x < 0.0, e, 1.0) / (e + 1.0)


def tanh(x: Value) -> Value:
    """(e^2x - 1) / (e^2x + 1)."""
    e = expm1(at_most(abs(x) * 2.0, 44.0))
    return copysign(e / (e + 2.0), x)


def sinh(x: Value) -> Value:
    a = abs(x)
    half = exp_of(a, halved=True)
    z = at_most(a, 1.0) * at_most(a, 1.0)
    near = fma(a * z, polynomial(z, form(x).coefficients("sinh")), a)
    return copysign(select(a < 1.0, near, half - 0.25 / half), x)


def cosh(x: Value) -> Value:
    half = exp_of(abs(x), halved=True)
    return half + 0.25 / half


# -- logarithms: x = 2^e (1 + f) with 1 + f between sqrt(1/2) and sqrt(2) ---------------------------------------------

def split(x: Value) -> tuple[Value, Value]:
    """(e, m) with x = 2^e m, sqrt(1/2) <= m < sqrt(2), for positive finite x."""
    f = form(x)
    tiny = x < f.smallest
    x = select(tiny, x * 2.0 ** f.mantissa, x)
    root = bits_of(0.5 ** 0.5, f.element)
    i = x.bits() - root                     # now the exponent changes where the mantissa passes sqrt(2)
    e = (i >> f.mantissa).to_float() - select(tiny, x.lift(float(f.mantissa)), 0.0)
    return e, ((i & (2 ** f.mantissa - 1)) + root).number()


def log_tail(x: Value) -> Value:
    """log(1 + x) - x."""
    f = form(x)
    if f.element == "float":
        return x * x * fma(x, polynomial(x, f.coefficients("log")), -0.5)
    s = x / (x + 2.0)                       # log(1 + x) = 2 atanh(s), whose series runs in s^2: half as many terms
    z, half = s * s, x * x * 0.5
    return fma(s, fma(z, polynomial(z, f.coefficients("atanh")), half), -half)


def log_ends(x: Value, result: Value) -> Value:
    """The logarithm of 0, of infinity, of negative numbers and of NaN."""
    ends = select(x.equals(0.0), x.lift(-INF), select(x > 0.0, x, NAN))
    return select((x > 0.0) & (x < INF), result, ends)


def log(x: Value) -> Value:
    e, m = split(x)
    high, low = form(x).parts(LN2, 2)
    f = m - 1.0
    return log_ends(x, fma(e, high, f + fma(e, low, log_tail(f))))


def log1p(x: Value) -> Value:
    """log(u) for u = 1 + x rounded, and what rounding took put into f again."""
    f = form(x)
    u = x + 1.0
    lost = select(x > 1.0, 1.0 - (u - x), x - (u - 1.0))
    e, m = split(u)
    shift = power_of_two(-at_most_integer(e.to_integer(), f.bias - 1), f)
    part = fma(lost, shift, m - 1.0)
    high, low = f.parts(LN2, 2)
    result = fma(e, high, part + fma(e, low, log_tail(part)))
    return copysign_of_small(log_ends_1p(x, u, result), x)
