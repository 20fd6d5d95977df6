"""Packing for the matrix unit: float32 numbers as sums of three bfloat16 numbers. Room `codegen`.

A float32 has 24 bits of mantissa, a bfloat16 has 8 and the same exponents, so three of them hold every digit:

    high   = x rounded to 8 bits
    middle = x - high, rounded to 8 bits        (the difference is exact)
    low    = x - high - middle                  (exact, and 8 bits are left)

The unit reads *tiles* of 16 rows, each 16 pairs of bfloat16 numbers that lie along k. Both operands may take the k of
a pair from anywhere as long as they agree: here k and k + 16, for then a pair is made of two vectors by a shift and an
or. 32 lines (rows of A, or columns of B) by 32 steps of k become a *block* of six tiles, lines 0-15 and 16-31 of
`high`, then of `middle`, then of `low`. A tile of A has a line in each row, one of B a pair in each row.

Along the way the largest magnitude is noted: infinities, NaN and numbers near the ends of the range have no such sum.
Source: Henry, Tang, Heinecke, Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision
Computations (2019). Called by `gemm_amx.py`; written with `gemm_ir.py`.
"""
from __future__ import annotations

from .gemm_ir import Function, Variable
from .gemm_pack import squares
from .gemm_tile import Machine, mask, masked_load

LINES = 32                      # lines in a block, and steps of k
HALF = 16                       # rows of a tile, pairs in a row
TILE = HALF * 64                # bytes
PIECES = 3                      # bfloat16 numbers to a float32
BLOCK = PIECES * 2 * TILE       # bytes
ROW = LINES * 4                 # bytes of a row of an unpacked block that was copied

INTS = f"<{HALF} x i32>"
PARAMETERS = "ptr %from, i64 %stride, i64 %count, ptr %to, i64 %step, ptr %peak"
# How a packer finds its numbers: whether k runs along the rows in memory, and whether a tile has its lines in rows.
PACKERS = {"pack_a": (True, True), "pack_bt": (True, False), "pack_at": (False, True), "pack_b": (False, False)}


def packers(m: Machine) -> str:
    """A function for each way a block may lie in memory, and the one that pads blocks at the edge."""
    return "\n".join([*(packer(m, name, *how) for name, how in PACKERS.items()), padder(m)])


def splat(number: int) -> str:
    return f"splat (i32 {number})"


def packer(m: Machine, name: str, along: bool, in_rows: bool) -> str:
    """`count` blocks side by side in 32 rows of memory, `stride` bytes apart, to six tiles each, `step` bytes apart.

    Where memory and tile agree on what a row is, a row of a tile is made of two vectors as they lie in memory. Where
    they do not, squares are transposed on the way.
    """
    f = Function(name, PARAMETERS, inline="noinline")
    peak = f.variable(INTS, f.load(INTS, "%peak", 64))
    with f.loop(0, "%count") as block:
        source, to = f.at("%from", f.mul(block, ROW)), f.at("%to", f.mul(block, "%step"))
        for t in range(2):
            if along == in_rows:
                with f.loop(0, HALF) as r:
                    ask(f, source, f.add(r, HALF * t))
                    if along:
                        first = f.at(source, f.mul(f.add(r, HALF * t), "%stride"))
                        second = f.at(first, HALF * m.bytes)
                    else:
                        first = f.at(f.at(source, f.mul(r, "%stride")), HALF * m.bytes * t)
                        second = f.at(first, f.mul("%stride", HALF))
                    pair = [f.load(m.vector, place, m.bytes) for place in (first, second)]
                    put(f, m, pair, f.at(to, f.add(f.mul(r, 64), t * TILE)), peak)
            else:
                turned_tiles(f, m, along, t, source, to, peak)
    f.store(INTS, peak.get(), "%peak", 64)
    return f.text()


def turned_tiles(f: Function, m: Machine, along: bool, t: int, source: str, to: str, peak: Variable) -> None:
    """Tiles whose rows run across the rows of memory: the `t`-th of each piece."""
    group = 16 // m.bytes
    with f.loop(0, HALF, group) as j:
        for i in range(group):
            ask(f, source, f.add(j, HALF * t + i))
        # the two vectors of a pair: k and k + 16 of the same 16 lines, or of 16 k of the same line
        starts = [(HALF * t, 0), (HALF * t, HALF)] if along else [(0, HALF * t), (HALF, HALF * t)]
        made = []
        for first, column in starts:
            rows = [f.at(source, f.mul("%stride", first + i)) for i in range(HALF)]
            made.append(squares(f, m, rows, f.mul(f.add(j, column), m.bytes)))
        for i, pair in enumerate(zip(*made)):
            put(f, m, list(pair), f.at(to, f.add(f.mul(f.add(j, i), 64), t * TILE)), peak)


import os
AHEAD = int(os.environ.get('AHEAD','1'))


def ask(f: Function, block: str, row: str) -> None:
    """Asks memory for a row of the block that comes next."""
    there = f.at(f.at(block, AHEAD * ROW), f.mul(row, "%stride"))
    for line in (0, 64):
        f.do(f"call void @llvm.prefetch.p0(ptr {f.at(there, line)}, i32 0, i32 3, i32 1)")


def put(f: Function, m: Machine, vectors: list[str], to: str, peak: Variable) -> None:
    """A row of three tiles from the two vectors of its pairs."""
    pieces = [split(f, m, vector, peak) for vector in vectors]
    for p, (first, second) in enumerate(zip(*pieces)):
        lower = f.let(f"lshr {INTS} {first}, {splat(16)}")
        f.store(INTS, f.let(f"or {INTS} {lower}, {second}"), f.at(to, p * 2 * TILE), 64)


def split(f: Function, m: Machine, x: str, peak: Variable) -> list[str]:
    """High, middle and low as vectors of integers: a bfloat16 in the upper half of each, zeros in the lower."""
    def as_ints(value: str) -> str:
        return f.let(f"bitcast {m.vector} {value} to {INTS}")

    def rounded(bits: str) -> str:
        return f.let(f"and {INTS} {f.let(f'add {INTS} {bits}, {splat(0x8000)}')}, {splat(-0x10000)}")

    def rest(value: str, bits: str) -> str:
        return f.let(f"fsub {m.vector} {value}, {f.let(f'bitcast {INTS} {bits} to {m.vector}')}")

    bits = as_ints(x)
    size = f.let(f"and {INTS} {bits}, {splat(0x7fffffff)}")
    peak.set(f.let(f"call {INTS} @llvm.umax.v{HALF}i32({INTS} {peak.get()}, {INTS} {size})"))
    high = rounded(bits)
    after = rest(x, high)
    middle = rounded(as_ints(after))
    return [high, middle, as_ints(rest(after, middle))]


def padder(m: Machine) -> str:
    """pad: a block of `rows` rows of `count` numbers, with zeros up to 32 x 32."""
    f = Function("pad", "ptr %from, i64 %stride, i64 %rows, i64 %count, ptr %to", inline="noinline")
    lanes = [mask(f, m, "%count", v * m.lanes) for v in range(2)]
    with f.loop(0, LINES) as r:
        target = f.at("%to", f.mul(r, ROW))
        there = f.compare("slt", r, "%rows")
        source = f.at("%from", f.mul(f.minimum(r, f.sub("%rows", 1)), "%stride"))
        for v in range(2):
            vector = masked_load(f, m, f.at(source, v * m.lanes * m.bytes), lanes[v])
            f.store(m.vector, f.select(there, m.vector, vector, "zeroinitializer"),
                    f.at(target, v * m.lanes * m.bytes), 64)
    return f.text()
