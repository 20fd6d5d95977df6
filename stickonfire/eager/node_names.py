"""PyTorch's names of nodes, where one op of ours stands for several of PyTorch's.

Room: eager. `graph.OpNode.name()` asks here, when somebody looks at a node; an op that is run does not pay for it.
After a backward the operands are gone; then what is left decides (the shapes, which inputs had an edge).
May import core.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any


def kept(node: Any, wanted: str) -> Any:
    """What a node keeps under a parameter's name: a value, or None if it keeps none (any more)."""
    for rule, values in zip(node.op.rules, node.saved or ()):
        for (source, key), value in zip(rule.wants, values or ()):
            if wanted == (node.op.tensors[key] if source == "input" else key):
                return value
    return None


def is_array(value: Any) -> bool:
    return hasattr(value, "dtype")


def by_dim(node: Any) -> str:
    """Reductions: 0 over everything, 1 along dims."""
    if node.saved is None:
        return "1" if node.shape else "0"
    return "0" if kept(node, "dim") is None else "1"


def squeezed(node: Any) -> str:
    dim = kept(node, "dim")
    return "0" if dim is None else "1" if isinstance(dim, int) else "2"


def power(node: Any) -> str:
    """0: to a number; 1: to a tensor; 2: a number to a tensor."""
    base, exponent = node.parents
    if exponent is None and not is_array(kept(node, "exponent")):
        return "0"
    return "2" if base is None and not is_array(kept(node, "input")) else "1"


def divided_by_a_tensor(node: Any) -> str:
    return "0" if node.parents[1] is None and not is_array(kept(node, "other")) else "1"


def clamped(node: Any) -> str:
    """1 for numbers as limits, 0 for tensors."""
    limits = [kept(node, "min"), kept(node, "max")]
    return "0" if any([is_array(limit) for limit in limits]) or node.parents[1:] != (None, None) else "1"


def product_of(node: Any) -> str:
    """The kind of matrix product: PyTorch has one for each number of dims."""
    names = ("DotBackward0", "MvBackward0", "MmBackward0")
    return names[len(node.shape)] if len(node.shape) < 3 else "UnsafeViewBackward0"


def layer_of(node: Any) -> str:
    if node.parents[2] is None:
        return product_of(node)
    return "AddmmBackward0" if len(node.shape) == 2 else "ViewBackward0"


NUMBERED: dict[str, Callable[[Any], str]] = {
    "sum": by_dim, "mean": by_dim, "prod": by_dim, "squeeze": squeezed, "pow": power, "remainder": divided_by_a_tensor,
    "clamp": clamped,
}
NAMED: dict[str, Callable[[Any], str]] = {"matmul": product_of, "linear": layer_of}


def node_name(node: Any) -> str:
    """The name PyTorch gives a node of this op, called in this way."""
    op = node.op
    if op.name in NUMBERED:
        return f"{op.name.capitalize()}Backward{NUMBERED[op.name](node)}"
    return NAMED[op.name](node) if op.name in NAMED else op.grad_name
