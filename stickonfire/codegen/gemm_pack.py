"""Packing: copies parts of A and B into the order in which the register tile reads them. Room `codegen`.

B is packed into panels as wide as a tile, [panel][k][column]: what a tile wants next is always what lies next, no matter
how far apart B's rows are (rows a power of two apart all fall into the same few cache sets, and each row is another page).
Where B is stored transposed the panel is also transposed, in squares small enough for the registers. A is read in place
unless its rows are badly apart; then a panel of it is copied just before use, while it is wanted in the cache anyway.
Called by `gemm_loops.py`; written with `gemm_ir.py`.
"""
from __future__ import annotations

from .gemm_ir import Function
from .gemm_tile import Machine

COPY_A_ROWS = "ptr %from, i64 %stride, i64 %rows, i64 %depth, ptr %to, i64 %step"
PACK_B = "ptr %from, i64 %stride, i64 %depth, i64 %columns, ptr %to, i64 %step"


def packers(m: Machine) -> str:
    """All packing functions."""
    return "\n".join([copy_rows(m), pack_straight(m), pack_transposed(m)])


def copy_rows(m: Machine) -> str:
    """copy_rows: `rows` runs of `depth` numbers, `stride` bytes apart, to runs `step` bytes apart."""
    f = Function("copy_rows", COPY_A_ROWS, inline="noinline")
    whole = f.let(f"and i64 %depth, {-m.lanes}")
    with f.loop(0, "%rows") as r:
        source, target = f.at("%from", f.mul(r, "%stride")), f.at("%to", f.mul(r, "%step"))
        with f.loop(0, whole, m.lanes) as k:
            place = f.mul(k, m.bytes)
            f.store(m.vector, f.load(m.vector, f.at(source, place), m.bytes), f.at(target, place), m.bytes)
        with f.loop(whole, "%depth") as k:
            place = f.mul(k, m.bytes)
            f.store(m.scalar, f.load(m.scalar, f.at(source, place)), f.at(target, place))
    return f.text()


def pack_straight(m: Machine) -> str:
    """pack_straight: one panel of a B stored K x N: rows of at most `step` bytes, one after another.

    Lanes beyond `columns` become zero: they reach only lanes of C that are not stored, but denormals there cost time.
    """
    f = Function("pack_straight", PACK_B, inline="noinline")
    size = f.mul("%columns", m.bytes)
    full = f.compare("eq", size, "%step")
    with f.when(full), f.loop(0, "%depth") as k:
        source, target = f.at("%from", f.mul(k, "%stride")), f.at("%to", f.mul(k, "%step"))
        with f.loop(0, "%step", m.lanes * m.bytes) as place:
            f.store(m.vector, f.load(m.vector, f.at(source, place), m.bytes), f.at(target, place), m.bytes)
    with f.otherwise(full), f.loop(0, "%depth") as k:
        source, target = f.at("%from", f.mul(k, "%stride")), f.at("%to", f.mul(k, "%step"))
        with f.loop(0, "%step", m.lanes * m.bytes) as place:
            f.store(m.vector, "zeroinitializer", f.at(target, place), m.bytes)
        with f.loop(0, size, m.bytes) as place:
            f.store(m.scalar, f.load(m.scalar, f.at(source, place)), f.at(target, place))
    return f.text()


def pack_transposed(m: Machine) -> str:
    """pack_transposed: one panel of a B stored N x K.

    A square of G x G numbers, G to 128 bits, is transposed by log2(G) rounds of interleaving. A vector register
    holds several such squares side by side, one per 128-bit group, so the rounds transpose them all at once:

        v[i] = row i, row i + G, row i + 2 G, ...  each G numbers      ->      w[j] = number j of each row in turn

    Where the panel has fewer columns than lanes the last row is read again instead.
    """
    f = Function("pack_transposed", PACK_B, inline="noinline")
    group = 16 // m.bytes
    whole = f.let(f"and i64 %depth, {-group}")
    last = f.sub("%columns", 1)
    with f.loop(0, "%step", m.lanes * m.bytes) as part:             # one vector of columns after another
        first = f.let(f"sdiv exact i64 {part}, {m.bytes}")
        with f.when(f.compare("sle", first, last)):
            target = f.at("%to", part)
            rows = [f.at("%from", f.mul(f.minimum(f.add(first, i), last), "%stride")) for i in range(m.lanes)]
            with f.loop(0, whole, group) as k:
                for j, vector in enumerate(squares(f, m, rows, f.mul(k, m.bytes))):
                    f.store(m.vector, vector, f.at(target, f.mul(f.add(k, j), "%step")), m.bytes)
            with f.loop(whole, "%depth") as k:
                there = f.at(target, f.mul(k, "%step"))
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
