"""Shapes, strides and dims: pure functions on tuples of ints, and `Size`.

Called by ops (shape rules), eager (views, indexing) and nn. Errors are PyTorch's.
"""
from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex, overload


class Size(tuple[int, ...]):
    """A tensor's shape: a tuple with `numel()`.

    Source: PyTorch `torch.Size`.

    >>> Size([2, 3]), Size([2, 3]).numel()
    (torch.Size([2, 3]), 6)
    """

    __slots__ = ()

    def __new__(cls, sizes: Iterable[SupportsIndex] = ()) -> Size:
        sizes = tuple(sizes)
        for i, n in enumerate(sizes):
            if not hasattr(n, "__index__"):
                raise TypeError(f"torch.Size() takes an iterable of 'int' (item {i} is '{type(n).__name__}')")
        return tuple.__new__(cls, [n.__index__() for n in sizes])

    def numel(self) -> int:
        """The number of elements of a tensor with this shape."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    @overload
    def __getitem__(self, index: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Size: ...
    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, tuple(other)))

    def __radd__(self, other: Any) -> Size:
        return Size(tuple(other) + tuple(self))

    def __mul__(self, times: SupportsIndex) -> Size:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __reduce__(self) -> tuple[type, tuple[tuple[int, ...]]]:
        return Size, (tuple(self),)


def normalize_dim(dim: int, ndim: int) -> int:
    """A dim counted from the front. A 0-d tensor has dims 0 and -1, as in PyTorch.

    Raises: IndexError if out of range, TypeError if not an int.
    """
    if dim.__class__ is not int:
        if isinstance(dim, bool) or not hasattr(dim, "__index__"):
            raise TypeError(f"dim must be an int, not {type(dim).__name__}")
        dim = dim.__index__()
    most = ndim or 1
    if not -most <= dim < most:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-most}, {most - 1}], but got {dim})")
    return dim + most if dim < 0 else dim


def normalize_dims(dims: int | Sequence[int] | None, ndim: int, empty_is_all: bool = True) -> tuple[int, ...]:
    """Dims as a sorted-as-given tuple without repeats; None (and, by default, `()`) mean all.

    Raises: RuntimeError for a dim named twice, IndexError if out of range.
    """
    if dims is None or (empty_is_all and not isinstance(dims, int) and len(dims) == 0):
        return tuple(range(ndim))
    given: Any = (dims,) if hasattr(dims, "__index__") else dims
    result = tuple(normalize_dim(d, ndim) for d in given)
    if len(set(result)) < len(result):
        raise RuntimeError(f"dim {_repeated(result)} appears multiple times in the list of dims")
    return result if ndim else ()


def _repeated(dims: tuple[int, ...]) -> int:
    return next(d for d in dims if dims.count(d) > 1)


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape that all the given shapes expand to.

    Raises: RuntimeError naming the first two sizes that clash.

    >>> broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    ndim = max(map(len, shapes), default=0)
    result = [1] * ndim
    for shape in shapes:
        for i, n in enumerate(shape, ndim - len(shape)):
            if n != 1 and result[i] != n:
                if result[i] != 1:
                    raise RuntimeError(f"The size of tensor a ({result[i]}) must match the size of tensor b ({n}) "
                                       f"at non-singleton dimension {i}")
                result[i] = n
    return tuple(result)


def infer_size(shape: Sequence[int], numel: int) -> tuple[int, ...]:
    """Replaces the one -1 of a shape by what `numel` elements leave for it.

    Raises: RuntimeError if the shape does not hold `numel` elements, or -1 is ambiguous.
    """
    shape = tuple(int(n) for n in shape)
    if any(n < -1 for n in shape):
        raise RuntimeError(f"invalid shape dimension {next(n for n in shape if n < -1)}")
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    known = math.prod(n for n in shape if n != -1)
    if -1 in shape:
        if known == 0:
            if numel == 0:
                raise RuntimeError(f"cannot reshape tensor of 0 elements into shape {list(shape)} because the "
                                   "unspecified dimension size -1 can be any value and is ambiguous")
            raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
        if numel % known == 0:
            return tuple(numel // known if n == -1 else n for n in shape)
    elif known == numel:
        return shape
    raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Row-major strides, in elements, as PyTorch reports them (a size of 0 counts as 1).

    >>> contiguous_strides((2, 3, 4))
    (12, 4, 1)
    """
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def flatten_sizes(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """`(2, 3)` from either `f(2, 3)` or `f((2, 3))`."""
    if len(sizes) == 1 and not hasattr(sizes[0], "__index__"):
        sizes = tuple(sizes[0])
    return tuple(n.__index__() for n in sizes)
