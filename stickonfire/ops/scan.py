"""Running extremes and running log-sum-exp along a dim; running sums and products stand in `reduce.py`."""
from __future__ import annotations

from ..core.limits import finfo
from ..core.shapes import normalize_dim
from .common import refuse
from .op import op
from .sort import BOTH, from_places, refuse_complex


def running(xp, name, input, dim, largest):
    refuse_complex(xp, name, input)
    at = normalize_dim(dim, input.ndim)
    if input.ndim == 0:
        return xp.copy(input), xp.zeros((), int)
    return xp.running_extreme(input, at, largest)


@op(publish=BOTH, returns="values indices")
def cummax(xp, input, dim: int):
    """The largest element so far along a dim, and where it was met last. Shape: (*) -> (*), (*).

    Source: PyTorch `cummax`.

    >>> import stickonfire as torch
    >>> torch.cummax(torch.tensor([1, 3, 2]), 0).values
    tensor([1, 3, 3])
    """
    return running(xp, "cummax", input, dim, True)


@op(publish=BOTH, returns="values indices")
def cummin(xp, input, dim: int):
    """The smallest element so far along a dim, and where it was met last. Shape: (*) -> (*), (*).

    Source: PyTorch `cummin`.
    """
    return running(xp, "cummin", input, dim, False)


cummax.gradient("input")(from_places)
cummin.gradient("input")(from_places)


@op(publish=BOTH, promote="float")
def logcumsumexp(xp, input, dim: int):
    """log(cumsum(exp(input))) along a dim, without overflow. Shape: (*) -> (*).
    Source: PyTorch `logcumsumexp`.

    >>> import stickonfire as torch
    >>> torch.logcumsumexp(torch.zeros(3), 0)
    tensor([0.0000, 0.6931, 1.0986])
    """
    at = normalize_dim(dim, input.ndim)
    return xp.running_logsumexp(input, at) if input.ndim else xp.copy(input)


refuse(logcumsumexp, "bi", "logcumsumexp_out_cpu")


@logcumsumexp.gradient("input")
def _(xp, g, input, out, dim):
    """exp(input) * (sum of g * exp(-out) from here on), the sum in logarithms, by sign of g."""
    if input.ndim == 0:
        return g
    if xp.dtype_of(input).is_complex:
        return xp.conj(xp.exp(tails(xp, xp.log(xp.conj(g)) - out, dim) + input))
    low = xp.full_like(g, finfo(xp.dtype_of(g)).min)        # not -inf: the rule is differentiated in turn
    rising = xp.where(g > 0, xp.log(xp.where(g > 0, g, xp.ones_like(g))), low)
    falling = xp.where(g < 0, xp.log(xp.where(g < 0, -g, xp.ones_like(g))), low)
    return xp.exp(tails(xp, rising - out, dim) + input) - xp.exp(tails(xp, falling - out, dim) + input)


def tails(xp, a, dim):
    """log(sum(exp(a))) from each element to the end of a dim."""
    return xp.flip(xp.running_logsumexp(xp.flip(a, dim), dim), dim)
