"""What a user holds: a compiled function, and the choice between its variants, a new capture, and the function
itself.

A call first tries the variant that ran last, then the others of the same kind of arguments. If the guards of none
hold, the call is captured, and from the second time on a variant is made of it. What cannot be captured runs as it
is.
"""
from __future__ import annotations

import functools
import threading
import warnings
import weakref
from collections.abc import Callable
from types import MethodType
from typing import Any

from ..backends.cpu.memory import give_back
from ..codegen import llvm
from ..core import state
from ..core.state import SPECIAL_LEVEL, modes
from ..eager.tensor import Tensor
from .build import Unfit
from .capture import capture, tensors_in
from .explain import source, table
from .surroundings import Guard, is_plain, surroundings
from .variant import Variant
from .writer import MISS

LIMIT = 8               # variants of a function for one kind of arguments; beyond that it runs as it is
MOST_KINDS = 64         # kinds of arguments: numbers and flags among them make one each
FORGIVING = True        # False in our tests: there a failure of the compiler is to be seen
ATTEMPTS = 3            # captures that may fail before a function is left as it is


class Compiled:
    """A function that is captured at its second call and runs as native code from then on.

    `variants` are its programs, one for each combination of shapes, dtypes and settings; `reasons` says why calls
    ran as usual. Source: PyTorch `torch.compile`.
    """

    def __init__(self, function: Callable[..., Any], watching: Any = None, fullgraph: bool = False) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function, self.watching, self.fullgraph = function, watching, fullgraph
        self.variants: dict[Any, list[Variant]] = {}
        self.reasons: list[str] = []
        self.leaves: dict[Any, list[Any]] = {}          # key -> what gathered gradients in the last call
        self.lock = threading.Lock()
        EVERY.add(self)
        self.latest: Callable[..., Any] | None = None       # the last variant that ran, if it takes tensors alone

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        latest = self.latest
        if latest is not None and state.plain and not kwargs:
            result = latest(*args)
            if result is not MISS:
                return result
        return self.slowly(args, kwargs)

    def slowly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Looks for another variant, captures one, or calls the function."""
        if modes.level == SPECIAL_LEVEL or not native():
            return self.function(*args, **kwargs)
        tensors = list(tensors_in((args, kwargs)))
        key = (modes.level, state.default_dtype()), frozen((args, kwargs))
        if key not in self.variants and len(self.variants) >= MOST_KINDS:
            return self.function(*args, **kwargs)
        known = self.variants.setdefault(key, []) if key[1] is not None else []
        for variant in known:
            result = variant.run(*tensors)
            if result is not MISS:
                if state.plain and not kwargs and all([isinstance(a, Tensor) for a in args]):
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
        things = (*args, *kwargs.values())
        around = surroundings(self.function, things)
        result, made = capture(self.function, args, kwargs, before or [], self.watching)
        self.leaves[key] = [leaf for leaf in made.leaves if leaf not in made.own]
        if before is None or before != self.leaves[key]:
            return result                       # which tensors gather gradients is known from the next call on
        if not made.stopped and changed(around, surroundings(self.function, things)):
            made.stopped = "the function changed a Python value that it reads"
        if not made.stopped:
            made.guards += around
            give_back()                         # what the capture needed, before the program takes its block
            try:
                variant = Variant(made, tensors)
            except Unfit as error:
                made.stopped = str(error)
            except Exception as error:          # the call has been made: a failure of ours must not fail it
                if not FORGIVING:
                    raise
                made.stopped = f"the compiler failed ({type(error).__name__}: {error})"
        if made.stopped:
            self.refuse(made.stopped)
            return result
        known.append(variant)
        if len(known) == LIMIT:
            warnings.warn(f"{self.label()} was compiled for {LIMIT} combinations of shapes and settings: other ones "
                          "run uncompiled from here on", stacklevel=4)
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

    # -- methods, copies -------------------------------------------------------------------------------------------

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """A compiled method of each instance."""
        if instance is None:
            return self
        if not hasattr(instance, "__dict__"):
            return MethodType(self.function, instance)      # nowhere to keep programs: it runs as it is
        known = instance.__dict__.setdefault("_compiled_methods", {})
        if id(self) not in known:
            known[id(self)] = Compiled(MethodType(self.function, instance), self.watching, self.fullgraph)
        return known[id(self)]

    def __reduce__(self) -> Any:
        return Compiled, (self.function, self.watching, self.fullgraph)       # programs are made anew

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
        """Step i of a variant: its loop nest, LLVM IR and assembly. Steps of a backward are counted after the
        forward's.
        """
        before = 0
        for executable in self.programs()[variant].executables():
            if i - before < len(executable.steps):
                return source(executable, i - before)
            before += len(executable.steps)
        raise IndexError(f"variant {variant} has no step {i}: explain() lists them")


EVERY: weakref.WeakSet[Compiled] = weakref.WeakSet()


def forget_latest() -> None:
    """What ran last need not be right any more."""
    for compiled in EVERY:
        compiled.latest = None


state.on_default_dtype_change(forget_latest)


def changed(before: list[Guard], after: list[Guard]) -> bool:
    """Whether a plain value among a function's surroundings is another one after a call."""
    values = {(kind, id(what), which): value for kind, what, which, value in before}
    for kind, what, which, value in after:
        old = values.get((kind, id(what), which), value)
        if old is not value and (is_plain(value) or kind == "whole") and old != value:
            return True
    return False


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
    return value.__class__, repr(value) if value.__class__ is float else value


@functools.cache
def native() -> bool:
    """Whether machine code can be made here; says so once if not."""
    try:
        if llvm.available() and llvm.host():
            return True
    except ImportError:                         # there, but broken
        llvm.host.cache_clear()
    warnings.warn("compile() needs llvmlite to make machine code, and it is not installed: everything runs uncompiled, "
                  "with the same results, slower. pip install llvmlite", stacklevel=4)
    return False
