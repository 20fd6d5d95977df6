"""The arithmetic that turns uniform numbers into other distributions, as PyTorch does on a CPU with AVX2.

Pure functions on NumPy arrays and Python floats: nothing here knows where the uniform numbers come from. Only
`random.py` and `random_words.py` next door call them. Imports NumPy and nothing else. The order of operations
and every rounding are part of the contract, because a seed has to give PyTorch's numbers to the last bit.
"""
from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

F32 = np.dtype(np.float32)
F64 = np.dtype(np.float64)
TWO_PI = 2.0 * math.pi
BLOCKS_TIME, BLOCK_ELEMENT_TIME = 20_000, 12           # of box_muller_blocks: as long as drawing so many words
PAIRS_AT_ONCE = 8192                  # the working arrays, 600 KiB, fit the second-level cache

Floats = np.ndarray[Any, Any]         # arrays of float32 or float64, for readable signatures


def narrow(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Round values to `dtype`; the 16-bit types are reached through float32, as C++ PyTorch's casts are.

    >>> narrow(np.array([1.0, 2.5]), np.dtype(np.float16))
    array([1. , 2.5], dtype=float16)
    """
    if dtype.itemsize == 2 and values.dtype != F32 and dtype.kind not in "iu":
        values = values.astype(np.float32)
    return values.astype(dtype, copy=False)


def fused(a: Floats, b: float, c: float) -> Floats:
    """a * b + c in float64 with one rounding, for machines and Pythons that have no `fma` to call.

    Source: Dekker's product and Knuth's two-sum; PyTorch's compiler fuses these two operations.
    """
    if c == 0.0:
        return a * b
    product = a * b
    a_high, b_high = _high_half(a), _high_half(b)
    a_low, b_low = a - a_high, b - b_high
    product_error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    total = product + c
    back = total - product
    return total + ((product - (total - back)) + (c - back) + product_error)


def _high_half(x: Any) -> Any:
    scaled = 134217729.0 * x                               # 2**27 + 1 splits 53 bits in two halves
    return scaled - (scaled - x)


def libm(scalar: Callable[[float], float], vector: Callable[[Floats], Floats], x: Floats, exact: bool
         ) -> Floats:
    """Apply a function through libm (PyTorch's bits) or, where not `exact`, through NumPy (fast)."""
    if exact:
        return np.fromiter(map(scalar, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)
    return vector(x)


# Box and Muller -----------------------------------------------------------------------------------------

def box_muller_stream(uniforms: Floats, exact: bool) -> Floats:
    """Standard normals from pairs (u1, u2): r cos(2 pi u1), r sin(2 pi u1), where r = sqrt(-2 ln(1 - u2)).

    Shape: (2 n,) -> (2 n,).   Source: PyTorch `normal_distribution<double>`, used for fewer than 16 elements.
    """
    if uniforms.size <= 64:
        return np.array(box_muller_few(uniforms.tolist()))
    pairs = uniforms.reshape(-1, 2)
    radius = np.sqrt(-2.0 * libm(math.log1p, np.log1p, -pairs[:, 1], exact))
    angle = TWO_PI * pairs[:, 0]
    normals = np.empty_like(pairs)
    np.multiply(radius, libm(math.cos, np.cos, angle, exact), out=normals[:, 0])
    np.multiply(radius, libm(math.sin, np.sin, angle, exact), out=normals[:, 1])
    normals[-1] = box_muller_few(pairs[-1].tolist())   # what may be kept for the next call is always exact
    return normals.reshape(-1)


def box_muller_few(uniforms: list[float]) -> list[float]:
    """The same with Python's floats, which is faster up to a few dozen and takes libm's functions."""
    log1p, sqrt, cos, sin = math.log1p, math.sqrt, math.cos, math.sin
    normals = []
    for u1, u2 in zip(uniforms[::2], uniforms[1::2]):
        radius, angle = sqrt(-2.0 * log1p(-u2)), TWO_PI * u1
        normals.append(radius * cos(angle))
        normals.append(radius * sin(angle))
    return normals


def box_muller_blocks_f64(uniforms: Floats, mean: float, std: float, exact: bool) -> Floats:
    """Normals from float64 uniforms in blocks of 16: the first 8 give the radius, the last 8 the angle.

    Shape: (16 n,) -> (16 n,), in place.   Source: PyTorch `normal_fill` for double.
    """
    blocks = uniforms.reshape(-1, 16)
    for start in range(0, len(blocks), PAIRS_AT_ONCE // 8):
        block = blocks[start:start + PAIRS_AT_ONCE // 8]
        radius = np.sqrt(-2.0 * libm(math.log, np.log, 1.0 - block[:, :8], exact))
        angle = TWO_PI * block[:, 8:]
        block[:, :8] = fused(radius * libm(math.cos, np.cos, angle, exact), std, mean)
        block[:, 8:] = fused(radius * libm(math.sin, np.sin, angle, exact), std, mean)
    return uniforms


def box_muller_blocks(uniforms: Floats, mean: float, std: float) -> Floats:
    """The same in float32, with the polynomials PyTorch's AVX2 code uses, every rounding in its place.

    In exact arithmetic this is, block by block of 16,
        radius = sqrt(-2 * log(1 - u[:8])); angle = 2 * pi * u[8:]
        u[:8], u[8:] = radius * cos(angle) * std + mean, radius * sin(angle) * std + mean

    Shape: (16 n,) -> (16 n,), in place.
    Source: Cephes `logf`, `sinf`, `cosf` (S. Moshier); PyTorch `normal_fill`.
    """
    eights = uniforms.view("V32").reshape(-1, 2)           # moving 8 floats as one item is twice as fast
    mean32, std32 = float(np.float32(mean)), float(np.float32(std))
    step = min(len(eights), PAIRS_AT_ONCE // 8)
    for start in range(0, len(eights), step):
        block = eights[start:start + step]
        if start == 0 or len(block) < step:
            work = _Workspace(8 * len(block))
        work.radius.view("V32")[:] = block[:, 0]
        work.angle.view("V32")[:] = block[:, 1]
        _radius_from_uniform(work)
        work.angle *= np.float32(TWO_PI)
        _cos_and_sin(work)
        work.pair *= work.radius
        _scale_and_shift(work, std32, mean32)
        block[:, 0], block[:, 1] = work.pair[0].view("V32"), work.pair[1].view("V32")
    return uniforms


class _Workspace:
    """Arrays that all steps below share; fresh ones each time would cost a quarter more time."""

    def __init__(self, n: int) -> None:
        self.radius, self.angle, self.scratch, self.count = np.empty((4, n), F32)
        self.whole, self.bits = np.empty((2, n), np.int32)
        self.x64, self.square64, self.wide = np.empty((3, n), F64)
        self.pair, self.pair_wide = np.empty((2, n), F32), np.empty((2, n), F64)


def _scale_and_shift(work: _Workspace, std: float, mean: float) -> None:
    pair, wide = work.pair, work.pair_wide
    if mean == 0.0:
        np.multiply(pair, np.float32(std), out=pair)
        np.add(pair, 0, out=pair)                          # PyTorch adds the mean, which turns -0 into 0
    else:
        np.copyto(wide, pair)
        wide *= std
        wide += mean
        np.copyto(pair, wide, casting="same_kind")


def _horner(x64: Floats, coefficients: Sequence[float] | Floats, wide: Floats, out: Floats) -> Floats:
    """(c0 x + c1) x + ... in float32, each step fused: float64 holds products of float32 numbers exactly."""
    np.multiply(x64, coefficients[0], out=wide)
    wide += coefficients[1]
    for c in coefficients[2:]:
        np.copyto(out, wide, casting="same_kind")          # to float32 and back: the rounding
        np.copyto(wide, out)
        wide *= x64
        wide += c
    np.copyto(out, wide, casting="same_kind")
    return out


LOG_POLYNOMIAL = [float(np.float32(c)) for c in (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)]
HALF, LN2_HIGH, LN2_LOW = np.float32(0.5), np.float32(0.693359375), np.float32(-2.12194440e-4)
SQRT_HALF_BITS, MANTISSA_BITS = 0x3F3504F3, 23


def _radius_from_uniform(work: _Workspace) -> None:
    """radius = sqrt(-2 ln(1 - radius)) in place.

    The logarithm: 1 - u = 2**e (1 + x) with sqrt(1/2) <= 1 + x < sqrt(2),
    ln(1 - u) = x - x**2 / 2 + x**3 p(x) + e ln 2.
    """
    u, x, y, e, wide = work.radius, work.radius, work.scratch, work.count, work.wide
    bits, exponent = work.bits, work.whole
    np.subtract(1, u, out=u)
    np.subtract(u.view(np.int32), SQRT_HALF_BITS, out=exponent)
    exponent >>= MANTISSA_BITS
    np.copyto(e, exponent, casting="same_kind")
    np.left_shift(exponent, MANTISSA_BITS, out=bits)
    np.subtract(u.view(np.int32), bits, out=bits)
    np.subtract(bits.view(F32), 1, out=x)
    np.copyto(work.x64, x)
    _horner(work.x64, LOG_POLYNOMIAL, wide, y)
    y *= x
    np.copyto(wide, y)
    square = np.multiply(x, x, out=work.bits.view(F32))
    wide *= square
    wide += np.multiply(e, LN2_LOW, out=y)
    np.copyto(y, wide, casting="same_kind")
    np.multiply(square, HALF, out=square)
    y -= square
    x += y
    x += np.multiply(e, LN2_HIGH, out=e)                   # an exact product, so it needs no fusing
    x *= -2
    np.sqrt(x, out=x)


COS_SIN_POLYNOMIALS = np.array([[[2.443315711809948e-5], [-1.9515295891e-4]],
                                [[-1.388731625493765e-3], [8.3321608736e-3]],
                                [[4.166664568298827e-2], [-1.6666654611e-1]]], F32).astype(F64)
FOUR_OVER_PI = np.float32(1.27323954473516)
# -pi/4 in three parts; multiples of the first two are exact
PART_1, PART_2, PART_3 = np.array([-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8], F32)


def _cos_and_sin(work: _Workspace) -> None:
    """pair = cos(angle), sin(angle) for angles in [0, 2 pi]; overwrites angle.

    The angle is brought to [-pi/4, pi/4] by taking off `eighths`, an even number of eighths of a turn; there
    cos = 1 - x**2 / 2 + x**4 p(x**2) and sin = x + x**3 q(x**2).
    """
    x, scratch, eighths, octant = work.angle, work.scratch, work.count, work.whole
    np.copyto(octant, np.multiply(x, FOUR_OVER_PI, out=scratch), casting="unsafe")
    octant += 1
    octant &= ~1
    np.copyto(eighths, octant, casting="same_kind")
    x += np.multiply(eighths, PART_1, out=scratch)
    x += np.multiply(eighths, PART_2, out=scratch)
    np.copyto(work.wide, eighths)
    work.wide *= float(PART_3)
    work.wide += x
    np.copyto(x, work.wide, casting="same_kind")
    square = np.multiply(x, x, out=scratch)
    np.copyto(work.square64, square)
    pair, wide = _horner(work.square64, COS_SIN_POLYNOMIALS, work.pair_wide, work.pair), work.pair_wide
    pair *= square
    np.copyto(wide, pair)
    wide[0] *= work.square64
    wide[0] += np.multiply(square, -HALF, out=square)
    wide[1] *= x
    wide[1] += x
    np.copyto(pair, wide, casting="same_kind")
    pair[0] += 1
    _turn(pair.view(np.int32), octant, work.bits)


def _turn(pair: np.ndarray, octant: np.ndarray, scratch: np.ndarray) -> None:
    """Bring cosine and sine back by quarter turns: odd ones exchange the two, then come the signs."""
    swap = np.right_shift(octant, 1, out=scratch)
    swap &= 1
    np.negative(swap, out=swap)
    swap &= pair[0] ^ pair[1]
    pair ^= swap
    pair[1] ^= np.left_shift(np.bitwise_and(octant, 4, out=scratch), 29, out=scratch)    # 4 << 29: the sign
    octant += 2
    pair[0] ^= np.left_shift(np.bitwise_and(octant, 4, out=scratch), 29, out=scratch)


# Permutations -------------------------------------------------------------------------------------------

def apply_swaps(targets: np.ndarray) -> np.ndarray:
    """The list 0..n-1 after swapping element i with element targets[i] >= i, for i = 0, 1, ... in turn.

    Long lists avoid the loop. The value that step i takes from place p was put there by the last earlier step
    m with targets[m] == p, which took it from place m; chains of such steps are followed, all at once.

    Shape: (n,) -> (n,).
    >>> apply_swaps(np.array([2, 1, 2])).tolist()
    [2, 1, 0]
    """
    if targets.size <= 256:
        shuffled = list(range(targets.size))
        for i, j in enumerate(targets.tolist()):
            shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
        return np.array(shuffled, dtype=np.int64)
    steps = np.arange(targets.size, dtype=np.int64)
    moved = np.flatnonzero(targets != steps)
    start = steps.copy()                                   # what stands at place i just before step i
    start[targets[moved]] = moved                          # the last of several steps wins
    while not np.array_equal(further := start[start], start):
        start = further
    in_order = np.sort((targets << 32) | steps)            # by place, then by step
    place, step = in_order >> 32, in_order & 0xFFFFFFFF
    again = np.flatnonzero(place[1:] == place[:-1])
    values = targets.astype(np.int64)
    values[step[again + 1]] = start[step[again]]
    return values


# Distributions drawn by rejection, one element at a time ------------------------------------------------

Draw = Callable[[], float]
ready = functools.lru_cache(maxsize=4096)                  # what depends on parameters alone, which often repeat


@ready
def _poisson_constants(rate: float) -> tuple[float, float, float, float, float]:
    b = 0.931 + 2.53 * math.sqrt(rate)
    return (-0.059 + 0.02483 * b, b, math.log(1.1239 + 1.1328 / (b - 3.4)), math.log(rate),
            0.9277 - 3.6224 / (b - 2))


def poisson_one(rate: float, uniform: Draw) -> int:
    """One Poisson number. Source: products of uniforms below 10, else Hoermann's rejection (PTRS, 1993)."""
    if rate == 0:
        return 0
    if rate < 10:
        limit, product, count = math.exp(-rate), uniform(), 0
        while product > limit:
            count += 1
            product *= uniform()
        return count
    a, b, log_inverse_alpha, log_rate, limit = _poisson_constants(rate)
    while True:
        u, v = uniform() - 0.5, uniform()
        distance = 0.5 - abs(u)
        if distance == 0.0:                                # u = -1/2 would send the count to minus infinity
            continue
        count = math.floor((2 * a / distance + b) * u + rate + 0.43)
        if distance >= 0.07 and v <= limit:
            return count
        if count < 0 or (distance < 0.013 and v > distance):
            continue
        left = _log_or_minus_inf(v) + log_inverse_alpha - math.log(a / (distance * distance) + b)
        if left <= -rate + count * log_rate - math.lgamma(count + 1.0):
            return count


def _log_or_minus_inf(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def _round32(x: float) -> float:
    return float(np.float32(x))


_EXACT = float                                             # the rounding of float64 arithmetic: none
THIRD32, SQUEEZE32 = _round32(1 / 3), _round32(0.0331)     # PyTorch has these two in single precision


@ready
def _gamma_constants(alpha: float, single: bool) -> tuple[float, float, float]:
    """The power of a uniform that scales the number (0: none, alpha >= 1), and Marsaglia and Tsang's d and c."""
    rounded = _round32 if single else _EXACT
    power = rounded(1.0 / alpha) if alpha < 1 else 0.0
    d = rounded((rounded(alpha + 1) if alpha < 1 else alpha) - THIRD32)
    return power, d, 1.0 / math.sqrt(9.0 * d)


def gamma_one(alpha: float, single: bool, uniform: Draw, normal: Draw) -> float:
    """One Gamma(alpha, 1) number, for the caller to round; `single`: alpha is a float32.

    Source: Marsaglia and Tsang, 2000.
    """
    if alpha == 0:
        return 0.0
    power, d, c = _gamma_constants(alpha, single)
    scale = math.pow(1 - uniform(), power) if power else 1.0
    while True:
        x = normal()
        y = 1 + c * x
        if y <= 0:
            continue
        v = y * y * y
        u, xx = 1 - uniform(), x * x
        if u < 1 - SQUEEZE32 * xx * xx or math.log(u) < 0.5 * xx + d * (1 - v + math.log(v)):
            return scale * d * v


def binomial_one(count: float, prob: float, single: bool, uniform: Draw) -> float:
    """One Binomial(count, prob) number. Source: PyTorch `binomial`: gaps, or Hoermann's BTRS (1993)."""
    if count <= 0 or prob <= 0:
        return 0.0
    if prob >= 1:
        return count
    draw, constants = _binomial_constants(count, prob, single)
    successes = draw(count, constants, uniform)
    return successes if prob <= 0.5 else count - successes


Sampler = Callable[[float, tuple[float, ...], Draw], float]


@ready
def _binomial_constants(count: float, prob: float, single: bool) -> tuple[Sampler, tuple[float, ...]]:
    """The method for these parameters and what it needs; chances above 1/2 count failures."""
    rounded = _round32 if single else _EXACT
    prob = prob if prob <= 0.5 else rounded(1.0 - prob)
    expected = rounded(count * prob)
    if expected < 10:
        return _binomial_gaps, (rounded(math.log1p(-prob)),)
    deviation = rounded(math.sqrt(rounded(expected * rounded(1 - prob))))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    mode, odds = float(math.floor(rounded(rounded(count + 1) * prob))), rounded(prob / rounded(1 - prob))
    at_mode = ((mode + 0.5) * math.log((mode + 1) / (odds * (count - mode + 1))), _stirling_tail(mode),
               _stirling_tail(count - mode))
    return _binomial_btrs, (a, b, expected + 0.5, 0.92 - 4.2 / b, odds, (2.83 + 5.1 / b) * deviation, mode, *at_mode)


def _binomial_gaps(count: float, constants: tuple[float, ...], uniform: Draw) -> float:
    (log_miss,), place, successes = constants, 0.0, 0.0
    while True:
        u = uniform()
        if u == 0.0:                                       # an infinite gap
            return successes
        place += math.ceil(math.log(u) / log_miss)
        if place > count:
            return successes
        successes += 1


def _binomial_btrs(count: float, constants: tuple[float, ...], uniform: Draw) -> float:
    a, b, centre, limit, odds, alpha, mode, log_mode, tail, tail_left = constants
    while True:
        u, v = uniform() - 0.5, uniform()
        distance = 0.5 - abs(u)
        if distance == 0.0:
            continue
        k = float(math.floor((2 * a / distance + b) * u + centre))
        if not 0 <= k <= count:
            continue
        if distance >= 0.07 and v <= limit:
            return k
        bound = (log_mode
                 + (count + 1) * math.log((count - mode + 1) / (count - k + 1))
                 + (k + 0.5) * math.log(odds * (count - k + 1) / (k + 1))
                 + tail + tail_left
                 - _stirling_tail(k) - _stirling_tail(count - k))
        if _log_or_minus_inf(v * alpha / (a / (distance * distance) + b)) <= bound:
            return k


def _stirling_tail(k: float) -> float:
    """ln(k!) minus Stirling's formula; PyTorch has the first ten in a table, here they are computed."""
    if k < 10:
        return math.lgamma(k + 1) - ((k + 0.5) * math.log(k + 1) - (k + 1) + 0.5 * math.log(TWO_PI))
    square = (k + 1) * (k + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)
