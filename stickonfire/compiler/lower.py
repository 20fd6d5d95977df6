"""From a group of instructions to a kernel in the loop IR (`codegen/rows.py`).

Each value is computed as early as it can be: in a pass along the row, or between two passes. What a later pass
needs again is read anew if it came from memory that the kernel does not write, else stashed. Only what is wanted
outside is stored.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..codegen.rows import Access, Line, RowKernel, Stage, Sum
from .fuse import Group, Placed
from .program import SHORT, Buffer, Ref, Symbol
from .walks import Strides, collapsed

CHUNK = 4096            # elements of a long row that one thread works on at a time
AGAIN = 4               # loads and simple operations up to which a value is computed again rather than stashed
SIMPLE = frozenset(("add", "subtract", "multiply", "negative", "maximum", "minimum"))
NUMBERS = frozenset(("const", "symbol"))
FEW = 16384             # elements below which sums are not split among threads


class Lowering:
    """The kernel being made of a group."""

    def __init__(self, group: Group, wanted: Callable[[Buffer], bool], threads: int) -> None:
        self.group, self.wanted = group, wanted
        self.space, split = group.space, group.split
        self.split = self.choose_split() if split is None else split
        self.flat = self.split == 0 and group.split is None
        self.outer = self.collapse_outer()
        self.inner = math.prod(self.space[self.split:])
        self.accesses: list[Access] = []
        self.refs: list[Ref] = []                       # what each access goes through
        self.keys: dict[Any, int] = {}
        self.symbols: list[Symbol] = []
        self.rows: list[list[Line]] = [[]]              # rows[s] runs before passes[s]
        self.passes: list[list[Line]] = []
        self.where: dict[int, tuple[str, int]] = {}     # value -> ("full" or "row", stage)
        self.dtypes: dict[int, str] = {}
        self.values: dict[Any, int] = {}                # (access) or buffer -> value
        self.made: dict[int, Line] = {}
        self.origin: dict[int, Line] = {}               # value -> the line that loads it, if it may be loaded again
        self.again: dict[tuple[int, int], int] = {}     # (value, stage) -> the same value there
        self.slots: list[str] = []
        self.columns: list[Sum] = []
        self.totals: list[Sum] = []
        self.count = 0
        small = math.prod(self.space) < FEW
        self.pieces = 1 if small else max(1, min(threads, math.prod(self.outer) if not self.flat else
                                                 -(-self.inner // CHUNK)))

    # -- the space ---------------------------------------------------------------------------------------------

    def walks(self) -> list[Strides]:
        """How the group's arrays go through the space."""
        found = []
        for placed in self.group.members:
            found += [s for s in placed.operands if s is not None and len(s) == len(self.space)]
            if len(placed.out) == len(self.space):
                found.append(placed.out)
        return found

    def choose_split(self) -> int:
        """Where nothing demands rows: as much as all arrays go through with one stride is a row."""
        walks = self.walks()
        split = max(len(self.space) - 1, 0)
        while split > 0 and all(collapsed(self.space[split - 1:], w[split - 1:]) is not None for w in walks):
            split -= 1
        return split

    def collapse_outer(self) -> Strides:
        """The extents of the rows, neighbours merged where all arrays allow it."""
        extents = list(self.space[:self.split])
        walks = [w[:self.split] for w in self.walks()] + [
            s for p in self.group.members for s in (*p.operands, p.out)
            if s is not None and len(s) == self.split and self.split != len(self.space)]
        groups: list[list[int]] = []
        for d in range(len(extents)):
            if groups and all(collapsed(tuple(extents[e] for e in (*groups[-1], d)),
                                        tuple(w[e] for e in (*groups[-1], d))) is not None for w in walks):
                groups[-1].append(d)
            else:
                groups.append([d])
        self.merged = groups
        return tuple(math.prod(extents[d] for d in part) for part in groups)

    def access(self, ref: Ref, strides: Strides, only_inner: bool = False) -> int:
        """The kernel's way through a Ref."""
        rows, inner = strides[:self.split], strides[self.split:]
        if only_inner:
            rows, inner = (0,) * self.split, strides
        outer = tuple(collapsed(tuple(self.space[d] for d in part), tuple(rows[d] for d in part))
                      for part in self.merged) if len(rows) == self.split else ()
        step = collapsed(self.space[self.split:], inner) if inner else 0
        assert step is not None and all(s is not None for s in outer), f"{ref!r} has no walk along rows of {self.space}"
        key = ref.buffer, ref.offset, ref.dtype, outer, step
        if key not in self.keys:
            self.keys[key] = len(self.accesses)
            self.accesses.append(Access(f"a{len(self.accesses)}", SHORT[ref.dtype.name], outer, step))      # type: ignore[arg-type]
            self.refs.append(ref)
        return self.keys[key]

    # -- lines -------------------------------------------------------------------------------------------------

    def new(self, level: str, stage: int, name: str, args: tuple[Any, ...], dtype: str, of: str = "") -> int:
        """A line at the end of a pass ("full") or of what comes before it ("row"); returns its value."""
        dest = self.count
        self.count += 1
        line = Line(dest, name, args, dtype, of)
        self.made[dest] = line
        self.stage_lines(level, stage).append(line)
        self.where[dest], self.dtypes[dest] = (level, stage), dtype
        return dest

    def stage_lines(self, level: str, stage: int) -> list[Line]:
        while len(self.passes) <= stage and level == "full":
            self.passes.append([])
        while len(self.rows) <= stage:
            self.rows.append([])
        return self.passes[stage] if level == "full" else self.rows[stage]

    def at(self, value: int, level: str, stage: int) -> int:
        """A value as it can be used in a stage: one of an earlier pass is loaded or computed again, or stashed."""
        its_level, its_stage = self.where[value]
        if its_level == "row" or its_stage == stage:
            return value
        if (value, stage) not in self.again:
            line = self.origin.get(value)
            if line is not None:
                self.again[value, stage] = self.new("full", stage, line.name, line.args, line.dtype)
                self.origin[self.again[value, stage]] = line
            elif self.effort(value) <= AGAIN:
                line = self.made[value]
                args = line.args if line.name in NUMBERS else tuple([self.at(a, level, stage) for a in line.args])
                self.again[value, stage] = self.new("full", stage, line.name, args, line.dtype, line.of)
            else:
                slot = self.slot_of(value, its_stage)
                self.again[value, stage] = self.new("full", stage, "fetch", (slot,), self.dtypes[value])
        return self.again[value, stage]

    def effort(self, value: int) -> int:
        """How many loads and simple operations computing a value again takes; more than AGAIN if it should not be."""
        line = self.made[value]
        if self.where[value][0] == "row" or line.name in NUMBERS:
            return 0
        if value in self.origin:
            return 1
        if line.name not in SIMPLE:
            return AGAIN + 1
        return 1 + sum(self.effort(a) for a in line.args)

    def slot_of(self, value: int, stage: int) -> int:
        """The row buffer a value is stashed in."""
        for line in self.passes[stage]:
            if line.name == "stash" and line.args[1] == value:
                return line.args[0]
        self.slots.append(self.dtypes[value])
        self.passes[stage].append(Line(-1, "stash", (len(self.slots) - 1, value), self.dtypes[value]))
        return len(self.slots) - 1

    def operand(self, placed: Placed, k: int) -> int | None:
        """The value of an operand; None for a number, which is made where it is used."""
        x, strides = placed.instr.operands[k], placed.operands[k]
        if not isinstance(x, Ref):
            return None
        if x.buffer in self.values:
            return self.values[x.buffer]
        access = self.access(x, strides)
        key = "load", access
        if key not in self.values:
            full = bool(self.accesses[access].inner)
            value = self.new("full" if full else "row", 0, "load", (access,), self.accesses[access].dtype)
            if x.buffer not in self.group.written:
                self.origin[value] = Line(0, "load", (access,), self.accesses[access].dtype)
            self.values[key] = value
        return self.values[key]

    def constant(self, value: Any, dtype: str, level: str, stage: int) -> int:
        if isinstance(value, Symbol):
            if value not in self.symbols:
                self.symbols.append(value)
            return self.new(level, stage, "symbol", (self.symbols.index(value),), dtype)
        return self.new(level, stage, "const", (value,), dtype)

    def typed(self, value: int, dtype: str, level: str, stage: int) -> int:
        """A value in another dtype."""
        if self.dtypes[value] == dtype:
            return value
        return self.new(level, stage, "cast", (value,), dtype, self.dtypes[value])

    # -- instructions ------------------------------------------------------------------------------------------

    def lower(self) -> RowKernel:
        """The whole group."""
        for placed in self.group.members:
            self.member(placed)
        stages = []
        for s in range(max(len(self.rows), len(self.passes))):
            if s < len(self.rows) and self.rows[s]:
                stages.append(Stage(False, self.rows[s]))
            if s < len(self.passes) and self.passes[s]:
                stages.append(Stage(True, self.passes[s]))
        chunk = CHUNK if self.flat and self.inner >= 2 * CHUNK else 0
        return RowKernel(self.outer, self.inner, chunk, self.accesses, len(self.symbols), stages, self.slots,
                         self.columns, self.totals, self.pieces if self.columns or self.totals else 1)

    def place_of(self, values: list[int | None], level: str) -> int:
        """The earliest stage in which all the values are there."""
        return max([self.where[v][1] for v in values if v is not None], default=0)

    def member(self, placed: Placed) -> None:
        instr = placed.instr
        if instr.name == "reduce":
            self.reduction(placed)
            return
        kind = SHORT[instr.out.dtype.name]
        if instr.name in ("take_rows", "pick", "one_hot"):
            value = getattr(self, instr.name)(placed)
        else:
            values = [self.operand(placed, k) for k in range(len(instr.operands))]
            level = "row" if all(v is None or self.where[v][0] == "row" for v in values) else "full"
            if level == "row" and placed.level == "full" and instr.out.size != 1 and not any(
                    v is not None for v in values) and self.split == 0:
                level = "row"
            stage = self.place_of(values, level)
            value = self.compute(instr, values, level, stage, kind)
        self.values[instr.out.buffer] = value
        for key in [key for key in self.values if key.__class__ is tuple and
                    self.refs[key[1]].buffer is instr.out.buffer]:
            del self.values[key]
        if self.wanted(instr.out.buffer):
            self.store(placed, value)

    def store(self, placed: Placed, value: int) -> None:
        """Puts a value where it is wanted. What was put there before, in whatever stage, is not seen by anyone."""
        for lines in (*self.rows, *self.passes):
            lines[:] = [line for line in lines if line.name != "store" or
                        self.refs[line.args[0]].buffer is not placed.instr.out.buffer]
        access = self.access(placed.instr.out, placed.out)
        level, stage = self.where[value]
        if placed.level == "row":
            self.stage_lines("row", stage).append(Line(-1, "store", (access, value), self.dtypes[value]))
            return
        self.stage_lines("full", stage).append(Line(-1, "store", (access, value), self.dtypes[value]))

    def compute(self, instr: Any, values: list[int | None], level: str, stage: int, kind: str) -> int:
        """An elementwise instruction."""
        name = instr.name
        if name == "fill":
            return self.constant(instr.operands[0], kind, level, stage)
        of = SHORT[np.dtype(instr.settings.get("of", instr.out.dtype)).name]
        if name == "cast":
            return self.cast(values[0], kind, level, stage)
        given = []
        for k, (v, x) in enumerate(zip(values, instr.operands)):
            wanted = "bool" if name == "where" and k == 0 else of
            if v is None:
                given.append(self.constant(x, wanted, level, stage))
            else:
                given.append(self.typed(self.at(v, level, stage), wanted, level, stage))
        comparison = name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "isnan")
        result = self.new(level, stage, name, tuple(given), "bool" if comparison else of, of)
        return self.typed(result, kind, level, stage)

    def cast(self, value: int | None, kind: str, level: str, stage: int) -> int:
        assert value is not None
        value = self.at(value, level, stage)
        if self.dtypes[value] == kind:                  # a copy: the same value under another name
            return value
        return self.typed(value, kind, level, stage)

    def take_rows(self, placed: Placed) -> int:
        source, index = placed.instr.operands
        row = self.operand(placed, 1)
        assert row is not None
        level, stage = self.where[row]
        row = self.within(row, source.shape[0], level, stage)
        access = self.access(source, placed.operands[0])
        value = self.new("full", stage, "load_row", (access, row, source.strides[0]), SHORT[source.dtype.name])
        return self.typed(value, SHORT[placed.instr.out.dtype.name], "full", stage)

    def within(self, index: int, extent: int, level: str, stage: int) -> int:
        """An index that stays within an extent: a wrong one is for a check to report, never for a kernel to follow."""
        kind = self.dtypes[index]
        low, high = self.new(level, stage, "const", (0,), kind), self.new(level, stage, "const", (extent - 1,), kind)
        above = self.new(level, stage, "maximum", (index, low), kind, kind)
        return self.new(level, stage, "minimum", (above, high), kind, kind)

    def pick(self, placed: Placed) -> int:
        source = placed.instr.operands[0]
        index = self.operand(placed, 1)
        assert index is not None
        level, stage = self.where[index]
        index = self.within(index, source.shape[-1], level, stage)
        access = self.access(source, placed.operands[0])
        return self.new(level, stage, "load_at", (access, index, source.strides[-1]), SHORT[source.dtype.name])

    def one_hot(self, placed: Placed) -> int:
        index, values = self.operand(placed, 0), self.operand(placed, 1)
        assert index is not None and values is not None
        stage, kind = self.place_of([index, values], "full"), SHORT[placed.instr.out.dtype.name]
        here = self.new("full", stage, "iota", (), "i64")
        hit = self.new("full", stage, "equal", (here, self.at(index, "full", stage)), "bool", "i64")
        nothing = self.new("full", stage, "const", (0,), kind)
        value = self.typed(self.at(values, "full", stage), kind, "full", stage)
        return self.new("full", stage, "where", (hit, value, nothing), kind, kind)

    def reduction(self, placed: Placed) -> None:
        instr, kind = placed.instr, placed.instr.settings["kind"]
        value = self.operand(placed, 0)
        assert value is not None
        dtype = SHORT[instr.out.dtype.name]
        level, stage = self.where[value]
        if placed.level == "reduce":
            if level == "row":                          # the same number all along the row
                value = self.spread(value, stage)
                stage = self.where[value][1]
            result = self.new("full", stage, "reduce", (kind, value), dtype)
            self.where[result] = "row", stage + 1
            self.stage_lines("row", stage + 1)
            self.values[instr.out.buffer] = result
            if self.wanted(instr.out.buffer):
                access = self.access(instr.out, placed.out)
                self.stage_lines("row", stage + 1).append(Line(-1, "store", (access, result), dtype))
            return
        if placed.level == "column":
            access = self.access(instr.out, placed.out, only_inner=True)
            self.columns.append(Sum(kind, dtype, access))
            self.stage_lines("full", stage).append(Line(-1, "accumulate", (len(self.columns) - 1, value), dtype))
            return
        access = self.access(instr.out, (0,) * len(self.space))
        self.totals.append(Sum(kind, dtype, access))
        whole_row = placed.level == "total"
        if whole_row and level == "row":
            value = self.spread(value, stage)
        line = Line(-1, "total", (len(self.totals) - 1, value), dtype)
        self.stage_lines("full" if whole_row else "row", stage).append(line)

    def spread(self, value: int, stage: int) -> int:
        """A row's number as an element of each place in it."""
        return self.new("full", stage, "spread", (value,), self.dtypes[value])


def lower(group: Group, wanted: Callable[[Buffer], bool], threads: int) -> tuple[RowKernel, list[Ref], list[Symbol]]:
    """The kernel of a group, what its accesses go through, and the numbers it asks for."""
    lowering = Lowering(group, wanted, threads)
    kernel = lowering.lower()
    return kernel, lowering.refs, lowering.symbols
