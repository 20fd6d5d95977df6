"""How a product of given sizes is to be computed: blocks, packing, tasks. Room `codegen`; plain Python.

The decisions that the machine code of `gemm_loops.py` obeys, made once per shape. The numbers were measured on a
server core with 48 KB of L1 and 2 MB of L2; most shapes forgive a factor of two in either direction.
"""
from __future__ import annotations

import functools
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .gemm_loops import CELLS, PACK_A, PACK_B, SWEEP, THIN, TURN_A, TURN_B, turned_step
from .gemm_tile import BIAS, RELU, RESIDUAL, VECTORS, Machine

DEPTH = 2048                # bytes, the most of k in a block: a panel of A is then half of an L1 cache of 48 KB,
DEPTH_OF_COLUMNS = 1024     # and a transposed one, read in place, fewer pages than the processor has addresses of
BLOCK_A = 8                 # panels of a transposed A in a block: they share cache lines
BLOCK_B = 6                 # and of B: up to 400 KB of an L2 cache that also has A and C to hold
L1, L2 = 1 << 15, 1 << 20   # bytes that may be counted on to stay in these caches
TASK_WORK = 1 << 18         # multiply-adds worth waking a thread for
THIN_WORK = 1 << 14         # the same where each number is used once: memory is slower than arithmetic

EPILOGUES = {"": 0, "bias": BIAS, "bias_relu": BIAS | RELU, "relu": RELU, "residual": RESIDUAL,
             "bias_residual": BIAS | RESIDUAL}


@dataclass(frozen=True)
class Product:
    """C = alpha * op(A) @ op(B) + beta * C, row by row in memory, strides in elements.

    ta: A is stored K x M; tb: B is stored N x K. A stride of 0 over the batch reuses the operand. The batch may be
    counted in runs of `inner` products, `inner_a` ... apart, with `stride_a` ... from run to run.
    """
    m: int
    n: int
    k: int
    lda: int
    ldb: int
    ldc: int
    ta: bool = False
    tb: bool = False
    epilogue: str = ""
    ldr: int = 0
    batch: int = 1
    stride_a: int = 0
    stride_b: int = 0
    stride_c: int = 0
    stride_r: int = 0
    alpha: float = 1.0
    beta: float = 0.0
    inner: int = 1
    inner_a: int = 0
    inner_b: int = 0
    inner_c: int = 0
    inner_r: int = 0


def product_of(a: Any, b: Any, out: Any) -> Product:
    """The product of two arrays, or of what has the shape, strides and dtype of one, with up to two batch dims."""
    step = a.dtype.itemsize
    (*lead, m, k), n = a.shape, b.shape[-1]
    batch = math.prod(lead)

    def layout(ref: Any) -> tuple[bool, int]:
        rows, columns = ref.shape[-2:]
        down, across = ref.strides[-2:]
        if (across == step or columns == 1) and (down >= step * columns or rows == 1) and down % step == 0:
            return False, columns if rows == 1 else down // step
        return True, rows if columns == 1 else across // step
    ta, lda = layout(a)
    tb, ldb = layout(b)
    ldc = n if m == 1 else out.strides[-2] // step
    outer = [ref.strides[0] // step if batch > 1 else 0 for ref in (a, b, out)]
    inner = [ref.strides[1] // step if len(lead) > 1 else 0 for ref in (a, b, out)]
    return Product(m, n, k, lda, ldb, ldc, ta, tb, batch=batch, stride_a=outer[0], stride_b=outer[1],
                   stride_c=outer[2], inner=lead[1] if len(lead) > 1 else 1, inner_a=inner[0], inner_b=inner[1],
                   inner_c=inner[2])


@dataclass(frozen=True)
class Plan:
    """What the loops need besides the product itself."""
    flags: int
    split_m: int
    split_n: int
    depth: int          # of k, per block of either
    breadth: int        # columns, per block of B
    height: int         # rows, per block of A
    panel: int          # bytes of scratch for a block of B; the block of A comes after it
    share: int          # bytes of scratch per thread
    grain: int          # tasks a thread should get at least

    def scratch(self, threads: int) -> int:
        """Bytes of scratch in all."""
        return self.share * threads


def up(a: int, step: int) -> int:
    return -(-a // step) * step


def plan(p: Product, m: Machine, threads: int) -> Plan:
    """The plan for `p` on this machine."""
    p = as_rows(p)
    flags = EPILOGUES[p.epilogue] | TURN_A * p.ta | TURN_B * p.tb
    thin = thin_path(p, m)
    if thin:
        parts = threads if p.batch < 2 * threads and p.m * p.n * p.k > 2 * THIN_WORK else 1
        down, across = (1, parts) if p.n >= p.m else (parts, 1)
        return Plan(flags | thin, down, across, 0, 0, 0, 0, 128, grain(p, down * across, THIN_WORK))
    pack_a, pack_b = packing(p, m)
    flags |= PACK_A * pack_a | PACK_B * pack_b
    depth = up(nearly_equal(p.k, (DEPTH_OF_COLUMNS if p.ta else DEPTH) // m.bytes), 4)
    down, across = split(p, threads, functools.partial(cost, m=m))
    panels = -(-up(-(-p.n // across), m.lanes) // m.width)
    breadth = nearly_equal(panels, BLOCK_B) * m.width
    height = BLOCK_A * m.rows if p.ta else nearly_equal(-(-p.m // down), m.rows)
    panel = (breadth if pack_b else m.width if p.n % m.lanes else 0) * depth * m.bytes
    block = BLOCK_A * depth * turned_step(m) if pack_a else 0
    share = up(panel + block, 128) + 128
    return Plan(flags, down, across, depth, breadth, height, panel, share, grain(p, down * across, TASK_WORK))


def as_rows(p: Product) -> Product:
    """A column without gaps is as good as a row, which is what the loops prefer."""
    return replace(p, ta=p.ta and not (p.m == 1 and p.lda == 1), tb=p.tb or (p.n == 1 and p.ldb == 1))


def nearly_equal(total: int, most: int) -> int:
    """The size of a part when `total` is cut into as few parts of at most `most` as will do."""
    return max(1, -(-total // max(1, -(-total // most))))


def grain(p: Product, parts: int, worth: int) -> int:
    """How many products of a batch a thread should get at least."""
    return max(1, worth // max(1, p.m * p.n * p.k)) if parts == 1 else 1


def thin_path(p: Product, m: Machine) -> int:
    """THIN for few rows or columns with k along the rows of both, SWEEP for a row times a straight B, 0 otherwise."""
    if p.tb:
        return THIN if not p.ta and min(p.m, p.n) <= 4 and p.k >= 2 * m.lanes else 0
    return SWEEP if p.m == 1 and p.n >= 4 * m.width else 0


def split(p: Product, threads: int, price: Callable[[Product, int, int], float]) -> tuple[int, int]:
    """Into how many parts rows and columns are cut, so that each thread of the pool has one, at the least price."""
    if threads == 1 or p.batch >= 2 * threads or p.m * p.n * p.k < 2 * TASK_WORK:
        return 1, 1
    return min(((d, threads // d) for d in range(1, threads + 1) if threads % d == 0), key=lambda cut: price(p, *cut))


def cost(p: Product, down: int, across: int, m: Machine) -> float:
    """Cycles of the slowest part, roughly: two vectors a cycle, packing B, fetching A for each block of B."""
    vectors = -(-up(p.n, m.lanes) // m.lanes // across)
    rows = -(-p.m // down)
    pack = (5.8 if p.tb else 4.3) * vectors
    fetch = 4.3 * rows / m.lanes * -(-vectors // (BLOCK_B * VECTORS))
    return p.k * (rows * vectors / 2 + pack + fetch)


def packing(p: Product, m: Machine) -> tuple[bool, bool]:
    """Whether panels of A and blocks of B are copied before use.

    A transposed B has to be; a straight one that is used for a few rows only, or stays in L1, need not. Rows of A are
    read in place: 12 streams are no trouble. Columns of A are, while A stays in L2.
    """
    if p.k == 0:
        return False, False
    pack_a = p.ta and p.m * p.k * m.bytes > L2 and p.n > 4 * m.width
    pack_b = p.tb or (p.m > 3 * m.rows and p.n * p.k * m.bytes > L1)
    return pack_a, pack_b


def cells(p: Product, made: Plan, a: int = 0, b: int = 0, c: int = 0, bias: int = 0, residual: int = 0,
          scratch: int = 0) -> bytes:
    """The cells of a call, as bytes: addresses (of first elements; patched later if unknown yet), sizes, plan."""
    values = {"a": a, "b": b, "c": c, "bias": bias, "residual": residual, "scratch": scratch, **vars(p), **vars(made)}
    return b"".join(struct.pack("d" if name in ("alpha", "beta") else "q", values[name]) for name in CELLS)
