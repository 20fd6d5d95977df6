"""What a gradient is during a backward walk: bare arrays as a rule, Tensors under `create_graph=True`.

The same gradient rules run in both cases; only the namespace they are handed differs.
"""
from __future__ import annotations

import warnings
from sys import getrefcount
from typing import Any

from ..backends.base import XP
from ..core import dtypes
from ..core.state import modes
from ..ops.op import REGISTRY
from ..tape.node import Node, Output
from . import namespace
from .graph import ALONE, AccumulateGrad, OpNode
from .inplace import dispatch_inplace
from .modes import capturing, set_grad
from .tensor import Tensor, bump, make


def lift(t: Tensor) -> None:
    """Lets the compiler, if it is listening, know of a tensor that is about to be written."""
    recorder = capturing()
    if recorder is not None:
        recorder.lift_all((t,))


class ArrayValues:
    """Gradients as bare arrays: nothing is recorded."""

    recording = False

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def fit(self, grad: Any, shape: tuple[int, ...], native: Any) -> Any:
        """Undoes broadcasting and promotion: a gradient has its tensor's shape and dtype."""
        if grad.__class__ not in XP:
            grad = as_array(grad)
        xp = XP[grad.__class__]
        if grad.shape != shape:
            if native is not None and grad.dtype.itemsize == 4:
                grad = rounded_first(xp, grad, native)
            extra = grad.ndim - len(shape)
            if extra > 0 and grad.shape[extra:] == shape and grad.dtype.itemsize > 2:   # the usual case, a bias
                grad = xp.add.reduce(grad, axis=0 if extra == 1 else tuple(range(extra)))
            else:
                grad = sum_to(xp, grad, shape)
        if native is not None and grad.dtype != native:
            grad = xp.cast(grad, xp.dtype_of_native(native))
        return grad

    def arguments(self, node: OpNode, grads: list[Any], saved: Any) -> tuple[Any, Any, Any]:
        """Namespace, output gradient(s) and saved values, as an op's rules want them."""
        arrays: list[Any] = [g if g is None or g.__class__ in XP else as_array(g) for g in grads]
        some = next(g for g in arrays if g is not None)
        xp = XP[some.__class__]
        if node.outputs > 1:
            arrays = [xp.zeros(shape, some.dtype) if g is None else g for g, shape in zip(arrays, node.shape)]
        if node.op.widens and any(g.dtype.itemsize == 2 for g in arrays):
            arrays = [widened(xp, g) for g in arrays]
            saved = [None if kept is None else [widened(xp, value) for value in kept] for kept in saved]
        return xp, arrays if node.outputs > 1 else arrays[0], saved

    def accumulate(self, leaf: AccumulateGrad, grads: list[Any]) -> None:
        """Adds to a leaf's gradient. The leaf takes the array for its own if nobody else holds it, else a copy."""
        held = leaf.grad
        if held is not None and grads[0].__class__ is not held._array.__class__:
            lift(held)
        if held is None:
            alone = getrefcount(grads[0]) == ALONE
            grad = as_array(grads[0])
            xp = XP[grad.__class__]
            if grad.strides != leaf.array.strides:
                grad = laid_out(xp, grad, leaf.array)
            elif not alone or xp.is_view(grad):
                grad = xp.copy(grad)
            leaf.grad = make(grad)
        else:
            held._array += grads[0]
            if held._alias is not None:
                bump(held)

    def wrap(self, grad: Any) -> Tensor | None:
        """A gradient as hooks and user-written functions get it."""
        return None if grad is None else make(writable(as_array(grad)))

    def result(self, box: list[Any]) -> Tensor:
        """A gradient as the caller of `grad` gets it: one that shares no memory with others."""
        alone = getrefcount(box[0]) == ALONE
        array = as_array(box[0])
        xp = XP[array.__class__]
        if (alone and not xp.is_view(array)) or repeats(array):
            return make(array)
        return make(xp.copy(array))

    def unwrap(self, t: Tensor | None) -> Any:
        return None if t is None else t._array

    def call_tensor_hooks(self, node: Node, grads: list[Any]) -> list[Any]:
        """Runs the hooks on the outputs' gradients, then stores those that non-leaves asked to retain."""
        hooks: Any = node.hooks
        if hooks.tensor:
            with set_grad(self.recording):
                for output, hook in list(hooks.tensor.values()):
                    if grads[output] is not None:
                        given = self.wrap(grads[output])
                        result = checked_result(hook(given), given)
                        grads[output] = self.unwrap(given if result is None else result)
        for output, holder in hooks.retained.items():
            t = holder()
            if grads[output] is not None and t is not None:
                self.keep(t, grads[output])
        return grads

    def keep(self, t: Tensor, grad: Any) -> None:
        """Adds to the gradient of a non-leaf."""
        before = t.__dict__.get("_grad")
        array = as_array(grad)
        t.__dict__["_grad"] = make(XP[array.__class__].copy(array) if before is None else before._array + array)

    def call_prehooks(self, node: Node, grads: list[Any]) -> list[Any]:
        """Runs the hooks that come before a node; what one returns replaces the gradients."""
        tensors = tuple([self.wrap(g) for g in grads])
        with set_grad(self.recording):
            for hook in list(node.hooks.before.values()):               # type: ignore[union-attr]
                result = hook(tensors)
                tensors = tensors if result is None else as_many(result, tensors, "grad_outputs")
        return [self.unwrap(t) for t in tensors]

    def call_hooks(self, node: Node, inputs: Any, grads: list[Any]) -> Any:
        """Runs the hooks that come after a node; what one returns replaces the gradients for the parents."""
        given = tuple([self.wrap(g) for g in grads])
        tensors = tuple([self.wrap(self.fit(g, edge.shape, None)) if g is not None and edge is not None else None
                         for g, edge in zip(inputs, node.parents)])
        with set_grad(self.recording):
            for hook in list(node.hooks.after.values()):                # type: ignore[union-attr]
                result = hook(tensors, given)
                tensors = tensors if result is None else as_many(result, tensors, "grad_inputs")
        return [self.unwrap(t) for t in tensors]

    def call_post_hooks(self, leaf: AccumulateGrad) -> None:
        """Runs the hooks that wait for a leaf's gradient to be complete."""
        with set_grad(self.recording):
            for hook in list((leaf.post_hooks or {}).values()):
                hook(leaf.variable)

    def check(self, node: Node, inputs: Any) -> None:
        """Anomaly mode: no gradient may hold NaN."""
        for i, grad in enumerate(inputs):
            array = grad._array if isinstance(grad, Tensor) else grad
            if modes.anomaly_nan and array is not None and (array != array).any():
                error = RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output.")
                self.explain(node, error)
                raise error

    def explain(self, node: Node, error: Exception) -> None:
        """Anomaly mode: says where the failing node was made, as a warning and as a note on the error."""
        text = f"Error detected in {node.name()}. " + (
            f"Traceback of forward call that caused the error:\n{node.trace}" if node.trace else
            "No forward pass information available. Enable detect anomaly during forward pass for more information.")
        error.add_note(text)
        warnings.warn(text, stacklevel=2)


class TensorValues(ArrayValues):
    """Gradients as Tensors: the rules are recorded in turn, for higher orders."""

    recording = True

    def fit(self, grad: Any, shape: tuple[int, ...], native: Any) -> Any:
        if tuple(grad.shape) != shape:
            grad = sum_to(namespace, grad, shape)
        if native is not None:
            grad = namespace.cast(grad, XP[grad._array.__class__].dtype_of_native(native))
        return grad

    def arguments(self, node: OpNode, grads: list[Any], saved: Any) -> tuple[Any, Any, Any]:
        some = next(g for g in grads if g is not None)
        if node.outputs == 1:
            filled: Any = grads[0]
        else:
            filled = [namespace.zeros_like(some, shape=shape) if g is None else g
                      for g, shape in zip(grads, node.shape)]
        inputs = [None if kept is None else self.connected(node, rule, kept)
                  for rule, kept in zip(node.op.rules, saved)]
        if node.op.ties and filled._edge is None:
            filled = tied(filled, inputs)
        return namespace, filled, inputs

    def connected(self, node: OpNode, rule: Any, kept: tuple[Any, ...]) -> list[Any]:
        """Saved arrays as Tensors with the edges they had."""
        result = []
        for (source, key), value in zip(rule.wants, kept):
            if source == "input" and node.op.variadic:
                value = [make(a, edge) for a, edge in zip(value, node.parents)]
            elif source == "input" and value.__class__ in XP:
                value = make(value, node.parents[key])
            elif source == "out":
                value = make(value, node if node.outputs == 1 else Output(node, 0))
            elif source == "outs":
                value = [make(a, Output(node, i)) for i, a in enumerate(value)]
            result.append(value)
        return result

    def accumulate(self, leaf: AccumulateGrad, grads: list[Any]) -> None:
        leaf.grad = copied(grads[0]) if leaf.grad is None else leaf.grad + grads[0]

    def keep(self, t: Tensor, grad: Any) -> None:
        before = t.__dict__.get("_grad")
        t.__dict__["_grad"] = copied(grad) if before is None else before + grad

    def wrap(self, grad: Any) -> Tensor | None:
        return grad

    def result(self, box: list[Any]) -> Tensor:
        return box[0]

    def unwrap(self, t: Tensor | None) -> Any:
        return t


def tied(grad: Tensor, inputs: list[Any]) -> Tensor:
    """The gradient, as depending on the first saved tensor that requires a gradient."""
    for value in [value for kept in inputs if kept is not None for value in kept]:
        if isinstance(value, Tensor) and value._edge is not None:
            return namespace.run("tied", grad, value)
    return grad


def copied(grad: Tensor) -> Tensor:
    """A copy of a gradient, connected to it."""
    return dispatch_inplace(COPY, (namespace.zeros_like(grad), grad), {"non_blocking": False})


COPY = REGISTRY["copy"]


def laid_out(xp: Any, grad: Any, like: Any) -> Any:
    """A copy of a gradient with the strides of its leaf, as far as these are dense."""
    out = xp.empty_like(like)
    xp.copyto(out, grad)
    return out


def checked_result(result: Any, given: Tensor | None) -> Any:
    """What a hook on a tensor returned.

    Raises: TypeError, RuntimeError if it is no Tensor, or its shape is not the gradient's.
    """
    if result is None:
        return None
    if not isinstance(result, Tensor):
        raise TypeError(f"expected Tensor, but hook returned '{type(result).__name__}'")
    if result._array.shape != given._array.shape:                       # type: ignore[union-attr]
        raise RuntimeError(f"hook '<unknown>' has changed the size of value: it returned shape "
                           f"{list(result._array.shape)} for a gradient of shape "
                           f"{list(given._array.shape)}")               # type: ignore[union-attr]
    return result


def as_many(result: Any, given: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    """What a hook on a node returned, as a tuple.

    Raises: RuntimeError if these are not as many as there were.
    """
    result = (result,) if isinstance(result, Tensor) else tuple(result)
    if len(result) != len(given):
        raise RuntimeError(f"hook has returned an incorrect number of values for {what} (got {len(result)}, "
                           f"but expected {len(given)})")
    return result


def as_array(grad: Any) -> Any:
    """A gradient as an array: a rule on 0-d arrays may return the array library's scalars."""
    return grad if grad.__class__ in XP else namespace_like(grad).asarray(grad)


def writable(array: Any) -> Any:
    """The array, or a copy if it looks writable and is not."""
    xp = XP[array.__class__]
    return array if xp.is_writable(array) or repeats(array) else xp.copy(array)


def repeats(array: Any) -> bool:
    """Whether the array is an expanded one, which in-place ops refuse to write to."""
    return 0 in array.strides and any(n > 1 and step == 0 for n, step in zip(array.shape, array.strides))


def namespace_like(number: Any) -> Any:
    """The namespace whose scalars `number` is one of: a rule on 0-d arrays may return such."""
    return next(xp for xp in XP.values() if isinstance(number, xp.scalar_types))


def sum_to(xp: Any, grad: Any, shape: tuple[int, ...]) -> Any:
    """Sums a gradient over the dims along which its input was broadcast; expands one that is too small."""
    if grad.ndim < len(shape) or any(n == 1 != m for n, m in zip(reversed(grad.shape), reversed(shape))):
        return xp.broadcast_to(grad, shape)
    extra = grad.ndim - len(shape)
    lead = tuple(range(extra))
    dims = tuple([i + extra for i, n in enumerate(shape) if n == 1 and grad.shape[i + extra] != 1])
    if not dims:
        return xp.sum(grad, axis=lead)
    grad = xp.sum(grad, axis=lead + dims, keepdims=True)
    return xp.reshape(grad, shape) if lead else grad


def rounded_first(xp: Any, grad: Any, native: Any) -> Any:
    """A gradient about to be summed, rounded to the 16 bits it would have in PyTorch; the sum stays in 32."""
    if native is None or native.itemsize != 2:
        return grad
    return xp.cast(xp.cast(grad, xp.dtype_of_native(native)), dtypes.float32)


def widened(xp: Any, value: Any) -> Any:
    """A 16-bit float array in float32, where rules compute; anything else as it is."""
    if value.__class__ in XP and value.dtype.itemsize == 2 and xp.dtype_of(value).is_reduced:
        return xp.cast(value, dtypes.float32)
    return value
