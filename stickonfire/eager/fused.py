"""Large arrays: an op declared `fused` runs as one native program in place of a string of NumPy calls.

Calls are counted by op, attributes, and the arrays' shapes, strides and dtypes. At the fourth of a kind, the compiler
(which lies above this room: `stickonfire/__init__.py` names it in `MAKERS`) listens to the op's forward or to its
gradient rules once and makes the program; where it cannot, NumPy goes on. Results are fresh arrays, and what an op
saves for its gradient is the same as ever. `torch.backends.fused` has the switch. Called by `specialize.py`, `graph.py`
by way of `Op.quick`, and the backend's in-place kernels. May import: core, backends, ops.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..backends.base import FAST
from ..core.config import switches
from ..ops.op import REGISTRY, Op

LARGE = 1 << 15                 # elements from which a program is quicker than NumPy by more than its call takes
FEW = 4                         # calls of a kind before a program is made; an op's second kind waits twice as long, ...
MOST = 256                      # kinds that are remembered
MAKERS: list[Callable[[], Any]] = []        # gives the module that makes programs
programs: dict[Any, Any] = {}               # kind of call -> calls so far, or its program, or None if there is none
made: dict[tuple[str, str], int] = {}       # op, and what is made -> programs there are


def program(key: Any, maker: str, *given: Any) -> Any:
    """The program for a kind of call, if there is one; made by the compiler's function `maker` when it is time."""
    try:
        found = programs.get(key, 0)
    except TypeError:                       # an attribute that cannot be compared
        return None
    if found.__class__ is not int:
        return found
    name = key[0], maker
    if found + 1 < FEW * (1 + made.get(name, 0)) or not MAKERS:
        if len(programs) >= MOST:
            programs.pop(next(iter(programs)), None)
        programs[key] = found + 1
        return None
    programs[key] = None                    # whatever else is called while it is made runs as usual
    result = getattr(MAKERS[0](), maker)(*given)
    if result is not None:
        programs[key], made[name] = result, made.get(name, 0) + 1
    return result


def kind_of(value: Any) -> Any:
    """An argument as part of a key: an array by its layout, anything else by its value."""
    if hasattr(value, "strides"):
        return value.shape, value.strides, value.dtype
    return tuple(map(kind_of, value)) if value.__class__ in (tuple, list) else value


def forward(op: Op, arrays: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """The op's result, or None where there is no program for it (yet)."""
    if not switches.fused:
        return None
    run = program((op.name, kind_of(arrays), kind_of(tuple(attributes.values()))), "forward", op, arrays, attributes)
    return None if run is None else run(arrays)


def backward(op: Op, other: Callable[..., Any] | None) -> Callable[..., Any]:
    """The op's gradient rules in one, for large arrays; `other` is what else there is. None where there is neither."""
    def quick(g: Any, saved: Any, edges: Any) -> Any:
        if (saved[0][0] if saved[0] else g).size >= LARGE and switches.fused:
            wanted = tuple([None if edge is None else edge.shape for edge in edges])
            run = program((op.name, kind_of(g), kind_of(saved), wanted), "backward", op, g, saved, wanted)
            if run is not None:
                return run((g, *arrays_in(op, saved).values()))
        return None if other is None else other(g, saved, edges)
    return quick


def arrays_in(op: Op, saved: Any) -> dict[Any, Any]:
    """The arrays among what the rules kept, each once: by what it is, an input or the output."""
    return {source: value for rule, kept in zip(op.rules, saved) if kept is not None
            for source, value in zip(rule.wants, kept) if hasattr(value, "strides")}


def update(step: Callable[..., None], arrays: tuple[Any, ...], settings: tuple[Any, ...]) -> bool:
    """Runs an in-place kernel of the backend. False, and nothing is written, where there is no program for it."""
    if not switches.fused or arrays[0].size < LARGE:
        return False
    run = program((step.__name__, kind_of(arrays)), "update", step.__name__, arrays, settings)
    return run is not None and run(arrays, settings)


def install() -> None:
    """Puts the programs in the way of those ops that are declared `fused`."""
    for array_class, fast in FAST.items():
        for op in REGISTRY.values():
            if op.fused and op.rules:
                op.quick = {**(op.quick or {}), array_class: backward(op, (op.quick or {}).get(array_class))}
        fast.native_updates.append(update)
