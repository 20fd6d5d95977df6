#!/usr/bin/env python3
"""Computes the polynomials of stickonfire/codegen/vecmath.py and writes them to stickonfire/codegen/polynomials.py.

Each is the best one of its degree: no other comes closer at its worst point (Chebyshev, 1854). Remez's exchange (1934)
finds it: ask that the error alternate between +e and -e at n + 2 points, solve for the coefficients and e, move the
points to where the error is largest, repeat. Needs mpmath (`pip install mpmath`); run it after changing FITS.

    python scripts/make_polynomials.py
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mpmath as mp

mp.mp.dps = 70
Real = Callable[[mp.mpf], mp.mpf]
OUT = Path(__file__).resolve().parents[1] / "stickonfire" / "codegen" / "polynomials.py"


@dataclass
class Fit:
    """Approximates `target` on [low, high]; errors count `weight` times. `what` is what the docstring says."""
    what: str
    target: Real
    weight: Real
    low: mp.mpf
    high: mp.mpf
    degrees: dict[str, int]         # by dtype; an absent one needs no polynomial


def tail(f: Real, start: Real, power: int, squared: bool = True) -> tuple[Real, Real]:
    """For f(x) = start(x) + x^power P(z), z = x^2 or x: what P is to be, and by how much its error counts in f's."""
    def x_of(z: mp.mpf) -> mp.mpf:
        return mp.sqrt(z) if squared else z

    return (lambda z: (f(x_of(z)) - start(x_of(z))) / x_of(z) ** power,
            lambda z: abs(x_of(z) ** power / f(x_of(z))))


TINY = mp.mpf(10) ** -12
HALF_LN2 = mp.log(2) / 2 * mp.mpf("1.0001")
QUARTER_PI = mp.pi / 4 * mp.mpf("1.0001")
ERFC_CENTRE = 4


def erfc_inner(t: mp.mpf) -> mp.mpf:
    """exp(a^2) erfc(a) (1 + 2a) where t = (a - 4) / (a + 4): nearly straight on all of [0, 27]."""
    a = ERFC_CENTRE * (1 + t) / (1 - t)
    return mp.exp(a * a) * mp.erfc(a) * (1 + 2 * a)


def log_erfc(centre: str) -> tuple[Real, Real]:
    """log(erfc(x)) about `centre`; erf(x) = 1 - erfc(x) needs the less of it the smaller erfc(x) is."""
    return (lambda u: mp.log(mp.erfc(u + mp.mpf(centre))),
            lambda u: mp.erfc(u + mp.mpf(centre)) + mp.mpf(10) ** -12)


def fits() -> dict[str, Fit]:
    def fit(what: str, pair: tuple[Real, Real], low: mp.mpf, high: mp.mpf, single: int, double: int) -> Fit:
        degrees = {"float": single, "double": double}
        return Fit(what, *pair, mp.mpf(low), mp.mpf(high), {dtype: n for dtype, n in degrees.items() if n})

    root = mp.sqrt(2) - 1
    one = mp.mpf(1)
    return {
        "exp": fit("exp(x) = 1 + x + x^2 P(x), |x| <= ln(2)/2",
                   (tail(mp.expm1, lambda x: x, 2, False)[0], lambda x: x * x / mp.exp(x)), -HALF_LN2, HALF_LN2, 4, 9),
        "expm1": fit("exp(x) - 1 = x + x^2 P(x), |x| <= ln(2)/2",
                     tail(mp.expm1, lambda x: x, 2, False), -HALF_LN2, HALF_LN2, 5, 10),
        "exp2": fit("2^x = 1 + x P(x), |x| <= 1/2",
                    (lambda x: (mp.power(2, x) - 1) / x if x else mp.log(2), lambda x: abs(x) + mp.mpf("0.01")),
                    -one / 2, one / 2, 5, 10),
        "log": fit("log(1 + x) = x - x^2/2 + x^3 P(x), 1/sqrt(2) <= 1 + x <= sqrt(2)",
                   tail(mp.log1p, lambda x: x - x * x / 2, 3, False), mp.sqrt(mp.mpf(1) / 2) - 1, root, 8, 0),
        "atanh": fit("2 atanh(s) = 2 s + s^3 P(s^2), |s| <= (sqrt(2) - 1) / (sqrt(2) + 1)",
                     tail(lambda s: 2 * mp.atanh(s), lambda s: 2 * s, 3), TINY, (root / (2 + root)) ** 2, 0, 6),
        "atanh_tail": fit("2 atanh(s) = 2 s + 2/3 s^3 + s^5 P(s^2), the same interval",
                          tail(lambda s: 2 * mp.atanh(s), lambda s: 2 * s + 2 * s ** 3 / 3, 5),
                          TINY, (root / (2 + root)) ** 2, 0, 7),
        "sin": fit("sin(x) = x + x^3 P(x^2), |x| <= pi/4", tail(mp.sin, lambda x: x, 3), TINY, QUARTER_PI ** 2, 2, 5),
        "cos": fit("cos(x) = 1 - x^2/2 + x^4 P(x^2), |x| <= pi/4",
                   tail(mp.cos, lambda x: 1 - x * x / 2, 4), TINY, QUARTER_PI ** 2, 2, 5),
        "tan": fit("tan(x) = x + x^3 P(x^2), |x| <= pi/4", tail(mp.tan, lambda x: x, 3), TINY, QUARTER_PI ** 2, 6, 14),
        "sinh": fit("sinh(x) = x + x^3 P(x^2), |x| <= 1", tail(mp.sinh, lambda x: x, 3), TINY, one, 3, 6),
        "tanh": fit("tanh(x) = x + x^3 P(x^2), |x| <= 0.55",
                    tail(mp.tanh, lambda x: x, 3), TINY, one * 121 / 400, 4, 9),
        "atan": fit("atan(x) = x + x^3 P(x^2), |x| <= tan(pi/8)",
                    tail(mp.atan, lambda x: x, 3), TINY, root ** 2 * mp.mpf("1.001"), 4, 11),
        "asin": fit("asin(x) = x + x^3 P(x^2), |x| <= 1/2",
                    tail(mp.asin, lambda x: x, 3), TINY, one / 4, 5, 12),
        "erf": fit("erf(x) = x + x P(x^2), |x| <= 1", tail(mp.erf, lambda x: x, 1), TINY, one, 6, 11),
        "log_erfc": fit("log(erfc(x)) = P(x - 1), 1 <= x <= 4", log_erfc("1"), TINY, 3, 7, 0),
        "log_erfc_wide": fit("log(erfc(x)) = P(x - 1), 1 <= x <= 6", log_erfc("1"), TINY, 5, 0, 18),
        "erfcx": fit("exp(a^2) erfc(a) (1 + 2a) = P(t), t = (a - 4)/(a + 4), 0 <= a <= 10.5",
                     (erfc_inner, lambda t: 1 / erfc_inner(t)), -one, one * 13 / 29, 10, 0),
        "erfcx_wide": fit("the same, 0 <= a <= 28",
                          (erfc_inner, lambda t: 1 / erfc_inner(t)), -one, one * 3 / 4, 0, 22),
    }


def remez(fit: Fit, degree: int, rounds: int = 12) -> tuple[list[mp.mpf], mp.mpf]:
    """Coefficients from the constant term up, and the largest weighted error."""
    n = degree + 2
    middle, half = (fit.high + fit.low) / 2, (fit.high - fit.low) / 2
    points = [middle - half * mp.cos(mp.pi * i / (n - 1)) for i in range(n)]
    grid = [middle - half * mp.cos(mp.pi * i / (24 * n)) for i in range(24 * n + 1)]
    grid = [x if abs(x) > TINY else TINY for x in grid]
    points = [x if abs(x) > TINY else TINY for x in points]
    values = [(x, fit.target(x), fit.weight(x)) for x in grid]
    for _ in range(rounds):
        rows = [[x ** k for k in range(n - 1)] + [(-1) ** i / fit.weight(x)] for i, x in enumerate(points)]
        solution = mp.lu_solve(mp.matrix(rows), mp.matrix([fit.target(x) for x in points]))
        coefficients, level = list(solution)[:-1], abs(solution[n - 1])
        errors = [(x, (value - mp.polyval(coefficients[::-1], x)) * weight) for x, value, weight in values]
        runs: list[tuple[mp.mpf, mp.mpf]] = []      # the largest error of each run of one sign
        for x, error in errors:
            if runs and (runs[-1][1] > 0) == (error > 0):
                runs[-1] = max(runs[-1], (x, error), key=lambda pair: abs(pair[1]))
            else:
                runs.append((x, error))
        largest = max(abs(error) for _, error in errors)
        while len(runs) > n:
            runs.pop(0 if abs(runs[0][1]) < abs(runs[-1][1]) else -1)
        if len(runs) < n or largest < level * mp.mpf("1.001"):
            break
        points = [x for x, _ in runs]
    return coefficients, largest


HEADER = '''"""Coefficients of the polynomials in `vecmath.py`, lowest power first. Room `codegen`; imports nothing.

Written by scripts/make_polynomials.py: the best polynomials of their degree (Remez). "error" is the largest relative
error of the function so computed, in bits, before any rounding.
"""
from __future__ import annotations

'''


def listing(report: Callable[[str], None] = print) -> str:
    """The text of polynomials.py."""
    lines = [HEADER, "COEFFICIENTS: dict[tuple[str, str], tuple[float, ...]] = {\n"]
    for name, fit in fits().items():
        lines.append(f"    # {fit.what}\n")
        for dtype, degree in fit.degrees.items():
            coefficients, error = remez(fit, degree)
            bits = f"error 2^{float(mp.log(error, 2)):.1f}"
            report(f"{name:10} {dtype:7} degree {degree:3}  {bits}")
            numbers = [mp.nstr(c, 9 if dtype == "float" else 17) for c in coefficients]
            width = 5 if dtype == "float" else 4
            lines.append(f'    ("{name}", "{dtype}"): (     # {bits}\n')
            lines += [f"        {', '.join(numbers[i:i + width])},\n" for i in range(0, len(numbers), width)]
            lines.append("    ),\n")
    return "".join([*lines, "}\n"])


def main() -> None:
    OUT.write_text(listing(), encoding="utf-8")


if __name__ == "__main__":
    main()
