"""The innermost part of a product on the matrix unit: 32 x 32 sums from split panels, and their way into C.

Room `codegen`. Called by the loops of `gemm_amx_loops.py`; written with `gemm_ir.py`. What a block of a panel holds is
told in `gemm_split.py`.
"""
from __future__ import annotations

from .gemm_ir import Function
from .gemm_split import BLOCK, HALF, LINES, PORTIONS, ROW, TILE, Job
from .gemm_tile import BIAS, HOW, READ, RELU, RESIDUAL, Machine, has, mask, masked_load, scalar_of, spread

# Pieces of A and B: the small sums first, and one piece changes at a time.
PAIRS = [(0, 2), (0, 1), (1, 1), (1, 0), (2, 0), (0, 0)]
# Tiles of 16 down and across, and what is done meanwhile: only whole ones have the time.
SHAPES = [(1, 1, ""), (1, 2, ""), (2, 1, ""), *((2, 2, kind) for kind in PORTIONS)]
STAGE = LINES * ROW             # bytes of the finished sums, 32 rows of 32


def functions(m: Machine) -> str:
    """All tiles, and `finish`."""
    return "\n".join([*(tile(m, *shape) for shape in SHAPES), finish(m)])


def tile_function(down: int, across: int, kind: str = "") -> str:
    return f"unit_{down}x{across}" + ("_" + kind if kind else "")


def tile(m: Machine, down: int, across: int, kind: str) -> str:
    """16 `down` x 16 `across` sums over `blocks` blocks of k, stored at `to` in rows `step` bytes apart.

    Tiles 0 to 3 are sums, 4 and 5 pieces of A, 6 and 7 of B. With a `kind`, `portions` of a job are done after each
    block: the processor does them while the unit, which takes 16 cycles for an instruction, is busy.
    """
    parameters = "ptr %a, ptr %b, i64 %blocks, ptr %to, i64 %step, ptr %job, i64 %portions"
    f = Function(tile_function(down, across, kind), parameters, inline="noinline")
    job = Job(f, m, kind, "%job") if kind else None
    sums = [(2 * i + j, i, j) for i in range(down) for j in range(across)]
    for number, _, _ in sums:
        f.do(f"call void @llvm.x86.tilezero(i8 {number})")
    with f.loop(0, "%blocks") as k:
        offset = f.mul(k, BLOCK)
        a, b = f.at("%a", offset), f.at("%b", offset)
        held_a = held_b = -1
        for piece_a, piece_b in PAIRS:
            if piece_a != held_a:
                fetch(f, a, piece_a, 4, down)
            if piece_b != held_b:
                fetch(f, b, piece_b, 6, across)
            held_a, held_b = piece_a, piece_b
            for number, i, j in sums:
                f.do(f"call void @llvm.x86.tdpbf16ps(i8 {number}, i8 {4 + i}, i8 {6 + j})")
        if job:
            job.do(f.minimum(f.add(job.done.get(), "%portions"), job.end))
    for number, i, j in sums:
        place = f.at(f.at("%to", f.mul("%step", HALF * i)), 64 * j)
        f.do(f"call void @llvm.x86.tilestored64(i8 {number}, ptr {place}, i64 %step)")
    if job:
        job.close()
    return f.text()


def fetch(f: Function, base: str, piece: int, first: int, count: int) -> None:
    """A piece of a block into tiles `first`, `first` + 1."""
    for i in range(count):
        f.do(f"call void @llvm.x86.tileloadd64(i8 {first + i}, ptr {f.at(base, (2 * piece + i) * TILE)}, i64 64)")


def finish(m: Machine) -> str:
    """finish: from `stage` into C: alpha, what earlier blocks of k left there, the bias, relu, the residual."""
    f = Function("finish", "ptr %stage, i64 %rows, i64 %columns, ptr %c, i64 %sc, ptr %how, ptr %bias, ptr %residual",
                 inline="noinline")
    flags = f.load("i64", f.at("%how", HOW["flags"]))
    number = scalar_of(f, m, "alpha")
    plain = f.let(f"and i1 {f.compare('eq', flags, 0)}, {f.let(f'fcmp oeq {m.scalar} {number}, 1.0')}")
    alpha, stride = spread(f, m, number), f.load("i64", f.at("%how", HOW["residual_stride"]))
    for v in range(2):
        column = v * m.lanes * m.bytes
        with f.when(f.compare("sgt", "%columns", v * m.lanes)):
            lanes = mask(f, m, "%columns", v * m.lanes)
            with f.when(plain), f.loop(0, "%rows") as r:
                store(f, m, sums_of(f, m, r, column), f.at(f.at("%c", f.mul(r, "%sc")), column), lanes)
            with f.otherwise(plain):
                bias = f.variable(m.vector, f"splat ({m.scalar} -0.0)")         # adds nothing, not even to -0
                with f.when(has(f, flags, BIAS)):
                    bias.set(masked_load(f, m, f.at("%bias", column), lanes))
                with f.loop(0, "%rows") as r:
                    there = f.at(f.at("%c", f.mul(r, "%sc")), column)
                    x = f.variable(m.vector, f.let(f"fmul {m.vector} {alpha}, {sums_of(f, m, r, column)}"))
                    with f.when(has(f, flags, READ)):
                        x.set(f.let(f"fadd {m.vector} {x.get()}, {masked_load(f, m, there, lanes)}"))
                    x.set(f.let(f"fadd {m.vector} {x.get()}, {bias.get()}"))
                    with f.when(has(f, flags, RELU)):
                        below = f.let(f"fcmp olt {m.vector} {x.get()}, zeroinitializer")
                        x.set(f.let(f"select <{m.lanes} x i1> {below}, {m.vector} zeroinitializer, "
                                    f"{m.vector} {x.get()}"))
                    with f.when(has(f, flags, RESIDUAL)):
                        more = masked_load(f, m, f.at(f.at("%residual", f.mul(r, stride)), column), lanes)
                        x.set(f.let(f"fadd {m.vector} {x.get()}, {more}"))
                    store(f, m, x.get(), there, lanes)
    return f.text()


def sums_of(f: Function, m: Machine, r: str, column: int) -> str:
    """A vector of the stage."""
    return f.load(m.vector, f.at(f.at("%stage", f.mul(r, ROW)), column), 64)


def store(f: Function, m: Machine, value: str, to: str, lanes: str) -> None:
    f.do(f"call void @llvm.masked.store.{m.suffix}.p0({m.vector} {value}, ptr align {m.bytes} {to}, "
         f"<{m.lanes} x i1> {lanes})")
