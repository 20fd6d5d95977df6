"""beta * input + alpha * (a product): addmm, addmv, addbmm, baddbmm, addr.

The product is scaled and added to in place. With beta = 0 the input is not looked at, so NaN in it does not spread.
Imports `op` and the checks of `matmul.py`.
"""
from __future__ import annotations

from ..core.dtypes import float32
from ..core.shapes import broadcast_shapes
from .matmul import adjoint, check_batches, check_matrices, check_matrix_and_vector
from .op import op

EVERYWHERE = ("stickonfire", "Tensor", "Tensor_")


def added(xp, name, input, product, beta, alpha):
    """beta * input + alpha * product, with PyTorch's checks."""
    if product.dtype.kind in "iu":
        beta, alpha = whole_number(name, "beta", beta), whole_number(name, "alpha", alpha)
    if input.shape != product.shape and broadcast_shapes(input.shape, product.shape) != product.shape:
        raise RuntimeError(f"The expanded size of the tensor ({list(product.shape)}) must match the existing size "
                           f"({list(input.shape)}). In {name}(): the input must broadcast to the product's shape")
    return xp.plus_product(input, product, beta, alpha)


def whole_number(name, key, value):
    """A factor for integers: PyTorch refuses floats in addmm and addr, and cuts them off in the others."""
    if value.__class__ is float and name in ("addmm", "addr"):
        raise RuntimeError(f"For integral input tensors, argument {key} must not be a floating point number. In "
                           f"{name}()")
    return int(value)


def scaled(g, factor):
    """A gradient times the conjugate of a factor."""
    return g if factor == 1 else g * (factor.conjugate() if factor.__class__ is complex else factor)


@op(publish=EVERYWHERE, promote="match")
def addmm(xp, input, mat1, mat2, *, beta: float = 1, alpha: float = 1):
    """beta * input + alpha * mat1 @ mat2.

    Shape: broadcast to (N, M), (N, K), (K, M) -> (N, M).   Source: PyTorch `addmm`.
    """
    check_matrices("addmm", mat1, mat2)
    return added(xp, "addmm", input, xp.product(mat1, mat2), beta, alpha)


@addmm.gradient("mat1")
def _(xp, g, mat2, alpha):
    return scaled(xp.product(g, adjoint(xp, mat2)), alpha)


@addmm.gradient("mat2")
def _(xp, g, mat1, alpha):
    return scaled(xp.product(adjoint(xp, mat1), g), alpha)


@op(publish=EVERYWHERE, promote="match")
def addmv(xp, input, mat, vec, *, beta: float = 1, alpha: float = 1):
    """beta * input + alpha * mat @ vec. Shape: broadcast to (N), (N, K), (K) -> (N).   Source: PyTorch `addmv`."""
    check_matrix_and_vector("addmv", mat, vec)
    return added(xp, "addmv", input, xp.product(mat, vec), beta, alpha)


@addmv.gradient("mat")
def _(xp, g, vec, alpha):
    return scaled(xp.expand_dims(g, -1) * xp.conj(vec), alpha)


@addmv.gradient("vec")
def _(xp, g, mat, alpha):
    return scaled(xp.product(adjoint(xp, mat), g), alpha)


@op(publish=EVERYWHERE, promote="match")
def baddbmm(xp, input, batch1, batch2, *, beta: float = 1, alpha: float = 1):
    """beta * input + alpha * batch1 @ batch2.

    Shape: broadcast to (B, N, M), (B, N, K), (B, K, M) -> (B, N, M).   Source: PyTorch `baddbmm`.
    """
    check_batches("baddbmm", batch1, batch2)
    return added(xp, "baddbmm", input, xp.product(batch1, batch2), beta, alpha)


def added_in_steps(xp, input, batch1, batch2, beta, alpha):
    """addbmm of 16-bit floats: one product after the other is added and the sum rounded, as in PyTorch."""
    kind = xp.dtype_of(batch1)
    out = input if batch1.shape[0] else xp.zeros_like(batch1, shape=(batch1.shape[1], batch2.shape[2]))
    for a, b in zip(xp.cast(batch1, float32), xp.cast(batch2, float32)):
        out = xp.cast(added(xp, "addbmm", xp.cast(out, float32), xp.product(a, b), beta, alpha), kind)
        beta = 1
    return out


@op(publish=EVERYWHERE, promote="match", opmath=False)
def addbmm(xp, input, batch1, batch2, *, beta: float = 1, alpha: float = 1):
    """beta * input + alpha * (batch1 @ batch2 summed over the batch).

    Shape: broadcast to (N, M), (B, N, K), (B, K, M) -> (N, M).   Source: PyTorch `addbmm`.
    """
    check_batches("addbmm", batch1, batch2)
    if batch1.dtype.itemsize == 2 and xp.dtype_of(batch1).is_reduced:
        return added_in_steps(xp, input, batch1, batch2, beta, alpha)
    b, n, k = batch1.shape
    wide = xp.reshape(xp.swapaxes(batch1, 0, 1), (n, b * k))        # the sum over the batch is part of one product
    return added(xp, "addbmm", input, xp.product(wide, xp.reshape(batch2, (b * k, batch2.shape[2]))), beta, alpha)


addbmm.widens = True

for _sum in (baddbmm, addbmm):
    @_sum.gradient("batch1")
    def _(xp, g, batch2, batch1_shape, alpha):
        return scaled(xp.product(xp.broadcast_to(g, (batch1_shape[0], *g.shape[-2:])), adjoint(xp, batch2)), alpha)

    @_sum.gradient("batch2")
    def _(xp, g, batch1, alpha):
        return scaled(xp.product(adjoint(xp, batch1), xp.broadcast_to(g, (batch1.shape[0], *g.shape[-2:]))), alpha)


@op(publish=EVERYWHERE, promote="same")
def addr(xp, input, vec1, vec2, *, beta: float = 1, alpha: float = 1):
    """beta * input + alpha * outer(vec1, vec2).

    Shape: broadcast to (N, M), (N), (M) -> (N, M).   Source: PyTorch `addr`.
    """
    if vec1.ndim != 1 or vec2.ndim != 1:
        raise RuntimeError(f"addr: Expected 1-D argument vec1, vec2, but got {vec1.ndim}-D and {vec2.ndim}-D")
    product = xp.expand_dims(vec1, 1) * vec2
    if product.dtype.kind == "b":
        product = product & bool(alpha)
        return product | input if beta else product
    return added(xp, "addr", input, product, beta, alpha)


@addr.gradient("vec1")
def _(xp, g, vec2, alpha):
    return scaled(xp.product(g, xp.conj(vec2)), alpha)


@addr.gradient("vec2")
def _(xp, g, vec1, alpha):
    return scaled(xp.product(g.T, xp.conj(vec1)), alpha)


for _sum in (addmm, addmv, baddbmm, addbmm, addr):
    @_sum.gradient("input")
    def _(xp, g, beta):
        return scaled(g, beta) if beta != 0 else xp.zeros_like(g)
