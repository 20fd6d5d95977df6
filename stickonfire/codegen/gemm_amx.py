"""float32 products on the matrix unit of server processors (AMX), by six products of bfloat16 numbers. Room `codegen`.

The unit multiplies tiles of 16 x 32 and 32 x 16 bfloat16 numbers and adds to 16 x 16 float32 sums: sixteen times the
multiply-adds a cycle of the vector units. With x = high + middle + low for each number (`gemm_split.py`),

    x * y = high high' + (high middle' + middle high') + (high low' + middle middle' + low high')  + at most 2^-25 |x y|

so six such products are as exact as float32 can say, and 16 / 6 as fast. Sums of 32 terms are made inside the unit
before they are added up, hence the result is, if anything, nearer to the exact one than a chain of multiply-adds.

One operand, here B, is split block by block and stays in the L2 cache; the other streams past it, panel by panel:

    for columns in steps of `breadth`:
        for k in steps of `depth`:
            split the block of B, depth x breadth
            for rows in steps of 32:
                for columns in steps of 32:
                    32 x 32 sums = A panel @ B panel, in four tiles; meanwhile, split some of the next A panel

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
from .gemm_loops import CELLS, OFFSET, POINTERS, STREAM_B, Tasks, run_tasks
from .gemm_plan import Plan, Product, cells
from .gemm_split import BLOCK, HALF, INTS, JOB, JOB_BYTES, LINES, PORTIONS, ROW, TILE, Job, splitters
from .gemm_tile import BIAS, HOW, READ, RELU, RESIDUAL, Machine, has, mask, masked_load, scalar_of, spread

UNIT_CELLS = (*CELLS, "status", "other")        # then the cells of `other`
UNIT_OFFSET = {name: 8 * i for i, name in enumerate(UNIT_CELLS)}
PAIRS = [(0, 2), (0, 1), (1, 1), (1, 0), (2, 0), (0, 0)]     # pieces of A and B: one changes at a time, small sums first
LARGEST = 0x7F7F8000            # float32 bits from which rounding to bfloat16 gives infinity
TINIEST = 2 * 127 - 80          # sum of two biased exponents: products below 2^-80 throughout would lose digits
# Tiles of 16 down and across, and what is done meanwhile: only whole ones have the time.
SHAPES = [(1, 1), (1, 2), (2, 1), *((2, 2, kind) for kind in PORTIONS)]
STAGE = LINES * ROW             # bytes of the finished sums, 32 rows of 32


def unit_cells(p: Product, made: Plan, other: int = 0, other_plan: Plan | None = None, **addresses: int) -> bytes:
    """The cells of a call: as `gemm_plan.cells`, and those of the kernel at address `other` for what the unit cannot do."""
    mine = cells(p, made, **addresses) + struct.pack("qq", 0, other)
    return mine + cells(p, other_plan, **addresses) if other_plan is not None else mine


def tile_function(down: int, across: int, kind: str = "") -> str:
    return f"unit_{down}x{across}" + ("_" + kind if kind else "")


@functools.cache
def kernel(m: Machine) -> tuple[str, str]:
    """Name and LLVM IR of the product."""
    name = "unit_float32"
    parts = [declarations(m), splitters(m), *(tile(m, *shape) for shape in SHAPES), finish(m), UnitTasks(m).text(),
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


def tile(m: Machine, down: int, across: int, kind: str = "") -> str:
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
        f = self.f
        self.stage, self.padded = f.aligned(STAGE), f.aligned(STAGE)
        self.job, self.peaks = f.aligned(JOB_BYTES), {name: f.aligned(64) for name in ("resident", "streamed")}
        self.choose_operands()
        f.do("call void @llvm.x86.ldtilecfg(ptr @shapes)")
        super().frame()
        f.do("call void @llvm.x86.tilerelease()")

    def choose_operands(self) -> None:
        """Which operand streams past the other, and how either lies in memory."""
        f = self.f
        self.streams_b = has(f, self.cell["flags"], STREAM_B)
        # rows in memory are lines, and k runs along them, in A as it is and in B turned
        along = {"a": f.negate(self.turned_a), "b": self.turned_b}
        turned = {"a": self.turned_a, "b": self.turned_b}
        self.along, self.turned, self.row = {}, {}, {}
        for name, first, second in (("streamed", "b", "a"), ("resident", "a", "b")):
            self.along[name] = f.select(self.streams_b, "i1", along[first], along[second])
            self.turned[name] = f.select(self.streams_b, "i1", turned[first], turned[second])
            self.row[name] = f.select(self.streams_b, "i64", self.step[first], self.step[second])

    def part(self, rows: tuple[str, str], columns: tuple[str, str]) -> None:
        """A rectangle of C, block by block of the resident operand and of k; at least one, even if K is 0."""
        f, cell = self.f, self.cell
        self.start["streamed"], self.start["resident"] = (
            f.select(self.streams_b, "ptr", self.start[x], self.start[y]) for x, y in ("ba", "ab"))
        streamed, resident = ([f.select(self.streams_b, "i64", *pair) for pair in zip(x, y)]
                              for x, y in ((columns, rows), (rows, columns)))
        some = f.let(f"and i1 {f.compare('slt', *rows)}, {f.compare('slt', *columns)}")
        with f.when(some), f.loop(*resident, cell["breadth"]) as first:
            count = f.minimum(cell["breadth"], f.sub(resident[1], first))
            with f.loop(0, f.maximum(cell["k"], 1), cell["depth"]) as k, self.unless_failed():
                self.block((first, count), streamed, (k, f.minimum(cell["depth"], f.sub(cell["k"], k))))

    def block(self, resident: tuple[str, str], streamed: list[str], along: tuple[str, str]) -> None:
        """One block of the resident operand (its first line and how many), and all the panels that stream past it."""
        f = self.f
        self.describe(*along)
        self.is_plain()
        f.store(INTS, "zeroinitializer", self.peaks["resident"], 64)
        size = self.panel_bytes(along[1])
        with f.loop(0, resident[1], LINES) as line:
            lines = f.minimum(LINES, f.sub(resident[1], line))
            self.split_panel("resident", f.add(resident[0], line), lines, along,
                             f.at(self.copy_b, f.mul(f.div(line, LINES), size)))
        panels = f.div(f.add(resident[1], LINES - 1), LINES)
        each = f.select(self.turned["streamed"], "i64", PORTIONS["turned"], PORTIONS["straight"])
        portions = f.div(f.sub(f.add(panels, each), 1), panels)         # after each block of k, so that the job gets done
        here, there = f.variable("ptr", self.copy_a), f.variable("ptr", f.at(self.copy_a, size))
        lines = f.minimum(LINES, f.sub(streamed[1], streamed[0]))
        f.store(INTS, "zeroinitializer", self.peaks["streamed"], 64)
        self.split_panel("streamed", streamed[0], lines, along, here.get())
        with f.loop(*streamed, LINES) as line:
            self.judge()
            lines = f.minimum(LINES, f.sub(streamed[1], line))
            next_line = f.add(line, LINES)
            next_lines = f.minimum(LINES, f.sub(streamed[1], next_line))
            f.store(INTS, "zeroinitializer", self.peaks["streamed"], 64)
            with self.unless_failed():
                self.prepare("streamed", next_line, next_lines, along, there.get())
                with f.loop(0, resident[1], LINES) as other:
                    others = f.minimum(LINES, f.sub(resident[1], other))
                    panel = f.at(self.copy_b, f.mul(f.div(other, LINES), size))
                    self.sums((line, lines), (f.add(resident[0], other), others), (here.get(), panel), along[1],
                              portions)
                with f.when(f.compare("sgt", next_lines, 0)):
                    self.finish_job("streamed", next_line, next_lines, along, there.get())
            now = here.get()
            here.set(there.get())
            there.set(now)

    # -- splitting -----------------------------------------------------------------------------------
    def panel_bytes(self, depth: str) -> str:
        """Bytes of a panel of 32 lines."""
        f = self.f
        return f.mul(f.div(f.add(depth, LINES - 1), LINES), BLOCK)

    def source(self, name: str, line: str, k: str) -> str:
        """Where line `line` and step `k` of an operand meet in memory."""
        f = self.f
        row = f.select(self.along[name], "i64", line, k)
        column = f.select(self.along[name], "i64", k, line)
        return f.at(self.start[name], f.add(f.mul(row, self.row[name]), self.bytes(column)))

    def describe_job(self, name: str, start: str, row: str, to: str, blocks: str) -> None:
        """The job of splitting `blocks` blocks that begin at `start` in memory."""
        f, along = self.f, self.along[name]
        portions = f.select(self.turned[name], "i64", PORTIONS["turned"], PORTIONS["straight"])
        values = {
            "from": start, "to": to, "row": row, "peak": self.peaks[name], "done": 0, "end": f.mul(blocks, portions),
            "block": f.select(along, "i64", LINES * self.m.bytes, f.mul(row, LINES)),
            "half": f.select(along, "i64", f.mul(row, HALF), HALF * self.m.bytes),
            "pair": f.select(along, "i64", HALF * self.m.bytes, f.mul(row, HALF))}
        for key, value in values.items():
            f.store("ptr" if key in ("from", "to", "peak") else "i64", value, f.at(self.job, JOB[key]))

    def do_job(self, name: str) -> None:
        """What is left of the job."""
        function = self.f.select(self.turned[name], "ptr", "@split_turned", "@split_straight")
        self.f.do(f"call void {function}(ptr {self.job})")

    def whole_blocks(self, lines: str, depth: str) -> str:
        """How many blocks of a panel need no padding."""
        f = self.f
        return f.select(f.compare("eq", lines, LINES), "i64", f.div(f.maximum(depth, 0), LINES), 0)

    def prepare(self, name: str, line: str, lines: str, along: tuple[str, str], to: str) -> None:
        """Describes the job of splitting a panel, as far as it needs no padding."""
        start = self.source(name, line, along[0])
        self.describe_job(name, start, self.row[name], to, self.whole_blocks(lines, along[1]))

    def finish_job(self, name: str, line: str, lines: str, along: tuple[str, str], to: str) -> None:
        """What is left of a prepared job, and the blocks at an edge, padded one by one."""
        f, row = self.f, self.row[name]
        k, depth = along
        self.do_job(name)
        with f.loop(f.mul(self.whole_blocks(lines, depth), LINES), depth, LINES) as part:
            steps = f.minimum(LINES, f.sub(depth, part))
            high = f.select(self.along[name], "i64", lines, steps)
            wide = f.select(self.along[name], "i64", steps, lines)
            start = self.source(name, line, f.add(k, part))
            f.do(f"call void @pad(ptr {start}, i64 {row}, i64 {high}, i64 {wide}, ptr {self.padded})")
            place = f.at(to, f.mul(f.div(part, LINES), BLOCK))
            self.describe_job(name, self.padded, f.add(ROW, 0), place, "1")
            self.do_job(name)

    def split_panel(self, name: str, line: str, lines: str, along: tuple[str, str], to: str) -> None:
        """A panel of at most 32 lines, at once."""
        self.prepare(name, line, lines, along, to)
        self.finish_job(name, line, lines, along, to)

    # -- what cannot be split ------------------------------------------------------------------------
    def judge(self) -> None:
        """Whether numbers of the magnitudes met can be multiplied in pieces; notes it if not."""
        f = self.f
        a, b = (self.peak(name) for name in ("streamed", "resident"))
        exponents = f.add(f.let(f"lshr i64 {a}, 23"), f.let(f"lshr i64 {b}, 23"))
        tiny = f.let(f"and i1 {f.compare('ne', f.minimum(a, b), 0)}, {f.compare('slt', exponents, TINIEST)}")
        large = f.compare("sge", f.maximum(a, b), LARGEST)
        with f.when(f.let(f"or i1 {tiny}, {large}")):
            f.store("i64", 1, f.at("%args", UNIT_OFFSET["status"]))

    def peak(self, name: str) -> str:
        """The largest magnitude met in an operand, as bits."""
        f = self.f
        vector = f.load(INTS, self.peaks[name], 64)
        return f.let(f"zext i32 {f.let(f'call i32 @llvm.vector.reduce.umax.v{HALF}i32({INTS} {vector})')} to i64")

    def unless_failed(self) -> AbstractContextManager[None]:
        """What need not be done once the call is known to fail."""
        f = self.f
        return f.when(f.compare("eq", f.load("i64", f.at("%args", UNIT_OFFSET["status"])), 0))

    # -- multiplying ---------------------------------------------------------------------------------
    def is_plain(self) -> None:
        """Whether sums go into C as they are."""
        f = self.f
        flags = f.load("i64", f.at(self.how, HOW["flags"]))
        one = f.let(f"fcmp oeq double {self.cell['alpha']}, 1.0")
        self.plain = f.let(f"and i1 {f.compare('eq', flags, 0)}, {one}")

    def sums(self, streamed: tuple[str, str], resident: tuple[str, str], panels: tuple[str, str], depth: str,
             portions: str) -> None:
        """Up to 32 x 32 numbers of C: some lines of each operand (the first, how many), and where they are split."""
        f, swap = self.f, self.streams_b
        (row, height), (column, width) = (
            [f.select(swap, "i64", *pair) for pair in zip(x, y)]
            for x, y in ((resident, streamed), (streamed, resident)))
        a, b = (f.select(swap, "ptr", *pair) for pair in (panels[::-1], panels))
        c, residual = (f.at(self.start[name], f.add(f.mul(row, self.step[name]), self.bytes(column))) for name in "cr")
        with f.loop(0, height) as r:                    # C will be wanted when k is through
            for v in range(2):
                place = f.at(f.at(c, f.mul(r, self.step["c"])), v * 64)
                f.do(f"call void @llvm.prefetch.p0(ptr {place}, i32 1, i32 3, i32 1)")
        tall, wide = f.compare("sgt", height, HALF), f.compare("sgt", width, HALF)
        whole = f.select(self.turned["streamed"], "ptr", *(f"@{tile_function(2, 2, kind)}" for kind in
                                                          ("turned", "straight")))
        narrow = f.select(tall, "ptr", f"@{tile_function(2, 1)}", f"@{tile_function(1, 1)}")
        function = f.select(wide, "ptr", f.select(tall, "ptr", whole, f"@{tile_function(1, 2)}"), narrow)
        blocks = f.div(f.add(depth, LINES - 1), LINES)
        # whole tiles that nothing more happens to need no stage
        straight = f.let(f"and i1 {self.plain}, {f.compare('eq', f.minimum(height, width), LINES)}")
        to, step = f.select(straight, "ptr", c, self.stage), f.select(straight, "i64", self.step["c"], ROW)
        f.do(f"call void {function}(ptr {a}, ptr {b}, i64 {blocks}, ptr {to}, i64 {step}, ptr {self.job}, "
             f"i64 {portions})")
        bias = f.at(self.cell["bias"], self.bytes(column))
        with f.otherwise(straight):
            f.do(f"call void @finish(ptr {self.stage}, i64 {height}, i64 {width}, ptr {c}, i64 {self.step['c']}, "
                 f"ptr {self.how}, ptr {bias}, ptr {residual})")
