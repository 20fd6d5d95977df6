"""Comparisons, logic and bits. The results are bools or ints, so nothing here has a gradient."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.dtypes import FLOATING, SCALAR_NAMES
from .common import EVERYWHERE, refuse
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
        return getattr(xp, function)(input, other)
    forward.__doc__ = f"{doc}\n\n    Shape: (*), (*) -> broadcast, of bool.   Source: PyTorch `{name}`."
    return refuse(op(name=name, publish=EVERYWHERE, aliases=(alias,), promote="same", scalars="rest",
                     differentiable=False)(forward), "c")


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


def bitwise(name: str, doc: str, compute: Callable[..., Any], refused: str = "fc") -> Op:
    """An op on the bits of two ints, or on two bools."""
    def forward(xp, input, other):
        return compute(xp, input, other)
    forward.__doc__ = f"{doc}\n\n    Shape: (*), (*) -> broadcast.   Source: PyTorch `{name}`."
    return refuse(op(name=name, publish=EVERYWHERE, promote="same", scalars="some",
                     differentiable=False)(forward), refused)


bitwise_and = bitwise("bitwise_and", "The bits that both have.", lambda xp, a, b: a & b)
bitwise_or = bitwise("bitwise_or", "The bits that one or both have.", lambda xp, a, b: a | b)
bitwise_xor = bitwise("bitwise_xor", "The bits that exactly one has.", lambda xp, a, b: a ^ b)
bitwise_left_shift = bitwise("bitwise_left_shift", "input * 2 ** other.",
                             lambda xp, a, b: xp.left_shift(a, b), "bfc")
bitwise_right_shift = bitwise("bitwise_right_shift", "floor(input / 2 ** other).",
                              lambda xp, a, b: xp.right_shift(a, b), "bfc")


@op(publish=EVERYWHERE, promote="same", differentiable=False)
def bitwise_not(xp, input):
    """All bits changed; of a bool its contrary.

    Shape: (*) -> (*).   Raises: TypeError for floats.   Source: PyTorch `bitwise_not`.
    """
    return ~input


@bitwise_not.admission()
def _(common, kinds):
    if common.category >= FLOATING:
        raise NotImplementedError(f'"bitwise_not_cpu" not implemented for \'{SCALAR_NAMES[common.name]}\'. '
                                  'bitwise_not() takes '
                                  "bools and ints; logical_not() takes all")


def divisors(name: str, doc: str) -> Op:
    """A function of the divisors of two ints."""
    def forward(xp, input, other):
        return getattr(xp, name)(input, other)
    forward.__doc__ = f"{doc}\n\n    Shape: (*), (*) -> broadcast.   Source: PyTorch `{name}`."
    return refuse(op(name=name, publish=EVERYWHERE, promote="same", differentiable=False)(forward), "bfc")


gcd = divisors("gcd", "The greatest common divisor.")
lcm = divisors("lcm", "The least common multiple.")
