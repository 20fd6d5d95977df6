"""The nodes of a graph. Gradients of a node's outputs come in, gradients for its parents go out.

A tensor points to what made it by an *edge*: the node, or an `Output` of a node that has several.
`parents[i]` is the edge of input i (None if it needs no gradient). Nodes hold no tensors, so a graph is
freed by reference counting alone. Numbers fall with creation: going through nodes by rising number is
a topological order from the roots down, and the order PyTorch runs them in.
"""
from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

next_number = itertools.count(0, -1).__next__


class Hooks:
    """What is to be called when the walk comes to a node; made when the first hook is registered."""

    __slots__ = ("after", "before", "retained", "tensor")

    def __init__(self) -> None:
        self.tensor: dict[int, Any] = {}        # (output, f(its gradient)), for hooks on tensors
        self.retained: dict[int, Any] = {}      # output -> where its gradient is wanted as well
        self.before: dict[int, Any] = {}        # f(output gradients)
        self.after: dict[int, Any] = {}         # f(gradients for the parents, output gradients)


class Node:
    """What made a tensor. Subclasses implement `apply`."""

    __slots__ = ("number", "parents", "shape", "__dict__", "__weakref__")
    number: int
    parents: tuple[Edge | None, ...]        # empty for a leaf
    shape: tuple[Any, ...]                  # of the output; if there are several outputs, a tuple of shapes

    # rarely set, hence not slots
    outputs = 1
    natives: tuple[Any, ...] | None = None  # the inputs' array dtypes, where gradients have to be fitted to them
    hooks: Hooks | None = None
    custom = False                          # made by a user-written function
    trace: str | None = None                # where it was made, in anomaly mode

    def name(self) -> str:
        """The node's name, as PyTorch prints it in `grad_fn=<...>`."""
        return type(self).__name__

    def apply(self, grads: list[Any], values: Any) -> Any:
        """Gradients for the parents (None where there is none), from those of the outputs (None means zeros).

        `values` is what the walk was given: it tells what a gradient is, see `engine.Values`.
        """
        raise NotImplementedError

    def release(self) -> None:
        """Drops what was saved; a second backward then raises."""

    def shown(self) -> Node:
        """The node as users see it."""
        return self

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """PyTorch's view of the parents: pairs of node and output number."""
        ends = [(None, 0) if edge is None else ends_of(edge) for edge in self.parents]
        return tuple([(None if node is None else node.shown(), output) for node, output in ends])

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dict for users' notes on the node."""
        notes: dict[Any, Any] = self.__dict__.setdefault("_metadata", {})
        return notes

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls `hook(grad_inputs, grad_outputs)` after the node ran; it may return other grad_inputs."""
        return RemovableHandle(self.hooked().after, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls `hook(grad_outputs)` before the node runs; it may return other grad_outputs."""
        return RemovableHandle(self.hooked().before, hook)

    def add_tensor_hook(self, output: int, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls `hook(gradient)` on the gradient of one output, before anything else is done with it."""
        return RemovableHandle(self.hooked().tensor, (output, hook))

    def hooked(self) -> Hooks:
        """The node's hooks."""
        if self.hooks is None:
            self.hooks = Hooks()
        return self.hooks

    def _sequence_nr(self) -> int:
        return -self.number

    def __repr__(self) -> str:
        return f"<{self.name().rpartition('::')[2]} object at {id(self):#x}>"


class Output:
    """The edge to one output of a node that has several."""

    __slots__ = ("node", "index", "shape")

    def __init__(self, node: Node, index: int) -> None:
        self.node, self.index, self.shape = node, index, node.shape[index]


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
