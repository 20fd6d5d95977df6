"""What a compiled function consists of: a table of its kernels with times, and the text of each.

`table(variant)` runs the program once, step by step, with a clock around each step; what it writes outside is put
back. The share of the roofline is the time the step would take if nothing but memory traffic or arithmetic counted,
by the best rates this machine has shown, over the time it took.
"""
from __future__ import annotations

import functools
import math
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..backends.cpu import native_products
from ..codegen import launch
from ..codegen.rows import RowKernel
from .build import Executable, Native
from .fuse import Group
from .program import Instr, Ref, text

REPEATS = 5
FREE = frozenset(("const", "symbol", "load", "store", "load_at", "load_row", "stash", "fetch", "iota", "spread",
                  "cast"))


@functools.cache
def rates() -> tuple[float, float]:
    """The best this machine does: bytes a second from memory, float32 operations a second in a large product.

    The product is one by BLAS or on the matrix unit, and not of ones or zeros: these take less power, and so less time.
    """
    a = np.ones(1 << 24, np.float32)
    b = np.empty_like(a)
    m = np.random.default_rng(0).standard_normal((1024, 1024), np.float32)
    ways: list[Any] = [np.matmul, *([native_products.multiply] if native_products.ready() else [])]
    copying = min(timed(lambda: np.copyto(b, a)) for _ in range(5))
    product = min(timed(functools.partial(way, m, m)) for way in ways for _ in range(5))
    return 2 * a.nbytes / copying, 2 * 1024 ** 3 / product


def timed(function: Any) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


class Row:
    """A step in numbers."""

    def __init__(self, executable: Executable, step: Native | Instr) -> None:
        self.step, self.seconds = step, math.inf
        if isinstance(step, Native):
            refs = [ref for _, ref in step.refs]
            self.kernel = step.symbol[:9] if isinstance(step.shows, RowKernel) else step.symbol.partition("_float")[0]
            self.ops = names(step.step)
            self.flops = work(step.shows)
        else:
            refs = [*step.reads(), *step.outs]
            self.kernel, self.ops, self.flops = "(Python)", step.name, 0
        self.bytes = sum({(r.buffer, r.offset): touched(r) for r in refs}.values())

    def share(self) -> float:
        """Of the roofline."""
        bandwidth, peak = rates()
        return max(self.bytes / bandwidth, self.flops / peak) / self.seconds


def touched(ref: Ref) -> int:
    """Bytes of distinct elements."""
    n = ref.dtype.itemsize
    for extent, stride in zip(ref.shape, ref.strides):
        n *= extent if stride else 1
    return n


def names(step: Any) -> str:
    """The fused ops, in a few words."""
    if not isinstance(step, Group):
        a, b = step.instr.operands[:2]
        if step.instr.name != "matmul":
            return str(step.instr.name)
        return f"matmul {'x'.join(map(str, a.shape))} @ {'x'.join(map(str, b.shape))}"
    found = [p.instr.settings["kind"] if p.instr.name == "reduce" else p.instr.name for p in step.members]
    joined = " ".join(found)
    return joined if len(joined) < 60 else f"{joined[:57]}... ({len(found)})"


def work(shows: Any) -> int:
    """Arithmetic operations of a kernel."""
    if isinstance(shows, RowKernel):
        lanes = sum(line.name not in FREE for stage in shows.stages if stage.lanes for line in stage.lines)
        rows = sum(line.name not in FREE for stage in shows.stages if not stage.lanes for line in stage.lines)
        count = shows.inner if shows.chunk else shows.rows * shows.inner
        return lanes * count + rows * shows.rows
    return 0 if shows is None else 2 * shows.m * shows.n * shows.k * shows.batch


def measure(executable: Executable, arrays: list[np.ndarray]) -> list[Row]:
    """Each step, timed within runs of the whole program."""
    rows = [Row(executable, step) for step in executable.steps]
    order: dict[Any, int] = {b: i for i, b in enumerate([*executable.inputs, *executable.results])}
    order.update({s: len(arrays) + i for i, s in enumerate(executable.program.symbols)})
    numbers = [symbol.read() for symbol in executable.program.symbols]
    calls: list[Any] = []
    for step in executable.steps:
        if isinstance(step, Native):
            patches = [(order[what], cell, offset) for what, cell, offset in executable.patches[id(step)]]
            plan = launch.Plan(len(arrays), len(numbers), 0, patches, [(
                executable.addresses[step.symbol], executable.cells.ctypes.data + 8 * step.place)])
            calls.append(functools.partial(launch.launcher(plan), *arrays, *numbers))
        elif step.name in ("effect", "draw", "raise_if"):
            calls.append(int)
        else:
            calls.append(functools.partial(executable.interpret, step, arrays))
    outside = {id(b.memory): b.memory for b in executable.program.buffers if b.kind == "external"}.values()
    for _ in range(REPEATS):
        before = [np.copy(memory) for memory in outside]
        for row, call in zip(rows, calls):
            row.seconds = min(row.seconds, timed(call))
        for memory, values in zip(outside, before):
            np.copyto(memory, values)
    return rows


def table(executable: Executable, arrays: list[np.ndarray]) -> str:
    """The steps, the slowest share last in each line."""
    rows = measure(executable, arrays)
    total = sum(row.seconds for row in rows)
    lines = [f"{'step':>4}  {'kernel':10} {'time':>9} {'share':>6} {'MB':>8} {'Mflop':>8} {'roofline':>8}  ops"]
    for i, row in enumerate(rows):
        lines.append(f"{i:4}  {row.kernel:10} {row.seconds * 1e6:6.1f} us {row.seconds / total:6.1%} "
                     f"{row.bytes / 1e6:8.2f} {row.flops / 1e6:8.2f} {row.share():8.0%}  {row.ops}")
    lines.append(f"{len(rows)} steps, {total * 1e6:.1f} us, {executable.arena.nbytes / 1e6:.2f} MB of temporaries, "
                 f"{executable.threads} threads")
    return "\n".join(lines)


def source(executable: Executable, i: int) -> str:
    """A step's loop nest, LLVM IR and assembly."""
    step = executable.steps[i]
    if not isinstance(step, Native):
        return f"# run by Python\n{step!r}"
    parts = [executable.describe(step.symbol)]
    llvm_text = executable.library.get(step.symbol)
    if llvm_text is not None:
        parts += ["; LLVM IR", llvm_text, "; assembly", assembly_of(executable.native_code.assembly(), step.symbol)]
    return "\n\n".join(parts)


def assembly_of(listing: str, symbol: str) -> str:
    """The part of a listing that belongs to a kernel."""
    lines, inside = [], False
    for line in listing.splitlines():
        if line and not line[0].isspace() and line.rstrip().endswith(":") and not line.startswith(".L"):
            inside = line.lstrip("_").startswith(symbol)
        if inside:
            lines.append(line)
    return "\n".join(lines)


def listing(programs: Iterable[Any]) -> str:
    """Programs as text."""
    return "\n\n".join(text(program) for program in programs)
