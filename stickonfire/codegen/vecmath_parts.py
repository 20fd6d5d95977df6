"""What all functions of `vecmath.py` need: a dtype's layout, constants in several parts, integers near a float.

Room `codegen`; imports nothing of ours but `vector.py` and the coefficients.
"""
from __future__ import annotations

from fractions import Fraction

from .polynomials import COEFFICIENTS
from .vector import INTEGER, Value, bits_of, fma, rounded

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
        self.exp_range = (-104.0, 90.0) if single else (-746.0, 711.0)      # beyond: 0 and infinity
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


def nearest(x: Value, factor: float) -> tuple[Value, Value]:
    """The integer nearest to x * factor, as a float and as an integer. |x * factor| must stay below 2^22."""
    f = form(x)
    shifted = fma(x, factor, f.magic)       # the sum has no room for digits after the point
    return shifted - f.magic, shifted.bits() - bits_of(f.magic, f.element)


def power_of_two(k: Value, f: Format) -> Value:
    """2^k for integers k in the range of exponents: written straight into the exponent's bits."""
    return ((k + f.bias) << f.mantissa).number()


def as_float(k: Value, f: Format) -> Value:
    """Small integers as floats. Not every processor converts 64-bit ones, so those are put under a magic number."""
    if f.element == "float":
        return k.to_float()
    return (k + bits_of(f.magic, f.element)).number() - f.magic
