"""Between dtypes, and from Python data to arrays: re-exported by `xp.py`, called by the ops and by `eager/creation.py`.

A cast does what PyTorch's does where the two differ: complex to real drops the imaginary part, floats go to the
narrow integers by way of int64.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from ...core.dtypes import dtype
from .types import from_numpy_dtype, to_numpy_dtype


def cast(a: Any, d: dtype) -> Any:
    """The array in another dtype; the array itself if it has that dtype already."""
    native = to_numpy_dtype(d)
    if a.dtype == native:
        return a
    if a.dtype.kind == "c" and native.kind != "c":
        a = a.real if native.kind != "b" else a != 0
    if a.dtype.kind == "f" and native.kind in "iu":
        with np.errstate(invalid="ignore"):
            return a.astype(np.int64).astype(native) if native.itemsize < 8 else a.astype(native)
    if native.kind == "f" and native.itemsize < a.dtype.itemsize or native.kind == "V":
        with np.errstate(over="ignore"):
            return a.astype(native)
    return a.astype(native)


def conj(a: Any) -> Any:
    """The complex conjugate; a real array or number itself."""
    if a.__class__ is np.ndarray:
        return np.conjugate(a) if a.dtype.kind == "c" else a
    return a.conjugate()


def from_data(data: Any, kind: dtype | None, default: dtype) -> Any:
    """A new array from Python data, with PyTorch's dtypes for Python numbers.

    Raises: ValueError for ragged nesting, TypeError for what is no number, RuntimeError for an int too large.
    """
    data = _without_tensors(data)
    try:
        array = np.array(data)
    except ValueError as error:
        if "inhomogeneous" in str(error):
            raise ValueError(f"expected sequence of equal length at every dim: {error}") from None
        raise
    if array.dtype.kind in "USMmO":
        if array.dtype.kind == "O" and all(isinstance(x, int) for x in array.reshape(-1)):
            raise RuntimeError("Overflow when unpacking long")
        odd = array.reshape(-1)[0] if array.size else data
        what = type(odd.item() if hasattr(odd, "item") else odd).__name__
        if array.dtype.kind == "U":
            raise TypeError(f"new(): invalid data type '{what}'") if isinstance(data, str) else \
                ValueError("too many dimensions 'str'")
        raise RuntimeError(f"Could not infer dtype of {what}")
    if kind is None and not isinstance(data, (np.ndarray, np.generic)):
        if array.dtype.kind == "c":
            kind = default.to_complex()
        elif array.dtype.kind == "f" and _python_floats(data):
            kind = default
    return cast(array, kind or from_numpy_dtype(array.dtype))


def _python_floats(data: Any) -> bool:
    """Whether nested data is made of Python numbers, not NumPy's."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return not isinstance(data, (np.ndarray, np.generic)) or isinstance(data, float)


def _without_tensors(data: Any) -> Any:
    """Nested sequences with tensors (anything that has `detach`) as NumPy arrays."""
    if isinstance(data, (list, tuple)):
        return [_without_tensors(x) for x in data]
    if hasattr(data, "detach"):
        return data.detach().numpy() if data.ndim else data.item()
    return data


def from_dlpack(other: Any) -> Any:
    """An array over another library's memory."""
    return np.from_dlpack(other)


def number_like(a: Any, n: float) -> Any:
    """A number in the precision of an array, so that a division by it is rounded once."""
    return a.dtype.type(n) if a.dtype.kind in "fc" else n
