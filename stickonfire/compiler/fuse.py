"""Groups of instructions that become one kernel, and the order in which kernels run.

A group has a *space*: the extents its elements are counted in, of which the first `split` are rows and the rest lie
within a row. An instruction joins a group if all its arrays can be walked in that space: elementwise ones of the
same number of elements, reductions along the rows, sums over the rows, and what is done once a row. Values made and
used within a group never reach memory. What is no elementwise work (products, calls of a library) is a step of its
own.
"""
from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from .program import Buffer, Instr, Program, Ref
from .rules import ELEMENTWISE
from .simplify import EFFECTS
from .walks import Strides, broadcast_strides, collapsed, reshaped_strides, same_walk

LOOK_BACK = 40          # groups looked at for each instruction
LONGEST_ROW = 1 << 15   # elements up to which a row is kept in a core's own cache between two passes
STACK = 2 << 20         # bytes for rows that are kept; they lie on a thread's stack
LARGEST = 96            # instructions a kernel
FUSIBLE = ELEMENTWISE | {"reduce", "take_rows", "pick"}

ALONG_ROWS = ("take_rows", "one_hot")       # these count the places in a row


@dataclass
class Placed:
    """An instruction in a group's space. level: "full", "row", "reduce", "column", "total", "row total"."""

    instr: Instr
    level: str
    operands: list[Any]                         # for each operand: strides over the space, or None for a number
    out: Strides


@dataclass
class Group:
    """Instructions that become a kernel."""

    space: Strides
    split: int | None = None
    members: list[Placed] = field(default_factory=list)
    made: dict[Buffer, tuple[Ref, Strides, str]] = field(default_factory=dict)      # what was written, and how
    later: set[Buffer] = field(default_factory=set)             # sums, which are there when the kernel is done
    seen: dict[Buffer, list[tuple[Ref, Strides]]] = field(default_factory=dict)     # what was read, and how
    written: set[Buffer] = field(default_factory=set)

    @property
    def rows(self) -> Strides:
        return self.space if self.split is None else self.space[:self.split]

    def join(self, instr: Instr) -> bool:
        """Takes an instruction in, if it fits."""
        if len(self.members) >= LARGEST or self.split is not None and self.row_bytes() > STACK:
            return False
        for split in self.possible_splits(instr):
            placed = self.place(instr, split)
            if placed is not None and self.rows_end_at(split, placed) and self.admits(placed, split):
                self.split = split
                self.add(placed)
                return True
        return False

    def row_bytes(self) -> int:
        """What a row of each value takes, should all of them be kept from one pass to the next."""
        width = math.prod(self.space[self.split:])
        return width * sum(p.instr.out.dtype.itemsize for p in self.members if p.level == "full")

    def possible_splits(self, instr: Instr) -> list[int | None]:
        """Where rows may end, as far as this instruction has a say."""
        if self.split is not None or instr.name not in ("reduce", "take_rows", "one_hot"):
            return [self.split]
        if instr.name == "one_hot":
            width = instr.out.shape[1]
        elif instr.name == "take_rows":
            width = math.prod(instr.out.shape[len(instr.operands[1].shape):])
        else:
            a, axes = instr.operands[0], instr.settings["axes"]
            if instr.out.size == 1:
                return [None]
            reduced = math.prod(a.shape[d] for d in axes)
            width = reduced if len(a.shape) - 1 in axes else a.size // reduced
        splits: list[int | None] = [k for k in range(len(self.space) + 1) if math.prod(self.space[k:]) == width]
        return splits[:1]

    def place(self, instr: Instr, split: int | None) -> Placed | None:
        """How the instruction's arrays are walked in this group's space; None if they cannot be."""
        if instr.name == "reduce":
            return self.place_reduction(instr, split)
        out = instr.out
        if out.size == math.prod(self.space):
            level, space = "full", self.space
        elif split is not None and out.size == math.prod(self.space[:split]) and instr.name not in ALONG_ROWS:
            level, space = "row", self.space[:split]
        else:
            return None
        if instr.name == "one_hot" and (split is None or math.prod(self.space[split:]) != out.shape[1]):
            return None
        operands: list[Strides | None] = []
        for k, x in enumerate(instr.operands):
            if not isinstance(x, Ref):
                operands.append(None)
                continue
            strides = self.operand_strides(instr, k, x, space, split)
            if strides is None:
                return None
            operands.append(strides)
        to = reshaped_strides(out.shape, out.strides, space)
        return None if to is None else Placed(instr, level, operands, to)

    def operand_strides(self, instr: Instr, k: int, x: Ref, space: Strides, split: int | None) -> Strides | None:
        """An operand's strides over the space; of a table, those from row to row of it are 0."""
        if instr.name == "take_rows":
            rows = instr.operands[1].shape
            if k == 0:
                if split is None or math.prod(self.space[split:]) != math.prod(x.shape[1:]):
                    return None
                inner = reshaped_strides(x.shape[1:], x.strides[1:], self.space[split:])
                return None if inner is None else (0,) * split + inner
            shape = (*rows, *[1] * (len(instr.out.shape) - len(rows)))
            strides = (*x.strides, *[0] * (len(instr.out.shape) - len(rows)))
            return reshaped_strides(instr.out.shape, broadcast_strides(
                Ref(x.buffer, x.dtype, shape, strides, x.offset), instr.out.shape) or (), space)
        if instr.name == "pick" and k == 0:
            return reshaped_strides(x.shape[:-1], x.strides[:-1], space)
        if instr.name == "one_hot":
            wide = broadcast_strides(Ref(x.buffer, x.dtype, (*x.shape, 1), (*x.strides, 0), x.offset), instr.out.shape)
            return None if wide is None else reshaped_strides(instr.out.shape, wide, space)
        wide = broadcast_strides(x, instr.out.shape)
        return None if wide is None else reshaped_strides(instr.out.shape, wide, space)

    def place_reduction(self, instr: Instr, split: int | None) -> Placed | None:
        a, axes, out = instr.operands[0], instr.settings["axes"], instr.out
        ndim = len(a.shape)
        if a.size == math.prod(self.space):
            level, space = "", self.space
        elif split is not None and a.size == math.prod(self.space[:split]) and out.size == 1:
            level, space = "row total", self.space[:split]
        else:
            return None
        strides = reshaped_strides(a.shape, a.strides, space)
        if strides is None:
            return None
        if level:
            return Placed(instr, level, [strides], ())
        if out.size == 1:
            return Placed(instr, "total", [strides], ())
        if split is None:
            return None
        kept = [d for d in range(ndim) if d not in axes]
        shape, steps = tuple(out.shape[d] for d in kept), tuple(out.strides[d] for d in kept)
        if axes == tuple(range(ndim - len(axes), ndim)) and math.prod(shape) == math.prod(space[:split]):
            to = reshaped_strides(shape, steps, space[:split])
            return None if to is None else Placed(instr, "reduce", [strides], to)
        if axes == tuple(range(len(axes))) and math.prod(shape) == math.prod(space[split:]):
            to = reshaped_strides(shape, steps, space[split:])
            if to is not None and collapsed(space[split:], to) is not None:
                return Placed(instr, "column", [strides], to)
        return None

    def rows_end_at(self, split: int | None, placed: Placed) -> bool:
        """Whether all arrays go along a row with one stride: the new ones, and, where rows are new, those there."""
        if split is None:
            return True
        inner = self.space[split:]
        return all(len(strides) != len(self.space) or collapsed(inner, strides[split:]) is not None
                   for p in (placed, *(self.members if self.split is None else ()))
                   for strides in (*p.operands, p.out) if strides is not None)

    def admits(self, placed: Placed, split: int | None) -> bool:
        """Whether nothing is read before it is there, or in two ways while it is written."""
        instr = placed.instr
        space = self.rows if placed.level in ("row", "row total") else self.space
        full = placed.level in ("full", "reduce", "column", "total")
        for k, (x, strides) in enumerate(zip(instr.operands, placed.operands)):
            if strides is None:
                continue
            if x.buffer in self.later:
                return False
            known = self.made.get(x.buffer)
            if known is None:
                continue
            if instr.name in ("take_rows", "pick") and k == 0:
                return False                                # other rows of it may not be there yet
            ref, its_strides, level = known
            if x.dtype != ref.dtype or x.offset != ref.offset:
                return False
            if level == "row":
                inner_part = strides[split:] if full and split is not None else ()
                rows = strides[:split] if full else strides
                if any(inner_part) or not same_walk(self.rows, rows, its_strides):
                    return False
                if full and math.prod(self.space[split:]) > LONGEST_ROW and placed.level == "full":
                    return False
            elif not full or not same_walk(self.space, strides, its_strides):
                return False
        out = instr.out
        if placed.level in ("full", "row"):
            for ref, strides in self.seen.get(out.buffer, ()):
                if ref.offset != out.offset or len(strides) != len(placed.out) or \
                        not same_walk(space, strides, placed.out):
                    return False
            known = self.made.get(out.buffer)
            if known is not None and (known[0].offset != out.offset or known[2] != placed.level or
                                      not same_walk(space, known[1], placed.out) or known[0].dtype != out.dtype):
                return False
            if any(n > 1 and s == 0 for n, s in zip(space, placed.out)):
                return False
        elif out.buffer in self.seen or out.buffer in self.written:
            return False
        return out.buffer not in self.later

    def add(self, placed: Placed) -> None:
        self.members.append(placed)
        out = placed.instr.out
        for x, strides in zip(placed.instr.operands, placed.operands):
            if strides is not None:
                self.seen.setdefault(x.buffer, []).append((x, strides))
        if placed.level == "full":
            self.made[out.buffer] = out, placed.out, "full"
        elif placed.level in ("row", "reduce"):
            self.made[out.buffer] = out, placed.out, "row"
        else:
            self.later.add(out.buffer)
        self.written.add(out.buffer)

    def reads(self) -> set[Buffer]:
        return set(self.seen)


@dataclass
class Single:
    """An instruction that is a step of its own."""

    instr: Instr

    def reads(self) -> set[Buffer]:
        return {ref.buffer for ref in self.instr.reads()}

    @property
    def written(self) -> set[Buffer]:
        return {ref.buffer for ref in self.instr.outs}


def group(program: Program) -> list[Group | Single]:
    """The program as kernels and single steps, in an order that respects who needs what."""
    steps: list[Group | Single] = []
    for instr in program.instrs:
        if instr.outs and not any(ref.size for ref in instr.outs) and instr.name not in EFFECTS:
            continue                                        # nothing to write
        if instr.name not in FUSIBLE:
            steps.append(Single(instr))
            continue
        reads, writes = {ref.buffer for ref in instr.reads()}, instr.out.buffer
        for step in reversed(steps[-LOOK_BACK:]):
            if isinstance(step, Group) and (program.together or worthwhile(step, reads, writes, instr)) and \
                    step.join(instr):
                break
            if isinstance(step, Single) and stops(step.instr, instr) or step.written & reads or \
                    writes in step.written or writes in step.reads():
                steps.append(started(instr))
                break
        else:
            steps.append(started(instr))
    return steps


def stops(step: Instr, instr: Instr) -> bool:
    """Whether an instruction must stay behind a step of Python's: a check that fails leaves all outside as it was."""
    return step.name == "effect" or (step.name in ("raise_if", "check")
                                     and instr.out.buffer.kind in ("external", "input"))


def worthwhile(group_: Group, reads: set[Buffer], writes: Buffer, instr: Instr) -> bool:
    """Whether joining saves a pass over memory, or a call of a small kernel."""
    touched = group_.reads() | group_.written
    return bool(touched & reads) or writes in touched or math.prod(group_.space) <= 64


def started(instr: Instr) -> Group | Single:
    """A group for an instruction; a step of its own where no kernel can go through its arrays."""
    shape = instr.operands[0].shape if instr.name == "reduce" else instr.out.shape
    made = Group(tuple(shape))
    return made if made.join(instr) else Single(instr)
