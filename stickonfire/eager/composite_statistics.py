"""Statistics of samples: quantiles, covariance, correlation. Made of sorting, gathering and matrix products."""
from __future__ import annotations

from typing import Any

from ..core.dtypes import FLOATING
from .composite_reduce import run
from .outs import composed
from .publish import NAMESPACES
from .tensor import Tensor

INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile_of(name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str,
                skip_nan: bool) -> Tensor:
    """quantile and nanquantile: sort, find the two ranks that enclose each q, go from one to the other."""
    if input.dtype.name not in ("float32", "float64"):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype. Got {input.dtype}")
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q}")
        q = input.new_tensor(q)
    check_quantiles(name, input, q, interpolation)
    ndim, at = input.ndim, 0 if dim is None else dim % max(input.ndim, 1)
    values = input.reshape(-1) if dim is None or not ndim else input.movedim(at, -1)
    if values.numel() == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    values = run("sorted_along", values, dim=-1)[0]
    out = between_ranks(values, q.reshape(-1), interpolation, skip_nan)         # (*, Q)
    if keepdim:
        out = out.reshape([1] * ndim + [-1]) if dim is None else out.unsqueeze(at if ndim else 0)
    return out.movedim(-1, 0) if q.ndim else out.squeeze(-1)


def check_quantiles(name: str, input: Tensor, q: Tensor, interpolation: str) -> None:
    """Raises PyTorch's errors."""
    if q.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor, but got {q.ndim}D")
    if q.dtype is not input.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor, but got {q.dtype} for "
                           f"{input.dtype}")
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got "
                           f"{interpolation}")
    if q.numel() and not 0 <= q._array.min() <= q._array.max() <= 1:
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")


def between_ranks(values: Tensor, q: Tensor, interpolation: str, skip_nan: bool) -> Tensor:
    """Quantiles of sorted values along the last dim, NaN last. Shape: (*, N), (Q) -> (*, Q)."""
    nan = values.detach().isnan()
    if skip_nan:
        most = (~nan).sum(-1, keepdim=True) - 1
        ranks = (q * most).clamp(min=0)
    else:
        last = values.shape[-1] - 1
        ranks = run("where", nan.any(-1, keepdim=True), q * 0 + last, q * last)         # a NaN anywhere is the answer
    if interpolation == "nearest":
        return values.gather(-1, ranks.round().long())
    below = ranks.floor()
    if interpolation == "lower":
        return values.gather(-1, below.long())
    if interpolation == "higher":
        return values.gather(-1, ranks.ceil().long())
    weights = ranks - below if interpolation == "linear" else below * 0 + 0.5
    if interpolation == "midpoint":
        weights = run("where", ranks == below, below * 0, weights)
    low, high = values.gather(-1, below.long()), values.gather(-1, ranks.ceil().long())
    return run("lerp", low, high, weights)


@composed
def quantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *,
             interpolation: str = "linear") -> Tensor:
    """The values below which a share q of the elements lies, of all or along a dim.

    Shape: (*), () or (Q) -> (* without dim) or (Q, * without dim).   Source: PyTorch `quantile`.

    >>> import stickonfire as torch
    >>> torch.tensor([1., 2., 3., 4.]).quantile(0.5)
    tensor(2.5000)
    """
    return quantile_of("quantile", input, q, dim, keepdim, interpolation, False)


@composed
def nanquantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *,
                interpolation: str = "linear") -> Tensor:
    """`quantile` of the elements that are not NaN. Source: PyTorch `nanquantile`."""
    return quantile_of("nanquantile", input, q, dim, keepdim, interpolation, True)


def cov(input: Tensor, *, correction: int = 1, fweights: Tensor | None = None,
        aweights: Tensor | None = None) -> Tensor:
    """The covariances of variables (rows) over observations (columns), which may be counted or weighted.

    Shape: (V, N) or (N) -> (V, V) or ().   Raises: RuntimeError for bools or more dims.   Source: PyTorch `cov`.
    """
    if input.ndim > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} "
                           "dimensions")
    if input.dtype.name == "bool":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = input if input.ndim == 2 else input.reshape(1, -1)
    n = rows.shape[1]
    weights = observation_weights(input, n, fweights, aweights)
    total = n if weights is None else weights.sum()
    if weights is not None and n and not bool(total):
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    if weights is None:
        mean = rows.sum(1) / n if input.dtype.category < FLOATING else rows.mean(1)
    else:
        mean = (rows * weights).sum(1) / total
    degrees = total - correction
    if weights is not None and aweights is not None and correction:
        squares = (weights * aweights.to(weights.dtype)).sum()
        degrees = total - correction * squares / total
    centred = rows - mean.unsqueeze(1)
    weighted = centred if weights is None else centred * weights
    products = weighted @ centred.mH
    degrees = degrees.clamp(min=0) if isinstance(degrees, Tensor) else max(degrees, 0)
    return (products / degrees).squeeze()


def observation_weights(input: Tensor, n: int, fweights: Tensor | None, aweights: Tensor | None) -> Tensor | None:
    """How much each observation counts."""
    for name, w, category in (("fweights", fweights, 1), ("aweights", aweights, FLOATING)):
        if w is None:
            continue
        if w.ndim > 1:
            raise RuntimeError(f"cov(): expected {name} to have one or fewer dimensions but got {name} with {w.ndim} "
                               "dimensions")
        if w.dtype.category != category:
            raise RuntimeError(f"cov(): expected {name} to have {'integral' if category == 1 else 'floating point'} "
                               f"dtype but got {name} with {w.dtype.name} dtype")
        if w.numel() != n:
            raise RuntimeError(f"cov(): expected {name} to have the same numel as there are observations in the input "
                               f"but got {w.numel()} != {n}")
        if bool((w < 0).any()):
            raise RuntimeError(f"cov(): {name} cannot be negative")
    if aweights is None:
        return fweights
    return aweights if fweights is None else fweights * aweights


def corrcoef(input: Tensor) -> Tensor:
    """The correlation coefficients of variables (rows) over observations (columns).

    Shape: (V, N) or (N) -> (V, V) or ().   Source: PyTorch `corrcoef`.
    """
    if input.ndim > 2:
        raise RuntimeError("corrcoef(): expected input to have two or fewer dimensions but got an input with "
                           f"{input.ndim} dimensions")
    c = cov(input)
    if c.ndim == 0:
        return c / c
    deviations = (c.diagonal().real if c.is_complex() else c.diagonal()).sqrt()
    c = c / deviations.unsqueeze(1) / deviations
    if not c.is_complex():
        return c.clamp(-1, 1)
    return NAMESPACES["stickonfire"]["complex"](c.real.clamp(-1, 1), c.imag.clamp(-1, 1))


FUNCTIONS = (quantile, nanquantile, cov, corrcoef)
METHODS = {f.__name__: f for f in FUNCTIONS}
