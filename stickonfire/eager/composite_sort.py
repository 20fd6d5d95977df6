"""Sorting, medians, distinct elements, histograms: composed of the ops in `ops/sort.py` and `ops/scan.py`.

Called by users as functions and methods.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core.dtypes import BOOL, COMPLEX, promote_types
from ..ops.common import refuse_now
from ..ops.op import REGISTRY
from .composite_slopes import diff
from .creation import full, into, linspace, tensor
from .dispatch import dispatch
from .results import result_class
from .tensor import Tensor

SORT = REGISTRY["sorted_along"]


def pair(name: str, found: tuple[Tensor, ...], out: Any = None) -> Any:
    """Values and indices as PyTorch's named tuple."""
    if out is not None:
        found = tuple([into(o, t) for o, t in zip(out, found)])
    return result_class(name, "values indices")(*found)


def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: Any = False, *, out: Any = None) -> Any:
    """The elements in order along a dim, and where they were. Shape: (*) -> (*), (*).
    Source: PyTorch `sort`.

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
    """The distinct elements (or slices of a dim) in order; on request the place of each element among them,
    and
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
    """The elements (or slices of a dim) without consecutive repeats; on request the run of each element, and
    the
    runs' lengths.

    Shape: (*) -> (n), (*), (n).   Source: PyTorch `unique_consecutive`.
    """
    refuse_now("unique", input._array, "c")
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
    if input is None:
        raise TypeError('searchsorted() missing 1 required positional arguments: "input"')
    values = input if isinstance(input, Tensor) else tensor(input)
    refuse_now("searchsorted_out_cpu", sorted_sequence._array, "bc")
    edges, given = sorted_sequence, values._array
    if edges._array.ndim == 0:
        raise RuntimeError("torch.searchsorted(): input value can not be a scalar when boundaries is not a vector")
    if edges._array.ndim > 1 and edges._array.shape[:-1] != given.shape[:-1]:
        raise RuntimeError("torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
                           "dimensions of boundaries tensor and input value tensor must match, but we got boundaries "
                           f"tensor {list(edges.shape)} and input value tensor {list(values.shape)}")
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
    """Which elements are among the test elements.

    Shape: (*), (*) -> (*), of bool.   Source: PyTorch `isin`.
    """
    elements = elements if isinstance(elements, Tensor) else tensor(elements)
    tests = test_elements if isinstance(test_elements, Tensor) else tensor(test_elements)
    if COMPLEX in (elements.dtype.category, tests.dtype.category):
        raise RuntimeError("isin(): unsupported for complex elements")
    kind = promote_types(elements.dtype, tests.dtype)
    if kind.category == BOOL:
        raise RuntimeError("Unsupported input type encountered for isin(): Bool. Convert both with .int() first")
    values, ordered = elements.detach().to(kind), sort(tests.detach().reshape(-1).to(kind)).values
    if not ordered._array.size:
        return full(values.shape, invert)
    found = ordered[searchsorted(ordered, values).clamp(max=ordered._array.size - 1)] == values
    return ~found if invert else found


def histogram(input: Tensor, bins: Any = 100, *, range: Sequence[float] | None = None, weight: Tensor | None = None,
              density: bool = False, out: Any = None) -> Any:
    """How many elements fall into each bin (or the sum of their weights), and the bins' edges.

    Shape: (*) -> (n), (n + 1).   Source: PyTorch `histogram`.
    """
    refuse_now("histogram_cpu", input._array, "buicV")
    if isinstance(bins, int) and bins < 1:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    values = input.detach().reshape(-1)
    if isinstance(bins, Tensor):
        edges = bins.clone()
    else:
        low, high = range if range is not None else (values.min().item(), values.max().item()) if values.numel() \
            else (0., 1.)
        low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
        edges = linspace(low, high, bins + 1, dtype=input.dtype)
    inside = (values >= edges[0]) & (values <= edges[-1])
    place = (searchsorted(edges, values[inside], right=True) - 1).clamp(max=edges.numel() - 2)
    shares = values.new_ones(values.shape) if weight is None else weight.reshape(-1)
    counts = values.new_zeros(edges.numel() - 1).index_add(0, place, shares[inside])
    if density:
        counts = counts / (counts.sum() * diff(edges))
    found = [counts, edges] if out is None else [into(o, t) for o, t in zip(out, (counts, edges))]
    return result_class("histogram", "hist bin_edges")(*found)


FUNCTIONS = (sort, argsort, msort, median, nanmedian, unique, unique_consecutive, searchsorted, bucketize, isin,
             histogram)
METHODS: dict[str, Callable[..., Any]] = {f.__name__: f for f in (
    sort, argsort, msort, median, nanmedian, unique, unique_consecutive, histogram)}
