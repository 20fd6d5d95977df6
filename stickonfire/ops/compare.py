"""Comparisons, logic and bits. The results are bools or ints, so nothing here has a gradient."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .common import EVERYWHERE, is_bool, is_number
from .op import Op, op


@op(publish=EVERYWHERE, promote="same", scalars="rest", differentiable=False)
def eq(xp, input, other):
    """input == other.

    Shape: (*), (*) -> broadcast, of bool.   Source: PyTorch `eq`.
    """
    return input == other


@op(publish=EVERYWHERE, aliases=("not_equal",), promote="same", scalars="rest", differentiable=False)
def ne(xp, input, other):
    """input != other.

    Shape: (*), (*) -> broadcast, of bool.   Source: PyTorch `ne`.
    """
    return input != other


def ordering(name: str, alias: str, doc: str, function: str) -> Op:
    """A comparison that complex numbers do not have."""
    def forward(xp, input, other):
        out = getattr(xp, function)(input, other)
        if not is_number(input) and input.dtype.kind == "c":
            raise RuntimeError(f"\"{name}\" is not implemented for complex tensors: they have no order. "
                                          "Compare .abs()")
        return out
    forward.__doc__ = f"{doc}\n\n    Shape: (*), (*) -> broadcast, of bool.   Source: PyTorch `{name}`."
    return op(name=name, publish=EVERYWHERE, aliases=(alias,), promote="same", scalars="rest",
              differentiable=False)(forward)


lt = ordering("lt", "less", "input < other.", "less")
le = ordering("le", "less_equal", "input <= other.", "less_equal")
gt = ordering("gt", "greater", "input > other.", "greater")
ge = ordering("ge", "greater_equal", "input >= other.", "greater_equal")


def logical(name: str, doc: str) -> Op:
    """A connective of two truth values; a number is true if it is not zero."""
    def forward(xp, input, other):
        return getattr(xp, name)(input, other)
    forward.__doc__ = f"{doc}\n\n    Shape: (*), (*) -> broadcast, of bool.   Source: PyTorch `{name}`."
    return op(name=name, publish=EVERYWHERE, differentiable=False)(forward)


logical_and = logical("logical_and", "Whether both are true.")
logical_or = logical("logical_or", "Whether one or both are true.")
logical_xor = logical("logical_xor", "Whether exactly one is true.")


@op(publish=EVERYWHERE, differentiable=False)
def logical_not(xp, input):
    """Whether it is false, which is: zero.

    Shape: (*) -> (*) of bool.   Source: PyTorch `logical_not`.
    """
    return xp.logical_not(input)


def bitwise(name: str, doc: str, compute: Callable[..., Any]) -> Op:
    """An op on the bits of two ints, or on two bools."""
    def forward(xp, input, other):
        try:
            return compute(xp, input, other)
        except TypeError:
            raise RuntimeError(f"\"{name}_cpu\" not implemented for floating-point or complex dtypes. It "
                                              "takes ints and "
                               "bools: cast the tensors first") from None
    forward.__doc__ = f"{doc}\n\n    Shape: (*), (*) -> broadcast.   Source: PyTorch `{name}`."
    return op(name=name, publish=EVERYWHERE, promote="same", scalars="some", differentiable=False)(forward)


def shift(xp: Any, input: Any, other: Any, function: Callable[..., Any]) -> Any:
    """Shifts bits; by more than the dtype has leaves zeros (or, to the right, the sign)."""
    if is_bool(input):
        raise TypeError
    return function(input, other)


bitwise_and = bitwise("bitwise_and", "The bits that both have.", lambda xp, a, b: a & b)
bitwise_or = bitwise("bitwise_or", "The bits that one or both have.", lambda xp, a, b: a | b)
bitwise_xor = bitwise("bitwise_xor", "The bits that exactly one has.", lambda xp, a, b: a ^ b)
bitwise_left_shift = bitwise("bitwise_left_shift", "input * 2 ** other.",
                             lambda xp, a, b: shift(xp, a, b, xp.left_shift))
bitwise_right_shift = bitwise("bitwise_right_shift", "floor(input / 2 ** other).",
                              lambda xp, a, b: shift(xp, a, b, xp.right_shift))


@op(publish=EVERYWHERE, differentiable=False)
def bitwise_not(xp, input):
    """All bits changed; of a bool its contrary.

    Shape: (*) -> (*).   Source: PyTorch `bitwise_not`.
    """
    try:
        return ~input
    except TypeError:
        raise RuntimeError(f"\"bitwise_not_cpu\" not implemented for '{input.dtype}'. It takes ints and "
                                               "bools") from None


def divisors(name: str, doc: str) -> Op:
    """A function of the divisors of two ints."""
    def forward(xp, input, other):
        if is_bool(input) or is_bool(other):
            raise RuntimeError(f"\"{name}_cpu\" not implemented for 'Bool'")
        return getattr(xp, name)(input, other)
    forward.__doc__ = f"{doc}\n\n    Shape: (*), (*) -> broadcast.   Source: PyTorch `{name}`."
    return op(name=name, publish=EVERYWHERE, promote="same", differentiable=False)(forward)


gcd = divisors("gcd", "The greatest common divisor.")
lcm = divisors("lcm", "The least common multiple.")
