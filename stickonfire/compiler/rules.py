"""How functions of `xp` are written out: the `Builder` that rules write with, and the table of rules.

`@rule(names)` declares one; `decompose.py` applies them. The rules themselves stand in `decompose.py` (arithmetic,
reductions), `rules_products.py`, `rules_functions.py` and `rules_index.py`.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .program import Instr, Program, Ref

RULES: dict[str, Callable[[Builder, Instr], bool]] = {}

ELEMENTWISE = frozenset((
    "add", "subtract", "multiply", "divide", "negative", "absolute", "sqrt", "square", "reciprocal", "exp",
    "expm1", "exp2", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "tanh", "sinh", "cosh", "sigmoid",
    "erf", "erfc", "power", "arctan", "arcsin", "arccos", "maximum", "minimum", "fmax", "fmin", "where", "less",
    "less_equal", "greater", "greater_equal", "equal", "not_equal", "isnan", "floor", "ceil", "rint", "trunc",
    "sign", "copysign", "cast", "fill", "and", "or", "xor", "not", "one_hot"))
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
        """A reduction as steps that kernels take: along the last axes, or over the first ones.

        out: has as many dims as `a`.
        """
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


def kept(a: Ref, axis: int) -> tuple[int, ...]:
    return (axis % len(a.shape),) if a.shape else ()


def is_real(*refs: Any) -> bool:
    """Whether all are of dtypes that kernels compute in."""
    return all(r.dtype.char in "fdqlihbB?" and r.dtype.isnative for r in refs if isinstance(r, Ref))


def dense_strides(shape: tuple[int, ...], dtype: Any) -> tuple[int, ...]:
    """Row-major strides in bytes."""
    strides, step_ = [], dtype.itemsize
    for n in reversed(shape):
        strides.append(step_)
        step_ *= n
    return tuple(reversed(strides))


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
