"""Arrays from Python data: numbers, nested sequences, NumPy arrays. Re-exported by `xp.py`.

Called by `eager/creation.py` for `torch.tensor`. What a leaf of the nesting may be, and which exception says that
it may not, follows PyTorch; so does the range check of integers, which casts elsewhere do not make.
"""
from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ...core.dtypes import FLOATING, INTEGER, PROMOTED, bool_, dtype, int64, uint64
from .convert import cast
from .types import from_numpy_dtype


def from_data(data: Any, kind: dtype | None, default: dtype) -> Any:
    """A new array from Python data, with PyTorch's dtypes for Python numbers (`default` is that of a float).

    Raises: ValueError for ragged nesting and ints beyond 64 bits, TypeError and RuntimeError for what is no number,
    RuntimeError for a number that an integer `kind` does not hold.
    """
    if isinstance(data, (np.ndarray, np.generic)):
        check_array(data)
        return cast(np.array(data), kind or from_numpy_dtype(data.dtype))
    found = leaf_classes(data)
    if any(is_tensor(leaf) for leaf in found):
        data = without_tensors(data)
        found = leaf_classes(data)
    refuse_others(data, found)
    try:
        array = np.array(data)
    except ValueError:
        array = empty_or_ragged(data)
    if array.dtype.kind == "O" or found <= {int, bool} and array.dtype in (np.float64, np.uint64) and array.size:
        array = large_integers(data, array, kind)
    wanted = kind or inferred(found, array, default)
    check_range(array, wanted)
    return cast(array, wanted)


def leaf_classes(data: Any) -> set[type]:
    """The classes of what is at the bottom of nested sequences."""
    if not is_sequence(data.__class__):
        return {data.__class__}
    classes = set(map(type, data))
    nested = {c for c in classes if is_sequence(c)}
    if nested:
        classes -= nested
        for part in data:
            if part.__class__ in nested:
                classes |= leaf_classes(part)
    return classes


@functools.cache
def is_sequence(kind: type) -> bool:
    """Whether PyTorch looks for numbers inside."""
    return hasattr(kind, "__len__") and hasattr(kind, "__getitem__") and not (
        issubclass(kind, (str, bytes, dict, np.ndarray, np.generic)) or is_tensor(kind))


def is_tensor(kind: type) -> bool:
    """Whether it is the class of tensors, which this room does not know."""
    return hasattr(kind, "detach")


def without_tensors(data: Any) -> Any:
    """Nested sequences with their tensors as Python numbers: PyTorch takes tensors of one element only."""
    if is_sequence(data.__class__):
        return [without_tensors(part) for part in data]
    if not is_tensor(data.__class__):
        return data
    if data.ndim == 0:
        return data.detach().numpy()[()] if str(data.dtype) != "torch.bfloat16" else data.item()
    if data.numel() != 1:
        raise TypeError("only integer tensors of a single element can be converted to an index. To join tensors of "
                        f"shape {list(data.shape)} use torch.stack() or torch.cat()")
    return data.reshape(()).detach().numpy()[()]


def refuse_others(data: Any, found: set[type]) -> None:
    """Raises for leaves that are no numbers."""
    for kind in found:
        if issubclass(kind, (str, bytes)):
            first = data
            while is_sequence(first.__class__) and len(first):
                first = first[0]
            if isinstance(first, str) and first is not data:
                raise ValueError(f"too many dimensions '{kind.__name__}': a tensor holds numbers, not {kind.__name__}")
            raise TypeError(f"new(): invalid data type '{kind.__name__}': a tensor holds numbers")
    for kind in found:
        if not (issubclass(kind, (bool, int, float, complex, np.generic, np.ndarray)) or hasattr(kind, "__float__")
                or hasattr(kind, "__index__")):
            raise RuntimeError(f"Could not infer dtype of {kind.__name__}: a tensor holds numbers")


def check_array(array: Any) -> None:
    """Raises for NumPy arrays of strings, objects, dates."""
    if array.dtype.kind in "USMmO":
        from_numpy_dtype(array.dtype)


def empty_or_ragged(data: Any) -> Any:
    """For nesting that is not rectangular: empty if the first sequences have no elements, else an error."""
    sizes, part = [], data
    while is_sequence(part.__class__):
        sizes.append(len(part))
        if not len(part):
            return np.empty(sizes)
        part = part[0]
    raise misfit(data, sizes, 0, part)


def misfit(data: Any, sizes: list[int], dim: int, leaf: Any) -> Exception:
    """PyTorch's error for the first part of the data that does not fit the sizes of the first parts."""
    for part in data:
        if dim + 1 == len(sizes):
            if is_sequence(part.__class__):
                return TypeError(f"'{type(part).__name__}' object cannot be interpreted as "
                                 f"{'an integer' if isinstance(leaf, int) else 'a number'}")
        elif not is_sequence(part.__class__):
            return TypeError(f"not a sequence: at dim {dim + 1} a sequence of length {sizes[dim + 1]} is expected, "
                             f"got {part!r}")
        elif len(part) != sizes[dim + 1]:
            return ValueError(f"expected sequence of length {sizes[dim + 1]} at dim {dim + 1} (got {len(part)})")
        else:
            found = misfit(part, sizes, dim + 1, leaf)
            if str(found):
                return found
    return ValueError("")


def large_integers(data: Any, array: Any, kind: dtype | None) -> Any:
    """Ints beyond 64 bits: as floats if those are wanted."""
    if kind is not None and kind.category >= FLOATING:
        return np.array(data, float)
    if array.dtype.kind == "O" and not all(isinstance(x, int) for x in array.reshape(-1)):
        raise RuntimeError(f"Could not infer dtype of {type(array.reshape(-1)[0]).__name__}")
    if kind is uint64 and all(0 <= int(x) < 2 ** 64 for x in array.reshape(-1)):
        return np.array(data, np.uint64)
    raise ValueError("Overflow when unpacking long long: an integer tensor holds numbers from -2**63 to 2**63 - 1")


def inferred(found: set[type], array: Any, default: dtype) -> dtype:
    """The dtype in which all leaves meet."""
    result: dtype | None = None
    for kind in found:
        if issubclass(kind, np.generic):
            leaf = from_numpy_dtype(np.dtype(kind))
        elif issubclass(kind, np.ndarray):
            leaf = from_numpy_dtype(array.dtype)
        elif issubclass(kind, bool):
            leaf = bool_
        elif issubclass(kind, int):
            leaf = int64
        else:
            leaf = default.to_complex() if issubclass(kind, complex) else default
        result = leaf if result is None else PROMOTED[result, leaf]
    return default if result is None else result


def check_range(array: Any, wanted: dtype) -> None:
    """Raises for numbers that the dtype does not hold; negative ones wrap round in an unsigned dtype, as in C."""
    if array.dtype.kind == "c" and wanted.category in (INTEGER, FLOATING):
        raise TypeError("must be real number, not complex" if wanted.category == FLOATING else
                        "'complex' object cannot be interpreted as an integer")
    if wanted.category != INTEGER or not array.size or array.dtype.kind == "b" or array.dtype.kind == "i" and \
            wanted.itemsize == 8:
        return
    high = 2 ** (8 * wanted.itemsize - wanted.is_signed)
    low = -high if wanted.is_signed else 1 - high
    least, most = array.min(), array.max()
    if not (low <= least and (most < high if wanted.itemsize == 8 else most <= high - 1)):
        raise RuntimeError(f"value cannot be converted to type {wanted.name} without overflow: {wanted.name} holds "
                           f"{-high if wanted.is_signed else 0} to {high - 1}, the data goes from {least} to {most}")

