"""float32 products on the matrix unit of server processors (AMX), by six products of bfloat16 numbers. Room `codegen`.

The unit multiplies tiles of 16 x 32 and 32 x 16 bfloat16 numbers and adds to 16 x 16 float32 sums: sixteen times the
multiply-adds a cycle of the vector units. With x = high + middle + low for each number (`gemm_split.py`),

    x * y = high high' + (high middle' + middle high') + (high low' + middle middle' + low high')  + at most 2^-24 |x y|

so six such products are as exact as float32 can say, and 16 / 6 as fast. Sums of 32 terms are made inside the unit
before they are added up, hence the result is, if anything, nearer to the exact one than a chain of multiply-adds.

What such sums cannot hold (infinities and NaN, products beyond the range, operands or products that are tiny
throughout, for the unit knows no denormal numbers) is seen while splitting. Nothing but C has been written then, so the
call ends, says so in its cell `status`, and `other`, a kernel of `gemm.py`, does the work, if there is one.
`gemm_amx_plan.py` decides when to come here; `gemm_amx_loops.py` and `gemm_amx_tile.py` are the code.
"""
from __future__ import annotations

import functools
import struct

from .gemm_amx_loops import UNIT_CELLS, UnitTasks, entry
from .gemm_amx_plan import unit_plan, unit_plan_for
from .gemm_amx_tile import functions
from .gemm_plan import Plan, Product, cells
from .gemm_split import HALF, INTS, splitters
from .gemm_tile import Machine

__all__ = ["UNIT_CELLS", "kernel", "unit_cells", "unit_plan", "unit_plan_for"]


def unit_cells(p: Product, made: Plan, other: int = 0, other_plan: Plan | None = None, **addresses: int) -> bytes:
    """The cells of a call: as `gemm_plan.cells`, then those of the kernel at `other`, for what the unit can't do.

    Without `other`, who calls looks at the cell `status` afterwards: not zero, and C is still to be computed.
    """
    mine = cells(p, made, **addresses) + struct.pack("qq", 0, other)
    return mine + cells(p, other_plan, **addresses) if other_plan is not None else mine


@functools.cache
def kernel(m: Machine) -> tuple[str, str]:
    """Name and LLVM IR of the product."""
    name = "unit_float32"
    parts = [declarations(m), splitters(m), functions(m), UnitTasks(m).text(), entry(name),
             'attributes #0 = { nounwind "min-legal-vector-width"="512" "prefer-vector-width"="512" }\n']
    return name, "\n".join(parts)


def declarations(m: Machine) -> str:
    """What the text calls, and how the tiles are to be shaped: all of 16 rows of 64 bytes."""
    v, lanes = m.vector, f"<{m.lanes} x i1>"
    shapes = [1, *[0] * 15, *[64, 0] * 8, *[0] * 16, *[16] * 8, *[0] * 8]
    return f"""\
@shapes = internal constant [64 x i8] [{", ".join(f"i8 {byte}" for byte in shapes)}], align 64
declare void @sof_parallel(ptr, ptr, i64, i64)
declare i64 @sof_thread()
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)
declare {INTS} @llvm.umax.v{HALF}i32({INTS}, {INTS})
declare i32 @llvm.vector.reduce.umax.v{HALF}i32({INTS})
declare {v} @llvm.masked.load.{m.suffix}.p0(ptr, {lanes}, {v})
declare void @llvm.masked.store.{m.suffix}.p0({v}, ptr, {lanes})
declare void @llvm.x86.ldtilecfg(ptr)
declare void @llvm.x86.tilerelease()
declare void @llvm.x86.tilezero(i8)
declare void @llvm.x86.tileloadd64(i8, ptr, i64)
declare void @llvm.x86.tilestored64(i8, ptr, i64)
declare void @llvm.x86.tdpbf16ps(i8, i8, i8)
"""
