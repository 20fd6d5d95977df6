"""Runs a finished program with next to no Python. Room `codegen`; may import core only; called by backends, compiler.

A program is a table of steps, each the address of a kernel and of its arguments. From one run to the next only the
places of a few arrays and the values of a few scalars change. `launcher(plan)` returns a builtin function, like `len`:
CPython hands such a function its arguments as a plain C array (METH_FASTCALL), and the body, forty lines of LLVM IR
below, reads each array's data pointer straight out of the NumPy object, writes it where kernels look for it, and runs
the steps. That takes 0.1 us, where a call through ctypes takes 0.7 us for each kernel.

How objects lie in memory is asked of Python (`object.__basicsize__`), and tried out once. Should anything be off,
`launcher` returns a slower function that goes through ctypes.
"""
from __future__ import annotations

import ctypes
import functools
import operator
import os
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import llvm

HEADER = object.__basicsize__           # reference count and type; in free-threaded builds more
TYPE = HEADER - 8                       # the type is the header's last field in every build
DATA = HEADER                           # in a numpy.ndarray the data pointer comes right after it
ITEMS = tuple.__basicsize__             # where a tuple's first item lies
TEXT = bytes.__basicsize__ - 1          # where the contents of bytes lie; the one is for the closing zero
METH_FASTCALL = 0x80

Kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


@dataclass(frozen=True)
class Plan:
    """What a launcher does: takes arrays, then floats, then ints; patches cells; runs steps.

    Kernels must not call back into Python: programs wait for one another, and a second one would wait for ever.
    """
    n_arrays: int
    n_floats: int
    n_ints: int
    patches: list[tuple[int, int, int]]     # (argument, address of the cell, bytes to add to an array's data pointer)
    steps: list[tuple[int, int]]            # (address of the kernel, address of its arguments)
    release_gil: bool = False               # lets other Python threads run meanwhile; 0.1 us more
    keep: Any = None                        # owns the memory of cells and buffers; lives as long as the launcher


# One program at a time: scratch buffers and the pool's threads belong to whoever holds this lock.
_lock = ctypes.c_int64(0)
_turns = threading.Lock()       # the same for `_through_ctypes`

BODY = """
declare ptr @PyErr_Format(ptr, ptr, ...)
declare ptr @PyErr_Occurred()
declare double @PyFloat_AsDouble(ptr)
declare i64 @PyLong_AsLongLong(ptr)
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare void @Py_IncRef(ptr)
declare i32 @sof_yield()

@count = private constant {COUNT}
@kind = private constant {KIND}

; self is the tuple (table, keep): table is a bytes object of 8-byte cells, as `_table` writes them
define ptr @launch(ptr %self, ptr %args, i64 %n) {
  %item = getelementptr i8, ptr %self, i64 {ITEMS}
  %bytes = load ptr, ptr %item
  %table = getelementptr i8, ptr %bytes, i64 {TEXT}
{CELLS}
  %right = icmp eq i64 %n, %nargs
  br i1 %right, label %begin, label %miscounted
miscounted:
  call ptr (ptr, ptr, ...) @PyErr_Format(ptr %typeerror, ptr @count, i64 %nargs, i64 %n)
  ret ptr null

begin:                                          ; every argument becomes 8 bytes in %values
  %values = alloca i64, i64 %n
  br label %arrays
arrays:
  %i = phi i64 [ 0, %begin ], [ %i1, %array.ok ]
  %more.a = icmp slt i64 %i, %narrays
  br i1 %more.a, label %array, label %floats
array:
  %a.at = getelementptr ptr, ptr %args, i64 %i
  %a = load ptr, ptr %a.at
  %type.at = getelementptr i8, ptr %a, i64 {TYPE}
  %type = load ptr, ptr %type.at
  %same = icmp eq ptr %type, %ndarray
  br i1 %same, label %array.ok, label %array.not
array.not:
  %ordinal = add i64 %i, 1
  call ptr (ptr, ptr, ...) @PyErr_Format(ptr %typeerror, ptr @kind, i64 %ordinal)
  ret ptr null
array.ok:
  %data.at = getelementptr i8, ptr %a, i64 {DATA}
  %data = load i64, ptr %data.at
  %v.a = getelementptr i64, ptr %values, i64 %i
  store i64 %data, ptr %v.a
  %i1 = add i64 %i, 1
  br label %arrays

floats:
  %j = phi i64 [ %narrays, %arrays ], [ %j1, %float.ok ]
  %more.f = icmp slt i64 %j, %ints.from
  br i1 %more.f, label %float, label %ints
float:
  %f.at = getelementptr ptr, ptr %args, i64 %j
  %f = load ptr, ptr %f.at
  %x = call double @PyFloat_AsDouble(ptr %f)
  %doubtful.f = fcmp oeq double %x, -1.0
  br i1 %doubtful.f, label %float.check, label %float.ok
float.check:                                    ; -1 is also how these functions say that they raised
  %error.f = call ptr @PyErr_Occurred()
  %raised.f = icmp ne ptr %error.f, null
  br i1 %raised.f, label %fail, label %float.ok
float.ok:
  %v.f = getelementptr i64, ptr %values, i64 %j
  store double %x, ptr %v.f
  %j1 = add i64 %j, 1
  br label %floats

ints:
  %k = phi i64 [ %ints.from, %floats ], [ %k1, %int.ok ]
  %more.i = icmp slt i64 %k, %n
  br i1 %more.i, label %int, label %converted
int:
  %l.at = getelementptr ptr, ptr %args, i64 %k
  %l = load ptr, ptr %l.at
  %z = call i64 @PyLong_AsLongLong(ptr %l)
  %doubtful.i = icmp eq i64 %z, -1
  br i1 %doubtful.i, label %int.check, label %int.ok
int.check:
  %error.i = call ptr @PyErr_Occurred()
  %raised.i = icmp ne ptr %error.i, null
  br i1 %raised.i, label %fail, label %int.ok
int.ok:
  %v.i = getelementptr i64, ptr %values, i64 %k
  store i64 %z, ptr %v.i
  %k1 = add i64 %k, 1
  br label %ints
fail:
  ret ptr null

converted:                                      ; from here on no Python code runs
  %releases = icmp ne i64 %release, 0
  br i1 %releases, label %save, label %try
save:
  %thread = call ptr @PyEval_SaveThread()
  br label %try
try:
  %held = phi ptr [ null, %converted ], [ %thread, %save ], [ %held, %wait ]
  %pair = cmpxchg ptr %lock, i64 0, i64 1 acquire monotonic
  %mine = extractvalue { i64, i1 } %pair, 1
  br i1 %mine, label %patches, label %wait
wait:
  call i32 @sof_yield()
  br label %try

patches:
  %p = phi ptr [ %patch.from, %try ], [ %p1, %patch ]
  %more.p = icmp ult ptr %p, %steps.from
  br i1 %more.p, label %patch, label %steps
patch:
  %which = load i64, ptr %p
  %cell.at = getelementptr i64, ptr %p, i64 1
  %cell = load ptr, ptr %cell.at
  %offset.at = getelementptr i64, ptr %p, i64 2
  %offset = load i64, ptr %offset.at
  %value.at = getelementptr i64, ptr %values, i64 %which
  %value = load i64, ptr %value.at
  %moved = add i64 %value, %offset
  store i64 %moved, ptr %cell
  %p1 = getelementptr i64, ptr %p, i64 3
  br label %patches

steps:
  %s = phi ptr [ %steps.from, %patches ], [ %s1, %step ]
  %more.s = icmp ult ptr %s, %end
  br i1 %more.s, label %step, label %done
step:
  %kernel = load ptr, ptr %s
  %cells.at = getelementptr i64, ptr %s, i64 1
  %cells = load ptr, ptr %cells.at
  call void %kernel(ptr %cells)
  %s1 = getelementptr i64, ptr %s, i64 2
  br label %steps

done:                                           ; unlock first: whoever waits may be holding the GIL
  store atomic i64 0, ptr %lock release, align 8
  br i1 %releases, label %restore, label %return
restore:
  call void @PyEval_RestoreThread(ptr %held)
  br label %return
return:
  call void @Py_IncRef(ptr %none)
  ret ptr %none
}
"""
COUNT = "the program takes %zd arguments, but %zd came"
KIND = "argument %zd must be a plain numpy.ndarray"
# The cells at the start of a table: name in BODY, type in LLVM.
CELLS = [("nargs", "i64"), ("narrays", "i64"), ("ints.from", "i64"), ("npatches", "i64"), ("nsteps", "i64"),
         ("release", "i64"), ("ndarray", "ptr"), ("lock", "ptr"), ("none", "ptr"), ("typeerror", "ptr")]


def _string(text: str) -> str:
    return f'[{len(text) + 1} x i8] c"{text}\\00"'


def _body() -> str:
    """BODY with the places of things filled in. The text holds no addresses, so that it stays in the disk cache."""
    loads = [f"  %{name}.at = getelementptr i64, ptr %table, i64 {i}\n  %{name} = load {kind}, ptr %{name}.at"
             for i, (name, kind) in enumerate(CELLS)]
    loads.append(f"""  %patch.from = getelementptr i64, ptr %table, i64 {len(CELLS)}
  %patch.cells = mul i64 %npatches, 3
  %steps.from = getelementptr i64, ptr %patch.from, i64 %patch.cells
  %step.cells = mul i64 %nsteps, 2
  %end = getelementptr i64, ptr %steps.from, i64 %step.cells""")
    values = {"COUNT": _string(COUNT), "KIND": _string(KIND), "ITEMS": ITEMS, "TEXT": TEXT, "TYPE": TYPE, "DATA": DATA,
              "CELLS": "\n".join(loads)}
    text = BODY
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    return text


def _table(plan: Plan) -> bytes:
    """The plan as `launch` reads it: CELLS, then three cells a patch, then two a step."""
    cells = [plan.n_arrays + plan.n_floats + plan.n_ints, plan.n_arrays, plan.n_arrays + plan.n_floats,
             len(plan.patches), len(plan.steps), int(plan.release_gil),
             id(np.ndarray), ctypes.addressof(_lock), id(None), id(TypeError)]
    for entry in (*plan.patches, *plan.steps):
        cells += entry
    return struct.pack(f"{len(cells)}q", *cells)


class MethodDef(ctypes.Structure):
    """CPython's PyMethodDef: what a builtin function is called, where its code is, how it takes arguments."""
    _fields_ = [("name", ctypes.c_char_p), ("code", ctypes.c_void_p), ("flags", ctypes.c_int),
                ("doc", ctypes.c_char_p)]


_definitions: list[MethodDef] = []


def address_of(function: Any) -> int:
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)


def _yield_function() -> Any:
    """The system's function that lets another thread run."""
    if sys.platform == "win32":
        return ctypes.windll.kernel32.SwitchToThread
    return ctypes.CDLL(None).sched_yield


@functools.cache
def _definition() -> MethodDef:
    """The builtin's definition; functions point into it, so it is made once and kept."""
    for name in ("PyErr_Format", "PyErr_Occurred", "PyFloat_AsDouble", "PyLong_AsLongLong", "PyEval_SaveThread",
                 "PyEval_RestoreThread", "Py_IncRef"):
        llvm.add_symbol(name, address_of(getattr(ctypes.pythonapi, name)))
    llvm.add_symbol("sof_yield", address_of(_yield_function()))
    code = llvm.load(_body()).address("launch")
    return definition(b"launch", code, METH_FASTCALL, b"Patches cells and runs the steps of a program.")


def definition(name: bytes, code: int, flags: int, doc: bytes) -> MethodDef:
    """The definition of a builtin. Kept for good: threads may make two of a kind, and functions point into both."""
    made = MethodDef(name, code, flags, doc)
    _definitions.append(made)
    return made


def _native(plan: Plan) -> Callable[..., None]:
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    function: Callable[..., None] = make(ctypes.addressof(_definition()), (_table(plan), plan.keep), None)
    return function


def _through_ctypes(plan: Plan) -> Callable[..., None]:
    """The same in Python: the reference for the builtin, and its stand-in where objects lie differently."""
    total, ints_from = plan.n_arrays + plan.n_floats + plan.n_ints, plan.n_arrays + plan.n_floats
    kernels = [(Kernel(code), cells) for code, cells in plan.steps]

    def value_of(position: int, argument: Any) -> int:
        if position >= ints_from:
            whole = operator.index(argument)
            if not -2 ** 63 <= whole < 2 ** 63:
                raise OverflowError("int too big to convert")
            return whole
        if position >= plan.n_arrays:
            return int.from_bytes(bytes(ctypes.c_double(argument)), sys.byteorder, signed=True)
        if type(argument) is not np.ndarray:
            raise TypeError(f"argument {position + 1} must be a plain numpy.ndarray")
        return int(argument.ctypes.data)

    def launch(*arguments: Any) -> None:
        if len(arguments) != total:
            raise TypeError(f"the program takes {total} arguments, but {len(arguments)} came")
        values = [value_of(i, argument) for i, argument in enumerate(arguments)]
        with _turns:
            for which, cell, offset in plan.patches:
                ctypes.c_int64.from_address(cell).value = values[which] + offset
            for kernel, cells in kernels:
                kernel(cells)

    return launch


@functools.cache
def native() -> bool:
    """Whether objects lie in memory as `launch` expects. Looks at an array from outside first, then runs a program."""
    array = np.arange(4.0)
    there = [int.from_bytes(ctypes.string_at(id(array) + at, 8), sys.byteorder) for at in (TYPE, DATA)]
    if there != [id(np.ndarray), array.ctypes.data] or sys.implementation.name != "cpython":
        return False
    cells = (ctypes.c_int64 * 3)()
    places = [ctypes.addressof(cells) + 8 * i for i in range(3)]
    program = _native(Plan(1, 1, 1, [(0, places[0], 8), (1, places[1], 0), (2, places[2], 0)], []))
    if program(array, 0.5, -7) is not None:
        return False
    return list(cells) == [array.ctypes.data + 8, struct.unpack("q", struct.pack("d", 0.5))[0], -7]


def launcher(plan: Plan) -> Callable[..., None]:
    """A function of (*arrays, *floats, *ints) that runs `plan` and returns None.

    Raises (when called): TypeError for a wrong number of arguments, or for an array that is not exactly a
    numpy.ndarray; what `float(x)` and `operator.index(x)` raise for scalars.
    """
    return _native(plan) if native() else _through_ctypes(plan)


def run_once(kernel: int, args: int) -> None:
    """Runs one kernel, without the GIL and without the lock that programs hold: for tests and for setting up."""
    Kernel(kernel)(args)


def _after_fork() -> None:
    _lock.value = 0         # the thread that held it stayed behind in the parent


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
