"""Sorting, medians, distinct elements, differences: composed of the ops in `ops/sort.py` and `ops/scan.py`.

Called by users as functions and methods.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core.dtypes import BOOL, COMPLEX, int64, promote_types
from ..core.shapes import normalize_dim
from ..ops.op import REGISTRY
from .creation import full, into, tensor
from .dispatch import dispatch
from .publish import function
from .results import result_class
from .tensor import Tensor

SORT = REGISTRY["sorted_along"]
cat, stack = function(REGISTRY["cat"]), function(REGISTRY["stack"])


def pair(name: str, found: tuple[Tensor, ...], out: Any = None) -> Any:
    """Values and indices as PyTorch's named tuple."""
    if out is not None:
        found = tuple([into(o, t) for o, t in zip(out, found)])
    return result_class(name, "values indices")(*found)


def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: Any = False, *, out: Any = None) -> Any:
    """The elements in order along a dim, and where they were. Shape: (*) -> (*), (*).   Source: PyTorch `sort`.

    >>> import stickonfire as torch
    >>> torch.sort(torch.tensor([2, 3, 1])).indices
    tensor([2, 0, 1])
    """
    return pair("sort", dispatch(SORT, (input,), {"dim": dim, "descending": descending}), out)


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """Where the elements in order along a dim are. Shape: (*) -> (*).   Source: PyTorch `argsort`."""
    return dispatch(SORT, (input,), {"dim": dim, "descending": descending})[1]


def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements in order along dim 0. Shape: (*) -> (*).   Source: PyTorch `msort`."""
    return into(out, dispatch(SORT, (input,), {"dim": 0, "descending": False})[0])


def middler(name: str) -> Callable[..., Any]:
    """`median` or `nanmedian`: of all elements, or along a dim with indices."""
    of_all, along = REGISTRY[name + "_all"], REGISTRY[name + "_dim"]

    def made(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
        if dim is None:
            return dispatch(of_all, (input,), {})
        return pair(name, dispatch(along, (input,), {"dim": dim, "keepdim": keepdim}), out)
    made.__name__ = made.__qualname__ = name
    made.__doc__ = of_all.__doc__
    return made


median, nanmedian = middler("median"), middler("nanmedian")


def some_of(values: Sequence[Any], inverse: bool, counts: bool) -> Any:
    """What a call of unique asked for."""
    wanted = (values[0], *[t for t, asked in zip(values[1:], (inverse, counts)) if asked])
    return wanted if len(wanted) > 1 else wanted[0]


def unique(input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
           dim: int | None = None) -> Any:
    """The distinct elements (or slices of a dim) in order; on request the place of each element among them, and
    how often each occurs.

    Shape: (*) -> (n), (*), (n).   Source: PyTorch `unique`.

    >>> import stickonfire as torch
    >>> torch.unique(torch.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    found = dispatch(REGISTRY["distinct"], (input,), {}) if dim is None else dispatch(
        REGISTRY["distinct_slices"], (input,), {"dim": dim, "consecutive": False})
    return some_of(found, return_inverse, return_counts)


def unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False,
                       dim: int | None = None) -> Any:
    """The elements (or slices of a dim) without consecutive repeats; on request the run of each element, and the
    runs' lengths.

    Shape: (*) -> (n), (*), (n).   Source: PyTorch `unique_consecutive`.
    """
    found = dispatch(REGISTRY["runs"], (input,), {}) if dim is None else dispatch(
        REGISTRY["distinct_slices"], (input,), {"dim": dim, "consecutive": True})
    return some_of(found, return_inverse, return_counts)


def searchsorted(sorted_sequence: Tensor, input: Any = None, *, out_int32: bool = False, right: bool = False,
                 side: str | None = None, sorter: Tensor | None = None, out: Tensor | None = None) -> Tensor:
    """Where to insert values so that a sorted sequence stays sorted, row by row.

    Shape: (n), (*) -> (*), or (*, n), (*, m) -> (*, m).   Source: PyTorch `searchsorted`.
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError("torch.searchsorted(): side and right can't be set to opposites, got side of left while "
                           "right was True")
    values = input if isinstance(input, Tensor) else tensor(input)
    edges, given = sorted_sequence, values._array
    if edges._array.ndim == 0:
        raise RuntimeError("torch.searchsorted(): input value can not be a scalar when boundaries is not a vector")
    if edges._array.ndim > 1 and edges._array.shape[:-1] != given.shape[:-1]:
        raise RuntimeError("torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
                           "boundaries tensor and input value tensor must match, but we got boundaries tensor "
                           f"{list(edges.shape)} and input value tensor {list(values.shape)}")
    if isinstance(input, Tensor) and edges.dtype is not values.dtype:
        raise RuntimeError("torch.searchsorted(): input value tensor and boundary tensor should have same dtype, but "
                           f"got boundary tensor dtype {edges.dtype} and input value tensor dtype {values.dtype}")
    if sorter is not None:
        if sorter._array.shape != edges._array.shape:
            raise RuntimeError("torch.searchsorted(): boundary and sorter must have the same size, but got boundary "
                               f"tensor {list(edges.shape)} and got sorter tensor {list(sorter.shape)}")
        edges = edges.gather(-1, sorter)
    return into(out, dispatch(REGISTRY["insertion_places"], (edges, values),
                              {"right": right or side == "right", "int32": out_int32}))


def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False,
              out: Tensor | None = None) -> Tensor:
    """Which of the buckets between sorted boundaries each value falls into. Shape: (*), (n) -> (*).

    Source: PyTorch `bucketize`.
    """
    if boundaries._array.ndim != 1:
        raise RuntimeError(f"torch.bucketize(): boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Which elements are among the test elements. Shape: (*), (*) -> (*), of bool.   Source: PyTorch `isin`."""
    elements = elements if isinstance(elements, Tensor) else tensor(elements)
    tests = test_elements if isinstance(test_elements, Tensor) else tensor(test_elements)
    if COMPLEX in (elements.dtype.category, tests.dtype.category):
        raise RuntimeError("isin(): unsupported for complex elements")
    kind = promote_types(elements.dtype, tests.dtype)
    values, ordered = elements.detach().to(kind), sort(tests.detach().reshape(-1).to(kind)).values
    if not ordered._array.size:
        return full(values.shape, invert)
    found = ordered[searchsorted(ordered, values).clamp(max=ordered._array.size - 1)] == values
    return ~found if invert else found


def diff(input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None, *,
         out: Tensor | None = None) -> Tensor:
    """Differences of neighbours along a dim, n times. Shape: (*, N) -> (*, N - n).   Source: PyTorch `diff`.

    >>> import stickonfire as torch
    >>> torch.diff(torch.tensor([1, 4, 9]))
    tensor([3, 5])
    """
    if input._array.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    parts = [t for t in (prepend, input, append) if t is not None]
    if len(parts) > 1:
        input = cat(parts, dim)
    at = normalize_dim(dim, input._array.ndim)
    for _ in range(min(n, input._array.shape[at])):
        length = input._array.shape[at]
        after, before = input.narrow(at, min(1, length), max(length - 1, 0)), input.narrow(at, 0, max(length - 1, 0))
        input = after ^ before if input.dtype.category == BOOL else after - before
    return into(out, input.clone() if n == 0 else input)


def gradient(input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """Estimates the derivative along each dim by central differences, one-sided at the edges.

    Shape: (*) -> n x (*).   Source: PyTorch `gradient`.
    """
    dims = range(input._array.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    dims = [normalize_dim(d, input._array.ndim) for d in dims]
    if edge_order not in (1, 2):
        raise RuntimeError(f"torch.gradient only supports edge_order=1 and edge_order=2, but got {edge_order}")
    if len(set(dims)) < len(dims):
        raise RuntimeError(f"dim {max(dims, key=dims.count)} appears multiple times in the list of dims")
    spacing = 1 if spacing is None else spacing
    spacings = list(spacing) if isinstance(spacing, (list, tuple)) else [spacing] * len(dims)
    if len(spacings) != len(dims):
        raise RuntimeError(f"torch.gradient expected spacing to be unspecified, a scalar, or a list of length "
                           f"{len(dims)}, but got a list of length {len(spacings)}")
    for d in dims:
        if input._array.shape[d] < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    return tuple([slope(input, d, h, edge_order) for d, h in zip(dims, spacings)])


def slope(f: Tensor, dim: int, spacing: Any, edge_order: int) -> Tensor:
    """The derivative along one dim, for a step or a tensor of coordinates."""
    n = f._array.shape[dim]

    def at(start: int, length: int) -> Tensor:
        return f.narrow(dim, start % n, length)
    if isinstance(spacing, Tensor) and spacing._array.ndim:
        steps = diff(spacing).reshape([-1 if d == dim else 1 for d in range(f._array.ndim)])
        left, right = steps.narrow(dim, 0, n - 2), steps.narrow(dim, 1, n - 2)
        first, last = steps.narrow(dim, 0, 1), steps.narrow(dim, n - 2, 1)
        inner = (-right / (left * (left + right)) * at(0, n - 2) + (right - left) / (left * right) * at(1, n - 2)
                 + left / (right * (left + right)) * at(2, n - 2))
    else:
        first = last = spacing
        inner = (at(2, n - 2) - at(0, n - 2)) / (2 * spacing)
    if edge_order == 1:
        return cat([(at(1, 1) - at(0, 1)) / first, inner, (at(-1, 1) - at(-2, 1)) / last], dim)
    if isinstance(spacing, Tensor) and spacing._array.ndim:
        second, before = steps.narrow(dim, 1, 1), steps.narrow(dim, n - 3, 1)
    else:
        second = before = spacing
    return cat([parabola(at(0, 1), at(1, 1), at(2, 1), first, second), inner,
                -parabola(at(-1, 1), at(-2, 1), at(-3, 1), last, before)], dim)


def parabola(f0: Tensor, f1: Tensor, f2: Tensor, h1: Any, h2: Any) -> Tensor:
    """The derivative at the first of three points, of the parabola through them."""
    return -(2 * h1 + h2) / (h1 * (h1 + h2)) * f0 + (h1 + h2) / (h1 * h2) * f1 - h1 / (h2 * (h1 + h2)) * f2


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of a vector's elements as columns, falling unless increasing. Shape: (n) -> (n, N).

    Source: PyTorch `vander`.
    """
    if x._array.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    columns = x._array.size if N is None else N
    if columns < 0:
        raise RuntimeError("N must be non-negative.")
    powers = [x.new_ones(x.shape, dtype=None if x.dtype.category > 1 else int64)]
    for _ in range(columns - 1):
        powers.append(powers[-1] * x)
    return stack((powers if increasing else powers[::-1])[:columns], 1) if columns else x.new_empty((x.numel(), 0))


FUNCTIONS = (sort, argsort, msort, median, nanmedian, unique, unique_consecutive, searchsorted, bucketize, isin, diff,
             gradient, vander)
METHODS: dict[str, Callable[..., Any]] = {f.__name__: f for f in (
    sort, argsort, msort, median, nanmedian, unique, unique_consecutive, diff)}
