"""How a gamma or beta number moves with its parameter: the slopes behind `rsample`.

A number x drawn from a law with distribution function F(x; a) stays at its quantile when a changes, so
dx/da = -(dF/da) / F'(x) (implicit reparameterisation; Figurnov and others, 2018). Both laws are log-concave in
y = log x or y = logit x, and the derivative of F by a is an integral of the density times (score - its mean) over
one tail. The tail that does not contain the mode is taken, and Gauss's rule gives about ten digits.
Called through `special.py`; imports NumPy and the special functions beside this file only.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from .special_gamma import digamma
from .special_tools import Array

_NODES = 32
_BOUNDARY = 12.0  # terms in exp(-s) have died out here
_DEPTH = 42.0  # the tail is cut where the density has fallen by exp(-42), below float64's precision
_NEWTON_STEPS = 12
_AT_ONCE = 4096  # elements, so that the working arrays (1.5 MiB) stay in the cache

Falls = Callable[[Array], Array]


@functools.cache
def _rule() -> tuple[Array, Array]:
    """Gauss-Legendre's nodes and weights on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1) / 2, weights / 2


def _depth_reached(start: Array, fall: Falls, slope: Falls) -> Array:
    """Where a convex fall reaches _DEPTH, from a `start` beyond it: Newton's steps come down monotonically."""
    s = start
    for _ in range(_NEWTON_STEPS):
        s = s - (fall(s) - _DEPTH) / slope(s)
    return s


def _tail_integral(end: Array, fall: Falls, excess: Falls) -> Array:
    """The integral of exp(-fall(s)) * excess(s) from 0 to end, in two parts; arrays of shape (n, 1)."""
    nodes, weights = _rule()
    middle = np.minimum(end / 2, _BOUNDARY)
    total = np.zeros_like(end)
    for start, width in ((np.zeros_like(end), middle), (middle, end - middle)):
        s = start + width * nodes
        total += ((np.exp(-fall(s)) * excess(s)) @ weights[:, None]) * width
    return total


def _gamma_slopes(alpha: Array, x: Array) -> Array:
    """dx/dalpha for x from Gamma(alpha, 1); shapes (n, 1), float64."""
    below = x <= alpha
    distance = np.log(x) - digamma(alpha)
    # y = log x -+ s: the exponent of the density, alpha y - exp(y), falls by alpha (-+s) + x (exp(-+s) - 1).
    side = np.where(below, -1.0, 1.0)

    def fall(s: Array) -> Array:
        return x * np.expm1(side * s) - alpha * (side * s)

    def slope(s: Array) -> Array:
        return side * (x * np.exp(side * s) - alpha)

    above_start = np.minimum(np.sqrt(2 * _DEPTH / x), np.maximum(2.0, np.log(2 * _DEPTH / x)))
    start = np.where(below, (_DEPTH + x) / alpha, above_start)
    end = _depth_reached(start, fall, slope)
    return side * x * _tail_integral(end, fall, lambda s: distance + side * s)


def _beta_slopes(x: Array, alpha: Array, beta: Array) -> Array:
    """dx/dalpha / (1 - x) for x from Beta(alpha, beta); shapes (n, 1), float64."""
    total = alpha + beta
    below = x * total <= alpha
    distance = np.log(x) - digamma(alpha) + digamma(total)
    # y = logit x -+ s falls, seen from the nearer end, by near s + total log(1 - part + part exp(-s)).
    near, part = np.where(below, alpha, beta), np.where(below, x, 1 - x)

    def fall(s: Array) -> Array:
        return near * s + total * np.log1p(part * np.expm1(-s))

    def slope(s: Array) -> Array:
        left = np.exp(-s)
        return near - total * part * left / (1 - part + part * left)

    def excess(s: Array) -> Array:
        moved = -np.log1p(part * np.expm1(-s))
        return distance + np.where(below, moved - s, moved)

    start = (_DEPTH - total * np.log1p(-part)) / near
    end = _depth_reached(start, fall, slope)
    return np.where(below, -x, x) * _tail_integral(end, fall, excess)


def _in_pieces(slopes: Callable[..., Array], dtype: np.dtype, *given: Array) -> Array:
    """Computes in float64, _AT_ONCE elements at a time."""
    arrays = np.broadcast_arrays(*given)
    columns = [a.astype(np.float64).reshape(-1, 1) for a in arrays]
    out = np.empty((columns[0].size, 1), dtype)
    with np.errstate(all="ignore"):
        for i in range(0, len(out), _AT_ONCE):
            out[i:i + _AT_ONCE] = slopes(*[c[i:i + _AT_ONCE] for c in columns])
    return out.reshape(arrays[0].shape)


def standard_gamma_grad(alpha: Array, x: Array) -> Array:
    """dx/dalpha for x drawn from Gamma(alpha, 1).  Shape: both broadcast.  Source: PyTorch `_standard_gamma_grad`.

    >>> standard_gamma_grad(np.array([1.0]), np.array([1.0])).round(6)
    array([1.173563])
    """
    return _in_pieces(_gamma_slopes, x.dtype, alpha, x)


def dirichlet_grad(x: Array, alpha: Array, total: Array) -> Array:
    """dx/dalpha / (1 - x) for x drawn from Beta(alpha, total - alpha).  Source: PyTorch `_dirichlet_grad`.

    For alpha = beta = 1 x is uniform and the slope -x log(x):

    >>> dirichlet_grad(np.array([0.5]), np.array([1.0]), np.array([2.0])).round(6)
    array([0.693147])
    """
    return _in_pieces(lambda x, a, t: _beta_slopes(x, a, t - a), x.dtype, x, alpha, total)
