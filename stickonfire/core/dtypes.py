"""Data types and the rules by which they mix.

A dtype here is a name with facts; what a backend stores for it is the backend's business. Promotion
is PyTorch's: two dtypes meet in a lattice, and an operand of lower standing (a Python number, then
a 0-d tensor) changes the result only if its category is higher. Called from everywhere above.
"""
from __future__ import annotations

from collections.abc import Iterable

BOOL, INTEGER, FLOATING, COMPLEX = range(4)         # categories, in promotion order


class dtype:
    """The type of a tensor's elements.

    Source: PyTorch `torch.dtype`.

    >>> float32.itemsize, float32.is_floating_point, float32
    (4, True, torch.float32)
    """

    __slots__ = ("name", "itemsize", "category", "is_floating_point", "is_complex", "is_signed", "is_reduced")

    def __init__(self, name: str, itemsize: int, category: int, is_signed: bool = True) -> None:
        self.name, self.itemsize, self.category, self.is_signed = name, itemsize, category, is_signed
        self.is_floating_point = category == FLOATING
        self.is_complex = category == COMPLEX
        self.is_reduced = self.is_floating_point and itemsize == 2      # computed in float32, stored in 16 bits

    def __repr__(self) -> str:
        return f"torch.{self.name}"             # as PyTorch prints it: textbook output stays the same

    def __reduce__(self) -> str:
        return self.name

    def to_real(self) -> dtype:
        """The dtype of the real part of this one."""
        return {complex64: float32, complex128: float64}.get(self, self)

    def to_complex(self) -> dtype:
        """The complex dtype whose parts have this one."""
        if self.category < FLOATING:
            raise RuntimeError(f"Unknown Complex ScalarType for {SCALAR_NAMES[self.name]}: only floats have a complex "
                               f"dtype")
        return {float64: complex128, complex128: complex128}.get(self, complex64)


bool_ = dtype("bool", 1, BOOL, is_signed=False)
uint8 = dtype("uint8", 1, INTEGER, is_signed=False)
int8 = dtype("int8", 1, INTEGER)
int16 = dtype("int16", 2, INTEGER)
int32 = dtype("int32", 4, INTEGER)
int64 = dtype("int64", 8, INTEGER)
float16 = dtype("float16", 2, FLOATING)
bfloat16 = dtype("bfloat16", 2, FLOATING)
float32 = dtype("float32", 4, FLOATING)
float64 = dtype("float64", 8, FLOATING)
complex64 = dtype("complex64", 8, COMPLEX)
complex128 = dtype("complex128", 16, COMPLEX)
uint16 = dtype("uint16", 2, INTEGER, is_signed=False)
uint32 = dtype("uint32", 4, INTEGER, is_signed=False)
uint64 = dtype("uint64", 8, INTEGER, is_signed=False)
half, double, short, long, cfloat, cdouble = float16, float64, int16, int64, complex64, complex128

# what Python's types stand for as `dtype=`
BUILTIN = {float: float64, int: int64, bool: bool_, complex: complex128}
DTYPES = (bool_, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64, complex128)
UNSIGNED = (uint16, uint32, uint64)     # for storing and casting: PyTorch lets them mix with floats alone
BY_NAME = {d.name: d for d in (*DTYPES, *UNSIGNED)}
# How PyTorch's messages call them
SCALAR_NAMES = {"float16": "Half", "bfloat16": "BFloat16", "float32": "Float", "float64": "Double", "int64": "Long",
                "int32": "Int", "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool",
                "complex64": "ComplexFloat", "complex128": "ComplexDouble", "uint16": "UInt16", "uint32": "UInt32",
                "uint64": "UInt64"}


def _join(a: dtype, b: dtype) -> dtype:
    """The smallest dtype that PyTorch lets both be cast to."""
    if a is b:
        return a
    if a.category != b.category:
        low, high = (a, b) if a.category < b.category else (b, a)
        if high.category == COMPLEX and low.category == FLOATING:
            return complex128 if float64 in (low, high.to_real()) else complex64
        return high
    if a.category == INTEGER and a.is_signed != b.is_signed:
        signed = a if a.is_signed else b
        return int16 if signed is int8 else signed          # uint8 fits every signed type from int16 on
    if a.is_reduced and b.is_reduced:
        return float32                                      # float16 with bfloat16
    return a if a.itemsize > b.itemsize else b


class _Promoted(dict[tuple[dtype, dtype], dtype]):
    """The dtype of two, found out at once; what mixes with uint16, uint32 and uint64 when asked for."""

    def __missing__(self, pair: tuple[dtype, dtype]) -> dtype:
        a, b = pair
        if a is not b and FLOATING not in (a.category, b.category):
            raise RuntimeError("Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
                               f"{SCALAR_NAMES[a.name]} and {SCALAR_NAMES[b.name]}. Cast one of them first")
        self[pair] = _join(a, b)
        return self[pair]


PROMOTED = _Promoted({(a, b): _join(a, b) for a in DTYPES for b in DTYPES})


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The dtype in which values of both types meet.

    Source: PyTorch `torch.promote_types`.

    >>> promote_types(uint8, int8), promote_types(int64, float16)
    (torch.int16, torch.float16)
    """
    check_dtypes("promote_types", type1=type1, type2=type2)
    return PROMOTED[type1, type2]


def result_type(tensors: Iterable[tuple[dtype, int]], scalars: Iterable[object], default: dtype) -> dtype:
    """The dtype of a result, from (dtype, number of dimensions) of tensors and from Python numbers.

    Tensors with dimensions count first, 0-d tensors next, Python numbers last; a later group matters
    only if its category is above the earlier ones'. `default` is the dtype of a Python float.
    """
    groups: list[dtype | None] = [None, None, None]
    for kind, ndim in tensors:
        rank = 0 if ndim else 1
        seen = groups[rank]
        groups[rank] = kind if seen is None else PROMOTED[seen, kind]
    for number in scalars:
        kind = scalar_dtype(number, default)
        groups[2] = kind if groups[2] is None else PROMOTED[groups[2], kind]
    result: dtype | None = None
    for kind_or_none in groups:
        if kind_or_none is not None and (result is None or kind_or_none.category > result.category):
            result = kind_or_none if result is None else _raised(result, kind_or_none)
    return bool_ if result is None else result


def _raised(low: dtype, high: dtype) -> dtype:
    """A stronger operand's dtype, lifted to the category of a weaker one (float64 with 2j is complex128)."""
    return low.to_complex() if high.category == COMPLEX and low.category == FLOATING else high


def scalar_dtype(number: object, default: dtype) -> dtype:
    """The dtype PyTorch gives a bare Python number."""
    if number is True or number is False:
        return bool_
    if isinstance(number, complex):
        return default.to_complex()
    return default if hasattr(number, "is_integer") and not hasattr(number, "bit_length") else int64


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether PyTorch allows the cast in an in-place operation: never to a lower category.

    Source: PyTorch `torch.can_cast`.

    >>> can_cast(float64, float32), can_cast(float32, int64)
    (True, False)
    """
    check_dtypes("can_cast", from_=from_, to=to)
    return from_.category <= to.category


def check_dtypes(name: str, **given: object) -> None:
    """Raises TypeError for what is no dtype."""
    for position, (argument, value) in enumerate(given.items(), 1):
        if not isinstance(value, dtype):
            raise TypeError(f"{name}(): argument '{argument}' (position {position}) must be torch.dtype, not "
                            f"{type(value).__name__}")
