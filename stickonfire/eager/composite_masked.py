"""`torch.masked`: reductions and normalisations of the elements where a mask is True.

A masked element is replaced by what changes nothing (FILLS), and the ordinary function does the rest; so gradients
of masked elements are zero. A slice without any unmasked element gives that neutral value, or nan from means, medians
and softmax. Loaded with `torch.masked` when first asked for. May import: eager, core.
"""
from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Any

from ..core import state
from ..core.dtypes import BOOL, FLOATING, bool_, float64, int64
from ..core.dtypes import dtype as dtype_type
from ..core.limits import iinfo
from .arguments import guarded
from .composite_reduce import run
from .publish import NAMESPACES
from .tensor import Tensor

TORCH, LINALG = NAMESPACES["stickonfire"], NAMESPACES["linalg"]
where = TORCH["where"]
# What a masked element is replaced by: a number, or an end of the dtype's range.
FILLS: dict[str, Any] = {
    "sum": 0, "cumsum": 0, "prod": 1, "cumprod": 1,
    "amax": "lowest", "argmax": "lowest", "softmax": "lowest", "log_softmax": "lowest", "logsumexp": "lowest",
    "logaddexp": "lowest", "amin": "highest", "argmin": "highest", "softmin": "highest"}
LINES = {
    "sum": "The sum", "prod": "The product", "amax": "The largest", "amin": "The smallest",
    "logsumexp": "The logarithm of the sum of the exponentials", "argmax": "The place of the largest",
    "argmin": "The place of the smallest", "cumsum": "Running sums", "cumprod": "Running products",
    "softmax": "The softmax", "log_softmax": "The logarithm of the softmax", "softmin": "The softmin"}


def fill_value(name: str, kind: dtype_type) -> Any:
    """What a masked element of a dtype is replaced by.

    Raises: NotImplementedError where the dtype has no such value.
    """
    fill = FILLS[name]
    if not isinstance(fill, str):
        return fill
    if kind.category == BOOL:
        raise NotImplementedError(f"identity of {name} on {kind} input: cast the input, or leave the mask out")
    if kind.category >= FLOATING:
        return -inf if fill == "lowest" else inf
    return iinfo(kind).min if fill == "lowest" else iinfo(kind).max


def bool_mask(input: Tensor, mask: Tensor) -> Tensor:
    """The mask in the input's shape.

    Raises: IndexError for more dims than the input has, RuntimeError where the shapes do not fit.
    """
    if mask.ndim > input.ndim:
        raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of the input): "
                         f"{list(mask.shape)} for an input of shape {list(input.shape)}")
    return mask.to(bool_).expand(input.shape)


def filled(input: Tensor, mask: Tensor | None, value: Any) -> Tensor:
    """The input with a value where the mask is False."""
    return input if mask is None else where(bool_mask(input, mask), input, input.new_full((), value))


def prepared(name: str, input: Tensor, dtype: Any, mask: Tensor | None) -> Tensor:
    """The input in the dtype asked for, masked elements replaced."""
    t = input if dtype is None else input.to(dtype)
    return t if mask is None else filled(t, mask, fill_value(name, t.dtype))


def dims_of(input: Tensor, dim: Any) -> tuple[int, ...]:
    """The dims to reduce; none named: all."""
    given = () if dim is None else (dim,) if hasattr(dim, "__index__") else tuple(dim)
    return given or tuple(range(input.ndim))


def product(input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    """The product over several dims, one after the other."""
    for d in sorted([d % max(input.ndim, 1) for d in dims_of(input, dim)], reverse=True):
        input = run("prod", input, dim=d, keepdim=keepdim)
    return input


def described(function: Callable[..., Any], name: str, shape: str) -> Callable[..., Any]:
    """Gives a made function its name and docstring."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (f"{LINES[name]} of the elements where `mask` is True, which is broadcast to the input.\n\n"
                        f"    Shape: {shape}.   Source: PyTorch `masked.{name}`.\n    ")
    return guarded(function)


def reduction(name: str) -> Callable[..., Any]:
    """A function that reduces any dims."""
    plain: Any = product if name == "prod" else TORCH[name]

    def made(input: Tensor, dim: Any = None, *, keepdim: bool = False, dtype: Any = None,
             mask: Tensor | None = None) -> Tensor:
        if dtype is None and name in ("sum", "prod") and input.dtype.category < FLOATING:
            dtype = int64
        t = prepared(name, input, dtype, mask)
        return plain(t, dims_of(t, dim), keepdim).to(t.dtype)
    return described(made, name, "(*) -> (* without dim)")


def place(name: str) -> Callable[..., Any]:
    """A function that gives the place of an element; in the input's dtype, as PyTorch's does."""
    def made(input: Tensor, dim: int | None = None, *, keepdim: bool = False, dtype: Any = None,
             mask: Tensor | None = None) -> Tensor:
        t = prepared(name, input, dtype, mask)
        return run(name, t, dim=dim, keepdim=bool(keepdim)).to(t.dtype)
    return described(made, name, "(*) -> (* without dim)")


def along(name: str) -> Callable[..., Any]:
    """A function that keeps the shape and works along a dim."""
    plain = TORCH["softmax" if name == "softmin" else name]

    def made(input: Tensor, dim: int, *, dtype: Any = None, mask: Tensor | None = None) -> Tensor:
        t = prepared(name, input, dtype, mask)
        result = plain(-t if name == "softmin" else t, dim)
        return result.to(t.dtype) if name in ("cumsum", "cumprod") else result
    return described(made, name, "(*) -> (*)")


masked_sum = reduction("sum")


def counted(input: Tensor, dim: Any, keepdim: bool, mask: Tensor | None) -> Tensor:
    """How many elements are unmasked."""
    ones = input.new_ones(input.shape, dtype=int64) if mask is None else bool_mask(input, mask).to(int64)
    return run("sum", ones, dim=dims_of(input, dim), keepdim=keepdim) if input.ndim else ones


@guarded
def mean(input: Tensor, dim: Any = None, *, keepdim: bool = False, dtype: Any = None,
         mask: Tensor | None = None) -> Tensor:
    """The mean of the elements where `mask` is True, nan where there is none.

    Shape: (*) -> (* without dim).   Raises: ValueError for ints and bools.   Source: PyTorch `masked.mean`.

    >>> import stickonfire as torch
    >>> torch.masked.mean(torch.tensor([1., 5., 3.]), mask=torch.tensor([True, False, True]))
    tensor(2.)
    """
    kind = input.dtype if dtype is None else dtype
    if kind.category < FLOATING:
        raise ValueError("mean(): Could not infer output dtype. Input dtype must be either a floating point or complex "
                         f"dtype. Got: {kind}")
    return masked_sum(input, dim, keepdim=keepdim, dtype=kind, mask=mask) / counted(input, dim, keepdim, mask)


@guarded
def median(input: Tensor, dim: int = -1, *, keepdim: bool = False, dtype: Any = None,
           mask: Tensor | None = None) -> Tensor:
    """The (lower) median of the elements where `mask` is True, nan where there is none.

    Shape: (*) -> (* without dim).   Raises: ValueError for ints where there is none.   Source: PyTorch `masked.median`.

    >>> import stickonfire as torch
    >>> torch.masked.median(torch.tensor([4., 9., 1., 3.]), mask=torch.tensor([True, False, True, True]))
    tensor(3.)
    """
    t = input if dtype is None else input.to(dtype)
    kind = t.dtype
    if kind.category < FLOATING:
        if mask is not None and bool((counted(t, dim, False, mask) == 0).any()):
            raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
        t = t.to(float64)
    return TORCH["nanmedian"](filled(t, mask, nan), dim, keepdim)[0].to(kind)


def spread(input: Tensor, dim: Any, unbiased: bool | None, correction: Any, keepdim: bool, dtype: Any,
           mask: Tensor | None) -> Tensor:
    """The variance of the unmasked elements."""
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    correction = (1 if unbiased in (None, True) else 0) if correction is None else correction
    kind = input.dtype if dtype is None else dtype
    t = input.to(kind if kind.category >= FLOATING else state.default_dtype())
    n = counted(t, dim, True, mask)
    off = t - masked_sum(t, dim, keepdim=True, mask=mask) / n
    total = masked_sum(off * off.conj(), dim, keepdim=keepdim, mask=mask)
    left = n.reshape(total.shape) - correction
    return (total / where(left > 0, left, left.new_zeros(()))).to(t.dtype)


@guarded
def var(input: Tensor, dim: Any = None, unbiased: bool | None = None, *, correction: Any = None, keepdim: bool = False,
        dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """The variance of the elements where `mask` is True: squares over their number minus `correction` (1).

    Shape: (*) -> (* without dim).   Source: PyTorch `masked.var`.

    >>> import stickonfire as torch
    >>> torch.masked.var(torch.tensor([1., 5., 3.]), mask=torch.tensor([True, False, True]))
    tensor(2.)
    """
    return spread(input, dim, unbiased, correction, keepdim, dtype, mask)


@guarded
def std(input: Tensor, dim: Any = None, unbiased: bool | None = None, *, correction: Any = None, keepdim: bool = False,
        dtype: Any = None, mask: Tensor | None = None) -> Tensor:
    """The root of `var`. Shape: (*) -> (* without dim).   Source: PyTorch `masked.std`."""
    return spread(input, dim, unbiased, correction, keepdim, dtype, mask).sqrt()


@guarded
def norm(input: Tensor, ord: Any = 2.0, dim: Any = None, *, keepdim: bool = False, dtype: Any = None,
         mask: Tensor | None = None) -> Tensor:
    """The norm of the elements where `mask` is True.

    Shape: (*) -> (* without dim).   Source: PyTorch `masked.norm`.

    >>> import stickonfire as torch
    >>> torch.masked.norm(torch.tensor([3., 9., 4.]), mask=torch.tensor([True, False, True]))
    tensor(5.)
    """
    t = input if dtype is None else input.to(dtype)
    return LINALG["vector_norm"](filled(t, mask, inf if ord == -inf else 0), ord, dims_of(t, dim), keepdim)


@guarded
def normalize(input: Tensor, ord: float, dim: int, *, eps: float = 1e-12, dtype: Any = None,
              mask: Tensor | None = None) -> Tensor:
    """The elements where `mask` is True over their norm, or over eps where that is smaller; zeros elsewhere.

    Shape: (*) -> (*).   Source: PyTorch `masked.normalize`.

    >>> import stickonfire as torch
    >>> torch.masked.normalize(torch.tensor([3., 9., 4.]), 2.0, 0, mask=torch.tensor([True, False, True]))
    tensor([0.6000, 0.0000, 0.8000])
    """
    t = input if dtype is None else input.to(dtype)
    length = norm(t, ord, dim, keepdim=True, mask=mask)
    return filled(t, mask, 0) / length.clamp(min=eps)


@guarded
def logaddexp(input: Tensor, other: Tensor, *, dtype: Any = None, input_mask: Tensor | None = None,
              other_mask: Tensor | None = None) -> Tensor:
    """log(exp(input) + exp(other)) of what the masks leave: -inf where they leave nothing.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `masked.logaddexp`.

    >>> import stickonfire as torch
    >>> torch.masked.logaddexp(torch.zeros(2), torch.ones(2), other_mask=torch.tensor([True, False]))
    tensor([1.3133, 0.0000])
    """
    return run("logaddexp", prepared("logaddexp", input, dtype, input_mask),
               prepared("logaddexp", other, dtype, other_mask))


def is_masked_tensor(obj: Any, /) -> bool:
    """Whether it is a tensor that carries its mask: never, there are none here.   Source: `masked.is_masked_tensor`."""
    return False


prod, amax, amin, logsumexp = (reduction(name) for name in ("prod", "amax", "amin", "logsumexp"))
argmax, argmin = place("argmax"), place("argmin")
cumsum, cumprod = along("cumsum"), along("cumprod")
softmax, log_softmax, softmin = along("softmax"), along("log_softmax"), along("softmin")
