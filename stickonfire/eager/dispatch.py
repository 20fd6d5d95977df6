"""The one choke point: every op, of a user or of the framework, is executed by `dispatch`.

Promote, run the op's forward on bare arrays, wrap, and, if a gradient is wanted, hang one node on the
graph. `dispatch_inplace` (inplace.py) does the same for `name_` methods. `specialize.py` writes, for each op, what
happens here as straight code for the common case. Nothing above runs a forward by itself.
"""
from __future__ import annotations

from typing import Any

from ..backends.base import XP, backend_for
from ..core import state
from ..core.dtypes import dtype
from ..core.state import modes
from ..ops.op import Op
from ..tape.node import Edge
from .complaints import rephrased
from .graph import record
from .promotion import cast_inputs, make_plan, signature, wrap_numbers
from .tensor import Tensor, make, make_view
from .views import current_edge


def dispatch(op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    """Executes an op. Inputs are Tensors, numbers or None. Returns a Tensor, or a tuple of them."""
    if not state.plain:
        if modes.handler is not None:
            return modes.handler.dispatch(op, inputs, attrs)
        if modes.recorder is not None:
            modes.recorder.lift_all(inputs)
    arrays: list[Any] = []
    edges: list[Edge | None] = []
    tracked = False
    for t in inputs:
        if isinstance(t, Tensor):
            arrays.append(t._array)
            alias = t._alias
            edge = t._edge if alias is None or alias[1] is None else current_edge(t)
            edges.append(edge)
            if edge is not None:
                tracked = True
        else:
            arrays.append(t)
            edges.append(None)
    result, xp = execute(op, arrays, attrs)
    return finish(op, inputs, arrays, edges, attrs, result, xp, tracked and (state.plain or modes.records))


def finish(op: Op, inputs: tuple[Any, ...], arrays: list[Any], edges: list[Edge | None], attrs: dict[str, Any],
           result: Any,
           xp: Any, tracked: bool) -> Any:
    """Tensors over the results of a forward, with their node if a gradient is wanted."""
    several = result.__class__ is tuple or result.__class__ is list
    results = result if several else (result,)
    if op.view:
        outs = wrap_views(op, inputs[0], results, xp)
    else:
        outs = tuple([make(a if a.__class__ in XP else xp.asarray(a)) for a in results])
    if tracked and outs:
        record(op, inputs, arrays, edges, attrs, outs)
    return outs if several else outs[0]


def several_outputs(op: Op, inputs: tuple[Any, ...], arrays: list[Any], attrs: dict[str, Any], result: Any) -> Any:
    """`finish` for an op that turned out to give several outputs."""
    edges = [current_edge(t) if isinstance(t, Tensor) else None for t in inputs]
    tracked = (state.plain or modes.records) and any([edge is not None for edge in edges])
    return finish(op, inputs, arrays, edges, attrs, result, XP[arrays[0].__class__], tracked)


def execute(op: Op, arrays: list[Any], attrs: dict[str, Any]) -> tuple[Any, Any]:
    """Runs the forward on arrays brought to the op's dtype. Returns its result and the namespace."""
    xp = XP.get(arrays[0].__class__) if arrays else None
    if xp is None:
        xp = namespace(arrays, attrs)
    rounded: dtype | None = None
    try:
        if op.promote != "none":
            key = signature(arrays)
            plan = op.casts.get(key)
            if plan is None:
                plan = op.casts[key] = make_plan(op, xp, arrays)
            casts, rounded = plan
            if casts is not None:
                arrays = cast_inputs(xp, arrays, casts)
        result = forward(op, xp, arrays, attrs)
    except OverflowError:
        result = forward(op, xp, wrap_numbers(op, arrays), attrs)
    except (ValueError, TypeError, AttributeError, RuntimeError, IndexError) as error:
        better = rephrased(error, op, arrays, attrs)
        if better is error:
            raise
        raise better from error
    if rounded is not None:
        result = round_floats(xp, result, rounded)
    return result, xp


def forward(op: Op, xp: Any, arrays: list[Any], attrs: dict[str, Any]) -> Any:
    """Calls the op's forward, whose parameters may have attributes between the tensors."""
    if not state.plain and modes.recorder is not None:
        captured = modes.recorder.forward(op, arrays, attrs)
        if captured is not None:
            return captured[0]
    if op.variadic:
        return op.forward(xp, arrays, **attrs)
    if op.tensors_first:
        return op.forward(xp, *arrays, **attrs)
    return op.forward(xp, **dict(zip(op.tensors, arrays)), **attrs)


def namespace(arrays: list[Any], attrs: dict[str, Any]) -> Any:
    """The namespace of the first array, or, for an op that creates one, of the device asked for."""
    for a in arrays:
        if a.__class__ in XP:
            return XP[a.__class__]
    if not state.plain and modes.recorder is not None:
        return modes.recorder.xp
    return backend_for(attrs.get("device")).xp


def round_floats(xp: Any, result: Any, kind: dtype) -> Any:
    """Rounds what was computed in float32 for a 16-bit dtype; leaves bools and indices alone."""
    if result.__class__ is tuple or result.__class__ is list:
        return tuple([round_floats(xp, r, kind) for r in result])
    return xp.cast(result, kind) if xp.dtype_of(result).is_floating_point else result


def wrap_views(op: Op, source: Tensor, arrays: Any, xp: Any) -> tuple[Tensor, ...]:
    """Tensors over results that share the source's memory (those of a "maybe" op, if they do)."""
    return tuple([make_view(a, source) if op.view == "always" or xp.shares_memory(a, source._array) else make(a)
                  for a in arrays])


NUMBERS = {bool, int, float, complex}        # the compiler adds its kind of float


def dispatch_operator(op: Op, self: Any, other: Any) -> Any:
    """An operator with whatever operand: NotImplemented if we have no answer, so that Python asks the other."""
    if isinstance(other, Tensor) or other.__class__ in NUMBERS and op.scalars:
        return dispatch(op, (self, other), op.attribute_defaults)
    if hasattr(other, "dtype") and hasattr(other, "item"):              # a NumPy number or array
        return dispatch(op, (self, other.item() if other.ndim == 0 else make(other)), op.attribute_defaults)
    return NotImplemented
