"""Rules for products of matrices: as batches of matrices that a kernel takes, with copies of what it does not."""
from __future__ import annotations

import math
from dataclasses import replace

from .program import Instr, Ref
from .rules import Builder, rule
from .walks import broadcast_strides, collapsed, reshaped_strides


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
    out = b.program.value((*x.shape[:-1], *weight.shape[:-1]), x.dtype)     # a bias may be wider than the product
    if not matmul(b, out, x, across):
        return False
    b.into(instr.out, "add", out, bias, of=x.dtype)
    return True


def matmul(b: Builder, out: Ref, x: Ref, w: Ref) -> bool:
    """A product as batches of matrices, each dense in one dim: what a matrix kernel takes. Copies what is not."""
    if not all(isinstance(r, Ref) for r in (x, w)) or x.dtype.char not in "fd" or \
            not x.dtype == w.dtype == out.dtype or not x.size or not w.size or not x.shape or not w.shape:
        return False
    if len(x.shape) == 1:
        x = replace(x, shape=(1, *x.shape), strides=(0, *x.strides))
        at = len(out.shape) - (len(w.shape) > 1)
        out = replace(out, shape=(*out.shape[:at], 1, *out.shape[at:]),
                      strides=(*out.strides[:at], 0, *out.strides[at:]))
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
    """The three as (batch, rows, columns), or with two dims of batch where that saves a copy.

    One matrix on the right makes one tall product.
    """
    if len(w.shape) == 2 and len(x.shape) > 2:
        rows = math.prod(x.shape[:-1])
        tall = reshaped_strides(x.shape[:-1], x.strides[:-1], (rows,))
        down = reshaped_strides(out.shape[:-1], out.strides[:-1], (rows,))
        if tall is not None and down is not None and (x.strides[-1] == x.dtype.itemsize or x.shape[-1] == 1):
            x = replace(x, shape=(rows, x.shape[-1]), strides=(*tall, x.strides[-1]))
            out = replace(out, shape=(rows, out.shape[-1]), strides=(*down, out.strides[-1]))
    lead = out.shape[:-2]
    for cut in (0, *range(1, len(lead))):
        parts = [batched(ref, lead, cut) for ref in (x, w, out)]
        if None not in parts:
            return parts[0], parts[1], parts[2]                                 # type: ignore[return-value]
    parts = [batched(ref, lead, 0) or batched(dense(b, ref), lead, 0) for ref in (x, w)]
    result = batched(out, lead, 0)
    return None if result is None or None in parts else (parts[0], parts[1], result)    # type: ignore[return-value]


def batched(ref: Ref, lead: tuple[int, ...], cut: int) -> Ref | None:
    """Matrices with one stride from each to the next, or with two if the batch is cut; None if that is not so."""
    wide = broadcast_strides(replace(ref, shape=ref.shape[:-2], strides=ref.strides[:-2]), lead)
    if wide is None:
        return None
    counts = [lead[:cut], lead[cut:]] if cut else [lead]
    steps = [collapsed(part, wide[:cut] if cut and i == 0 else wide[cut:]) for i, part in enumerate(counts)]
    if None in steps:
        return None
    return replace(ref, shape=(*map(math.prod, counts), *ref.shape[-2:]),
                   strides=(*steps, *ref.strides[-2:]))                            # type: ignore[arg-type]
