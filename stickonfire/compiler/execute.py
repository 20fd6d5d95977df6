"""What a user holds: a compiled function, its variants, and the Python that stands before each run.

For each variant a function is written (`source()` shows it) that checks the guards, hands the arrays to the native code and
puts tensors over what comes out. A failed guard means another variant, a new capture, or the function itself.
"""
from __future__ import annotations

import functools
import itertools
import linecache
import threading
import warnings
from collections.abc import Callable
from sys import getrefcount
from typing import Any

import numpy as np

from ..codegen import llvm
from ..core import state
from ..core.state import SPECIAL_LEVEL, modes
from ..eager.tensor import Tensor, new
from ..eager.tensor import version_cell
from ..eager.views import current_edge
from ..tape.node import Output as TapeOutput
from ..tape.node import next_number
from .build import Executable, Unfit
from .capture import Capture, Output, capture, outputs_in, tensors_in
from .decompose import decompose
from .explain import source, table
from .fold import fold
from .joint import CompiledNode, halves
from .memory import as_array
from .program import Buffer, Program, verify
from .recorder import root_of
from .simplify import simplify
from .surroundings import surroundings

MISS = object()
LIMIT = 8               # variants of a function; beyond that it runs as it is
ATTEMPTS = 3            # captures that may fail before a function is left as it is
serial = itertools.count()


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
        self.gradients = [ref for ref in made.joint.gradients]
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
    if grad.strides == ref.strides and grad.dtype == ref.dtype:
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


class Writer:
    """Writes a variant's function."""

    def __init__(self, variant: Variant, given: list[Tensor]) -> None:
        self.variant, self.made, self.given = variant, variant.capture, given
        self.names: dict[str, Any] = {"MISS": MISS, "ndarray": np.ndarray, "empty": np.empty, "Tensor": Tensor, "new": new,
                                      "getrefcount": getrefcount, "state": state, "overlaps": overlaps}
        self.lines: list[str] = []
        self.edges: dict[int, str] = {}                     # id of an edge -> the expression for the one of this run

    def name(self, stem: str, value: Any) -> str:
        """A name in the function's globals."""
        name = f"{stem}{len(self.names)}"
        self.names[name] = value
        return name

    def write(self) -> tuple[str, dict[str, Any]]:
        """The text and its globals."""
        parameters = ", ".join(f"t{i}" for i in range(len(self.given)))
        self.lines = [f"def run({parameters}):"]
        self.guards()
        self.allocate()
        self.calls()
        self.finish()
        return "\n".join(self.lines) + "\n", self.names

    def put(self, *lines: str) -> None:
        self.lines += ["    " + line for line in lines]

    def guards(self) -> None:
        """Everything the program takes for granted."""
        for i, t in enumerate(self.given):
            a = t._array
            if self.made.inputs[i] is None:
                other = next((f"{self.name('T', u)}" for u, _ in self.made.tensors if u is t), None)
                if other is not None:                       # a parameter that is also an argument: the very same one
                    self.put(f"if t{i} is not {other}: return MISS")
                    continue
            self.put(f"a{i} = t{i}._array",
                     f"if a{i}.__class__ is not ndarray or a{i}.dtype is not {self.name('D', a.dtype)} or "
                     f"a{i}.shape != {a.shape} or a{i}.strides != {a.strides} or "
                     f"(t{i}._edge is None) is not {t._edge is None}: return MISS",
                     f"if a{i}.base is not None and overlaps(a{i}, ROOTS): return MISS")
        written = {id(b.memory) for b in self.made.touched if b.kind == "external"}
        self.names["ROOTS"] = {id(root_of(a)) for _, a in self.made.tensors} & written
        if any(b in self.made.touched for b in self.made.inputs):
            self.put(f"if {self.name('alias', any_alias)}([{', '.join(f'a{i}' for i in range(len(self.given)))}]): "
                     "return MISS")
        tests = []
        for t, array in self.made.tensors:
            name = self.name("T", t)
            tests.append(f"{name}._array is not {self.name('A', array)} or {name}._edge is not {self.name('E', t._edge)}")
        for i, had in self.made.began.items():
            tests.append(f"({self.name('L', self.made.leaves[i])}.grad is None) is {had}")
        for kind, what, which, value in self.made.guards:
            held = self.name("G", what)
            held = f"{held}[{which!r}]" if kind == "item" else f"{held}.{which}"
            constant = repr(value) if value.__class__ in (bool, int, str, type(None)) else self.name("V", value)
            tests.append(f"{held} {'is not' if value is None or value.__class__ is bool else '!='} {constant}")
        for test in tests:
            self.put(f"if {test}: return MISS")

    def allocate(self) -> None:
        """Memory for what is handed out. A gradient that nobody else has kept is written again where it is."""
        self.places: dict[Buffer, str] = {}
        self.kinds: dict[Buffer, Any] = {}
        gradients = {o.ref.buffer: i for i, o in self.made.gradients.items() if o is not None and o.ref is not None}
        for n, buffer in enumerate(self.variant.results):
            refs = [ref for ref in self.variant.executable.program.results if ref.buffer is buffer]
            ref = next((ref for ref in refs if is_whole(ref)), refs[0])
            self.places[buffer] = f"r{n}"
            self.kinds[buffer] = ref
            if is_whole(ref):
                make = f"empty({ref.shape}, {self.name('D', ref.dtype)})"
            else:
                make = f"empty({max(buffer.nbytes, 1)}, {self.name('D', np.dtype(np.uint8))})"
            if buffer in gradients and len(refs) == 1 and is_whole(ref):
                spare = self.name("S", [None])
                self.put(f"g{n} = {spare}[0]",
                         f"if g{n} is not None and getrefcount(g{n}) <= 3 + "
                         f"({self.name('L', self.made.leaves[gradients[buffer]])}.grad is g{n}) and "
                         f"getrefcount(g{n}._array) == 2 and g{n}._alias is None and g{n}._edge is None:",
                         f"    r{n} = g{n}._array",
                         "else:",
                         f"    r{n} = {make}",
                         f"    g{n} = {spare}[0] = new(Tensor)",
                         f"    g{n}._array, g{n}._edge, g{n}._alias = r{n}, None, None")
            else:
                self.put(f"r{n} = {make}")

    def calls(self) -> None:
        """The native code, and between its parts what Python does."""
        executable = self.variant.executable
        inputs = [f"a{i}" for i, b in enumerate(self.made.inputs) if b in self.variant.inputs]
        arrays = ", ".join([*inputs, *self.places.values()])
        symbols = executable.program.symbols
        numbers = ", ".join(f"{self.name('N', s.read)}()" for s in symbols)
        several = len(executable.parts) > 1             # temporaries live from part to part: one thread at a time
        if several:
            self.put(f"with {self.name('lock', executable.lock)}:")
        for part in executable.parts:
            if callable(part):
                line = f"{self.name('launch', part)}({', '.join(filter(None, [arrays, numbers]))})"
            elif part.name == "effect":
                line = f"{self.name('effect', part.run)}()"
            elif part.name == "raise_if":
                flag = self.name("F", memoryview(executable.view(part.operands[0], []).reshape(1).view(np.uint8)))
                line = f"if {flag}[0]: {self.name('complain', functools.partial(complain, executable, part))}([{arrays}])"
            else:
                line = f"{self.name('step', functools.partial(executable.interpret, part))}([{arrays}])"
            self.put("    " * several + line)

    def finish(self) -> None:
        """Gradients and results."""
        for i, output in self.made.gradients.items():
            leaf = self.name("L", self.made.leaves[i])
            if output is None:
                self.put(f"{leaf}.grad = None")
            else:
                self.put(f"{leaf}.grad = {self.tensor(output, gradient=True)}")
        for cell in self.made.written:
            self.put(f"{self.name('C', cell)}[0] += 1")
        if self.variant.backward is not None:
            self.node(self.variant.backward)
        for n, output in enumerate(outputs_in(self.made.structure)):
            self.put(f"o{n} = {self.tensor(output)}")
        numbers = itertools.count()
        self.put(f"return {self.structure(self.made.structure, numbers)}")

    def node(self, backward: Backward) -> None:
        """The node that runs the backward program, over the arrays that it wants."""
        joint = backward.joint
        positions = {b: i for i, b in enumerate(self.made.inputs) if b is not None}
        kept = [f"a{positions[b]}" for b in backward.arguments]
        kept += [self.places[outer] if outer in self.places else f"a{positions[outer]}" for outer, _ in backward.saved]
        parents = []
        for leaf in joint.edges:
            i = self.made.entries.get(id(leaf))
            parents.append(self.name("L", leaf) if i is None else f"{self.name('edge', current_edge)}(t{i})")
        read = {ref.buffer for instr in backward.executable.program.instrs for ref in instr.reads()}
        watched = [self.name("T", t) for t, array in self.made.tensors
                   if any(b.memory is root_of(array) for b in read if b.kind == "external")]
        watched += [f"t{positions[b]}" for b in backward.arguments]
        cells = [f"{self.name('cell', version_cell)}({t})" for t in watched]
        shapes = tuple(tuple(ref.shape) for ref in joint.gradients)
        self.put(f"cells = [{', '.join(cells)}]",
                 f"node = {self.name('Node', CompiledNode)}({self.name('back', backward.run)}, "
                 f"({''.join(k + ', ' for k in kept)}), ({''.join(p + ', ' for p in parents)}), {shapes}, "
                 f"tuple([(cell, cell[0]) for cell in cells]), {self.name('number', next_number)}())")
        self.edges = {id(t._edge): "node" if len(shapes) == 1 else f"{self.name('Output', TapeOutput)}(node, {i})"
                      for i, t in enumerate(joint.outputs)}

    def edge(self, output: Output) -> str:
        """The edge of a tensor that is handed out."""
        if output.edge is not None and id(output.edge) in self.edges:
            return self.edges[id(output.edge)]
        return self.name("E", output.edge)

    def tensor(self, output: Output, gradient: bool = False) -> str:
        """The name of a tensor over a result."""
        if output.tensor is not None:
            given = next((f"t{i}" for i, t in enumerate(self.given) if t is output.tensor), None)
            return given or self.name("T", output.tensor)
        n = self.places.get(output.ref.buffer)
        if n is None:
            return self.existing(output)
        made = f"g{n[1:]}" if gradient else f"x{len(self.lines)}"
        if not gradient or not any(line.startswith(f"    {made} = ") for line in self.lines):
            made = f"x{len(self.lines)}"
            array = n
            ref = output.ref
            if not (is_whole(ref) and ref.same(self.kinds[ref.buffer])):
                array = f"{self.name('part', functools.partial(part_of, ref))}({n})"
            self.put(f"{made} = new(Tensor)",
                     f"{made}._array, {made}._edge, {made}._alias = {array}, {self.edge(output)}, None")
        return made

    def existing(self, output: Output) -> str:
        """A new tensor over memory that exists: an argument's or a parameter's."""
        ref = output.ref
        position = next((i for i, b in enumerate(self.made.inputs) if b is ref.buffer), None)
        made = f"x{len(self.lines)}"
        if position is None:
            array = self.name("A", self.variant.executable.view(ref, []))
        else:
            array = f"{self.name('part', functools.partial(part_of, ref))}(a{position})"
        self.put(f"{made} = new(Tensor)",
                 f"{made}._array, {made}._edge, {made}._alias = {array}, {self.name('E', output.edge)}, None")
        return made

    def structure(self, value: Any, numbers: Any) -> str:
        """The expression that rebuilds a nested result."""
        if isinstance(value, Output):
            return f"o{next(numbers)}"
        if value.__class__ in (list, tuple):
            inner = ", ".join(self.structure(part, numbers) for part in value)
            return f"[{inner}]" if value.__class__ is list else f"({inner}{',' if value else ''})"
        if value.__class__ is dict:
            return "{" + ", ".join(f"{key!r}: {self.structure(part, numbers)}" for key, part in value.items()) + "}"
        return self.name("K", value)


def is_whole(ref: Any) -> bool:
    """Whether a Ref is its whole buffer, in row-major order."""
    return ref.offset == 0 and ref.is_dense() and ref.size * ref.dtype.itemsize == ref.buffer.nbytes


def part_of(ref: Any, array: np.ndarray) -> np.ndarray:
    """A part of an array that holds a whole buffer."""
    return as_array(array.__array_interface__["data"][0] + ref.offset, ref, array)


def any_alias(arrays: list[np.ndarray]) -> bool:
    """Whether two arguments lie in the same memory."""
    return len({id(root_of(a)) for a in arrays}) < len(arrays)


def overlaps(array: np.ndarray, roots: set[int]) -> bool:
    """Whether an argument is a view of memory the program uses anyway."""
    return id(root_of(array)) in roots


def complain(executable: Executable, part: Any, arrays: list[np.ndarray]) -> None:
    """Raises the error of a check that failed."""
    settings = part.settings
    part.run(executable.view(part.operands[1], arrays), settings["low"], settings["high"], settings["message"],
             settings["kind"])


class Compiled:
    """A function that is captured at its second call and runs as native code from then on.

    `variants` are its programs, one for each combination of shapes, dtypes and settings; `reasons` says why calls ran as
    usual. Source: PyTorch `torch.compile`.
    """

    def __init__(self, function: Callable[..., Any], watching: Any = None, fullgraph: bool = False) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function, self.watching, self.fullgraph = function, watching, fullgraph
        self.variants: dict[Any, list[Variant]] = {}
        self.reasons: list[str] = []
        self.leaves: dict[Any, list[Any]] = {}          # key -> what gathered gradients in the last call
        self.lock = threading.Lock()
        self.latest: Callable[..., Any] | None = None       # the last variant that ran, if it takes tensors alone

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        latest = self.latest
        if latest is not None and state.plain and not kwargs:
            try:
                result = latest(*args)
            except (AttributeError, TypeError):             # arguments of another kind
                result = MISS
            if result is not MISS:
                return result
        return self.slowly(args, kwargs)

    def slowly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Looks for another variant, captures one, or calls the function."""
        if modes.level == SPECIAL_LEVEL or not native():
            return self.function(*args, **kwargs)
        tensors = list(tensors_in((args, kwargs)))
        key = modes.level, frozen((args, kwargs))
        known = self.variants.setdefault(key, []) if key[1] is not None else []
        for variant in known:
            result = variant.run(*tensors)
            if result is not MISS:
                if state.plain and not kwargs and len(tensors) == len(args):
                    self.latest = variant.run
                return result
        if key[1] is None or not self.lock.acquire(blocking=False):
            return self.function(*args, **kwargs)
        try:
            return self.captured(key, known, args, kwargs, tensors)
        finally:
            self.lock.release()

    def captured(self, key: Any, known: list[Variant], args: tuple[Any, ...], kwargs: dict[str, Any],
                 tensors: list[Tensor]) -> Any:
        """Calls the function and listens; the second time, a variant is made of it."""
        if len(known) >= LIMIT or len(self.reasons) >= ATTEMPTS:
            return self.function(*args, **kwargs)
        before = self.leaves.get(key)
        result, made = capture(self.function, args, kwargs, before or [], self.watching)
        self.leaves[key] = made.leaves
        if before is None or list(map(id, before)) != list(map(id, made.leaves)):
            return result                       # which tensors gather gradients is known from the next call on
        if not made.stopped:
            made.guards += surroundings(self.function)
            try:
                variant = Variant(made, tensors)
            except Unfit as error:
                made.stopped = str(error)
        if made.stopped:
            self.refuse(made.stopped)
            return result
        known.append(variant)
        if len(known) == LIMIT:
            warnings.warn(f"{self.label()} was compiled for {LIMIT} combinations of shapes and settings: other ones run "
                          "uncompiled from here on", stacklevel=4)
        return result

    def refuse(self, reason: str) -> None:
        """Notes why no program came of a call."""
        self.reasons.append(reason)
        if self.fullgraph:
            raise RuntimeError(f"compile(fullgraph=True): {self.label()} cannot be captured: {reason}")

    def label(self) -> str:
        """The function's name."""
        return getattr(self.function, "__qualname__", type(self.function).__name__)

    def programs(self) -> list[Variant]:
        """All variants."""
        return [variant for known in self.variants.values() for variant in known]

    # -- glass -----------------------------------------------------------------------------------------------------

    @property
    def program(self) -> str:
        """The programs as text: what was left of the recorded calls after simplification."""
        return "\n\n".join(f"# variant {i}\n{program}" for i, variant in enumerate(self.programs())
                           for program in variant.halves())

    def explain(self) -> str:
        """What was compiled and what was not: a table of kernels for each variant, and why calls ran uncompiled.

        The table's times are those of one run of each kernel, the fastest of a few; nothing outside is changed by it.
        """
        lines = [f"{self.label()}: {len(self.programs())} variant(s)"]
        for i, variant in enumerate(self.programs()):
            for half, executable in zip(("forward", "backward"), variant.executables()):
                arrays = variant.sample_arrays(executable)
                lines += [f"variant {i}, {half if variant.backward else 'whole'}:", table(executable, arrays)]
        lines += [f"not compiled: {reason}" for reason in self.reasons]
        return "\n".join(lines)

    def source(self, i: int, variant: int = 0) -> str:
        """Step i of a variant: its loop nest, LLVM IR and assembly. Steps of a backward are counted after the forward's."""
        executables = self.programs()[variant].executables()
        for executable in executables:
            if i < len(executable.steps):
                return source(executable, i)
            i -= len(executable.steps)
        raise IndexError(f"variant {variant} has no step {i}: explain() lists them")


def frozen(value: Any) -> Any:
    """Arguments as a key: tensors by their place, the rest by value; None if something has no value to compare."""
    try:
        key = freeze(value)
        hash(key)
    except TypeError:
        return None
    return key


def freeze(value: Any) -> Any:
    if isinstance(value, Tensor):
        return Tensor
    if value.__class__ in (list, tuple):
        return value.__class__, tuple([freeze(part) for part in value])
    if value.__class__ is dict:
        return dict, tuple([(name, freeze(part)) for name, part in value.items()])
    return value.__class__, value


@functools.cache
def native() -> bool:
    """Whether machine code can be made here; says so once if not."""
    if llvm.available():
        return True
    warnings.warn("compile() needs llvmlite to make machine code, and it is not installed: everything runs uncompiled, with "
                  "the same results, slower. pip install llvmlite", stacklevel=4)
    return False
