"""The backward walk: from the roots down, each node once, by falling number.

No recursion, and each gradient is dropped as soon as it was used. The walk does not know what a
gradient is; the `values` it is given add, fit and wrap them (bare arrays, or Tensors for create_graph).
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any, Protocol

from .node import Edge, Node, ends_of


class Values(Protocol):
    """What the walk, and the nodes, have to know about gradients."""

    def add(self, a: Any, b: Any) -> Any: ...
    def fit(self, grad: Any, child: Node, i: int, parent: Node, output: int) -> Any: ...
    def arguments(self, node: Any, grads: list[Any]) -> tuple[Any, Any, Any]: ...
    def accumulate(self, leaf: Any, grad: Any) -> None: ...
    def call_prehooks(self, node: Node, grads: list[Any]) -> list[Any]: ...
    def call_hooks(self, node: Node, inputs: tuple[Any, ...], grads: list[Any]) -> tuple[Any, ...]: ...
    def retain(self, node: Node, grads: list[Any]) -> None: ...
    def check(self, node: Node, inputs: tuple[Any, ...]) -> None: ...


def walk(roots: Iterable[tuple[Edge, Any]], values: Values, keep: bool, anomaly: bool = False,
         wanted: dict[Node, list[int]] | None = None,
         collect: Callable[[Node, int, Any], None] | None = None) -> None:
    """Runs the nodes that the roots depend on.

    roots: edges with their gradients. keep: whether nodes keep what they saved. wanted: outputs whose gradients go to
    `collect` instead of to leaves; then only nodes that lead to one of these run.
    """
    waiting: dict[Node, list[Any]] = {}
    heap: list[tuple[int, Node]] = []

    def arrive(node: Node, output: int, grad: Any) -> None:
        grads = waiting.get(node)
        if grads is None:
            waiting[node] = grads = [None] * node.outputs
            heappush(heap, (-node.number, node))
        grads[output] = grad if grads[output] is None else values.add(grads[output], grad)

    starts = [(*ends_of(edge), grad) for edge, grad in roots]
    useful = None if wanted is None else leading_to(wanted, [start[0] for start in starts])
    for node, output, grad in starts:
        if useful is None or node in useful:
            arrive(node, output, grad)
    while heap:
        node = heappop(heap)[1]
        grads = waiting.pop(node)
        if node.prehooks is not None:
            grads = values.call_prehooks(node, grads)
        if node.retained is not None:
            values.retain(node, grads)
        if wanted is not None and node in wanted:
            for output in wanted[node]:
                collect(node, output, grads[output])            # type: ignore[misc]
            if not any(edge is not None and ends_of(edge)[0] in useful for edge in node.parents):   # type: ignore[operator]
                continue
        inputs = node.apply(grads, values)
        if node.hooks is not None:
            inputs = values.call_hooks(node, inputs, grads)
        if anomaly:
            values.check(node, inputs)
        if not keep:
            node.release()
        for i, (edge, grad) in enumerate(zip(node.parents, inputs)):
            if grad is not None and edge is not None:
                parent, output = ends_of(edge)
                if useful is None or parent in useful:
                    arrive(parent, output, values.fit(grad, node, i, parent, output))


def leading_to(wanted: Iterable[Node], roots: list[Node]) -> set[Node]:
    """The nodes below the roots from which a wanted node can be reached, the wanted included."""
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend([ends_of(edge)[0] for edge in node.parents if edge is not None])
    useful = set(wanted) & seen
    for node in sorted(seen, key=lambda n: n.number):           # parents have lower numbers than their children
        if any(edge is not None and ends_of(edge)[0] in useful for edge in node.parents):
            useful.add(node)
    return useful
