"""Sines, tangents and their inverses, for `vecmath.py`. Room `codegen`.

Arguments are reduced by quarter turns: x = n pi/2 + r with |r| <= pi/4.
"""
from __future__ import annotations

from fractions import Fraction

from .vecmath_parts import INF, PI, form, nearest
from .vector import Value, copysign, fma, polynomial, select, sqrt


def turned(x: Value) -> tuple[Value, Value]:
    """(r, n) for |x|, n as an integer. pi/2 comes in three parts, for it is nearly a multiple of some floats."""
    f, a = form(x), abs(x)
    n, k = nearest(a, 2.0 / float(PI))
    r = a
    for part in f.parts(PI, 3, Fraction(1, 2)):
        r = fma(n, -part, r)
    return r, k


def waves(r: Value) -> tuple[Value, Value]:
    """(sin r, cos r) for |r| <= pi/4."""
    f, z = form(r), r * r
    sine = fma(r * z, polynomial(z, f.coefficients("sin")), r)
    return sine, fma(z * z, polynomial(z, f.coefficients("cos")), fma(z, -0.5, 1.0))


def flipped(value: Value, k: Value) -> Value:
    """The value, negative in quadrants 2 and 3."""
    width = 32 if value.element == "float" else 64
    return (value.bits() ^ ((k & 2) << (width - 2))).number()


def sin(x: Value) -> Value:
    r, k = turned(x)
    sine, cosine = waves(r)
    value = flipped(select((k & 1).equals(0), sine, cosine), k)
    return (value.bits() ^ (x.bits() & form(x).sign)).number()


def cos(x: Value) -> Value:
    r, k = turned(x)
    sine, cosine = waves(r)
    return flipped(select((k & 1).equals(0), cosine, sine), k + 1)


def tan(x: Value) -> Value:
    """Steeper than sine, so what rounding took from r counts: tan(r + low) = t + low (1 + t^2)."""
    f, a = form(x), abs(x)
    n, k = nearest(a, 2.0 / float(PI))
    first, second, third = f.parts(PI, 3, Fraction(1, 2))
    above = fma(n, -first, a)               # exact
    r = fma(n, -second, above)
    low = fma(n, -second, above - r) - n * third
    z = r * r
    bend = r * z * polynomial(z, f.coefficients("tan"))
    t = r + bend
    t = r + fma(low, fma(t, t, 1.0), bend)
    value = select((k & 1).equals(0), t, -1.0 / t)
    return (value.bits() ^ (x.bits() & f.sign)).number()


def angle(y: Value, x: Value) -> Value:
    """The angle at which (x, y) is seen, both not negative: atan(y/x), turned by 45 or 90 degrees to be small."""
    f = form(y)
    steep, flat = y > x * (2.0 ** 0.5 + 1.0), y > x * (2.0 ** 0.5 - 1.0)
    top = select(steep, -x, select(flat, y - x, y))
    bottom = select(steep, y, select(flat, y + x, x))
    t = top / select(bottom.equals(0.0), 1.0, bottom)
    (half, half_low), (quarter, quarter_low) = f.parts(PI, 2, Fraction(1, 2)), f.parts(PI, 2, Fraction(1, 4))
    high = select(steep, t.lift(half), select(flat, t.lift(quarter), 0.0))
    low = select(steep, t.lift(half_low), select(flat, t.lift(quarter_low), 0.0))
    z = t * t
    return high + (t + fma(t * z, polynomial(z, f.coefficients("atan")), low))


def atan(x: Value) -> Value:
    return copysign(angle(abs(x), x.lift(1.0)), x)


def atan2(y: Value, x: Value) -> Value:
    f = form(x)
    b, a = abs(y), abs(x)
    diagonal = b.equals(INF) & a.equals(INF)        # counts as 45 degrees
    b, a = select(diagonal, 1.0, b), select(diagonal, 1.0, a)
    large = (b + a).equals(INF)                     # their sum must not overflow
    b, a = select(large, b * 0.25, b), select(large, a * 0.25, a)
    right = angle(b, a)
    high, low = f.parts(PI, 2)
    left = high - (right - low)
    return copysign(select(copysign(x.lift(1.0), x) < 0.0, left, right), y)


def asin_parts(a: Value) -> tuple[Value, Value, Value]:
    """(large, s, q): s + q = asin(a) for a <= 1/2, else asin(sqrt((1 - a)/2)), which is half of acos(a)."""
    large = a > 0.5
    z = select(large, fma(a, -0.5, 0.5), a * a)
    s = select(large, sqrt(z), a)
    return large, s, s * z * polynomial(z, form(a).coefficients("asin"))


def asin(x: Value) -> Value:
    large, s, q = asin_parts(abs(x))
    high, low = form(x).parts(PI, 2, Fraction(1, 2))
    return copysign(select(large, (high - (s + s)) + (low - (q + q)), s + q), x)


def acos(x: Value) -> Value:
    large, s, q = asin_parts(abs(x))
    f, p = form(x), s + q
    (pi, pi_low), (half, half_low) = f.parts(PI, 2), f.parts(PI, 2, Fraction(1, 2))
    outer = select(x < 0.0, pi - (p + p - pi_low), p + p)
    return select(large, outer, half - (copysign(p, x) - half_low))
