"""What the words of the Mersenne Twister become, vectors at a time: numbers, or coins that fell. Room `codegen`.

Called by `mersenne.py`, whose function does this to fresh words in the same pass. The numbers are PyTorch's.
"""
from __future__ import annotations

from dataclasses import dataclass

from .vector import Code, Value


@dataclass(frozen=True)
class Kind:
    """What the words become: how many words make one number, and the type of the result in LLVM."""
    words: int
    element: str
    size: int                           # bytes


KINDS = {
    "words": Kind(1, "i32", 4),         # as they are
    "words64": Kind(2, "i64", 8),       # the first word above the second
    "float32": Kind(1, "float", 4),     # the low 24 bits, in [0, 1)
    "float64": Kind(2, "double", 8),    # the low 53 bits of a pair, in [0, 1)
    "coins8": Kind(2, "i8", 1),         # whether such a number is below p, as results of 8, 16, 32 or 64 bits
    "coins16": Kind(2, "i16", 2),
    "coins32": Kind(2, "i32", 4),
    "coins64": Kind(2, "i64", 8),
}


def shifted(x: Value, places: int) -> Value:
    """x >> places, with zeros coming in."""
    return x.code.emit(x.element, f"lshr {x.type} {x.name}, {x.lift(places).name}")


def numbers(kind: str, lanes: int) -> str:
    """What becomes of the words %w."""
    if KINDS[kind].words == 1:
        w = Value(Code(lanes), "%w", "i32")
        return returned(w if kind == "words" else (w & 0xFFFFFF).to_float() * 2.0 ** -24)
    code = Code(lanes // 2)
    pair = code.emit("i64", f"bitcast <{lanes} x i32> %w to {code.type('i64')}")
    pair = (pair << 32) | shifted(pair, 32)             # in memory the first word is the low half
    if kind == "words64":
        return returned(pair)
    low = pair & ((1 << 53) - 1)
    if kind == "float64":
        return returned(code.emit("double", f"uitofp {low.type} {low.name} to {code.type('double')}") * 2.0 ** -53)
    element = KINDS[kind].element
    below = code.emit("i1", f"icmp ult {low.type} {low.name}, {everywhere(code, '%p', 'i64').name}")
    if element != "i64":
        code.lines.append(f"  %short = trunc i64 %yes to {element}")
    yes = everywhere(code, "%yes" if element == "i64" else "%short", element)
    return returned(code.emit(element, f"select {below.type} {below.name}, {yes.type} {yes.name}, "
                                       f"{yes.type} zeroinitializer"))


def everywhere(code: Code, scalar: str, element: str) -> Value:
    """A scalar in every lane."""
    one = code.emit(element, f"insertelement {code.type(element)} poison, {element} {scalar}, i64 0")
    return code.emit(element, f"shufflevector {one.type} {one.name}, {one.type} poison, "
                              f"<{code.lanes} x i32> zeroinitializer")


def returned(value: Value) -> str:
    """The body of a function that ends with this value."""
    return "\n".join([*value.code.lines, f"  ret {value.type} {value.name}"])
