"""LLVM IR written with Python's operators: `a * b + c` adds two lines of text. Room `codegen`; imports nothing of ours.

A `Value` is the name of a result and its type; arithmetic on Values appends instructions to a `Code`. All Values of a
Code have the same number of lanes; with one lane they are plain scalars. No fast-math flags are ever written: what is
written is what is computed. Used by `vecmath.py`.
"""
from __future__ import annotations

import struct
from typing import Any

SHORT = {"float": "f32", "double": "f64", "i32": "i32", "i64": "i64"}
INTEGER = {"float": "i32", "double": "i64"}
FLOATS = ("float", "double")


class Code:
    """The body of one function, as it is written."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.lines: list[str] = []
        self.count = 0

    def type(self, element: str) -> str:
        """`float` -> `<16 x float>`, or `float` for one lane."""
        return element if self.lanes == 1 else f"<{self.lanes} x {element}>"

    def emit(self, element: str, instruction: str) -> Value:
        """Appends `%v1 = instruction`."""
        self.count += 1
        self.lines.append(f"  %v{self.count} = {instruction}")
        return Value(self, f"%v{self.count}", element)

    def intrinsic(self, name: str, *operands: Value) -> Value:
        """Calls LLVM's own function of that name: fma, sqrt, fabs ..."""
        element = operands[0].element
        suffix = SHORT[element] if self.lanes == 1 else f"v{self.lanes}{SHORT[element]}"
        return self.call(element, f"llvm.{name}.{suffix}", *operands)

    def call(self, element: str, symbol: str, *operands: Value) -> Value:
        listed = ", ".join(f"{operand.type} {operand.name}" for operand in operands)
        return self.emit(element, f"call {self.type(element)} @{symbol}({listed})")

    def constant(self, number: float, element: str) -> Value:
        """The same number in every lane."""
        spelled = str(int(number)) if element not in FLOATS else spell(number, element)
        return Value(self, spelled if self.lanes == 1 else f"splat ({element} {spelled})", element)


def rounded(number: float, element: str) -> float:
    """The nearest number of that type."""
    return float(struct.unpack("f", struct.pack("f", number))[0]) if element == "float" else number


def bits_of(number: float, element: str) -> int:
    """A number's bits as an integer of the same width."""
    floating, integer = ("f", "i") if element == "float" else ("d", "q")
    return int(struct.unpack(integer, struct.pack(floating, number))[0])


def spell(number: float, element: str) -> str:
    """A float constant as LLVM reads it: the bits of a double, whatever the type."""
    return f"0x{bits_of(rounded(number, element), 'double') & 2 ** 64 - 1:016X}"


class Value:
    """One result: its name in the text and the type of its elements. Numbers beside it become constants."""
    __slots__ = ("code", "name", "element")

    def __init__(self, code: Code, name: str, element: str) -> None:
        self.code, self.name, self.element = code, name, element

    @property
    def type(self) -> str:
        return self.code.type(self.element)

    def lift(self, other: Any) -> Value:
        return other if isinstance(other, Value) else self.code.constant(other, self.element)

    def _binary(self, word: str, other: Any) -> Value:
        return self.code.emit(self.element, f"{word} {self.type} {self.name}, {self.lift(other).name}")

    def _compare(self, word: str, other: Any) -> Value:
        return self.code.emit("i1", f"{word} {self.type} {self.name}, {self.lift(other).name}")

    def _arithmetic(self, word: str, other: Any) -> Value:
        return self._binary(("f" if self.element in FLOATS else "") + word, other)

    def __add__(self, other: Any) -> Value:
        return self._arithmetic("add", other)

    def __sub__(self, other: Any) -> Value:
        return self._arithmetic("sub", other)

    def __rsub__(self, other: Any) -> Value:
        return self.lift(other) - self

    def __mul__(self, other: Any) -> Value:
        return self._arithmetic("mul", other)

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, other: Any) -> Value:
        return self._binary("fdiv", other)

    def __rtruediv__(self, other: Any) -> Value:
        return self.lift(other) / self

    def __neg__(self) -> Value:
        return self.code.emit(self.element, f"fneg {self.type} {self.name}")

    def __abs__(self) -> Value:
        return self.code.intrinsic("fabs", self)

    def __and__(self, other: Any) -> Value:
        return self._binary("and", other)

    def __or__(self, other: Any) -> Value:
        return self._binary("or", other)

    def __xor__(self, other: Any) -> Value:
        return self._binary("xor", other)

    def __lshift__(self, other: Any) -> Value:
        return self._binary("shl", other)

    def __rshift__(self, other: Any) -> Value:
        """Keeps the sign."""
        return self._binary("ashr", other)

    def _ordered(self, word: str, other: Any) -> Value:
        return self._compare(f"fcmp o{word}" if self.element in FLOATS else f"icmp s{word}", other)

    def __lt__(self, other: Any) -> Value:      # all comparisons are False for NaN
        return self._ordered("lt", other)

    def __le__(self, other: Any) -> Value:
        return self._ordered("le", other)

    def __gt__(self, other: Any) -> Value:
        return self._ordered("gt", other)

    def equals(self, other: Any) -> Value:
        return self._compare("fcmp oeq" if self.element in FLOATS else "icmp eq", other)

    def differs(self, other: Any) -> Value:
        """True for NaN."""
        return self._compare("fcmp une" if self.element in FLOATS else "icmp ne", other)

    def bits(self) -> Value:
        """The same bits, read as integers."""
        integer = INTEGER[self.element]
        return self.code.emit(integer, f"bitcast {self.type} {self.name} to {self.code.type(integer)}")

    def number(self) -> Value:
        """The same bits, read as floats."""
        element = "float" if self.element == "i32" else "double"
        return self.code.emit(element, f"bitcast {self.type} {self.name} to {self.code.type(element)}")

    def to_float(self) -> Value:
        """Integers as floats of the same width."""
        element = "float" if self.element == "i32" else "double"
        return self.code.emit(element, f"sitofp {self.type} {self.name} to {self.code.type(element)}")

    def to_double(self) -> Value:
        return self.code.emit("double", f"fpext {self.type} {self.name} to {self.code.type('double')}")

    def to_single(self) -> Value:
        return self.code.emit("float", f"fptrunc {self.type} {self.name} to {self.code.type('float')}")


def fma(a: Value, b: Any, c: Any) -> Value:
    """a * b + c, rounded once."""
    return a.code.intrinsic("fma", a, a.lift(b), a.lift(c))


def select(condition: Value, yes: Any, no: Any) -> Value:
    """`yes` where the condition holds, else `no`; one of the two has to be a Value."""
    like = yes if isinstance(yes, Value) else no
    yes, no = like.lift(yes), like.lift(no)
    return condition.code.emit(like.element, f"select {condition.type} {condition.name}, "
                                             f"{yes.type} {yes.name}, {no.type} {no.name}")


def copysign(size: Value, sign: Value) -> Value:
    return size.code.intrinsic("copysign", size, sign)


def sqrt(x: Value) -> Value:
    return x.code.intrinsic("sqrt", x)


def at_most(x: Value, limit: float) -> Value:
    """The smaller of the two; NaN stays NaN."""
    return select(x > limit, limit, x)


def at_least(x: Value, limit: float) -> Value:
    """The larger of the two; NaN stays NaN."""
    return select(x < limit, limit, x)


def polynomial(x: Value, coefficients: tuple[float, ...]) -> Value:
    """Horner's scheme, lowest power first."""
    result = x.lift(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        result = fma(result, x, coefficient)
    return result
