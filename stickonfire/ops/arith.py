"""Arithmetic of two tensors or a tensor and a number: add, sub, mul, div and their kin."""
from __future__ import annotations

from ..core.dtypes import bool_
from .common import EVERYWHERE, flat, is_bool, is_integral, is_number, refuse
from .op import op


@op(publish=EVERYWHERE, promote="same", scalars=True)
def add(xp, input, other, *, alpha: float = 1):
    """input + alpha * other.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `add`.
    """
    if alpha == 1:
        return input + other
    check_alpha(alpha, input, other)
    return input + alpha * other


@add.gradient("input")
def _(xp, g):
    return g


@add.gradient("other")
def _(xp, g, alpha):
    return g if alpha == 1 else g * alpha


@add.inplace()
def _(xp, input, other, alpha):
    if alpha == 1 or is_number(other):
        xp.add(input, other if alpha == 1 else other * alpha, out=input)
    else:
        xp.add_scaled(input, other, alpha)


def check_alpha(alpha, input, other):
    """Raises PyTorch's errors for an `alpha` of a higher kind than the operands."""
    if is_bool(input) and is_bool(other) and alpha.__class__ is bool:
        return
    if alpha.__class__ is bool:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if alpha.__class__ is not int and is_integral(input) and is_integral(other):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")


@op(publish=EVERYWHERE, aliases=("subtract",), promote="same", scalars=True)
def sub(xp, input, other, *, alpha: float = 1):
    """input - alpha * other.

    Shape: (*), (*) -> broadcast.   Raises: RuntimeError for bools.   Source: PyTorch `sub`.
    """
    if alpha == 1:
        return input - other
    check_alpha(alpha, input, other)
    return input - alpha * other


@sub.gradient("input")
def _(xp, g):
    return g


@sub.gradient("other")
def _(xp, g, alpha):
    return -g if alpha == 1 else g * -alpha


@sub.inplace()
def _(xp, input, other, alpha):
    if alpha == 1 or is_number(other):
        xp.subtract(input, other if alpha == 1 else other * alpha, out=input)
    else:
        xp.add_scaled(input, other, -alpha)


@sub.admission()
def _(common, kinds):
    if common is bool_:
        raise RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported. Use the "
                           "`^` or `logical_xor()` operator instead.")
    if bool_ in kinds:
        raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported. If you are "
                           "trying to invert a mask, use the `~` or `logical_not()` operator instead.")


@op(publish=("stickonfire",), promote="same", scalars="rest")
def rsub(xp, input, other, *, alpha: float = 1):
    """other - alpha * input.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `rsub`.
    """
    return sub.forward(xp, other, input, alpha=alpha)


rsub.admit = sub.admit


@rsub.gradient("input")
def _(xp, g, alpha):
    return -g if alpha == 1 else g * -alpha


@rsub.gradient("other")
def _(xp, g):
    return g


@op(promote="same", scalars="rest", grad_name="RsubBackward1")
def number_minus(xp, input, other):
    """other - input, for the operator: a number minus a tensor.

    Shape: (*), () -> (*).   Source: PyTorch `Tensor.__rsub__`.
    """
    return xp.subtract(other, input)


number_minus.admit = sub.admit


@number_minus.gradient("input")
def _(xp, g):
    return -g


@number_minus.gradient("other")
def _(xp, g):
    return g


@op(publish=EVERYWHERE, aliases=("multiply",), promote="same", scalars=True)
def mul(xp, input, other):
    """input * other.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `mul`.
    """
    return input * other


@mul.gradient("input")
def _(xp, g, other):
    return g * xp.conj(other)


@mul.gradient("other")
def _(xp, g, input):
    return g * xp.conj(input)


@mul.inplace()
def _(xp, input, other):
    xp.multiply(input, other, out=input)


@op(promote="float", scalars=True, stepwise=True)
def div(xp, input, other):
    """input / other. Users call `eager/composite_arith.py`, which knows `rounding_mode`.

    Shape: (*), (*) -> broadcast.   Dtype: ints become floats.   Source: PyTorch `div`.
    """
    return xp.true_divide(input, other)


@div.gradient("input")
def _(xp, g, other):
    return g / xp.conj(other)


@div.gradient("other")
def _(xp, g, input, other):
    return -g * xp.conj(input / other / other)


@div.inplace()
def _(xp, input, other):
    xp.true_divide(input, other, out=input)


@op(publish=EVERYWHERE, promote="same", scalars="rest")
def floor_divide(xp, input, other):
    """floor(input / other), exact for ints.

    Shape: (*), (*) -> broadcast.   Raises: RuntimeError for ints divided by zero.
    Source: PyTorch `floor_divide`.
    """
    refuse_zero(xp, input, other)
    return input // other


flat(floor_divide)
refuse(floor_divide, "bc", "div_floor_cpu")


@floor_divide.gradient("other")
def _(xp, g):
    return xp.zeros_like(g)


@op(promote="same", scalars="rest", opmath=False, grad_name="DivBackward2")
def trunc_divide(xp, input, other):
    """input / other, rounded towards zero: `div` with rounding_mode="trunc".

    Shape: (*), (*) -> broadcast.   Raises: RuntimeError for ints divided by zero.   Source: PyTorch `div`.
    """
    refuse_zero(xp, input, other)
    if is_integral(input) and is_integral(other):
        down = input // other
        return down + ((down < 0) & (down * other != input))
    return xp.trunc(input / other)


flat(trunc_divide)
refuse(trunc_divide, "bc", "div_trunc_cpu")


@trunc_divide.gradient("other")
def _(xp, g):
    return xp.zeros_like(g)


def refuse_zero(xp, input, other):
    """Raises PyTorch's error if ints are divided by zero."""
    if is_integral(other) and is_integral(input) and not xp.all(other):
        raise RuntimeError("ZeroDivisionError: a divisor is zero. Divide floats to get inf, or mask the zeros")


@op(publish=EVERYWHERE, promote="same", scalars="some")
def remainder(xp, input, other):
    """input - other * floor(input / other): it has the sign of the divisor, as Python's %.

    Shape: (*), (*) -> broadcast.   Raises: RuntimeError for ints divided by zero.
    Source: PyTorch `remainder`.
    """
    refuse_zero(xp, input, other)
    return xp.remainder(input, other)


refuse(remainder, "bc")


@remainder.gradient("input")
def _(xp, g):
    return g


@remainder.gradient("other")
def _(xp, g, input, other):
    return -g * xp.floor_divide(input, other)


@op(publish=EVERYWHERE, promote="same", scalars="rest", stepwise=True)
def fmod(xp, input, other):
    """input - other * trunc(input / other): it has the sign of the dividend, as C's fmod.

    Shape: (*), (*) -> broadcast.   Raises: RuntimeError for ints divided by zero.   Source: PyTorch `fmod`.
    """
    refuse_zero(xp, input, other)
    return xp.fmod(input, other)


refuse(fmod, "bc")


@fmod.gradient("input")
def _(xp, g):
    return g


@fmod.gradient("other")
def _(xp, g, input, other):
    return -g * xp.trunc(input / other)


@op(publish=EVERYWHERE, aliases=("negative",), promote="same")
def neg(xp, input):
    """-input.

    Shape: (*) -> (*).   Raises: RuntimeError for bools.   Source: PyTorch `neg`.
    """
    return -input


@neg.admission()
def _(common, kinds):
    if common is bool_:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. If you are trying "
                           "to invert a mask, use the `~` or `logical_not()` operator instead.")


@neg.gradient("input")
def _(xp, g):
    return -g


@neg.inplace()
def _(xp, input):
    xp.negative(input, out=input)


@op(publish=EVERYWHERE, promote="same")
def addcmul(xp, input, tensor1, tensor2, *, value: float = 1):
    """input + value * tensor1 * tensor2.

    Shape: (*), (*), (*) -> broadcast.   Source: PyTorch `addcmul`.
    """
    product = tensor1 * tensor2
    return input + product if value == 1 else input + value * product


@addcmul.gradient("input")
def _(xp, g):
    return g


@addcmul.gradient("tensor1")
def _(xp, g, tensor2, value):
    return g * xp.conj(tensor2 * value)


@addcmul.gradient("tensor2")
def _(xp, g, tensor1, value):
    return g * xp.conj(tensor1 * value)


@addcmul.inplace()
def _(xp, input, tensor1, tensor2, value):
    xp.add_product(input, tensor1, tensor2, value)


@op(publish=EVERYWHERE, promote="same", stepwise=True)
def addcdiv(xp, input, tensor1, tensor2, *, value: float = 1):
    """input + value * tensor1 / tensor2.

    Shape: (*), (*), (*) -> broadcast.   Raises: RuntimeError for ints.   Source: PyTorch `addcdiv`.
    """
    if is_integral(tensor1) and is_integral(tensor2):
        raise RuntimeError("Integer division with addcdiv is no longer supported, and in a future release addcdiv will "
                           "perform a true division of tensor1 and tensor2. Cast the tensors to a float dtype")
    quotient = tensor1 / tensor2
    return input + quotient if value == 1 else input + value * quotient


@addcdiv.gradient("input")
def _(xp, g):
    return g


@addcdiv.gradient("tensor1")
def _(xp, g, tensor2, value):
    return g * xp.conj(value / tensor2)


@addcdiv.gradient("tensor2")
def _(xp, g, tensor1, tensor2, value):
    return -g * xp.conj(value * tensor1 / (tensor2 * tensor2))


@addcdiv.inplace()
def _(xp, input, tensor1, tensor2, value):
    xp.add_quotient(input, tensor1, tensor2, value)


@op(publish=EVERYWHERE, promote="match", scalars="rest", stepwise=True)
def lerp(xp, input, end, weight):
    """input + weight * (end - input), counted from the nearer end so that weight 1 gives `end` exactly.

    Shape: (*), (*), (*) or a number -> broadcast.   Source: PyTorch `lerp`.
    """
    way = end - input
    if weight.__class__ is float or weight.__class__ is int:
        return input + weight * way if abs(weight) < 0.5 else end - (1 - weight) * way
    return xp.where(abs(weight) < 0.5, input + weight * way, end - (1 - weight) * way)


@lerp.gradient("input")
def _(xp, g, weight):
    return g * xp.conj(1 - weight)


@lerp.gradient("end")
def _(xp, g, weight):
    return g * xp.conj(weight)


@lerp.gradient("weight")
def _(xp, g, input, end):
    return g * xp.conj(end - input)


@lerp.inplace()
def _(xp, input, end, weight):
    if is_number(weight):
        xp.move_towards(input, end, weight)
    else:
        xp.copyto(input, lerp.forward(xp, input, end, weight))
