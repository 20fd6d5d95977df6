"""Losses with a gradient rule of their own. PyTorch's full signatures are in `eager/functional/loss.py`."""
from __future__ import annotations

import math

from ..core.dtypes import float32
from ..core.shapes import broadcast_shapes
from .op import op


def reduced(xp, values, reduction):
    """The values themselves, their mean or their sum."""
    if reduction == "none":
        return values
    total = xp.add.reduce(values, axis=None)
    if reduction == "sum":
        return total
    return total / values.size if values.size else total * xp.nan


def per_element(xp, g, size, reduction):
    """The gradient that reaches each of `size` values through a reduction."""
    return g / size if reduction == "mean" and size else g


def elements(a, b=None):
    """How many elements there are, of one array or of two broadcast together."""
    if b is None or a.shape == b.shape:
        return math.prod(a.shape)
    return math.prod(broadcast_shapes(a.shape, b.shape))


@op(promote="same", fused=True)
def mse_loss(xp, input, target, reduction: str = "mean"):
    """(input - target)^2. Shape: (*), (*) -> () or (*).   Source: PyTorch `mse_loss`."""
    d = input - target
    return reduced(xp, d * d, reduction)


@mse_loss.gradient("input")
def _(xp, g, input, target, reduction):
    return per_element(xp, g * 2, elements(input, target), reduction) * (input - target)


@mse_loss.gradient("target")
def _(xp, g, input, target, reduction):
    return per_element(xp, g * 2, elements(input, target), reduction) * (target - input)


@op(promote="same")
def smooth_l1_loss(xp, input, target, reduction: str = "mean", beta: float = 1.0):
    """d^2 / (2 beta) below beta, d - beta / 2 above, for d = |input - target|.   Source: PyTorch `smooth_l1_loss`."""
    d = xp.abs(input - target)
    return reduced(xp, xp.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta), reduction)


def smooth_l1_slope(xp, g, input, target, reduction, beta):
    d = input - target
    return per_element(xp, g, elements(input, target), reduction) * xp.where(xp.abs(d) < beta, d / beta, xp.sign(d))


@smooth_l1_loss.gradient("input")
def _(xp, g, input, target, reduction, beta):
    return smooth_l1_slope(xp, g, input, target, reduction, beta)


@smooth_l1_loss.gradient("target")
def _(xp, g, input, target, reduction, beta):
    return -smooth_l1_slope(xp, g, input, target, reduction, beta)


@op(promote="same")
def huber_loss(xp, input, target, reduction: str = "mean", delta: float = 1.0):
    """d^2 / 2 below delta, delta * (d - delta / 2) above, for d = |input - target|.   Source: PyTorch `huber_loss`."""
    d = xp.abs(input - target)
    return reduced(xp, xp.where(d < delta, 0.5 * d * d, delta * (d - 0.5 * delta)), reduction)


@huber_loss.gradient("input")
def _(xp, g, input, target, reduction, delta):
    return smooth_l1_slope(xp, g, input, target, reduction, delta) * delta


@huber_loss.gradient("target")
def _(xp, g, input, target, reduction, delta):
    return smooth_l1_slope(xp, g, input, target, reduction, delta) * -delta


@op(promote="same")
def kl_div(xp, input, target, reduction: str = "mean", log_target: bool = False):
    """t (log t - x), 0 where t is 0.   Source: PyTorch `kl_div`."""
    if log_target:
        return reduced(xp, xp.exp(target) * (target - input), reduction)
    safe = xp.where(target == 0, xp.ones_like(target), target)         # NaN where the target is negative
    return reduced(xp, target * xp.log(safe) - target * input, reduction)


@kl_div.gradient("input")
def _(xp, g, input, target, reduction, log_target):
    weight = xp.exp(target) if log_target else target
    return -per_element(xp, g, elements(input, target), reduction) * weight


@kl_div.gradient("target")
def _(xp, g, input, target, reduction, log_target):
    each = per_element(xp, g, elements(input, target), reduction)
    if log_target:
        return each * xp.exp(target) * (target - input + 1)
    return each * (xp.log(target) + target / target - input)         # NaN where the target is 0, as in PyTorch


@op(promote="same")
def binary_cross_entropy(xp, input, target, weight=None, reduction: str = "mean"):
    """-(t log x + (1 - t) log(1 - x)), logarithms at least -100.   Source: PyTorch `binary_cross_entropy`."""
    loss = (target - 1) * xp.log1p(-input) - target * xp.log(input)
    if weight is not None:
        loss = loss * weight
    total = xp.add.reduce(loss, axis=None)
    # not finite: a probability of 0 or 1, or none at all: the rare case pays for the checks
    if not total - total == 0:
        if not (input.min() >= 0 and input.max() <= 1):
            raise RuntimeError("all elements of input should be between 0 and 1. Apply a sigmoid first, or use "
                               "binary_cross_entropy_with_logits")
        loss = (target - 1) * xp.maximum(xp.log1p(-input), -100) - target * xp.maximum(xp.log(input), -100)
        return reduced(xp, loss if weight is None else loss * weight, reduction)
    return loss if reduction == "none" else total / loss.size if reduction == "mean" else total


@binary_cross_entropy.gradient("input")
def _(xp, g, input, target, weight, reduction):
    slope = (input - target) / xp.maximum(input * (1 - input), 1e-12)
    each = per_element(xp, g, elements(input), reduction)
    return each * slope if weight is None else each * slope * weight


@binary_cross_entropy.gradient("target")
def _(xp, g, input, weight, reduction):
    each = per_element(xp, g, elements(input), reduction) * (xp.log1p(-input) - xp.log(input))
    return each if weight is None else each * weight


@op(promote="same", opmath=False, fused=True)
def binary_cross_entropy_with_logits(xp, input, target, weight=None, pos_weight=None, reduction: str = "mean"):
    """Binary cross-entropy of sigmoid(x), without overflow.   Source: PyTorch `binary_cross_entropy_with_logits`."""
    if input.dtype.itemsize == 2:               # the steps are rounded as in PyTorch
        softplus = -xp.cast(xp.log_sigmoid(xp.cast(input, float32)), xp.dtype_of(input))
    else:
        softplus = xp.log1p(xp.exp(-xp.abs(input))) + xp.maximum(-input, 0)
    if pos_weight is None:
        loss = (1 - target) * input + softplus
    else:
        loss = (1 - target) * input + ((pos_weight - 1) * target + 1) * softplus
    return reduced(xp, loss if weight is None else loss * weight, reduction)


@binary_cross_entropy_with_logits.gradient("input")
def _(xp, g, input, target, weight, pos_weight, reduction):
    if pos_weight is None:
        slope = xp.sigmoid(input) - target
    else:
        scaled = pos_weight * target
        slope = (scaled + 1 - target) * xp.sigmoid(input) - scaled
    each = per_element(xp, g, elements(input, target), reduction)
    return each * slope if weight is None else each * slope * weight


@binary_cross_entropy_with_logits.gradient("target")
def _(xp, g, input, target, weight, pos_weight, reduction):
    if pos_weight is None:
        slope = -input
    else:
        softplus = xp.log1p(xp.exp(-xp.abs(input))) + xp.maximum(-input, xp.zeros_like(input))
        slope = (pos_weight - 1) * softplus - input
    each = per_element(xp, g, elements(input, target), reduction)
    return each * slope if weight is None else each * slope * weight


@op(promote="same", exempt=("target",), fused=True)
def nll_loss(xp, input, target, weight=None, ignore_index: int = -100, reduction: str = "mean"):
    """-weight[y] * x[y] over the class dim; the mean is weighted, too.

    Shape: (N, C, *), (N, *) -> () or (N, *).   Raises: IndexError for a class out of range.   Source: PyTorch
    `nll_loss`.
    """
    all_count = check_classes(xp, input, target, ignore_index)
    if all_count and weight is None:
        loss = -xp.take(input, class_positions(xp, input.shape, target))
        return reduced(xp, loss, reduction)
    safe, scale = class_weights(xp, input, target, weight, ignore_index)
    loss = -xp.take(input, class_positions(xp, input.shape, safe)) * scale
    if reduction == "none":
        return loss
    return xp.sum(loss) / xp.sum(scale) if reduction == "mean" else xp.sum(loss)


def check_classes(xp, input, target, ignore_index):
    """Raises PyTorch's errors for targets that do not fit the input. Returns whether every row counts."""
    at = 0 if input.ndim == 1 else 1
    classes = input.shape[at] if input.ndim else 0
    expected = input.shape[:at] + input.shape[at + 1:]
    if input.ndim > 1 and target.ndim and input.shape[0] != target.shape[0]:
        raise ValueError(f"Expected input batch_size ({input.shape[0]}) to match target batch_size "
                         f"({target.shape[0]}).")
    if target.shape != expected:
        raise RuntimeError(f"Expected target size {list(expected)}, got {list(target.shape)}: nll_loss wants one "
                           f"class for each row of input {list(input.shape)}, classes in dim {at}")
    if target.dtype.kind not in "iu" or target.itemsize < 8 and xp.dtype_of(target).name != "uint8":
        raise RuntimeError(f"expected scalar type Long but found {xp.dtype_of(target).name.capitalize()}. Classes are "
                           f"ints: convert the target with .long()")
    if not target.size or xp.minimum.reduce(target, axis=None) >= 0 and xp.maximum.reduce(target, axis=None) < classes:
        return not 0 <= ignore_index < classes
    bad = (target != ignore_index) & ((target < 0) | (target >= classes))
    if bad.any():
        raise IndexError(f"Target {int(target[bad].reshape(-1)[0])} is out of bounds.")
    return False


def class_positions(xp, shape, target):
    """For each row, the row-major position of its class in an input of shape (N, C, *)."""
    if len(shape) == 1:
        return target
    rows, classes, inner = shape[0], shape[1], math.prod(shape[2:])
    if inner == 1 and len(shape) == 2:
        return xp.arange(rows) * classes + target
    first = xp.reshape(xp.arange(rows) * (classes * inner), (rows, 1)) + xp.arange(inner)
    return xp.reshape(first, target.shape) + target * inner


def class_weights(xp, input, target, weight, ignore_index):
    """The classes with 0 for rows that are ignored, and what each row counts."""
    valid = target != ignore_index
    safe = xp.where(valid, target, xp.zeros_like(target))
    scale = xp.cast(valid, xp.dtype_of(input))
    if weight is not None:
        scale = scale * xp.take(weight, safe)
    return safe, scale


@nll_loss.gradient("input")
def _(xp, g, input, target, weight, ignore_index, reduction):
    safe, scale = class_weights(xp, input, target, weight, ignore_index)
    if reduction == "mean":
        scale = scale / xp.sum(scale)
    return xp.put(xp.zeros_like(input), class_positions(xp, input.shape, safe), -g * scale)
