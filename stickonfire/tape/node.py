"""The nodes of a graph. Gradients of a node's outputs come in, gradients for its parents go out.

A tensor points to what made it by an *edge*: the node, or an `Output` of a node that has several.
`parents[i]` is the edge of input i (None if it needs no gradient). Nodes hold no tensors, so a graph is
freed by reference counting alone. Numbers rise with creation: going through nodes by falling number is
a topological order, and the order PyTorch runs them in.
"""
from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

next_number = itertools.count().__next__


class Node:
    """What made a tensor. Subclasses implement `apply`."""

    __slots__ = ("number", "parents", "shape", "__dict__", "__weakref__")
    number: int
    parents: tuple[Edge | None, ...]
    shape: tuple[Any, ...]                  # of the output; if there are several outputs, a tuple of shapes

    # rarely set, hence not slots
    outputs = 1
    natives: tuple[Any, ...] | None = None              # array dtypes of the inputs, where they differ from the output's
    hooks: dict[int, Callable[..., Any]] | None = None  # on the node: f(parents' gradients, output gradients)
    prehooks: dict[int, tuple[int, Callable[..., Any]]] | None = None       # (output, f(gradient)); -1: all outputs
    retained: dict[int, Any] | None = None              # output -> where its gradient is wanted
    trace: str | None = None                            # where it was made, in anomaly mode

    def name(self) -> str:
        """The node's name, as PyTorch prints it in `grad_fn=<...>`."""
        return type(self).__name__

    def apply(self, grads: list[Any], values: Any) -> tuple[Any, ...]:
        """Gradients for the parents (None where there is none), from those of the outputs (None means zeros).

        `values` is what the walk was given: it tells what a gradient is, see `engine.Values`.
        """
        raise NotImplementedError

    def release(self) -> None:
        """Drops what was saved; a second backward then raises."""

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """PyTorch's view of the parents: pairs of node and output number."""
        return tuple([(None, 0) if edge is None else ends_of(edge) for edge in self.parents])

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls `hook(grad_inputs, grad_outputs)` after the node ran; it may return other grad_inputs."""
        if self.hooks is None:
            self.hooks = {}
        return RemovableHandle(self.hooks, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls `hook(grad_outputs)` before the node runs; it may return other grad_outputs."""
        return self.add_prehook(-1, hook)

    def add_prehook(self, output: int, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls `hook(gradient)` on the gradient of one output before the node runs."""
        if self.prehooks is None:
            self.prehooks = {}
        return RemovableHandle(self.prehooks, (output, hook))

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


class Output:
    """The edge to one output of a node that has several."""

    __slots__ = ("node", "index")

    def __init__(self, node: Node, index: int) -> None:
        self.node, self.index = node, index


Edge = Node | Output


def ends_of(edge: Edge) -> tuple[Node, int]:
    """The node of an edge, and which of its outputs the edge is."""
    return (edge.node, edge.index) if isinstance(edge, Output) else (edge, 0)


class RemovableHandle:
    """Removes a hook again. Source: PyTorch `torch.utils.hooks.RemovableHandle`."""

    next_id = 0

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self.hooks, self.id = hooks, RemovableHandle.next_id
        RemovableHandle.next_id += 1
        hooks[self.id] = hook

    def remove(self) -> None:
        """Takes the hook out; removing it twice is allowed."""
        self.hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()
