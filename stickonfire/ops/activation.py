"""Activations made of straight pieces: relu and its kin, hard versions of smooth ones, shrinkage, thresholds.

The smooth ones are in `activation_smooth.py`. `nn.functional` gives these ops their `inplace` argument.
"""
from __future__ import annotations

from ..core.dtypes import bool_
from .common import EVERYWHERE, refuse, refuse_complex
from .op import op


@op(publish=EVERYWHERE, promote="same")
def relu(xp, input):
    """max(0, input).

    Shape: (*) -> (*).   Raises: RuntimeError for bools.   Source: Nair & Hinton 2010; PyTorch `relu`.
    """
    return xp.maximum(input, 0)


@relu.admission()
def _(common, kinds):
    if common is bool_:
        raise RuntimeError("Boolean inputs not supported for relu")
    if common.is_complex:
        raise NotImplementedError("clamp is not supported for complex types: relu() has no meaning for them")


@relu.gradient("input")
def _(xp, g, out):
    return xp.keep(g, ~(out <= 0))              # NaN lets the gradient through, as in PyTorch


@relu.inplace()
def _(xp, input):
    refuse_complex("relu", input)
    xp.maximum(input, 0, out=input)


@op(promote="same")
def relu6(xp, input):
    """min(max(0, input), 6).

    Shape: (*) -> (*).   Source: PyTorch `relu6`.
    """
    return xp.minimum(xp.maximum(input, 0), 6)


refuse(relu6, "bc")


@relu6.gradient("input")
def _(xp, g, out):
    return xp.keep(g, (out > 0) & (out < 6))


@op(promote="same")
def hardtanh(xp, input, min_val: float = -1.0, max_val: float = 1.0):
    """input, limited to [min_val, max_val].

    Shape: (*) -> (*).   Raises: RuntimeError for bools.   Source: PyTorch `hardtanh`.
    """
    if input.dtype.kind in "iu":
        min_val, max_val = int(min_val), int(max_val)
    return xp.minimum(xp.maximum(input, min_val), max_val)


refuse(hardtanh, "bc")


@hardtanh.gradient("input")
def _(xp, g, input, min_val, max_val):
    return xp.keep(g, (input > min_val) & (input < max_val))


@op(promote="same")
def leaky_relu(xp, input, negative_slope: float = 0.01):
    """input above 0, negative_slope * input below.

    Shape: (*) -> (*).   Source: Maas et al. 2013; PyTorch `leaky_relu`.
    """
    if 0 <= negative_slope <= 1:
        low = xp.asarray(input * negative_slope)
        return xp.maximum(input, low, out=low)
    return xp.where(input > 0, input, input * negative_slope)


@leaky_relu.gradient("input")
def _(xp, g, input, negative_slope):
    return g * xp.step(input, negative_slope)


@op(promote="same")
def hardswish(xp, input):
    """input * min(max(0, input / 6 + 1 / 2), 1).

    Shape: (*) -> (*).   Source: Howard et al. 2019; PyTorch `hardswish`.
    """
    return input * xp.minimum(xp.maximum(input + 3, 0), 6) / 6


@hardswish.gradient("input")
def _(xp, g, input):
    return xp.where(input >= 3, g, xp.keep(g * (input / 3 + 0.5), input > -3))


@op(promote="same")
def hardsigmoid(xp, input):
    """min(max(0, input / 6 + 1 / 2), 1).

    Shape: (*) -> (*).   Source: PyTorch `hardsigmoid`.
    """
    return xp.minimum(xp.maximum(input + 3, 0), 6) / 6


@hardsigmoid.gradient("input")
def _(xp, g, out):
    return xp.keep(g / 6, (out > 0) & (out < 1))


@op(promote="same")
def hardshrink(xp, input, lambd: float = 0.5):
    """input where its size is above lambd, 0 elsewhere.

    Shape: (*) -> (*).   Source: PyTorch `hardshrink`.
    """
    return xp.where((input >= -lambd) & (input <= lambd), xp.zeros_like(input), input)


refuse(hardshrink, "bic", "hardshrink_cpu")


@hardshrink.gradient("input")
def _(xp, g, input, lambd):
    return xp.keep(g, (input < -lambd) | (input > lambd))


@op(promote="same")
def softshrink(xp, input, lambd: float = 0.5):
    """input moved towards 0 by lambd, and 0 where it is no larger than that.

    Shape: (*) -> (*).   Raises: RuntimeError for a negative lambd.   Source: PyTorch `softshrink`.
    """
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return input - xp.minimum(xp.maximum(input, -lambd), lambd)


@softshrink.gradient("input")
def _(xp, g, input, lambd):
    return xp.keep(g, (input < -lambd) | (input > lambd))


@op(publish=("stickonfire",), promote="same")
def threshold(xp, input, threshold: float, value: float):
    """input above the threshold, `value` elsewhere.

    Shape: (*) -> (*).   Source: PyTorch `threshold`.
    """
    return xp.where(input <= threshold, input.dtype.type(value), input)


refuse(threshold, "bc")


@threshold.gradient("input")
def _(xp, g, input, threshold):
    return xp.keep(g, input > threshold)


@op(promote="match", grad_name="PreluKernelBackward0")
def prelu_kernel(xp, input, weight):
    """input above 0, weight * input below; the weight has a shape that broadcasts.

    Shape: (*), (*) -> (*).   Source: He et al. 2015; PyTorch `prelu`.
    """
    return xp.where(input > 0, input, weight * input)


@prelu_kernel.gradient("input")
def _(xp, g, input, weight):
    return xp.where(input > 0, g, g * weight)


@prelu_kernel.gradient("weight")
def _(xp, g, input):
    return xp.keep(g * input, input <= 0)


@op()
def tied(xp, input, other):
    """The input itself, which counts as depending on another tensor: the gradient there is zero.

    Shape: (*), any -> (*).
    """
    return xp.copy(input)


@tied.gradient()
def _(xp, g, other):
    return g, xp.zeros_like(other)


# Their gradients are constant in the input, but require a gradient in PyTorch as they are computed from it.
for _piecewise in (relu, relu6, hardtanh, leaky_relu, hardsigmoid, hardshrink, softshrink, threshold, prelu_kernel):
    _piecewise.ties = True
