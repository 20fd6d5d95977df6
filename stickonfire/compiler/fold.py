"""What is the same in each run is computed once, when a program is built: a causal mask, positions, a table of
angles.
"""
from __future__ import annotations

import numpy as np

from .memory import as_array
from .program import Buffer, Instr, Program, Ref
from .reference import execute
from .simplify import EFFECTS, written_once


def fold(program: Program) -> None:
    """Carries out instructions that read nothing but constants; their results are constants in turn.

    """
    values = written_once(program)
    handed = {ref.buffer for ref in program.results}
    kept: list[Instr] = []
    for instr in program.instrs:
        if can_fold(instr, values, handed):
            compute(instr)
        else:
            kept.append(instr)
    program.instrs = kept


def can_fold(instr: Instr, values: set[Buffer], handed: set[Buffer]) -> bool:
    """Whether the result is always the same: no symbol, no random number, nothing that is written twice."""
    reads = list(instr.reads())
    if not reads or instr.name in EFFECTS or not instr.outs:
        return False
    if any(not isinstance(x, (Ref, bool, int, float, str, type(None), tuple, list, np.dtype, type))
           for x in (*instr.operands, *instr.settings.values())):
        return False
    return all(ref.buffer.kind == "constant" for ref in reads) and \
        all(ref.buffer in values and ref.buffer not in handed for ref in instr.outs)


def compute(instr: Instr) -> None:
    """Carries out an instruction on constants; the buffers it writes become constants."""
    for ref in instr.outs:
        ref.buffer.memory, ref.buffer.kind = np.zeros(max(ref.buffer.nbytes, 1), np.uint8), "constant"
    execute(instr, view, lambda symbol: symbol.read())


def view(ref: Ref) -> np.ndarray:
    """A constant's part as an array."""
    if not ref.size:
        return np.empty(ref.shape, ref.dtype)
    return as_array(np.lib.array_utils.byte_bounds(ref.buffer.memory)[0] + ref.offset, ref, ref.buffer.memory)
