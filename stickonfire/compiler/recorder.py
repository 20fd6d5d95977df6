"""The recorder: listens to Traced arrays and writes a `Program`.

It is installed as `modes.recorder` while a function is captured (`capture.py`). Tensors that existed before are
*lifted* when an op first meets them: their array becomes a Traced one over the same memory, and is put back at the
end. Whatever cannot be repeated by a program (a value read by Python, memory of unknown origin) calls `stop`, with
the line of the user's program: the call goes on for real, and no program comes of it.
"""
from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..backends.cpu import xp as real_xp
from ..core.state import set_mode
from ..eager.dispatch import NUMBERS
from ..eager.specialize import REAL_NUMBERS
from ..eager.tensor import Tensor
from ..ops import common
from ..ops.op import Op
from .expand import FORWARDS
from .program import Buffer, Instr, Program, Ref, Symbol, refs_in
from .surroundings import Guard, of_hooks, same_entries
from .trace import XP, Traced, unwrapped

PACKAGE = str(Path(__file__).parent.parent)

# functions of xp that write to an argument: which one
WRITES = {"copyto": 0, "add.at": 0, "add_scaled": 0, "add_product": 0, "add_quotient": 0, "move_towards": 0,
          "add_rows": 0, "put_along_axis": 0, "plus_product": 1,
          "ndarray.fill": 0, "ndarray.sort": 0, "ndarray.put": 0, "ndarray.partition": 0}
# functions that tell about the layout of arrays, never about their values
LAYOUT = frozenset(("dtype_of", "dtype_of_native", "native_dtype", "shares_memory", "is_contiguous", "is_view",
                    "is_writable", "address", "geometry", "strides_as_promised", "steps", "offset", "dense_order",
                    "broadcast_shapes", "result_type", "storage", "checked_index", "memory", "between"))
SIZED_BY_VALUES = frozenset(("nonzero", "flatnonzero", "nonzero_rows", "argwhere", "unique", "distinct", "compress",
                             "distinct_slices", "runs", "counted", "extract", "bincount"))
CONSTANTS = frozenset(("zeros", "ones", "full", "empty", "arange", "eye", "linspace", "asarray", "number_like",
                       "from_data"))


class Number(float):
    """A float that is a symbol of the program: arithmetic with numbers gives such floats again."""

    symbol: Symbol

    def __new__(cls, symbol: Symbol) -> Number:
        made = super().__new__(cls, symbol.value)
        made.symbol = symbol
        return made

    def _derived(self, label: str, read: Callable[[], float], shared: bool = True) -> Number:
        known = self.symbol.derived.get(label) if shared else None
        if known is None:
            known = self.symbol.derived[label] = Number(Symbol(label, read, read()))
        return known

    def __neg__(self) -> Number:
        read = self.symbol.read
        return self._derived(f"-{self.symbol.label}", lambda: -read())

    def __float__(self) -> float:
        return float.__add__(self, 0.0)


def _arithmetic(name: str, sign: str) -> Callable[..., Any]:
    def method(self: Number, other: Any) -> Any:
        if other.__class__ not in (int, float, Number):
            return NotImplemented
        read = self.symbol.read
        reads_other = other.symbol.read if other.__class__ is Number else None
        operation = getattr(float, name)
        said = other.symbol.label if other.__class__ is Number else repr(other)
        first, second = (said, self.symbol.label) if name.startswith("__r") else (self.symbol.label, said)
        label = f"({first} {sign} {second})"
        if reads_other is None:
            return self._derived(label, lambda: operation(float(read()), float(other)))
        return self._derived(label, lambda: operation(float(read()), float(reads_other())), False)
    return method


for _name, _sign in {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**"}.items():
    setattr(Number, f"__{_name}__", _arithmetic(f"__{_name}__", _sign))
    setattr(Number, f"__r{_name}__", _arithmetic(f"__r{_name}__", _sign))


for _numbers in (common.NUMBERS, NUMBERS, REAL_NUMBERS):
    _numbers.add(Number)


@dataclass(frozen=True)
class Draw:
    """How a run of a program draws: `into` says whether straight into memory of the program's, called `out` then."""

    op: Op
    attrs: dict[str, Any]
    into: bool

    def __call__(self, *given: Any, **place: Any) -> Any:
        return self.op.forward(real_xp, *given, **self.attrs, **place)


class Recorder:
    """What is known about the function being captured."""

    xp = XP

    def __init__(self) -> None:
        self.program = Program()
        self.stopped = ""                                           # why no program comes of this call
        self.lifted: list[tuple[Any, np.ndarray, Ref]] = []         # weak reference to the tensor, array, part
        self.roots: dict[int, Buffer] = {}                          # id of the array that owns memory -> buffer
        self.owners: dict[int, Buffer] = {}                         # the same, also for arguments
        self.shared: list[tuple[Buffer, Buffer]] = []               # an argument and what lies in the same memory
        self.made: list[weakref.ref[Traced]] = []
        self.guards: list[Guard] = []
        self.numbers: list[tuple[dict[str, Any], str]] = []         # (group, key) whose value became a Number
        self.watched: set[int] = set()
        self.optimizers: list[Any] = []
        self.names: set[str] = set()            # those that the function's code uses
        self.rates: list[float] = []            # the learning rates when they were first seen
        self.inputs: dict[int, int] = {}                            # id of an argument's array -> its position

    # -- what dispatch calls ---------------------------------------------------------------------------------

    def lift(self, t: Any) -> None:
        """Makes a tensor's array a Traced one."""
        array = t._array
        if array.__class__ is Traced:                               # (also when stopped: a mix would not work)
            return
        if array.__class__ is not np.ndarray:
            self.stop(f"a tensor lives on {t.device}: only CPU tensors are compiled")
            return
        traced = self.traced(array, self.external(array))
        t._array = traced
        self.lifted.append((weakref.ref(t), array, traced.ref))

    def lift_all(self, tensors: Any) -> None:
        """Lifts the tensors among an op's inputs."""
        for t in tensors:
            if isinstance(t, Tensor):
                self.lift(t)

    def forward(self, op: Op, arrays: list[Any], attrs: dict[str, Any]) -> Any:
        """Runs an op's forward, in the form that can be captured; `None` if the ordinary one will do."""
        if self.stopped:
            return (op.forward(real_xp, *unwrapped(arrays), **attrs),) if "generator" in attrs else None
        if "generator" in attrs:
            return self.draw(op, arrays, attrs)
        substitute = FORWARDS.get(op.name)
        return None if substitute is None else (substitute(XP, *arrays, **attrs),)

    def draw(self, op: Op, arrays: list[Any], attrs: dict[str, Any]) -> Any:
        """Random numbers: drawn by Python in each run, from the same generator."""
        run = Draw(op, attrs, op.name == "coins")
        result = run(*unwrapped(arrays))
        several = result.__class__ in (tuple, list)
        outs = tuple([self.fresh(np.asarray(r)) for r in (result if several else (result,))])
        self.record(Instr("draw", tuple(self.operand(a) for a in arrays), tuple([t.ref for t in outs]), {}, run))
        return (outs if several else outs[0],)

    def watch(self, optimizer: Any) -> None:
        """Makes the learning rates of an optimizer symbols, and its other settings guards."""
        if id(optimizer) in self.watched or self.stopped:
            return
        self.watched.add(id(optimizer))
        self.optimizers.append(optimizer)
        for group in optimizer.param_groups:
            for key, value in group.items():
                if key == "lr" and value.__class__ is float:
                    self.numbers.append((group, key))
                    self.rates.append(value)
                    if "param_groups" in self.names:            # the function may look at it, and not only we
                        self.guards.append(("item", group, key, value))
                elif key not in ("params", "param_names", "initial_lr"):
                    self.guards.append(("item", group, key, value))
        self.renew_numbers()

    def optimizer_guards(self) -> list[Guard]:
        """That the optimizers have the groups, parameters and state they had: asked for when the call is done."""
        guards: list[Guard] = []
        for optimizer in self.optimizers:
            held, groups = optimizer.__dict__, optimizer.param_groups
            guards += [("item", held, name, held[name]) for name in ("param_groups", "state")]
            guards += [("count", things, "", len(things)) for things in (groups, held["state"])]
            for group in groups:
                guards += same_entries(group["params"])
            for p, values in held["state"].items():
                guards.append(("entry", held["state"], p, values))
                guards += [("item", values, name, value) for name, value in values.items()
                           if hasattr(value, "_array")]
            for name, hooks in held.items():
                if name.endswith(("step_pre_hooks", "step_post_hooks")):
                    guards += of_hooks(hooks)
        return guards

    def renew_numbers(self) -> None:
        """Learning rates are read anew from here on."""
        for group, key in self.numbers:
            value = float(group[key])
            group[key] = Number(Symbol(key, lambda group=group, key=key: float(group[key]), value))

    def numbers_back(self) -> None:
        """Learning rates are floats again."""
        for group, key in self.numbers:
            group[key] = float(group[key])
        effects = any(instr.name == "effect" for instr in self.program.instrs)
        if not effects and [group[key] for group, key in self.numbers] != self.rates:
            self.stop("a learning rate was set in the call")

    def effect(self, function: Callable[[], Any], label: str) -> Any:
        """Something Python has to do in each run, at this place; it may change learning rates."""
        if not self.stopped:
            self.record(Instr("effect", (), (), {"label": label}, function))
        self.numbers_back()
        set_mode("recorder", None)
        try:
            return function()
        finally:
            set_mode("recorder", self)
            self.renew_numbers()

    def stop(self, reason: str) -> None:
        """No program will come of this call."""
        if not self.stopped:
            self.stopped = f"{reason}, in {self.line() or 'a library'}"

    # -- what Traced arrays and their namespace call ---------------------------------------------------------

    def method(self, name: str, array: Traced, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A method of an array."""
        def call(real: Any, *args: Any, **kwargs: Any) -> Any:
            return getattr(real, name)(*args, **kwargs)
        return self.call("ndarray." + name, call, (array, *args), kwargs)

    def assign(self, target: Traced, index: Any, value: Any) -> None:
        """`target[index] = value`: a copy if the index is a basic one."""
        view = target.real[unwrapped(index)]
        if view.__class__ is np.ndarray and (view.base is not None or view is target.real) and \
                np.may_share_memory(view, target.real):
            self.call("copyto", np.copyto, (self.view_of(view, target), value), {"casting": "unsafe"})
            return

        def put(real: Any, index: Any, value: Any) -> None:
            real[index] = value
        self.call("setitem", put, (target, index, value), {}, writes=target)

    def call(self, name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any],
             writes: Traced | None = None) -> Any:
        """Runs a function for real and records it. Returns its result with Traced arrays."""
        result = function(*[unwrapped(a) for a in args], **unwrapped(kwargs))
        if name == "check":
            self.record(Instr(name, tuple(map(self.operand, args)), (), self.operand(kwargs), function))
            return None
        if writes is None:
            if name in WRITES:
                writes = args[WRITES[name]]
            elif kwargs.get("out") is not None:
                writes = kwargs["out"]
                writes = writes[0] if writes.__class__ is tuple else writes
            elif isinstance(function, np.ufunc) and len(args) > function.nin:
                writes = args[function.nin]
                args = args[:function.nin]
        if writes is not None:
            kwargs = {key: value for key, value in kwargs.items() if key != "out"}
            if writes.__class__ is not Traced:
                self.stop(f"{name} wrote to an array that is not a tensor's")
                return result
            self.record(Instr(name, tuple(map(self.operand, args)), (writes.ref,), self.operand(kwargs),
                              self.runner(function, isinstance(function, np.ufunc))))
            return writes
        return self.outside(name, result, args, kwargs, function)

    def outside(self, name: str, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any],
                function: Any = None) -> Any:
        """A function's result with Traced arrays in place of NumPy's; recorded unless it is a view."""
        several = result.__class__ in (tuple, list)
        parts = list(result) if several else [result]
        if not any(isinstance(part, (np.ndarray, np.generic)) for part in parts):
            if name not in LAYOUT and not several and self.sees_values(name, args):
                self.stop(f"{name} gave Python a value")
            return result
        sources = [value for value in (*args, *kwargs.values()) if value.__class__ is Traced]
        if isinstance(result, np.generic) and made_of_numbers((args, kwargs)):
            return result                                   # a question about numbers, not about tensors
        outs: list[Any] = []
        fresh: list[Traced] = []
        for part in parts:
            if not isinstance(part, (np.ndarray, np.generic)):
                outs.append(part)
                continue
            array = np.asarray(part)
            view = next((s for s in sources if array is s.real), None)
            if view is None:
                view = self.view_among(array, sources)
            if view is None:
                view = self.fresh(array)
                fresh.append(view)
            outs.append(view)
        if fresh:
            self.note(name, fresh, args, kwargs, function)
        return (outs if result.__class__ is list else tuple(outs)) if several else outs[0]

    def sees_values(self, name: str, args: tuple[Any, ...]) -> bool:
        """Whether a function with a plain result looked at the values of tensors."""
        return any(a.__class__ is Traced for a in args) and not name.startswith("attribute.")

    def note(self, name: str, fresh: list[Traced], args: tuple[Any, ...], kwargs: dict[str, Any],
             function: Any) -> None:
        """Records a function that made new arrays."""
        operands, settings = tuple(map(self.operand, args)), self.operand(kwargs)
        outs = tuple([t.ref for t in fresh])
        if not any(True for _ in Instr(name, operands, outs, settings).reads()) and not any(
                isinstance(x, Symbol) for x in (*operands, *settings.values())):
            known = name in CONSTANTS or "ones" in name or "zeros" in name
            if not known and not made_of_numbers((args, kwargs)):
                self.stop(f"{name} made an array out of nothing that is known")
            for t in fresh:                             # the same in each run
                t.ref.buffer.kind = "constant"
                t.ref.buffer.memory = t.real.copy(order="K")
            return
        if name.rpartition(".")[2] in SIZED_BY_VALUES or name == "ndarray.__getitem__" and any(
                ref.dtype.kind == "b" for ref in refs_in(operands[1:])) or name == "repeat" and any(
                    True for _ in refs_in(operands[1:])):
            self.stop("the size of a result depends on values")
        self.record(Instr(name, operands, outs, settings, self.runner(function, False)))

    def runner(self, function: Any, into: bool) -> Any:
        """How to repeat a call with other arrays. into: a ufunc that is given its output."""
        if function is None:
            return None
        if into:
            def repeat(*args: Any, out: Any, **kwargs: Any) -> Any:
                return function(*args, out=out, **kwargs)
            repeat.into = True                                      # type: ignore[attr-defined]
            return repeat
        return function

    # -- arrays and buffers ----------------------------------------------------------------------------------

    def operand(self, value: Any) -> Any:
        """An argument as it stands in the program."""
        kind = value.__class__
        if kind is Traced:
            return value.ref
        if kind is Number:
            if value.symbol not in self.program.symbols:
                self.program.symbols.append(value.symbol)
            return value.symbol
        if kind is tuple or kind is list:
            return kind([self.operand(part) for part in value])
        if kind is dict:
            return {key: self.operand(part) for key, part in value.items()}
        if kind is np.ndarray:
            if id(root_of(value)) in self.roots:
                return self.external(value)
            self.stop("an array of unknown origin was used")
        return value

    def traced(self, array: np.ndarray, ref: Ref) -> Traced:
        made = Traced(array, ref)
        self.made.append(weakref.ref(made))
        return made

    def fresh(self, array: np.ndarray) -> Traced:
        """A new array, as a new buffer."""
        low, high = np.lib.array_utils.byte_bounds(array) if array.size else (0, 0)
        start = array.__array_interface__["data"][0]
        buffer = self.program.buffer("temporary", high - low, None, low)
        offset = start - low if array.size else 0
        return self.traced(array, Ref(buffer, array.dtype, array.shape, array.strides, offset))

    def view_of(self, array: np.ndarray, source: Traced) -> Traced:
        """An array within the memory of another."""
        buffer = source.ref.buffer
        offset = array.__array_interface__["data"][0] - (source.real.__array_interface__["data"][0] - source.ref.offset)
        return self.traced(array, Ref(buffer, array.dtype, array.shape, array.strides, offset))

    def view_among(self, array: np.ndarray, sources: list[Traced]) -> Traced | None:
        """The array as a view of one of the sources, if it is one."""
        if array.base is None or not array.size:
            return None
        for source in sources:
            if np.may_share_memory(array, source.real):
                return self.view_of(array, source)
            buffer = source.ref.buffer                  # outside of the source, but within its buffer
            first = source.real.__array_interface__["data"][0] - source.ref.offset
            if first <= array.__array_interface__["data"][0] < first + buffer.nbytes:
                return self.view_of(array, source)
        return None

    def external(self, array: np.ndarray) -> Ref:
        """The part of outside memory that an array is."""
        position = self.inputs.get(id(array))
        root = root_of(array) if position is None else array            # an argument's memory is its own
        buffer = self.roots.get(id(root))
        low, high = np.lib.array_utils.byte_bounds(root) if root.size else (0, 0)
        if buffer is None:
            kind = "external" if position is None else "input"
            buffer = self.roots[id(root)] = self.program.buffer(kind, high - low, root, low, position)
            owner = id(root_of(array))
            other = self.owners.setdefault(owner, buffer)
            if other is not buffer and "input" in (other.kind, kind):
                self.shared.append((other, buffer))
        start = array.__array_interface__["data"][0]
        return Ref(buffer, array.dtype, array.shape, array.strides, start - low if array.size else 0)

    def record(self, instr: Instr) -> None:
        instr.line = self.line()
        self.program.instrs.append(instr)

    def line(self) -> str:
        """Where in the user's program we are."""
        frame = sys._getframe(1)
        while frame is not None and (frame.f_code.co_filename.startswith((PACKAGE, "<op "))):
            frame = frame.f_back                                                # type: ignore[assignment]
        return "" if frame is None else f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def made_of_numbers(value: Any) -> bool:
    """Whether a value is made of Python's numbers, names and tuples alone: a function of it is the same in each run."""
    if isinstance(value, (tuple, list)):
        return all(map(made_of_numbers, value))
    if value.__class__ is dict:
        return all(map(made_of_numbers, value.values()))
    return value.__class__ in (bool, int, float, str, type(None), slice, np.dtype, type) or isinstance(value, np.dtype)


def root_of(array: np.ndarray) -> np.ndarray:
    """The array that owns the memory."""
    while array.base is not None and array.base.__class__ is np.ndarray:
        array = array.base
    return array
