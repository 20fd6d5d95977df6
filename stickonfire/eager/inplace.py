"""In-place execution: `name_` methods, `out=`, and what they mean for the graph.

A write bumps the version all views share. If gradients flow, the target's edge becomes the new node;
if the target is a view, the graph of its base is rewritten too (`views.py`).
"""
from __future__ import annotations

import warnings
from typing import Any

from ..backends.base import XP
from ..core import state
from ..core.dtypes import can_cast
from ..core.state import modes
from ..ops.op import Op
from .dispatch import execute
from .graph import record
from .promotion import SCALAR_NAMES
from .tensor import INFERENCE, Tensor, bump, make, namespace_of
from .views import check_writable, current_edge, rebase


def dispatch_inplace(op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Tensor:
    """Executes an op and writes its result into the first input.

    Raises: RuntimeError for a leaf that requires a gradient, a result of another shape, or one whose dtype
    does not fit.
    """
    if not state.plain:
        if modes.handler is not None:
            return modes.handler.inplace(op, inputs, attrs)
        if modes.recorder is not None:
            modes.recorder.lift_all(inputs)
    target = inputs[0]
    arrays = [t._array if isinstance(t, Tensor) else t for t in inputs]
    recording = state.plain or modes.records
    edges = [current_edge(t) if recording and isinstance(t, Tensor) else None for t in inputs]
    tracked = recording and (any(edge is not None for edge in edges) or base_edge(target))
    array = arrays[0]
    xp = XP[array.__class__]
    recorded = inputs
    if target._alias is INFERENCE and not (not state.plain and modes.inference):
        raise RuntimeError("Inplace update to inference tensor outside InferenceMode is not allowed.You can "
                           "make a clone to get a normal tensor before doing inplace update.")
    if tracked:
        check_writable(target, edges[0])
        recorded = kept_apart(op, inputs, edges)
    if op.kernel is not None and kernel_fits(arrays):
        op.kernel(xp, *arrays, **attrs)
    else:
        result, _ = execute(op, arrays, attrs)
        write(op.name + "_", xp, array, result)
    bump(target)
    if tracked:
        out = make(array)
        out._alias = target._alias
        record(op, recorded, [t._array if isinstance(t, Tensor) else t for t in recorded], edges, attrs, (out,))
        if out._edge is not None or op.differentiable:
            rebase(target, out._edge)
    return target


def base_edge(target: Tensor) -> bool:
    """Whether the target is a view of something that gradients flow through."""
    return target._base is not None and target._base._edge is not None


def kept_apart(op: Op, inputs: tuple[Any, ...], edges: list[Any]) -> tuple[Any, ...]:
    """The inputs, with copies of those that a rule wants and that are about to be overwritten."""
    if op.variadic:
        return inputs
    target = inputs[0]
    cell = None if target._alias is None else target._alias[0]
    wanted = {key for rule in op.rules if not rule.idle(edges) for source, key in rule.wants if source == "input"}
    return tuple([
        make(namespace_of(t).copy(t._array)) if i in wanted and isinstance(t, Tensor) and (
            t is target or (cell is not None and t._alias is not None and t._alias[0] is cell)) else t
        for i, t in enumerate(inputs)])


def kernel_fits(arrays: list[Any]) -> bool:
    """Whether an op's in-place kernel may run: one dtype, not 16 bits, the target's shape, no operand that overlaps it.

    `inplace_source` in specialize.py asks the same of the common case.
    """
    target = arrays[0]
    native, shape = target.dtype, target.shape
    if native.itemsize == 2 or native.kind not in "fc" or 0 in target.strides:
        return False
    for a in arrays:
        if a.__class__ in XP:
            if a.dtype is not native or (a.shape != shape and (a.size != 1 or a.ndim > len(shape))):
                return False
            if a is not target and overlaps(XP[a.__class__], a, target):
                return False                    # it would read what was just written
        elif a.__class__ is complex:
            return False
    return True


def overlaps(xp: Any, a: Any, target: Any) -> bool:
    """Whether an operand shares memory with the target other than element by element."""
    if not xp.shares_memory(a, target):
        return False
    return bool(xp.address(a) != xp.address(target) or a.strides != target.strides or a.shape != target.shape)


def write(name: str, xp: Any, array: Any, result: Any) -> None:
    """Copies a result into the target's memory, after checking that it fits."""
    result = xp.asarray(result)
    if result.shape != array.shape:
        raise RuntimeError(f"output with shape {list(array.shape)} doesn't match the broadcast shape "
                           f"{list(result.shape)}. In {name}(); use the out-of-place op instead")
    kind, wanted = xp.dtype_of(result), xp.dtype_of(array)
    if not can_cast(kind, wanted):
        raise RuntimeError(f"result type {SCALAR_NAMES[kind.name]} can't be cast to the desired output type "
                           f"{SCALAR_NAMES[wanted.name]}. In {name}; cast the tensor first, or use the out-of-place op")
    check_overlap(name, xp, array)
    xp.copyto(array, xp.cast(result, wanted))


def check_overlap(name: str, xp: Any, array: Any) -> None:
    """Refuses to write to an expanded tensor, where several elements are one in memory."""
    if 0 in array.strides and array.size and any(n > 1 and s == 0 for n, s in zip(array.shape, array.strides)):
        raise RuntimeError("unsupported operation: more than one element of the written-to tensor refers to a single "
                           f"memory location. Please clone() the tensor before performing the operation. In {name}")


# pick elements: out may not be an input
APART = frozenset(("gather", "index_select", "kthvalue", "masked_select", "take"))
SAME_DTYPE = frozenset(("aminmax", "complex", "gather", "polar"))                        # do not cast what they give


def check_out(op: Op, inputs: tuple[Any, ...], out: Any) -> None:
    """Refuses an `out=` that the op would read while writing to it, or, for some ops, one of another dtype."""
    targets = [t for t in (out if isinstance(out, (tuple, list)) else (out,)) if isinstance(t, Tensor)]
    given = [t for t in inputs if isinstance(t, Tensor)]
    for target in targets:
        xp = namespace_of(target)
        if op.name in APART:
            check_overlap(op.name, xp, target._array)
            if any(xp.shares_memory(target._array, t._array) for t in given):
                raise RuntimeError("unsupported operation: some elements of the input tensor and the written-to "
                                   "tensor refer to "
                                   f"a single memory location. Please clone() the tensor before the operation. In "
                                   f"{op.name}()")
        if op.name in SAME_DTYPE and target.dtype not in (given[0].dtype, given[0].dtype.to_complex()
                                                          if given[0].dtype.is_floating_point else None):
            raise RuntimeError(f"Expected out tensor to have dtype {given[0].dtype}, but got {target.dtype} instead. "
                               f"In {op.name}()")


def warn_of_resize(out: Tensor, result: Tensor) -> None:
    """PyTorch's warning for an `out=` of another shape that is not empty."""
    warnings.warn(f"An output with one or more elements was resized since it had shape {list(out.shape)}, which does "
                  f"not match the required output shape {list(result.shape)}. This behavior is deprecated, and in a "
                  "future PyTorch release outputs will not be resized unless they have zero elements. You can "
                  "explicitly reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
                  stacklevel=4)


def write_out(op: Op, result: Any, out: Any) -> Any:
    """Puts a result into the tensor(s) given as `out=`, resizing them if need be.

    Raises: RuntimeError if the result's dtype cannot be cast to `out`'s, or gradients would flow.
    """
    if isinstance(result, tuple):
        return tuple([write_out(op, r, o) for r, o in zip(result, out)])
    if not isinstance(out, Tensor):
        raise TypeError(f"{op.name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if (state.plain or modes.records) and (result._edge is not None or out._edge is not None):
        raise RuntimeError(f"{op.name}(): functions with out=... arguments don't support automatic "
                           "differentiation, but one of the arguments requires grad.")
    xp = XP[out._array.__class__]
    if out._array.shape != result._array.shape:
        if out._array.size:
            warn_of_resize(out, result)
        out._array = xp.empty(result._array.shape, out._array.dtype)
    write(op.name, xp, out._array, result._array)
    bump(out)
    return out


