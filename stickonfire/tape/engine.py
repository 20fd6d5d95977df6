"""The backward walk: from the roots down, each node once, the youngest first, leaves last.

No recursion, and each gradient is dropped as soon as it was used. The walk does not know what a gradient
is, only that it has a `shape`; the `values` it is given add and fit them (bare arrays, or Tensors for
create_graph). Called by `eager/autograd.py`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, Protocol

from .node import Edge, Node, Output, ends_of


class Values(Protocol):
    """What the walk, and the nodes, have to know about gradients."""

    def add(self, a: Any, b: Any) -> Any: ...
    def fit(self, grad: Any, shape: tuple[int, ...], native: Any) -> Any: ...
    def call_tensor_hooks(self, node: Node, grads: list[Any]) -> list[Any]: ...
    def call_prehooks(self, node: Node, grads: list[Any]) -> list[Any]: ...
    def call_hooks(self, node: Node, inputs: Any, grads: list[Any]) -> Any: ...
    def check(self, node: Node, inputs: Any) -> None: ...
    def explain(self, node: Node, error: Exception) -> None: ...


@dataclass(frozen=True)
class Wanted:
    """The outputs whose gradients are asked for, and what is to be done with them."""

    places: dict[Node, list[int]]
    collect: Callable[[Node, int, Any], None]


def walk(roots: list[Edge], grads: list[Any], values: Values, keep: bool, wanted: Wanted | None = None,
         prompt: bool = False, anomaly: bool = False) -> None:
    """Runs the nodes that the roots depend on; `grads` are the roots' gradients.

    keep: whether nodes keep what they saved. wanted: where gradients are collected; then only nodes that lead
    there run, and leaves get none. prompt: leaves run as soon as their gradient is complete (their hooks could
    tell); else at the end. anomaly: errors name the place where the node was made.
    """
    rare = wanted is not None or anomaly
    useful = None if wanted is None else leading_to(wanted.places, roots)
    uses = count_uses(roots) if prompt else None
    add, fit = values.add, values.fit
    waiting: dict[int, tuple[Any, list[Any]]] = {}  # by number: nodes, and the gradients that have arrived
    heap: list[int] = []                            # the numbers of these
    leaves: dict[Node, list[Any]] = {}              # in the order in which their last gradients arrived
    parents: Any = roots
    inputs: Any = grads
    arrived: Any
    while True:
        node: Any = None                            # one that waits alone, outside of the heap: so it is in a chain
        for parent, grad in zip(parents, inputs):
            if grad is None or parent is None:
                continue
            output, many, shape = 0, parent.__class__ is Output, parent.shape
            if many:
                output, parent = parent.index, parent.node
            if grad.shape != shape:
                grad = fit(grad, shape, None)
            if not parent.parents:
                sums = leaves.pop(parent, None)
                leaves[parent] = [grad] if sums is None else [add(sums[0], grad)]
            elif node is None and not heap:
                node, arrived = parent, [None] * parent.outputs if many else [grad]
                arrived[output] = grad
            else:
                if node is not None:
                    heap.append(node.number)
                    waiting[node.number] = node, arrived
                    node = None
                if (place := waiting.get(parent.number)) is None:
                    heappush(heap, parent.number)
                    place = waiting[parent.number] = parent, [None] * parent.outputs if many else [None]
                sums = place[1]
                sums[output] = grad if sums[output] is None else add(sums[output], grad)
        inputs = grad = sums = place = None         # so that a leaf sees whether a gradient is in use elsewhere
        if uses is not None:
            for leaf in completed(parents, uses):
                if leaf in leaves:
                    visit(leaf, leaves.pop(leaf), values, wanted, useful, anomaly)
        if node is None:
            if not heap:
                break
            node, arrived = waiting.pop(heappop(heap))
        parents, natives = node.parents, node.natives
        if rare or node.hooks is not None:
            inputs = visit(node, arrived, values, wanted, useful, anomaly)
        else:
            inputs = node.apply(arrived, values)
        arrived = None
        if inputs is None:                          # nothing wanted lies beyond
            inputs = ()
            continue
        if not keep:
            node.release()
        if natives is not None:
            inputs = [fit(grad, edge.shape, native) if grad is not None and edge is not None else None
                      for grad, edge, native in zip(inputs, parents, natives)]
    for leaf in list(leaves):
        if rare or leaf.hooks is not None:
            visit(leaf, leaves.pop(leaf), values, wanted, useful, anomaly)
        else:
            leaf.apply(leaves.pop(leaf), values)


def visit(node: Node, grads: list[Any], values: Values, wanted: Wanted | None, useful: set[Node] | None,
          anomaly: bool) -> Any:
    """What the walk does at a node where anything rare is asked for. None: the node need not run."""
    hooks = node.hooks
    if hooks is not None:
        grads = values.call_tensor_hooks(node, grads)
    if wanted is not None and useful is not None:
        for output in wanted.places.get(node, ()):
            wanted.collect(node, output, grads[output])
        above = [edge is not None and ends_of(edge)[0] in useful for edge in node.parents]
        if not any(above):
            return None
    if hooks is not None and hooks.before:
        grads = values.call_prehooks(node, grads)
    try:
        inputs = node.apply(grads, values)
    except Exception as error:
        if anomaly:
            values.explain(node, error)
        raise
    if hooks is not None and hooks.after:
        inputs = values.call_hooks(node, inputs, grads)
    if anomaly:
        values.check(node, inputs)
    if useful is not None:
        inputs = [grad if wanted_above else None for grad, wanted_above in zip(inputs, above)]
    return inputs


def reachable(roots: Iterable[Edge]) -> list[Node]:
    """All nodes that the roots depend on, their own included, the youngest first."""
    stack = [ends_of(edge)[0] for edge in roots]
    seen = set(stack)
    while stack:
        for edge in stack.pop().parents:
            if edge is not None and (node := ends_of(edge)[0]) not in seen:
                seen.add(node)
                stack.append(node)
    return sorted(seen, key=lambda node: node.number)


def leading_to(places: Iterable[Node], roots: Iterable[Edge]) -> set[Node]:
    """The nodes that the roots depend on and from which one of the places can be reached, those included."""
    below = reachable(roots)
    useful = set(places) & set(below)
    for node in reversed(below):                    # a node's parents come before it
        if any(edge is not None and ends_of(edge)[0] in useful for edge in node.parents):
            useful.add(node)
    return useful


def count_uses(roots: list[Edge]) -> dict[Node, int]:
    """How many edges lead to each leaf that the roots depend on."""
    uses: dict[Node, int] = {}
    for edges in (roots, *[node.parents for node in reachable(roots)]):
        for edge in edges:
            if edge is not None and not (leaf := ends_of(edge)[0]).parents:
                uses[leaf] = uses.get(leaf, 0) + 1
    return uses


def completed(edges: Iterable[Edge | None], uses: dict[Node, int]) -> list[Node]:
    """The leaves among the edges that are not to get any more gradients."""
    done = []
    for edge in edges:
        if edge is not None and (leaf := ends_of(edge)[0]) in uses:
            uses[leaf] -= 1
            if not uses[leaf]:
                done.append(leaf)
    return done
