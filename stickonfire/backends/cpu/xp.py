"""The array namespace of the CPU: NumPy's functions under NumPy's names, and what NumPy lacks.

The rules in `ops/` receive this module as `xp`. It is also the list that any other backend has to
offer. Functions that NumPy lacks stand below; longer ones in `special.py` and `kernels.py`.
"""
from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import (abs, add, all, any, arange, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, argmax,
                   argmin, argsort, argpartition, array_equal, asarray, bitwise_and, bitwise_count, bitwise_or,
                   bitwise_xor, broadcast_to, ceil, concatenate, copysign, copyto, cos, cosh, count_nonzero,
                   cumprod, cumsum, diff, divide, divmod, einsum, empty, empty_like, equal, errstate, exp, exp2,
                   expand_dims, expm1, eye, fix, flip, floor, floor_divide, fmax, fmin, fmod, frexp, full,
                   full_like, gcd, greater, greater_equal, heaviside, hypot, invert, isfinite, isinf, isnan, lcm,
                   ldexp, left_shift, less, less_equal, linspace, log, log1p, log2, log10, logaddexp, logaddexp2,
                   logical_and, logical_not, logical_or, logical_xor, matmul, maximum, mean, minimum, moveaxis,
                   multiply, nan_to_num, negative, nextafter, nonzero, not_equal, ones, ones_like, partition,
                   power, prod, put_along_axis, reciprocal, remainder, repeat, reshape, result_type, right_shift,
                   rint, roll, rot90, searchsorted, sign, signbit, sin, sinh, sort, sqrt, square, squeeze, stack,
                   subtract, sum, swapaxes, take, take_along_axis, tan, tanh, tensordot, tile, transpose, tril,
                   triu, true_divide, trunc, unique, where, zeros, zeros_like)

from ...core.dtypes import dtype
from ...core.shapes import contiguous_strides, normalize_dim
from .types import from_numpy_dtype, to_numpy_dtype

ndarray = np.ndarray
linalg, fft = np.linalg, np.fft
inf, nan, pi = math.inf, math.nan, math.pi
amax, amin = np.max, np.min
add_at = np.add.at
logcumsumexp = np.logaddexp.accumulate


def dtype_of(a: Any) -> dtype:
    """The framework's dtype of an array."""
    return from_numpy_dtype(a.dtype)


def dtype_of_native(native: np.dtype) -> dtype:
    """The framework's dtype for one of the array library."""
    return from_numpy_dtype(native)


def native_dtype(d: dtype) -> np.dtype:
    """The array library's dtype that stores the framework's."""
    return to_numpy_dtype(d)


def cast(a: Any, d: dtype) -> Any:
    """The array in another dtype; the array itself if it has that dtype already."""
    native = to_numpy_dtype(d)
    if a.dtype == native:
        return a
    if a.dtype.kind == "c" and native.kind != "c":
        a = a.real if native.kind != "b" else a != 0
    if a.dtype.kind == "f" and native.kind in "iu":
        with errstate(invalid="ignore"):
            return a.astype(np.int64).astype(native) if native.itemsize < 8 else a.astype(native)
    if native.kind == "f" and native.itemsize < a.dtype.itemsize or native.kind == "V":
        with errstate(over="ignore"):
            return a.astype(native)
    return a.astype(native)


def conj(a: Any) -> Any:
    """The complex conjugate; a real array or number itself."""
    if a.__class__ is ndarray:
        return np.conjugate(a) if a.dtype.kind == "c" else a
    return a.conjugate()


def real(a: Any) -> Any:
    return a.real


def imag(a: Any) -> Any:
    return a.imag


def copy(a: Any) -> Any:
    """A new array with the same values, row-major unless the strides are dense in another order."""
    return a.copy(order="K")


def contiguous(a: Any) -> Any:
    """The array itself if row-major and dense, else such a copy."""
    return np.ascontiguousarray(a) if a.ndim else a


def is_contiguous(a: Any) -> bool:
    """Whether the array is row-major and dense."""
    return bool(a.flags.c_contiguous)


def shares_memory(a: Any, b: Any) -> bool:
    """Whether two arrays may be views of one block of memory."""
    return np.may_share_memory(a, b)


def is_view(a: Any) -> bool:
    """Whether another array owns the memory."""
    return a.base is not None


def steps(a: Any) -> tuple[int, ...]:
    """Strides in elements."""
    size = a.itemsize
    return tuple([s // size for s in a.strides])


def offset(a: Any) -> int:
    """Position of the first element in the memory that the array is a view of, in elements."""
    owner = a
    while isinstance(owner.base, ndarray):
        owner = owner.base
    return (address(a) - address(owner)) // a.itemsize


def address(a: Any) -> int:
    """The memory address of the first element."""
    return a.__array_interface__["data"][0]


def storage(a: Any) -> Any:
    """The whole block of memory that the array is a view of, as a flat array of its dtype."""
    owner = a
    while isinstance(owner.base, ndarray) and owner.base.dtype == a.dtype:
        owner = owner.base
    flat = owner.reshape(-1) if owner.flags.c_contiguous else owner.ravel(order="K")
    return flat if np.may_share_memory(flat, owner) or not owner.size else owner


def as_strided(a: Any, shape: Sequence[int], strides: Sequence[int], start: int | None = None) -> Any:
    """A view with the given shape and strides (in elements), from element `start` of the storage.

    Raises: RuntimeError if it would reach outside the storage.
    """
    flat = storage(a)
    first = offset(a) if start is None else start
    reach = first + builtins.sum((n - 1) * s for n, s in zip(shape, strides)) if math.prod(shape) else first
    if first < 0 or builtins.min(strides, default=0) < 0:
        raise RuntimeError(f"as_strided: Negative strides and offsets are not supported, got {list(strides)}, {first}")
    if math.prod(shape) and reach >= flat.size:
        raise RuntimeError(f"setStorage: sizes {list(shape)}, strides {list(strides)}, storage offset {first}, and "
                           f"itemsize {a.itemsize} requiring a storage size of {(reach + 1) * a.itemsize} are out of "
                           f"bounds for storage of size {flat.size * a.itemsize}")
    return np.lib.stride_tricks.as_strided(flat[first:], shape, [s * a.itemsize for s in strides])



def geometry(a: Any) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Shape, strides and address, the latter two in elements."""
    return a.shape, steps(a), address(a) // a.itemsize


def positions(view: Any, base: Any) -> Any:
    """For each element of a view, its row-major position in the base; both lie in one block of memory."""
    return between(geometry(view), geometry(base))


def between(view: Any, base: Any) -> Any:
    """`positions` from the geometries alone."""
    in_memory, of_base = _addresses(*view), _addresses(*base).reshape(-1)
    first = of_base.min(initial=of_base.max(initial=0))
    where_in_base = np.zeros(builtins.max(of_base.max(initial=0), in_memory.max(initial=0)) - first + 1, np.intp)
    where_in_base[of_base - first] = np.arange(of_base.size)
    return where_in_base[in_memory - first]


def _addresses(shape: Sequence[int], strides: Sequence[int], start: int) -> Any:
    """The address of each element, in elements."""
    place = np.full(shape, start)
    for dim, step in enumerate(strides):
        place += (np.arange(shape[dim]) * step).reshape([-1] + [1] * (len(shape) - dim - 1))
    return place


def expanded(a: Any, shape: Sequence[int]) -> Any:
    """A writable view with dims of size 1 repeated."""
    extra = len(shape) - a.ndim
    strides = [0] * extra + [0 if n == 1 != m else s for n, m, s in zip(a.shape, shape[extra:], a.strides)]
    return np.lib.stride_tricks.as_strided(a, shape, strides)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """A writable view of the diagonals, as the last dim."""
    view = np.diagonal(a, offset, axis1, axis2)
    if a.flags.writeable:
        view.flags.writeable = True
    return view


def diagonal_scatter(a: Any, values: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """A copy with a diagonal replaced."""
    out = a.copy()
    target = diagonal(out, offset, axis1, axis2)
    if target.shape != values.shape:
        raise RuntimeError(f"expected src to have a size equal to the slice of self. src size = {list(values.shape)}, slice "
                           f"size = {list(target.shape)}")
    target[...] = values
    return out


def windows(a: Any, dim: int, size: int, step: int) -> Any:
    """A writable view of the windows of a dim, each as a new last dim."""
    if a.ndim == 0:
        return np.lib.stride_tricks.as_strided(a, (size,), (a.itemsize,))
    dim %= a.ndim
    shape = (*a.shape[:dim], (a.shape[dim] - size) // step + 1, *a.shape[dim + 1:], size)
    strides = (*a.strides[:dim], a.strides[dim] * step, *a.strides[dim + 1:], a.strides[dim])
    return np.lib.stride_tricks.as_strided(a, shape, strides)


def fold_windows(parts: Any, dim: int, size: int, step: int, shape: Sequence[int]) -> Any:
    """The adjoint of `windows`: each element added where it came from."""
    out = np.zeros(shape, parts.dtype)
    if out.ndim == 0:
        return parts.sum(-1) if size else out
    for i in range(size):           # windows overlap, but no two hold an element at the same position i
        windows(out, dim, size, step)[..., i] += parts[..., i]
    return out


def joined(arrays: Sequence[Any], dim: int) -> Any:
    """Arrays joined along a dim; empty vectors are passed over, as PyTorch does."""
    real_ones = [a for a in arrays if a.shape != (0,)] or list(arrays[:1])
    first = real_ones[0]
    if first.ndim == 0:
        raise RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated")
    axis = normalize_dim(dim, first.ndim)
    for i, a in enumerate(real_ones):
        if a.ndim != first.ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.ndim} and {a.ndim}")
        if a.shape[:axis] + a.shape[axis + 1:] != first.shape[:axis] + first.shape[axis + 1:]:
            raise RuntimeError(f"Sizes of tensors must match except in dimension {axis}. Expected size "
                               f"{list(first.shape)} but got size {list(a.shape)} for tensor number {i} in the list.")
    return np.concatenate(real_ones, axis)


def put(a: Any, where_: Any, values: Any) -> Any:
    """A copy with the elements at row-major positions replaced."""
    out = a.copy(order="C")
    out.reshape(-1)[where_] = values
    return out


def put_add(a: Any, where_: Any, values: Any) -> Any:
    """A copy with values added at row-major positions, as often as a position occurs."""
    out = a.copy(order="C")
    np.add.at(out.reshape(-1), where_, values)
    return out


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
        if array.dtype.kind == "O" and builtins.all(isinstance(x, builtins.int) for x in array.reshape(-1)):
            raise RuntimeError("Overflow when unpacking long")
        odd = array.reshape(-1)[0] if array.size else data
        what = type(odd.item() if hasattr(odd, "item") else odd).__name__
        if array.dtype.kind == "U":
            raise TypeError(f"new(): invalid data type '{what}'") if isinstance(data, builtins.str) else \
                ValueError("too many dimensions 'str'")
        raise RuntimeError(f"Could not infer dtype of {what}")
    if kind is None and not isinstance(data, (ndarray, np.generic)):
        if array.dtype.kind == "c":
            kind = default.to_complex()
        elif array.dtype.kind == "f" and _python_floats(data):
            kind = default
    return cast(array, kind or from_numpy_dtype(array.dtype))


def _python_floats(data: Any) -> bool:
    """Whether nested data is made of Python numbers, not NumPy's."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return not isinstance(data, (ndarray, np.generic)) or isinstance(data, builtins.float)


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


scalar_types = (np.generic,)


def place(src: Any, index: Any, shape: Sequence[int]) -> Any:
    """Zeros of a shape with `src` at `index`."""
    out = np.zeros(shape, src.dtype)
    out[index] = src
    return out


def _filled(spec: Any, indices: Sequence[Any]) -> tuple[Any, ...]:
    rest = iter(indices)
    return tuple([next(rest) if part is True else part for part in spec])


def index_add_at(a: Any, spec: Any, indices: Sequence[Any], values: Any) -> Any:
    """A copy of `a` with values added at a[spec filled with indices], repeats counted."""
    out = a.copy()
    if builtins.len(spec) == 1 and indices[0].dtype.kind in "iu":
        return index_add(out, 0, indices[0].reshape(-1) % out.shape[0], values.reshape((-1, *out.shape[1:])))
    np.add.at(out, _filled(spec, indices), values)
    return out


def index_put_at(a: Any, spec: Any, indices: Sequence[Any], values: Any) -> Any:
    """A copy of `a` with values put at a[spec filled with indices]."""
    out = a.copy()
    out[_filled(spec, indices)] = values
    return out


def _corner(a: Any, index: Any, dim: int) -> Any:
    """The part of `a` that an index array of PyTorch's gather and scatter speaks of."""
    return a[tuple([slice(None) if d == dim else slice(n) for d, n in enumerate(index.shape)])]


def _checked_index(name: str, a: Any, dim: int, index: Any) -> int:
    at = normalize_dim(dim, a.ndim)
    if index.dtype != np.int64 and index.dtype != np.int32:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    if index.size and a.ndim and index.ndim:
        if index.ndim != a.ndim:
            raise RuntimeError(f"Index tensor must have the same number of dimensions as input tensor: {index.ndim} and {a.ndim}")
        for d, (n, m) in enumerate(zip(index.shape, a.shape)):
            if d != at and n > m:
                raise RuntimeError(f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger "
                                   f"than self {list(a.shape)} apart from dimension {at}")
        low, high = index.min(), index.max()
        if low < 0 or high >= a.shape[at]:
            raise RuntimeError(f"index {low if low < 0 else high} is out of bounds for dimension {at} with size {a.shape[at]}")
    return at


def gathered(a: Any, dim: int, index: Any) -> Any:
    """PyTorch's gather."""
    at = _checked_index("gather", a, dim, index)
    if index.size == 0:
        return np.empty(index.shape, a.dtype)
    if a.ndim == 0 or index.ndim == 0:
        return a.reshape(-1)[index] if index.ndim else a.reshape(-1)[index.reshape(-1)].reshape(())
    return np.take_along_axis(_corner(a, index, at), index, at)


def scattered(a: Any, dim: int, index: Any, src: Any) -> Any:
    """PyTorch's scatter: a copy of `a` with src at index."""
    out, at = a.copy(), _checked_index("scatter", a, dim, index)
    if index.size == 0:
        return out
    values = src[tuple([slice(n) for n in index.shape])] if isinstance(src, ndarray) and src.ndim else src
    if out.ndim == 0 or index.ndim == 0:
        out.reshape(-1)[index.reshape(-1)] = np.asarray(values).reshape(-1)
    else:
        np.put_along_axis(_corner(out, index, at), index, values, at)
    return out


def scatter_add(a: Any, dim: int, index: Any, src: Any) -> Any:
    """PyTorch's scatter_add: a copy of `a` with src added at index."""
    out, at = a.copy(), _checked_index("scatter_add", a, dim, index)
    if index.size == 0:
        return out
    if out.ndim == 0 or index.ndim == 0:
        np.add.at(out.reshape(-1), index.reshape(-1), np.asarray(src).reshape(-1)[:index.size])
        return out
    values = src[tuple([slice(n) for n in index.shape])]
    grid = list(np.ogrid[tuple([slice(n) for n in index.shape])])
    grid[at] = index
    np.add.at(out, tuple(grid), values)
    return out


def widened_to(a: Any, shape: Sequence[int]) -> Any:
    """The array in the low corner of zeros of a larger shape."""
    if a.shape == tuple(shape):
        return a
    out = np.zeros(shape, a.dtype)
    out[tuple([slice(n) for n in a.shape])] = a
    return out


def index_add(a: Any, dim: int, index: Any, src: Any) -> Any:
    """A copy of `a` with slices of src added at places of a dim, repeats counted."""
    out = a.copy()
    at = normalize_dim(dim, a.ndim)
    picks = index.reshape(-1)
    if picks.size and (picks.min() < 0 or picks.max() >= (a.shape[at] if a.ndim else 1)):
        raise IndexError("index out of range in self")
    if a.ndim == 0:
        np.add.at(out.reshape(-1), picks, np.asarray(src).reshape(-1))
        return out
    rows, values = np.moveaxis(out, at, 0), np.moveaxis(src.reshape(src.shape or (1,)), at, 0)
    order = np.argsort(picks, kind="stable")
    ordered = picks[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if picks.size else order
    if picks.size:          # rows that go to the same place lie side by side: one sum each
        rows[ordered[starts]] += np.add.reduceat(values[order], starts, axis=0)
    return out


def flatnonzero(a: Any) -> Any:
    """Row-major positions of the non-zero elements."""
    return np.flatnonzero(a)


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape all expand to."""
    return np.broadcast_shapes(*shapes)


def strides_as_promised(a: Any) -> tuple[int, ...]:
    """Strides in elements, with PyTorch's canonical ones where NumPy's say nothing (sizes 0 and 1)."""
    found = steps(a)
    if a.size == 0 or (a.flags.c_contiguous and 1 in a.shape and a.base is None):
        return contiguous_strides(a.shape)
    return found


def resized(a: Any, shape: Sequence[int]) -> Any:
    """The elements in row-major order under a shape of another size; the same memory if it suffices."""
    flat, count = storage(a), math.prod(shape)
    start = offset(a) if a.size else 0
    if flat.size - start >= count:
        return flat[start:start + count].reshape(shape)
    out = np.empty(count, a.dtype)
    kept = a.reshape(-1)[:count]
    out[:kept.size] = kept
    return out.reshape(shape)
