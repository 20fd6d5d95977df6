"""Sums of 16-bit floats are formed in float32 and rounded once, as in PyTorch; NumPy would round each step.

Re-exported by `xp.py`; `in_float32` is also put before the kernels that add up in `gather.py`, `strided.py`.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np


def in_float32(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel, with 16-bit floats among its arrays brought to float32 and the result brought back."""
    @functools.wraps(kernel)
    def widened(a: Any, *args: Any, **kwargs: Any) -> Any:
        native = a.dtype
        if native.itemsize != 2 or native.kind not in "fV":
            return kernel(a, *args, **kwargs)
        args = tuple([x.astype(np.float32) if getattr(x, "dtype", None) == native else x for x in args])
        return kernel(a.astype(np.float32), *args, **kwargs).astype(native)
    return widened


@in_float32
def sum(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """NumPy's sum."""
    reduce: Any = np.add.reduce
    return reduce(a, axis=axis, keepdims=keepdims)


@in_float32
def mean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """NumPy's mean."""
    return np.mean(a, axis=axis, keepdims=keepdims)


@in_float32
def cumsum(a: Any, axis: int) -> Any:
    """NumPy's running sum."""
    return np.add.accumulate(a, axis=axis)


@in_float32
def cumprod(a: Any, axis: int) -> Any:
    """NumPy's running product."""
    return np.multiply.accumulate(a, axis=axis)
