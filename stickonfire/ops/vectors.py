"""Products and distances of vectors: the cross product, distances between all pairs of rows."""
from __future__ import annotations

from typing import Any

from ..core.dtypes import FLOATING
from ..core.shapes import normalize_dim
from .common import refuse_now
from .op import op
from .reduce_norm import norm_along, norm_rule


@op(name="cross", publish=("linalg",), promote="match", opmath=False, grad_name="LinalgCrossBackward0")
def cross(xp, input, other, *, dim: int = -1):
    """The vector perpendicular to two others, of length |a| |b| sin(angle), along a dim of size 3.

    Shape: (*, 3), (*, 3) -> broadcast.   Raises: RuntimeError unless the dim has size 3.
    Source: PyTorch `linalg.cross`.
    """
    if input.ndim != other.ndim:
        raise RuntimeError(f"linalg.cross: inputs must have the same number of dimensions. Got {list(input.shape)} and "
                           f"{list(other.shape)}")
    refuse_now("cross", input, "b")
    at = normalize_dim(dim, input.ndim)
    if input.shape[at] != 3 or other.shape[at] != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[at]} and "
                           f"{other.shape[at]}")
    return cross_product(xp, input, other, at)


def cross_product(xp, a, b, dim):
    """Component by component: a1 b2 - a2 b1, a2 b0 - a0 b2, a0 b1 - a1 b0."""
    head = (slice(None),) * (dim % a.ndim)
    a0, a1, a2 = a[(*head, 0)], a[(*head, 1)], a[(*head, 2)]
    b0, b1, b2 = b[(*head, 0)], b[(*head, 1)], b[(*head, 2)]
    return xp.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], len(head))


@cross.gradient("input")
def _(xp, g, other, dim):
    return cross_product(xp, xp.conj(other), g, dim)


@cross.gradient("other")
def _(xp, g, input, dim):
    return cross_product(xp, g, xp.conj(input), dim)


MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


@op(publish=("stickonfire",), promote="same", grad_name="CdistBackward0")
def cdist(xp, x1, x2, p: float = 2.0, compute_mode: Any = MODES[0]):
    """The p-norm distances between all rows of one matrix and all of another.

    Shape: (*, P, M), (*, R, M) -> (*, P, R).   Raises: RuntimeError for integers or other shapes.
    Source: PyTorch `cdist`.
    """
    check_rows(xp, x1, x2, p, compute_mode)
    if x1.shape[-1] == 0:
        shape = xp.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
        return xp.zeros_like(x1, shape=(*shape, x1.shape[-2], x2.shape[-2]))
    if p == 2 and by_product(x1.shape, x2.shape, compute_mode):
        squares = xp.product(x1, xp.swapaxes(x2, -1, -2))
        squares *= -2
        squares += xp.expand_dims(xp.add.reduce(x1 * x1, axis=-1), -1)
        squares += xp.expand_dims(xp.add.reduce(x2 * x2, axis=-1), -2)
        xp.maximum(squares, 0, out=squares)
        return xp.sqrt(squares, out=squares)
    return norm_along(xp, differences(xp, x1, x2), p, (-1,), False)


def check_rows(xp, x1, x2, p, mode):
    """Raises PyTorch's errors."""
    for name, x in (("X1", x1), ("X2", x2)):
        if xp.dtype_of(x).category != FLOATING:
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: "
                               f"{xp.dtype_of(x).name.capitalize()}")
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    if mode not in (*MODES, None, 0, 1, 2):
        raise ValueError(f"{mode} is not a valid value for compute_mode")


def by_product(shape1, shape2, mode):
    """Whether |a - b|^2 is computed as |a|^2 + |b|^2 - 2 a b: faster for many rows, but less exact."""
    return mode in (MODES[1], 1) or (mode in (MODES[0], None, 0) and (shape1[-2] > 25 or shape2[-2] > 25))


def differences(xp, x1, x2):
    return xp.expand_dims(x1, -2) - xp.expand_dims(x2, -3)


@cdist.gradient()
def _(xp, g, x1, x2, out, p, compute_mode):
    if x1.shape[-1] == 0:
        return xp.zeros_like(x1), xp.zeros_like(x2)
    if p == 2 and by_product(x1.shape, x2.shape, compute_mode):
        share = xp.keep(g / out, out != 0)
        turned = xp.swapaxes(share, -1, -2)
        return (x1 * xp.sum(share, axis=-1, keepdims=True) - xp.product(share, x2),
                x2 * xp.sum(turned, axis=-1, keepdims=True) - xp.product(turned, x1))
    both = norm_rule(xp, xp.expand_dims(g, -1), differences(xp, x1, x2), xp.expand_dims(out, -1), p, (-1,))
    return xp.sum(both, axis=-2), -xp.sum(both, axis=-3)
