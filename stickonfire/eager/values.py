"""What a gradient is during a backward walk: bare arrays as a rule, Tensors under `create_graph=True`.

The same gradient rules run in both cases; only the namespace they are handed differs.
"""
from __future__ import annotations

from typing import Any

from ..backends.base import XP
from ..core import dtypes
from ..tape.node import Node, Output
from . import namespace
from .graph import AccumulateGrad, OpNode
from .tensor import Tensor, make


class ArrayValues:
    """Gradients as bare arrays: nothing is recorded."""

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def fit(self, grad: Any, child: Node, i: int, parent: Node, output: int) -> Any:
        """Undoes broadcasting and promotion: a gradient has its tensor's shape and dtype."""
        shape = parent.shape if parent.outputs == 1 else parent.shape[output]
        if grad.__class__ not in XP:
            grad = namespace_like(grad).asarray(grad)
        if grad.shape != shape:
            grad = sum_to(XP[grad.__class__], grad, shape)
        if child.natives is not None and child.natives[i] is not None and grad.dtype != child.natives[i]:
            xp = XP[grad.__class__]
            grad = xp.cast(grad, xp.dtype_of_native(child.natives[i]))
        return grad

    def arguments(self, node: OpNode, grads: list[Any]) -> tuple[Any, Any, Any]:
        """Namespace, output gradient(s) and saved values, as an op's rules want them."""
        xp = XP[next(g for g in grads if g is not None).__class__]
        saved: Any = node.saved
        if node.outputs == 1:
            g = grads[0]
            if g.dtype.itemsize == 2 and node.op.opmath:
                return xp, widened(xp, g), [None if k is None else [widened(xp, v) for v in k] for k in saved]
            return xp, g, saved
        filled = [xp.zeros(shape, node.native) if g is None else g
                  for g, shape in zip(grads, node.shape)]
        if node.op.opmath and any(g.dtype.itemsize == 2 for g in filled):
            filled = [widened(xp, g) for g in filled]
            saved = [None if k is None else [widened(xp, v) for v in k] for k in saved]
        return xp, filled, saved

    def accumulate(self, leaf: AccumulateGrad, grad: Any) -> None:
        """Adds to a leaf's gradient. The walk may hold the array elsewhere, so a leaf keeps a copy of its own."""
        xp = XP[grad.__class__]
        if leaf.grad is None:
            leaf.grad = make(xp.copy(grad))
        elif leaf.grad._edge is None:
            xp.add(leaf.grad._array, grad, out=leaf.grad._array)
        else:
            leaf.grad = make(xp.asarray(leaf.grad._array + grad))
        run_post_hooks(leaf)

    def wrap(self, grad: Any) -> Tensor | None:
        return None if grad is None else make(grad)

    def unwrap(self, t: Tensor | None) -> Any:
        return None if t is None else t._array

    def call_prehooks(self, node: Node, grads: list[Any]) -> list[Any]:
        """Runs the hooks on the outputs' gradients; what a hook returns replaces the gradient."""
        tensors = [self.wrap(g) for g in grads]
        for output, hook in list((node.prehooks or {}).values()):
            if output < 0:
                result = hook(tuple(tensors))
                tensors = tensors if result is None else list(result)
            elif tensors[output] is not None:
                result = hook(tensors[output])
                tensors[output] = tensors[output] if result is None else result
        return [self.unwrap(t) for t in tensors]

    def call_hooks(self, node: Node, inputs: tuple[Any, ...], grads: list[Any]) -> tuple[Any, ...]:
        """Runs the hooks on the node."""
        tensors, given = tuple(map(self.wrap, inputs)), tuple(map(self.wrap, grads))
        for hook in list((node.hooks or {}).values()):
            result = hook(tensors, given)
            tensors = tensors if result is None else tuple(result)
        return tuple(map(self.unwrap, tensors))

    def retain(self, node: Node, grads: list[Any]) -> None:
        """Stores the gradient of a non-leaf that asked for it."""
        for output, holder in (node.retained or {}).items():
            if grads[output] is not None and (t := holder()) is not None:
                grad = self.wrap(grads[output])
                t.__dict__["_grad"] = grad if t.__dict__.get("_grad") is None else t.__dict__["_grad"] + grad

    def check(self, node: Node, inputs: tuple[Any, ...]) -> None:
        """Anomaly mode: no gradient may hold NaN."""
        for i, grad in enumerate(inputs):
            if grad is None:
                continue
            array = grad._array if isinstance(grad, Tensor) else grad
            if (array != array).any():
                raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output. The forward call "
                                   f"that made it:\n{node.trace or '(made outside anomaly mode)'}")


class TensorValues(ArrayValues):
    """Gradients as Tensors: the rules are recorded in turn, for higher orders."""

    def fit(self, grad: Any, child: Node, i: int, parent: Node, output: int) -> Any:
        shape = parent.shape if parent.outputs == 1 else parent.shape[output]
        if tuple(grad.shape) != shape:
            grad = sum_to(namespace, grad, shape)
        if child.natives is not None and child.natives[i] is not None:
            grad = namespace.cast(grad, XP[grad._array.__class__].dtype_of_native(child.natives[i]))
        return grad

    def arguments(self, node: OpNode, grads: list[Any]) -> tuple[Any, Any, Any]:
        some = next(g for g in grads if g is not None)
        if node.outputs == 1:
            filled: Any = grads[0]
        else:
            filled = [namespace.zeros_like(some, shape=shape) if g is None else g for g, shape in zip(grads, node.shape)]
        return namespace, filled, [None if kept is None else self.connected(node, rule, kept)
                                   for rule, kept in zip(node.op.rules, node.saved or ())]

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

    def accumulate(self, leaf: AccumulateGrad, grad: Any) -> None:
        leaf.grad = namespace.copy(grad) if leaf.grad is None else leaf.grad + grad
        run_post_hooks(leaf)

    def wrap(self, grad: Any) -> Tensor | None:
        return grad

    def unwrap(self, t: Tensor | None) -> Any:
        return t


def run_post_hooks(leaf: AccumulateGrad) -> None:
    """Runs the hooks that wait for a leaf's gradient to be complete."""
    if leaf.post_hooks:
        for hook in list(leaf.post_hooks.values()):
            hook()


def namespace_like(number: Any) -> Any:
    """The namespace whose scalars `number` is one of: a rule on 0-d arrays may return such."""
    return next(xp for xp in XP.values() if isinstance(number, xp.scalar_types))


def sum_to(xp: Any, grad: Any, shape: tuple[int, ...]) -> Any:
    """Sums a gradient over the dims along which its input was broadcast; expands one that is too small."""
    if grad.ndim < len(shape) or any(n == 1 != m for n, m in zip(reversed(grad.shape), reversed(shape))):
        return xp.broadcast_to(grad, shape)
    extra = grad.ndim - len(shape)
    dims = tuple(range(extra)) + tuple([i + extra for i, n in enumerate(shape) if n == 1 and grad.shape[i + extra] != 1])
    if dims:
        grad = xp.sum(grad, axis=dims, keepdims=True)
    return xp.reshape(grad, shape)


def widened(xp: Any, value: Any) -> Any:
    """A 16-bit float array in float32, where rules compute; anything else as it is."""
    if value.__class__ in XP and value.dtype.itemsize == 2 and xp.dtype_of(value).is_reduced:
        return xp.cast(value, dtypes.float32)
    return value
