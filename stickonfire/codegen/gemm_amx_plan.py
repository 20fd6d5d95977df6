"""When a product is one for the matrix unit, and how it is cut. Room `codegen`; plain Python.

As `gemm_plan.py`, whose cost of the vector units it compares with.
"""
from __future__ import annotations

import functools

from .gemm_loops import STREAM_B, TURN_A, TURN_B
from .gemm_plan import EPILOGUES, TASK_WORK, Plan, Product, cost, grain, nearly_equal, split, thin_path
from .gemm_split import LINES, PIECES
from .gemm_tile import Machine

UNIT_STEP = LINES           # lines of a panel, steps of k in a block
UNIT_NUMBER = 2 * PIECES    # bytes of a number in pieces
UNIT_DEPTH = 512            # of k at a time
UNIT_WHOLE = 832            # all of k up to here: with A as it is, one pass over C less is worth more than the cache
UNIT_RESIDENT = 1 << 20     # bytes for the block of the resident operand: half of an L2 cache of 2 MB
# Cycles, measured as a whole: a block of sums 32 x 32 x 32; a block split while nothing else happens, if it is turned,
# and if it is split meanwhile, shared among the panels it is for; 32 x 32 sums added to earlier ones; a call.
UNDER = 1.1                 # how far the estimate for the vector units is below what was measured
UNIT_BLOCK, UNIT_SPLIT, UNIT_TURN, UNIT_MEANWHILE, UNIT_AGAIN, UNIT_CALL = 680, 600, 900, 1600, 450, 1500


def unit_plan(p: Product, m: Machine, threads: int) -> Plan | None:
    """The plan for the matrix unit, or None where the vector units are as quick, or the product is not for it."""
    if m.scalar != "float" or not m.masks or p.beta != 0 or thin_path(p, m) or not p.m * p.n * p.k:
        return None
    vector_cost = functools.partial(cost, m=m)
    best, other = split(p, threads, unit_cost), split(p, threads, vector_cost)
    return unit_plan_for(p, *best) if unit_cost(p, *best) < UNDER * vector_cost(p, *other) else None


def unit_plan_for(p: Product, down: int, across: int) -> Plan:
    """The plan for `p` when its rows are cut into `down` parts and its columns into `across`."""
    stream_b, depth, breadth = unit_blocks(p, down, across)
    resident, streamed = (lines * depth * UNIT_NUMBER for lines in (breadth, UNIT_STEP))
    flags = EPILOGUES[p.epilogue] | TURN_A * p.ta | TURN_B * p.tb | STREAM_B * stream_b
    return Plan(flags, down, across, depth, breadth, UNIT_STEP, resident, resident + 2 * streamed,
                grain(p, down * across, TASK_WORK))


def unit_blocks(p: Product, down: int, across: int) -> tuple[bool, int, int]:
    """Whether B streams past A, how deep blocks are, and how many lines of the resident operand are in one.

    Splitting the streamed operand costs next to nothing, so it had better be the other that need not be turned; and
    if both must or none, the longer one.
    """
    rows, columns = -(-p.m // down), -(-p.n // across)
    stream_b = p.ta if p.ta != p.tb else columns > rows
    steps, whole = -(-p.k // UNIT_STEP), (UNIT_DEPTH if p.ta else UNIT_WHOLE) // UNIT_STEP
    depth = (steps if steps <= whole else nearly_equal(steps, UNIT_DEPTH // UNIT_STEP)) * UNIT_STEP
    panels = max(1, -(-(rows if stream_b else columns) // UNIT_STEP))
    return stream_b, depth, nearly_equal(panels, UNIT_RESIDENT // (depth * UNIT_STEP * UNIT_NUMBER)) * UNIT_STEP


def unit_cost(p: Product, down: int, across: int) -> float:
    """Cycles of the slowest part."""
    stream_b, depth, breadth = unit_blocks(p, down, across)
    steps = -(-p.k // UNIT_STEP)
    lines = -(-p.m // down), -(-p.n // across)
    halves = [-(-count // (UNIT_STEP // 2)) / 2 for count in lines]         # half a panel takes half the time
    panels = [-(-count // UNIT_STEP) for count in lines]
    streamed, resident = panels[::-1] if stream_b else panels
    turned = p.ta if stream_b else p.tb
    exposed = steps * (resident * (UNIT_TURN if turned else UNIT_SPLIT) + UNIT_SPLIT)
    times = -(-resident * UNIT_STEP // breadth)                             # that the streamed operand is split
    meanwhile = steps * streamed * times * UNIT_MEANWHILE / min(resident, breadth // UNIT_STEP)
    again = panels[0] * panels[1] * (-(-p.k // depth) - 1) * UNIT_AGAIN
    return halves[0] * halves[1] * steps * UNIT_BLOCK + exposed + meanwhile + again + UNIT_CALL
