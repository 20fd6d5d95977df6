"""A pencil for LLVM IR: writes a function line by line, so that the generator reads like the loops it writes.

Room `codegen`; used by the matrix product (`gemm*.py`); imports nothing. Every `let` names a fresh value and returns
the name; loops and branches are `with` blocks; a value that changes is a `Variable`, a cell on the stack that LLVM
turns back into a register. Integers are i64 throughout, offsets are in bytes.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Function:
    """One function in the making: `text()` is its definition."""

    def __init__(self, name: str, parameters: str, *, public: bool = False, inline: str = "") -> None:
        linkage = "" if public else "internal "
        self.header = f"define {linkage}void @{name}({parameters}) {inline} #0"
        self.allocas: list[str] = []
        self.lines: list[str] = []
        self.count = 0

    def text(self) -> str:
        """The whole definition."""
        body = [*self.allocas, "  br label %start", "start:", *self.lines, "  ret void"]
        return "\n".join([self.header + " {", *body, "}", ""])

    def fresh(self, hint: str = "v") -> str:
        """A name not used before."""
        self.count += 1
        return f"%{hint}.{self.count}"

    def do(self, line: str) -> None:
        """One instruction without a result."""
        self.lines.append("  " + line)

    def let(self, expression: str, hint: str = "v") -> str:
        """One instruction; returns the name of its result."""
        name = self.fresh(hint)
        self.lines.append(f"  {name} = {expression}")
        return name

    def aligned(self, size: int) -> str:
        """The address of `size` bytes on the stack, at a whole cache line."""
        name = self.fresh("room")
        self.allocas.append(f"  {name} = alloca [{size} x i8], align 64")
        return name

    # -- integers ------------------------------------------------------------------------------------
    def add(self, a: str | int, b: str | int) -> str:
        return self.let(f"add nsw i64 {a}, {b}")

    def sub(self, a: str | int, b: str | int) -> str:
        return self.let(f"sub nsw i64 {a}, {b}")

    def mul(self, a: str | int, b: str | int) -> str:
        return self.let(f"mul nsw i64 {a}, {b}")

    def div(self, a: str | int, b: str | int) -> str:
        return self.let(f"sdiv i64 {a}, {b}")

    def shift(self, a: str, by: int) -> str:
        """a // by, for a power of two and a >= 0."""
        return self.let(f"lshr i64 {a}, {by.bit_length() - 1}")

    def bits(self, a: str, mask: int) -> str:
        return self.let(f"and i64 {a}, {mask}")

    def minimum(self, a: str | int, b: str | int) -> str:
        return self.let(f"call i64 @llvm.smin.i64(i64 {a}, i64 {b})")

    def maximum(self, a: str | int, b: str | int) -> str:
        return self.let(f"call i64 @llvm.smax.i64(i64 {a}, i64 {b})")

    def compare(self, how: str, a: str | int, b: str | int) -> str:
        """`how` is LLVM's: eq, ne, slt, sle, sgt, sge."""
        return self.let(f"icmp {how} i64 {a}, {b}")

    def negate(self, condition: str) -> str:
        return self.let(f"xor i1 {condition}, true")

    def select(self, condition: str, kind: str, a: str | int, b: str | int) -> str:
        return self.let(f"select i1 {condition}, {kind} {a}, {kind} {b}")

    # -- memory --------------------------------------------------------------------------------------
    def at(self, pointer: str, offset: str | int) -> str:
        """The address `offset` bytes after `pointer`."""
        return self.let(f"getelementptr i8, ptr {pointer}, i64 {offset}", "p")

    def hide(self, pointer: str) -> str:
        """The same address, but LLVM forgets how it was computed: it then keeps it, instead of computing it again."""
        return self.let(f"call ptr @llvm.launder.invariant.group.p0(ptr {pointer})")

    def load(self, kind: str, pointer: str, align: int | None = None) -> str:
        return self.let(f"load {kind}, ptr {pointer}" + (f", align {align}" if align else ""))

    def store(self, kind: str, value: str, pointer: str, align: int | None = None) -> None:
        self.do(f"store {kind} {value}, ptr {pointer}" + (f", align {align}" if align else ""))

    def variable(self, kind: str, value: str | int | None = None) -> Variable:
        """A value that may change."""
        name = self.fresh("cell")
        self.allocas.append(f"  {name} = alloca {kind}")
        made = Variable(self, kind, name)
        if value is not None:
            made.set(value)
        return made

    # -- control -------------------------------------------------------------------------------------
    def label(self, name: str) -> None:
        self.lines.append(f"{name[1:]}:")

    @contextmanager
    def loop(self, start: str | int, stop: str | int, step: str | int = 1) -> Iterator[str]:
        """`for i in range(start, stop, step)`, step > 0."""
        i = self.variable("i64", start)
        head, body, end = self.fresh("for"), self.fresh("do"), self.fresh("done")
        self.do(f"br label {head}")
        self.label(head)
        now = i.get()
        self.do(f"br i1 {self.compare('slt', now, stop)}, label {body}, label {end}")
        self.label(body)
        yield now
        i.set(self.add(now, step))
        self.do(f"br label {head}")
        self.label(end)

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """`if condition:`"""
        then, end = self.fresh("then"), self.fresh("endif")
        self.do(f"br i1 {condition}, label {then}, label {end}")
        self.label(then)
        yield
        self.do(f"br label {end}")
        self.label(end)

    @contextmanager
    def otherwise(self, condition: str) -> Iterator[None]:
        """`if not condition:`"""
        with self.when(self.negate(condition)):
            yield


class Variable:
    """A stack cell: `get` loads it, `set` stores to it."""

    def __init__(self, function: Function, kind: str, name: str) -> None:
        self.function, self.kind, self.name = function, kind, name

    def get(self) -> str:
        return self.function.load(self.kind, self.name)

    def set(self, value: str | int) -> None:
        self.function.store(self.kind, str(value), self.name)
