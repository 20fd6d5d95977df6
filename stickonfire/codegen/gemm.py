"""Matrix products as generated machine code: the public face. Room `codegen`; called by backends/ and compiler/.

    C = epilogue(alpha * op(A) @ op(B) + beta * C)

One library per dtype serves all shapes, transposes, batches and epilogues:

    symbol, text = kernel("float32", llvm.host().lanes32)       # the function's name, and LLVM IR that defines it
    product = Product(m=256, n=784, k=256, lda=..., ...)        # what is wanted
    made = plan(product, machine("float32", lanes32), threads)  # how: blocks, packing, tasks
    cells(product, made, a=address, ...)                        # the argument of a call, 8 bytes a cell (`CELLS`)

The scratch must have `made.scratch(pool.cores())` bytes (a pool may grow), be aligned to 64, and be nobody else's
during the call. Reading order: `reference` below is the definition; `gemm_tile.py` the innermost loop,
`gemm_loops.py` the loops around it, `gemm_pack.py` the copies they need, `gemm_thin.py` matrix times vector,
`gemm_plan.py` the decisions; `gemm_amx.py` and `gemm_split.py` the same for a processor with a matrix unit.
`gemm_ir.py` is the pencil they write with. Source: Goto and van de Geijn, Anatomy of
High-Performance Matrix Multiplication (2008).
"""
from __future__ import annotations

import functools
from typing import Any

from .gemm_amx import UNIT_CELLS, unit_cells, unit_plan, unit_plan_for
from .gemm_amx import kernel as unit_kernel
from .gemm_loops import CELLS, OFFSET, Tasks, entry, table
from .gemm_pack import packers
from .gemm_plan import EPILOGUES, Plan, Product, cells, plan, product_of
from .gemm_thin import thin
from .gemm_tile import FORMS, VECTORS, Machine, Tile, finish_edge

__all__ = ["CELLS", "EPILOGUES", "OFFSET", "UNIT_CELLS", "Machine", "Plan", "Product", "cells", "kernel",
           "machine", "plan", "product_of", "reference", "unit_cells", "unit_kernel", "unit_plan", "unit_plan_for"]


def reference(a: Any, b: Any, c: Any = 0.0, alpha: float = 1.0, beta: float = 0.0, bias: Any = 0.0,
              relu: bool = False, residual: Any = 0.0) -> Any:
    """What a kernel computes, said in NumPy."""
    out = alpha * (a @ b) + (beta * c if beta else 0.0) + bias
    return out * (out > 0) + residual if relu else out + residual


def machine(dtype: str, lanes32: int) -> Machine:
    """The processor as the generator sees it: `lanes32` numbers of 32 bits to a vector.

    >>> machine("float64", 16)
    Machine(scalar='double', lanes=8, rows=12, masks=True)
    """
    scalar, size = {"float32": ("float", 1), "float64": ("double", 2)}[dtype]
    # AVX-512 has 32 vector registers, others may have 16: 2 a row for the sums, 2 for B, and 1 for a factor.
    lanes = lanes32 // size
    rows = min({16: 12, 8: 6, 4: 6}[lanes32], VECTORS * lanes)      # packing a transposed A knows no wider panel
    return Machine(scalar, lanes, rows, masks=lanes32 == 16)


@functools.cache
def kernel(dtype: str, lanes32: int) -> tuple[str, str]:
    """Name and LLVM IR of the product of `dtype` for vectors of `lanes32` float32 numbers.

    >>> kernel("float32", 16)[0]
    'gemm_float32'
    """
    m, name = machine(dtype, lanes32), f"gemm_{dtype}"
    tiles = [Tile(m, form, vectors, rows).text() for form in FORMS for vectors in range(1, VECTORS + 1)
             for rows in range(1, m.rows + 1)]
    parts = [declarations(m), table(m), *tiles, finish_edge(m), packers(m), Tasks(m).text(), thin(m), entry(name),
             attributes(m)]
    return name, "\n".join(parts)


def declarations(m: Machine) -> str:
    """What the text calls: the thread pool, and LLVM's intrinsics."""
    v, lanes = m.vector, f"<{m.lanes} x i1>"
    return f"""\
declare void @sof_parallel(ptr, ptr, i64, i64)
declare i64 @sof_thread()
declare ptr @llvm.launder.invariant.group.p0(ptr)
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)
declare void @llvm.prefetch.p0(ptr, i32, i32, i32)
declare {v} @llvm.fmuladd.{m.suffix}({v}, {v}, {v})
declare {m.scalar} @llvm.vector.reduce.fadd.{m.suffix}({m.scalar}, {v})
declare {v} @llvm.masked.load.{m.suffix}.p0(ptr, {lanes}, {v})
declare void @llvm.masked.store.{m.suffix}.p0({v}, ptr, {lanes})
"""


def attributes(m: Machine) -> str:
    """Full vectors even where LLVM would rather use half (it fears that wide ones slow the clock)."""
    bits = m.lanes * m.bytes * 8
    return f'attributes #0 = {{ nounwind "min-legal-vector-width"="{bits}" "prefer-vector-width"="{bits}" }}\n'
