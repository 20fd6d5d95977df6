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
    r, _, k = reduced(at_most(at_least(x, -40.0), f.exp_range[1] - 1.0))
    p = fma(r * polynomial(r, f.coefficients("expm1")), r, r)
    half = power_of_two(k - 1, f)
    result = fma(half, p, half - 0.5)
    return copysign(result + result, x)


def sigmoid(x: Value) -> Value:
    """c = e^-a / (1 + e^-a) for a = |x|, which cannot overflow; for positive x it is 1 - c."""
    e = exp_of(-abs(x))
    bottom = e + 1.0
    c = e / bottom
    lost = e - (bottom - 1.0)               # what rounding took from the sum; 1 / bottom is 1 - c
    c = fma(c * lost, c - 1.0, c)
    return select(x < 0.0, c, 1.0 - c)


def tanh(x: Value) -> Value:
    """1 - 2 / (e^2x + 1); near zero, where that cancels, a polynomial."""
    a = abs(x)
    z = a * a
    near = fma(a * z, polynomial(z, form(x).coefficients("tanh")), a)
    return copysign(select(a < 0.55, near, 1.0 - 2.0 / (exp_of(a + a) + 1.0)), x)


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
    """(e, m) with x = 2^e m, sqrt(1/2) <= m < sqrt(2), for positive finite x; e as an integer."""
    f = form(x)
    tiny = x < f.smallest
    x = select(tiny, x * 2.0 ** f.mantissa, x)
    root = bits_of(rounded(0.5 ** 0.5, f.element), f.element)
    i = x.bits() - root                     # now the exponent changes where the mantissa passes sqrt(2)
    e = i >> f.mantissa
    return e - select(tiny, e.lift(f.mantissa), 0), ((i & (2 ** f.mantissa - 1)) + root).number()


def as_float(k: Value, f: Format) -> Value:
    """Small integers as floats. Not every processor converts 64-bit ones, so those are put under a magic number."""
    if f.element == "float":
        return k.to_float()
    return (k + bits_of(f.magic, f.element)).number() - f.magic


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
    k, m = split(x)
    f = form(x)
    high, low = f.parts(LN2, 2)
    e, part = as_float(k, f), m - 1.0
    return log_ends(x, fma(e, high, part + fma(e, low, log_tail(part))))


def log1p(x: Value) -> Value:
    """log(u) for u = 1 + x rounded, and what rounding took is put back."""
    f = form(x)
    u = x + 1.0
    lost = select(x > 1.0, 1.0 - (u - x), x - (u - 1.0))
    k, m = split(u)
    part = fma(lost, power_of_two(0 - select(k < f.bias, k, f.bias - 1), f), m - 1.0)
    high, low = f.parts(LN2, 2)
    e = as_float(k, f)
    return copysign(log_ends(u, fma(e, high, part + fma(e, low, log_tail(part)))), x)


def log2(x: Value) -> Value:
    k, m = split(x)
    f = form(x)
    high, low = f.parts(LOG2_E, 2)
    part = m - 1.0
    return log_ends(x, fma(part, high, fma(part, low, log_tail(part) * high)) + as_float(k, f))


def log10(x: Value) -> Value:
    k, m = split(x)
    f = form(x)
    high, low = f.parts(LOG10_E, 2)
    two_high, two_low = f.parts(LOG10_2, 2)
    e, part = as_float(k, f), m - 1.0
    small = fma(log_tail(part), high, fma(part, low, e * two_low))
    return log_ends(x, fma(e, two_high, fma(part, high, small)))


# -- angles: x = n pi/2 + r, |r| <= pi/4 ------------------------------------------------------------------------------

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


# -- the error function, powers, roots --------------------------------------------------------------------------------

def erf(x: Value) -> Value:
    """x + x P(x^2) up to 1; from there 1 - e^P(x - 1), P the logarithm of erfc."""
    f, a = form(x), abs(x)
    single = f.element == "float"
    near = erf_near(a)
    u = at_most(at_least(a, 1.0), 4.0 if single else 6.0) - 1.0
    r, _, k = reduced(polynomial(u, f.coefficients("log_erfc" if single else "log_erfc_wide")))
    e = fma(r * polynomial(r, f.coefficients("exp")), r, r) + 1.0
    return copysign(select(a < 1.0, near, 1.0 - e * power_of_two(k, f)), x)


def erf_near(x: Value) -> Value:
    """erf(x) for |x| <= 1."""
    return fma(x, polynomial(x * x, form(x).coefficients("erf")), x)


def erfc(x: Value) -> Value:
    """1 - erf(x) up to 1/2; from there e^(-a^2) G(a), G smooth. The square's rounding would count: it has two parts."""
    f, single = form(x), x.element == "float"
    a = at_most(abs(x), 10.5 if single else 28.0)
    a = a.to_double() if single else a      # float32: four roundings too many, unless there are digits to spare
    square = a * a
    e = exp_of(-square, low=-fma(a, a, -square))
    g = polynomial((a - 4.0) / (a + 4.0), f.coefficients("erfcx" if single else "erfcx_wide"))
    tail = e * (g / fma(a, 2.0, 1.0))
    tail = tail.to_single() if single else tail
    return select(abs(x) < 0.5, 1.0 - copysign(erf_near(abs(x)), x), select(x < 0.0, 2.0 - tail, tail))


def rsqrt(x: Value) -> Value:
    return 1.0 / sqrt(x)


def pow(x: Value, y: Value) -> Value:
    """2^(y log2 |x|), then the sign and C's long list of special cases."""
    a, f = abs(x), form(x)
    size = pow_by_double(a, y) if f.element == "float" else pow_by_pairs(a, y)
    size = select(a.equals(1.0) & y.equals(y), 1.0, size)
    whole = y.code.intrinsic("floor", y).equals(y)
    half = y * 0.5
    odd = whole & y.code.intrinsic("floor", half).differs(half)
    signed = copysign(size, select(odd, x, 1.0))
    signed = select((x < 0.0) & (x > -INF) & whole.equals(0), NAN, signed)
    return select(y.equals(0.0) | x.equals(1.0), 1.0, signed)


def pow_by_double(a: Value, y: Value) -> Value:
    """float32: in double there are digits enough; the polynomial for 2^x may be float32's."""
    v = at_most(at_least(y.to_double() * log2(a.to_double()), -200.0), 200.0)
    n, k = nearest(v, 1.0)
    r = v - n
    p = fma(r, polynomial(r, COEFFICIENTS["exp2", "float"]), 1.0)
    return (p * power_of_two(k, form(p))).to_single()


def pow_by_pairs(a: Value, y: Value) -> Value:
    """double: the logarithm as an unrounded sum of two doubles, some 68 digits, since y may be a thousand."""
    w, w_low = log2_pair(a)
    v = y * w
    v_low = fma(y, w, -v) + y * w_low
    v_low = select(abs(v) < 1100.0, v_low, 0.0)
    v = at_most(at_least(v, -1100.0), 1100.0)
    n, k = nearest(v, 1.0)
    r = (v - n) + v_low
    return scaled(fma(r, polynomial(r, form(a).coefficients("exp2")), 1.0), n, k)


def product(a: Value, b: Value) -> tuple[Value, Value]:
    """a * b exactly, as rounded product and what rounding took."""
    c = a * b
    return c, fma(a, b, -c)


def log2_pair(x: Value) -> tuple[Value, Value]:
    """log2(x) as high + low, by 2 atanh(s) = 2 s + 2/3 s^3 + s^5 P(s^2) with s, s^2, s^3 as pairs."""
    f = form(x)
    k, m = split(x)
    part = m - 1.0
    bottom = part + 2.0
    s = part / bottom
    s_low = (fma(-s, bottom, part) - s * (part - (bottom - 2.0))) / bottom
    z, z_low = product(s, s)
    z_low = fma(s + s, s_low, z_low)
    cube, cube_low = product(z, s)
    cube_low = cube_low + fma(z_low, s, z * s_low)
    third, third_low = f.parts("0." + 50 * "6" + "7", 2)
    t, t_low = product(cube, cube.lift(third))
    t_low = t_low + fma(cube, third_low, fma(cube_low, third, cube * z * polynomial(z, f.coefficients("atanh_tail"))))
    high = (s + s) + t
    low = ((s + s) - high) + t + (t_low + (s_low + s_low))
    factor, factor_low = f.parts(LOG2_E, 2)
    g, g_low = product(high, high.lift(factor))
    g_low = g_low + fma(high, factor_low, low * factor)
    e = as_float(k, f)
    w = e + g
    w_low = (e - w) + g + g_low
    total = w + w_low
    return log_ends(x, total), w_low - (total - w)


# -- functions as text ------------------------------------------------------------------------------------------------

BODIES: dict[str, Callable[..., Value]] = {
    "exp": exp, "exp2": exp2, "expm1": expm1, "log": log, "log2": log2, "log10": log10, "log1p": log1p,
    "sigmoid": sigmoid, "tanh": tanh, "sinh": sinh, "cosh": cosh, "sin": sin, "cos": cos, "tan": tan, "atan": atan,
    "asin": asin, "acos": acos, "atan2": atan2, "erf": erf, "erfc": erfc, "rsqrt": rsqrt, "pow": pow,
}
TWO_ARGUMENTS = ("atan2", "pow")
LEFT_TO_LIBM = ("sin", "cos", "tan")        # beyond Format.far


@functools.cache
def function(name: str, dtype: str, lanes: int) -> tuple[str, str]:
    """(symbol, text) of `name` for `lanes` numbers of `dtype` at once. A text belongs into a module once.

    Raises: KeyError for a name or a dtype ("float", "double") that is not in the table.

    >>> symbol, text = function("sigmoid", "float", 8)      # doctest: +SKIP
    >>> symbol
    'vm_sigmoid_v8f32'
    """
    body = BODIES[name]
    code = Code(lanes)
    symbol = f"vm_{name}_v{lanes}{SHORT[dtype]}"
    arguments = [Value(code, f"%{letter}", dtype) for letter in ("x", "y")[:1 + (name in TWO_ARGUMENTS)]]
    result = body(*arguments)
    kind = code.type(dtype)
    listed = ", ".join(f"{kind} {argument.name}" for argument in arguments)
    end, more = [f"  ret {kind} {result.name}"], ""
    if name in LEFT_TO_LIBM:
        end, more = _with_libm(name, symbol, arguments[0], result)
    lines = [f"define internal {kind} @{symbol}({listed}) alwaysinline {{", *code.lines, *end, "}", more]
    return symbol, "\n".join(lines)


def _with_libm(name: str, symbol: str, x: Value, result: Value) -> tuple[list[str], str]:
    """The end of the function: libm's results, lane by lane, if any lane is far from zero. And who asks libm."""
    code, kind = x.code, x.type
    start = len(code.lines)
    far = abs(x) > form(x).far
    some = far.name
    if code.lanes > 1:
        some = code.emit("i1", f"call i1 @llvm.vector.reduce.or.v{code.lanes}i1({far.type} {far.name})").name
    rare = code.emit("i1", f"call i1 @llvm.expect.i1(i1 {some}, i1 false)").name
    end = [*code.lines[start:], f"  br i1 {rare}, label %far, label %near", "near:", f"  ret {kind} {result.name}",
           "far:", f"  %all = call {kind} @{symbol}_far({kind} %x)", f"  ret {kind} %all"]
    del code.lines[start:]
    own = f"llvm.{name}." + (SHORT[x.element] if code.lanes == 1 else f"v{code.lanes}{SHORT[x.element]}")
    more = "\n".join([f"define internal {kind} @{symbol}_far({kind} %x) noinline cold {{",
                      f"  %all = call {kind} @{own}({kind} %x)", f"  ret {kind} %all", "}", ""])
    return end, more
