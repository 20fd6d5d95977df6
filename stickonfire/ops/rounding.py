"""Rounding, signs and sizes of numbers: floor, round, abs, sign, copysign, heaviside, finding odd values."""
from __future__ import annotations

import builtins

from .common import EVERYWHERE, flat, refuse
from .op import op


def rounded(xp, function, input):
    """A rounding function; whole numbers stay as they are."""
    return function(input) if input.dtype.kind == "f" else xp.copy(input)


@op(publish=EVERYWHERE, promote="same")
def floor(xp, input):
    """The largest whole number not above.

    Shape: (*) -> (*).   Source: PyTorch `floor`.
    """
    return rounded(xp, xp.floor, input)


@op(publish=EVERYWHERE, promote="same")
def ceil(xp, input):
    """The smallest whole number not below.

    Shape: (*) -> (*).   Source: PyTorch `ceil`.
    """
    return rounded(xp, xp.ceil, input)


@op(publish=EVERYWHERE, aliases=("fix",), promote="same")
def trunc(xp, input):
    """The number without its decimals.

    Shape: (*) -> (*).   Source: PyTorch `trunc`.
    """
    return rounded(xp, xp.trunc, input)


@op(publish=(*EVERYWHERE, "special"), promote="same")
def round(xp, input, *, decimals: int = 0):
    """The nearest number with so many decimals; halves go to the even one.

    Shape: (*) -> (*).   Source: PyTorch `round`.
    """
    if decimals == 0:
        return rounded(xp, xp.rint, input)
    if input.dtype.kind != "f":
        raise RuntimeError(f"\"round_cpu\" not implemented for '{input.dtype}' with decimals. Cast the tensor to float")
    scale = 10.0 ** builtins.abs(decimals)
    return xp.rint(input * scale) / scale if decimals > 0 else xp.rint(input / scale) * scale


@op(publish=EVERYWHERE, promote="same")
def frac(xp, input):
    """The decimals: input - trunc(input).

    Shape: (*) -> (*).   Source: PyTorch `frac`.
    """
    return input - xp.trunc(input)


refuse(frac, "bic")


@frac.gradient("input")
def _(xp, g):
    return g


@op(publish=EVERYWHERE, aliases=("absolute",), promote="same")
def abs(xp, input):
    """The absolute value; of a complex number its length, which is real.

    Shape: (*) -> (*).   Source: PyTorch `abs`.
    """
    return xp.abs(input)


@abs.inplace()
def _(xp, input):
    if input.dtype.kind == "c":
        raise RuntimeError("In-place abs is not supported for complex tensors. Take .abs(), which is real")
    xp.abs(input, out=input)


@abs.gradient("input")
def _(xp, g, input):
    return g * xp.sign(input)


@op(publish=EVERYWHERE, promote="same")
def sign(xp, input):
    """-1, 0 or 1.

    Shape: (*) -> (*).   Raises: RuntimeError for complex numbers.   Source: PyTorch `sign`.
    """
    return xp.copy(input) if input.dtype.kind == "b" else xp.sign(input)


@op(publish=EVERYWHERE, promote="same")
def sgn(xp, input):
    """input / abs(input), and 0 at 0.

    Shape: (*) -> (*).   Source: PyTorch `sgn`.
    """
    return xp.copy(input) if input.dtype.kind == "b" else xp.sign(input)


@sgn.gradient("input")
def _(xp, g, input, input_dtype):
    if not input_dtype.is_complex:
        return xp.zeros_like(g)
    length = xp.abs(input)
    way = input / length
    grad = (g - xp.real(g * xp.conj(way)) * way) / length
    return xp.where(length == 0, xp.zeros_like(grad), grad)


@op(publish=("stickonfire", "Tensor"), promote="same", opmath=False, differentiable=False)
def signbit(xp, input):
    """Whether the sign is minus, that of zeros included.

    Shape: (*) -> (*) of bool.   Source: PyTorch `signbit`.
    """
    return xp.zeros(input.shape, bool) if input.dtype.kind == "b" else xp.signbit(input)


refuse(signbit, "c")


@op(publish=EVERYWHERE, promote="float", scalars="rest")
def copysign(xp, input, other):
    """abs(input) with the sign of `other`.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `copysign`.
    """
    return xp.copysign(input, other)


@copysign.gradient("input")
def _(xp, g, input, out):
    ratio = out / input
    return g * xp.where(input == 0, xp.zeros_like(ratio), ratio)


@copysign.gradient("other")
def _(xp, g):
    return xp.zeros_like(g)


@op(publish=EVERYWHERE, promote="match", differentiable=False)
def heaviside(xp, input, values):
    """0 below zero, 1 above, `values` at zero.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `heaviside`.
    """
    return xp.where(input == 0, values, (input > 0).astype(input.dtype))


@op(publish=EVERYWHERE, promote="same")
def nextafter(xp, input, other):
    """The next floating-point number from input towards `other`.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `nextafter`.
    """
    return xp.nextafter(input, other)


@nextafter.gradient("input")
def _(xp, g, input, other):
    return xp.keep(g, input != other)


@nextafter.gradient("other")
def _(xp, g):
    return xp.zeros_like(g)


@op(publish=EVERYWHERE, promote="same")
def nan_to_num(xp, input, nan: float | None = None, posinf: float | None = None, neginf: float | None = None):
    """NaN becomes `nan` (0), inf `posinf` (the largest number), -inf `neginf` (the smallest).

    Shape: (*) -> (*).   Source: PyTorch `nan_to_num`.
    """
    if input.dtype.kind not in "fcV":
        return xp.copy(input)
    return xp.nan_to_num(input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


@nan_to_num.gradient("input")
def _(xp, g, input):
    return xp.keep(g, xp.isfinite(input))


def finder(name, doc):
    """An op that asks something of each element."""
    def forward(xp, input):
        return getattr(xp, name)(input)
    forward.__doc__ = f"{doc}\n\n    Shape: (*) -> (*) of bool.   Source: PyTorch `{name}`."
    publish = ("stickonfire", "Tensor")
    return op(name=name, publish=publish, promote="none", differentiable=False)(forward)


isnan = finder("isnan", "Whether it is NaN.")
isinf = finder("isinf", "Whether it is an infinity.")
isfinite = finder("isfinite", "Whether it is neither NaN nor an infinity.")
isposinf = finder("isposinf", "Whether it is plus infinity.")
isneginf = finder("isneginf", "Whether it is minus infinity.")
isreal = finder("isreal", "Whether its imaginary part is zero.")

for each in (floor, ceil, trunc, round, sign):
    flat(each)
    refuse(each, "bc", text=f"{each.name} is not supported for complex or bool inputs")
refuse(sign, "c", text="Unlike NumPy, torch.sign is not intended to support complex numbers. Please use "
                       "torch.sgn instead.")
refuse(abs, "b")
refuse(heaviside, "c")
refuse(nextafter, "bic")


@op(publish=("stickonfire", "Tensor"), returns="mantissa exponent")
def frexp(xp, input):
    """Mantissa (from 0.5 to 1) and whole exponent of 2 whose product is the input.

    Shape: (*) -> (*), (*) of int32.   Source: PyTorch `frexp`.
    """
    if input.dtype.kind not in "fV":
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    return xp.frexp(input)


@frexp.gradient("input")
def _(xp, g, outs):
    return xp.ldexp(g[0], -outs[1])


@op(publish=("stickonfire", "Tensor", "Tensor_"), promote="float", exempt=(), scalars=False)
def ldexp(xp, input, other):
    """input * 2 ** other.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `ldexp`.
    """
    return input * xp.exp2(other)


@ldexp.gradient("input")
def _(xp, g, other):
    return g * xp.conj(2.0 ** other)


@ldexp.gradient("other")
def _(xp, g, out):
    return g * xp.conj(out) * 0.6931471805599453
