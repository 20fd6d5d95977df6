"""Which dtype an op computes in and returns, from its inputs' dtypes. Called by `dispatch` alone.

The common case (all inputs of one dtype that needs no cast) is one look-up in `op.casts`. The rest
is PyTorch's promotion, see `core/dtypes.py`.
"""
from __future__ import annotations

from typing import Any

from ..backends.base import XP
from ..core import dtypes, state
from ..core.dtypes import BOOL, FLOATING, INTEGER, dtype
from ..ops.op import REGISTRY, Op

UNSET: Any = object()                            # stands for "not looked up yet"
Plan = tuple[dtype, dtype | None] | None        # compute in, round the floats of the result to


def forget() -> None:
    """Drops the cached plans, which depend on the default dtype."""
    for op in REGISTRY.values():
        op.casts.clear()


state.on_default_dtype_change(forget)


def plan_for(op: Op, common: dtype) -> Plan:
    """How `op` treats inputs whose common dtype is `common`; None: just as they are."""
    compute, result = common, None
    if op.promote == "float" and common.category < FLOATING:
        compute = state.default_dtype()
    if op.opmath and compute.is_reduced:
        compute, result = dtypes.float32, compute
    return None if compute is common else (compute, result)


def cached_plan(op: Op, xp: Any, native: Any) -> Plan:
    """`plan_for` a backend's dtype, remembered in `op.casts`."""
    plan = op.casts[native] = plan_for(op, xp.dtype_of_native(native))
    return plan


def promote(op: Op, arrays: list[Any]) -> tuple[list[Any], dtype | None]:
    """Casts mixed inputs. Returns the arrays and the dtype to round the result to."""
    given = [a for i, a in enumerate(arrays) if a is not None and i not in op.exempt]
    xp = next(XP[a.__class__] for a in arrays if a.__class__ in XP)
    tensors = [(xp.dtype_of(a), a.ndim) for a in given if a.__class__ in XP]
    numbers = [a for a in given if a.__class__ not in XP]
    if op.promote == "match":
        for kind, _ in tensors[1:]:
            if kind is not tensors[0][0]:
                raise RuntimeError(f"{op.name}: expected all tensors to have the same dtype, but got: "
                                   f"{spelling(tensors[0][0])} != {spelling(kind)}. Cast one with .to(dtype)")
    common = dtypes.result_type(tensors, numbers, state.default_dtype())
    plan = plan_for(op, common)
    compute, result = plan if plan is not None else (common, None)

    def bring(i: int, a: Any) -> Any:
        if a is None or i in op.exempt:
            return a
        if a.__class__ in XP:
            return xp.cast(a, compute)
        return a if tensors else xp.cast(xp.asarray(a), compute)
    return [bring(i, a) for i, a in enumerate(arrays)], result


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
SCALAR_NAMES = {"float16": "Half", "bfloat16": "BFloat16", "float32": "Float", "float64": "Double", "int64": "Long",
                "int32": "Int", "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool",
                "complex64": "ComplexFloat", "complex128": "ComplexDouble"}


def spelling(kind: dtype) -> str:
    """A dtype as PyTorch's C++ messages spell it."""
    return _SPELLINGS.get(kind.name, kind.name)
