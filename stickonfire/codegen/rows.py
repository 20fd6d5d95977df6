"""The loop IR: a kernel that goes through rows, and through each row in stages.

    for row in parallel(768):
        for c in lanes(128):                    # a vector of elements at a time
            v0 = load x[row, c]
            v1 = reduce sum v0
        v2 = v1 * 0.0078125                     # once a row
        for c in lanes(128):
            v3 = load x[row, c]
            store y[row, c] = v3 - v2

Elementwise chains, broadcasts, softmax, layer norm and its gradient, losses and optimizer updates all have this
shape. A value that a later stage needs again is stashed in a buffer of one row, which stays in the nearest cache.
Sums over rows (`accumulate`: a row of sums, `total`: a single one) are kept by each thread and added up at the end,
in a fixed order. `RowKernel` is the data, `text()` prints it as above; `emit.py` turns it into LLVM IR. Made by
`compiler/lower.py`.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SIZES = {"f32": 4, "f64": 8, "i64": 8, "i32": 4, "i16": 2, "i8": 1, "u8": 1, "bool": 1}
FLOATS = frozenset(("f32", "f64"))


@dataclass(frozen=True)
class Access:
    """How a kernel goes through an array: the step in bytes from row to row (for each outer dim), and along a row."""

    label: str
    dtype: str
    outer: tuple[int, ...]
    inner: int


@dataclass(frozen=True)
class Line:
    """One scalar instruction: `dest = name(args)`; args are numbers of values, or what the name asks for.

    const (number) | symbol (index) | iota () | load (access) | load_at (access, index) | load_row (access, index) |
    store (access, v) | stash (slot, v) | fetch (slot) | reduce (kind, v) | accumulate (index, v) | total (index, v) |
    cast (v, from) | any arithmetic, comparison or function (v, ...), computed in `of`
    """

    dest: int
    name: str
    args: tuple[Any, ...]
    dtype: str                  # of the result
    of: str = ""                # of the operands, where that differs


@dataclass
class Stage:
    """What is done along a row (lanes), or once for it."""

    lanes: bool
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True)
class Sum:
    """A reduction over rows: its kind, its dtype, and the access its result goes to."""

    kind: str                   # sum, max, min, any, all, prod
    dtype: str
    access: int


@dataclass
class RowKernel:
    """A kernel. outer: the extents of the rows; inner: that of a row; chunk: the pieces one long row is cut into."""

    outer: tuple[int, ...]
    inner: int
    chunk: int
    accesses: list[Access]
    symbols: int
    stages: list[Stage]
    slots: list[str] = field(default_factory=list)              # dtypes of the stashed rows
    columns: list[Sum] = field(default_factory=list)            # `accumulate`: a sum for each c
    totals: list[Sum] = field(default_factory=list)             # `total`: one for all
    pieces: int = 1                                             # into how many parts the rows are cut, for sums

    @property
    def rows(self) -> int:
        """How many rows there are."""
        if self.chunk:
            return -(-self.inner // self.chunk)
        n = 1
        for extent in self.outer:
            n *= extent
        return n

    @property
    def width(self) -> int:
        """Elements in a row, at most."""
        return min(self.chunk, self.inner) if self.chunk else self.inner

    def scratch_bytes(self) -> int:
        """What `accumulate` and `total` need to keep the parts."""
        row = sum(SIZES[s.dtype] * self.column_pad() for s in self.columns)
        return self.pieces * (8 * len(self.totals) + row)

    def column_pad(self) -> int:
        """Elements a row of sums takes: its width, rounded up to whole vectors."""
        return -(-self.width // 16) * 16


INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "less": "<", "less_equal": "<=", "greater": ">",
         "greater_equal": ">=", "equal": "==", "not_equal": "!=", "and": "&", "or": "|"}


def text(kernel: RowKernel) -> str:
    """The kernel as pseudo-Python."""
    where = "flat chunks" if kernel.chunk else " x ".join(map(str, kernel.outer)) or "1"
    lines = [f"for row in parallel({kernel.rows}):{' ' * 8}# {where}"]
    for stage in kernel.stages:
        if stage.lanes:
            lines.append(f"    for c in lanes({kernel.width}):")
        pad = "        " if stage.lanes else "    "
        lines += [pad + shown(kernel, line, stage.lanes) for line in stage.lines]
    for what, sums in (("column", kernel.columns), ("total", kernel.totals)):
        lines += [f"{kernel.accesses[s.access].label} = {s.kind} of the parts of {what} {i}"
                  for i, s in enumerate(sums)]
    return "\n".join(lines)


def shown(kernel: RowKernel, line: Line, lanes: bool) -> str:
    """One line."""
    args, place = line.args, "[row, c]" if lanes else "[row]"
    name, to = line.name, f"v{line.dest}: {line.dtype} = "
    if name in ("load", "store"):
        label = kernel.accesses[args[0]].label
        return f"{to}{label}{place}" if name == "load" else f"{label}{place} = v{args[1]}"
    if name in ("load_at", "load_row"):
        label = kernel.accesses[args[0]].label
        return f"{to}{label}[row, v{args[1]}]" if name == "load_at" else f"{to}{label}[v{args[1]}, c]"
    if name in ("const", "symbol"):
        return f"{to}{name} {args[0]}" if name == "symbol" else f"{to}{args[0]}"
    if name in ("stash", "fetch"):
        return f"{to}row{args[0]}[c]" if name == "fetch" else f"row{args[0]}[c] = v{args[1]}"
    if name in ("accumulate", "total"):
        return f"{name}{args[0]}{'[c]' if name == 'accumulate' else ''} += v{args[1]}"
    if name == "reduce":
        return f"{to}reduce {args[0]} v{args[1]}"
    values = [f"v{a}" for a in args]
    if name in INFIX and len(values) == 2:
        return f"{to}{values[0]} {INFIX[name]} {values[1]}"
    return f"{to}{name}({', '.join(values)})"
