"""The larger or smaller of two numbers element by element, and clamping to an interval."""
from __future__ import annotations

from .common import EVERYWHERE, refuse, refuse_complex
from .op import op


def shared(xp, g, first, second):
    """The gradient where the first operand wins; half of it where both are equal."""
    return xp.keep(g, first) + xp.keep(g * 0.5, second)


@op(publish=("stickonfire", "Tensor"), promote="same")
def maximum(xp, input, other):
    """The larger of the two; NaN if one is.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `maximum`.
    """
    return xp.maximum(input, other)


refuse(maximum, "c", text="maximum not implemented for complex tensors. Compare .abs()")


@maximum.gradient("input")
def _(xp, g, input, other):
    return shared(xp, g, input > other, input == other)


@maximum.gradient("other")
def _(xp, g, input, other):
    return shared(xp, g, input < other, input == other)


@op(publish=("stickonfire", "Tensor"), promote="same")
def minimum(xp, input, other):
    """The smaller of the two; NaN if one is.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `minimum`.
    """
    return xp.minimum(input, other)


refuse(minimum, "c", text="minimum not implemented for complex tensors. Compare .abs()")


@minimum.gradient("input")
def _(xp, g, input, other):
    return shared(xp, g, input < other, input == other)


@minimum.gradient("other")
def _(xp, g, input, other):
    return shared(xp, g, input > other, input == other)


@op(publish=("stickonfire", "Tensor"), promote="same")
def fmax(xp, input, other):
    """The larger of the two; the other one if one is NaN.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `fmax`.
    """
    return xp.fmax(input, other)


refuse(fmax, "c", text="fmax not implemented for complex tensors. Compare .abs()")


@fmax.gradient("input")
def _(xp, g, input, other):
    return xp.keep(g, (input >= other) | (other != other))


@fmax.gradient("other")
def _(xp, g, input, other):
    return xp.keep(g, ~((input >= other) | (other != other)))


@op(publish=("stickonfire", "Tensor"), promote="same")
def fmin(xp, input, other):
    """The smaller of the two; the other one if one is NaN.

    Shape: (*), (*) -> broadcast.   Source: PyTorch `fmin`.
    """
    return xp.fmin(input, other)


refuse(fmin, "c", text="fmin not implemented for complex tensors. Compare .abs()")


@fmin.gradient("input")
def _(xp, g, input, other):
    return xp.keep(g, (input <= other) | (other != other))


@fmin.gradient("other")
def _(xp, g, input, other):
    return xp.keep(g, ~((input <= other) | (other != other)))


@op(publish=EVERYWHERE, aliases=("clip",), promote="same", scalars="rest")
def clamp(xp, input, min=None, max=None):
    """min(max(input, min), max).

    Shape: (*), (*) or a number, (*) or a number -> broadcast.   Raises: RuntimeError without any limit.
    Source: PyTorch `clamp`.
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    out = input if min is None else xp.maximum(input, min)
    return out if max is None else xp.minimum(out, max)


refuse(clamp, "c", text="clamp is not supported for complex types")


@clamp.gradient("input")
def _(xp, g, input, min, max):
    if max is None:
        return xp.keep(g, input >= min)
    return xp.keep(g, input <= max if min is None else (input >= min) & (input <= max))


@clamp.gradient("min")
def _(xp, g, input, min, max):
    return xp.keep(g, input < min if max is None else (input < min) & (min < max))


@clamp.gradient("max")
def _(xp, g, input, min, max):
    return xp.keep(g, input > max if min is None else (input > max) | (max < min))


@clamp.inplace()
def _(xp, input, min, max):
    refuse_complex("clamp", input)
    if min is not None:
        xp.maximum(input, min, out=input)
    if max is not None:
        xp.minimum(input, max, out=input)
    if min is max is None:
        clamp.forward(xp, input)


@op(publish=EVERYWHERE, promote="same", scalars="rest")
def clamp_min(xp, input, min):
    """max(input, min).

    Shape: (*), (*) or a number -> broadcast.   Source: PyTorch `clamp_min`.
    """
    return clamp.forward(xp, input, min, None)


refuse(clamp_min, "c", text="clamp is not supported for complex types")


@clamp_min.gradient("input")
def _(xp, g, input, min):
    return xp.keep(g, input >= min)


@clamp_min.gradient("min")
def _(xp, g, input, min):
    return xp.keep(g, input < min)


@op(publish=EVERYWHERE, promote="same", scalars="rest")
def clamp_max(xp, input, max):
    """min(input, max).

    Shape: (*), (*) or a number -> broadcast.   Source: PyTorch `clamp_max`.
    """
    return clamp.forward(xp, input, None, max)


refuse(clamp_max, "c", text="clamp is not supported for complex types")


@clamp_max.gradient("input")
def _(xp, g, input, max):
    return xp.keep(g, input <= max)


@clamp_max.gradient("max")
def _(xp, g, input, max):
    return xp.keep(g, input > max)
