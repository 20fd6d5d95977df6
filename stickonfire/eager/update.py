"""Execution of update ops (`ops/update.py`), which write to several tensors at once. Called by optimizers."""
from __future__ import annotations

from typing import Any

from ..ops.op import REGISTRY
from .dispatch import execute
from .tensor import Tensor, bump

ADAM = REGISTRY["adam_step"]


def fits(param: Tensor, *others: Tensor) -> bool:
    """Whether an update kernel may run: real arrays of 32 or 64 bits, all of one dtype."""
    native = param._array.dtype
    return native.kind == "f" and native.itemsize > 2 and all([t._array.dtype is native for t in others])


def adam_step(param: Tensor, grad: Tensor, exp_avg: Tensor, exp_avg_sq: Tensor, **settings: Any) -> None:
    """One step of Adam for one parameter; the settings are those of the op."""
    execute(ADAM, [param._array, grad._array, exp_avg._array, exp_avg_sq._array], settings)
    bump(param)
    bump(exp_avg)
    bump(exp_avg_sq)
