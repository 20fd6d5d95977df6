"""Order: sorting, the k largest, medians, the commonest element, distinct elements.

Values are elements of the input, so each gradient goes back to where the value came from.
"""
from __future__ import annotations

from ..core.dtypes import COMPLEX, FLOATING, SCALAR_NAMES
from ..core.shapes import normalize_dim
from .common import refuse_now
from .op import op
from .reduce_extremes import to_the_picked

BOTH = ("stickonfire", "Tensor")


def refuse_complex(xp, name, input):
    """Raises PyTorch's error for complex numbers, which have no order."""
    if xp.dtype_of(input).category == COMPLEX:
        raise NotImplementedError(f'"{name}" not implemented for \'{SCALAR_NAMES[xp.dtype_of(input).name]}\'. '
                                  'Complex numbers '
                                  "have no order: take .abs(), .real or .imag first")


@op(name="sorted_along", grad_name="SortBackward0")
def sorted_along(xp, input, dim: int = -1, descending: bool = False):
    """The elements in order along a dim, and where they were.

    Shape: (*) -> (*), (*).   Source: PyTorch `sort`.
    """
    refuse_complex(xp, "sort", input)
    at = normalize_dim(dim, input.ndim)
    if input.ndim == 0:
        return xp.copy(input), xp.zeros((), int)
    where = xp.order_along(input, at, descending)
    return xp.take_along_axis(input, where, at), where


def from_places(xp, g, outs, input_shape, dim):
    """The gradient of an op whose outputs are elements along a dim and their places."""
    if len(input_shape) == 0:
        return xp.reshape(g[0], ())
    return xp.scatter_add(xp.zeros_like(g[0], shape=input_shape), dim, outs[1], g[0])


sorted_along.gradient("input")(from_places)


@op(publish=BOTH, returns="values indices")
def topk(xp, input, k: int, dim: int = -1, largest: bool = True, sorted: bool = True):
    """The k largest elements along a dim, largest first, and where they are. Shape: (*, n) -> (*, k), (*, k).

    Raises: RuntimeError for a k out of range.   Source: PyTorch `topk`.
    """
    refuse_complex(xp, "topk", input)
    if input.dtype.kind == "b":
        raise RuntimeError("topk does not support bool dtypes on CPU. Convert with .int() first")
    at = normalize_dim(dim, input.ndim)
    if not 0 <= k <= (input.shape[at] if input.ndim else 1):
        raise RuntimeError(f"selected index k out of range: k is {k}, dim {dim} of a tensor of shape "
                           f"{list(input.shape)}")
    if input.ndim == 0:
        return xp.copy(input), xp.zeros((), int)
    where = xp.largest_first(input, at, k, largest)
    return xp.take_along_axis(input, where, at), where


topk.gradient("input")(from_places)


def chosen(xp, input, at, where, keepdim):
    """The elements at places along a dim, and the places; the dim dropped unless kept."""
    values = xp.take_along_axis(input, where, at)
    return (values, where) if keepdim else (xp.squeeze(values, at), xp.squeeze(where, at))


def some_along(xp, name, input, dim):
    """The normalized dim, which must hold elements."""
    refuse_complex(xp, name, input)
    at = normalize_dim(dim, input.ndim)
    if input.ndim and input.shape[at] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {at} to have non-zero size.")
    return at


@op(publish=BOTH, returns="values indices")
def kthvalue(xp, input, k: int, dim: int = -1, keepdim: bool = False):
    """The k-th smallest element along a dim, k from 1, and where it is. Shape: (*, n) -> (*), (*).

    Source: PyTorch `kthvalue`.
    """
    at = some_along(xp, "kthvalue", input, dim)
    if not 1 <= k <= (input.shape[at] if input.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}: k is {k}")
    if input.ndim == 0:
        return xp.copy(input), xp.zeros((), int)
    return chosen(xp, input, at, xp.kth(input, at, k), keepdim)


kthvalue.gradient("input")(to_the_picked)


@op(publish=BOTH, returns="values indices")
def mode(xp, input, dim: int = -1, keepdim: bool = False):
    """The commonest element along a dim, the smallest of several, and where it is. Shape: (*, n) -> (*), (*).

    Source: PyTorch `mode`.
    """
    at = some_along(xp, "mode", input, dim)
    if input.ndim == 0:
        return xp.copy(input), xp.zeros((), int)
    return chosen(xp, input, at, xp.most_frequent(input, at), keepdim)


mode.gradient("input")(to_the_picked)


def median_along(xp, input, dim, keepdim, skip_nan):
    refuse_now("median_out", input, "b")
    at = some_along(xp, "nanmedian" if skip_nan else "median", input, dim)
    if input.ndim == 0:
        return xp.copy(input), xp.zeros((), int)
    return chosen(xp, input, at, xp.middle(input, at, skip_nan), keepdim)


@op(grad_name="MedianBackward1")
def median_dim(xp, input, dim: int, keepdim: bool = False):
    """The lower median along a dim and where it is; NaN if there is one. Shape: (*, n) -> (*), (*).

    Source: PyTorch `median`.
    """
    return median_along(xp, input, dim, keepdim, False)


@op(grad_name="NanmedianBackward1")
def nanmedian_dim(xp, input, dim: int, keepdim: bool = False):
    """The lower median along a dim without NaNs, and where it is. Shape: (*, n) -> (*), (*).

    Source: PyTorch `nanmedian`.
    """
    return median_along(xp, input, dim, keepdim, True)


median_dim.gradient("input")(to_the_picked)
nanmedian_dim.gradient("input")(to_the_picked)


def median_of(xp, input, skip_nan):
    refuse_complex(xp, "median", input)
    refuse_now("median_cpu", input, "b")
    flat = input.reshape(-1)
    if not flat.size:
        missing = float("nan") if xp.dtype_of(input).category == FLOATING else -2 ** 63
        return xp.cast(xp.asarray(missing), xp.dtype_of(input))
    return xp.take(flat, xp.middle(flat, 0, skip_nan)).reshape(())


@op(grad_name="MedianBackward0")
def median_all(xp, input):
    """The lower median of all elements; NaN if there is one. Shape: (*) -> ().   Source: PyTorch `median`."""
    return median_of(xp, input, False)


@op(grad_name="NanmedianBackward0")
def nanmedian_all(xp, input):
    """The lower median of all elements that are no NaN. Shape: (*) -> ().   Source: PyTorch `nanmedian`."""
    return median_of(xp, input, True)


def shared_by_equals(xp, g, input, out):
    """The gradient of one element of all: shared equally among those that equal it."""
    hit = (input == out) | ((input != input) & (out != out))
    hit = xp.cast(hit, xp.dtype_of(g))
    return g * hit / xp.sum(hit)


median_all.gradient("input")(shared_by_equals)
nanmedian_all.gradient("input")(shared_by_equals)


@op(differentiable=False)
def distinct(xp, input):
    """The distinct elements in order, the place of each element among them, their counts.

    Shape: (*) -> (n), (*), (n).   Source: PyTorch `unique`.
    """
    refuse_complex(xp, "unique", input)
    return xp.distinct(input)


@op(differentiable=False)
def runs(xp, input):
    """The elements without consecutive repeats, the run of each element, the lengths.

    Shape: (*) -> (n), (*), (n).   Source: PyTorch `unique_consecutive`.
    """
    return xp.runs(input)


@op(differentiable=False)
def distinct_slices(xp, input, dim: int, consecutive: bool = False):
    """The distinct slices of a dim, the place of each slice among them, their counts.

    Shape: (A, *) -> (n, *), (A), (n) for dim 0.   Source: PyTorch `unique` and `unique_consecutive` with dim.
    """
    at = normalize_dim(dim, input.ndim)
    if input.size == 0 and input.shape[at]:
        raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
    return xp.distinct_slices(input, at, consecutive)


@op(differentiable=False)
def insertion_places(xp, edges, values, right: bool = False, int32: bool = False):
    """Where values go in sorted edges.

    Shape: (n), (*) -> (*), or rows by rows.   Source: PyTorch `searchsorted`.
    """
    places = xp.insertion_places(edges, values, right)
    return places.astype("int32") if int32 else places


@op(publish=BOTH, differentiable=False)
def bincount(xp, input, weights=None, minlength: int = 0):
    """How often each of 0, 1, 2 ... occurs, or the sum of its weights. Shape: (N) -> (max + 1).

    Source: PyTorch `bincount`.
    """
    refuse_now("bincount_cpu", input, "bfcV")
    if input.ndim != 1 or (input.size and input.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if weights is not None and weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    found = xp.counted(input, weights, minlength)
    return xp.cast(found, xp.dtype_of(weights)) if str(getattr(weights, "dtype", "")) == "float32" else found


@op(publish=BOTH, differentiable=False)
def histc(xp, input, bins: int = 100, min: float = 0, max: float = 0):
    """How many elements fall into each of `bins` equal parts of [min, max] (of the input's range if equal).

    Shape: (*) -> (bins).   Source: PyTorch `histc`.
    """
    if bins <= 0:
        raise RuntimeError("bins must be > 0")
    refuse_now("histogram_cpu", input, "buic")
    low, high = min, max
    if low == high and input.size:
        low, high = float(input.min()), float(input.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (abs(low) < float("inf") and abs(high) < float("inf")):
        raise RuntimeError(f"range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError("max must be larger than min")
    return xp.histogram(input, bins, low, high)
