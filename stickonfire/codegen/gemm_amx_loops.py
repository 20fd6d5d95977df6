"""The loops of a product on the matrix unit. Room `codegen`.

A task computes a rectangle of one product of the batch. One operand, say B, is split block by block and *resident* in
the L2 cache; the other is *streamed* past it, panel by panel, and two panels of it take turns in the scratch:

    for columns in steps of `breadth`:
        for k in steps of `depth`:
            split the block of B, depth x breadth
            for rows in steps of 32:
                for columns in steps of 32:
                    32 x 32 sums = A panel @ B panel; meanwhile, split some of the next A panel

The frame, from tasks to rectangles, is that of `gemm_loops.py`; the sizes are from `gemm_amx_plan.py`.
"""
from __future__ import annotations

import functools
from contextlib import AbstractContextManager

from .gemm_amx_tile import STAGE, tile_function
from .gemm_ir import Function
from .gemm_loops import CELLS, OFFSET, POINTERS, STREAM_B, Tasks, run_tasks
from .gemm_split import BLOCK, HALF, INTS, JOB, JOB_BYTES, LINES, PORTIONS, ROW
from .gemm_tile import HOW, has

UNIT_CELLS = (*CELLS, "status", "other")        # then the cells of `other`
UNIT_OFFSET = {name: 8 * i for i, name in enumerate(UNIT_CELLS)}
# Bits of a float32 from which it rounds to infinity as a bfloat16; the biased exponent of an operand that is tiny
# throughout, and sums of two such exponents from which products may overflow, or are tiny throughout.
LARGEST = 0x7F7F8000
TINY_OPERAND, HUGE_PRODUCT, TINY_PRODUCT = 127 - 100, 2 * 127 + 126, 2 * 127 - 80


def entry(name: str) -> str:
    """The kernel itself; where the unit cannot do it, `other` is called with the cells that follow its own."""
    f = Function(name, "ptr %args", public=True)
    f.store("i64", "0", f.at("%args", UNIT_OFFSET["status"]))
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

    def own_scratch(self) -> None:
        """This thread's share: the block of the resident operand, then two panels of the streamed one."""
        self.resident_place = self.share_of_scratch()
        self.streamed_place = self.f.at(self.resident_place, self.cell["panel"])

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
        with f.when(some), f.loop(resident[0], resident[1], cell["breadth"]) as first:
            count = f.minimum(cell["breadth"], f.sub(resident[1], first))
            with f.loop(0, f.maximum(cell["k"], 1), cell["depth"]) as k, self.unless_failed():
                self.block((first, count), streamed, (k, f.minimum(cell["depth"], f.sub(cell["k"], k))))

    def block(self, resident: tuple[str, str], streamed: list[str], span: tuple[str, str]) -> None:
        """One block of the resident operand (its first line and how many), and all the panels that stream past it.

        While the panel that is `here` is multiplied, the next one is split and goes `there`. span: first k, how many.
        """
        f = self.f
        self.describe(*span)
        self.is_plain()
        f.store(INTS, "zeroinitializer", self.peaks["resident"], 64)
        size = self.panel_bytes(span[1])
        with f.loop(0, resident[1], LINES) as line:
            lines = f.minimum(LINES, f.sub(resident[1], line))
            self.split_panel("resident", f.add(resident[0], line), lines, span,
                             f.at(self.resident_place, f.mul(f.div(line, LINES), size)))
        panels = f.div(f.add(resident[1], LINES - 1), LINES)
        each = f.select(self.turned["streamed"], "i64", PORTIONS["turned"], PORTIONS["straight"])
        portions = f.div(f.sub(f.add(panels, each), 1), panels)     # after each block of k: so the job gets done
        here, there = f.variable("ptr", self.streamed_place), f.variable("ptr", f.at(self.streamed_place, size))
        f.store(INTS, "zeroinitializer", self.peaks["streamed"], 64)
        self.split_panel("streamed", streamed[0], f.minimum(LINES, f.sub(streamed[1], streamed[0])), span, here.get())
        with f.loop(streamed[0], streamed[1], LINES) as line:
            self.judge()
            lines = f.minimum(LINES, f.sub(streamed[1], line))
            next_line = f.add(line, LINES)
            next_lines = f.minimum(LINES, f.sub(streamed[1], next_line))
            f.store(INTS, "zeroinitializer", self.peaks["streamed"], 64)
            with self.unless_failed():
                self.prepare("streamed", next_line, next_lines, span, there.get())
                with f.loop(0, resident[1], LINES) as other:
                    others = f.minimum(LINES, f.sub(resident[1], other))
                    panel = f.at(self.resident_place, f.mul(f.div(other, LINES), size))
                    self.sums((line, lines), (f.add(resident[0], other), others), (here.get(), panel), span[1],
                              portions)
                with f.when(f.compare("sgt", next_lines, 0)):
                    self.finish_job("streamed", next_line, next_lines, span, there.get())
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
            f.store("ptr" if key in ("from", "to", "peak") else "i64", str(value), f.at(self.job, JOB[key]))

    def do_job(self, name: str) -> None:
        """What is left of the job."""
        function = self.f.select(self.turned[name], "ptr", "@split_turned", "@split_straight")
        self.f.do(f"call void {function}(ptr {self.job})")

    def whole_blocks(self, lines: str, depth: str) -> str:
        """How many blocks of a panel need no padding."""
        f = self.f
        return f.select(f.compare("eq", lines, LINES), "i64", f.div(f.maximum(depth, 0), LINES), 0)

    def prepare(self, name: str, line: str, lines: str, span: tuple[str, str], to: str) -> None:
        """Describes the job of splitting a panel, as far as it needs no padding."""
        start = self.source(name, line, span[0])
        self.describe_job(name, start, self.row[name], to, self.whole_blocks(lines, span[1]))

    def finish_job(self, name: str, line: str, lines: str, span: tuple[str, str], to: str) -> None:
        """What is left of a prepared job, and the blocks at an edge, padded one by one."""
        f, row = self.f, self.row[name]
        k, depth = span
        self.do_job(name)
        with f.loop(f.mul(self.whole_blocks(lines, depth), LINES), depth, LINES) as part:
            steps = f.minimum(LINES, f.sub(depth, part))
            high = f.select(self.along[name], "i64", lines, steps)
            wide = f.select(self.along[name], "i64", steps, lines)
            start = self.source(name, line, f.add(k, part))
            f.do(f"call void @pad(ptr {start}, i64 {row}, i64 {high}, i64 {wide}, ptr {self.padded})")
            place = f.at(to, f.mul(f.div(part, LINES), BLOCK))
            self.describe_job(name, self.padded, str(ROW), place, "1")
            self.do_job(name)

    def split_panel(self, name: str, line: str, lines: str, span: tuple[str, str], to: str) -> None:
        """A panel of at most 32 lines, at once."""
        self.prepare(name, line, lines, span, to)
        self.finish_job(name, line, lines, span, to)

    # -- what cannot be split ------------------------------------------------------------------------
    def judge(self) -> None:
        """Whether numbers of the magnitudes met can be multiplied in pieces; notes it if not."""
        f = self.f
        a, b = (self.peak(name) for name in ("streamed", "resident"))
        exponents = [f.let(f"lshr i64 {peak}, 23") for peak in (a, b)]
        product = f.add(*exponents)
        reasons = [f.compare("sge", f.maximum(a, b), LARGEST), f.compare("sge", product, HUGE_PRODUCT)]
        some = f.compare("ne", f.minimum(a, b), 0)              # zeros are no reason
        for tiny in (f.compare("slt", product, TINY_PRODUCT), f.compare("slt", f.minimum(*exponents), TINY_OPERAND)):
            reasons.append(f.let(f"and i1 {some}, {tiny}"))
        with f.when(functools.reduce(lambda x, y: f.let(f"or i1 {x}, {y}"), reasons)):
            f.store("i64", "1", f.at("%args", UNIT_OFFSET["status"]))

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
