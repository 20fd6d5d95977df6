"""Threads for kernels: `sof_parallel`, `sof_thread`, `sof_threads`. Room `codegen`; may import core only."""
from __future__ import annotations

from . import llvm

SERIAL = """
define void @sof_parallel(ptr %body, ptr %args, i64 %n, i64 %grain) {
  call void %body(ptr %args, i64 0, i64 %n)
  ret void
}
define i64 @sof_thread() {
  ret i64 0
}
define i64 @sof_threads() {
  ret i64 1
}
"""
SYMBOLS = ("sof_parallel", "sof_thread", "sof_threads")


def _register() -> None:
    """Makes the three functions known to all texts loaded from here on."""
    library = llvm.load(SERIAL)
    for name in SYMBOLS:
        llvm.add_symbol(name, library.address(name))


llvm.provide(SYMBOLS, _register)
