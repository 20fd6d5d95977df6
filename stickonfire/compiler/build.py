"""From a simplified program to something that runs: kernels compiled, memory laid out, arguments of kernels written
down.

An `Executable` has `parts`: launchers of native steps in a row, and between them the steps that only Python can do.
`writer.py` writes the function that goes through them, `variant.run_parts` does it for a backward.
"""
from __future__ import annotations

import hashlib
import math
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from ..codegen import emit, gemm, launch, llvm, pool, scatter
from ..codegen.rows import RowKernel
from ..codegen.rows import text as kernel_text
from .fuse import Group, Single, group
from .lower import lower
from .memory import as_array, lay_out
from .program import Buffer, Instr, Program, Ref, Symbol
from .reference import execute

ALIGN = 64


class Unfit(Exception):
    """A program that cannot be run natively, and why."""


class Native:
    """A step that is machine code: which kernel, and what its cells hold."""

    def __init__(self, symbol: str, refs: list[tuple[int, Ref]], cells: list[int], scratch: tuple[int, int] | None,
                 symbols: list[tuple[int, Symbol]], shows: Any, step: Group | Single) -> None:
        self.symbol, self.refs, self.cells, self.scratch = symbol, refs, cells, scratch
        self.symbols, self.shows, self.step = symbols, shows, step
        self.place = 0              # where its cells begin


class Executable:
    """A program that runs. `inputs` and `results` say which arrays `run` wants, in this order."""

    def __init__(self, program: Program, inputs: list[Buffer], results: list[Buffer]) -> None:
        self.program, self.inputs, self.results = program, inputs, results
        self.library: dict[str, str] = {}               # symbol -> LLVM text of its functions
        self.used: dict[str, str] = {}                  # what these call
        self.kernels: dict[str, Any] = {}               # symbol -> RowKernel, or the product it is
        self.threads = pool.threads()
        self.lock = threading.RLock()
        steps = group(program)
        self.outside = needed_outside(steps, program)
        self.steps = [self.prepared(step) for step in steps]
        self.memory_of: dict[Buffer, int] = {}          # address of each buffer that has a fixed one
        self.lay_out()
        self.link()
        self.views: dict[Ref, np.ndarray] = {}
        self.parts = self.segments()

    # -- steps -------------------------------------------------------------------------------------------------------

    def prepared(self, step: Group | Single) -> Native | Instr:
        """A step as machine code, or as it is."""
        if isinstance(step, Group):
            return self.kernel(step)
        if step.instr.name == "matmul":
            return self.product(step)
        if step.instr.name == "add_rows" and dense_rows(step.instr):
            return self.add_rows(step)
        return step.instr

    def kernel(self, step: Group) -> Native:
        kernel, refs, symbols = lower(step, self.is_wanted(step), self.threads)
        lanes = lanes_for(kernel)
        body, used = emit.llvm_text(kernel, "KERNEL", lanes)
        symbol = "k" + hashlib.sha256(body.encode()).hexdigest()[:16]
        self.library[symbol] = body.replace("@KERNEL", "@" + symbol)
        self.used.update(used)
        self.kernels[symbol] = kernel
        count = len(refs) + len(symbols) + 1
        scratch = (count - 1, kernel.scratch_bytes()) if kernel.columns or kernel.totals else None
        return Native(symbol, list(enumerate(refs)), [0] * count, scratch,
                      [(len(refs) + i, s) for i, s in enumerate(symbols)], kernel, step)

    def is_wanted(self, step: Group) -> Callable[[Buffer], bool]:
        return lambda b: b.kind != "temporary" or b in self.outside[id(step)]

    def product(self, step: Single) -> Native:
        a, b, out = (*step.instr.operands, step.instr.out)
        name, lanes = a.dtype.name, llvm.host().lanes32
        machine = gemm.machine(name, lanes)
        wanted = gemm.product_of(a, b, out)
        made = gemm.plan(wanted, machine, self.threads)
        symbol, text = gemm.kernel(name, lanes)
        raw, share = gemm.cells(wanted, made), made.scratch(pool.cores())
        # a @ a.T is to be symmetric, and the unit's order of adding is not
        twins = (a.buffer, a.offset, a.strides[-2:]) == (b.buffer, b.offset, b.strides[:-3:-1])
        unit = gemm.unit_plan(wanted, machine, self.threads) if llvm.host().unit and not twins else None
        if unit is not None:
            raw = gemm.unit_cells(wanted, unit, llvm.load(text).address(symbol), made)
            share = max(share, unit.scratch(pool.cores()))
            symbol, text = gemm.unit_kernel(machine)
        self.kernels.setdefault(symbol, text)
        cells = list(np.frombuffer(raw, np.int64))
        where = {name: i for i, name in enumerate(gemm.CELLS)}
        refs = [(where["a"], a), (where["b"], b), (where["c"], out)]
        return Native(symbol, refs, cells, (where["scratch"], share), [], wanted, step)

    def add_rows(self, step: Single) -> Native:
        rows, index = step.instr.operands
        out, lanes = step.instr.out, llvm.host().lanes32
        symbol, text = scatter.kernel(rows.dtype.name, lanes)
        self.kernels.setdefault(symbol, text)
        width = out.shape[1]
        blocks = -(-width // (lanes * 4 // out.dtype.itemsize))
        numbers = [rows.shape[0], out.shape[0], rows.strides[0], index.strides[0], out.strides[0], blocks, width]
        return Native(symbol, [(0, rows), (1, index), (2, out)], [0, 0, 0, *numbers], None, [], None, step)

    # -- memory ------------------------------------------------------------------------------------------------------

    def lay_out(self) -> None:
        """Gives each temporary its place in one block of memory, shared by those that do not live at the same
        time.
        """
        lives: dict[Any, list[int]] = {}
        sizes: dict[Any, int] = {}
        for i, step in enumerate(self.steps):
            if isinstance(step, Native):
                touched = [ref.buffer for _, ref in step.refs]
                if step.scratch is not None:
                    lives[step], sizes[step] = [i, i], step.scratch[1]
            else:
                touched = [ref.buffer for ref in (*step.reads(), *step.outs)]
            for b in touched:
                if b.kind == "temporary":
                    lives.setdefault(b, [i, i])[1] = i
                    sizes[b] = b.nbytes
        shares = self.written_in_place(lives)
        for b, home in shares.items():
            lives[home][1] = max(lives[home][1], lives.pop(b)[1])
        offsets, total = lay_out(lives, sizes, ALIGN)
        offsets.update({b: offsets[home] for b, home in shares.items()})
        self.arena = np.empty(total + ALIGN, np.uint8)
        start = -(-self.arena.ctypes.data // ALIGN) * ALIGN
        self.memory_of = {key: start + offset for key, offset in offsets.items()}
        for b in self.program.buffers:
            if b.kind in ("external", "constant"):
                self.memory_of[b] = np.lib.array_utils.byte_bounds(b.memory)[0] if b.memory.size else 0

    def written_in_place(self, lives: dict[Any, list[int]]) -> dict[Buffer, Buffer]:
        """The temporaries that may take over the place of one that is read for the last time, element by element."""
        home: dict[Buffer, Buffer] = {}
        for i, step in enumerate(self.steps):
            if not isinstance(step, Native) or not isinstance(step.shows, RowKernel):
                continue
            taken: set[Buffer] = set()
            for out in step.step.written:
                if out.kind != "temporary" or out not in lives or lives[out][0] != i:
                    continue
                for b in step.step.reads():
                    if b.kind == "temporary" and b in lives and lives[b][1] == i and b not in taken and b is not out \
                            and b.nbytes == out.nbytes and takes_place(step.shows, step.refs, b, out):
                        taken.add(b)
                        home[out] = home.get(b, b)
                        break
        return home

    def link(self) -> None:
        """Compiles all kernels in one go, and writes their cells."""
        products = {s: t for s, t in self.kernels.items() if isinstance(t, str)}
        parts = [*self.used.values(), *self.library.values()]
        addresses: dict[str, int] = {}
        if self.library:
            library = llvm.load("\n".join(dict.fromkeys(parts)))
            addresses.update({s: library.address(s) for s in self.library})
            self.native_code = library
        for symbol, text in products.items():
            addresses[symbol] = llvm.load(text).address(symbol)
        natives = [step for step in self.steps if isinstance(step, Native)]
        total = 0
        for step in natives:
            step.place = total
            total += len(step.cells)
        self.cells = np.zeros(max(total, 1), np.int64)
        base = self.cells.ctypes.data
        self.addresses = addresses
        self.patches: dict[int, list[tuple[Any, int, int]]] = {}
        for step in natives:
            self.cells[step.place:step.place + len(step.cells)] = step.cells
            patches = self.patches[id(step)] = []
            for i, ref in step.refs:
                place = self.memory_of.get(ref.buffer)
                if place is None:
                    patches.append((ref.buffer, base + 8 * (step.place + i), ref.offset))
                else:
                    self.cells[step.place + i] = place + ref.offset
            if step.scratch is not None:
                self.cells[step.place + step.scratch[0]] = self.memory_of[step]
            for i, number in step.symbols:
                patches.append((number, base + 8 * (step.place + i), 0))

    # -- running -----------------------------------------------------------------------------------------------------

    def segments(self) -> list[Any]:
        """Launchers of native steps in a row, and what Python does between them."""
        order: dict[Any, int] = {b: i for i, b in enumerate([*self.inputs, *self.results])}
        arrays = len(order)
        order.update({symbol: arrays + i for i, symbol in enumerate(self.program.symbols)})
        parts: list[Any] = []
        run: list[Native] = []

        def flush() -> None:
            if not run:
                return
            patches = [(order[what], cell, offset) for step in run for what, cell, offset in self.patches[id(step)]]
            base = self.cells.ctypes.data
            steps = [(self.addresses[step.symbol], base + 8 * step.place) for step in run]
            heavy = any(math.prod(step.step.space) > 1 << 14 if isinstance(step.step, Group) else True for step in run)
            parts.append(launch.launcher(launch.Plan(arrays, len(self.program.symbols), 0, patches, steps, heavy,
                                                     (self.cells, self.arena, self))))
            run.clear()
        for step in self.steps:
            if isinstance(step, Native):
                run.append(step)
            else:
                flush()
                parts.append(step)
        flush()
        return parts

    def view(self, ref: Ref, arrays: list[np.ndarray]) -> np.ndarray:
        """The array of a Ref in this run."""
        known = self.views.get(ref)
        if known is not None:
            return known
        place = self.memory_of.get(ref.buffer)
        if place is not None:
            array = self.views[ref] = as_array(place + ref.offset, ref, ref.buffer.memory)
            return array
        source = arrays[[*self.inputs, *self.results].index(ref.buffer)]
        return as_array(source.__array_interface__["data"][0] + ref.offset, ref, source)

    def interpret(self, instr: Instr, arrays: list[np.ndarray]) -> None:
        """A step of Python's."""
        execute(instr, lambda ref: self.view(ref, arrays), lambda symbol: symbol.read())

    def describe(self, symbol: str) -> str:
        """A kernel in the loop IR."""
        kernel = self.kernels[symbol]
        return kernel_text(kernel) if isinstance(kernel, RowKernel) else "a matrix product, see codegen/gemm.py"


def takes_place(kernel: RowKernel, refs: list[tuple[int, Ref]], source: Buffer, out: Buffer) -> bool:
    """Whether a kernel has read each element of `source` for the last time when it writes the one of `out`."""
    reads = [i for i, ref in refs if ref.buffer is source]
    writes = [i for i, ref in refs if ref.buffer is out]
    if len(reads) != 1 or len(writes) != 1:
        return False
    a, b = kernel.accesses[reads[0]], kernel.accesses[writes[0]]
    if (a.outer, a.inner, a.dtype) != (b.outer, b.inner, b.dtype) or not a.inner or refs[reads[0]][1].offset != \
            refs[writes[0]][1].offset or any(s.access == writes[0] for s in (*kernel.columns, *kernel.totals)):
        return False
    lines = [line for stage in kernel.stages for line in stage.lines]
    loads = [n for n, line in enumerate(lines) if line.name == "load" and line.args[0] == reads[0]]
    stores = [n for n, line in enumerate(lines) if line.name == "store" and line.args[0] == writes[0]]
    elsewhere = any(line.name in ("load_at", "load_row") and line.args[0] == reads[0] for line in lines)
    return not elsewhere and max(loads, default=-1) < min(stores, default=-1)


def needed_outside(steps: list[Group | Single], program: Program) -> dict[int, set[Buffer]]:
    """For each group, the buffers that other steps read."""
    readers: dict[Buffer, set[int]] = defaultdict(set)
    for step in steps:
        for b in step.reads():
            readers[b].add(id(step))
    return {id(step): {b for b in step.written if readers[b] - {id(step)}} for step in steps}


def lanes_for(kernel: RowKernel) -> int:
    """Elements a vector: as many float32 as fit, half of it where doubles and 64-bit ints are in the majority."""
    widest = llvm.host().lanes32
    kinds = [line.dtype for stage in kernel.stages if stage.lanes for line in stage.lines]
    wide = sum(kind in ("f64", "i64") for kind in kinds)
    return max(widest // 2, 2) if wide * 2 > len(kinds) else widest


def dense_rows(instr: Instr) -> bool:
    """Whether the rows that are added up lie side by side in themselves."""
    return all(ref.strides[1] == ref.dtype.itemsize or ref.shape[1] == 1 for ref in (instr.operands[0], instr.out))
