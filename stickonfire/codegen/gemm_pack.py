"""Packing: copies parts of A and B into the order in which the register tile reads them. Room `codegen`.

B is packed into panels as wide as a tile, [panel][k][column]: what a tile wants next is what lies next, however far
apart B's rows are. (Rows a power of two apart all fall into the same few cache sets, and each row is another page.)
A B stored N x K is transposed on the way, in squares small enough for the registers. A is read in place, unless it is
transposed and larger than the L2 cache. A copy costs about 4 cycles per cache line, as much as 8 rows of arithmetic.
Called by `gemm_loops.py`; written with `gemm_ir.py`.
"""
from __future__ import annotations

from .gemm_ir import Function
from .gemm_tile import VECTORS, Machine, mask, masked_load

COPY_RUNS = "ptr %from, i64 %stride, i64 %runs, i64 %length, ptr %to, i64 %step"
PACK = "ptr %from, i64 %stride, i64 %depth, i64 %columns, ptr %to"
RUN = 4         # steps of k per turn of the loop


def packers(m: Machine) -> str:
    """All packing functions."""
    return "\n".join([copy_runs(m), pack_straight(m), pack_transposed(m)])


def copy_runs(m: Machine) -> str:
    """copy_runs: `runs` runs of `length` numbers, `stride` bytes apart, to runs of `step` bytes, whole vectors."""
    f = Function("copy_runs", COPY_RUNS, inline="noinline")
    size = m.lanes * m.bytes
    with f.loop(0, "%step", size) as part:
        count = f.sub("%length", f.let(f"sdiv exact i64 {part}, {m.bytes}"))
        with f.when(f.compare("sgt", count, 0)):
            copy_vector_of_runs(f, m, f.at("%from", part), f.at("%to", part), count, "%runs", "%step")
    return f.text()


def copy_vector_of_runs(f: Function, m: Machine, source: str, target: str, count: str, runs: str, step: str) -> None:
    """At most a vector of each run: `count` numbers, the rest zero."""
    lanes = mask(f, m, count, 0) if m.masks else ""
    with f.loop(0, runs) as k:
        row, packed = f.at(source, f.mul(k, "%stride")), f.at(target, f.mul(k, step))
        if m.masks:
            f.store(m.vector, masked_load(f, m, row, lanes), packed, m.bytes)
        else:
            f.store(m.vector, "zeroinitializer", packed, m.bytes)
            with f.loop(0, f.minimum(count, m.lanes)) as j:
                place = f.mul(j, m.bytes)
                f.store(m.scalar, f.load(m.scalar, f.at(row, place)), f.at(packed, place))


def pack_straight(m: Machine) -> str:
    """pack_straight: one panel of a B stored K x N.

    The next panel, just beside, is asked for meanwhile: where rows are a page apart no processor foresees it.
    A panel at the edge is as wide as one vector if that will do. Lanes without a column become zero: they reach only
    lanes of C that are not stored, but denormals there would cost time.
    """
    f = Function("pack_straight", PACK, inline="noinline")
    size = m.width * m.bytes
    whole = f.let(f"and i64 %depth, {-RUN}")
    full = f.compare("eq", "%columns", m.width)
    with f.when(full):
        for start, stop, run in ((0, whole, RUN), (whole, "%depth", 1)):
            with f.loop(start, stop, run) as k:
                source, target = f.at("%from", f.mul(k, "%stride")), f.at("%to", f.mul(k, size))
                for r in range(run):
                    for v in range(0, size, m.lanes * m.bytes):
                        vector = f.load(m.vector, f.at(source, v), m.bytes)
                        f.store(m.vector, vector, f.at(target, r * size + v), m.bytes)
                    f.do(f"call void @llvm.prefetch.p0(ptr {f.at(source, 2 * size - 1)}, i32 0, i32 2, i32 1)")
                    source = f.at(source, "%stride")
    with f.otherwise(full):
        one = m.lanes * m.bytes
        step = f.select(f.compare("sgt", "%columns", m.lanes), "i64", VECTORS * one, one)
        f.do(f"call void @copy_runs(ptr %from, i64 %stride, i64 %depth, i64 %columns, ptr %to, i64 {step})")
    return f.text()


def pack_transposed(m: Machine) -> str:
    """pack_transposed: one panel of a B stored N x K.

    A square of G x G numbers, G to 128 bits, is transposed by log2(G) rounds of interleaving. A vector register
    holds several such squares side by side, one per 128-bit group, so the rounds transpose them all at once:

        v[i] = row i, row i + G, row i + 2 G, ...  each G numbers      ->      w[j] = number j of each row in turn

    Where the panel has fewer columns than lanes the last row is read again instead.
    """
    f = Function("pack_transposed", PACK, inline="noinline")
    group, one = 16 // m.bytes, m.lanes * m.bytes
    whole = f.let(f"and i64 %depth, {-group}")
    last = f.sub("%columns", 1)
    step = f.select(f.compare("sgt", "%columns", m.lanes), "i64", VECTORS * one, one)
    with f.loop(0, "%columns", m.lanes) as first:               # one vector of columns after another
        target = f.at("%to", f.mul(first, m.bytes))
        rows = [f.at("%from", f.mul(f.minimum(f.add(first, i), last), "%stride")) for i in range(m.lanes)]
        with f.loop(0, whole, group) as k:
            for j, vector in enumerate(squares(f, m, rows, f.mul(k, m.bytes))):
                f.store(m.vector, vector, f.at(target, f.mul(f.add(k, j), step)), m.bytes)
        with f.loop(whole, "%depth") as k:
            there = f.at(target, f.mul(k, step))
            for i, row in enumerate(rows):
                f.store(m.scalar, f.load(m.scalar, f.at(row, f.mul(k, m.bytes))), f.at(there, i * m.bytes))
    return f.text()


def squares(f: Function, m: Machine, rows: list[str], offset: str) -> list[str]:
    """G vectors, the j-th made of number j at `offset` of each row."""
    group = 16 // m.bytes
    vectors = [gather(f, m, [f.at(row, offset) for row in rows[i::group]]) for i in range(group)]
    # Each round interleaves vectors i and i + half of the list; after log2(G) rounds rows have become columns.
    distance = group // 2
    while distance:
        vectors = [half for i in range(group // 2) for half in interleave(f, m, vectors[i], vectors[i + group // 2])]
        distance //= 2
    return vectors


def gather(f: Function, m: Machine, pointers: list[str]) -> str:
    """One vector from several 128-bit pieces."""
    count = 16 // m.bytes
    parts = [f.load(f"<{count} x {m.scalar}>", p, m.bytes) for p in pointers]
    while len(parts) > 1:
        kind, order = f"<{count} x {m.scalar}>", ", ".join(f"i32 {i}" for i in range(2 * count))
        parts = [f.let(f"shufflevector {kind} {a}, {kind} {b}, <{2 * count} x i32> <{order}>")
                 for a, b in zip(parts[::2], parts[1::2])]
        count *= 2
    return parts[0]


def interleave(f: Function, m: Machine, a: str, b: str) -> tuple[str, str]:
    """a0 b0 a1 b1 ... within each 128-bit group: the lower halves of the groups, and the upper halves."""
    group = 16 // m.bytes
    made = []
    for half in (0, group // 2):
        order = [side + start + half + i for start in range(0, m.lanes, group) for i in range(group // 2)
                 for side in (0, m.lanes)]
        text = ", ".join(f"i32 {i}" for i in order)
        made.append(f.let(f"shufflevector {m.vector} {a}, {m.vector} {b}, <{m.lanes} x i32> <{text}>"))
    return made[0], made[1]
