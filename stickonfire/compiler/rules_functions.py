"""Rules for activations and other functions of one number: a few steps of arithmetic each."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from .program import Instr, Ref
from .rules import Builder, is_real, rule


@rule("silu", "silu_grad")
def silu(b: Builder, instr: Instr) -> bool:
    x = instr.operands[0]
    if x.dtype.char not in "fd":
        return False
    s = b("sigmoid", x, of=x.dtype)
    if instr.name == "silu":
        b.into(instr.out, "multiply", x, s, of=x.dtype)
    else:
        inner = b("multiply", x, b("subtract", 1, s, of=x.dtype), of=x.dtype)
        b.into(instr.out, "multiply", s, b("add", inner, 1, of=x.dtype), of=x.dtype)
    return True


@rule("gelu", "gelu_grad", "gelu_tanh", "gelu_tanh_grad")
def gelu(b: Builder, instr: Instr) -> bool:
    """x Phi(x) and Phi(x) + x phi(x), with Phi from the error function or its approximation by tanh."""
    x = instr.operands[0]
    if x.dtype.char not in "fd":
        return False
    of = x.dtype
    if "tanh" in instr.name:
        return gelu_tanh(b, instr, x)
    bell = b("exp", b("multiply", b("multiply", x, -0.5, of=of), x, of=of), of=of)
    if of.char == "f":
        below = normal_below(b, x, bell)
    else:
        below = b("multiply", b("add", b("erf", b("multiply", x, math.sqrt(0.5), of=of), of=of), 1, of=of), 0.5, of=of)
    if instr.name == "gelu":
        b.into(instr.out, "multiply", x, below, of=of)
    else:
        b.into(instr.out, "add", below, b("multiply", b("multiply", x, bell, of=of), 1 / math.sqrt(2 * math.pi), of=of),
               of=of)
    return True


# (1 - Phi(a)) e^(a^2 / 2) = t Q(t) for t = 1 / (1 + 0.23 a), to 4e-8 of itself between 0 and 8: a least squares fit at
# Chebyshev points, weighted until the largest errors were equal. The constant term comes first.
TAIL = (0.09196443, 0.0883826688, 0.110313937, -0.0132767754, 0.275320768, -0.25689280, 0.28078568, -0.0765979141)


def normal_below(b: Builder, x: Ref, bell: Ref) -> Ref:
    """Phi(x) in float32, given e^(-x^2 / 2): half the work of an error function, and precise far below 0, too."""
    of = x.dtype
    t = b("divide", 1.0, b("add", b("multiply", b("absolute", x, of=of), 0.23, of=of), 1.0, of=of), of=of)
    sum_: Any = TAIL[-1]
    for coefficient in TAIL[-2::-1]:
        sum_ = b("add", b("multiply", t, sum_, of=of), coefficient, of=of)
    above = b("multiply", bell, b("multiply", t, sum_, of=of), of=of)
    positive = b("greater", x, 0, dtype=np.dtype(bool), of=of)
    return b("where", positive, b("subtract", 1.0, above, of=of), above, dtype=of, of=of)


def gelu_tanh(b: Builder, instr: Instr, x: Ref) -> bool:
    of, root = x.dtype, math.sqrt(2 / math.pi)
    square = b("multiply", x, x, of=of)
    inner = b("multiply", x, b("add", b("multiply", square, root * 0.044715, of=of), root, of=of), of=of)
    t = b("tanh", inner, of=of)
    half = b("multiply", b("add", t, 1, of=of), 0.5, of=of)
    if instr.name == "gelu_tanh":
        b.into(instr.out, "multiply", x, half, of=of)
        return True
    slope = b("multiply", x, b("add", b("multiply", square, root * 3 * 0.044715, of=of), root, of=of), of=of)
    bell = b("subtract", 1, b("multiply", t, t, of=of), of=of)
    b.into(instr.out, "add", half, b("multiply", b("multiply", bell, slope, of=of), 0.5, of=of), of=of)
    return True


@rule("step")
def step(b: Builder, instr: Instr) -> bool:
    """1 where it is positive, a number elsewhere."""
    x, low = instr.operands
    if x.dtype.char not in "fd" or not isinstance(low, (int, float)):
        return False
    b.into(instr.out, "where", above(b, x, 0), 1, low, of=x.dtype)
    return True


def above(b: Builder, x: Ref, bound: Any) -> Ref:
    return b("greater", x, bound, dtype=np.dtype(bool), of=x.dtype)


@rule("elu", "elu_grad")
def elu(b: Builder, instr: Instr) -> bool:
    x, alpha, scale, inner = instr.operands
    if x.dtype.char not in "fd":
        return False
    of = x.dtype
    if instr.name == "elu":
        right = b("multiply", x, scale, of=of)
        left = b("multiply", b("expm1", b("multiply", x, inner, of=of), of=of), alpha * scale, of=of)
    else:
        right = scale
        left = b("multiply", b("exp", b("multiply", x, inner, of=of), of=of), alpha * scale * inner, of=of)
    b.into(instr.out, "where", above(b, x, 0), right, left, of=of)
    return True


def log_one_plus_exp(b: Builder, x: Ref) -> Ref:
    """log(1 + exp(x)) = max(x, 0) + log1p(exp(-abs(x)))."""
    of = x.dtype
    small = b("exp", b("negative", b("absolute", x, of=of), of=of), of=of)
    return b("add", b("maximum", x, 0, of=of), b("log1p", small, of=of), of=of)


@rule("softplus")
def softplus(b: Builder, instr: Instr) -> bool:
    x, *rest = instr.operands
    given = dict(zip(("beta", "threshold"), rest)) | instr.settings
    beta, threshold = given.get("beta", 1.0), given.get("threshold", 20.0)
    if x.dtype.char not in "fd":
        return False
    of = x.dtype
    scaled = x if beta == 1 else b("multiply", x, beta, of=of)
    soft = log_one_plus_exp(b, scaled)
    if beta != 1:
        soft = b("divide", soft, beta, of=of)
    b.into(instr.out, "where", above(b, scaled, threshold), x, soft, of=of)
    return True


@rule("log_sigmoid")
def log_sigmoid(b: Builder, instr: Instr) -> bool:
    x = instr.operands[0]
    if x.dtype.char not in "fd":
        return False
    b.into(instr.out, "negative", log_one_plus_exp(b, b("negative", x, of=x.dtype)), of=x.dtype)
    return True


@rule("mish")
def mish(b: Builder, instr: Instr) -> bool:
    x = instr.operands[0]
    if x.dtype.char not in "fd":
        return False
    b.into(instr.out, "multiply", x, b("tanh", log_one_plus_exp(b, x), of=x.dtype), of=x.dtype)
    return True


@rule("logaddexp")
def logaddexp(b: Builder, instr: Instr) -> bool:
    """max(x, y) + log1p(exp(-abs(x - y))), where they differ: of two infinite ones the difference is NaN."""
    x, y = instr.operands
    if not all(isinstance(v, Ref) and v.dtype.char in "fd" for v in (x, y)) or x.dtype != y.dtype or instr.settings:
        return False
    of = x.dtype
    way = b("negative", b("absolute", b("subtract", x, y, of=of), of=of), of=of)
    usual = b("add", b("maximum", x, y, of=of), b("log1p", b("exp", way, of=of), of=of), of=of)
    same = b("equal", x, y, dtype=np.dtype(bool), of=of)
    b.into(instr.out, "where", same, b("add", x, math.log(2), of=of), usual, of=of)
    return True


@rule("isfinite", "isinf")
def isfinite(b: Builder, instr: Instr) -> bool:
    x = instr.operands[0]
    if x.dtype.char not in "fd" or instr.settings:
        return False
    comparison = "less" if instr.name == "isfinite" else "equal"
    b.into(instr.out, comparison, b("absolute", x, of=x.dtype), math.inf, of=x.dtype)
    return True


@rule("number_like")
def number_like(b: Builder, instr: Instr) -> bool:
    """A number in an array's dtype."""
    if not is_real(instr.out) or not isinstance(instr.operands[1], (int, float)):
        return False
    b.into(instr.out, "fill", instr.operands[1])
    return True
