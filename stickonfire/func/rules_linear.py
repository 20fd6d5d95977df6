"""Batching rules of matrix products and convolutions, and of what folds the batch into another dim.

A product of batches is a product with one more leading dim; a convolution with a kernel for each sample is one with
more groups. Called through `rules.RULES`. Room: func. May import eager and below.
"""
from __future__ import annotations

from typing import Any

from .rules import Call, rule, run


def unfolded(x: Any, dim: int, size: int) -> Any:
    """A dim that holds the batch and something else, split up, the batch in front."""
    x = run("unflatten", x, dim=dim, sizes=(size, x.shape[dim] // size if size else 0))
    return run("movedim", x, source=dim, destination=0) if dim else x


def folded(x: Any, dim: int) -> Any:
    """The batch put into dim `dim` of the samples, before what is there."""
    x = run("movedim", x, source=0, destination=dim) if dim else x
    return run("flatten", x, start_dim=dim, end_dim=dim + 1)


# -- products ---------------------------------------------------------------------------------------------------------


def product(c: Call, i: int, j: int) -> Any:
    """matmul of two inputs: vectors become matrices, ranks are made equal."""
    a, b = c.inputs[i], c.inputs[j]
    if c.rank(i) == 0 or c.rank(j) == 0:
        raise RuntimeError(f"both arguments to {c.op.name} need to be at least 1D, but they are {c.rank(i)}D and "
                           f"{c.rank(j)}D")
    row, column = c.rank(i) == 1, c.rank(j) == 1
    if not c.flags[j] and c.rank(j) <= 2:
        return run("matmul", a, b)                              # the batch is one more dim of a
    a = run("unsqueeze", a, dim=a.ndim - 1) if row else a
    b = run("unsqueeze", b, dim=b.ndim) if column else b
    matrices = Call(c.op, (a, b), (c.flags[i], c.flags[j]), {}, c.size)
    rank = max(matrices.ranks)
    out = run("matmul", matrices.led(0, rank), matrices.led(1, rank))
    dropped = tuple([d for d, gone in ((out.ndim - 2, row), (out.ndim - 1, column)) if gone])
    return run("squeeze", out, dim=dropped) if dropped else out


@rule("matmul", "mm", "bmm", "mv", "dot")
def matmul(c: Call) -> Any:
    ranks = {"mm": [2, 2], "bmm": [3, 3], "mv": [2, 1], "dot": [1, 1]}.get(c.op.name)
    if ranks is not None and c.ranks != ranks:
        raise RuntimeError(f"{c.op.name}: expected tensors of {ranks[0]} and {ranks[1]} dims, but got {c.rank(0)}D and "
                           f"{c.rank(1)}D tensors")
    return product(c, 0, 1)


@rule("vdot")
def vdot(c: Call) -> Any:
    c.inputs = (run("conj", c.inputs[0]), c.inputs[1])
    return product(c, 0, 1)


@rule("outer")
def outer(c: Call) -> Any:
    a, b = c.full(0), c.full(1)
    return run("mul", run("unsqueeze", a, dim=2), run("unsqueeze", b, dim=1))


@rule("linear")
def linear(c: Call) -> Any:
    x, weight, bias = c.inputs
    if c.flags == (True, False, False):
        return c.again(x, weight, bias)
    turned = run("transpose", weight, dim0=-2, dim1=-1) if c.rank(1) == 2 else weight
    vectors = Call(c.op, (x, turned), c.flags[:2], {}, c.size)
    out = product(vectors, 0, 1) if c.flags[0] or c.flags[1] else run("linear", x, weight).unsqueeze(0)
    rank = c.rank(0) - 1 + (c.rank(1) == 2)
    return out if bias is None else run("add", out, c.led(2, rank))


@rule("addmm", "addmv", "baddbmm", "addbmm", "addr")
def added(c: Call) -> Any:
    """beta * input + alpha * a product; with beta = 0 the input counts for its shape alone, which broadcasts."""
    name, alpha, beta = c.op.name, c.attrs["alpha"], c.attrs["beta"]
    pair = Call(c.op, c.inputs[1:], c.flags[1:], {}, c.size)
    found = outer(pair) if name == "addr" else product(pair, 0, 1)
    if not any(pair.flags) and name != "addr":
        found = found.unsqueeze(0)
    if name == "addbmm":
        found = run("sum", found, dim=(1,))
    found = found if alpha == 1 else run("mul", found, alpha)
    if beta == 0:
        return found
    start = c.led(0, found.ndim - 1)
    return run("add", start if beta == 1 else run("mul", start, beta), found)


# -- convolutions -----------------------------------------------------------------------------------------------------


@rule("convolution", "convolution_input")
def convolution(c: Call) -> Any:
    """With one kernel for all, the batch joins the samples of the convolution; else it multiplies the groups."""
    x, weight, bias = c.inputs
    if c.flags == (True, False, False):
        return unfolded(c.again(folded(x, 0), weight, bias), 0, c.size)
    groups = c.attrs["groups"] * c.size
    joined = c.again(folded(c.full(0), 1), folded(c.full(1), 0), None, groups=groups)
    out = unfolded(joined, 1, c.size)
    if bias is None:
        return out
    channels = (*([c.size] if c.flags[2] else []), 1, bias.shape[-1], *[1] * (out.ndim - 3))
    return run("add", out, run("reshape", bias, shape=channels))


@rule("convolution_weight")
def convolution_weight(c: Call) -> Any:
    joined = c.again(folded(c.full(0), 1), folded(c.full(1), 1), groups=c.attrs["groups"] * c.size)
    return unfolded(joined, 0, c.size)


@rule("im2col", "col2im")
def columns(c: Call) -> Any:
    return unfolded(c.again(folded(c.inputs[0], 0)), 0, c.size)


# -- losses over classes ----------------------------------------------------------------------------------------------


@rule("nll_loss")
def nll_loss(c: Call) -> Any:
    """Each sample's loss element by element, then its own (weighted) mean."""
    weight, reduction, skipped = c.inputs[2], c.attrs["reduction"], c.attrs["ignore_index"]
    x, target = c.full(0), c.full(1)
    single = c.rank(0) == 1
    rows, picks = (x, target) if single else (folded(x, 0), folded(target, 0))
    loss = run("nll_loss", rows, picks, None, ignore_index=skipped, reduction="none")
    loss = loss if single else unfolded(loss, 0, c.size)
    counted = run("ne", target, skipped)
    if weight is not None:
        classes = run("where", counted, target, 0)
        table = c.full(2).detach()                      # the weights of classes have no gradient
        flat = run("reshape", classes, shape=(c.size, classes.numel() // max(c.size, 1)))
        shares = run("reshape", run("gather", table, flat, dim=1), shape=tuple(classes.shape))
        loss = run("mul", loss, shares)
        counted = run("mul", shares, counted)
    if reduction == "none":
        return loss
    rest = tuple(range(1, loss.ndim))
    total = run("sum", loss, dim=rest) if rest else loss
    if reduction == "sum":
        return total
    return run("div", total, run("sum", counted, dim=rest) if rest else counted)


@rule("ctc")
def ctc(c: Call) -> Any:
    """The batch joins the sequences."""
    count = c.inputs[0].shape[-2]
    lengths = {name: tuple(c.attrs[name]) * c.size for name in ("input_lengths", "target_lengths")}
    out = c.again(folded(c.full(0), 1), folded(c.full(1), 0), **lengths)
    return run("reshape", out, shape=(c.size, count))
