"""Between dtypes: re-exported by `xp.py`, called by the ops. From Python data to arrays: `pydata.py`.

A cast does what PyTorch's does where the two differ: complex to real drops the imaginary part, floats go to the
narrow integers by way of int32, as on the processors PyTorch is built for: what does not fit is not defined in C.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from ...core.dtypes import dtype
from .types import to_numpy_dtype


def cast(a: Any, d: dtype) -> Any:
    """The array in another dtype; the array itself if it has that dtype already."""
    native = to_numpy_dtype(d)
    if a.dtype == native:
        return a
    if a.dtype.kind == "c" and native.kind != "c":
        a = a.real if native.kind != "b" else a != 0
    if a.dtype.kind == "f" and native.kind in "iu":
        with np.errstate(invalid="ignore"):
            by = np.int32 if native.itemsize < 4 or native.kind == "i" else np.int64
            return a.astype(by).astype(native, copy=False) if native.itemsize < 8 else a.astype(native)
    if native.kind == "f" and native.itemsize < a.dtype.itemsize or native.kind == "V":
        with np.errstate(over="ignore"):
            return a.astype(native)
    return a.astype(native)


def conj(a: Any) -> Any:
    """The complex conjugate; a real array or number itself."""
    if a.__class__ is np.ndarray:
        return np.conjugate(a) if a.dtype.kind == "c" else a
    return a.conjugate()


def from_dlpack(other: Any) -> Any:
    """An array over another library's memory: an object with `__dlpack__`, or a capsule."""
    return np.from_dlpack(other if hasattr(other, "__dlpack__") else Capsule(other))


class Capsule:
    """A DLPack capsule, as the object that NumPy wants to ask for it."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0                             # the CPU


def number_like(a: Any, n: float) -> Any:
    """A number in the precision of an array, so that a division by it is rounded once."""
    return a.dtype.type(n) if a.dtype.kind in "fc" else n
