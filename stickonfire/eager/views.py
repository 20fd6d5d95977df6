"""In-place writes to views, and what they do to the graph.

A view knows its base and the version at which its edge was right. After a write through the base or
another view, the edge is made anew: the view becomes a region of whatever the base is now. A write
*through* a view makes the base a copy of itself with that region replaced (PyTorch's CopySlices).
"""
from __future__ import annotations

from typing import Any

from ..core.state import modes
from ..ops.op import Op
from ..ops.shape import copy_slices, region
from ..tape.node import Edge, Node, Output, next_number
from .graph import OpNode
from .tensor import Tensor, namespace_of, new


def current_edge(t: Tensor) -> Edge | None:
    """The edge of a tensor, remade if it is a view whose memory was written since."""
    alias = t._alias
    if alias is not None and alias[1] is not None and alias[2] != alias[0][0]:
        cell, base, _ = alias
        t._alias = (cell, base, cell[0])
        edge = current_edge(base)
        if edge is not None:
            t._edge = as_region(t, base, edge)
    return t._edge


def as_region(t: Tensor, base: Tensor, edge: Edge) -> Node:
    """A node that says: these are the elements of the base at the view's positions."""
    positions = namespace_of(t).positions(t._array, base._array)
    return bare_node(region, (edge,), ((positions, base._array.shape),), t._array.shape)


def bare_node(op: Op, parents: tuple[Edge | None, ...], saved: tuple[Any, ...], shape: tuple[int, ...]) -> OpNode:
    """A node for an op that was not run: its memory already is as the op would leave it."""
    node = new(OpNode)
    node.number = next_number()
    node.op, node.parents, node.saved, node.shape = op, parents, saved, shape
    return node


def rebase(target: Tensor, edge: Edge | None) -> None:
    """Makes `edge` what the target's new value came from; if the target is a view, what the base's region came from."""
    base = target._base
    if base is None:
        target._edge = edge
        return
    made_by = target._edge
    if isinstance(made_by, Output) and isinstance(made_by.node, OpNode) and made_by.node.op.view and modes.grad:
        raise RuntimeError(f"Output {made_by.index} of {made_by.node.name()} is a view and is being modified inplace. This "
                           "view is the output of a function that returns multiple views. Such functions do not allow the "
                           "output views to be modified inplace. You should replace the inplace operation by an "
                           "out-of-place one.")
    positions = namespace_of(target).positions(target._array, base._array)
    base._edge = bare_node(copy_slices, (current_edge(base), edge), ((positions,), (positions,)), base._array.shape)
    cell = target._alias[0]                                             # type: ignore[index]
    target._edge = as_region(target, base, base._edge)
    target._alias = (cell, base, cell[0])
