"""NumPy's dtypes for ours, and back. bfloat16 comes from ml_dtypes, imported when first asked for."""
from __future__ import annotations

import numpy as np

from ...core import dtypes
from ...core.dtypes import dtype

_TO_NUMPY: dict[dtype, np.dtype] = {
    d: np.dtype(d.name) for d in (*dtypes.DTYPES, *dtypes.UNSIGNED) if d is not dtypes.bfloat16}
_FROM_NUMPY: dict[np.dtype, dtype] = {n: d for d, n in _TO_NUMPY.items()}


def to_numpy_dtype(d: dtype) -> np.dtype:
    """The NumPy dtype that stores `d`.

    Raises: ImportError if `d` is bfloat16 and ml_dtypes is not installed.
    """
    found = _TO_NUMPY.get(d)
    if found is None:
        found = _TO_NUMPY[d] = _bfloat16()
        _FROM_NUMPY[found] = d
    return found


def from_numpy_dtype(n: np.dtype) -> dtype:
    """Our dtype for a NumPy dtype.

    Raises: TypeError for one that has no counterpart.
    """
    found = _FROM_NUMPY.get(n)
    if found is None:
        if n.name == "bfloat16":
            to_numpy_dtype(dtypes.bfloat16)
        elif n.newbyteorder("=") in _FROM_NUMPY:
            raise ValueError("given numpy array has byte order different from the native byte order. "
                             "Conversion between byte orders is currently not supported.")
        else:
            raise TypeError(f"can't convert np.ndarray of type numpy.{n.type.__name__}"
                            f". The only supported types are: {', '.join(d.name for d in _TO_NUMPY)}.")
        found = _FROM_NUMPY[n]
    return found


def _bfloat16() -> np.dtype:
    try:
        import ml_dtypes
    except ImportError:
        raise ImportError("bfloat16 tensors need the package ml_dtypes, which is not installed: "
                          "pip install ml_dtypes, or use float32") from None
    return np.dtype(ml_dtypes.bfloat16)
