"""A program ready to run: one combination of shapes, dtypes and settings of a compiled function.

A whole step is one program. A forward that is to be run backward later is two, see `joint.py`. Made by `execute.py`.
"""
from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from .build import Executable
from .capture import Capture
from .decompose import decompose
from .fold import fold
from .joint import halves
from .program import Buffer, Program, verify
from .simplify import simplify
from .writer import Writer, complain, part_of

serial = itertools.count()              # no two functions under one name


class Variant:
    """A program, ready to run, and the function that runs it if its guards hold."""

    def __init__(self, made: Capture, given: list[Tensor]) -> None:
        self.capture = made
        program = made.program
        self.backward: Backward | None = None
        if made.joint is not None:
            program, back, handed = halves(program, made.joint)
            self.backward = Backward(back, made, handed)
        prepare(program)
        self.inputs = [b for b in made.inputs if b is not None and b in program.buffers]
        results: dict[Buffer, None] = {ref.buffer: None for ref in program.results if ref.buffer.kind == "result"}
        self.results = list(results)
        self.executable = Executable(program, self.inputs, self.results)
        self.text, self.names = Writer(self, given).write()
        filename = f"<compiled step {next(serial)}>"
        linecache.cache[filename] = (len(self.text), None, self.text.splitlines(True), filename)
        exec(compile(self.text, filename, "exec"), self.names)
        self.run: Callable[..., Any] = self.names["run"]
        self.sample = [t._array for t in given]

    def executables(self) -> list[Executable]:
        """The program, or a forward's and its backward's."""
        return [self.executable, *([self.backward.executable] if self.backward else [])]

    def halves(self) -> list[Program]:
        return [executable.program for executable in self.executables()]

    def sample_arrays(self, executable: Executable) -> list[np.ndarray]:
        """Arrays to try a program on: the arguments of the captured call, and ones or empty memory for the rest."""
        known = dict(zip(self.capture.inputs, self.sample))
        return [known[b] if b in known else np.ones(max(b.nbytes, 1), np.uint8)
                for b in (*executable.inputs, *executable.results)]


def prepare(program: Program) -> None:
    """The passes before a program is built."""
    decompose(program)
    fold(program)
    simplify(program)
    verify(program)


class Backward:
    """The compiled backward of a forward: what it wants of it, and how it is run."""

    def __init__(self, program: Program, made: Capture, handed: list[tuple[Buffer, Buffer]]) -> None:
        assert made.joint is not None
        self.joint = made.joint
        results = list(dict.fromkeys(ref.buffer for ref in program.results if ref.buffer.kind == "result"))
        prepare(program)
        used = set(program.buffers)
        self.arguments = [b for b in made.inputs if b is not None and b in used]
        self.saved = [(outer, inner) for outer, inner in handed if inner in used]
        self.gradients = list(made.joint.gradients)
        inputs = [*self.arguments, *[inner for _, inner in self.saved], *[ref.buffer for ref in self.gradients]]
        self.results = results
        self.executable = Executable(program, inputs, results)

    def run(self, grads: list[Any], kept: tuple[Any, ...]) -> list[Any]:
        """The gradients for the leaves, from those of the outputs and what the forward kept."""
        given = [laid_out(g, ref) for g, ref in zip(grads, self.gradients)]
        arrays = [*kept, *given, *[np.empty(b.nbytes, np.uint8) for b in self.results]]
        run_parts(self.executable, arrays)
        order = [*self.executable.inputs, *self.results]
        found: list[Any] = []
        for ref in self.joint.found:
            if ref is None:
                found.append(None)
            elif ref.buffer in order:
                found.append(part_of(ref, arrays[order.index(ref.buffer)]).copy(order="K") if
                             ref.buffer not in self.results else part_of(ref, arrays[order.index(ref.buffer)]))
            else:
                found.append(np.copy(self.executable.view(ref, arrays)))
        return found


def laid_out(grad: Any, ref: Any) -> np.ndarray:
    """A gradient in the layout the program was made for; zeros where none came."""
    if grad is None:
        return np.zeros(ref.shape, ref.dtype)
    if grad.__class__ is np.ndarray and grad.strides == ref.strides and grad.dtype == ref.dtype:
        return grad
    return np.ascontiguousarray(grad, ref.dtype).reshape(ref.shape)


def run_parts(executable: Executable, arrays: list[np.ndarray]) -> None:
    """One run of a program, step by step."""
    numbers = [symbol.read() for symbol in executable.program.symbols]
    with executable.lock:
        for part in executable.parts:
            if callable(part):
                part(*arrays, *numbers)
            elif part.name == "raise_if":
                if executable.view(part.operands[0], arrays)[()]:
                    complain(executable, part, arrays)
            else:
                executable.interpret(part, arrays)
