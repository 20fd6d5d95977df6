"""From the loop IR (`rows.py`) to LLVM IR text: explicit vectors, so that nothing hangs on LLVM's vectoriser.

A stage along a row becomes a loop over whole vectors and one masked step for the rest. Extents and strides are
constants of the code; addresses come from the kernel's cells (`launch.py` says how): one pointer for each access,
then the symbols (doubles), then the scratch memory of the sums.
"""
from __future__ import annotations

from .emit_values import COMBINE, STORED, TYPES, Values, identity, number
from .rows import SIZES, Line, RowKernel, Stage, Sum

AHEAD = 2048            # bytes of a large array that are asked for before they are needed
LARGE = 1 << 18         # elements of a kernel from which its arrays are not in the nearest caches
UNROLL = 4              # vectors a step in loops that sum up: the adder's latency is hidden behind the others'


class Emitter(Values):
    """Writes the text of one kernel."""

    def __init__(self, kernel: RowKernel, name: str, lanes: int) -> None:
        super().__init__(lanes)
        self.kernel, self.name = kernel, name
        self.stage = 0
        self.asked: dict[int, tuple[int, int]] = {}     # access -> (stage that asks ahead for it, whether to write it)

    # -- the kernel --------------------------------------------------------------------------------------------

    def emit(self) -> str:
        """The whole text."""
        k = self.kernel
        self.rows_function()
        body, self.lines = self.lines, []
        sums = bool(k.columns or k.totals)
        count, grain = (k.pieces, 1) if sums else (k.rows, max(1, 16384 // max(k.width, 1)))
        threaded = count > grain and k.rows * k.width >= 32768
        if threaded:
            self.declare("sof_parallel", "void", "ptr", "ptr", "i64", "i64")
            self.put(f"call void @sof_parallel(ptr @{self.name}.part, ptr %args, i64 {count}, i64 {grain})")
        else:
            self.put(f"call void @{self.name}.part(ptr %args, i64 0, i64 {count})")
        if sums:
            self.put("%scratch.cell = getelementptr i64, ptr %args, i64 "
                     f"{len(k.accesses) + k.symbols}")
            self.put("%scratch = load ptr, ptr %scratch.cell")
        for i, column in enumerate(k.columns):
            self.finish_column(i, column)
        for i, total in enumerate(k.totals):
            self.finish_total(i, total)
        main = self.lines
        self.lines = []
        if sums:
            self.pieces_function()
        else:
            self.put(f"call void @{self.name}.rows(ptr %args, i64 %begin, i64 %end, i64 0)")
            self.put("ret void")
        part = self.lines
        return "\n".join([
            f"define internal void @{self.name}.rows(ptr noalias %args, i64 %begin, i64 %end, i64 %piece) "
            "alwaysinline {", "entry:", *body, "}",
            f"define internal void @{self.name}.part(ptr %args, i64 %begin, i64 %end) {{", "entry:", *part, "}",
            f"define void @{self.name}(ptr %args) {{", "entry:", *main, "  ret void", "}"])

    def pieces_function(self) -> None:
        """Goes through pieces begin..end, each a fixed part of the rows, whoever runs it: sums are always the same."""
        k = self.kernel
        self.put("br label %next")
        self.lines.append("next:")
        self.put("%p = phi i64 [ %begin, %entry ], [ %p1, %next ]")
        self.put("%p1 = add i64 %p, 1")
        for name, at in (("first", "%p"), ("last", "%p1")):
            self.put(f"%{name}.scaled = mul i64 {at}, {k.rows}")
            self.put(f"%{name} = udiv i64 %{name}.scaled, {k.pieces}")
        self.put(f"call void @{self.name}.rows(ptr %args, i64 %first, i64 %last, i64 %p)")
        self.put("%more = icmp slt i64 %p1, %end")
        self.put("br i1 %more, label %next, label %done")
        self.lines.append("done:")
        self.put("ret void")

    def rows_function(self) -> None:
        """The loop over rows, with the cells read before and the sums written after it."""
        k = self.kernel
        for i in range(len(k.accesses)):
            self.put(f"%cell{i} = getelementptr i64, ptr %args, i64 {i}")
            self.put(f"%base{i} = load ptr, ptr %cell{i}")
        for i in range(k.symbols):
            self.put(f"%symbol.cell{i} = getelementptr i64, ptr %args, i64 {len(k.accesses) + i}")
            self.put(f"%symbol{i} = load double, ptr %symbol.cell{i}")
        if k.columns or k.totals:
            self.put(f"%scratch.cell = getelementptr i64, ptr %args, i64 {len(k.accesses) + k.symbols}")
            self.put("%scratch = load ptr, ptr %scratch.cell")
        for i, dtype in enumerate(k.slots):
            self.put(f"%row{i} = alloca [{k.column_pad()} x {STORED[dtype]}], align 64")
        self.prepare_sums()
        self.put("%empty = icmp sge i64 %begin, %end")
        self.put("br label %rows.enter")
        self.lines.append("rows.enter:")
        self.put("br i1 %empty, label %rows.done, label %row")
        self.lines.append("row:")
        self.put("%r = phi i64 [ %begin, %rows.enter ], [ %r1, %row.end ]")
        self.row_pointers()
        for i, stage in enumerate(k.stages):
            if stage.lanes:
                self.lane_stage(stage, i)
            else:
                for line in stage.lines:
                    self.line(line, False, "", None)
        self.put("br label %row.end")
        self.lines.append("row.end:")
        self.put("%r1 = add i64 %r, 1")
        self.put("%row.more = icmp slt i64 %r1, %end")
        self.put("br i1 %row.more, label %row, label %rows.done")
        self.lines.append("rows.done:")
        self.store_totals()
        self.put("ret void")

    def row_pointers(self) -> None:
        """Where each access stands in this row, and how long the row is."""
        k = self.kernel
        if k.chunk:
            self.put(f"%start = mul i64 %r, {k.chunk}")
            self.put(f"%left = sub i64 {k.inner}, %start")
            self.put(f"%short = icmp slt i64 %left, {k.chunk}")
            self.put(f"%width = select i1 %short, i64 %left, i64 {k.chunk}")
        indices, rest = [], "%r"
        for d in range(len(k.outer) - 1, -1, -1):
            if d == 0:
                indices.append(rest)
            else:
                indices.append(self.new(f"urem i64 {rest}, {k.outer[d]}"))
                rest = self.new(f"udiv i64 {rest}, {k.outer[d]}")
        indices.reverse()
        for i, access in enumerate(k.accesses):
            at = f"%base{i}"
            steps = [("%r", k.chunk * access.inner)] if k.chunk else list(zip(indices, access.outer))
            for index, stride in steps:
                if stride:
                    offset = self.new(f"mul i64 {index}, {stride}")
                    at = self.new(f"getelementptr i8, ptr {at}, i64 {offset}")
            self.put(f"%at{i} = getelementptr i8, ptr {at}, i64 0")

    # -- stages ------------------------------------------------------------------------------------------------

    def lane_stage(self, stage: Stage, s: int) -> None:
        """A loop over whole vectors, then one masked step; reductions start before and end after it."""
        k, L = self.kernel, self.lanes
        self.stage = s
        reduces = [line for line in stage.lines if line.name == "reduce"]
        sums = any(line.name in ("reduce", "total") for line in stage.lines)
        width = 0 if k.chunk else k.width
        unroll = UNROLL if sums and k.width >= UNROLL * L else 1
        for line in reduces:
            for u in range(unroll):
                self.lines.insert(0, f"  %acc{line.dest}.{u} = alloca {self.type(line.dtype, True)}, align 64")
                self.put(f"store {self.type(line.dtype, True)} splat ({TYPES[line.dtype]} "
                         f"{identity(line.args[0], line.dtype)}), ptr %acc{line.dest}.{u}")
        saved = dict(self.values)
        if k.chunk:
            self.put(f"%whole{s} = and i64 %width, -{L * unroll}")
            whole = f"%whole{s}"
        else:
            whole = str(width // (L * unroll) * L * unroll)
        if k.chunk or int(whole):
            self.vector_loop(stage, f"loop{s}", "0", whole, unroll, bool(k.chunk))
        self.values = dict(saved)
        rest_end = "%width" if k.chunk else str(width)
        if unroll > 1:                                              # whole vectors that are left over
            if k.chunk:
                self.put(f"%until{s} = and i64 %width, -{L}")
                single = f"%until{s}"
            else:
                single = str(width // L * L)
            if k.chunk or int(single) > int(whole):
                self.vector_loop(stage, f"single{s}", whole, single, 1, bool(k.chunk))
            self.values = dict(saved)
            whole = single
        if k.chunk or width % L:
            self.masked_step(stage, s, whole, rest_end)
        self.values = dict(saved)
        for line in reduces:
            self.values[line.dest] = (self.horizontal(line, unroll), line.dtype, False)

    def vector_loop(self, stage: Stage, label: str, start: str, end: str, unroll: int, guarded: bool) -> None:
        """`for c in range(start, end, unroll * lanes)`, all lanes on."""
        before = f"{label}.before"
        self.put(f"br label %{before}")
        self.lines.append(f"{before}:")
        if guarded:
            some = self.new(f"icmp slt i64 {start}, {end}")
            self.put(f"br i1 {some}, label %{label}, label %{label}.after")
        else:
            self.put(f"br label %{label}")
        self.lines.append(f"{label}:")
        self.put(f"%c.{label} = phi i64 [ {start}, %{before} ], [ %n.{label}, %{label}.end ]")
        saved = dict(self.values)
        for u in range(unroll):
            self.values = dict(saved)
            at = f"%c.{label}" if u == 0 else self.new(f"add i64 %c.{label}, {u * self.lanes}")
            for line in stage.lines:
                self.line(line, True, at, None, u)
        self.put(f"br label %{label}.end")
        self.lines.append(f"{label}.end:")
        self.put(f"%n.{label} = add i64 %c.{label}, {unroll * self.lanes}")
        more = self.new(f"icmp slt i64 %n.{label}, {end}")
        self.put(f"br i1 {more}, label %{label}, label %{label}.after")
        self.lines.append(f"{label}.after:")

    def masked_step(self, stage: Stage, s: int, start: str, end: str) -> None:
        """The rest of a row, less than a vector."""
        L = self.lanes
        if self.kernel.chunk:
            some = self.new(f"icmp slt i64 {start}, {end}")
            self.put(f"br i1 {some}, label %rest{s}, label %rest{s}.after")
            self.lines.append(f"rest{s}:")
            left = self.new(f"sub i64 {end}, {start}")
            spread = self.splat(left, "i64")
            mask = self.new(f"icmp slt <{L} x i64> {self.iota()}, {spread}")
        else:
            count = int(end) - int(start)
            mask = "<" + ", ".join(f"i1 {'true' if i < count else 'false'}" for i in range(L)) + ">"
        for line in stage.lines:
            self.line(line, True, start, mask, 0)
        if self.kernel.chunk:
            self.put(f"br label %rest{s}.after")
            self.lines.append(f"rest{s}.after:")

    def horizontal(self, line: Line, unroll: int) -> str:
        """A reduction's accumulators brought to one number."""
        kind, dtype = line.args[0], line.dtype
        of = self.type(dtype, True)
        total = self.new(f"load {of}, ptr %acc{line.dest}.0")
        for u in range(1, unroll):
            other = self.new(f"load {of}, ptr %acc{line.dest}.{u}")
            total = self.operation(COMBINE[kind], [total, other], dtype, True)
        return self.across(kind, total, dtype)

    # -- sums over rows ----------------------------------------------------------------------------------------

    def prepare_sums(self) -> None:
        """Rows of sums are zeroed, single sums get a vector each."""
        k = self.kernel
        offset = 8 * len(k.totals) * k.pieces
        for i, column in enumerate(k.columns):
            bytes_ = SIZES[column.dtype] * k.column_pad()
            start = self.new(f"mul i64 %piece, {bytes_}")
            start = self.new(f"add i64 {start}, {offset}")
            self.put(f"%column{i} = getelementptr i8, ptr %scratch, i64 {start}")
            offset += bytes_ * k.pieces
            for c in range(0, k.column_pad(), self.lanes):
                at = self.new(f"getelementptr i8, ptr %column{i}, i64 {c * SIZES[column.dtype]}")
                start = f"splat ({TYPES[column.dtype]} {identity(column.kind, column.dtype)})"
                self.store(at, start, column.dtype, True, None)
        for i, total in enumerate(k.totals):
            for u in range(UNROLL):
                self.put(f"%total{i}.{u} = alloca {self.type(total.dtype, True)}, align 64")
                self.put(f"store {self.type(total.dtype, True)} splat ({TYPES[total.dtype]} "
                         f"{identity(total.kind, total.dtype)}), ptr %total{i}.{u}")
            self.put(f"%total{i}.row = alloca {TYPES[total.dtype]}")
            self.put(f"store {TYPES[total.dtype]} {identity(total.kind, total.dtype)}, ptr %total{i}.row")

    def store_totals(self) -> None:
        """Each piece's single sums go to scratch memory."""
        for i, total in enumerate(self.kernel.totals):
            of = self.type(total.dtype, True)
            vector = self.new(f"load {of}, ptr %total{i}.0")
            for u in range(1, UNROLL):
                other = self.new(f"load {of}, ptr %total{i}.{u}")
                vector = self.operation(COMBINE[total.kind], [vector, other], total.dtype, True)
            one = self.across(total.kind, vector, total.dtype)
            row = self.new(f"load {TYPES[total.dtype]}, ptr %total{i}.row")
            one = self.operation(COMBINE[total.kind], [one, row], total.dtype, False)
            at = self.new(f"mul i64 %piece, {8 * len(self.kernel.totals)}")
            at = self.new(f"add i64 {at}, {8 * i}")
            at = self.new(f"getelementptr i8, ptr %scratch, i64 {at}")
            self.store(at, one, total.dtype, False, None)

    def finish_total(self, i: int, total: Sum) -> None:
        """Adds up the pieces' sums, in order."""
        k = self.kernel
        result = ""
        for p in range(k.pieces):
            at = self.new(f"getelementptr i8, ptr %scratch, i64 {8 * (p * len(k.totals) + i)}")
            part = self.load(at, total.dtype, False, None)
            result = part if p == 0 else self.operation(COMBINE[total.kind], [result, part], total.dtype, False)
        self.store(self.result_pointer(total.access), self.converted(result, total.dtype,
                   k.accesses[total.access].dtype, False), k.accesses[total.access].dtype, False, None)

    def result_pointer(self, access: int) -> str:
        cell = self.new(f"getelementptr i64, ptr %args, i64 {access}")
        return self.new(f"load ptr, ptr {cell}")

    def finish_column(self, i: int, column: Sum) -> None:
        """Adds up the pieces' rows of sums, in order."""
        k, L, dtype = self.kernel, self.lanes, column.dtype
        offset = 8 * len(k.totals) * k.pieces + sum(SIZES[c.dtype] * k.column_pad() * k.pieces for c in k.columns[:i])
        out, to = k.accesses[column.access], self.result_pointer(column.access)
        label = f"column{i}"
        self.put(f"br label %{label}.before")
        self.lines.append(f"{label}.before:")
        self.put(f"br label %{label}")
        self.lines.append(f"{label}:")
        self.put(f"%c.{label} = phi i64 [ 0, %{label}.before ], [ %n.{label}, %{label} ]")
        result = ""
        for p in range(k.pieces):
            at = self.new(f"mul i64 %c.{label}, {SIZES[dtype]}")
            at = self.new(f"add i64 {at}, {offset + p * SIZES[dtype] * k.column_pad()}")
            at = self.new(f"getelementptr i8, ptr %scratch, i64 {at}")
            part = self.load(at, dtype, True, None)
            result = part if p == 0 else self.operation(COMBINE[column.kind], [result, part], dtype, True)
        left = self.new(f"sub i64 {k.width}, %c.{label}")
        mask = self.new(f"icmp slt <{L} x i64> {self.iota()}, {self.splat(left, 'i64')}")
        result = self.converted(result, dtype, out.dtype, True)
        self.store_lanes(to, out.inner, out.dtype, result, f"%c.{label}", mask)
        self.put(f"%n.{label} = add i64 %c.{label}, {L}")
        more = self.new(f"icmp slt i64 %n.{label}, {k.width}")
        self.put(f"br i1 {more}, label %{label}, label %{label}.after")
        self.lines.append(f"{label}.after:")

    # -- lines -------------------------------------------------------------------------------------------------

    def line(self, line: Line, lanes: bool, c: str, mask: str | None, u: int = 0) -> None:
        """One line of a stage; `c` is the place in the row, `u` the copy in an unrolled loop."""
        handler = getattr(self, "do_" + line.name, None)
        if handler is not None:
            handler(line, lanes, c, mask, u)
            return
        of = line.of or line.dtype
        vector = lanes and any(self.values[a][2] for a in line.args)
        operands = [self.value(a, vector) for a in line.args]
        if line.name == "where":
            condition = operands[0]
            self.values[line.dest] = (self.new(
                f"select {self.type('bool', vector)} {condition}, {self.type(of, vector)} {operands[1]}, "
                f"{self.type(of, vector)} {operands[2]}"), line.dtype, vector)
        elif line.name == "cast":
            self.values[line.dest] = (self.converted(operands[0], of, line.dtype, vector), line.dtype, vector)
        else:
            self.values[line.dest] = (self.operation(line.name, operands, of, vector), line.dtype, vector)

    def do_const(self, line: Line, lanes: bool, c: str, mask: str | None, u: int) -> None:
        self.values[line.dest] = (number(line.args[0], line.dtype), line.dtype, False)

    def do_spread(self, line: Line, lanes: bool, c: str, mask: str | None, u: int) -> None:
        name, dtype, _ = self.values[line.args[0]]
        self.values[line.dest] = (self.splat(name, dtype), dtype, True)

    def do_symbol(self, line: Line, lanes: bool, c: str, mask: str | None, u: int) -> None:
        value = self.converted(f"%symbol{line.args[0]}", "f64", line.dtype, False)
        self.values[line.dest] = (value, line.dtype, False)

    def do_iota(self, line: Line, lanes: bool, c: str, mask: str | None, u: int) -> None:
        spread = self.splat(self.new(f"add i64 {c}, %start") if self.kernel.chunk else c, "i64")
        value = self.new(f"add <{self.lanes} x i64> {spread}, {self.iota()}")
        self.values[line.dest] = (self.converted(value, "i64", line.dtype, True), line.dtype, True)

    def do_load(self, line: Line, lanes: bool, c: str, mask: str | None, u: int) -> None:
        i = line.args[0]
        access = self.kernel.accesses[i]
        if lanes and access.inner:
            self.ask_ahead(i, c, mask, 0)
            value = self.load_lanes(f"%at{i}", access.inner, access.dtype, c, mask)
        else:
            value = self.load(f"%at{i}", access.dtype, False, None)
        self.values[line.dest] = (value, access.dtype, bool(lanes and access.inner))

    def ask_ahead(self, i: int, c: str, mask: str | None, write: int) -> None:
        """Asks for the part of a large array that is gone through a little later, the first time a row is gone through.

        The processor's own guesses end with each page, and while a row is in the cache, memory would be idle: a third
        of the time of a pass over arrays in memory.
        """
        k, access, here = self.kernel, self.kernel.accesses[i], (self.stage, write)
        if (mask is not None or k.rows * k.width < LARGE or access.inner != SIZES[access.dtype] or access.inner < 4
                or not (k.chunk or any(access.outer)) or self.asked.setdefault(i, here) != here):
            return
        offset = self.new(f"mul i64 {c}, {access.inner}")
        at = self.new(f"getelementptr i8, ptr %at{i}, i64 {offset}")
        at = self.new(f"getelementptr i8, ptr {at}, i64 {AHEAD}")
        self.declare("llvm.prefetch.p0", "void", "ptr", "i32", "i32", "i32")
        self.put(f"call void @llvm.prefetch.p0(ptr {at}, i32 {write}, i32 3, i32 1)")

    def do_load_at(self, line: Line, lanes: bool, c: str, mask: str | None, u: int) -> None:
        i, index, stride = line.args
        access = self.kernel.accesses[i]
        name, dtype, vector = self.values[index]
        name = self.converted(name, dtype, "i64", vector)
        offset = self.new(f"mul {self.type('i64', vector)} {name}, {f'splat (i64 {stride})' if vector else stride}")
        base = self.lane_pointers(f"%at{i}", access.inner, c) if vector and access.inner else f"%at{i}"
        of = f"<{self.lanes} x ptr>" if base != f"%at{i}" else "ptr"
        at = self.new(f"getelementptr i8, {of} {base}, {self.type('i64', vector)} {offset}")
        value = self.gather(at, access.dtype, mask) if vector else self.load(at, access.dtype, False, None)
        self.values[line.dest] = (value, access.dtype, vector)

    def do_load_row(self, line: Line, lanes: bool, c: str, mask: str | None, u: int) -> None:
        i, index, stride = line.args
        access = self.kernel.accesses[i]
        name, dtype, _ = self.values[index]
        offset = self.new(f"mul i64 {self.converted(name, dtype, 'i64', False)}, {stride}")
        base = self.new(f"getelementptr i8, ptr %at{i}, i64 {offset}")
        self.values[line.dest] = (self.load_lanes(base, access.inner, access.dtype, c, mask), access.dtype, True)

    def do_store(self, line: Line, lanes: bool, c: str, mask: str | None, u: int) -> None:
        i, value = line.args
        access = self.kernel.accesses[i]
        name, dtype, vector = self.values[value]
        if not lanes:
            self.store(f"%at{i}", self.converted(name, dtype, access.dtype, False), access.dtype, False, None)
            return
        name = self.converted(self.value(value, True), dtype, access.dtype, True)
        self.ask_ahead(i, c, mask, 1)
        self.store_lanes(f"%at{i}", access.inner, access.dtype, name, c, mask)

    def do_stash(self, line: Line, lanes: bool, c: str, mask: str | None, u: int) -> None:
        slot, value = line.args
        dtype = self.kernel.slots[slot]
        offset = self.new(f"mul i64 {c}, {SIZES[dtype]}")
        at = self.new(f"getelementptr i8, ptr %row{slot}, i64 {offset}")
        self.store(at, self.value(value, True), dtype, True, None)      # the buffer holds whole vectors

    def do_fetch(self, line: Line, lanes: bool, c: str, mask: str | None, u: int) -> None:
        dtype = self.kernel.slots[line.args[0]]
        offset = self.new(f"mul i64 {c}, {SIZES[dtype]}")
        at = self.new(f"getelementptr i8, ptr %row{line.args[0]}, i64 {offset}")
        self.values[line.dest] = (self.load(at, dtype, True, None), dtype, True)

    def unmasked(self, value: str, kind: str, dtype: str, mask: str | None) -> str:
        """A vector whose lanes beyond the row do not count."""
        if mask is None:
            return value
        of = self.type(dtype, True)
        return self.new(f"select <{self.lanes} x i1> {mask}, {of} {value}, {of} splat ({TYPES[dtype]} "
                        f"{identity(kind, dtype)})")

    def do_reduce(self, line: Line, lanes: bool, c: str, mask: str | None, u: int) -> None:
        kind, value = line.args
        of, cell = self.type(line.dtype, True), f"%acc{line.dest}.{u}"
        new = self.unmasked(self.converted(self.value(value, True), self.values[value][1], line.dtype, True), kind,
                            line.dtype, mask)
        so_far = self.new(f"load {of}, ptr {cell}")
        self.put(f"store {of} {self.operation(COMBINE[kind], [so_far, new], line.dtype, True)}, ptr {cell}")

    def do_accumulate(self, line: Line, lanes: bool, c: str, mask: str | None, u: int) -> None:
        i, value = line.args
        column = self.kernel.columns[i]
        new = self.unmasked(self.converted(self.value(value, True), self.values[value][1], column.dtype, True),
                            column.kind, column.dtype, mask)
        offset = self.new(f"mul i64 {c}, {SIZES[column.dtype]}")
        at = self.new(f"getelementptr i8, ptr %column{i}, i64 {offset}")
        so_far = self.load(at, column.dtype, True, None)
        self.store(at, self.operation(COMBINE[column.kind], [so_far, new], column.dtype, True), column.dtype, True,
                   None)

    def do_total(self, line: Line, lanes: bool, c: str, mask: str | None, u: int) -> None:
        i, value = line.args
        total = self.kernel.totals[i]
        name, dtype, _ = self.values[value]
        if not lanes:
            name = self.converted(name, dtype, total.dtype, False)
            so_far = self.new(f"load {TYPES[total.dtype]}, ptr %total{i}.row")
            done = self.operation(COMBINE[total.kind], [so_far, name], total.dtype, False)
            self.put(f"store {TYPES[total.dtype]} {done}, ptr %total{i}.row")
            return
        of, cell = self.type(total.dtype, True), f"%total{i}.{u}"
        new = self.unmasked(self.converted(self.value(value, True), dtype, total.dtype, True), total.kind, total.dtype,
                            mask)
        so_far = self.new(f"load {of}, ptr {cell}")
        self.put(f"store {of} {self.operation(COMBINE[total.kind], [so_far, new], total.dtype, True)}, ptr {cell}")


def llvm_text(kernel: RowKernel, name: str, lanes: int) -> tuple[str, dict[str, str]]:
    """The kernel's functions, and what they use: declarations and vector functions, by symbol."""
    emitter = Emitter(kernel, name, lanes)
    return emitter.emit(), emitter.used
