"""Numerical calculus on samples: differences, slopes, areas under curves, and the matrix of powers.

Called by users as functions; composed of ops, so gradients flow.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.dtypes import BOOL, bool_, int64, uint8
from ..core.shapes import normalize_dim
from .composite_join import cat, stack
from .creation import into
from .tensor import Tensor


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
    if input.dtype is uint8:
        raise RuntimeError("torch.gradient does not support uint8 input. Convert it with .int() first")
    dims = range(input._array.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    dims = [normalize_dim(d, input._array.ndim) for d in dims]
    if edge_order not in (1, 2):
        raise RuntimeError(f"torch.gradient only supports edge_order=1 and edge_order=2, but got {edge_order}")
    if len(set(dims)) < len(dims):
        raise RuntimeError(f"dim {max(dims, key=dims.count)} appears multiple times in the list of dims")
    spacing = 1 if spacing is None else spacing
    spacings = list(spacing) if isinstance(spacing, (list, tuple)) else [spacing] * len(dims)
    if len(spacings) != len(dims):
        raise RuntimeError("torch.gradient expected spacing to be unspecified, a scalar, or a list of length "
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


def areas(y: Tensor, x: Tensor | None, dx: float | None, dim: int) -> Tensor:
    """The areas of the trapezoids between neighbours along a dim."""
    if y.dtype is bool_:
        raise RuntimeError("trapezoid: received a bool input for `y`, but bool is not supported. Convert it with "
                           ".int() first")
    at = normalize_dim(dim, y._array.ndim)
    n = y._array.shape[at]
    if n < 2:
        return y.narrow(at, 0, 0)
    heights = y.narrow(at, 1, n - 1) + y.narrow(at, 0, n - 1)
    if x is None:
        return heights * ((1 if dx is None else dx) / 2)
    if dx is not None:
        raise TypeError("trapezoid() takes x or dx, not both")
    if x._array.ndim == 1:
        widths = diff(x).reshape([-1 if d == at else 1 for d in range(y._array.ndim)])
    else:
        widths = diff(x, dim=at - y._array.ndim)
    if x._array.shape[0 if x._array.ndim == 1 else at - y._array.ndim] != n:
        raise RuntimeError("trapezoid: There must be one `x` value for each sample point")
    return heights * widths / 2


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    """The area under samples along a dim, by the trapezoidal rule. Shape: (*, n) -> (*).

    Source: PyTorch `trapezoid`.

    >>> import stickonfire as torch
    >>> torch.trapezoid(torch.tensor([1., 2., 3.]))
    tensor(4.)
    """
    return areas(y, x, dx, dim).sum(normalize_dim(dim, y._array.ndim) - y._array.ndim)


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    """The area under samples up to each one along a dim. Shape: (*, n) -> (*, n - 1).

    Source: PyTorch `cumulative_trapezoid`.
    """
    return areas(y, x, dx, dim).cumsum(normalize_dim(dim, y._array.ndim) - y._array.ndim)


FUNCTIONS = (diff, gradient, vander, trapezoid, cumulative_trapezoid)
ALIASES = {"trapz": trapezoid}
METHODS: dict[str, Callable[..., Any]] = {"diff": diff}
