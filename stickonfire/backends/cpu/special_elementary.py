"""Short special functions of logarithms and sines: xlogy, xlog1py, entr, sinc, logit.

Called through `special.py`. Each is a formula with its limits filled in, in the precision of the arguments.
Imports NumPy and `special_tools` only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .special_tools import Array, real


def _times_log(x: Any, y: Any, log: Callable[[Array], Array]) -> Array:
    (x, x_dtype), (y, y_dtype) = real(x), real(y)
    with np.errstate(all="ignore"):
        product = np.asarray(x * log(y))
        out = np.where((x == 0) & ~np.isnan(y), product.dtype.type(0), product)
    return out.astype(np.promote_types(x_dtype, y_dtype), copy=False)


def xlogy(x: Any, y: Any) -> Array:
    """x * log(y), and 0 where x is 0 unless y is NaN.

    Shape: `x` and `y` broadcast together. Source: torch.special.xlogy.

    >>> xlogy(np.array([0.0, 2.0]), np.array([0.0, 1.0]))
    array([0., 0.])
    """
    return _times_log(x, y, np.log)


def xlog1py(x: Any, y: Any) -> Array:
    """x * log(1 + y), and 0 where x is 0 unless y is NaN.

    Shape: `x` and `y` broadcast together. Source: torch.special.xlog1py.

    >>> xlog1py(np.array([0.0, 2.0]), np.array([-1.0, 0.0]))
    array([0., 0.])
    """
    return _times_log(x, y, np.log1p)


def entr(x: Any) -> Array:
    """-x * log(x); 0 at 0 and minus infinity for negative x.

    Shape: that of `x`. Source: torch.special.entr.

    >>> entr(np.array([0.0, -1.0]))
    array([  0., -inf])
    """
    x, dtype = real(x)
    with np.errstate(all="ignore"):
        out = np.where(x == 0, x.dtype.type(0), np.where(x < 0, x.dtype.type(-np.inf), -x * np.log(x)))
    return out.astype(dtype, copy=False)


def sinc(x: Any) -> Array:
    """sin(pi x) / (pi x), and 1 at 0. The product pi x is rounded, as in PyTorch: sinc(1) is 3.9e-17.

    Shape: that of `x`. Source: torch.sinc.

    >>> sinc(np.array([0.0, 0.5])).round(6)
    array([1.     , 0.63662])
    """
    x, dtype = (np.asarray(x), np.asarray(x).dtype) if np.iscomplexobj(x) else real(x)
    with np.errstate(all="ignore"):
        angle = np.asarray(x * np.pi)
        out = np.where(x == 0, x.dtype.type(1), np.sin(angle) / angle)
    return out.astype(dtype, copy=False)


def logit(x: Any, eps: float | None = None) -> Array:
    """log(x / (1 - x)); with `eps`, of `x` clamped to [eps, 1 - eps].

    Shape: that of `x`. Source: torch.special.logit.

    >>> logit(np.array([0.5, 1.0]))
    array([ 0., inf])
    """
    x, dtype = real(x)
    with np.errstate(all="ignore"):
        if eps is not None:
            # For eps > 1/2 the bounds cross: as in PyTorch, the lower one is looked at first.
            low, high = x.dtype.type(eps), x.dtype.type(1 - eps)
            x = np.where(x < low, low, np.where(x > high, high, x))
        out = np.asarray(np.log(x / (1 - x)))
    return out.astype(dtype, copy=False)
