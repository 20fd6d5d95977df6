"""The program that a capture yields: buffers, and instructions that read and write parts of them.

    %3 = f32[256, 10] matmul(%1, %2.T)          a line for each instruction; `text(program)` prints it

A `Buffer` is a piece of memory; a `Ref` is a view of one (dtype, shape, strides, offset), so views cost nothing and
are no instructions. An `Instr` names a function of `xp`, its operands (Refs, numbers, settings) and the Refs it
writes. Most buffers are written once, which makes them the values of an SSA program; writing in place is writing to
a buffer again. Made by `recorder.py`, changed by `simplify.py`, grouped into kernels by `fuse.py`. `verify` checks
what all rely on.
"""
from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SHORT = {"float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16", "int64": "i64", "int32": "i32",
         "int16": "i16", "int8": "i8", "uint8": "u8", "bool": "bool", "complex64": "c64", "complex128": "c128"}


class Buffer:
    """A piece of memory of the program.

    kind: "temporary" lives within a run, "external" is memory of a tensor that exists outside (a parameter),
    "input" that of an argument, "result" is made anew for each run and handed out, "constant" is filled once.
    """

    __slots__ = ("number", "kind", "nbytes", "memory", "start", "source")

    def __init__(self, number: int, kind: str, nbytes: int, memory: Any, start: int, source: Any = None) -> None:
        self.number, self.kind, self.nbytes, self.memory = number, kind, nbytes, memory
        self.start = start              # address of its first byte while it was captured
        self.source = source            # of an input: which argument

    def __repr__(self) -> str:
        return f"%{self.number}"


@dataclass(frozen=True)
class Ref:
    """A view of a buffer: strides and offset in bytes."""

    buffer: Buffer
    dtype: Any
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int

    @property
    def size(self) -> int:
        """How many elements it has."""
        n = 1
        for extent in self.shape:
            n *= extent
        return n

    def span(self) -> tuple[int, int]:
        """The bytes of the buffer it may touch: first, and one past the last."""
        low = high = self.offset
        for n, s in zip(self.shape, self.strides):
            if n == 0:
                return self.offset, self.offset
            if s < 0:
                low += (n - 1) * s
            else:
                high += (n - 1) * s
        return low, high + self.dtype.itemsize

    def same(self, other: Ref) -> bool:
        """Whether both are the very same elements, in the same order (extents of 1 may have any stride)."""
        return (self.buffer is other.buffer and self.offset == other.offset and self.shape == other.shape
                and self.dtype == other.dtype
                and all(n <= 1 or a == b for n, a, b in zip(self.shape, self.strides, other.strides)))

    def overlaps(self, other: Ref) -> bool:
        """Whether they may share an element (judged by their extent in memory)."""
        if self.buffer is not other.buffer:
            return False
        (a, b), (c, d) = self.span(), other.span()
        return a < d and c < b

    def is_dense(self) -> bool:
        """Whether the elements lie one after the other, in row-major order."""
        step = self.dtype.itemsize
        for n, s in zip(reversed(self.shape), reversed(self.strides)):
            if n != 1 and s != step:
                return False
            step *= n
        return True

    def __repr__(self) -> str:
        kind = SHORT.get(self.dtype.name, self.dtype.name)
        whole = self.offset == 0 and self.is_dense() and self.size * self.dtype.itemsize == self.buffer.nbytes
        where = "" if whole else f"@{self.offset}" + ("" if self.is_dense() else f"/{list(self.strides)}")
        return f"{self.buffer!r}:{kind}{list(self.shape)}{where}"


class Symbol:
    """A number that is asked for anew before each run, such as a learning rate."""

    __slots__ = ("derived", "label", "read", "value")

    def __init__(self, label: str, read: Any, value: float) -> None:
        self.label, self.read, self.value = label, read, value
        self.derived: dict[str, Any] = {}       # what was computed of it with plain numbers, by label

    def __repr__(self) -> str:
        return f"<{self.label}>"


@dataclass
class Instr:
    """One function of `xp` on parts of buffers.

    operands: Refs, Symbols and numbers, in the function's order. settings: what else it was given, such as an axis.
    outs: the Refs it writes. run: for what is not to be generated: called with real arrays in place of Refs.
    line: where in the user's program it came from.
    """

    name: str
    operands: tuple[Any, ...]
    outs: tuple[Ref, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    run: Any = None
    line: str = ""

    @property
    def out(self) -> Ref:
        """The only output."""
        return self.outs[0]

    def reads(self) -> Iterator[Ref]:
        """The Refs it reads, also those within lists of operands."""
        return refs_in(self.operands)

    def __repr__(self) -> str:
        outs = ", ".join(map(repr, self.outs))
        given = [*map(shown, self.operands), *[f"{key}={shown(value)}" for key, value in self.settings.items()]]
        return f"{outs} = {self.name}({', '.join(given)})"


def refs_in(value: Any) -> Iterator[Ref]:
    """All Refs in nested lists, tuples and dicts."""
    kind = value.__class__
    if kind is Ref:
        yield value
    elif kind is tuple or kind is list:
        for part in value:
            yield from refs_in(part)
    elif kind is dict:
        for part in value.values():
            yield from refs_in(part)


def shown(value: Any) -> str:
    """An operand, briefly."""
    if isinstance(value, np.ndarray):
        return f"<array {value.dtype}{list(value.shape)}>"
    text = repr(value)
    return text if len(text) < 60 else f"<{type(value).__name__}>"


class Program:
    """Instructions in order, the buffers they use, and what of it is seen afterwards."""

    def __init__(self) -> None:
        self.instrs: list[Instr] = []
        self.buffers: list[Buffer] = []
        self.results: list[Ref] = []            # what is handed out: returned tensors, new gradients
        self.symbols: list[Symbol] = []
        self.together = False                   # whether to put in one kernel what merely has the same extents
        self._numbers = itertools.count()

    def buffer(self, kind: str, nbytes: int, memory: Any = None, start: int = 0, source: Any = None) -> Buffer:
        """A new buffer."""
        made = Buffer(next(self._numbers), kind, nbytes, memory, start, source)
        self.buffers.append(made)
        return made

    def value(self, shape: Iterable[int], dtype: Any) -> Ref:
        """A new dense temporary."""
        shape, dtype = tuple(shape), np.dtype(dtype)
        strides, step = [], dtype.itemsize
        for n in reversed(shape):
            strides.append(step)
            step *= n
        return Ref(self.buffer("temporary", step), dtype, shape, tuple(reversed(strides)), 0)

    def __str__(self) -> str:
        return text(self)


def text(program: Program) -> str:
    """The program, a line an instruction."""
    lines = [f"{b!r} {b.kind} {b.nbytes} bytes" + (f" from {b.source}" if b.source is not None else "")
             for b in program.buffers if b.kind != "temporary"]
    lines += [repr(instr) for instr in program.instrs]
    return "\n".join([*lines, f"return {', '.join(map(repr, program.results))}"])


def verify(program: Program) -> None:
    """Raises AssertionError unless each temporary is written before it is read and every Ref lies within its
    buffer.
    """
    written = {b for b in program.buffers if b.kind in ("external", "input", "constant")}
    for instr in program.instrs:
        for ref in instr.reads():
            assert ref.buffer in written, f"{ref!r} is read before it is written: {instr!r}"
        for ref in (*instr.reads(), *instr.outs):
            low, high = ref.span()
            assert 0 <= low and high <= ref.buffer.nbytes, f"{ref!r} leaves its buffer: {instr!r}"
        written.update(ref.buffer for ref in instr.outs)
    for ref in program.results:
        assert ref.buffer in written, f"{ref!r} is a result that nothing writes"
