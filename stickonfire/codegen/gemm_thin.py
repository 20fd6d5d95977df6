"""Thin products: few rows or few columns, both operands with k along the row (A as M x K, B as N x K). Room `codegen`.

A matrix times a vector reads each number of the matrix once, so packing it would double the work; and a tile with
vectors of columns would have most lanes empty. Here the vectors run along k instead:

    for k in steps of a vector:
        acc[i][j] += A[i, k:k+lanes] * B[j, k:k+lanes]          4 x 4 sums, 1 x 8 for a single row
    C[i, j] = the sum over the lanes of acc[i][j]

Rows beyond the edge are the last row once more, computed in vain and not stored. `gemm_plan.py` decides when to come here.
"""
from __future__ import annotations

from .gemm_ir import Function
from .gemm_loops import EPILOGUE, OFFSET
from .gemm_tile import HOW, READ, Machine, mask, masked_load

SHAPES = {"dots_1x8": (1, 8), "dots_8x1": (8, 1), "dots_4x4": (4, 4)}
PARAMETERS = ("ptr %a, i64 %sa, i64 %rows, ptr %b, i64 %sb, i64 %columns, i64 %k, ptr %c, i64 %sc, ptr %how, "
              "ptr %bias, ptr %residual")


def thin(m: Machine) -> str:
    """All functions of the thin path; `thin_tasks` is the one to call."""
    return "\n".join([*(dots(m, name, *shape) for name, shape in SHAPES.items()), tasks(m)])


def dots(m: Machine, name: str, height: int, width: int) -> str:
    """`height` x `width` dot products at once."""
    f = Function(name, PARAMETERS, inline="noinline")
    a = [f.at("%a", f.mul(f.minimum(i, f.sub("%rows", 1)), "%sa")) for i in range(height)]
    b = [f.at("%b", f.mul(f.minimum(j, f.sub("%columns", 1)), "%sb")) for j in range(width)]
    sums = [[f.variable(m.vector, "zeroinitializer") for _ in b] for _ in a]

    def step(read) -> None:
        left = [read(p) for p in a]
        for j, p in enumerate(b):
            right = read(p)
            for i, x in enumerate(left):
                sums[i][j].set(f.let(f"call {m.vector} @llvm.fmuladd.{m.suffix}({m.vector} {x}, {m.vector} {right}, "
                                     f"{m.vector} {sums[i][j].get()})"))

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


def tasks(m: Machine) -> str:
    """thin_tasks(args, begin, end): the parts of rows and columns that a thread is given, tile by tile."""
    f = Function("thin_tasks", "ptr %args, i64 %begin, i64 %end")
    size = {name: f.load("i64", f.at("%args", OFFSET[name]))
            for name in ("m", "n", "k", "lda", "ldb", "ldc", "ldr", "stride_a", "stride_b", "stride_c", "stride_r",
                         "flags", "split_m", "split_n")}
    start = {name: f.load("ptr", f.at("%args", OFFSET[name])) for name in ("a", "b", "c", "bias", "residual")}
    step = {name: f.mul(size["ld" + name], m.bytes) for name in "abcr"}
    how = f.variable("[4 x i64]").name
    for name in ("alpha", "beta"):
        f.store("double", f.load("double", f.at("%args", OFFSET[name])), f.at(how, HOW[name]))
    reads = f.let(f"fcmp une double {f.load('double', f.at(how, HOW['beta']))}, 0.0")
    wanted = f.let(f"and i64 {size['flags']}, {EPILOGUE}")
    flags = f.let(f"or i64 {wanted}, {f.select(reads, 'i64', READ, 0)}")
    f.store("i64", flags, f.at(how, HOW["flags"]))
    f.store("i64", step["r"], f.at(how, HOW["residual_stride"]))
    one_row, one_column = f.compare("eq", size["m"], 1), f.compare("eq", size["n"], 1)

    def choose(kind: str, row: str | int, column: str | int, other: str | int) -> str:
        return f.select(one_row, kind, row, f.select(one_column, kind, column, other))

    height, width = choose("i64", 1, 8, 4), choose("i64", 8, 1, 4)
    work = choose("ptr", "@dots_1x8", "@dots_8x1", "@dots_4x4")
    with f.loop("%begin", "%end") as task:
        parts = f.mul(size["split_m"], size["split_n"])
        item = f.div(task, parts)
        part = f.sub(task, f.mul(item, parts))
        i = f.div(part, size["split_n"])
        j = f.sub(part, f.mul(i, size["split_n"]))
        rows = bounds(f, size["m"], i, size["split_m"])
        columns = bounds(f, size["n"], j, size["split_n"])
        a, b, c, r = (f.at(start[key], f.mul(f.mul(item, size["stride_" + name]), m.bytes))
                      for key, name in (("a", "a"), ("b", "b"), ("c", "c"), ("residual", "r")))
        with f.loop(*columns, width) as column, f.loop(*rows, height) as row:
            along = f.mul(column, m.bytes)
            f.do(f"call void {work}(ptr {f.at(a, f.mul(row, step['a']))}, i64 {step['a']}, "
                 f"i64 {f.minimum(height, f.sub(rows[1], row))}, ptr {f.at(b, f.mul(column, step['b']))}, "
                 f"i64 {step['b']}, i64 {f.minimum(width, f.sub(columns[1], column))}, i64 {size['k']}, "
                 f"ptr {f.at(f.at(c, f.mul(row, step['c'])), along)}, i64 {step['c']}, ptr {how}, "
                 f"ptr {f.at(start['bias'], along)}, ptr {f.at(f.at(r, f.mul(row, step['r'])), along)})")
    return f.text()


def bounds(f: Function, total: str, part: str, parts: str) -> tuple[str, str]:
    """Where part `part` of `parts` begins and ends."""
    return f.div(f.mul(total, part), parts), f.div(f.mul(total, f.add(part, 1)), parts)
