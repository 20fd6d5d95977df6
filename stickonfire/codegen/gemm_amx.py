"""float32 products on the matrix unit of server processors (AMX), by six products of bfloat16 numbers. Room `codegen`.

The unit multiplies tiles of 16 x 32 and 32 x 16 bfloat16 numbers and adds to 16 x 16 float32 sums: sixteen times the
multiply-adds a cycle of the vector units. With x = high + middle + low for each number (`gemm_split.py`),

    x * y = high high' + (high middle' + middle high') + (high low' + middle middle' + low high')  + at most 2^-25 |x y|

so six such products are as exact as float32 can say, and 16 / 6 as fast. Sums of 32 terms are made inside the unit
before they are added up, hence the result is, if anything, nearer to the exact one than a chain of multiply-adds.

    for columns in steps of `breadth`:
        for k in steps of `depth`:
            split the block of B, depth x breadth; it stays in the L2 cache
            for rows in steps of 32:
                split the panel of A, 32 x depth
                for columns in steps of 32:
                    32 x 32 sums = A panel @ B panel, in four tiles; then into C with what `finish` does

What such sums cannot hold (infinities, NaN, numbers beyond 2^127; products that are tiny throughout, for the unit
knows no denormal numbers) is seen while splitting. Nothing but C has been written then, so the call ends, says so in
its cell `status`, and `other`, a kernel of `gemm.py`, does the work, if there is one.
The plan is `gemm_plan.py`'s as ever; the frame of tasks is that of `gemm_loops.py`.
"""
from __future__ import annotations

import functools
import struct
from contextlib import AbstractContextManager

from .gemm_ir import Function
from .gemm_loops import CELLS, OFFSET, POINTERS, Tasks, run_tasks
from .gemm_plan import Plan, Product, cells
from .gemm_split import BLOCK, HALF, INTS, LINES, ROW, TILE, packers
from .gemm_tile import BIAS, HOW, READ, RELU, RESIDUAL, Machine, has, mask, masked_load, scalar_of, spread

UNIT_CELLS = (*CELLS, "status", "other")        # then the cells of `other`
UNIT_OFFSET = {name: 8 * i for i, name in enumerate(UNIT_CELLS)}
PAIRS = [(0, 2), (0, 1), (1, 1), (1, 0), (2, 0), (0, 0)]     # pieces of A and B: one changes at a time, small sums first
LARGEST = 0x7F7F8000            # float32 bits from which rounding to bfloat16 gives infinity
TINIEST = 2 * 127 - 80          # sum of two biased exponents: products below 2^-80 throughout would lose digits
SHAPES = [(rows, columns) for rows in (1, 2) for columns in (1, 2)]     # tiles of 16 down and across
STAGE = LINES * ROW             # bytes of the finished sums, 32 rows of 32


def unit_cells(p: Product, made: Plan, other: int = 0, other_plan: Plan | None = None, **addresses: int) -> bytes:
    """The cells of a call: as `gemm_plan.cells`, and those of the kernel at address `other` for what the unit cannot do."""
    mine = cells(p, made, **addresses) + struct.pack("qq", 0, other)
    return mine + cells(p, other_plan, **addresses) if other_plan is not None else mine


def tile_function(down: int, across: int) -> str:
    return f"unit_{down}x{across}"


@functools.cache
def kernel(m: Machine) -> tuple[str, str]:
    """Name and LLVM IR of the product."""
    name = "unit_float32"
    parts = [declarations(m), packers(m), *(tile(*shape) for shape in SHAPES), finish(m), UnitTasks(m).text(),
             entry(name), 'attributes #0 = { nounwind "min-legal-vector-width"="512" "prefer-vector-width"="512" }\n']
    return name, "\n".join(parts)


def declarations(m: Machine) -> str:
    """What the text calls, and how the tiles are to be shaped: all of 16 rows of 64 bytes."""
    v, lanes = m.vector, f"<{m.lanes} x i1>"
    shapes = [1, *[0] * 15, *[64, 0] * 8, *[0] * 16, *[16] * 8, *[0] * 8]
    return f"""\
@shapes = internal constant [64 x i8] [{", ".join(f"i8 {byte}" for byte in shapes)}], align 64
declare void @sof_parallel(ptr, ptr, i64, i64)
declare i64 @sof_thread()
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)
declare void @llvm.prefetch.p0(ptr, i32, i32, i32)
declare {INTS} @llvm.umax.v{HALF}i32({INTS}, {INTS})
declare i32 @llvm.vector.reduce.umax.v{HALF}i32({INTS})
declare {v} @llvm.masked.load.{m.suffix}.p0(ptr, {lanes}, {v})
declare void @llvm.masked.store.{m.suffix}.p0({v}, ptr, {lanes})
declare void @llvm.x86.ldtilecfg(ptr)
declare void @llvm.x86.tilerelease()
declare void @llvm.x86.tilezero(i8)
declare void @llvm.x86.tileloadd64(i8, ptr, i64)
declare void @llvm.x86.tilestored64(i8, ptr, i64)
declare void @llvm.x86.tdpbf16ps(i8, i8, i8)
"""


def tile(down: int, across: int) -> str:
    """16 `down` x 16 `across` sums over `blocks` blocks of k, to `stage`.

    Tiles 0 to 3 are sums, 4 and 5 pieces of A, 6 and 7 of B.
    """
    f = Function(tile_function(down, across), "ptr %a, ptr %b, i64 %blocks, ptr %stage", inline="noinline")
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
    for number, i, j in sums:
        f.do(f"call void @llvm.x86.tilestored64(i8 {number}, ptr {f.at('%stage', i * HALF * ROW + j * 64)}, i64 {ROW})")
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
                bias = f.variable(m.vector, "zeroinitializer")
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


def entry(name: str) -> str:
    """The kernel itself; where the unit cannot do it, `other` is called with the cells that follow its own."""
    f = Function(name, "ptr %args", public=True)
    f.store("i64", 0, f.at("%args", UNIT_OFFSET["status"]))
    run_tasks(f, lambda flags: "@unit_tasks")
    other = f.load("ptr", f.at("%args", UNIT_OFFSET["other"]))
    failed = f.compare("ne", f.load("i64", f.at("%args", UNIT_OFFSET["status"])), 0)
    with f.when(f.let(f"and i1 {failed}, {f.let(f'icmp ne ptr {other}, null')}")):
        its = f.at("%args", 8 * len(UNIT_CELLS))
        for pointer in POINTERS:
            f.store("i64", f.load("i64", f.at("%args", OFFSET[pointer])), f.at(its, OFFSET[pointer]))
        f.do(f"call void {other}(ptr {its})")
    return f.text()


class UnitTasks(Tasks):
    """Writes `unit_tasks(args, begin, end)`."""

    name = "unit_tasks"

    def frame(self) -> None:
        """The unit is the caller's from here to there: while it is in use the system has 8 KB more to save."""
        self.stage, self.block = (self.f.aligned(STAGE) for _ in range(2))
        self.peak_a, self.peak_b = (self.f.aligned(64) for _ in range(2))
        self.f.do("call void @llvm.x86.ldtilecfg(ptr @shapes)")
        super().frame()
        self.f.do("call void @llvm.x86.tilerelease()")

    def panel_bytes(self, depth: str) -> str:
        """Bytes of a panel of 32 lines."""
        f = self.f
        return f.mul(f.div(f.add(depth, LINES - 1), LINES), BLOCK)

    def block_column(self, rows: tuple[str, str], column: str, count: str) -> None:
        """All of k, block by block; at least one block, for C has to be written even if K is 0."""
        f, cell = self.f, self.cell
        end = f.let(f"call i64 @llvm.smax.i64(i64 {cell['k']}, i64 1)")
        with f.loop(0, end, cell["depth"]) as k:
            depth = f.minimum(cell["depth"], f.sub(cell["k"], k))
            self.describe(k, depth)
            size = self.panel_bytes(depth)
            f.store(INTS, "zeroinitializer", self.peak_b, 64)
            self.pack("b", (column, count), (k, depth), self.copy_b, self.peak_b)
            peak_b = self.peak(self.peak_b)
            with f.loop(*rows, LINES) as row, self.unless_failed():
                height = f.minimum(LINES, f.sub(rows[1], row))
                f.store(INTS, "zeroinitializer", self.peak_a, 64)
                self.pack("a", (row, height), (k, depth), self.copy_a, self.peak_a)
                self.judge(self.peak(self.peak_a), peak_b)
                with self.unless_failed(), f.loop(0, count, LINES) as j:
                    width = f.minimum(LINES, f.sub(count, j))
                    panel = f.at(self.copy_b, f.mul(f.div(j, LINES), size))
                    self.sums((row, height), (f.add(column, j), width), panel, depth)

    def pack(self, operand: str, lines: tuple[str, str], along: tuple[str, str], to: str, peak: str) -> None:
        """All panels of some lines (the first, how many) and some k: 32 rows of memory at a time, whatever they are."""
        f, stride = self.f, self.step[operand]
        # In memory the rows of A, and those of a turned B, are lines.
        if operand == "a":
            function, rows_are_k = f.select(self.turned_a, "ptr", "@pack_at", "@pack_a"), self.turned_a
        else:
            function, rows_are_k = f.select(self.turned_b, "ptr", "@pack_bt", "@pack_b"), f.negate(self.turned_b)

        def either(of_k: str | int, of_lines: str | int) -> str:
            return f.select(rows_are_k, "i64", of_k, of_lines)
        panel = self.panel_bytes(along[1])
        row_step, block_step = either(BLOCK, panel), either(panel, BLOCK)
        row, rows, column, columns = (either(*pair) for pair in zip((*along, *lines), (*lines, *along)))
        source = f.at(self.start[operand], f.add(f.mul(row, stride), self.bytes(column)))
        whole = f.div(columns, LINES)
        with f.loop(0, rows, LINES) as r:
            high = f.minimum(LINES, f.sub(rows, r))
            first, target = f.at(source, f.mul(r, stride)), f.at(to, f.mul(f.div(r, LINES), row_step))
            # blocks at an edge are padded one by one
            as_they_are = f.select(f.compare("eq", high, LINES), "i64", whole, 0)
            f.do(f"call void {function}(ptr {first}, i64 {stride}, i64 {as_they_are}, ptr {target}, "
                 f"i64 {block_step}, ptr {peak})")
            with f.loop(f.mul(as_they_are, LINES), columns, LINES) as c:
                wide = f.minimum(LINES, f.sub(columns, c))
                f.do(f"call void @pad(ptr {f.at(first, self.bytes(c))}, i64 {stride}, i64 {high}, i64 {wide}, "
                     f"ptr {self.block})")
                f.do(f"call void {function}(ptr {self.block}, i64 {ROW}, i64 1, "
                     f"ptr {f.at(target, f.mul(f.div(c, LINES), block_step))}, i64 0, ptr {peak})")

    def peak(self, place: str) -> str:
        """The largest of the magnitudes noted at `place`, as bits."""
        f = self.f
        largest = f.let(f"call i32 @llvm.vector.reduce.umax.v{HALF}i32({INTS} {f.load(INTS, place, 64)})")
        return f.let(f"zext i32 {largest} to i64")

    def judge(self, a: str, b: str) -> None:
        """Whether numbers of these magnitudes can be multiplied in pieces; notes it if not."""
        f = self.f
        exponents = f.add(f.let(f"lshr i64 {a}, 23"), f.let(f"lshr i64 {b}, 23"))
        tiny = f.let(f"and i1 {f.compare('ne', f.minimum(a, b), 0)}, {f.compare('slt', exponents, TINIEST)}")
        large = f.compare("sge", f.let(f"call i64 @llvm.smax.i64(i64 {a}, i64 {b})"), LARGEST)
        with f.when(f.let(f"or i1 {tiny}, {large}")):
            f.store("i64", 1, f.at("%args", UNIT_OFFSET["status"]))

    def unless_failed(self) -> AbstractContextManager[None]:
        """What need not be done once the call is known to fail."""
        f = self.f
        return f.when(f.compare("eq", f.load("i64", f.at("%args", UNIT_OFFSET["status"])), 0))

    def sums(self, rows: tuple[str, str], columns: tuple[str, str], panel: str, depth: str) -> None:
        """Up to 32 x 32 numbers of C."""
        f = self.f
        row, height = rows
        column, width = columns
        c, residual = (f.at(self.start[name], f.add(f.mul(row, self.step[name]), self.bytes(column))) for name in "cr")
        with f.loop(0, height) as r:                    # C will be wanted when k is through
            for v in range(2):
                place = f.at(f.at(c, f.mul(r, self.step["c"])), v * 64)
                f.do(f"call void @llvm.prefetch.p0(ptr {place}, i32 1, i32 3, i32 1)")
        tall, wide = f.compare("sgt", height, HALF), f.compare("sgt", width, HALF)
        one, two = (f.select(wide, "ptr", f"@{tile_function(n, 2)}", f"@{tile_function(n, 1)}") for n in (1, 2))
        blocks = f.div(f.add(depth, LINES - 1), LINES)
        f.do(f"call void {f.select(tall, 'ptr', two, one)}(ptr {self.copy_a}, ptr {panel}, i64 {blocks}, "
             f"ptr {self.stage})")
        bias = f.at(self.cell["bias"], self.bytes(column))
        f.do(f"call void @finish(ptr {self.stage}, i64 {height}, i64 {width}, ptr {c}, i64 {self.step['c']}, "
             f"ptr {self.how}, ptr {bias}, ptr {residual})")
