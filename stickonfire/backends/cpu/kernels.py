"""Kernels NumPy lacks, written with few temporaries. Above each stands its plain reference, where it is longer."""
from __future__ import annotations

from typing import Any

import numpy as np


def largest(a: Any, axis: int) -> Any:
    """The maximum along a dim, which stays. Short rows are laid on their side first: NumPy then takes all at once."""
    if a.ndim == 2 and axis == 1 and a.shape[1] <= 64 and a.flags.c_contiguous:
        return np.maximum.reduce(np.ascontiguousarray(a.T), axis=0).reshape(-1, 1)
    return a.max(axis, keepdims=True)


def softmax(a: Any, axis: int) -> Any:
    """Reference: e = exp(a - a.max(axis)); e / e.sum(axis)."""
    if a.ndim == 0 or a.size == 0:
        return np.ones_like(a)
    out = np.subtract(a, largest(a, axis))
    np.exp(out, out=out)
    out /= np.add.reduce(out, axis, keepdims=True)
    return out


def log_softmax(a: Any, axis: int) -> Any:
    """Reference: b = a - a.max(axis); b - log(exp(b).sum(axis))."""
    if a.ndim == 0 or a.size == 0:
        return np.zeros_like(a)
    out = np.subtract(a, largest(a, axis))
    out -= np.log(np.add.reduce(np.exp(out), axis, keepdims=True))
    return out


def occurrences(picks: Any, size: int, like: Any) -> Any:
    """How often each of `picks` occurs among them, in the dtype of `like`."""
    return np.bincount(picks, minlength=size)[picks].astype(like.dtype)
