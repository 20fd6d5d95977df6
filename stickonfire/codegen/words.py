"""Asks in one call whether many words of memory still hold what they held. Room `codegen`; may import core only.

A compiled step must know, each time, that no tensor has been given another array, no table another entry. In Python
each such question takes some 15 ns, and there are dozens. But what a slot of an object refers to is a word in memory,
and so is the number of entries of a dict: `watch(words)` returns a builtin function that compares 80 of them in 60 ns.
Where CPython's objects lie differently from what is expected (that is tried out), there is no such function.
"""
from __future__ import annotations

import ctypes
import functools
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any

from . import launch, llvm

METH_NOARGS = 0x4
USED = launch.HEADER            # where a dict keeps the number of its entries
KIND = launch.TYPE              # where an object keeps its class

# self is the tuple (table, keep): table is a bytes object, a count and then pairs of an address and what it holds
TEXT = """
declare void @Py_IncRef(ptr)

define ptr @unchanged(ptr %self, ptr %none) {
  %item = getelementptr i8, ptr %self, i64 {ITEMS}
  %bytes = load ptr, ptr %item
  %table = getelementptr i8, ptr %bytes, i64 {TEXT}
  %true = load ptr, ptr %table
  %false.at = getelementptr i64, ptr %table, i64 1
  %false = load ptr, ptr %false.at
  %count.at = getelementptr i64, ptr %table, i64 2
  %count = load i64, ptr %count.at
  br label %loop
loop:
  %i = phi i64 [ 0, %0 ], [ %i1, %next ]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %word, label %end
word:
  %cell = shl i64 %i, 1
  %at = add i64 %cell, 3
  %address.at = getelementptr i64, ptr %table, i64 %at
  %address = load ptr, ptr %address.at
  %held.at = getelementptr i64, ptr %address.at, i64 1
  %held = load i64, ptr %held.at
  %now = load i64, ptr %address
  %same = icmp eq i64 %now, %held
  br i1 %same, label %next, label %end
next:
  %i1 = add i64 %i, 1
  br label %loop
end:
  %answer = phi ptr [ %true, %loop ], [ %false, %word ]
  call void @Py_IncRef(ptr %answer)
  ret ptr %answer
}
"""


@functools.cache
def _definition() -> launch.MethodDef:
    llvm.add_symbol("Py_IncRef", launch.address_of(ctypes.pythonapi.Py_IncRef))
    text = TEXT.replace("{ITEMS}", str(launch.ITEMS)).replace("{TEXT}", str(launch.TEXT))
    return launch.definition(b"unchanged", llvm.load(text).address("unchanged"), METH_NOARGS,
                             b"Whether the words that are watched hold what they held.")


def watch(words: Sequence[tuple[int, int]], keep: Any) -> Callable[[], bool]:
    """A function that says whether at each address there is still that number.

    words: (address, what is there). keep: whatever owns this memory; it lives as long as the function.
    """
    table = struct.pack(f"{2 * len(words) + 3}q", id(True), id(False), len(words), *[n for pair in words for n in pair])
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    function: Callable[[], bool] = make(ctypes.addressof(_definition()), (table, keep), None)
    return function


@functools.cache
def slots(kind: type) -> dict[str, int]:
    """Where objects of a class keep what its `__slots__` refer to: offsets from the object's address, by name.

    Empty where that cannot be found out.
    """
    if not launch.native():
        return {}
    found = {}
    for name in kind.__dict__.get("__slots__", ()):
        if name.startswith("__"):           # __dict__ and __weakref__ are no slots; private names are not looked for
            continue
        thing: Any = object.__new__(kind)
        mark = object()
        setattr(thing, name, mark)
        places = [at for at in range(0, kind.__basicsize__, 8) if _word(id(thing) + at) == id(mark)]
        if len(places) != 1:
            return {}
        found[name] = places[0]
    return found


@functools.cache
def counts() -> bool:
    """Whether an object's class, and a dict's number of entries, are where they are expected."""
    return launch.native() and all(
        _word(id(table) + USED) == len(table) and _word(id(table) + KIND) == id(dict)
        for table in ({}, {"a": 1}, {i: i for i in range(77)}, dict.fromkeys("abc")))


def _word(address: int) -> int:
    return int.from_bytes(ctypes.string_at(address, 8), sys.byteorder)
