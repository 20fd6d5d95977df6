"""The one choke point: every op, of a user or of the framework, is executed by `dispatch`.

Promote, run the op's forward on bare arrays, wrap, and, if a gradient is wanted, hang one node on the
graph. `dispatch_inplace` (inplace.py) does the same for `name_` methods; `binary` and `unary` below are the short
way for the commonest calls. Nothing above runs a forward by itself.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..backends.base import XP, backend_for
from ..core import state
from ..core.dtypes import dtype
from ..core.state import modes
from ..ops.op import Op
from ..tape.node import Edge, next_number
from .complaints import rephrased
from .graph import OpNode, record
from .promotion import UNSET, cached_plan, promote, wrap_numbers
from .tensor import INFERENCE, Tensor, make, make_view, new


def dispatch(op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    """Executes an op. Inputs are Tensors, numbers or None. Returns a Tensor, or a tuple of them."""
    arrays: list[Any] = []
    edges: list[Edge | None] = []
    tracked = False
    for t in inputs:
        if isinstance(t, Tensor):
            arrays.append(t._array)
            edge = t._edge
            edges.append(edge)
            if edge is not None:
                tracked = True
        else:
            arrays.append(t)
            edges.append(None)
    result, xp = execute(op, arrays, attrs)
    tracked = tracked and (state.plain or modes.grad)
    if op.view:
        outs = wrap_views(op, inputs[0], result, xp)
        if tracked:
            record(op, inputs, arrays, edges, attrs, outs)
        return outs if result.__class__ is tuple or result.__class__ is list else outs[0]
    if result.__class__ is tuple or result.__class__ is list:
        outs = tuple([make(a if a.__class__ in XP else xp.asarray(a)) for a in result])
        if tracked:
            record(op, inputs, arrays, edges, attrs, outs)
        return outs
    out = new(Tensor)
    out._array = result if result.__class__ in XP else xp.asarray(result)
    out._edge = out._alias = None
    if tracked:
        record(op, inputs, arrays, edges, attrs, (out,))
    elif not state.plain and modes.inference:
        out._alias = INFERENCE
    return out


def execute(op: Op, arrays: list[Any], attrs: dict[str, Any]) -> tuple[Any, Any]:
    """Runs the forward on arrays brought to the op's dtype. Returns its result and the namespace."""
    first = arrays[0] if arrays else None
    xp = XP.get(first.__class__) or namespace(arrays, attrs)
    rounded: dtype | None = None
    if op.promote != "none":
        native = first.dtype if first.__class__ in XP and not op.exempt else None
        if native is not None:
            for a in arrays:
                if a is not None and (a.__class__ not in XP or a.dtype is not native):
                    native = None
                    break
        if native is None:
            arrays, rounded = promote(op, arrays)
        else:
            plan = op.casts.get(native, UNSET)
            if plan is UNSET:
                plan = cached_plan(op, xp, native)
            if plan is not None:
                compute, rounded = plan
                arrays = [a if a is None else xp.cast(a, compute) for a in arrays]
    try:
        result = op.forward(xp, arrays, **attrs) if op.variadic else op.forward(xp, *arrays, **attrs)
    except OverflowError:
        result = op.forward(xp, *wrap_numbers(op, arrays), **attrs)
    except (ValueError, TypeError) as error:
        raise rephrased(error, op, arrays) from error
    if rounded is not None:
        result = round_floats(xp, result, rounded)
    return result, xp


def namespace(arrays: list[Any], attrs: dict[str, Any]) -> Any:
    """The namespace of the first array, or, for an op that creates one, of the device asked for."""
    for a in arrays:
        if a.__class__ in XP:
            return XP[a.__class__]
    return backend_for(attrs.get("device")).xp


def round_floats(xp: Any, result: Any, kind: dtype) -> Any:
    """Rounds what was computed in float32 for a 16-bit dtype; leaves bools and indices alone."""
    if result.__class__ is tuple or result.__class__ is list:
        return tuple([round_floats(xp, r, kind) for r in result])
    return xp.cast(result, kind) if xp.dtype_of(result).is_floating_point else result


def wrap_views(op: Op, source: Tensor, result: Any, xp: Any) -> tuple[Tensor, ...]:
    """Tensors over results that share the source's memory (those of a "maybe" op, if they do)."""
    arrays = result if result.__class__ is tuple or result.__class__ is list else (result,)
    return tuple([make_view(a, source) if op.view == "always" or xp.shares_memory(a, source._array) else make(a)
                  for a in arrays])


def binary(op: Op) -> Callable[[Tensor, Any], Any]:
    """The method `self op other`, with a short way for two tensors that need no promotion.

    It does what `dispatch` does, inlined: at this size each look-up counts.
    """
    forward, casts, attrs, rules = op.forward, op.casts, op.attribute_defaults, op.rules
    saves = any(source != "attr" for rule in rules for source, _ in rule.wants)
    constants = () if saves else tuple([tuple([attrs[key] for _, key in rule.wants]) for rule in rules])

    def method(self: Tensor, other: Any) -> Any:
        try:
            a, b = self._array, other._array
        except AttributeError:
            return dispatch(op, (self, operand(op, other)), attrs)
        native = a.dtype
        if b.dtype is not native or casts.get(native, UNSET) is not None or not state.plain:
            return dispatch(op, (self, other), attrs)
        try:
            result = forward(XP[a.__class__], a, b)
        except ValueError as error:
            raise rephrased(error, op, [a, b]) from error
        out = new(Tensor)
        out._array = result if result.__class__ in XP else XP[a.__class__].asarray(result)
        out._edge = out._alias = None
        left, right = self._edge, other._edge
        if left is not None or right is not None:
            if saves:
                record(op, (self, other), [a, b], [left, right], attrs, (out,))
            else:
                out._edge = node = new(OpNode)
                node.number = next_number()
                node.parents = left, right
                node.op = op
                node.saved = constants
                node.shape = result.shape
        return out
    return method
