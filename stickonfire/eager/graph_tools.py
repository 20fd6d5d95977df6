"""Tools around the graph: hooks for what is saved, gradient edges, version counters.

Public under `stickonfire.autograd.graph`. The hooks are applied in `graph.py` when a node saves.
"""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ..core.state import modes, set_mode
from ..tape.node import Edge, Node, Output, ends_of
from .tensor import Tensor, bump
from .views import current_edge


class saved_tensors_hooks:
    """Inside, what ops save for backward goes through `pack_hook`, and comes back through `unpack_hook`.

    Source: PyTorch `torch.autograd.graph.saved_tensors_hooks`.

    >>> import stickonfire as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.autograd.graph.saved_tensors_hooks(lambda t: t * 2, lambda t: t):
    ...     y = x * x
    >>> y.sum().backward(); x.grad
    tensor([4., 4.])
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        if modes.packers_refused:
            raise RuntimeError(modes.packers_refused)
        set_mode("packers", (*modes.packers, (self.pack_hook, self.unpack_hook)))

    def __exit__(self, *exc: object) -> None:
        set_mode("packers", modes.packers[:-1])


class save_on_cpu(saved_tensors_hooks):
    """Inside, what ops save for backward is kept in main memory.

    Source: PyTorch `torch.autograd.graph.save_on_cpu`.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda t: (t.device, t.cpu()), lambda packed: packed[1].to(packed[0]))


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside, using `saved_tensors_hooks` raises RuntimeError with the message.

    Source: PyTorch `torch.autograd.graph.disable_saved_tensors_hooks`.
    """
    before = set_mode("packers_refused", error_message)
    try:
        yield
    finally:
        set_mode("packers_refused", before)


class GradientEdge(NamedTuple):
    """A place in the graph that `autograd.grad` and `backward` take instead of a tensor.

    Source: PyTorch `torch.autograd.graph.GradientEdge`.
    """

    node: Node
    output_nr: int
    ownership_token: Any = None

    def edge(self) -> Edge:
        """The edge as tensors hold it."""
        return self.node if self.node.outputs == 1 else Output(self.node, self.output_nr)


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where a tensor's gradient arrives.

    Raises: RuntimeError if the tensor needs no gradient.   Source: PyTorch `torch.autograd.graph.get_gradient_edge`.
    """
    edge = current_edge(tensor)
    if edge is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return GradientEdge(*ends_of(edge))


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Says that a tensor's memory was written by other means, so that backward notices.

    Source: PyTorch `torch.autograd.graph.increment_version`.

    >>> import stickonfire as torch
    >>> x = torch.ones(2); torch.autograd.graph.increment_version(x); x._version
    1
    """
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        bump(t)
