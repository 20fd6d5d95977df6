"""The table of Kullback-Leibler divergences and the search for the formula that fits two laws.

Room: distributions. `kl_same.py`, `kl_cross.py` and `kl_matrices.py` enter the formulas; `kl.py` shows the names.
"""
from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..eager import Tensor
from .distribution import Distribution

_KL_REGISTRY: dict[tuple[type, type], Callable[[Any, Any], Any]] = {}
_KL_MEMOIZE: dict[tuple[type, type], Any] = {}


def register_kl(type_p: Any, type_q: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates `f(p, q)`, the divergence of laws of these classes and their subclasses.

    The formula nearest to both classes is taken.   Raises: TypeError for anything but Distribution classes.
    Source: PyTorch `register_kl`.
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        _KL_REGISTRY[type_p, type_q] = function
        _KL_MEMOIZE.clear()         # a nearer formula may be known now
        return function
    return enter


def _dispatch_kl(type_p: type, type_q: type) -> Any:
    """The formula nearest to two classes, first by p and then by q, or NotImplemented."""
    order_p, order_q = type_p.__mro__, type_q.__mro__
    matches = [(order_p.index(p), order_q.index(q)) for p, q in _KL_REGISTRY if p in order_p and q in order_q]
    if not matches:
        return NotImplemented
    by_p, by_q = min(matches), min(matches, key=lambda match: match[::-1])
    chosen = order_p[by_p[0]], order_q[by_p[1]]
    other = order_p[by_q[0]], order_q[by_q[1]]
    if chosen != other and _KL_REGISTRY[chosen] is not _KL_REGISTRY[other]:
        warnings.warn(f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please "
                      f"register_kl({chosen[0].__name__}, {other[1].__name__})", RuntimeWarning, stacklevel=3)
    return _KL_REGISTRY[chosen]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """E_p[log p(x) - log q(x)]. Shape: the batch shapes, broadcast.

    Raises: NotImplementedError for a pair without a formula: estimate it from samples, or `register_kl` one.
    Source: PyTorch `kl_divergence`.

    >>> from stickonfire.distributions import Normal
    >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
    tensor(0.5000)
    """
    pair = type(p), type(q)
    if pair not in _KL_MEMOIZE:
        _KL_MEMOIZE[pair] = _dispatch_kl(*pair)
    formula = _KL_MEMOIZE[pair]
    if formula is NotImplemented:
        raise NotImplementedError(f"No KL(p || q) is implemented for p type {type(p).__name__} and q type "
                                  f"{type(q).__name__}")
    return formula(p, q)
