"""Execution of update ops (`ops/update.py`), which write to several tensors at once. Called by optimizers."""
from __future__ import annotations

from ..ops.op import REGISTRY
from .dispatch import execute
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
