"""Which dtype an op computes in and returns, from its inputs' dtypes. Called by `dispatch` alone.

What to do about a combination of dtypes is found out once and kept in `op.casts`. The rules are PyTorch's,
see `core/dtypes.py`.
"""
from __future__ import annotations

from typing import Any

from ..backends.base import XP
from ..core import dtypes, state
from ..core.dtypes import BOOL, FLOATING, INTEGER, SCALAR_NAMES, dtype
from ..ops.op import REGISTRY, Op

Plan = tuple[tuple[dtype | None, ...] | None, dtype | None]     # casts of the inputs (None: none), what to round to
NO_PLAN: Plan = (None, None)


def forget() -> None:
    """Drops the cached plans, which depend on the default dtype."""
    for op in REGISTRY.values():
        op.casts.clear()


state.on_default_dtype_change(forget)


def signature(arrays: list[Any]) -> tuple[Any, ...]:
    """What a plan depends on: dtypes, which arrays are 0-d, the classes of Python numbers."""
    return tuple([(a.dtype if a.ndim else (a.dtype,)) if a.__class__ in XP else a.__class__ for a in arrays])


def make_plan(op: Op, xp: Any, arrays: list[Any]) -> Plan:
    """How an op treats inputs of these dtypes. Remembered in `op.casts` under their signature."""
    given = [a for i, a in enumerate(arrays) if a is not None and i not in op.exempt]
    tensors = [(xp.dtype_of(a), a.ndim) for a in given if a.__class__ in XP]
    if op.promote == "match":
        for kind, _ in tensors[1:]:
            if kind is not tensors[0][0]:
                raise unequal(op, tensors[0][0], kind)
    common = dtypes.result_type(tensors, [a for a in given if a.__class__ not in XP], state.default_dtype())
    if op.admit is not None:
        op.admit(common, [xp.dtype_of(a) if a.__class__ in XP else dtypes.scalar_dtype(a, dtypes.float32)
                          for a in given])
    compute, rounded = common, None
    if op.promote == "float" and common.category < FLOATING:
        compute = state.default_dtype()
    if op.opmath and compute.is_reduced:
        compute, rounded = dtypes.float32, compute
    casts = tuple([None if a is None or i in op.exempt else cast_for(xp, a, compute, bool(tensors))
                   for i, a in enumerate(arrays)])
    return (casts if any(casts) else None, rounded) if any(casts) or rounded else NO_PLAN


def unequal(op: Op, first: dtype, other: dtype) -> RuntimeError:
    """PyTorch's error for operands of different dtypes, where nothing is promoted."""
    if op.name in ("linear", "addmm", "addmv", "addbmm", "baddbmm"):
        return RuntimeError(f"mat1 and mat2 must have the same dtype, but got {SCALAR_NAMES[first.name]} and "
                            f"{SCALAR_NAMES[other.name]}")
    return RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {spelling(first)} != {spelling(other)}")


def cast_for(xp: Any, a: Any, compute: dtype, beside_tensors: bool) -> dtype | None:
    """The dtype to cast an input to; None if it may stay. A Python number beside tensors stays, NumPy adapts it."""
    if a.__class__ in XP:
        return None if xp.dtype_of(a) is compute else compute
    return None if beside_tensors else compute


def cast_inputs(xp: Any, arrays: list[Any], casts: tuple[dtype | None, ...]) -> list[Any]:
    """The arrays in the dtypes of a plan."""
    return [a if d is None else xp.cast(a if a.__class__ in XP else xp.asarray(a), d) for a, d in zip(arrays, casts)]


def wrap_numbers(op: Op, arrays: list[Any]) -> list[Any]:
    """Python ints too large for the arrays' integer dtype, wrapped round into it as PyTorch does."""
    xp = next(XP[a.__class__] for a in arrays if a.__class__ in XP)
    kind = next(xp.dtype_of(a) for i, a in enumerate(arrays) if a.__class__ in XP and i not in op.exempt)

    def wrap(a: Any) -> Any:
        if a.__class__ is not int or kind.category not in (BOOL, INTEGER):
            return a
        bits = 8 * kind.itemsize
        low = a & ((1 << bits) - 1)
        return low - (1 << bits) if kind.is_signed and low >> (bits - 1) else low
    return [wrap(a) for a in arrays]


_SPELLINGS = {"float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
              "int64": "long long", "int32": "int", "int16": "short", "int8": "signed char",
              "uint8": "unsigned char", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>"}


def spelling(kind: dtype) -> str:
    """A dtype as PyTorch's C++ messages spell it."""
    return _SPELLINGS.get(kind.name, kind.name)
