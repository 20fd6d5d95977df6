"""In-place writes to views, and what they do to the graph.

A view knows its base and the version at which its edge was right. After a write through the base or
another view, the edge is made anew: the view becomes a region of whatever the base is now. A write
*through* a view makes the base a copy of itself with that region replaced (PyTorch's CopySlices).
"""
from __future__ import annotations

from typing import Any

from ..ops.op import Op
from ..ops.shape import copy_slices, region
from ..tape.node import Edge, Node, ends_of, next_number
from .graph import AccumulateGrad, OpNode
from .tensor import Tensor, namespace_of, new


def current_edge(t: Tensor) -> Edge | None:
    """The edge of a tensor, remade if it is a view whose memory was written since."""
    alias = t._alias
    if alias is not None and alias[1] is not None and alias[2] != alias[0][0]:
        cell, base, _ = alias
        t._alias = (cell, base, cell[0])
        edge = current_edge(base)
        if edge is not None:
            if t._edge is not None:
                refuse_protected(t._edge, "its base or another view of its base has been")
            t._edge = as_region(t, base, edge)
    return t._edge


def as_region(t: Tensor, base: Tensor, edge: Edge) -> Node:
    """A node that says: these are the elements of the base at the view's places."""
    return bare_node(region, (edge,), (geometries(t, base),), t._array.shape)


def geometries(t: Tensor, base: Tensor) -> tuple[Any, Any]:
    """Where a view lies in its base.

    Raises: NotImplementedError if the view reads the memory as another dtype.
    """
    if t._array.dtype != base._array.dtype:
        raise NotImplementedError(f"writing in place to a {t.dtype} view of a {base.dtype} tensor that needs a "
                                  "gradient is not supported. Work on a clone(), and make the other tensor from it")
    xp = namespace_of(t)
    return xp.geometry(t._array), xp.geometry(base._array)


def bare_node(op: Op, parents: tuple[Edge | None, ...], saved: tuple[Any, ...], shape: tuple[int, ...]) -> OpNode:
    """A node for an op that was not run: its memory already is as the op would leave it."""
    node = new(OpNode)
    node.number = next_number()
    node.op, node.parents, node.saved, node.shape, node.versions = op, parents, saved, shape, ()
    return node


def rebase(target: Tensor, edge: Edge | None) -> None:
    """Makes `edge` what the target's new value came from; if the target is a view, what the base's region came from."""
    base, before = target._base, target._edge
    if base is None:
        target._edge = edge
        move_retained(target, before)
        return
    places = geometries(target, base)
    base_before = current_edge(base)
    base._edge = bare_node(copy_slices, (base_before, edge), (places, places), base._array.shape)
    move_retained(base, base_before)
    target._edge = None
    target._alias = (target._alias[0], base, -1)        # type: ignore[index]     # a region, when its edge is asked for
    if before is not None and ends_of(before)[0].hooks is not None:
        current_edge(target)
        move_retained(target, before)


def move_retained(t: Tensor, before: Edge | None) -> None:
    """A non-leaf that retains its gradient goes on to do so after it was overwritten."""
    if before is None or t._edge is None:
        return
    node, output = ends_of(before)
    if node.hooks is not None and (holder := node.hooks.retained.get(output)) is not None and holder() is t:
        del node.hooks.retained[output]
        node, output = ends_of(t._edge)
        node.hooked().retained[output] = holder


def check_writable(target: Tensor, edge: Edge | None) -> None:
    """Raises PyTorch's errors for what must not be overwritten where gradients flow; `edge` is the target's."""
    base = target._base
    if isinstance(edge, AccumulateGrad):
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation. Update it under "
                           "torch.no_grad(), or through .data")
    if base is None:
        return
    if base._edge is not None and edge is None:
        raise RuntimeError("A view was created in no_grad mode and is being modified inplace with grad mode "
                           "enabled. Given "
                           "that this use case is ambiguous and error-prone, it is forbidden. You can clarify "
                           "your code by "
                           "moving both the view and the inplace either both inside the no_grad block (if you "
                           "don't want "
                           "the inplace to be tracked) or both outside (if you want the inplace to be tracked).")
    if isinstance(base._edge, AccumulateGrad):
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place "
                           "operation. Update it under torch.no_grad(), or through .data")
    if edge is not None:
        refuse_protected(edge, "is being")


def refuse_protected(edge: Edge, what: str) -> None:
    """Raises for a view whose history a write would break: one of several outputs, or of a user-written function."""
    node, output = ends_of(edge)
    if node.custom:
        raise RuntimeError(f"Output {output} of {node.name()} is a view and {what} modified inplace. This "
                           "view was created inside a custom Function (or because an input was returned as-is) and the "
                           "autograd logic to "
                           "handle view+inplace would override the custom backward associated with the custom "
                           "Function, leading to incorrect gradients. This behavior is forbidden. You can fix this by "
                           "cloning the output of the custom Function.")
    if node.outputs > 1 and isinstance(node, OpNode) and node.op.view:
        raise RuntimeError(f"Output {output} of {node.name()} is a view and {what} modified inplace. This "
                           "view is the output "
                           "of a function that returns multiple views. Such functions do not allow the output "
                           "views to be "
                           "modified inplace. You should replace the inplace operation by an out-of-place one.")
