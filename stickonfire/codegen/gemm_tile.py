"""The register tile: the innermost part of the matrix product, where nearly all the time goes. Room `codegen`.

A tile is `rows` x (2 * lanes) numbers of C, held in registers while k runs:

    for k in range(depth):
        b = B[k, 0:lanes], B[k, lanes:2*lanes]          2 vector loads
        for r in range(rows):
            acc[r] += A[r, k] * b                       1 broadcast load, 2 multiply-adds

With 12 rows that is 24 multiply-adds for 14 loads, and 24 + 2 + 1 of AVX-512's 32 registers: the two multiply-add
units are never short of work, nor does any addition wait for the one before. (14 rows would fit, but leave LLVM no
room to move.) When k is through, alpha, beta and the epilogue are applied while the numbers are still in registers.
There is one function per number of rows, so that M is cut into nearly equal parts and no row is computed in vain;
columns at the edge are computed and not stored.
Called by the loops of `gemm_loops.py`; written with `gemm_ir.py`.
"""
from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from .gemm_ir import Function, Variable

VECTORS = 2         # vectors side by side in a full tile
FORMS = ("rows", "columns")     # how a tile finds A[r, k]: at r * stride + k, or at r + k * stride

# What happens to a finished tile: bits of `flags`.
READ, BIAS, RELU, RESIDUAL = 1, 2, 4, 8


@dataclass(frozen=True)
class Machine:
    """What the generator has to know of a processor, for one dtype."""
    scalar: str         # LLVM's "float" or "double"
    lanes: int          # numbers per vector register
    rows: int           # rows of the tile: as many as the registers hold
    masks: bool         # masked loads and stores cost nothing (AVX-512)

    @property
    def bytes(self) -> int:
        return 4 if self.scalar == "float" else 8

    @property
    def vector(self) -> str:
        return f"<{self.lanes} x {self.scalar}>"

    @property
    def suffix(self) -> str:
        """How intrinsics spell the vector type."""
        return f"v{self.lanes}f{8 * self.bytes}"

    @property
    def width(self) -> int:
        """Columns of a full tile."""
        return VECTORS * self.lanes


PARAMETERS = ("ptr %a, i64 %sa, ptr %b, i64 %sb, ptr %c, i64 %sc, i64 %depth, i64 %columns, "
              "ptr %how, ptr %bias, ptr %residual")
# What `how` points to, in cells of 8 bytes: alpha, beta (double), flags, bytes from row to row of the residual.
HOW = {"alpha": 0, "beta": 8, "flags": 16, "residual_stride": 24}


def tile_name(form: str, vectors: int, rows: int) -> str:
    return f"tile_{form}_{rows}x{vectors}"


class Tile:
    """Writes the function for one tile."""

    def __init__(self, machine: Machine, form: str, vectors: int, rows: int) -> None:
        self.m, self.form, self.vectors, self.rows = machine, form, vectors, rows
        self.f = Function(tile_name(form, vectors, rows), PARAMETERS, inline="noinline")
        self.masks: list[str] = []

    def text(self) -> str:
        """The whole function."""
        if self.m.masks:
            self.masks = [mask(self.f, self.m, "%columns", v * self.m.lanes) for v in range(self.vectors)]
        self.touch_c()
        accumulators = self.multiply()
        self.finish(accumulators)
        return self.f.text()

    # -- vectors -------------------------------------------------------------------------------------
    def read(self, pointer: str, v: int) -> str:
        """The vector at `pointer`; lanes that are no column read as zero."""
        if not self.m.masks:
            return self.f.load(self.m.vector, pointer, self.m.bytes)
        return masked_load(self.f, self.m, pointer, self.masks[v])

    def write(self, value: str, pointer: str, v: int) -> None:
        if self.m.masks:
            self.f.do(f"call void @llvm.masked.store.{self.m.suffix}.p0({self.m.vector} {value}, "
                      f"ptr align {self.m.bytes} {pointer}, <{self.m.lanes} x i1> {self.masks[v]})")
        else:
            self.f.store(self.m.vector, value, pointer, self.m.bytes)

    # -- the parts -----------------------------------------------------------------------------------
    def touch_c(self) -> None:
        """Asks for C's cache lines, which will be wanted when k is through."""
        f = self.f
        row = "%c"
        for r in range(self.rows):
            for v in range(self.vectors):
                p = f.at(row, v * self.m.lanes * self.m.bytes)
                f.do(f"call void @llvm.prefetch.p0(ptr {p}, i32 1, i32 3, i32 1)")
            row = f.at(row, "%sc") if r + 1 < self.rows else row

    def row_starts(self) -> list[tuple[str, str | int]]:
        """For each row of A an address and an offset to it; few distinct addresses, for they live in registers."""
        f, size = self.f, self.m.bytes
        if self.form == "columns":
            return [("%a", r * size) for r in range(self.rows)]
        starts: list[tuple[str, str | int]] = []
        twice = f.mul("%sa", 2)
        base = "%a"
        for r in range(self.rows):
            if r and r % 3 == 0:
                base = f.hide(f.at(base, f.mul("%sa", 3)))
            starts.append((base, (0, "%sa", twice)[r % 3]))
        return starts

    def multiply(self) -> list[list[Variable]]:
        """The loop over k. Returns the cells of the sums."""
        f, m = self.f, self.m
        acc = [[f.variable(m.vector, "zeroinitializer") for _ in range(self.vectors)] for _ in range(self.rows)]
        starts = self.row_starts()
        a_step = m.bytes if self.form == "rows" else "%sa"
        # With rows, given two k a turn, LLVM would rather keep addresses than sums in registers.
        turn = 1 if self.form == "rows" else 2
        whole = f.let(f"and i64 %depth, {-turn}")
        with f.loop(0, whole, turn) as k:
            a, b = f.mul(k, a_step), f.mul(k, "%sb")
            self.step(acc, starts, a, b)
            if turn == 2:
                self.step(acc, starts, f.add(a, a_step), f.add(b, "%sb"))
        with f.when(f.compare("ne", whole, "%depth")):
            self.step(acc, starts, f.mul(whole, a_step), f.mul(whole, "%sb"))
        return acc

    def step(self, acc: list[list[Variable]], starts: list[tuple[str, str | int]], a: str, b: str) -> None:
        """One k: `a` and `b` are how many bytes into A's rows and B this k is."""
        f, m = self.f, self.m
        there = f.at("%b", b)
        columns = [f.load(m.vector, f.at(there, v * m.lanes * m.bytes), m.bytes) for v in range(self.vectors)]
        for r, (base, offset) in enumerate(starts):
            scalar = f.load(m.scalar, f.at(f.at(base, a), offset), m.bytes)
            factor = spread(f, m, scalar)
            for v, column in enumerate(columns):
                acc[r][v].set(multiply_add(f, m, factor, column, acc[r][v].get()))

    def finish(self, acc: list[list[Variable]]) -> None:
        """Out of the registers into C; without masks a tile at the edge goes the slow way."""
        f, m = self.f, self.m
        if m.masks:
            self.finish_vectors(acc)
            return
        full = f.compare("eq", "%columns", self.vectors * m.lanes)
        with f.when(full):
            self.finish_vectors(acc)
        with f.otherwise(full):
            spill = f.variable(f"[{self.rows * self.vectors} x {m.vector}]").name
            for r, row in enumerate(acc):
                for v, cell in enumerate(row):
                    f.store(m.vector, cell.get(), f.at(spill, (r * self.vectors + v) * m.lanes * m.bytes))
            f.do(f"call void @finish_edge(ptr {spill}, i64 {self.rows}, i64 {self.vectors * m.lanes}, ptr %c, i64 %sc, "
                 "i64 %columns, ptr %how, ptr %bias, ptr %residual)")

    def finish_vectors(self, acc: list[list[Variable]]) -> None:
        """alpha * acc + beta * C, the bias, relu, the residual; then the store."""
        f, m = self.f, self.m
        flags = f.load("i64", f.at("%how", HOW["flags"]))
        alpha = spread(f, m, scalar_of(f, m, "alpha"))
        self.each(acc, lambda r, v, x: f.let(f"fmul {self.m.vector} {alpha}, {x}"))
        with self.flag(flags, READ):
            beta = spread(f, m, scalar_of(f, m, "beta"))
            self.each(acc, lambda r, v, x: multiply_add(f, m, beta, self.read(self.place("%c", "%sc", r, v), v), x))
        with self.flag(flags, BIAS):
            bias = [self.read(f.at("%bias", v * self.m.lanes * self.m.bytes), v) for v in range(self.vectors)]
            self.each(acc, lambda r, v, x: f.let(f"fadd {self.m.vector} {x}, {bias[v]}"))
        with self.flag(flags, RELU):
            self.each(acc, lambda r, v, x: self.relu(x))
        with self.flag(flags, RESIDUAL):
            stride = f.load("i64", f.at("%how", HOW["residual_stride"]))
            self.each(acc, lambda r, v, x: f.let(
                f"fadd {self.m.vector} {x}, {self.read(self.place('%residual', stride, r, v), v)}"))
        for r, row in enumerate(acc):
            for v, cell in enumerate(row):
                self.write(cell.get(), self.place("%c", "%sc", r, v), v)

    def each(self, acc: list[list[Variable]], change: Callable[[int, int, str], str]) -> None:
        """Replaces every vector of the tile by `change(row, vector, value)`."""
        for r, row in enumerate(acc):
            for v, cell in enumerate(row):
                cell.set(change(r, v, cell.get()))

    def flag(self, flags: str, bit: int) -> AbstractContextManager[None]:
        return self.f.when(has(self.f, flags, bit))

    def relu(self, x: str) -> str:
        """max(x, 0), and NaN stays NaN."""
        f, kind = self.f, self.m.vector
        below = f.let(f"fcmp olt {kind} {x}, zeroinitializer")
        return f.let(f"select <{self.m.lanes} x i1> {below}, {kind} zeroinitializer, {kind} {x}")

    def place(self, base: str, stride: str, r: int, v: int) -> str:
        """The address of vector `v` in row `r`."""
        return self.f.at(self.f.at(base, self.f.mul(stride, r)), v * self.m.lanes * self.m.bytes)


def spread(f: Function, m: Machine, scalar: str) -> str:
    """A vector with the same number in each lane."""
    first = f.let(f"insertelement {m.vector} poison, {m.scalar} {scalar}, i64 0")
    return f.let(f"shufflevector {m.vector} {first}, {m.vector} poison, <{m.lanes} x i32> zeroinitializer")


def multiply_add(f: Function, m: Machine, a: str, b: str, c: str) -> str:
    return f.let(f"call {m.vector} @llvm.fmuladd.{m.suffix}({m.vector} {a}, {m.vector} {b}, {m.vector} {c})")


def mask(f: Function, m: Machine, count: str, first: int) -> str:
    """Which lanes of the vector that starts at column `first` are among the first `count` columns."""
    n = m.lanes
    number = f.let(f"trunc i64 {count} to i32")
    one = f.let(f"insertelement <{n} x i32> poison, i32 {number}, i64 0")
    every = f.let(f"shufflevector <{n} x i32> {one}, <{n} x i32> poison, <{n} x i32> zeroinitializer")
    lanes = ", ".join(f"i32 {first + i}" for i in range(n))
    return f.let(f"icmp slt <{n} x i32> <{lanes}>, {every}", "mask")


def masked_load(f: Function, m: Machine, pointer: str, lanes: str) -> str:
    """The vector at `pointer`, zero where `lanes` says no."""
    return f.let(f"call {m.vector} @llvm.masked.load.{m.suffix}.p0(ptr align {m.bytes} {pointer}, "
                 f"<{m.lanes} x i1> {lanes}, {m.vector} zeroinitializer)")


def has(f: Function, flags: str, bit: int) -> str:
    """Whether `flags` holds `bit`."""
    return f.compare("ne", f.let(f"and i64 {flags}, {bit}"), 0)


def scalar_of(f: Function, m: Machine, name: str) -> str:
    """alpha or beta, in the product's own precision."""
    value = f.load("double", f.at("%how", HOW[name]))
    return value if m.scalar == "double" else f.let(f"fptrunc double {value} to float")


def finish_edge(m: Machine) -> str:
    """`finish_vectors` number by number, from a tile in memory: for edges where masks cost too much."""
    f = Function("finish_edge", "ptr %tile, i64 %rows, i64 %width, ptr %c, i64 %sc, i64 %columns, ptr %how, "
                 "ptr %bias, ptr %residual", inline="noinline")
    kind = m.scalar
    flags = f.load("i64", f.at("%how", HOW["flags"]))
    alpha, beta = scalar_of(f, m, "alpha"), scalar_of(f, m, "beta")
    stride = f.load("i64", f.at("%how", HOW["residual_stride"]))
    with f.loop(0, "%rows") as r, f.loop(0, "%columns") as j:
        column = f.mul(j, m.bytes)
        there = f.at(f.at("%c", f.mul(r, "%sc")), column)
        number = f.load(kind, f.at("%tile", f.mul(f.add(f.mul(r, "%width"), j), m.bytes)))
        x = f.variable(kind, f.let(f"fmul {kind} {alpha}, {number}"))
        with f.when(has(f, flags, READ)):
            old = f.let(f"fmul {kind} {beta}, {f.load(kind, there)}")
            x.set(f.let(f"fadd {kind} {x.get()}, {old}"))
        with f.when(has(f, flags, BIAS)):
            x.set(f.let(f"fadd {kind} {x.get()}, {f.load(kind, f.at('%bias', column))}"))
        with f.when(has(f, flags, RELU)):
            below = f.let(f"fcmp olt {kind} {x.get()}, 0.0")
            x.set(f.let(f"select i1 {below}, {kind} 0.0, {kind} {x.get()}"))
        with f.when(has(f, flags, RESIDUAL)):
            more = f.load(kind, f.at(f.at("%residual", f.mul(r, stride)), column))
            x.set(f.let(f"fadd {kind} {x.get()}, {more}"))
        f.store(kind, x.get(), there)
    return f.text()
