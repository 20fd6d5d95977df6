"""Trigonometric and hyperbolic functions, their inverses, degrees, sinc."""
from __future__ import annotations

import math

from .common import EVERYWHERE, floating, refuse
from .op import op


@floating()
def sin(xp, input):
    """Sine.

    Shape: (*) -> (*).   Source: PyTorch `sin`.
    """
    return xp.sin(input)


@sin.gradient("input")
def _(xp, g, input):
    return g * xp.conj(xp.cos(input))


@floating()
def cos(xp, input):
    """Cosine.

    Shape: (*) -> (*).   Source: PyTorch `cos`.
    """
    return xp.cos(input)


@cos.gradient("input")
def _(xp, g, input):
    return -g * xp.conj(xp.sin(input))


@floating()
def tan(xp, input):
    """Tangent.

    Shape: (*) -> (*).   Source: PyTorch `tan`.
    """
    return xp.tan(input)


@tan.gradient("input")
def _(xp, g, out):
    return g * xp.conj(1 + out * out)


@floating(aliases=("arcsin",))
def asin(xp, input):
    """Inverse of sine.

    Shape: (*) -> (*).   Source: PyTorch `asin`.
    """
    return xp.arcsin(input)


@asin.gradient("input")
def _(xp, g, input):
    return g * xp.conj(1 / xp.sqrt(1 - input * input))


@floating(aliases=("arccos",))
def acos(xp, input):
    """Inverse of cosine.

    Shape: (*) -> (*).   Source: PyTorch `acos`.
    """
    return xp.arccos(input)


@acos.gradient("input")
def _(xp, g, input):
    return -g * xp.conj(1 / xp.sqrt(1 - input * input))


@floating(aliases=("arctan",))
def atan(xp, input):
    """Inverse of tangent.

    Shape: (*) -> (*).   Source: PyTorch `atan`.
    """
    return xp.arctan(input)


@atan.gradient("input")
def _(xp, g, input):
    return g * xp.conj(1 / (1 + input * input))


@floating()
def sinh(xp, input):
    """Hyperbolic sine.

    Shape: (*) -> (*).   Source: PyTorch `sinh`.
    """
    return xp.sinh(input)


@sinh.gradient("input")
def _(xp, g, input):
    return g * xp.conj(xp.cosh(input))


@floating()
def cosh(xp, input):
    """Hyperbolic cosine.

    Shape: (*) -> (*).   Source: PyTorch `cosh`.
    """
    return xp.cosh(input)


@cosh.gradient("input")
def _(xp, g, input):
    return g * xp.conj(xp.sinh(input))


@floating()
def tanh(xp, input):
    """Hyperbolic tangent.

    Shape: (*) -> (*).   Source: PyTorch `tanh`.
    """
    return xp.tanh(input)


@tanh.gradient("input")
def _(xp, g, out):
    return g * xp.conj(1 - out * out)


@floating(aliases=("arcsinh",))
def asinh(xp, input):
    """Inverse of hyperbolic sine.

    Shape: (*) -> (*).   Source: PyTorch `asinh`.
    """
    return xp.arcsinh(input)


@asinh.gradient("input")
def _(xp, g, input):
    return g * xp.conj(1 / xp.sqrt(input * input + 1))


@floating(aliases=("arccosh",))
def acosh(xp, input):
    """Inverse of hyperbolic cosine.

    Shape: (*) -> (*).   Source: PyTorch `acosh`.
    """
    return xp.arccosh(input)


@acosh.gradient("input")
def _(xp, g, input):
    # two roots, not that of the product: the same for a real input above 1, the right branch for complex
    return g * xp.conj(1 / (xp.sqrt(input - 1) * xp.sqrt(input + 1)))


@floating(aliases=("arctanh",), stepwise=True)
def atanh(xp, input):
    """Inverse of hyperbolic tangent.

    Shape: (*) -> (*).   Source: PyTorch `atanh`.
    """
    return xp.arctanh(input)


@atanh.gradient("input")
def _(xp, g, input):
    return g * xp.conj(1 / (1 - input * input))


@op(publish=EVERYWHERE, aliases=("arctan2",), promote="float")
def atan2(xp, input, other):
    """The angle of the point (other, input), from -pi to pi.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `atan2`.
    """
    return xp.arctan2(input, other)


@atan2.gradient("input", "other")
def _(xp, g, input, other):
    square = input * input + other * other
    share = xp.where(square == 0, xp.zeros_like(square), g / square)
    return share * other, -share * input


@floating()
def deg2rad(xp, input):
    """Degrees in radians.

    Shape: (*) -> (*).   Source: PyTorch `deg2rad`.
    """
    return input * (math.pi / 180)


refuse(deg2rad, "c", text="deg2rad is not supported for complex tensors. Angles are real: take .real")


@deg2rad.gradient("input")
def _(xp, g):
    return g * (math.pi / 180)


@floating()
def rad2deg(xp, input):
    """Radians in degrees.

    Shape: (*) -> (*).   Source: PyTorch `rad2deg`.
    """
    return input * (180 / math.pi)


refuse(rad2deg, "c", text="rad2deg is not supported for complex tensors. Angles are real: take .real")


@rad2deg.gradient("input")
def _(xp, g):
    return g * (180 / math.pi)


@floating(publish=(*EVERYWHERE, "special"))
def sinc(xp, input):
    """sin(pi input) / (pi input), and 1 at 0.

    Shape: (*) -> (*).   Source: PyTorch `sinc`.
    """
    angle = input * math.pi
    return xp.where(input == 0, xp.ones_like(angle), xp.sin(angle) / angle)


@sinc.gradient("input")
def _(xp, g, input):
    angle = input * math.pi
    slope = (angle * xp.cos(angle) - xp.sin(angle)) * math.pi / (angle * angle)
    return g * xp.conj(xp.where(input == 0, xp.zeros_like(slope), slope))
