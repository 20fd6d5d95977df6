"""Filling: one value everywhere, whatever was there before."""
from __future__ import annotations

from ..core.limits import check_number
from .common import NUMBERS
from .op import op


@op(publish=("stickonfire", "Tensor_"), scalars="rest", opmath=False)
def fill(xp, input, value):
    """A tensor like the input with `value`, a number or a 0-d tensor, everywhere.

    Shape: (*), () -> (*).   Raises: RuntimeError for a value with dims.   Source: PyTorch `fill`.
    """
    if getattr(value, "ndim", 0):
        raise RuntimeError(f"fill only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
    if value.__class__ in NUMBERS:
        check_number(value, xp.dtype_of(input))                 # type: ignore[arg-type]    # NUMBERS are
    return xp.full(input.shape, xp.cast(xp.asarray(value), xp.dtype_of(input)))


@fill.inplace()
def _(xp, input, value):
    if value.__class__ not in NUMBERS and value.ndim:
        raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
    input[...] = value


@fill.gradient("input")
def _(xp, g):
    return xp.zeros_like(g)


@fill.gradient("value")
def _(xp, g):
    return xp.sum(g)


@op(publish=("Tensor_",))
def zero(xp, input):
    """Zeros in place of what was there. Shape: (*) -> (*).   Source: PyTorch `Tensor.zero_`."""
    return xp.zeros_like(input)


@zero.inplace()
def _(xp, input):
    input[...] = 0


@zero.gradient("input")
def _(xp, g):
    return xp.zeros_like(g)
