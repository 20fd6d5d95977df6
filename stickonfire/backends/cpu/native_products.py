"""Large float32 products on the matrix unit of the processor, where it has one: `codegen/gemm_amx.py`.

`products.py` loads this file once products have taken a while, so that small scripts never pay for LLVM. BLAS keeps
what is narrow, what does not lie in memory as the kernel wants it, what cannot be split into bfloat16 pieces
(infinities), and all of it on other processors. May import core, codegen.
"""
from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ...codegen import gemm, launch, llvm, pool

# Products below so many multiply-adds, and not too narrow, are done here even if one thread of BLAS is as quick: it
# would use several, which go on spinning for milliseconds afterwards, in the way of ours.
MIDDLING, NARROWEST = 1 << 20, 8
MOST = 256                  # kinds of products whose cells are kept
STATUS = gemm.UNIT_CELLS.index("status")

Call = tuple[Callable[..., None], Any, tuple[int, ...]]
_calls: dict[Any, Call | None] = {}
_scratch: list[np.ndarray] = []         # one for all: a launcher runs at a time
_turn = threading.RLock()       # of whoever uses the above


def ready() -> bool:
    """Whether products can be done here at all."""
    return llvm.available() and llvm.host().unit


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """a @ b for float32 matrices, or batches of them with the same lead dims. None where BLAS had better do it.

    Same as np.matmul up to rounding: sums of products that are exact to 2^-24 of their size.
    """
    key = a.shape, b.shape, a.strides, b.strides, pool.threads()
    with _turn:                         # the status is to be read before somebody else runs the same
        call = _calls[key] = _calls.pop(key) if key in _calls else made(a, b)       # the latest last
        if len(_calls) > MOST:
            del _calls[next(iter(_calls))]
        if call is None:
            return None
        launched, cells, shape = call
        out = np.empty(shape, np.float32)
        launched(a, b, out)
        return None if cells[STATUS] else out


def made(a: np.ndarray, b: np.ndarray) -> Call | None:
    """What runs products of this kind: the launcher, its cells, and the shape of the result; None where BLAS does."""
    if a.shape[-1] != b.shape[-2] or a.shape[:-2] != b.shape[:-2] or a.ndim > 4 or not (dense(a) and dense(b)):
        return None
    shape = a.shape[:-1] + b.shape[-1:]
    product = gemm.product_of(a, b, np.empty(shape, np.float32))
    machine = gemm.machine("float32", 16)
    plan = gemm.unit_plan(product, machine, pool.threads())
    if plan is None and product.m * product.n * product.k < MIDDLING and min(product.m, product.n) >= NARROWEST:
        plan = gemm.unit_plan_for(product, 1, 1)
    if plan is None:
        return None
    symbol, text = gemm.unit_kernel(machine)
    try:
        library = llvm.load(text)
    except (OSError, RuntimeError):     # no memory may be made executable, say
        return None
    cells = np.frombuffer(gemm.unit_cells(product, plan, scratch=scratch(plan.scratch(pool.cores()))), np.int64).copy()
    start = cells.ctypes.data
    patches = [(i, start + gemm.OFFSET[name], 0) for i, name in enumerate("abc")]
    steps = [(library.address(symbol), start)]
    return launch.launcher(launch.Plan(3, 0, 0, patches, steps, release_gil=True, keep=cells)), cells, shape


def dense(a: np.ndarray) -> bool:
    """Whether numbers lie side by side along one of the last two dims, and rows do not overlap."""
    (rows, columns), (down, across) = a.shape[-2:], a.strides[-2:]
    size = a.itemsize
    return (across == size and down >= size * columns and not down % size
            or down == size and across >= size * rows and not across % size) and not any(s % size for s in a.strides)


def scratch(size: int) -> int:
    """The address of that much memory, at a whole cache line. Plans need much the same, so it seldom grows."""
    if not _scratch or _scratch[-1].nbytes < size + 64:
        _scratch.append(np.empty(math.ceil((size + 64) / 2 ** 20) * 2 ** 20, np.uint8))
    return -(-_scratch[-1].ctypes.data // 64) * 64


def _after_fork() -> None:
    global _turn
    _turn = threading.RLock()       # a thread that held it stayed behind in the parent


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
