"""What kernels are written with: constants, arithmetic, conversions, loads and stores as LLVM IR text.

`Values` is the pencil: it writes lines and gives results names. A value is a scalar or a vector of `lanes` elements.
`emit.py` writes whole kernels with it. Types are the short names of `rows.py` (f32, i64, bool ...).
"""
from __future__ import annotations

import itertools
import math
import struct
from typing import Any

from . import vecmath
from .rows import FLOATS, SIZES

TYPES = {"f32": "float", "f64": "double", "i64": "i64", "i32": "i32", "i16": "i16", "i8": "i8", "u8": "i8",
         "bool": "i1"}
STORED = {**TYPES, "bool": "i8"}
SUFFIX = {"f32": "f32", "f64": "f64", "i64": "i64", "i32": "i32", "i16": "i16", "i8": "i8", "u8": "i8", "bool": "i1"}
ARITHMETIC = {"add": ("fadd contract", "add"), "subtract": ("fsub contract", "sub"),
              "multiply": ("fmul contract", "mul"), "divide": ("fdiv contract", ""), "and": ("", "and"),
              "or": ("", "or"), "xor": ("", "xor")}
COMPARE = {"less": ("olt", "slt"), "less_equal": ("ole", "sle"), "greater": ("ogt", "sgt"),
           "greater_equal": ("oge", "sge"), "equal": ("oeq", "eq"), "not_equal": ("une", "ne")}
INTRINSICS = {"sqrt": "sqrt", "absolute": "fabs", "floor": "floor", "ceil": "ceil", "rint": "rint", "trunc": "trunc",
              "maximum": "maximum", "minimum": "minimum", "fmax": "maxnum", "fmin": "minnum", "copysign": "copysign"}
INT_INTRINSICS = {"maximum": "smax", "minimum": "smin"}
FUNCTIONS = frozenset(("exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "tanh", "sinh",
                       "cosh", "sigmoid", "erf", "erfc", "power", "arctan", "arcsin", "arccos"))
FULL = {"f32": "float", "f64": "double"}
VECMATH = {"power": "pow", "arctan": "atan", "arcsin": "asin", "arccos": "acos"}
KNOWN = (set(ARITHMETIC) | set(COMPARE) | set(INTRINSICS) | FUNCTIONS
         | {"negative", "where", "not", "isnan", "cast", "sign", "square", "reciprocal"})


def number(value: Any, dtype: str) -> str:
    """A constant as LLVM writes it."""
    if dtype == "bool":
        return "true" if value else "false"
    if dtype not in FLOATS:
        return str(int(value))
    value = float(value)
    if dtype == "f32" and math.isfinite(value):
        value = clamp(value)
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def clamp(value: float) -> float:
    """A number rounded to float32; infinite beyond its range."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


IDENTITY = {"sum": 0, "prod": 1, "any": 0, "all": 1}
COMBINE = {"sum": "add", "prod": "multiply", "max": "maximum", "min": "minimum", "any": "or", "all": "and"}


def identity(kind: str, dtype: str) -> str:
    """What a reduction starts from."""
    if kind in ("max", "min"):
        if dtype in ("bool", "u8"):
            return number((kind == "min") * (1 if dtype == "bool" else 255), dtype)
        if dtype in FLOATS:
            return number(-math.inf if kind == "max" else math.inf, dtype)
        bits = 8 * SIZES[dtype]
        return str(-2 ** (bits - 1) if kind == "max" else 2 ** (bits - 1) - 1)
    if kind == "sum" and dtype in FLOATS:
        return number(-0.0, dtype)
    return number(IDENTITY[kind], dtype)


class Values:
    """Writes lines, keeps the names that are used, and knows each operation on one dtype."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.lines: list[str] = []
        self.fresh = itertools.count().__next__
        self.used: dict[str, str] = {}                  # declarations and helper functions, by symbol
        self.values: dict[int, tuple[str, str, bool]] = {}      # value -> (name, dtype, whether a vector)

    # -- small things ------------------------------------------------------------------------------------------

    def put(self, line: str) -> None:
        self.lines.append("  " + line)

    def new(self, right: str) -> str:
        """A new name for the result of an instruction."""
        name = f"%x{self.fresh()}"
        self.put(f"{name} = {right}")
        return name

    def type(self, dtype: str, vector: bool, stored: bool = False) -> str:
        scalar = (STORED if stored else TYPES)[dtype]
        return f"<{self.lanes} x {scalar}>" if vector else scalar

    def suffix(self, dtype: str, vector: bool) -> str:
        return (f"v{self.lanes}" if vector else "") + SUFFIX[dtype]

    def declare(self, symbol: str, result: str, *parameters: str) -> None:
        self.used[symbol] = f"declare {result} @{symbol}({', '.join(parameters)})"

    def splat(self, value: str, dtype: str) -> str:
        """A scalar in all lanes."""
        of = self.type(dtype, True)
        if not value.startswith("%"):
            return f"splat ({TYPES[dtype]} {value})"
        one = self.new(f"insertelement {of} poison, {TYPES[dtype]} {value}, i64 0")
        return self.new(f"shufflevector {of} {one}, {of} poison, <{self.lanes} x i32> zeroinitializer")

    def value(self, number_: int, vector: bool) -> str:
        """A value as a scalar or, spread if need be, as a vector."""
        name, dtype, is_vector = self.values[number_]
        return self.splat(name, dtype) if vector and not is_vector else name

    def iota(self) -> str:
        return "<" + ", ".join(f"i64 {i}" for i in range(self.lanes)) + ">"

    def across(self, kind: str, vector: str, dtype: str) -> str:
        """All lanes of a vector brought to one number."""
        of, scalar, suffix = self.type(dtype, True), TYPES[dtype], self.suffix(dtype, True)
        if dtype in FLOATS:
            name = {"sum": "fadd", "prod": "fmul", "max": "fmaximum", "min": "fminimum"}[kind]
            start = f"{scalar} {identity(kind, dtype)}, " if kind in ("sum", "prod") else ""
            symbol = f"llvm.vector.reduce.{name}.{suffix}"
            self.declare(symbol, scalar, *([scalar] if start else []), of)
            return self.new(f"call reassoc {scalar} @{symbol}({start}{of} {vector})")
        name = {"sum": "add", "prod": "mul", "max": "smax", "min": "smin", "any": "or", "all": "and"}[kind]
        if dtype == "bool" and kind in ("max", "min"):
            name = "or" if kind == "max" else "and"
        elif dtype == "u8":
            name = name.replace("sm", "um")
        symbol = f"llvm.vector.reduce.{name}.{suffix}"
        self.declare(symbol, scalar, of)
        return self.new(f"call {scalar} @{symbol}({of} {vector})")

    # -- memory ------------------------------------------------------------------------------------------------

    def load(self, at: str, dtype: str, vector: bool, mask: str | None) -> str:
        """Side by side, or one."""
        of = self.type(dtype, vector, stored=True)
        if mask is None:
            value = self.new(f"load {of}, ptr {at}, align {SIZES[dtype]}")
        else:
            symbol = f"llvm.masked.load.v{self.lanes}{SUFFIX['i8' if dtype == 'bool' else dtype]}.p0"
            self.declare(symbol, of, "ptr", f"<{self.lanes} x i1>", of)
            value = self.new(f"call {of} @{symbol}(ptr align {SIZES[dtype]} {at}, <{self.lanes} x i1> {mask}, "
                             f"{of} zeroinitializer)")
        return self.new(f"trunc {of} {value} to {self.type('bool', vector)}") if dtype == "bool" else value

    def store(self, at: str, value: str, dtype: str, vector: bool, mask: str | None) -> None:
        of = self.type(dtype, vector, stored=True)
        if dtype == "bool":
            value = self.new(f"zext {self.type('bool', vector)} {value} to {of}")
        if mask is None:
            self.put(f"store {of} {value}, ptr {at}, align {SIZES[dtype]}")
        else:
            symbol = f"llvm.masked.store.v{self.lanes}{SUFFIX['i8' if dtype == 'bool' else dtype]}.p0"
            self.declare(symbol, "void", of, "ptr", f"<{self.lanes} x i1>")
            self.put(f"call void @{symbol}({of} {value}, ptr align {SIZES[dtype]} {at}, <{self.lanes} x i1> {mask})")

    def lane_pointers(self, base: str, stride: int, c: str) -> str:
        """A pointer for each lane."""
        spread = self.splat(c, "i64")
        index = self.new(f"add <{self.lanes} x i64> {spread}, {self.iota()}")
        offset = self.new(f"mul <{self.lanes} x i64> {index}, splat (i64 {stride})")
        return self.new(f"getelementptr i8, ptr {base}, <{self.lanes} x i64> {offset}")

    def gather(self, pointers: str, dtype: str, mask: str | None) -> str:
        """An element from each of the pointers."""
        of = self.type(dtype, True, stored=True)
        mask = mask or "splat (i1 true)"
        symbol = f"llvm.masked.gather.v{self.lanes}{SUFFIX['i8' if dtype == 'bool' else dtype]}.v{self.lanes}p0"
        self.declare(symbol, of, f"<{self.lanes} x ptr>", f"<{self.lanes} x i1>", of)
        value = self.new(f"call {of} @{symbol}(<{self.lanes} x ptr> align {SIZES[dtype]} {pointers}, "
                         f"<{self.lanes} x i1> {mask}, {of} zeroinitializer)")
        return self.new(f"trunc {of} {value} to {self.type('bool', True)}") if dtype == "bool" else value

    def load_lanes(self, base: str, stride: int, dtype: str, c: str, mask: str | None) -> str:
        """A vector of elements `stride` bytes apart."""
        if stride == 0:
            return self.splat(self.load(base, dtype, False, None), dtype)
        if stride == SIZES[dtype]:
            offset = self.new(f"mul i64 {c}, {stride}")
            return self.load(self.new(f"getelementptr i8, ptr {base}, i64 {offset}"), dtype, True, mask)
        return self.gather(self.lane_pointers(base, stride, c), dtype, mask)

    def store_lanes(self, base: str, stride: int, dtype: str, value: str, c: str, mask: str | None) -> None:
        if stride == SIZES[dtype]:
            offset = self.new(f"mul i64 {c}, {stride}")
            self.store(self.new(f"getelementptr i8, ptr {base}, i64 {offset}"), value, dtype, True, mask)
            return
        of = self.type(dtype, True, stored=True)
        if dtype == "bool":
            value = self.new(f"zext {self.type('bool', True)} {value} to {of}")
        symbol = f"llvm.masked.scatter.v{self.lanes}{SUFFIX['i8' if dtype == 'bool' else dtype]}.v{self.lanes}p0"
        self.declare(symbol, "void", of, f"<{self.lanes} x ptr>", f"<{self.lanes} x i1>")
        pointers = self.lane_pointers(base, stride, c)
        self.put(f"call void @{symbol}({of} {value}, <{self.lanes} x ptr> align {SIZES[dtype]} {pointers}, "
                 f"<{self.lanes} x i1> {mask or 'splat (i1 true)'})")

    # -- arithmetic --------------------------------------------------------------------------------------------

    def operation(self, name: str, operands: list[str], dtype: str, vector: bool) -> str:
        """The result of arithmetic, a comparison or a function on operands of one dtype."""
        of = self.type(dtype, vector)
        is_float = dtype in FLOATS
        if name in ARITHMETIC:
            word = ARITHMETIC[name][0 if is_float else 1]
            if dtype == "bool":
                word = {"add": "or", "multiply": "and", "maximum": "or"}.get(name, word)
            return self.new(f"{word} {of} {operands[0]}, {operands[1]}")
        if name in COMPARE:
            word = f"fcmp {COMPARE[name][0]}" if is_float else f"icmp {self.ordering(name, dtype)}"
            return self.new(f"{word} {of} {operands[0]}, {operands[1]}")
        if name == "square":
            return self.operation("multiply", operands * 2, dtype, vector)
        if name == "reciprocal":
            one = number(1, dtype)
            return self.operation("divide", [self.splat(one, dtype) if vector else one, *operands], dtype, vector)
        if name == "negative":
            zero = "zeroinitializer" if vector else "0"
            return self.new(f"fneg {of} {operands[0]}" if is_float else f"sub {of} {zero}, {operands[0]}")
        if name == "not":
            true = "splat (i1 true)" if vector else "true"
            return self.new(f"xor {of} {operands[0]}, {true}")
        if name == "isnan":
            return self.new(f"fcmp uno {of} {operands[0]}, {operands[0]}")
        if name == "sign":
            return self.sign(operands[0], dtype, vector)
        if name in INTRINSICS:
            return self.intrinsic(name, operands, dtype, vector)
        return self.function(name, operands, dtype, vector)

    def ordering(self, name: str, dtype: str) -> str:
        word = COMPARE[name][1]
        return "u" + word[1:] if dtype in ("u8", "bool") and word[0] == "s" else word

    def sign(self, x: str, dtype: str, vector: bool) -> str:
        """-1, 0 or 1; NaN gives 0, as in PyTorch."""
        of = self.type(dtype, vector)
        zero, one, minus = (self.splat(number(n, dtype), dtype) if vector else number(n, dtype) for n in (0, 1, -1))
        above = self.operation("greater", [x, zero], dtype, vector)
        below = self.operation("less", [x, zero], dtype, vector)
        truth = self.type("bool", vector)
        down = self.new(f"select {truth} {below}, {of} {minus}, {of} {zero}")
        return self.new(f"select {truth} {above}, {of} {one}, {of} {down}")

    def intrinsic(self, name: str, operands: list[str], dtype: str, vector: bool) -> str:
        of = self.type(dtype, vector)
        if dtype in FLOATS:
            word = INTRINSICS[name]
        elif name == "absolute":
            symbol = f"llvm.abs.{self.suffix(dtype, vector)}"
            self.declare(symbol, of, of, "i1")
            return self.new(f"call {of} @{symbol}({of} {operands[0]}, i1 false)")
        elif dtype == "bool":
            return self.new(f"{'or' if name == 'maximum' else 'and'} {of} {', '.join(operands)}")
        else:
            word = INT_INTRINSICS[name]
            word = "u" + word[1:] if dtype == "u8" else word
        symbol = f"llvm.{word}.{self.suffix(dtype, vector)}"
        self.declare(symbol, of, *[of] * len(operands))
        return self.new(f"call {of} @{symbol}({', '.join(f'{of} {x}' for x in operands)})")

    def function(self, name: str, operands: list[str], dtype: str, vector: bool) -> str:
        """One of the polynomials of `vecmath.py`."""
        of = self.type(dtype, vector)
        symbol, text = vecmath.function(VECMATH.get(name, name), FULL[dtype], self.lanes if vector else 1)
        self.used[symbol] = text
        symbol = symbol if symbol.startswith("@") else "@" + symbol
        return self.new(f"call {of} {symbol}({', '.join(f'{of} {x}' for x in operands)})")

    def converted(self, value: str, source: str, target: str, vector: bool) -> str:
        """A value in another dtype."""
        if source == target:
            return value
        a, b = self.type(source, vector), self.type(target, vector)
        if vector and not value.startswith(("%", "splat")):
            value = self.splat(value, source)
        if target == "bool":
            zero = self.splat(number(0, source), source) if vector else number(0, source)
            return self.new(f"{'fcmp une' if source in FLOATS else 'icmp ne'} {a} {value}, {zero}")
        if source in FLOATS and target in FLOATS:
            return self.new(f"{'fptrunc' if target == 'f32' else 'fpext'} {a} {value} to {b}")
        if source in FLOATS and SIZES[target] < 4:          # by way of 32 bits: what is too large wraps round
            return self.converted(self.new(f"fptosi {a} {value} to {self.type('i32', vector)}"), "i32", target, vector)
        if source in FLOATS:
            return self.new(f"fptosi {a} {value} to {b}")
        if STORED[source] == STORED[target] and source != "bool":
            return value                                    # signed or not, the same bits
        unsigned = source in ("bool", "u8")
        if target in FLOATS:
            return self.new(f"{'uitofp' if unsigned else 'sitofp'} {a} {value} to {b}")
        wider = SIZES[target] > SIZES[source] or source == "bool"
        return self.new(f"{('zext' if unsigned else 'sext') if wider else 'trunc'} {a} {value} to {b}")
