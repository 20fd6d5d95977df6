"""exp, log, sin ... for a whole vector at once, as LLVM IR text. Room `codegen`; called by whoever writes kernels.

Each follows one plan: *reduce* the argument to a short interval, use a *polynomial* there (`polynomials.py`), and
*rebuild* the result from it. All lanes do the same; where methods differ, both are computed and `select` picks.
NaN, infinities, denormals and signed zeros come out as in C's libm. Sine, cosine and tangent of huge arguments are
left to libm: reducing those takes hundreds of digits of pi.

The largest errors seen, in units of the last place (0.5 is perfect rounding), among a million numbers of all sizes (16
thousand for erf and erfc in double); the tests measure anew. float and double:

    exp      0.98 1.03    log    0.80 0.83    sin    1.48 1.52    sinh     1.57 1.55    erf    0.98 0.97
    exp2     0.94 0.86    log2   0.96 0.96    cos    1.49 1.52    cosh     1.37 1.34    erfc   1.09 3.09
    expm1    1.38 1.80    log10  0.88 0.91    tan    1.59 1.53    tanh     1.42 1.40    rsqrt  1.48 1.48
    sigmoid  1.74 1.80    log1p  1.45 1.38    atan   1.86 1.77    asin     1.95 1.87    pow    0.53 1.23
                                              atan2  1.86 1.83    acos     1.06 1.10
"""
from __future__ import annotations

import functools
from collections.abc import Callable

from . import llvm
from .polynomials import COEFFICIENTS
from .vecmath_angles import acos, asin, atan, atan2, cos, sin, tan
from .vecmath_parts import INF, LN2, LOG2_E, LOG10_2, LOG10_E, NAN, as_float, form, nearest, power_of_two
from .vector import (
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

# -- exponentials: e^x = 2^n e^r with x = n ln 2 + r, |r| <= ln(2)/2 --------------------------------------------------

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
    """e^(x + low), or half of that. `low` is what rounding took from x.

    Where the result is 0, as for every masked score of an attention, no denormal is made on the way: that takes the
    processor a hundred times as long.
    """
    f = form(x)
    nothing = x < f.exp_range[0]
    r, n, k = reduced(at_most(select(nothing, 0.0, x), f.exp_range[1]))
    if low is not None:
        r = r + low
    p = fma(r * polynomial(r, f.coefficients("exp")), r, r) + 1.0
    return select(nothing, 0.0, scaled(p, n - 1.0, k - 1) if halved else scaled(p, n, k))


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

    >>> function("log", "float", 8)[0]
    'vm_log_v8f32'
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
    """The end of the function, where lanes far from zero get libm's result, if there are any; and who asks libm."""
    code, kind = x.code, x.type
    start = len(code.lines)
    far = abs(x) > form(x).far
    some = far.name
    if code.lanes > 1:
        some = code.emit("i1", f"call i1 @llvm.vector.reduce.or.v{code.lanes}i1({far.type} {far.name})").name
    rare = code.emit("i1", f"call i1 @llvm.expect.i1(i1 {some}, i1 false)").name
    end = [*code.lines[start:], f"  br i1 {rare}, label %far, label %near", "near:", f"  ret {kind} {result.name}",
           "far:", f"  %all = call {kind} @{symbol}_far({kind} %x)",
           f"  %picked = select {far.type} {far.name}, {kind} %all, {kind} {result.name}", f"  ret {kind} %picked"]
    del code.lines[start:]
    own = f"llvm.{name}." + (SHORT[x.element] if code.lanes == 1 else f"v{code.lanes}{SHORT[x.element]}")
    more = "\n".join([f"define internal {kind} @{symbol}_far({kind} %x) noinline cold {{",
                      f"  %all = call {kind} @{own}({kind} %x)", f"  ret {kind} %all", "}", ""])
    return end, more
