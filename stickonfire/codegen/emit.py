"""From the loop IR (`rows.py`) to LLVM IR text: explicit vectors, so that nothing hangs on LLVM's vectoriser.

A stage along a row becomes a loop over whole vectors and one masked step for the rest. Extents and strides are
constants of the code; addresses come from the kernel's cells (`launch.py` says how): one pointer for each access,
then the symbols (doubles), then the scratch memory of the sums.
"""
from __future__ import annotations

import itertools
import math
import struct
from typing import Any

from . import vecmath
from .rows import FLOATS, SIZES, Line, RowKernel, Stage, Sum

TYPES = {"f32": "float", "f64": "double", "i64": "i64", "i32": "i32", "i16": "i16", "i8": "i8", "u8": "i8",
         "bool": "i1"}
STORED = {**TYPES, "bool": "i8"}
SUFFIX = {"f32": "f32", "f64": "f64", "i64": "i64", "i32": "i32", "i16": "i16", "i8": "i8", "u8": "i8", "bool": "i1"}
ARITHMETIC = {"add": ("fadd contract", "add"), "subtract": ("fsub contract", "sub"),
              "multiply": ("fmul contract", "mul"), "divide": ("fdiv contract", ""), "and": ("", "and"),
              "or": ("", "or"), "xor": ("", "xor")}
COMPARE = {"less": ("olt", "slt"), "less_equal": ("ole", "sle"), "greater": ("ogt", "sgt"),
           "greater_equal": ("oge", "sge"), "equal": ("oeq", "eq"), "not_equal": ("une", "ne")}
INTRINSICS = {"sqrt": "sqrt", "absolute": "fabs", "floor": "floor", "ceil": "ceil", "rint": "rint", "trunc": "trunc",
              "maximum": "maximum", "minimum": "minimum", "fmax": "maxnum", "fmin": "minnum", "copysign": "copysign"}
INT_INTRINSICS = {"maximum": "smax", "minimum": "smin"}
FUNCTIONS = frozenset(("exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "tanh", "sinh",
                       "cosh", "sigmoid", "erf", "erfc", "power", "arctan", "arcsin", "arccos"))
FULL = {"f32": "float", "f64": "double"}
VECMATH = {"power": "pow", "arctan": "atan", "arcsin": "asin", "arccos": "acos"}
KNOWN = (set(ARITHMETIC) | set(COMPARE) | set(INTRINSICS) | FUNCTIONS
         | {"negative", "where", "not", "isnan", "cast", "sign", "square", "reciprocal"})
AHEAD = 2048            # bytes of a large array that are asked for before they are needed
LARGE = 1 << 18         # elements of a kernel from which its arrays are not in the nearest caches
UNROLL = 4              # vectors a step in loops that sum up: the adder's latency is hidden behind the others'


def number(value: Any, dtype: str) -> str:
    """A constant as LLVM writes it."""
    if dtype == "bool":
        return "true" if value else "false"
    if dtype not in FLOATS:
        return str(int(value))
    value = float(value)
    if dtype == "f32" and math.isfinite(value):
        value = clamp(value)
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def clamp(value: float) -> float:
    """A number rounded to float32; infinite beyond its range."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


IDENTITY = {"sum": 0, "prod": 1, "any": 0, "all": 1}
COMBINE = {"sum": "add", "prod": "multiply", "max": "maximum", "min": "minimum", "any": "or", "all": "and"}


def identity(kind: str, dtype: str) -> str:
    """What a reduction starts from."""
    if kind in ("max", "min"):
        if dtype in ("bool", "u8"):
            return number((kind == "min") * (1 if dtype == "bool" else 255), dtype)
        if dtype in FLOATS:
            return number(-math.inf if kind == "max" else math.inf, dtype)
        bits = 8 * SIZES[dtype]
        return str(-2 ** (bits - 1) if kind == "max" else 2 ** (bits - 1) - 1)
    if kind == "sum" and dtype in FLOATS:
        return number(-0.0, dtype)
    return number(IDENTITY[kind], dtype)


class Emitter:
    """Writes the text of one kernel."""

    def __init__(self, kernel: RowKernel, name: str, lanes: int) -> None:
        self.kernel, self.name, self.lanes = kernel, name, lanes
        self.lines: list[str] = []
        self.fresh = itertools.count().__next__
        self.used: dict[str, str] = {}                  # declarations and helper functions, by symbol
        self.values: dict[int, tuple[str, str, bool]] = {}      # value -> (name, dtype, whether a vector)
        self.stage = 0
        self.asked: dict[int, tuple[int, int]] = {}     # access -> (stage that asks ahead for it, whether to write it)

    # -- small things ------------------------------------------------------------------------------------------

    def put(self, line: str) -> None:
        self.lines.append("  " + line)

    def new(self, right: str) -> str:
        """A new name for the result of an instruction."""
        name = f"%x{self.fresh()}"
        self.put(f"{name} = {right}")
        return name

    def type(self, dtype: str, vector: bool, stored: bool = False) -> str:
        scalar = (STORED if stored else TYPES)[dtype]
        return f"<{self.lanes} x {scalar}>" if vector else scalar

    def suffix(self, dtype: str, vector: bool) -> str:
        return (f"v{self.lanes}" if vector else "") + SUFFIX[dtype]

    def declare(self, symbol: str, result: str, *parameters: str) -> None:
        self.used[symbol] = f"declare {result} @{symbol}({', '.join(parameters)})"

    def splat(self, value: str, dtype: str) -> str:
        """A scalar in all lanes."""
        of = self.type(dtype, True)
        if not value.startswith("%"):
            return f"splat ({TYPES[dtype]} {value})"
        one = self.new(f"insertelement {of} poison, {TYPES[dtype]} {value}, i64 0")
        return self.new(f"shufflevector {of} {one}, {of} poison, <{self.lanes} x i32> zeroinitializer")

    def value(self, number_: int, vector: bool) -> str:
        """A value as a scalar or, spread if need be, as a vector."""
        name, dtype, is_vector = self.values[number_]
        return self.splat(name, dtype) if vector and not is_vector else name

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

    def iota(self) -> str:
        return "<" + ", ".join(f"i64 {i}" for i in range(self.lanes)) + ">"

    def horizontal(self, line: Line, unroll: int) -> str:
        """A reduction's accumulators brought to one number."""
        kind, dtype = line.args[0], line.dtype
        of = self.type(dtype, True)
        total = self.new(f"load {of}, ptr %acc{line.dest}.0")
        for u in range(1, unroll):
            other = self.new(f"load {of}, ptr %acc{line.dest}.{u}")
            total = self.operation(COMBINE[kind], [total, other], dtype, True)
        return self.across(kind, total, dtype)

    def across(self, kind: str, vector: str, dtype: str) -> str:
        """All lanes of a vector brought to one number."""
        of, scalar, suffix = self.type(dtype, True), TYPES[dtype], self.suffix(dtype, True)
        if dtype in FLOATS:
            name = {"sum": "fadd", "prod": "fmul", "max": "fmaximum", "min": "fminimum"}[kind]
            start = f"{scalar} {identity(kind, dtype)}, " if kind in ("sum", "prod") else ""
            symbol = f"llvm.vector.reduce.{name}.{suffix}"
            self.declare(symbol, scalar, *([scalar] if start else []), of)
            return self.new(f"call reassoc {scalar} @{symbol}({start}{of} {vector})")
        name = {"sum": "add", "prod": "mul", "max": "smax", "min": "smin", "any": "or", "all": "and"}[kind]
        if dtype == "bool" and kind in ("max", "min"):
            name = "or" if kind == "max" else "and"
        elif dtype == "u8":
            name = name.replace("sm", "um")
        symbol = f"llvm.vector.reduce.{name}.{suffix}"
        self.declare(symbol, scalar, of)
        return self.new(f"call {scalar} @{symbol}({of} {vector})")

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

    # -- memory ------------------------------------------------------------------------------------------------

    def load(self, at: str, dtype: str, vector: bool, mask: str | None) -> str:
        """Side by side, or one."""
        of = self.type(dtype, vector, stored=True)
        if mask is None:
            value = self.new(f"load {of}, ptr {at}, align {SIZES[dtype]}")
        else:
            symbol = f"llvm.masked.load.v{self.lanes}{SUFFIX['i8' if dtype == 'bool' else dtype]}.p0"
            self.declare(symbol, of, "ptr", f"<{self.lanes} x i1>", of)
            value = self.new(f"call {of} @{symbol}(ptr align {SIZES[dtype]} {at}, <{self.lanes} x i1> {mask}, "
                             f"{of} zeroinitializer)")
        return self.new(f"trunc {of} {value} to {self.type('bool', vector)}") if dtype == "bool" else value

    def store(self, at: str, value: str, dtype: str, vector: bool, mask: str | None) -> None:
        of = self.type(dtype, vector, stored=True)
        if dtype == "bool":
            value = self.new(f"zext {self.type('bool', vector)} {value} to {of}")
        if mask is None:
            self.put(f"store {of} {value}, ptr {at}, align {SIZES[dtype]}")
        else:
            symbol = f"llvm.masked.store.v{self.lanes}{SUFFIX['i8' if dtype == 'bool' else dtype]}.p0"
            self.declare(symbol, "void", of, "ptr", f"<{self.lanes} x i1>")
            self.put(f"call void @{symbol}({of} {value}, ptr align {SIZES[dtype]} {at}, <{self.lanes} x i1> {mask})")

    def lane_pointers(self, base: str, stride: int, c: str) -> str:
        """A pointer for each lane."""
        spread = self.splat(c, "i64")
        index = self.new(f"add <{self.lanes} x i64> {spread}, {self.iota()}")
        offset = self.new(f"mul <{self.lanes} x i64> {index}, splat (i64 {stride})")
        return self.new(f"getelementptr i8, ptr {base}, <{self.lanes} x i64> {offset}")

    def gather(self, pointers: str, dtype: str, mask: str | None) -> str:
        """An element from each of the pointers."""
        of = self.type(dtype, True, stored=True)
        mask = mask or "splat (i1 true)"
        symbol = f"llvm.masked.gather.v{self.lanes}{SUFFIX['i8' if dtype == 'bool' else dtype]}.v{self.lanes}p0"
        self.declare(symbol, of, f"<{self.lanes} x ptr>", f"<{self.lanes} x i1>", of)
        value = self.new(f"call {of} @{symbol}(<{self.lanes} x ptr> align {SIZES[dtype]} {pointers}, "
                         f"<{self.lanes} x i1> {mask}, {of} zeroinitializer)")
        return self.new(f"trunc {of} {value} to {self.type('bool', True)}") if dtype == "bool" else value

    def load_lanes(self, base: str, stride: int, dtype: str, c: str, mask: str | None) -> str:
        """A vector of elements `stride` bytes apart."""
        if stride == 0:
            return self.splat(self.load(base, dtype, False, None), dtype)
        if stride == SIZES[dtype]:
            offset = self.new(f"mul i64 {c}, {stride}")
            return self.load(self.new(f"getelementptr i8, ptr {base}, i64 {offset}"), dtype, True, mask)
        return self.gather(self.lane_pointers(base, stride, c), dtype, mask)

    def store_lanes(self, base: str, stride: int, dtype: str, value: str, c: str, mask: str | None) -> None:
        if stride == SIZES[dtype]:
            offset = self.new(f"mul i64 {c}, {stride}")
            self.store(self.new(f"getelementptr i8, ptr {base}, i64 {offset}"), value, dtype, True, mask)
            return
        of = self.type(dtype, True, stored=True)
        if dtype == "bool":
            value = self.new(f"zext {self.type('bool', True)} {value} to {of}")
        symbol = f"llvm.masked.scatter.v{self.lanes}{SUFFIX['i8' if dtype == 'bool' else dtype]}.v{self.lanes}p0"
        self.declare(symbol, "void", of, f"<{self.lanes} x ptr>", f"<{self.lanes} x i1>")
        pointers = self.lane_pointers(base, stride, c)
        self.put(f"call void @{symbol}({of} {value}, <{self.lanes} x ptr> align {SIZES[dtype]} {pointers}, "
                 f"<{self.lanes} x i1> {mask or 'splat (i1 true)'})")

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

    # -- arithmetic --------------------------------------------------------------------------------------------

    def operation(self, name: str, operands: list[str], dtype: str, vector: bool) -> str:
        """The result of arithmetic, a comparison or a function on operands of one dtype."""
        of = self.type(dtype, vector)
        is_float = dtype in FLOATS
        if name in ARITHMETIC:
            word = ARITHMETIC[name][0 if is_float else 1]
            if dtype == "bool":
                word = {"add": "or", "multiply": "and", "maximum": "or"}.get(name, word)
            return self.new(f"{word} {of} {operands[0]}, {operands[1]}")
        if name in COMPARE:
            word = f"fcmp {COMPARE[name][0]}" if is_float else f"icmp {self.ordering(name, dtype)}"
            return self.new(f"{word} {of} {operands[0]}, {operands[1]}")
        if name == "square":
            return self.operation("multiply", operands * 2, dtype, vector)
        if name == "reciprocal":
            one = number(1, dtype)
            return self.operation("divide", [self.splat(one, dtype) if vector else one, *operands], dtype, vector)
        if name == "negative":
            zero = "zeroinitializer" if vector else "0"
            return self.new(f"fneg {of} {operands[0]}" if is_float else f"sub {of} {zero}, {operands[0]}")
        if name == "not":
            true = "splat (i1 true)" if vector else "true"
            return self.new(f"xor {of} {operands[0]}, {true}")
        if name == "isnan":
            return self.new(f"fcmp uno {of} {operands[0]}, {operands[0]}")
        if name == "sign":
            return self.sign(operands[0], dtype, vector)
        if name in INTRINSICS:
            return self.intrinsic(name, operands, dtype, vector)
        return self.function(name, operands, dtype, vector)

    def ordering(self, name: str, dtype: str) -> str:
        word = COMPARE[name][1]
        return "u" + word[1:] if dtype in ("u8", "bool") and word[0] == "s" else word

    def sign(self, x: str, dtype: str, vector: bool) -> str:
        """-1, 0 or 1; NaN gives 0, as in PyTorch."""
        of = self.type(dtype, vector)
        zero, one, minus = (self.splat(number(n, dtype), dtype) if vector else number(n, dtype) for n in (0, 1, -1))
        above = self.operation("greater", [x, zero], dtype, vector)
        below = self.operation("less", [x, zero], dtype, vector)
        truth = self.type("bool", vector)
        down = self.new(f"select {truth} {below}, {of} {minus}, {of} {zero}")
        return self.new(f"select {truth} {above}, {of} {one}, {of} {down}")

    def intrinsic(self, name: str, operands: list[str], dtype: str, vector: bool) -> str:
        of = self.type(dtype, vector)
        if dtype in FLOATS:
            word = INTRINSICS[name]
        elif name == "absolute":
            symbol = f"llvm.abs.{self.suffix(dtype, vector)}"
            self.declare(symbol, of, of, "i1")
            return self.new(f"call {of} @{symbol}({of} {operands[0]}, i1 false)")
        elif dtype == "bool":
            return self.new(f"{'or' if name == 'maximum' else 'and'} {of} {', '.join(operands)}")
        else:
            word = INT_INTRINSICS[name]
            word = "u" + word[1:] if dtype == "u8" else word
        symbol = f"llvm.{word}.{self.suffix(dtype, vector)}"
        self.declare(symbol, of, *[of] * len(operands))
        return self.new(f"call {of} @{symbol}({', '.join(f'{of} {x}' for x in operands)})")

    def function(self, name: str, operands: list[str], dtype: str, vector: bool) -> str:
        """One of the polynomials of `vecmath.py`."""
        of = self.type(dtype, vector)
        symbol, text = vecmath.function(VECMATH.get(name, name), FULL[dtype], self.lanes if vector else 1)
        self.used[symbol] = text
        symbol = symbol if symbol.startswith("@") else "@" + symbol
        return self.new(f"call {of} {symbol}({', '.join(f'{of} {x}' for x in operands)})")

    def converted(self, value: str, source: str, target: str, vector: bool) -> str:
        """A value in another dtype."""
        if source == target:
            return value
        a, b = self.type(source, vector), self.type(target, vector)
        if vector and not value.startswith(("%", "splat")):
            value = self.splat(value, source)
        if target == "bool":
            zero = self.splat(number(0, source), source) if vector else number(0, source)
            return self.new(f"{'fcmp une' if source in FLOATS else 'icmp ne'} {a} {value}, {zero}")
        if source in FLOATS and target in FLOATS:
            return self.new(f"{'fptrunc' if target == 'f32' else 'fpext'} {a} {value} to {b}")
        if source in FLOATS and SIZES[target] < 4:          # by way of 32 bits: what is too large wraps round
            return self.converted(self.new(f"fptosi {a} {value} to {self.type('i32', vector)}"), "i32", target, vector)
        if source in FLOATS:
            return self.new(f"fptosi {a} {value} to {b}")
        if STORED[source] == STORED[target] and source != "bool":
            return value                                    # signed or not, the same bits
        unsigned = source in ("bool", "u8")
        if target in FLOATS:
            return self.new(f"{'uitofp' if unsigned else 'sitofp'} {a} {value} to {b}")
        wider = SIZES[target] > SIZES[source] or source == "bool"
        return self.new(f"{('zext' if unsigned else 'sext') if wider else 'trunc'} {a} {value} to {b}")


def llvm_text(kernel: RowKernel, name: str, lanes: int) -> tuple[str, dict[str, str]]:
    """The kernel's functions, and what they use: declarations and vector functions, by symbol."""
    emitter = Emitter(kernel, name, lanes)
    return emitter.emit(), emitter.used
