"""Passes that make a program shorter without changing what it computes: `program -> None`, in place, each by
itself.

`constants` replaces arrays that hold one known number by the number, and applies the algebra of 0 and 1; `common`
keeps one of several equal computations; `dead` drops what nobody asks for.
"""
from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from .program import Buffer, Instr, Program, Ref, Symbol, refs_in
from .rules import ELEMENTWISE

COSTLY = frozenset(("reduce", "matmul", "take_rows", "pick"))
PURE = ELEMENTWISE | COSTLY
REACH, LARGE = 100, 1 << 14     # instructions, elements: what is computed again, see `common`
EFFECTS = frozenset(("effect", "check", "draw", "raise_if"))


def simplify(program: Program) -> None:
    """All passes."""
    dead(program)
    constants(program)
    common(program)
    dead(program)


def written_once(program: Program) -> set[Buffer]:
    """The temporaries that one instruction writes, as a whole: values."""
    writes = Counter(ref.buffer for instr in program.instrs for ref in instr.outs)
    return {b for b, n in writes.items() if n == 1 and b.kind == "temporary"}


def dead(program: Program) -> None:
    """Drops instructions whose results nobody reads."""
    needed = {ref.buffer for ref in program.results}
    needed |= {b for b in program.buffers if b.kind in ("external", "input")}
    kept: list[Instr] = []
    for instr in reversed(program.instrs):
        if instr.name in EFFECTS or not instr.outs or any(ref.buffer in needed for ref in instr.outs):
            kept.append(instr)
            needed.update(ref.buffer for ref in instr.reads())
    program.instrs = kept[::-1]
    used = {ref.buffer for instr in program.instrs for ref in (*instr.reads(), *instr.outs)}
    used |= {ref.buffer for ref in program.results}
    program.buffers = [b for b in program.buffers if b in used]


def constants(program: Program) -> None:
    """Numbers in place of arrays filled with them."""
    values = written_once(program)
    known: dict[Buffer, Any] = {}
    for i, instr in enumerate(program.instrs):
        if instr.name not in PURE or instr.name in ("reduce", "matmul", "take_rows", "pick", "one_hot"):
            continue
        operands = tuple([known.get(x.buffer, x) if isinstance(x, Ref) else x for x in instr.operands])
        if any(isinstance(x, Ref) for x in operands) or instr.name == "fill":
            instr = program.instrs[i] = without_units(replace(instr, operands=operands))
        elif instr.name == "cast":
            instr = program.instrs[i] = replace(instr, name="fill", operands=operands, settings={})
        elif not any(isinstance(x, Symbol) for x in operands):
            folded = fold(instr.name, operands, instr.settings["of"])
            if folded is not None:
                instr = program.instrs[i] = replace(instr, name="fill", operands=(folded,), settings={})
        if instr.name == "fill" and instr.out.buffer in values:
            value = instr.operands[0]
            if not isinstance(value, Symbol):               # as the array holds it
                with np.errstate(all="ignore"):
                    known[instr.out.buffer] = np.array(value).astype(instr.out.dtype).item()
            elif instr.out.dtype == np.float64:
                known[instr.out.buffer] = value


def fold(name: str, operands: tuple[Any, ...], of: Any) -> Any:
    """The number an instruction on numbers yields, in its dtype; None where we do not compute it here."""
    functions = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.true_divide,
                 "negative": np.negative, "sqrt": np.sqrt, "maximum": np.maximum, "minimum": np.minimum}
    if name not in functions or np.dtype(of).kind != "f":
        return None
    with np.errstate(all="ignore"):
        return functions[name](*[np.dtype(of).type(x) for x in operands]).item()


def without_units(instr: Instr) -> Instr:
    """x * 1, x / 1, x + 0 and x - 0 as a copy. (x * 0 is not 0 where x is NaN or infinite; x + 0 turns -0 into 0.)"""
    if len(instr.operands) != 2 or "of" not in instr.settings:
        return instr
    a, b = instr.operands
    same = isinstance(a, Ref) and a.shape == instr.out.shape and a.dtype == instr.out.dtype == instr.settings["of"]
    other = isinstance(b, Ref) and b.shape == instr.out.shape and b.dtype == instr.out.dtype == instr.settings["of"]
    if same and not isinstance(b, (Ref, Symbol)) and ((instr.name in ("multiply", "divide") and b == 1)
                                                      or (instr.name == "subtract" and b == 0)):
        return replace(instr, name="cast", operands=(a,), settings={})
    if other and not isinstance(a, (Ref, Symbol)) and instr.name == "multiply" and a == 1:
        return replace(instr, name="cast", operands=(b,), settings={})
    return instr


def common(program: Program) -> None:
    """One computation where there were several equal ones.

    Large elementwise results that are wanted again much later are computed again: within a kernel that costs less than
    to write, keep and read them, and a forward's need not live until the backward.
    """
    values = written_once(program)
    results = {ref.buffer for ref in program.results}
    version: Counter[Buffer] = Counter()
    first: dict[Any, tuple[Ref, int]] = {}
    stands_for: dict[Buffer, Ref] = {}
    kept: list[Instr] = []

    def key_of(x: Any) -> Any:
        if isinstance(x, Ref):
            return x, version[x.buffer]
        return x.__class__, x if not isinstance(x, float) else (x, math.copysign(1, x))

    for n, instr in enumerate(program.instrs):
        if any(ref.buffer in stands_for for ref in refs_in((instr.operands, instr.settings))):
            instr = replace(instr, operands=renamed(instr.operands, stands_for),
                            settings=renamed(instr.settings, stands_for))
        if instr.name in PURE and instr.out.buffer in values:
            key = (instr.name, tuple(map(key_of, instr.operands)), repr(sorted(instr.settings.items())),
                   instr.out.dtype, instr.out.shape, instr.out.strides, instr.out.offset)
            known = first.get(key)
            near = known is not None and (n - known[1] < REACH or instr.out.size < LARGE or instr.name in COSTLY)
            if known is not None and near and instr.out.buffer not in results:
                stands_for[instr.out.buffer] = known[0]
                continue
            first[key] = instr.out, n
        for ref in instr.outs:
            version[ref.buffer] += 1
        kept.append(instr)
    program.instrs = kept


def renamed(value: Any, stands_for: dict[Buffer, Ref]) -> Any:
    """Operands with other buffers in place of those that were computed twice."""
    kind = value.__class__
    if kind is Ref:
        other = stands_for.get(value.buffer)
        return value if other is None else replace(value, buffer=other.buffer, offset=value.offset)
    if kind is tuple or kind is list:
        return kind([renamed(part, stands_for) for part in value])
    if kind is dict:
        return {key: renamed(part, stands_for) for key, part in value.items()}
    return value
