"""Writes, for each variant, the Python function that stands before its native code.

It checks the guards, makes memory for what is handed out, calls the launchers and puts tensors over the results. What
never changes is a name in the function's globals; `Variant.text` shows the function. Called by `variant.py`.
"""
from __future__ import annotations

import functools
import itertools
from sys import getrefcount
from typing import TYPE_CHECKING, Any

import numpy as np

from ..codegen import words
from ..eager.tensor import Tensor, bump, make_view, new, version_cell
from ..eager.views import current_edge
from ..tape.node import Output as TapeOutput
from ..tape.node import next_number
from .build import Executable
from .capture import Output, outputs_in
from .joint import CompiledNode
from .memory import as_array
from .program import Buffer
from .recorder import root_of
from .surroundings import is_plain

if TYPE_CHECKING:
    from .variant import Backward, Variant

MISS = object()         # what a variant's function returns if a guard does not hold


class Spare:
    """What `references` finds out with: an object that holds an array, like a tensor."""

    def __init__(self) -> None:
        self.array = np.empty(1)


def references(spare: list[Spare]) -> tuple[int, int]:
    """What `getrefcount` says of an object that only a list and this frame know, and of an array only that object has.

    It differs between versions of Python: some lend a local variable to a call without counting it.
    """
    g = spare[0]
    return getrefcount(g), getrefcount(g.array)


KEPT_HERE, ARRAY_KEPT_HERE = references([Spare()])


class Watched:
    """What is asked of memory directly: see `codegen/words.py`."""

    def __init__(self) -> None:
        self.words: list[tuple[int, int]] = []
        self.kept: list[Any] = []                           # whose addresses are among the words

    def slots(self, t: Tensor, values: dict[str, Any]) -> bool:
        """Watches some slots of a tensor; False where that can't be done."""
        places = words.slots(Tensor)
        if not places:
            return False
        self.words += [(id(t) + places[name], id(value)) for name, value in values.items()]
        self.kept += [t, *values.values()]
        return True

    def kind(self, thing: Any, kind: type) -> bool:
        """Watches the class of an object; False where that can't be done."""
        if not words.counts():
            return False
        self.words.append((id(thing) + words.KIND, id(kind)))
        self.kept += [thing, kind]
        return True

    def count(self, table: Any, count: int) -> bool:
        """Watches how many entries a dict has; False where that can't be done."""
        if not isinstance(table, dict) or not words.counts():
            return False
        self.words.append((id(table) + words.USED, count))
        self.kept.append(table)
        return True


class Writer:
    """Writes a variant's function."""

    def __init__(self, variant: Variant, given: list[Tensor]) -> None:
        self.variant, self.made, self.given = variant, variant.capture, given
        self.names: dict[str, Any] = {
            "MISS": MISS, "ndarray": np.ndarray, "empty": np.empty, "Tensor": Tensor, "new": new,
            "getrefcount": getrefcount, "overlaps": overlaps}
        self.spares: set[Buffer] = set()                    # gradients that are written again where they are
        self.lines: list[str] = []
        self.edges: dict[int, str] = {}                     # id of an edge -> the expression for the one of this run

    def name(self, stem: str, value: Any) -> str:
        """A name in the function's globals."""
        name = f"{stem}{len(self.names)}"
        self.names[name] = value
        return name

    def write(self) -> tuple[str, dict[str, Any]]:
        """The text and its globals."""
        self.lines = ["def run(*given):"]
        self.arguments()
        self.guards()
        self.allocate()
        self.calls()
        self.finish()
        return "\n".join(self.lines) + "\n", self.names

    def put(self, *lines: str) -> None:
        self.lines += ["    " + line for line in lines]

    def arguments(self) -> None:
        """The tensors and their arrays; anything else is somebody else's call."""
        count = range(len(self.given))
        self.put("try:", f"    [{', '.join(f't{i}' for i in count)}] = given",
                 *[f"    a{i} = t{i}._array" for i in count], "except (ValueError, AttributeError):", "    return MISS")

    def guards(self) -> None:
        """Everything the program takes for granted."""
        for i, t in enumerate(self.given):
            a = t._array
            twin = next((j for j in range(i) if self.given[j]._array is a), None)
            if twin is not None:                            # one tensor for two arguments
                self.put(f"if a{i} is not a{twin}: return MISS")
                continue
            if i in self.made.pinned or type(t) is not Tensor or any(value is t for _, _, _, value in self.made.guards):
                self.put(f"if a{i} is not {self.name('A', a)}: return MISS")
            if self.made.inputs[i] is None:
                other = next((f"{self.name('T', u)}" for u, _ in self.made.tensors if u is t), None)
                if other is not None:                       # a parameter that is also an argument: the very same one
                    self.put(f"if t{i} is not {other}: return MISS")
                    continue
            self.put(f"if a{i}.__class__ is not ndarray or a{i}.dtype != {self.name('D', a.dtype)} or "
                     f"a{i}.shape != {a.shape} or a{i}.strides != {a.strides} or "
                     f"(t{i}._edge is None) is not {t._edge is None}: return MISS",
                     f"if a{i}.base is not None and overlaps(a{i}, ROOTS): return MISS")
        written = {id(b.memory) for b in self.made.touched if b.kind == "external"}
        self.names["ROOTS"] = {id(root_of(a)) for _, a in self.made.tensors} & written
        if any(b in self.made.touched for b in self.made.inputs):
            self.put(f"if {self.name('alias', any_alias)}([{', '.join(f'a{i}' for i in range(len(self.given)))}]): "
                     "return MISS")
        tests, watched = [], Watched()
        for t, array in self.made.tensors:
            if not watched.slots(t, {"_array": array, "_edge": t._edge}):
                name = self.name("T", t)
                tests.append(f"{name}._array is not {self.name('A', array)} or "
                             f"{name}._edge is not {self.name('E', t._edge)}")
        for i, had in self.made.began.items():
            tests.append(f"({self.name('L', self.made.leaves[i])}.grad is None) is {had}")
        asked: set[Any] = set()
        for kind, what, which, value in self.made.guards:
            question = kind, id(what), which if kind != "entry" else id(which)
            if question in asked:
                continue
            asked.add(question)
            if kind == "count" and watched.count(what, value) or kind == "class" and watched.kind(what, value):
                continue
            held = self.name("G", what)
            if kind == "entry":                             # an optimizer's state of a parameter
                tests.append(f"{held}[{self.name('T', which)}] is not {self.name('V', value)}")
                continue
            if kind == "lacks":
                tests.append(f"{which!r} in {held}")
                continue
            if kind == "class":
                tests.append(f"{held}.__class__ is not {self.name('V', value)}")
                continue
            held = {"item": f"{held}[{which!r}]", "whole": held, "count": f"len({held})"}.get(kind, f"{held}.{which}")
            literal = value is None or value.__class__ in (bool, str) or kind == "count"
            tests.append(differs(held, repr(value) if literal else self.name("V", value), value, kind))
        if watched.words:
            tests.insert(0, f"not {self.name('unchanged', words.watch(watched.words, watched.kept))}()")
        if tests:
            lines = [f"{'or ' if i else ''}{test}" for i, test in enumerate(tests)]
            self.put("try:", "    if (", *[f"            {line}" for line in lines], "    ): return MISS",
                     "except (KeyError, AttributeError):", "    return MISS")

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
                self.spares.add(buffer)
                spare = self.name("S", [None])
                self.put(f"g{n} = {spare}[0]",
                         f"if g{n} is not None and getrefcount(g{n}) <= {KEPT_HERE} + "
                         f"({self.name('L', self.made.leaves[gradients[buffer]])}.grad is g{n}) and "
                         f"getrefcount(g{n}._array) <= {ARRAY_KEPT_HERE} and g{n}._alias is None and "
                         f"g{n}._edge is None:",
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
        numbers = ", ".join(f"n{i}" for i in range(len(symbols)))
        reading = "; ".join(f"n{i} = {self.name('N', s.read)}()" for i, s in enumerate(symbols))
        if reading:
            self.put(reading)
        several = len(executable.parts) > 1             # temporaries live from part to part: one thread at a time
        if several:
            self.put(f"with {self.name('lock', executable.lock)}:")
        for part in executable.parts:
            if callable(part):
                line = f"{self.name('launch', part)}({', '.join(filter(None, [arrays, numbers]))})"
            elif part.name == "effect":
                line = "; ".join(filter(None, [f"{self.name('effect', part.run)}()", reading]))
            elif part.name == "raise_if":
                flag = self.name("F", memoryview(executable.view(part.operands[0], []).reshape(1).view(np.uint8).data))
                call = self.name("complain", functools.partial(complain, executable, part))
                line = f"if {flag}[0]: {call}([{arrays}])"
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
        for i, b in enumerate(self.made.inputs):
            if b in self.made.touched:
                self.put(f"{self.name('bump', bump)}(t{i})")
        if self.variant.backward is not None:
            self.node(self.variant.backward)
        names: dict[int, str] = {}
        for n, output in enumerate(outputs_in(self.made.structure)):
            if id(output) not in names:
                names[id(output)] = self.tensor(output)
            self.put(f"o{n} = {names[id(output)]}")
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
        ref = output.ref
        if gradient and ref.buffer in self.spares:
            return f"g{n[1:]}"
        made = f"x{len(self.lines)}"
        whole = is_whole(ref) and ref.same(self.kinds[ref.buffer])
        array = n if whole else f"{self.name('part', functools.partial(part_of, ref))}({n})"
        self.put(f"{made} = new(Tensor)",
                 f"{made}._array, {made}._edge, {made}._alias = {array}, {self.edge(output)}, None")
        if self.variant.backward is not None and ref.buffer in [b for b, _ in self.variant.backward.saved]:
            self.put(f"node.versions += (({self.name('cell', version_cell)}({made}), 0),)")
        return made

    def existing(self, output: Output) -> str:
        """A new tensor over memory that exists: an argument's or a parameter's."""
        ref = output.ref
        position = next((i for i, b in enumerate(self.made.inputs) if b is ref.buffer), None)
        made = f"x{len(self.lines)}"
        if position is None:
            owner = next(t for t, array in self.made.tensors if root_of(array) is ref.buffer.memory)
            array, source = self.name("A", self.variant.executable.view(ref, [])), self.name("T", owner)
        else:
            array, source = f"{self.name('part', functools.partial(part_of, ref))}(a{position})", f"t{position}"
        self.put(f"{made} = {self.name('view', make_view)}({array}, {source})", f"{made}._edge = {self.edge(output)}")
        return made

    def structure(self, value: Any, numbers: Any) -> str:
        """The expression that rebuilds a nested result."""
        if isinstance(value, Output):
            return f"o{next(numbers)}"
        if isinstance(value, (list, tuple)):
            inner = ", ".join(self.structure(part, numbers) for part in value)
            if hasattr(value, "_make"):
                return f"{self.name('kind', type(value))}._make([{inner}])"
            plain = f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if value else ''})"
            return plain if type(value) in (list, tuple) else f"{self.name('kind', type(value))}({plain})"
        if isinstance(value, dict):
            items = ", ".join(f"{self.name('key', key)}: {self.structure(part, numbers)}"
                              for key, part in value.items())
            return f"{{{items}}}" if type(value) is dict else f"{self.name('kind', type(value))}({{{items}}})"
        return self.name("K", value)


def is_whole(ref: Any) -> bool:
    """Whether a Ref is its whole buffer, in row-major order."""
    return ref.offset == 0 and ref.is_dense() and ref.size * ref.dtype.itemsize == ref.buffer.nbytes


def part_of(ref: Any, array: np.ndarray) -> np.ndarray:
    """A part of an array that holds a whole buffer."""
    return as_array(array.__array_interface__["data"][0] + ref.offset, ref, array)


def differs(held: str, constant: str, value: Any, kind: str) -> str:
    """The test whether a guarded value is another one: another object, or another number or kind of number."""
    if kind not in ("whole", "count") and (not is_plain(value) or value is None or value.__class__ is bool):
        return f"{held} is not {constant}"
    if value.__class__ in (int, float) and kind != "count":     # unchanged as a rule: the very same object
        return f"{held} is not {constant} and ({held} != {constant} or {held}.__class__ is not {constant}.__class__)"
    return f"{held} != {constant}"


def any_alias(arrays: list[np.ndarray]) -> bool:
    """Whether two arguments share memory, by their extent."""
    bounds = sorted(np.lib.array_utils.byte_bounds(a) for a in arrays if a.size)
    return any(end > start for (_, end), (start, _) in zip(bounds, bounds[1:]))


def overlaps(array: np.ndarray, roots: set[int]) -> bool:
    """Whether an argument is a view of memory the program uses anyway."""
    return id(root_of(array)) in roots


def complain(executable: Executable, part: Any, arrays: list[np.ndarray]) -> None:
    """Raises the error of a check that failed."""
    settings = part.settings
    part.run(executable.view(part.operands[1], arrays), settings["low"], settings["high"], settings["message"],
             settings["kind"])
