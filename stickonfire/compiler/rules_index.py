"""Rules for picking and placing: rows by index, parts joined, placed among zeros, padded; and checks of indices."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from . import primitives
from .memory import as_array
from .program import Instr, Ref
from .rules import Builder, is_real, rule


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
    """Values at one place of each row of zeros, as the gradient of a loss over classes has it: comparisons."""
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


def part(ref: Ref, index: Any) -> Ref:
    """A basic index of a Ref."""
    start = 1 << 20                                         # an address that nobody looks at
    array = as_array(start, ref, None)
    view = array[index if index.__class__ is tuple else (index,)]
    if not view.size:
        return replace(ref, shape=view.shape, strides=view.strides)
    return replace(ref, shape=view.shape, strides=view.strides,
                   offset=ref.offset + view.__array_interface__["data"][0] - start)


def is_basic(index: Any) -> bool:
    return all(i is None or i is Ellipsis or i.__class__ in (int, slice) for i in (
        index if index.__class__ is tuple else (index,)))


@rule("place", "replaced")
def place(b: Builder, instr: Instr) -> bool:
    """Zeros, or a copy of an array, with another one at a basic index."""
    if instr.name == "place":
        (source, index, _), base = instr.operands, None
    else:
        base, source, index = instr.operands
    if not is_basic(index) or not is_real(source, instr.out) or not instr.out.size or instr.settings:
        return False
    target = part(instr.out, (*index, ...) if index.__class__ is tuple and Ellipsis not in index else index)
    if target.shape != source.shape:
        return False
    if base is None:
        b.into(instr.out, "fill", 0)
    else:
        b.into(instr.out, "cast", base)
    b.into(target, "cast", source)
    return True


@rule("padded")
def padded(b: Builder, instr: Instr) -> bool:
    """A number all around."""
    a, pads, value = instr.operands
    if not is_real(a, instr.out) or not isinstance(value, (bool, int, float)) or not instr.out.size:
        return False
    into = tuple([slice(max(low, 0), n - max(high, 0)) for n, (low, high) in zip(instr.out.shape, pads)])
    source = part(a, tuple([slice(max(-low, 0), n - max(-high, 0)) for n, (low, high) in zip(a.shape, pads)]))
    target = part(instr.out, into)
    if target.shape != source.shape:
        return False
    b.into(instr.out, "fill", value)
    b.into(target, "cast", source)
    return True


@rule("roll")
def roll(b: Builder, instr: Instr) -> bool:
    """The end moved to the front of one dim."""
    a, shifts, axes = (*instr.operands, None)[:3]
    if instr.settings or not isinstance(axes, (tuple, list)) or len(axes) != 1 or not is_real(a) or not a.size:
        return False
    d, n = axes[0] % len(a.shape), a.shape[axes[0]]
    k = shifts[0] % n
    before = (slice(None),) * d
    b.into(part(instr.out, (*before, slice(k, None))), "cast", part(a, (*before, slice(None, n - k))))
    if k:
        b.into(part(instr.out, (*before, slice(None, k))), "cast", part(a, (*before, slice(n - k, None))))
    return True
