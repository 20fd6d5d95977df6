"""Splitting for the matrix unit: float32 numbers as sums of three bfloat16 numbers. Room `codegen`.

A float32 has 24 bits of mantissa, a bfloat16 has 8 and the same exponents, so three of them hold every digit:

    high   = x rounded to 8 bits
    middle = x - high, rounded to 8 bits        (the difference is exact)
    low    = x - high - middle                  (exact, and 8 bits are left, down to 2^-110)

The unit reads *tiles* of 16 rows, each 16 pairs of bfloat16 numbers that lie along k. Both operands may take the k of
a pair from anywhere as long as they agree: here k and k + 16, for then a pair is made of two vectors by a shift and an
or. 32 lines (rows of A, or columns of B) by 32 steps of k become a *block* of six tiles, lines 0-15 and 16-31 of
`high`, then of `middle`, then of `low`. A tile of A has a line in each row, one of B a pair in each row.

A `Job` is a panel of blocks to be split: 32 lines and all of their k. It is done in small portions, so that the loop
over tiles can do some of the next panel's while the unit is at work on this one:

    straight    memory and tile agree on what a row is: a portion is one row of three tiles, from two vectors
    turned      they do not: a portion is four rows of three tiles, from two squares transposed on the way

Along the way the largest magnitude is noted, for infinities, NaN and the last numbers before them have no such sum.
Below 2^-110 the last pieces are denormal, which the unit takes for zero.
Source: Henry, Tang, Heinecke, Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision
Computations (2019). Called by `gemm_amx.py`; written with `gemm_ir.py`.
"""
from __future__ import annotations

from .gemm_ir import Function
from .gemm_pack import squares
from .gemm_tile import Machine, mask, masked_load

LINES = 32                      # lines in a block, and steps of k
HALF = 16                       # rows of a tile, pairs in a row
TILE = HALF * 64                # bytes
PIECES = 3                      # bfloat16 numbers to a float32
BLOCK = PIECES * 2 * TILE       # bytes
ROW = LINES * 4                 # bytes of a row of an unpacked block that was copied
PORTIONS = {"straight": 32, "turned": 8}        # of a block

INTS = f"<{HALF} x i32>"
# A job in cells of 8 bytes: where the panel lies and where its tiles go; bytes from row to row in memory, from block
# to block, from lines 0-15 to 16-31, and from one vector of a pair to the other; the portions done, and in all.
JOB = {name: 8 * i for i, name in enumerate(("from", "to", "row", "block", "half", "pair", "done", "end", "peak"))}
JOB_BYTES = 8 * len(JOB)


def splitters(m: Machine) -> str:
    """The functions that do a whole job, and the one that pads blocks at an edge."""
    return "\n".join([*(splitter(m, kind) for kind in PORTIONS), padder(m)])


def splitter(m: Machine, kind: str) -> str:
    """split_straight, split_turned: what is left of a job."""
    f = Function(f"split_{kind}", "ptr %job", inline="noinline")
    job = Job(f, m, kind, "%job")
    job.do(job.end)
    job.close()
    return f.text()


class Job:
    """Writes the code that does portions of a job."""

    def __init__(self, f: Function, m: Machine, kind: str, place: str) -> None:
        self.f, self.m, self.kind, self.place = f, m, kind, place
        pointers = ("from", "to", "peak")
        self.cell = {name: f.load("ptr" if name in pointers else "i64", f.at(place, at)) for name, at in JOB.items()}
        self.end = self.cell["end"]
        self.done = f.variable("i64", self.cell["done"])
        self.peak = f.variable(INTS, f.load(INTS, self.cell["peak"], 64))

    def close(self) -> None:
        """Writes down how far the job is."""
        self.f.store("i64", self.done.get(), self.f.at(self.place, JOB["done"]))
        self.f.store(INTS, self.peak.get(), self.cell["peak"], 64)

    def do(self, stop: str) -> None:
        """The portions up to `stop`."""
        with self.f.loop(self.done.get(), stop) as portion:
            self.portion(portion)
        self.done.set(stop)

    def portion(self, number: str) -> None:
        """Portions go through a block's lines 0-15 first, then 16-31."""
        f, m, cell = self.f, self.m, self.cell
        in_half = PORTIONS[self.kind] // 2
        block, half = f.shift(number, 2 * in_half), f.bits(f.shift(number, in_half), 1)
        part = f.bits(number, in_half - 1)
        source = f.at(cell["from"], f.add(f.mul(block, cell["block"]), f.mul(half, cell["half"])))
        to = f.at(cell["to"], f.add(f.mul(block, BLOCK), f.mul(half, TILE)))
        if self.kind == "straight":
            first = f.at(source, f.mul(part, cell["row"]))
            self.put([f.load(m.vector, place, m.bytes) for place in (first, f.at(first, cell["pair"]))],
                     f.at(to, f.mul(part, 64)))
        else:
            group = HALF // in_half
            rows = [f.at(f.at(source, f.mul(part, group * m.bytes)), f.mul(cell["row"], i)) for i in range(HALF)]
            pairs = zip(squares(f, m, rows, "0"), squares(f, m, rows, cell["pair"]))
            for i, pair in enumerate(pairs):
                self.put(list(pair), f.at(to, f.add(f.mul(part, group * 64), i * 64)))

    def put(self, vectors: list[str], to: str) -> None:
        """A row of three tiles from the two vectors of its pairs."""
        f = self.f
        for piece, (first, second) in enumerate(zip(*(self.split(vector) for vector in vectors))):
            lower = f.let(f"lshr {INTS} {first}, {splat(16)}")
            f.store(INTS, f.let(f"or {INTS} {lower}, {second}"), f.at(to, piece * 2 * TILE), 64)

    def split(self, x: str) -> list[str]:
        """High, middle and low as vectors of integers: a bfloat16 in the upper half of each, zeros in the lower."""
        f, m = self.f, self.m

        def as_ints(value: str) -> str:
            return f.let(f"bitcast {m.vector} {value} to {INTS}")

        def rounded(bits: str) -> str:
            return f.let(f"and {INTS} {f.let(f'add {INTS} {bits}, {splat(0x8000)}')}, {splat(-0x10000)}")

        def rest(value: str, bits: str) -> str:
            return f.let(f"fsub {m.vector} {value}, {f.let(f'bitcast {INTS} {bits} to {m.vector}')}")

        bits = as_ints(x)
        size = f.let(f"and {INTS} {bits}, {splat(0x7fffffff)}")
        self.peak.set(f.let(f"call {INTS} @llvm.umax.v{HALF}i32({INTS} {self.peak.get()}, {INTS} {size})"))
        high = rounded(bits)
        after = rest(x, high)
        middle = rounded(as_ints(after))
        low = as_ints(rest(after, middle))              # of a tiny x it is denormal: no digit may reach the lower half
        return [high, middle, f.let(f"and {INTS} {low}, {splat(-0x10000)}")]


def splat(number: int) -> str:
    return f"splat (i32 {number})"


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
