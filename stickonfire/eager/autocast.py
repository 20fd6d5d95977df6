"""Mixed precision as the functions see it: what autocast is set to in this thread, and the compositions it casts.

Ops are cast by the handler in `amp/handler.py`, which is loaded with the first autocast. A function composed of several
ops would have its parts cast one by one, so those that PyTorch casts as a whole are wrapped here. Room: eager.
"""
from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ..core import dtypes, state
from ..core.dtypes import dtype
from ..core.state import modes, set_mode
from .modes import is_grad_enabled
from .tensor import Tensor

Names = dict[str, Any]
IN_FLOAT32 = ("adaptive_avg_pool3d", "adaptive_max_pool3d", "avg_pool3d", "cosine_embedding_loss", "cross_entropy",
              "ctc_loss", "fractional_max_pool2d", "fractional_max_pool3d", "grid_sample", "hinge_embedding_loss",
              "l1_loss", "margin_ranking_loss", "max_pool3d", "max_unpool2d", "max_unpool3d", "multi_margin_loss",
              "multilabel_margin_loss", "poisson_nll_loss", "soft_margin_loss", "triplet_margin_loss", "lstsq",
              "quantile", "nanquantile")
IN_LOWER = ("vecdot",)
AS_GIVEN = ("bilinear",)            # made of listed ops here, of others in PyTorch


class Autocast(threading.local):
    """What autocast is set to on the CPU, in this thread."""

    enabled = False
    dtype = dtypes.bfloat16
    cache_enabled = True
    nesting = 0             # how many blocks deep; the outermost forgets the cache
    handler: Any = None     # the class of handlers that cast; amp/handler.py puts it here

    def __init__(self) -> None:
        self.cache: dict[Any, tuple[Tensor, Tensor]] = {}       # parameters and what they were cast to


autocasting = Autocast()


def setting() -> tuple[Any, ...]:
    """What autocast is set to, for `restored`."""
    return autocasting.enabled, autocasting.dtype, autocasting.cache_enabled


@contextlib.contextmanager
def restored(then: tuple[Any, ...]) -> Iterator[None]:
    """Inside, autocast is set to what it was: for code that is run a second time."""
    a, now, handler = autocasting, setting(), modes.handler
    if then == now:
        yield
        return
    a.enabled, a.dtype, a.cache_enabled = then
    a.nesting += 1
    if a.enabled and not isinstance(handler, a.handler):
        set_mode("handler", a.handler(handler))
    try:
        yield
    finally:
        a.enabled, a.dtype, a.cache_enabled = now
        set_mode("handler", handler)
        a.nesting -= 1
        if a.nesting == 0:
            a.cache.clear()


def cast(value: Any, kind: dtype) -> Any:
    """A value, or the values in containers, with 16- and 32-bit floats in another dtype; parameters once only."""
    if isinstance(value, Tensor):
        given = value.dtype
        if given is kind or not given.is_floating_point or given is dtypes.float64:
            return value
        if given is dtypes.float32 and autocasting.cache_enabled and value.requires_grad and value.is_leaf:
            key = id(value), kind, is_grad_enabled(), value._version
            if key not in autocasting.cache:
                autocasting.cache[key] = value, value.to(kind)
            return autocasting.cache[key][1]
        return value.to(kind)
    if value.__class__ in (list, tuple):
        return value.__class__([cast(part, kind) for part in value])
    if value.__class__ is dict:
        return {name: cast(part, kind) for name, part in value.items()}
    return value


def as_a_whole(function: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    """The function, which under autocast has its arguments changed once and runs its parts as they are."""
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if state.plain or not autocasting.enabled:
            return function(*args, **kwargs)
        args, kwargs = change(args), change(kwargs)
        autocasting.enabled = False
        try:
            return function(*args, **kwargs)
        finally:
            autocasting.enabled = True
    return call


def in_lower_precision(function: Callable[..., Any]) -> Callable[..., Any]:
    """A composition that is one operator of PyTorch's list of lower precision."""
    return as_a_whole(function, lambda given: cast(given, autocasting.dtype))


def in_float32(function: Callable[..., Any]) -> Callable[..., Any]:
    """A composition that is one operator of PyTorch's list of float32."""
    return as_a_whole(function, lambda given: cast(given, dtypes.float32))


def bordered(function: Callable[..., Any]) -> Callable[..., Any]:
    """`pad`, of whose modes reflection (of one and two dims) and replication are on the list of float32."""
    @functools.wraps(function)
    def call(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
        if not state.plain and autocasting.enabled and (mode == "replicate" or mode == "reflect" and len(pad) < 6):
            input = cast(input, dtypes.float32)
        return function(input, pad, mode, value)
    return call


def wrap_listed(names: Names) -> None:
    """Wraps the compositions of PyTorch's lists in a namespace."""
    for listed, wrap in ((IN_FLOAT32, in_float32), (IN_LOWER, in_lower_precision), (("pad",), bordered),
                         (AS_GIVEN, lambda function: as_a_whole(function, lambda given: given))):
        for name in listed:
            if name in names:
                names[name] = wrap(names[name])
