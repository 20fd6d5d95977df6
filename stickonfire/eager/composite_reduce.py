"""Reductions with more than one form: max and min, var and std, norm, and what is made of them.

Each picks the op for the form that was called. Imports the dispatcher and what a function needs to look like
PyTorch's.
"""
from __future__ import annotations

from typing import Any

from ..core.dtypes import FLOATING, dtype
from ..ops.op import REGISTRY
from .dispatch import dispatch
from .namespace import ones_like
from .outs import composed, results
from .publish import NAMESPACES
from .tensor import Tensor

vector_norm = NAMESPACES["linalg"]["vector_norm"]


def run(name: str, *inputs: Any, **attrs: Any) -> Any:
    """Executes an op by name."""
    op = REGISTRY[name]
    return dispatch(op, inputs, op.attribute_defaults | attrs)


LARGEST, SMALLEST = REGISTRY["max_all"], REGISTRY["min_all"]
NO_ATTRS: dict[str, Any] = {}


def extreme(name: str, pairwise: str, input: Tensor, dim: Any, keepdim: bool, other: Any) -> Any:
    """The form of max or min that was called, with a dim or another tensor."""
    if isinstance(dim, Tensor):
        other = dim
    if other is not None:
        if not isinstance(input, Tensor) or not isinstance(other, Tensor):
            raise TypeError(f"{name}() received an invalid combination of arguments - got ({type(input).__name__}, "
                            f"{type(other).__name__}), but expected (Tensor input, Tensor other). Use clamp() for a "
                            "number")
        return run(pairwise, input, other)
    return results(name, "values indices", *run(name + "_dim", input, dim=dim, keepdim=keepdim))


@composed
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The largest element; with `dim` the largest along it and where they are; with a tensor the larger of each pair.

    Shape: (*) -> (), or two of (* without dim), or broadcast.
    Raises: RuntimeError without elements, or for complex numbers.
    Source: PyTorch `max`.

    >>> import stickonfire as torch
    >>> torch.tensor([[1, 5], [7, 2]]).max(1).indices
    tensor([1, 0])
    """
    if dim is None and other is None:
        return dispatch(LARGEST, (input,), NO_ATTRS)
    return extreme("max", "maximum", input, dim, keepdim, other)


@composed
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The smallest element; with `dim` the smallest along it and where; with a tensor the smaller of each pair.

    Shape: (*) -> (), or two of (* without dim), or broadcast.
    Raises: RuntimeError without elements, or for complex numbers.
    Source: PyTorch `min`.

    >>> import stickonfire as torch
    >>> torch.tensor([[1, 5], [7, 2]]).min()
    tensor(1)
    """
    if dim is None and other is None:
        return dispatch(SMALLEST, (input,), NO_ATTRS)
    return extreme("min", "minimum", input, dim, keepdim, other)


@composed
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest and the largest element, of all or along a dim.

    Shape: (*) -> two of (* without dim).   Source: PyTorch `aminmax`.
    """
    if dim is None and not keepdim:
        return results("aminmax", "min max", run("min_all", input), run("max_all", input))
    dims = () if dim is None else dim
    return results("aminmax", "min max", run("amin", input, dim=dims, keepdim=keepdim),
                   run("amax", input, dim=dims, keepdim=keepdim))


def spread(op: str, input: Tensor, dim: Any, unbiased: bool | None, keepdim: bool, correction: float | None) -> Any:
    """Variance, deviation, or one of them with the mean."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim               # var(input, unbiased)
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    elif unbiased is not None:
        raise TypeError(f"{op}: 'unbiased' and 'correction' say the same thing, give one of them")
    return run(op, input, dim=dim, correction=correction, keepdim=keepdim)


@composed
def var(input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
        correction: float | None = None) -> Tensor:
    """The variance, of all elements or along dims: squared distances from the mean, summed, over n - correction.

    Shape: (*) -> (* without dims).   Raises: RuntimeError for integers.   Source: PyTorch `var`.

    >>> import stickonfire as torch
    >>> torch.var(torch.tensor([1., 2., 3., 6.]), correction=0)
    tensor(3.5000)
    """
    return spread("variance", input, dim, unbiased, keepdim, correction)


@composed
def std(input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
        correction: float | None = None) -> Tensor:
    """The standard deviation, of all elements or along dims: the root of `var`.

    Shape: (*) -> (* without dims).   Raises: RuntimeError for integers.   Source: PyTorch `std`.
    """
    return spread("deviation", input, dim, unbiased, keepdim, correction)


@composed
def var_mean(input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
             correction: float | None = None) -> tuple[Tensor, Tensor]:
    """Variance and mean. Shape: (*) -> two of (* without dims).   Source: PyTorch `var_mean`."""
    return spread("variance_and_mean", input, dim, unbiased, keepdim, correction)


@composed
def std_mean(input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
             correction: float | None = None) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean. Shape: (*) -> two of (* without dims).   Source: PyTorch `std_mean`."""
    return spread("deviation_and_mean", input, dim, unbiased, keepdim, correction)


@composed
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: dtype | None = None) -> Tensor:
    """The mean of the elements that are not NaN.

    Shape: (*) -> (* without dims).   Raises: RuntimeError for integers.   Source: PyTorch `nanmean`.
    """
    if input.dtype.category < FLOATING:
        raise RuntimeError("nanmean(): expected input to have floating point or complex dtype but got "
                           f"{input.dtype.name.capitalize()}. Convert with .float() first")
    numbers = (~input.detach().isnan()).sum(dim=dim, keepdim=keepdim)
    return run("nansum", input, dim=dim, keepdim=keepdim, dtype=dtype) / numbers


@composed
def norm(input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: dtype | None = None) -> Tensor:
    """The p-norm of all elements or along dims; "fro" is the 2-norm, "nuc" the sum of singular values.

    Shape: (*) -> (* without dims).   Raises: RuntimeError for integers.   Source: PyTorch `norm`.

    >>> import stickonfire as torch
    >>> torch.tensor([3., 4.]).norm()
    tensor(5.)
    """
    if (input.dtype if dtype is None else dtype).category < FLOATING:
        raise RuntimeError("norm(): input dtype should be either floating point or complex dtypes. Got "
                           f"{input.dtype.name.capitalize()} instead. Convert with .float() first")
    if p == "nuc":
        return NAMESPACES["linalg"]["matrix_norm"](input, "nuc", (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"only valid string values are 'fro' and 'nuc', found: {p}. In norm(): give a number for "
                           "others")
    if p == "fro" and dim is not None and not isinstance(dim, int) and len(dim) > 2:
        raise RuntimeError(f"norm(): the Frobenius norm is of vectors or matrices, but {len(dim)} dims were given. Use "
                           "p=2")
    return run("vector_norm", input, ord=2 if p in (None, "fro") else p, dim=dim, keepdim=keepdim, dtype=dtype)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input - other. Shape: (*), (*) -> ().   Source: PyTorch `dist`."""
    return run("vector_norm", input - other, ord=p)


def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """The slices along a dim, those whose p-norm is above `maxnorm` scaled down to it.

    Shape: (*) -> (*).   Raises: RuntimeError for p <= 0 or fewer than 2 dims.   Source: PyTorch `renorm`.
    """
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if input.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    others = [d for d in range(input.ndim) if d != dim % input.ndim]
    size = run("vector_norm", input, ord=p, dim=others, keepdim=True)
    return input * run("where", size > maxnorm, maxnorm / (size + 1e-7), ones_like(size))


def renorm_(self: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """`renorm` in place."""
    return self.copy_(renorm(self.clone(), p, dim, maxnorm))


_BOTH = (max, min, aminmax, var, std, nanmean, norm, dist, renorm)
FUNCTIONS = (*_BOTH, var_mean, std_mean)
METHODS = {f.__name__: f for f in _BOTH} | {"renorm_": renorm_}
