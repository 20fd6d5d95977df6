"""Arithmetic made of ops: div with its rounding modes, float_power, isclose, allclose, equal.

Called by users as functions and methods; the operator `/` goes to the op `div` directly.
"""
from __future__ import annotations

from typing import Any

from ..core.dtypes import COMPLEX, complex128, float64
from ..ops.op import REGISTRY
from .publish import function, inplace_method
from .tensor import Tensor

QUOTIENTS = {None: REGISTRY["div"], "trunc": REGISTRY["trunc_divide"], "floor": REGISTRY["floor_divide"]}
DIVIDE = {mode: function(op) for mode, op in QUOTIENTS.items()}
DIVIDE_ = {mode: inplace_method(op) for mode, op in QUOTIENTS.items()}
power, power_ = function(REGISTRY["pow"]), inplace_method(REGISTRY["pow"])


def pick(table: dict[str | None, Any], rounding_mode: str | None) -> Any:
    """The entry for a rounding mode.

    Raises: RuntimeError for one that is not known.
    """
    if rounding_mode not in table:
        raise RuntimeError("div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
                           f"'{rounding_mode}'")
    return table[rounding_mode]


def div(input: Any, other: Any, *, rounding_mode: str | None = None, **out: Any) -> Tensor:
    """input / other; rounded towards zero with "trunc", downwards with "floor".

    Shape: (*), (*) -> broadcast.   Dtype: without rounding ints become floats.   Source: PyTorch `div`.

    >>> import stickonfire as torch
    >>> torch.div(torch.tensor([-7, 7]), 2, rounding_mode="floor")
    tensor([-4,  3])
    """
    return pick(DIVIDE, rounding_mode)(input, other, **out)


def div_(self: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """`div` in place."""
    return pick(DIVIDE_, rounding_mode)(self, other)


def wide(value: Any) -> Any:
    """An operand of float_power in double precision."""
    if isinstance(value, Tensor):
        return value.to(complex128 if value.dtype.category == COMPLEX else float64)
    return complex(value) if isinstance(value, complex) else float(value)


def float_power(input: Any, exponent: Any, **out: Any) -> Tensor:
    """input ** exponent in double precision.

    Shape: (*), (*) -> broadcast, of float64 or complex128.   Source: PyTorch `float_power`.
    """
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        raise TypeError("float_power() received an invalid combination of arguments: one has to be a Tensor")
    return power(wide(input), wide(exponent), **out)


def float_power_(self: Tensor, exponent: Any) -> Tensor:
    """`float_power` in place: the tensor has to be float64 or complex128.

    Raises: RuntimeError for another dtype.
    """
    wanted = complex128 if complex128 in (self.dtype, getattr(wide(exponent), "dtype", None)) else float64
    if self.dtype is not wanted:
        raise RuntimeError(f"the base given to float_power_ has dtype {self.dtype} but the operation's result requires "
                           f"dtype {wanted}")
    return power_(self, wide(exponent))


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08,
            equal_nan: bool = False) -> Tensor:
    """Whether abs(input - other) <= atol + rtol * abs(other), or both are equal.

    Shape: (*), (*) -> broadcast, of bool.   Raises: RuntimeError for different dtypes or negative tolerances.
    Source: PyTorch `isclose`.

    >>> import stickonfire as torch
    >>> torch.isclose(torch.tensor([1., 2.]), torch.tensor([1., 2.1]))
    tensor([ True, False])
    """
    if not isinstance(input, Tensor) or not isinstance(other, Tensor):
        raise TypeError(f"isclose(): input and other must be Tensors, not {type(input).__name__} and "
                        f"{type(other).__name__}")
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype} did not match {other.dtype}. In isclose(): cast one with .to(dtype)")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: rtol and atol must be greater than or equal to zero, but got {rtol} and {atol}")
    input, other = input.detach(), other.detach()
    close: Any = input == other
    if input.dtype.category < 2:                # ints and bools: compare in floats
        if rtol == atol == 0:
            return close
        input, other = input.to(float64), other.to(float64)
    elif equal_nan:
        close = close | ((input != input) & (other != other))
    if rtol == atol == 0:
        return close
    distance = (input - other).abs()
    return close | (distance.isfinite() & (distance <= (other * rtol).abs() + atol))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08,
             equal_nan: bool = False) -> bool:
    """Whether all elements are close, see `isclose`.

    Shape: (*), (*) -> a Python bool.   Source: PyTorch `allclose`.
    """
    return bool(isclose(input, other, rtol, atol, equal_nan)._array.all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both tensors have the same shape and the same elements.

    Shape: (*), (*) -> a Python bool.   Raises: RuntimeError for different dtypes.   Source: PyTorch `equal`.

    >>> import stickonfire as torch
    >>> torch.equal(torch.tensor([1, 2]), torch.tensor([1, 2]))
    True
    """
    if not isinstance(other, Tensor):
        raise TypeError(f"equal(): argument 'other' (position 1) must be Tensor, not {type(other).__name__}")
    if input._array.shape != other._array.shape:
        return False
    return bool((input.detach() == other.detach())._array.all())


FUNCTIONS = (div, float_power, isclose, allclose, equal)
METHODS = {"div": div, "div_": div_, "divide": div, "divide_": div_, "true_divide": div, "true_divide_": div_,
           "float_power": float_power, "float_power_": float_power_, "isclose": isclose, "allclose": allclose,
           "equal": equal, "__rdiv__": Tensor.__rtruediv__}
ALIASES = {"divide": div, "true_divide": div}
