"""The commonest ops once more, written for small float32 arrays: what a call costs is more than its arithmetic.

`FORWARDS` and `BACKWARDS` are found under an op's name; what they compute is what the op says in `ops/`, to the last
bit (`tests/backends/test_cpu_fast.py` compares). They return None where they do not apply: the op's own rules then
run. A backward takes the gradient, what the rules wanted kept, and the edges of the inputs; it may leave a gradient
larger than its input, as rules may. Numbers stand in 0-d arrays, since NumPy takes twice as long over a Python number.
Registered with the backend, called by `eager/specialize.py`, `eager/graph.py` and `eager/update.py`.
Imports NumPy and what lies beside it.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import kernels
from .kernels_elementwise import exp
from .kernels_inplace import adam, add_scaled
from .kernels_inplace import native_updates as native_updates
from .products import LARGE, product

FLOAT32, FLOAT64, INT64, UINT64 = (np.dtype(kind) for kind in (np.float32, np.float64, np.int64, np.uint64))
SMALL, MEDIUM = 2048, 16384         # elements up to which temporaries stay in the nearest caches
ZERO, ONE, TINY, LEAST = (np.array(n, FLOAT32) for n in (0, 1, 1e-12, -100))
UNITS = {np.dtype(name): np.ones((), name) for name in ("float32", "float64")}
for _unit in UNITS.values():
    _unit.flags.writeable = False   # handed out again and again: nobody may write to it

Kernel = Callable[..., Any]


def unit(like: Any) -> Any:
    """The number 1 as an array that cannot be written to, for a 0-d float array; None for any other."""
    return None if like.ndim else UNITS.get(like.dtype)


def may_take(a: Any, like: Any) -> bool:
    """Whether an array owns its memory and has the layout of `like`."""
    return a.base is None and a.strides == like.strides


def linear(x: Any, weight: Any, bias: Any) -> Any:
    if x.ndim != 2 or weight.ndim != 2:
        return None
    out = product(x, weight.T) if x.size * weight.shape[0] >= LARGE else x.dot(weight.T)
    if bias is None:
        return out
    return np.add(out, bias.reshape(()) if bias.size == 1 else bias, out)


def linear_back(g: Any, saved: Any, edges: Any) -> Any:
    for_input, for_weight, _ = saved
    known = for_weight or for_input
    if g.ndim != 2 or known and known[0].ndim != 2 or g.dtype is not FLOAT32 and g.dtype is not FLOAT64:
        return None
    bias = edges[2]
    if known and g.size * known[0].shape[1] >= LARGE:
        to_input = None if for_input is None else product(g, for_input[0])
        to_weight = None if for_weight is None else product(g.T, for_weight[0])
    else:
        to_input = None if for_input is None else g.dot(for_input[0])
        to_weight = None if for_weight is None else g.T.dot(for_weight[0])
    return (to_input, to_weight,
            None if bias is None else np.add.reduce(g, 0) if bias.shape == g.shape[1:] else g)


def sigmoid(x: Any) -> Any:
    if not x.ndim or x.size > SMALL:
        return None
    out = np.negative(x)
    np.exp(out, out)
    np.add(out, ONE, out)
    return np.reciprocal(out, out)


def sigmoid_back(g: Any, saved: Any, edges: Any) -> Any:
    (out,), = saved
    if g.dtype is not FLOAT32 or not g.ndim or g.size > SMALL:
        return None
    slope = np.subtract(ONE, out)
    np.multiply(slope, out, slope)
    return np.multiply(g, slope, slope),


def relu(x: Any) -> Any:
    return np.maximum(x, ZERO) if x.ndim else None


def relu_back(g: Any, saved: Any, edges: Any) -> Any:
    (out,), = saved
    if g.dtype is not FLOAT32 or not g.ndim or g.size > SMALL:
        return None
    blocked = np.less_equal(out, ZERO)
    kept_gradient = g.copy()
    np.putmask(kept_gradient, blocked, ZERO)
    return kept_gradient,


def shared(g: Any, size: int, reduction: str) -> Any:
    """The gradient that reaches each of `size` values through a reduction to one number."""
    return np.array(g.item() / size, FLOAT32) if reduction == "mean" else g


def mse_loss(input: Any, target: Any, reduction: str) -> Any:
    if not input.ndim or not 0 < input.size <= SMALL or input.shape != target.shape:
        return None
    d = np.subtract(input, target)
    np.multiply(d, d, d)
    return reduced(d, reduction)


def reduced(values: Any, reduction: str) -> Any:
    """The values themselves, their mean or their sum."""
    if reduction == "none":
        return values
    total = np.add.reduce(values, None)
    return np.asarray(total / values.size if reduction == "mean" else total)


def mse_loss_back(g: Any, saved: Any, edges: Any) -> Any:
    kept_input, kept_target = saved
    if kept_input is None or kept_target is not None or g.dtype is not FLOAT32 or g.ndim:
        return None
    input, target, reduction = kept_input
    if not input.ndim or not 0 < input.size <= SMALL or input.shape != target.shape:
        return None
    d = np.subtract(input, target)
    return np.multiply(shared(g + g, input.size, reduction), d, d), None


def binary_cross_entropy(input: Any, target: Any, weight: Any, reduction: str) -> Any:
    if weight is not None or not input.ndim or input.shape != target.shape or input.size > SMALL:
        return None
    part = np.negative(input)
    part = np.maximum(np.log1p(part, part), LEAST)
    loss = np.subtract(target, ONE)
    np.multiply(loss, part, loss)
    part = input.astype(FLOAT64)                        # float32's own log is off by two units in the last place
    part = np.maximum(np.log(part, part).astype(FLOAT32), LEAST)
    np.multiply(target, part, part)
    np.subtract(loss, part, loss)
    total = np.add.reduce(loss, None)
    if not total - total == 0:                          # not a probability: the op says so
        return None
    return loss if reduction == "none" else np.asarray(total / loss.size if reduction == "mean" else total)


def binary_cross_entropy_back(g: Any, saved: Any, edges: Any) -> Any:
    kept_input, kept_target = saved
    if kept_input is None or kept_target is not None or g.dtype is not FLOAT32 or g.ndim:
        return None
    input, target, weight, reduction = kept_input
    if weight is not None or not input.ndim or not 0 < input.size <= SMALL:
        return None
    slope, variance = np.subtract(input, target), np.subtract(ONE, input)
    np.multiply(input, variance, variance)
    np.maximum(variance, TINY, out=variance)           # by position is deprecated here
    np.divide(slope, variance, slope)
    return np.multiply(shared(g, input.size, reduction), slope, slope), None, None


def log_softmax(x: Any, dim: int) -> Any:
    return kernels.log_softmax(x, 1) if x.ndim == 2 and (dim == 1 or dim == -1) and x.size <= MEDIUM else None


def log_softmax_back(g: Any, saved: Any, edges: Any) -> Any:
    (out, dim), = saved
    if g.dtype is not FLOAT32 or g.ndim != 2 or dim != 1 and dim != -1 or g.size > MEDIUM:
        return None
    part = exp(out)
    np.multiply(part, np.add.reduce(g, axis=1, keepdims=True), part)
    return np.subtract(g, part, part),


def nll_loss(input: Any, target: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    positions = right_places(input, target, weight, ignore_index)
    if positions is None:
        return None
    picked = input.take(positions)
    return reduced(np.negative(picked, picked), reduction)


def nll_loss_back(g: Any, saved: Any, edges: Any) -> Any:
    kept, = saved
    if kept is None:
        return None
    input, target, weight, ignore_index, reduction = kept
    positions = right_places(input, target, weight, ignore_index)
    if positions is None or g.dtype is not FLOAT32:
        return None
    out = np.zeros(input.shape, FLOAT32)
    each = -g if reduction != "mean" else -g * (FLOAT32.type(1) / FLOAT32.type(target.size))
    out.reshape(-1)[positions] = each
    return out, None, None


def right_places(input: Any, target: Any, weight: Any, ignore_index: int) -> Any:
    """Where each row's class stands in the dense rows `input`. None unless all are classes, and all count alike."""
    if (weight is not None or input.ndim != 2 or target.ndim != 1 or target.dtype is not INT64 or not target.size
            or not input.flags.c_contiguous):
        return None
    rows, classes = input.shape
    if target.size != rows or 0 <= ignore_index < classes or input.size > MEDIUM:
        return None
    if np.maximum.reduce(target.view(UINT64)) >= classes:           # negative ones are large then
        return None
    return row_starts(rows, classes) + target


@functools.lru_cache(maxsize=16)
def row_starts(rows: int, classes: int) -> Any:
    """Where each row of a dense matrix begins."""
    return np.arange(0, rows * classes, classes)


def descend(params: list[Any], grads: list[Any], lr: float) -> bool:
    """param -= lr * grad for each. False, and nothing is written, unless all are dense float32 arrays."""
    if not updatable(params, grads):
        return False
    step = np.array(-lr, FLOAT32)
    for p, g in zip(params, grads):
        if p.size <= SMALL:
            np.add(p, np.multiply(g, step), p)
        else:
            add_scaled(p, g, -lr)
    return True


def updatable(*columns: list[Any]) -> bool:
    """Whether all are dense float32 arrays, those at one place in the lists of one shape."""
    for row in zip(*columns):
        shape = row[0].shape
        for a in row:
            if (a.__class__ is not np.ndarray or a.dtype is not FLOAT32 or a.shape != shape or not shape
                    or not a.flags.c_contiguous):
                return False
    return True


def adam_step(params: list[Any], grads: list[Any], means: list[Any], squares: list[Any], steps: list[Any], lr: float,
              beta1: float, beta2: float, eps: float, shrink: float) -> bool:
    """The op `adam_step`, after each parameter was multiplied by `shrink`.

    False, and nothing is written, unless all are dense float32 arrays and of one age.
    """
    t = steps[0].item() + 1
    for step in steps:
        if step.__class__ is not np.ndarray or step.dtype is not FLOAT32 or step.item() + 1 != t:
            return False
    if not updatable(params, grads, means, squares):
        return False
    for step in steps:
        step.fill(t)
    if shrink != 1:
        factor = np.array(shrink, FLOAT32)
        for p in params:
            np.multiply(p, factor, p)
    adam(list(zip(params, grads, means, squares)), 1 - beta1, beta2, (1 - beta2 ** t) ** 0.5, eps,
         lr / (1 - beta1 ** t))
    return True


FORWARDS: dict[str, Kernel] = {"linear": linear, "sigmoid": sigmoid, "relu": relu, "mse_loss": mse_loss,
                               "binary_cross_entropy": binary_cross_entropy, "log_softmax": log_softmax,
                               "nll_loss": nll_loss}
BACKWARDS: dict[str, Kernel] = {"linear": linear_back, "sigmoid": sigmoid_back, "relu": relu_back,
                                "mse_loss": mse_loss_back, "binary_cross_entropy": binary_cross_entropy_back,
                                "log_softmax": log_softmax_back, "nll_loss": nll_loss_back}
