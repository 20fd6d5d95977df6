"""Execution of update ops (`ops/update.py`), which write to several tensors at once. Called by optimizers.

`descend` and `adam_at_once` are the usual steps of SGD and Adam on bare arrays, in the backend's shorter way; they do
nothing and return False wherever anything is unusual.
"""
from __future__ import annotations

from typing import Any

from ..backends.base import FAST
from ..core import state
from ..ops.op import REGISTRY
from .dispatch import execute
from .graph import AccumulateGrad
from .modes import capturing
from .tensor import Tensor, bump

ADAM = REGISTRY["adam_step"]


def fits(param: Tensor, grad: Tensor, mean: Tensor, square: Tensor) -> bool:
    """Whether an update kernel may run: real arrays of 32 or 64 bits, all of one dtype."""
    native = param._array.dtype
    return (native.kind == "f" and native.itemsize > 2 and grad._array.dtype is native
            and mean._array.dtype is native and square._array.dtype is native)


def adam_step(params: list[Tensor], grads: list[Tensor], means: list[Tensor], squares: list[Tensor],
              steps: list[Tensor],
              *, lr: float, beta1: float, beta2: float, eps: float) -> None:
    """One step of Adam for several parameters at once; the settings are those of the op."""
    recorder = capturing()
    if recorder is not None:
        for part in (params, grads, means, squares, steps):
            recorder.lift_all(part)
    arrays = [t._array for part in (params, grads, means, squares, steps) for t in part]
    execute(ADAM, arrays, {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps})
    for part in (params, means, squares, steps):
        for t in part:
            bump(t)


def with_gradients(params: list[Tensor]) -> tuple[list[Tensor], list[Any]]:
    """The parameters that have a gradient, and its arrays; none at all in unusual modes, or if one is no leaf."""
    moved: list[Tensor] = []
    grads: list[Any] = []
    if not state.plain:
        return moved, grads
    for t in params:
        edge = t._edge
        if edge.__class__ is not AccumulateGrad:
            return [], []
        if edge.grad is not None:                                       # type: ignore[union-attr]
            moved.append(t)
            grads.append(edge.grad._array)                              # type: ignore[union-attr]
    return moved, grads


def clear_gradients(params: list[Tensor]) -> None:
    """Sets the parameters' gradients to None."""
    for t in params:
        edge = t._edge
        if edge.__class__ is AccumulateGrad:
            edge.grad = None                                            # type: ignore[union-attr]
        else:
            t.grad = None                                               # type: ignore[attr-defined]


def descend(params: list[Tensor], lr: float) -> bool:
    """param -= lr * grad, for all parameters that have a gradient."""
    moved, grads = with_gradients(params)
    if not moved:
        return False
    fast = FAST.get(grads[0].__class__)
    if fast is None or not fast.descend([t._array for t in moved], grads, lr):
        return False
    written(moved)
    return True


def written(tensors: list[Tensor]) -> None:
    """Counts a write to each of the tensors."""
    for t in tensors:
        alias = t._alias
        if alias is None:
            t._alias = [1], None, 0
        elif alias[0] is not None:
            alias[0][0] += 1


def adam_at_once(params: list[Tensor], grads: list[Any], means: list[Tensor], squares: list[Tensor],
                 steps: list[Tensor], **settings: float) -> bool:
    """One step of Adam; `grads` are the arrays of the gradients."""
    fast = FAST.get(grads[0].__class__)
    if fast is None or not fast.adam_step([t._array for t in params], grads, [t._array for t in means],
                                          [t._array for t in squares], [t._array for t in steps], **settings):
        return False
    written([*params, *means, *squares, *steps])
    return True
