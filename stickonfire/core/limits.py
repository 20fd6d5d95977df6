"""`finfo` and `iinfo`: the numeric limits of dtypes, from their bit layout alone; and whether a number fits one."""
from __future__ import annotations

from . import state
from .dtypes import COMPLEX, FLOATING, INTEGER, dtype

# mantissa bits, largest exponent, decimal digits, smallest exponent, as PyTorch reports them
_LAYOUT = {"float16": (10, 15, 3), "bfloat16": (7, 127, 2), "float32": (23, 127, 6), "float64": (52, 1023, 15)}


_SPELLINGS = {"float16": "at::Half", "bfloat16": "at::BFloat16", "float32": "float", "float64": "double"}


def check_number(value: complex, kind: dtype) -> None:
    """Raises RuntimeError for a Python number that a dtype does not hold.

    Infinity and NaN count as floats of any size; a negative number wraps round in an unsigned dtype, as in C.
    """
    if value.__class__ is complex:
        if kind.category == COMPLEX or not value.imag:
            value = value.real
        else:
            raise no_room(value, kind, "it has an imaginary part")
    if kind.category == INTEGER:
        high = 2 ** (8 * kind.itemsize - kind.is_signed)
        if not (-high if kind.is_signed else 1 - high) <= value < high:
            raise no_room(value, kind, f"{kind.name} holds {-high if kind.is_signed else 0} to {high - 1}")
    elif kind.category >= FLOATING and kind.itemsize < 8 and abs(value) > _largest(kind) and abs(value) != float("inf"):
        raise no_room(value, kind, f"the largest number of {kind.name} is {_largest(kind):g}")


def no_room(value: complex, kind: dtype, why: str) -> RuntimeError:
    """The error for a number that a dtype does not hold."""
    spelled = _SPELLINGS.get(kind.name, f"{kind.name}_t")
    return RuntimeError(f"value cannot be converted to type {spelled} without overflow: {value} does not fit, {why}")


def _largest(kind: dtype) -> float:
    mantissa, exponent, _ = _LAYOUT[kind.to_real().name]
    return (2 - 2.0 ** -mantissa) * 2.0 ** exponent


class finfo:
    """Numeric limits of a floating-point (or complex: of its parts) dtype.

    Raises: TypeError for an integer dtype.   Source: PyTorch `torch.finfo`.

    >>> from stickonfire.core.dtypes import float32
    >>> finfo(float32).max
    3.4028234663852886e+38
    """

    def __init__(self, type: dtype | None = None) -> None:
        if type is not None and not isinstance(type, dtype):
            raise TypeError(f"finfo(): argument 'type' (position 1) must be torch.dtype, not {type.__class__.__name__}")
        kind = (type or state.default_dtype()).to_real()
        if kind.category != FLOATING:
            raise TypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle {type}")
        mantissa, exponent, digits = _LAYOUT[kind.name]
        self.dtype, self.bits = kind.name, kind.itemsize * 8
        self.eps = 2.0 ** -mantissa
        self.max = (2 - self.eps) * 2.0 ** exponent
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0 ** (1 - exponent)
        self.resolution = 10.0 ** -digits

    def __repr__(self) -> str:
        return (f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
                f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})")


class iinfo:
    """Numeric limits of an integer dtype.

    Raises: TypeError for any other dtype.   Source: PyTorch `torch.iinfo`.

    >>> from stickonfire.core.dtypes import int8
    >>> iinfo(int8)
    iinfo(min=-128, max=127, dtype=int8)
    """

    def __init__(self, type: dtype) -> None:
        if not isinstance(type, dtype):
            raise TypeError(f"iinfo(): argument 'type' (position 1) must be torch.dtype, not {type.__class__.__name__}")
        if type.category != INTEGER:
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle {type}")
        self.dtype, self.bits = type.name, type.itemsize * 8
        self.max = 2 ** (self.bits - type.is_signed) - 1
        self.min = -self.max - 1 if type.is_signed else 0

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
