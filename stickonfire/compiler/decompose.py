"""Functions of `xp` written out in the few that kernels are made of.

A softmax becomes a maximum, a difference, an exponential, a sum and a quotient: what can then be fused with its
neighbours. Each rule is a function of a `Builder` and the instruction it stands for; what has no rule is left as it
is, and runs as a call of the function itself.
"""
from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from . import rules_functions, rules_index, rules_products  # noqa: F401    (they declare rules)
from .program import Instr, Program, Ref, Symbol
from .rules import ELEMENTWISE, REDUCTIONS, RULES, Builder, dense_strides, expanded, is_real, kept, rule
from .simplify import PURE


def decompose(program: Program) -> None:
    """Writes out whatever has a rule."""
    b = Builder(program)
    for instr in program.instrs:
        b.line = instr.line
        before = len(b.instrs)
        rule_ = RULES.get(instr.name)
        if rule_ is None or not rule_(b, instr):
            del b.instrs[before:]
            taken = instr.name in PURE              # the name means a primitive: a call of `xp` needs another one
            b.instrs.append(replace(instr, name="xp." + instr.name) if taken else instr)
    program.instrs = b.instrs


SYNONYMS = {"true_divide": "divide", "abs": "absolute", "fabs": "absolute", "logical_and": "and", "logical_or": "or",
            "logical_not": "not", "invert": "not", "bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "xor",
            "float_power": "power"}
UNARY_FLOAT = frozenset(("sqrt", "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "tanh",
                         "sinh", "cosh", "sigmoid", "erf", "erfc", "arctan", "arcsin", "arccos", "reciprocal"))


@rule(*(ELEMENTWISE - {"cast", "fill", "one_hot", "where"}), *SYNONYMS)
def elementwise(b: Builder, instr: Instr) -> bool:
    name = SYNONYMS.get(instr.name, instr.name)
    given = instr.operands
    refs = [x for x in given if isinstance(x, Ref)]
    if instr.settings or not is_real(*refs, instr.out) or not all(
            isinstance(x, (Ref, Symbol, bool, int, float)) for x in given):
        return False
    if name in ("and", "or", "xor", "not") and any(r.dtype.kind != "b" for r in refs):
        if instr.name.startswith("logical") or name == "not" or any(r.dtype.kind == "b" for r in refs):
            return False
    of = np.result_type(*[x.dtype if isinstance(x, Ref) else 1.0 if isinstance(x, Symbol) else x for x in given])
    if (name in UNARY_FLOAT or name == "divide") and of.kind != "f":
        return False
    if of.kind in "iu" and any(isinstance(x, int) and not np.iinfo(of).min <= x <= np.iinfo(of).max for x in given):
        return False                                        # it would wrap
    if of.kind != "f" and name in ("fmax", "fmin", "isnan", "copysign"):
        return False
    if name == "power" and of.kind != "f" or of.char == "e" or of.kind == "b" and name in ("subtract", "negative"):
        return False
    if name == "power" and isinstance(given[1], (int, float)):
        return fixed_power(b, instr, float(given[1]))
    b.into(instr.out, name, *given, of=of)
    return True


def fixed_power(b: Builder, instr: Instr, exponent: float) -> bool:
    """The powers that need no logarithm."""
    a = instr.operands[0]
    if exponent == 2:
        b.into(instr.out, "multiply", a, a, of=a.dtype)
    elif exponent == 3:
        b.into(instr.out, "multiply", b("multiply", a, a, of=a.dtype), a, of=a.dtype)
    elif exponent == 0.5:
        b.into(instr.out, "sqrt", a, of=a.dtype)
    elif exponent == 1:
        b.into(instr.out, "cast", a)
    elif exponent == -1:
        b.into(instr.out, "divide", 1.0, a, of=a.dtype)
    else:
        b.into(instr.out, "power", a, exponent, of=a.dtype)
    return True


@rule("where")
def where(b: Builder, instr: Instr) -> bool:
    if len(instr.operands) != 3 or instr.settings or not is_real(*instr.reads(), instr.out):
        return False
    condition = instr.operands[0]
    if not isinstance(condition, Ref) or condition.dtype.kind != "b":
        return False
    b.into(instr.out, "where", *instr.operands, of=instr.out.dtype)
    return True


@rule("keep")
def keep(b: Builder, instr: Instr) -> bool:
    values, mask = instr.operands
    if not is_real(values) or mask.dtype.kind != "b":
        return False
    b.into(instr.out, "where", mask, values, 0, of=instr.out.dtype)
    return True


@rule("cast", "ndarray.astype", "copyto", "copy", "ndarray.copy", "contiguous", "laid_out", "positive", "asarray",
      "ascontiguousarray", "resized")
def copied(b: Builder, instr: Instr) -> bool:
    source = instr.operands[1] if instr.name == "copyto" else instr.operands[0]
    if instr.name == "copyto" and "where" in instr.settings:
        return False
    if isinstance(source, (bool, int, float)):
        b.into(instr.out, "fill", source)
        return is_real(instr.out)
    if not isinstance(source, Ref) or not is_real(source, instr.out):
        return False
    if math.prod(instr.out.shape) != np.broadcast(np.empty(source.shape), np.empty(instr.out.shape)).size:
        return False
    b.into(instr.out, "cast", source)
    return True


@rule("ndarray.reshape", "reshape", "ndarray.flatten", "ravel")
def reshaped(b: Builder, instr: Instr) -> bool:
    """A reshape that could not be a view: the elements in row-major order, densely."""
    source, out = instr.operands[0], instr.out
    if not is_real(source) or not out.is_dense():
        return False
    dense = Ref(out.buffer, out.dtype, source.shape, dense_strides(source.shape, out.dtype), out.offset)
    b.into(dense, "cast", source)
    return True


@rule("zeros_like", "ones_like", "full_like", "zeros", "ones", "empty_like", "ndarray.fill")
def filled(b: Builder, instr: Instr) -> bool:
    if not is_real(instr.out):
        return False
    value: Any = {"z": 0, "o": 1, "e": 0}.get(instr.name[0])
    if instr.name in ("full_like", "ndarray.fill"):
        value = instr.operands[1] if len(instr.operands) > 1 else instr.settings["fill_value"]
        if isinstance(value, Ref) and value.size == 1 and is_real(value):
            b.into(instr.out, "cast", replace(value, shape=(), strides=()))
            return True
        if not isinstance(value, (bool, int, float)):
            return False
    b.into(instr.out, "fill", value)
    return True


@rule(*REDUCTIONS, *[f"ndarray.{name}" for name in ("sum", "max", "min", "prod", "any", "all")], "sum_plain")
def reduction(b: Builder, instr: Instr) -> bool:
    name = instr.name.removeprefix("ndarray.")
    kind = "sum" if name == "sum_plain" else REDUCTIONS[name]
    a, *rest = instr.operands
    settings = dict(instr.settings)
    axis = rest[0] if rest else settings.pop("axis", None if "." not in name else 0)
    keepdims = settings.pop("keepdims", rest[1] if len(rest) > 1 else False)
    settings.pop("axis", None)
    out = instr.out
    if settings or not isinstance(a, Ref) or not is_real(a, out) or not a.size:
        return False
    if kind in ("any", "all") and a.dtype.kind != "b" or kind in ("sum", "prod") and a.dtype.kind not in "f" and \
            out.dtype.kind != "i":
        return False
    axes = tuple(range(len(a.shape))) if axis is None else tuple(
        sorted(d % len(a.shape) for d in (axis if isinstance(axis, (tuple, list)) else (axis,))))
    b.reduce_into(expanded(out, axes, keepdims, len(a.shape)), kind, a, axes)
    return True


@rule("mean", "ndarray.mean")
def mean(b: Builder, instr: Instr) -> bool:
    a = instr.operands[0]
    settings = dict(instr.settings)
    axis, keepdims = settings.pop("axis", None), settings.pop("keepdims", False)
    if len(instr.operands) > 1 or settings or a.dtype.char not in "fd" or not a.size:
        return False
    axes = tuple(range(len(a.shape))) if axis is None else tuple(
        sorted(d % len(a.shape) for d in (axis if isinstance(axis, (tuple, list)) else (axis,))))
    count = math.prod(a.shape[d] for d in axes)
    total = b.reduce("sum", a, axes)
    b.into(expanded(instr.out, axes, keepdims, len(a.shape)), "multiply", total, 1 / count, of=a.dtype)
    return True


@rule("softmax", "log_softmax")
def softmax(b: Builder, instr: Instr) -> bool:
    a, axis = instr.operands
    if a.dtype.char not in "fd" or not a.shape or not a.size:
        return False
    axes = kept(a, axis)
    shifted = b("subtract", a, b.reduce("max", a, axes), of=a.dtype)
    powers = b("exp", shifted, of=a.dtype)
    total = b.reduce("sum", powers, axes)
    if instr.name == "softmax":
        b.into(instr.out, "divide", powers, total, of=a.dtype)
    else:
        b.into(instr.out, "subtract", shifted, b("log", total, of=a.dtype), of=a.dtype)
    return True


@rule("plus_product")
def plus_product(b: Builder, instr: Instr) -> bool:
    base, out, beta, alpha = instr.operands
    if not is_real(base, out) or out.dtype.kind != "f":
        return False
    value: Any = out if alpha == 1 else b("multiply", out, float(alpha), of=out.dtype)
    if beta == 0:
        b.into(instr.out, "cast", value)
        return True
    scaled = base if beta == 1 else b("multiply", base, float(beta), of=out.dtype)
    b.into(instr.out, "add", value, scaled, of=out.dtype)
    return True


@rule("add_scaled", "add_product", "add_quotient")
def add_scaled(b: Builder, instr: Instr) -> bool:
    target, *values, factor = instr.operands
    if not is_real(target, *values) or target.dtype.kind != "f":
        return False
    of = target.dtype
    value = values[0]
    if len(values) == 2:
        value = b("multiply" if instr.name == "add_product" else "divide", *values, of=of)
    b.into(target, "add", target, b("multiply", value, factor, of=of), of=of)
    return True


@rule("move_towards")
def move_towards(b: Builder, instr: Instr) -> bool:
    target, end, weight = instr.operands
    if not is_real(target, end) or target.dtype.kind != "f" or not isinstance(weight, (int, float)):
        return False
    of = target.dtype
    way = b("subtract", end, target, of=of)
    if abs(weight) < 0.5:
        b.into(target, "add", target, b("multiply", way, weight, of=of), of=of)
    else:
        b.into(target, "subtract", end, b("multiply", way, 1 - weight, of=of), of=of)
    return True


@rule("squared_size")
def squared_size(b: Builder, instr: Instr) -> bool:
    a = instr.operands[0]
    if not is_real(a):
        return False
    b.into(instr.out, "multiply", a, a, of=a.dtype)
    return True


@rule("euclidean")
def euclidean(b: Builder, instr: Instr) -> bool:
    a, axes, keepdims = instr.operands
    if a.dtype.char not in "fd" or not a.size:
        return False
    axes = tuple(sorted(d % len(a.shape) for d in axes))
    total = b.reduce("sum", b("multiply", a, a, of=a.dtype), axes)
    b.into(expanded(instr.out, axes, keepdims, len(a.shape)), "sqrt", total, of=a.dtype)
    return True


@rule("squared_deviations")
def squared_deviations(b: Builder, instr: Instr) -> bool:
    """The sum of (a - centre)^2."""
    a, centre, axes, keepdims = instr.operands
    if not isinstance(centre, Ref) or a.dtype.char not in "fd" or a.dtype != centre.dtype or not a.size or \
            not is_real(instr.out):
        return False
    way = b("subtract", a, centre, of=a.dtype)
    axes = tuple(sorted(d % len(a.shape) for d in axes))
    b.reduce_into(expanded(instr.out, axes, keepdims, len(a.shape)), "sum", b("multiply", way, way, of=a.dtype), axes)
    return True
