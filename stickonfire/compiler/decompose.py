"""Functions of `xp` written out in the few that kernels are made of.

A softmax becomes a maximum, a difference, an exponential, a sum and a quotient: what can then be fused with its neighbours.
Each rule is a function of a `Builder` and the instruction it stands for; what has no rule is left as it is, and runs as a
call of the function itself.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from . import primitives
from .program import Instr, Program, Ref, Symbol
from .walks import broadcast_strides, collapsed, reshaped_strides

RULES: dict[str, Callable[[Builder, Instr], bool]] = {}

ELEMENTWISE = frozenset((
    "add", "subtract", "multiply", "divide", "negative", "absolute", "sqrt", "square", "reciprocal", "exp", "expm1", "exp2",
    "log", "log1p", "log2", "log10", "sin", "cos", "tan", "tanh", "sinh", "cosh", "sigmoid", "erf", "erfc", "power",
    "arctan", "arcsin", "arccos", "maximum", "minimum", "fmax", "fmin", "where", "less", "less_equal", "greater",
    "greater_equal", "equal", "not_equal", "isnan", "floor", "ceil", "rint", "trunc", "sign", "copysign", "cast", "fill",
    "and", "or", "xor", "not", "one_hot"))
REDUCTIONS = {"add.reduce": "sum", "sum": "sum", "multiply.reduce": "prod", "prod": "prod", "maximum.reduce": "max",
              "amax": "max", "max": "max", "minimum.reduce": "min", "amin": "min", "min": "min",
              "logical_or.reduce": "any", "any": "any", "logical_and.reduce": "all", "all": "all"}


class Builder:
    """Writes instructions in place of one."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.instrs: list[Instr] = []
        self.line = ""
        self.made = {ref.buffer: instr for instr in program.instrs for ref in instr.outs}

    def into(self, out: Ref, name: str, *operands: Any, **settings: Any) -> Ref:
        """An instruction that writes `out`."""
        self.instrs.append(Instr(name, operands, (out,), settings, line=self.line))
        return out

    def __call__(self, name: str, *operands: Any, dtype: Any = None, shape: Any = None, **settings: Any) -> Ref:
        """An elementwise instruction with a new result."""
        refs = [x for x in operands if isinstance(x, Ref)]
        if shape is None:
            shape = np.broadcast_shapes(*[x.shape for x in refs])
        return self.into(self.program.value(shape, refs[0].dtype if dtype is None else dtype), name, *operands,
                         **settings)

    def reduce(self, kind: str, a: Ref, axes: tuple[int, ...], dtype: Any = None) -> Ref:
        """A reduction whose axes stay, with extent 1."""
        shape = tuple(1 if d in axes else n for d, n in enumerate(a.shape))
        out = self.program.value(shape, a.dtype if dtype is None else dtype)
        self.reduce_into(out, kind, a, axes)
        return out

    def reduce_into(self, out: Ref, kind: str, a: Ref, axes: tuple[int, ...]) -> None:
        """A reduction as steps that kernels take: along the last axes, or over the first ones. `out` has as many dims as `a`."""
        dims = [d for d in range(len(a.shape)) if a.shape[d] != 1]
        a, out = picked_dims(a, dims), picked_dims(out, dims)
        axes = tuple(i for i, d in enumerate(dims) if d in axes)
        if not axes:
            self.into(out, "cast", a)
            return
        run = [d for d in axes if all(e in axes for e in range(d, axes[-1]))]       # the last neighbours among them
        if len(run) < len(axes):
            part = self.program.value([1 if d in run else n for d, n in enumerate(a.shape)], out.dtype)
            self.reduce_into(part, kind, a, tuple(run))
            self.reduce_into(out, kind, part, tuple(d for d in axes if d not in run))
            return
        if run[0] and run[-1] < len(dims) - 1:                  # in the middle: as if they were the last
            order = [*[d for d in range(len(dims)) if d not in run], *run]
            a, out = picked_dims(a, order), picked_dims(out, order)
            axes = tuple(range(len(dims) - len(run), len(dims)))
        self.into(out, "reduce", a, kind=kind, axes=axes)


def picked_dims(a: Ref, dims: list[int]) -> Ref:
    """A Ref with some of its dims, in the given order; the others have extent 1."""
    return replace(a, shape=tuple(a.shape[d] for d in dims), strides=tuple(a.strides[d] for d in dims))


def rule(*names: str) -> Callable[[Any], Any]:
    """Declares how functions are written out. The rule returns False to leave a call as it is."""
    def declare(function: Any) -> Any:
        for name in names:
            RULES[name] = function
        return function
    return declare


def decompose(program: Program) -> None:
    """Writes out whatever has a rule."""
    b = Builder(program)
    for instr in program.instrs:
        b.line = instr.line
        before = len(b.instrs)
        rule_ = RULES.get(instr.name)
        if rule_ is None or not rule_(b, instr):
            del b.instrs[before:]
            b.instrs.append(instr)
    program.instrs = b.instrs


def kept(a: Ref, axis: int) -> tuple[int, ...]:
    return (axis % len(a.shape),) if a.shape else ()


def is_real(*refs: Any) -> bool:
    """Whether all are of dtypes that kernels compute in."""
    return all(r.dtype.char in "fdqlihbB?" and r.dtype.isnative for r in refs if isinstance(r, Ref))


SYNONYMS = {"true_divide": "divide", "abs": "absolute", "fabs": "absolute", "logical_and": "and", "logical_or": "or",
            "logical_not": "not", "invert": "not", "bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "xor",
            "float_power": "power"}
UNARY_FLOAT = frozenset(("sqrt", "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "tanh", "sinh",
                         "cosh", "sigmoid", "erf", "erfc", "arctan", "arcsin", "arccos", "reciprocal"))


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


def dense_strides(shape: tuple[int, ...], dtype: Any) -> tuple[int, ...]:
    """Row-major strides in bytes."""
    strides, step_ = [], dtype.itemsize
    for n in reversed(shape):
        strides.append(step_)
        step_ *= n
    return tuple(reversed(strides))


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


def expanded(out: Ref, axes: tuple[int, ...], keepdims: bool, ndim: int) -> Ref:
    """A reduction's output with the reduced axes there, of extent 1."""
    if keepdims:
        return out
    shape, strides, rest = [], [], iter(zip(out.shape, out.strides))
    for d in range(ndim):
        n, s = (1, 0) if d in axes else next(rest)
        shape.append(n)
        strides.append(s)
    return Ref(out.buffer, out.dtype, tuple(shape), tuple(strides), out.offset)


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


@rule("product", "matmul", "dot", "ndarray.dot", "ndarray.__matmul__")
def product(b: Builder, instr: Instr) -> bool:
    x, w = instr.operands
    return not instr.settings and matmul(b, instr.out, x, w)


@rule("affine")
def affine(b: Builder, instr: Instr) -> bool:
    x, weight, bias = instr.operands
    across = replace(weight, shape=weight.shape[::-1], strides=weight.strides[::-1])
    if bias is None:
        return matmul(b, instr.out, x, across)
    out = b.program.value(instr.out.shape, x.dtype)
    if not matmul(b, out, x, across):
        return False
    b.into(instr.out, "add", out, bias, of=x.dtype)
    return True


def matmul(b: Builder, out: Ref, x: Ref, w: Ref) -> bool:
    """A product as batches of matrices, each dense in one dim: what a matrix kernel takes. Copies what is not."""
    if not all(isinstance(r, Ref) for r in (x, w)) or x.dtype.char not in "fd" or not x.dtype == w.dtype == out.dtype or \
            not x.size or not w.size or not x.shape or not w.shape:
        return False
    if len(x.shape) == 1:
        x = replace(x, shape=(1, *x.shape), strides=(0, *x.strides))
        out = replace(out, shape=(*out.shape[:len(out.shape) - (len(w.shape) > 1)], 1, *out.shape[len(out.shape) - (len(w.shape) > 1):]),
                      strides=(*out.strides[:len(out.strides) - (len(w.shape) > 1)], 0, *out.strides[len(out.strides) - (len(w.shape) > 1):]))
    if len(w.shape) == 1:
        w = replace(w, shape=(*w.shape, 1), strides=(*w.strides, 0))
        out = replace(out, shape=(*out.shape, 1), strides=(*out.strides, 0))
    target = out
    if out.shape[-1] > 1 and out.strides[-1] != out.dtype.itemsize:
        target = b.program.value(out.shape, out.dtype)
    x, w = matrix(b, x), matrix(b, w)
    parts = batches(b, x, w, target)
    if parts is None:
        return False
    b.into(parts[2], "matmul", parts[0], parts[1])
    if target is not out:
        b.into(out, "cast", target)
    return True


def matrix(b: Builder, x: Ref) -> Ref:
    """A Ref whose last or last but one dim is dense."""
    (rows, columns), (down, across) = x.shape[-2:], x.strides[-2:]
    step = x.dtype.itemsize
    if (across == step or columns == 1) and (down >= step * columns or rows == 1) and down % step == 0:
        return x
    if (down == step or rows == 1) and (across >= step * rows or columns == 1) and across % step == 0:
        return x
    return dense(b, x)


def dense(b: Builder, x: Ref) -> Ref:
    """A copy in row-major order."""
    return b.into(b.program.value(x.shape, x.dtype), "cast", x)


def batches(b: Builder, x: Ref, w: Ref, out: Ref) -> tuple[Ref, Ref, Ref] | None:
    """The three as (batch, rows, columns) with one stride over the batch; one matrix on the right makes one tall product."""
    if len(w.shape) == 2 and len(x.shape) > 2:
        rows = math.prod(x.shape[:-1])
        tall = reshaped_strides(x.shape[:-1], x.strides[:-1], (rows,))
        result = reshaped_strides(out.shape[:-1], out.strides[:-1], (rows,))
        if tall is not None and result is not None and (x.strides[-1] == x.dtype.itemsize or x.shape[-1] == 1):
            x = replace(x, shape=(rows, x.shape[-1]), strides=(*tall, x.strides[-1]))
            out = replace(out, shape=(rows, out.shape[-1]), strides=(*result, out.strides[-1]))
    lead = out.shape[:-2]
    parts = []
    for ref in (x, w, out):
        step = batch_step(ref, lead)
        if step is None and ref is not out:
            ref = dense(b, ref)
            step = batch_step(ref, lead)
        if step is None:
            return None
        parts.append(replace(ref, shape=(math.prod(lead), *ref.shape[-2:]), strides=(step, *ref.strides[-2:])))
    return parts[0], parts[1], parts[2]


def batch_step(ref: Ref, lead: tuple[int, ...]) -> int | None:
    """The one stride that leads from matrix to matrix, if there is one."""
    wide = broadcast_strides(replace(ref, shape=ref.shape[:-2], strides=ref.strides[:-2]), lead)
    return None if wide is None else collapsed(lead, wide)


@rule("check")
def check(b: Builder, instr: Instr) -> bool:
    """A flag that a kernel sets, looked at before the program goes on."""
    a, low, high, message, *kind = instr.operands
    if not is_real(a) or not a.size:
        return False
    range_check(b, a, low, high, message, kind[0] if kind else RuntimeError)
    return True


def range_check(b: Builder, a: Ref, low: float, high: float, message: str, kind: type[Exception]) -> None:
    """Raises unless all elements lie in [low, high]."""
    above, below = (b(name, a, bound, dtype=np.dtype(bool), of=a.dtype)
                    for name, bound in (("greater_equal", low), ("less_equal", high)))
    bad = b("not", b("and", above, below, of=np.dtype(bool)), of=np.dtype(bool))
    flag = b.reduce("any", bad, tuple(range(len(a.shape))))
    b.instrs.append(Instr("raise_if", (flag, a), (), {"low": low, "high": high, "message": message, "kind": kind},
                          primitives.check, b.line))


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
    value = values[0] if len(values) == 1 else b("multiply" if instr.name == "add_product" else "divide", *values, of=of)
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


@rule("take", "rows")
def take(b: Builder, instr: Instr) -> bool:
    """Rows of a matrix by index. Kernels keep within the matrix whatever the index; a check raises."""
    source, index = instr.operands[:2]
    axis = 0 if instr.name == "rows" else instr.operands[2] if len(instr.operands) > 2 else instr.settings.get("axis")
    if axis != 0 or not isinstance(index, Ref) or index.dtype.char not in "lq" or not is_real(source) or \
            not index.shape or len(source.shape) < 2 or not source.size or not index.size or len(instr.settings) > 1:
        return False
    if instr.name == "take":                                # NumPy's: negative ones count from the end
        n = source.shape[0]
        range_check(b, index, -n, n - 1, f"index {{}} is out of bounds for dimension 0 with size {n}", IndexError)
        below = b("less", index, 0, dtype=np.dtype(bool), of=index.dtype)
        index = b("where", below, b("add", index, n, of=index.dtype), index, dtype=index.dtype, of=index.dtype)
    b.into(instr.out, "take_rows", source, index)
    return True


@rule("index_sum")
def index_sum(b: Builder, instr: Instr) -> bool:
    rows, dim, index, shape = instr.operands
    if dim != 0 or rows.dtype.char not in "fd" or index.dtype.char not in "lq" or len(index.shape) != 1 or \
            len(rows.shape) != 2 or not rows.size:
        return False
    b.into(instr.out, "add_rows", rows, index)
    return True


@rule("joined", "concatenate")
def joined(b: Builder, instr: Instr) -> bool:
    """Each part is copied to its place."""
    parts = instr.operands[0]
    dim = instr.operands[1] if len(instr.operands) > 1 else instr.settings.get("axis", 0)
    out = instr.out
    dim %= max(len(out.shape), 1)
    if not all(isinstance(p, Ref) and len(p.shape) == len(out.shape) and is_real(p, out) for p in parts):
        return False
    at = out.offset
    for part in parts:
        b.into(Ref(out.buffer, out.dtype, part.shape, out.strides, at), "cast", part)
        at += part.shape[dim] * out.strides[dim]
    return True


@rule("pick_along")
def pick(b: Builder, instr: Instr) -> bool:
    a, index, axis = instr.operands
    if not is_real(a) or index.dtype.char not in "lq":
        return False
    order = [d for d in range(len(a.shape)) if d != axis] + [axis]      # the picked axis comes last
    moved = replace(a, shape=tuple(a.shape[d] for d in order), strides=tuple(a.strides[d] for d in order))
    b.into(instr.out, "pick", moved, index)
    return True


@rule("put")
def put(b: Builder, instr: Instr) -> bool:
    """Values at one place of each row of zeros, as the gradient of a loss over classes has it: a comparison in each place."""
    target, places, values = instr.operands
    blank = b.made.get(target.buffer) if isinstance(target, Ref) else None
    position = b.made.get(places.buffer) if isinstance(places, Ref) else None
    if blank is None or blank.name != "zeros_like" or len(target.shape) != 2 or position is None or \
            position.name != "add" or not isinstance(values, Ref) or not is_real(values):
        return False
    first = b.made.get(position.operands[0].buffer)
    if first is None or first.name != "multiply" or first.operands[1] != target.shape[1]:
        return False
    rows = first.operands[0].buffer.memory
    if rows is None or not np.array_equal(rows, np.arange(target.shape[0])):
        return False
    b.into(instr.out, "one_hot", position.operands[1], values)
    return True
