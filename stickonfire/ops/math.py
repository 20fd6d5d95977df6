"""Functions of one number: exponentials, logarithms, powers, roots, and what makes one number of two such.

Trigonometry is in `trig.py`, rounding and signs in `rounding.py`. A complex gradient is the conjugate
of the derivative, as in PyTorch.
"""
from __future__ import annotations

import math

from ..core.dtypes import int64
from .common import EVERYWHERE, floating, is_integral, is_number, refuse
from .op import op

LN2, LN10 = math.log(2), math.log(10)


@floating()
def exp(xp, input):
    """e ** input.

    Shape: (*) -> (*).   Source: PyTorch `exp`.
    """
    return xp.exp(input)


@exp.gradient("input")
def _(xp, g, out):
    return g * xp.conj(out)


@exp.inplace()
def _(xp, input):
    xp.exp(input, out=input)


@floating(publish=(*EVERYWHERE, "special"))
def exp2(xp, input):
    """2 ** input.

    Shape: (*) -> (*).   Source: PyTorch `exp2`.
    """
    return xp.exp2(input)


@exp2.gradient("input")
def _(xp, g, out):
    return g * xp.conj(out) * LN2


@floating(publish=(*EVERYWHERE, "special"))
def expm1(xp, input):
    """e ** input - 1, exact for small inputs.

    Shape: (*) -> (*).   Source: PyTorch `expm1`.
    """
    return xp.expm1(input)


@expm1.gradient("input")
def _(xp, g, out):
    return g * xp.conj(out + 1)


@floating()
def log(xp, input):
    """Natural logarithm.

    Shape: (*) -> (*).   Source: PyTorch `log`.
    """
    return xp.log(input)


@log.gradient("input")
def _(xp, g, input):
    return g / xp.conj(input)


@floating()
def log2(xp, input):
    """Logarithm to base 2.

    Shape: (*) -> (*).   Source: PyTorch `log2`.
    """
    return xp.log2(input)


@log2.gradient("input")
def _(xp, g, input):
    return g / xp.conj(input * LN2)


@floating()
def log10(xp, input):
    """Logarithm to base 10.

    Shape: (*) -> (*).   Source: PyTorch `log10`.
    """
    return xp.log10(input)


@log10.gradient("input")
def _(xp, g, input):
    return g / xp.conj(input * LN10)


@floating(publish=(*EVERYWHERE, "special"), grad_name="Log1PBackward0")
def log1p(xp, input):
    """log(1 + input), exact for small inputs.

    Shape: (*) -> (*).   Source: PyTorch `log1p`.
    """
    return xp.log1p(input)


@log1p.gradient("input")
def _(xp, g, input):
    return g / xp.conj(input + 1)


@floating()
def sqrt(xp, input):
    """Square root.

    Shape: (*) -> (*).   Source: PyTorch `sqrt`.
    """
    return xp.sqrt(input)


@sqrt.gradient("input")
def _(xp, g, out):
    return g / xp.conj(out * 2)


@sqrt.inplace()
def _(xp, input):
    xp.sqrt(input, out=input)


@floating()
def rsqrt(xp, input):
    """1 / sqrt(input).

    Shape: (*) -> (*).   Source: PyTorch `rsqrt`.
    """
    return 1 / xp.sqrt(input)


@rsqrt.gradient("input")
def _(xp, g, out):
    return g * xp.conj(out * out * out) * -0.5


@floating()
def reciprocal(xp, input):
    """1 / input.

    Shape: (*) -> (*).   Source: PyTorch `reciprocal`.
    """
    return xp.reciprocal(input) if input.dtype.kind != "c" else 1 / input


@reciprocal.gradient("input")
def _(xp, g, out):
    return -g * xp.conj(out * out)


@op(publish=EVERYWHERE, promote="same", grad_name="PowBackward0")
def square(xp, input):
    """input * input.

    Shape: (*) -> (*).   Source: PyTorch `square`.
    """
    return xp.square(input) if input.dtype.kind != "b" else xp.cast(input, int64)


@square.gradient("input")
def _(xp, g, input):
    return g * xp.conj(input) * 2


@op(publish=EVERYWHERE, promote="same", scalars="some", stepwise=True)
def pow(xp, input, exponent):
    """input ** exponent.

    Shape: (*), (*) -> broadcast.   Raises: RuntimeError for ints to the power of a negative number.
    Source: PyTorch `pow`.
    """
    if is_number(exponent) and exponent.__class__ is not complex:
        return scalar_power(xp, input, exponent)
    if is_integral(input) and is_integral(exponent):
        return integer_power(xp, input, exponent)
    return xp.power(input, exponent)


def scalar_power(xp, input, exponent):
    """A tensor to the power of a Python number; small powers by multiplication."""
    if exponent == 1:
        return xp.copy(input)
    if exponent == 2:
        return xp.square(input)
    if exponent == 3:
        return input * input * input
    if is_integral(input):
        if exponent < 0:
            raise RuntimeError("Integers to negative integer powers are not allowed. Cast the tensor to float first")
        return xp.power(input, exponent)
    if exponent == 0.5:
        return xp.sqrt(input)
    if exponent == -1:
        return xp.reciprocal(input)
    if exponent == -0.5:
        return 1 / xp.sqrt(input)
    return xp.power(input, exponent)


def integer_power(xp, input, exponent):
    """Ints to int powers: for a negative one, 1 / input ** -exponent without its decimals."""
    if exponent.dtype.kind == "b":
        raise NotImplementedError("\"pow\" not implemented for 'Bool'. Cast the tensors, as with .int()")
    if not (exponent < 0).any():
        return xp.power(input, exponent)
    odd = exponent % 2 != 0
    small = xp.where(input == 1, 1, xp.where(input == -1, 1 - 2 * odd, 0))
    return xp.where(exponent < 0, small, xp.power(input, xp.maximum(exponent, 0))).astype(exponent.dtype)


@pow.gradient("input")
def _(xp, g, input, exponent):
    if not is_number(exponent):
        grad = g * xp.conj(exponent * input ** (exponent - 1))
        return xp.where(exponent == 0, xp.zeros_like(grad), grad)
    if exponent == 2:
        return g * xp.conj(input) * 2
    if exponent == 0:
        return xp.zeros_like(g)
    return g * xp.conj(input ** (exponent - 1)) * exponent.conjugate()


@pow.gradient("exponent")
def _(xp, g, input, exponent, out):
    if is_number(input):
        if input == 0:
            return xp.where(at_least_zero(xp, exponent), xp.zeros_like(g), g * xp.conj(out * -math.inf))
        return g * xp.conj(out * number_log(input))
    grad = g * xp.conj(out * xp.log(input))
    return xp.where((input == 0) & at_least_zero(xp, exponent), xp.zeros_like(grad), grad)


def at_least_zero(xp, exponent):
    """Where 0 ** exponent is constant near the exponent."""
    return xp.real(exponent) >= 0


def number_log(number):
    """The logarithm of a Python number; of a negative real one NaN."""
    if number.__class__ is complex:
        return complex(math.log(abs(number)), math.atan2(number.imag, number.real))
    return math.log(number) if number > 0 else math.nan


@op(publish=("stickonfire", "Tensor"), promote="same", stepwise=True)
def logaddexp(xp, input, other):
    """log(exp(input) + exp(other)).

    Shape: (*), (*) -> broadcast.   Source: PyTorch `logaddexp`.
    """
    if input.dtype.kind == "c":
        return xp.complex_logaddexp(input, other)
    return xp.logaddexp(input, other)


refuse(logaddexp, "bi")


@logaddexp.gradient("input")
def _(xp, g, input, other):
    return g / xp.conj(1 + xp.exp(other - input))


@logaddexp.gradient("other")
def _(xp, g, input, other):
    return g / xp.conj(1 + xp.exp(input - other))


@op(publish=("stickonfire", "Tensor"), promote="same")
def logaddexp2(xp, input, other):
    """log2(2 ** input + 2 ** other).

    Shape: (*), (*) -> broadcast.   Source: PyTorch `logaddexp2`.
    """
    return xp.logaddexp2(input, other)


refuse(logaddexp2, "bic")


@logaddexp2.gradient("input")
def _(xp, g, input, other):
    return g / (1 + xp.exp2(other - input))


@logaddexp2.gradient("other")
def _(xp, g, input, other):
    return g / (1 + xp.exp2(input - other))


@op(publish=("stickonfire", "Tensor", "Tensor_"), promote="same")
def hypot(xp, input, other):
    """sqrt(input ** 2 + other ** 2), without overflow on the way.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `hypot`.
    """
    return xp.hypot(input, other)


refuse(hypot, "bic")


@hypot.gradient("input")
def _(xp, g, input, out):
    return g * (input / out)


@hypot.gradient("other")
def _(xp, g, other, out):
    return g * (other / out)
