"""Thin products: few rows or few columns. Room `codegen`.

A matrix times a vector reads each number of the matrix once, so packing it would double the work. Where k runs along
the rows of both operands (A as M x K, B as N x K), and a tile would have most lanes empty, the vectors run along k:

    for k in steps of a vector:
        acc[i][j] += A[i, k:k+lanes] * B[j, k:k+lanes]          4 x 4 sums, 1 x 8 for a single row
    C[i, j] = the sum over the lanes of acc[i][j]

Rows beyond the edge are the last row once more, computed in vain and not stored. A single row times a B stored K x N
sweeps over wide strips of B instead, for memory likes to be read in long runs:

    acc[0:8] += A[0, k] * B[k, 8 vectors]

`gemm_plan.py` decides when to come here.
"""
from __future__ import annotations

from collections.abc import Callable

from .gemm_ir import Function
from .gemm_loops import EPILOGUE, OFFSET, TURN_A, place_in_batch
from .gemm_tile import HOW, READ, Machine, has, mask, masked_load, multiply_add, spread

SHAPES = {"dots_1x8": (1, 8), "dots_8x1": (8, 1), "dots_4x4": (4, 4)}
STRIP = 8           # vectors of columns side by side in a sweep
PARAMETERS = ("ptr %a, i64 %sa, i64 %rows, ptr %b, i64 %sb, i64 %columns, i64 %k, ptr %c, i64 %sc, ptr %how, "
              "ptr %bias, ptr %residual")


def thin(m: Machine) -> str:
    """All functions of the thin paths; `thin_tasks` and `sweep_tasks` are the ones to call."""
    return "\n".join([*(dots(m, name, *shape) for name, shape in SHAPES.items()), dot_tasks(m),
                      *(sweep(m, f"sweep_{vectors}", vectors) for vectors in (1, STRIP)), sweep_tasks(m)])


def dots(m: Machine, name: str, height: int, width: int) -> str:
    """`height` x `width` dot products at once."""
    f = Function(name, PARAMETERS, inline="noinline")
    a = [f.at("%a", f.mul(f.minimum(i, f.sub("%rows", 1)), "%sa")) for i in range(height)]
    b = [f.at("%b", f.mul(f.minimum(j, f.sub("%columns", 1)), "%sb")) for j in range(width)]
    sums = [[f.variable(m.vector, "zeroinitializer") for _ in b] for _ in a]

    def step(read: Callable[[str], str]) -> None:
        left = [read(p) for p in a]
        for j, p in enumerate(b):
            right = read(p)
            for i, x in enumerate(left):
                sums[i][j].set(multiply_add(f, m, x, right, sums[i][j].get()))

    whole = f.let(f"and i64 %k, {-m.lanes}")
    with f.loop(0, whole, m.lanes) as k:
        place = f.mul(k, m.bytes)
        step(lambda p: f.load(m.vector, f.at(p, place), m.bytes))
    rest = f.sub("%k", whole)
    with f.when(f.compare("sgt", rest, 0)):
        place = f.mul(whole, m.bytes)
        if m.masks:
            lanes = mask(f, m, rest, 0)
            step(lambda p: masked_load(f, m, f.at(p, place), lanes))
        else:
            with f.loop(0, rest) as k:
                step(lambda p: one_lane(f, m, f.at(p, f.mul(f.add(whole, k), m.bytes))))
    tile = f.variable(f"[{height * width} x {m.scalar}]").name
    for i, row in enumerate(sums):
        for j, cell in enumerate(row):
            total = f.let(f"call reassoc {m.scalar} @llvm.vector.reduce.fadd.{m.suffix}({m.scalar} 0.0, "
                          f"{m.vector} {cell.get()})")
            f.store(m.scalar, total, f.at(tile, (i * width + j) * m.bytes))
    f.do(f"call void @finish_edge(ptr {tile}, i64 %rows, i64 {width}, ptr %c, i64 %sc, i64 %columns, ptr %how, "
         "ptr %bias, ptr %residual)")
    return f.text()


def one_lane(f: Function, m: Machine, pointer: str) -> str:
    """The number at `pointer` in the first lane, zero elsewhere."""
    return f.let(f"insertelement {m.vector} zeroinitializer, {m.scalar} {f.load(m.scalar, pointer)}, i64 0")


def sweep(m: Machine, name: str, vectors: int) -> str:
    """One row times `vectors` vectors of columns; the first `skip` of the columns are not wanted."""
    f = Function(name, "ptr %a, i64 %sa, ptr %b, i64 %sb, i64 %k, i64 %skip, i64 %columns, ptr %c, ptr %how, "
                 "ptr %bias, ptr %residual", inline="noinline")
    sums = [f.variable(m.vector, "zeroinitializer") for _ in range(vectors)]
    size = m.lanes * m.bytes
    with f.loop(0, "%k") as k:
        factor = spread(f, m, f.load(m.scalar, f.at("%a", f.mul(k, "%sa"))))
        row = f.at("%b", f.mul(k, "%sb"))
        for v, cell in enumerate(sums):
            cell.set(multiply_add(f, m, factor, f.load(m.vector, f.at(row, v * size), m.bytes), cell.get()))
    tile = f.variable(f"[{vectors} x {m.vector}]").name
    for v, cell in enumerate(sums):
        f.store(m.vector, cell.get(), f.at(tile, v * size))
    wanted = f.at(tile, f.mul("%skip", m.bytes))
    f.do(f"call void @finish_edge(ptr {wanted}, i64 1, i64 0, ptr %c, i64 0, i64 %columns, ptr %how, ptr %bias, "
         "ptr %residual)")
    return f.text()


class Part:
    """The beginning of a task function: reads the cells, and finds what part of which product a task is."""

    def __init__(self, m: Machine, name: str) -> None:
        f = self.f = Function(name, "ptr %args, i64 %begin, i64 %end")
        self.m = m
        self.size = {name: f.load("i64", f.at("%args", OFFSET[name]))
                     for name in ("m", "n", "k", "lda", "ldb", "ldc", "ldr", "stride_a", "stride_b", "stride_c",
                                  "stride_r", "inner", "inner_a", "inner_b", "inner_c", "inner_r",
                                  "flags", "split_m", "split_n")}
        self.first = {name: f.load("ptr", f.at("%args", OFFSET[name])) for name in ("a", "b", "c", "bias", "residual")}
        self.step = {name: f.mul(self.size["ld" + name], m.bytes) for name in "abcr"}
        self.how = self.describe()

    def describe(self) -> str:
        """What `finish_edge` wants to know."""
        f = self.f
        how = f.variable("[4 x i64]").name
        for name in ("alpha", "beta"):
            f.store("double", f.load("double", f.at("%args", OFFSET[name])), f.at(how, HOW[name]))
        reads = f.let(f"fcmp une double {f.load('double', f.at(how, HOW['beta']))}, 0.0")
        wanted = f.let(f"and i64 {self.size['flags']}, {EPILOGUE}")
        f.store("i64", f.let(f"or i64 {wanted}, {f.select(reads, 'i64', READ, 0)}"), f.at(how, HOW["flags"]))
        f.store("i64", self.step["r"], f.at(how, HOW["residual_stride"]))
        return how

    def locate(self, task: str) -> None:
        """Sets `start` (addresses of the product's operands), `rows` and `columns` (first, end)."""
        f, size = self.f, self.size
        parts = f.mul(size["split_m"], size["split_n"])
        item = f.div(task, parts)
        part = f.sub(task, f.mul(item, parts))
        i = f.div(part, size["split_n"])
        j = f.sub(part, f.mul(i, size["split_n"]))
        self.rows = bounds(f, size["m"], i, size["split_m"])
        self.columns = bounds(f, size["n"], j, size["split_n"])
        self.start = {name: f.at(self.first[key], f.mul(place_in_batch(f, size, name, item), self.m.bytes))
                      for key, name in (("a", "a"), ("b", "b"), ("c", "c"), ("residual", "r"))}


def dot_tasks(m: Machine) -> str:
    """thin_tasks(args, begin, end): the parts of rows and columns that a thread is given, tile by tile."""
    here = Part(m, "thin_tasks")
    f, size, step = here.f, here.size, here.step
    one_row, one_column = f.compare("eq", size["m"], 1), f.compare("eq", size["n"], 1)

    def choose(kind: str, row: str | int, column: str | int, other: str | int) -> str:
        return f.select(one_row, kind, row, f.select(one_column, kind, column, other))

    height, width = choose("i64", 1, 8, 4), choose("i64", 8, 1, 4)
    work = choose("ptr", "@dots_1x8", "@dots_8x1", "@dots_4x4")
    with f.loop("%begin", "%end") as task:
        here.locate(task)
        with f.loop(*here.columns, width) as column, f.loop(*here.rows, height) as row:
            along = f.mul(column, m.bytes)
            a, c, r = (f.at(here.start[name], f.mul(row, step[name])) for name in "acr")
            b = f.at(here.start["b"], f.mul(column, step["b"]))
            f.do(f"call void {work}(ptr {a}, i64 {step['a']}, i64 {f.minimum(height, f.sub(here.rows[1], row))}, "
                 f"ptr {b}, i64 {step['b']}, i64 {f.minimum(width, f.sub(here.columns[1], column))}, i64 {size['k']}, "
                 f"ptr {f.at(c, along)}, i64 {step['c']}, ptr {here.how}, ptr {f.at(here.first['bias'], along)}, "
                 f"ptr {f.at(r, along)})")
    return f.text()


def sweep_tasks(m: Machine) -> str:
    """sweep_tasks(args, begin, end): strips of columns, then vector by vector; the last vector is moved back to fit."""
    here = Part(m, "sweep_tasks")
    f, size, step = here.f, here.size, here.step
    strip = STRIP * m.lanes
    a_step = f.select(has(f, size["flags"], TURN_A), "i64", step["a"], m.bytes)

    def call(vectors: int, column: str, skip: str | int, count: str | int) -> None:
        first, wanted = f.mul(column, m.bytes), f.mul(f.add(column, skip), m.bytes)
        f.do(f"call void @sweep_{vectors}(ptr {here.start['a']}, i64 {a_step}, ptr {f.at(here.start['b'], first)}, "
             f"i64 {step['b']}, i64 {size['k']}, i64 {skip}, i64 {count}, ptr {f.at(here.start['c'], wanted)}, "
             f"ptr {here.how}, ptr {f.at(here.first['bias'], wanted)}, ptr {f.at(here.start['r'], wanted)})")

    with f.loop("%begin", "%end") as task:
        here.locate(task)
        begin, end = here.columns
        strips = f.mul(f.div(f.sub(end, begin), strip), strip)
        middle = f.add(begin, strips)
        with f.loop(begin, middle, strip) as column:
            call(STRIP, column, 0, strip)
        with f.loop(middle, end, m.lanes) as column:
            fits = f.minimum(column, f.sub(size["n"], m.lanes))
            call(1, fits, f.sub(column, fits), f.minimum(m.lanes, f.sub(end, column)))
    return f.text()


def bounds(f: Function, total: str, part: str, parts: str) -> tuple[str, str]:
    """Where part `part` of `parts` begins and ends."""
    return f.div(f.mul(total, part), parts), f.div(f.mul(total, f.add(part, 1)), parts)
