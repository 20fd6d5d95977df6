"""Compiled against eager, and native against NumPy: the two comparisons that the compiler's tests are made of.

`difference(program, torch)` runs a random program four times both ways. `low_level(variant)` runs a variant's
program once by its kernels and once by `compiler/reference.py`, on copies of the same memory. Both return what
differs, "" if nothing does.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from stickonfire.compiler.build import as_array
from stickonfire.compiler.program import Program, Ref
from stickonfire.compiler.recorder import Recorder
from stickonfire.compiler.reference import execute
from stickonfire.compiler.trace import Traced

CALLS = 4
INTO_SINGLE = ("i_to_float", "i_div", "bool_float", "mean_bool")  # float32, whatever came in
COUNTS: Counter[str] = Counter()  # how many programs were compiled, and why others were not
TOLERANCE = {"float32": 3e-5, "float64": 1e-11, "float16": 2e-2}
NUDGE = {"float32": 1e-6, "float64": 1e-13}


def numbers(t: Any) -> np.ndarray:
    return np.array(t.detach().numpy())


def outcome(
    program: Any, torch: Any, calls: int, nudge: float = 0.0, compiled: bool = False
) -> tuple[list[Any], Any]:
    """What each call leaves behind: results, arguments, gradients, parameters, as arrays. And the function."""
    parameters = program.fresh_parameters(torch, nudge)
    step = program.step(torch, parameters)
    if compiled:
        step = torch.compile(step)
    found = []
    for call in range(calls):
        given = program.inputs(torch, call, nudge)
        results = step(*given)
        found.append(
            {
                **{f"result {i}": numbers(r) for i, r in enumerate(results)},
                **{f"argument {i}": numbers(a) for i, a in enumerate(given)},
                **{f"gradient {i}": None if p.grad is None else numbers(p.grad) for i, p in enumerate(parameters)},
                **{f"parameter {i}": numbers(p) for i, p in enumerate(parameters)},
            }
        )
    return found, step


def difference(program: Any, torch: Any, deep: bool = True) -> str:
    """What differs between the compiled program and the program; "" if nothing does.

    Raises: what the program itself raises in eager.
    """
    expected, _ = outcome(program, torch, CALLS)
    moved, _ = outcome(program, torch, CALLS, nudge=1e-6)
    try:
        with UnheardWrites():
            found, step = outcome(program, torch, CALLS, compiled=True)
    except Exception as error:
        return f"compiled raises {error.__class__.__name__}: {error}"
    failed = [reason for reason in step.reasons if "the compiler failed" in reason]
    if failed:
        return failed[0]
    single = any(kind == "float32" for kind, _ in (*program.arguments, *program.parameters)) or any(
        "float32" in step.settings or step.name in INTO_SINGLE for step in program.steps
    )
    COUNTS["compiled" if step.programs() else (step.reasons or ["no reason"])[0].partition(", in ")[0]] += 1
    for call, (e, f, m) in enumerate(zip(expected, found, moved)):
        for name, wanted in e.items():
            text = unequal(wanted, f[name], m[name], single)
            if text:
                return f"call {call + 1}, {name}: {text}"
    if deep:
        for variant in step.programs():
            text = low_level(variant)
            if text:
                return text
    return ""


def unequal(wanted: Any, got: Any, moved: Any = None, single: bool = True) -> str:
    """How two arrays differ beyond rounding. moved: what eager says for inputs moved a little, to judge rounding by.

    single: whether some of what led there was computed in float32.
    """
    if wanted is None or got is None:
        return "" if wanted is got else f"expected {wanted}, got {got}"
    if wanted.shape != got.shape or wanted.dtype != got.dtype:
        return f"expected {wanted.dtype}{list(wanted.shape)}, got {got.dtype}{list(got.shape)}"
    if wanted.dtype.kind != "f":
        wrong = wanted != got
        if moved is not None:
            wrong &= wanted == moved
        return f"{np.count_nonzero(wrong)} of {wrong.size} elements differ" if wrong.any() else ""
    tolerance = TOLERANCE["float32" if single else wanted.dtype.name]
    with np.errstate(all="ignore"):
        usual = np.nanmax(np.abs(np.where(np.isfinite(wanted), wanted, 0)), initial=0)
        allowed = tolerance * (np.abs(wanted) + usual * 0.2 + 0.5)
        if moved is not None:
            same = (moved == wanted) | (np.isnan(moved) & np.isnan(wanted))
            way = np.where(same, 0, np.where(np.isfinite(moved - wanted), np.abs(moved - wanted), np.inf))
            allowed = allowed + (30 * way + 3 * np.max(way, initial=0, where=np.isfinite(way))) * (
                1 if single else 1e-5
            )
        wrong = ~((np.abs(wanted - got) <= allowed) | (wanted == got) | (np.isnan(wanted) & np.isnan(got)))
    if not wrong.any():
        return ""
    at = tuple(np.argwhere(wrong)[0])
    return (
        f"{np.count_nonzero(wrong)} of {wrong.size} elements differ, at {list(map(int, at))} expected {wanted[at]!r}, "
        f"got {got[at]!r}"
    )


class Memory:
    """A copy of each buffer, for NumPy to run a program on. nudge: how much to move the floats in it."""

    def __init__(self, program: Program, given: dict[Any, np.ndarray], nudge: float = 0.0) -> None:
        self.bytes: dict[Any, np.ndarray] = {}
        for b in program.buffers:
            held = given.get(b, b.memory if b.kind in ("external", "constant", "input") else None)
            self.bytes[b] = np.zeros(max(b.nbytes, 1) + 64, np.uint8)
            if held is not None and held.size:
                self.bytes[b][: b.nbytes] = raw(held, b.nbytes)
        if nudge:
            for ref in {r.buffer: r for i in program.instrs for r in i.reads() if r.dtype.kind == "f"}.values():
                numbers = self.bytes[ref.buffer][: ref.buffer.nbytes].view(ref.dtype)
                numbers *= 1 + nudge * np.resize([1, -1, -1, 1, 1, -1, 1], numbers.shape).astype(ref.dtype)

    def view(self, ref: Ref) -> np.ndarray:
        memory = self.bytes[ref.buffer]
        return as_array(memory.ctypes.data + ref.offset, ref, memory)


def raw(array: np.ndarray, nbytes: int) -> np.ndarray:
    """The bytes of the memory an array spans."""
    low = np.lib.array_utils.byte_bounds(array)[0]
    return as_array(low, Ref(None, np.dtype(np.uint8), (nbytes,), (1,), 0), array).copy()  # type: ignore[arg-type]


class UnheardWrites:
    """While it lasts, a function of `xp` that writes to an argument without being known to is an AssertionError."""

    def __enter__(self) -> None:
        self.call = call = Recorder.call

        def checked(recorder: Any, name: str, function: Any, args: Any, kwargs: Any, writes: Any = None) -> Any:
            given = [a.real for a in args if a.__class__ is Traced]
            before = [a.copy() for a in given]
            recorded = len(recorder.program.instrs)
            result = call(recorder, name, function, args, kwargs, writes)
            new = recorder.program.instrs[recorded:]
            known = {ref.buffer for instr in new for ref in instr.outs}
            for a, b, traced in zip(given, before, [a for a in args if a.__class__ is Traced]):
                assert traced.ref.buffer in known or np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), (
                    f"{name} writes to an argument unheard"
                )
            return result

        Recorder.call = checked

    def __exit__(self, *exc: object) -> None:
        Recorder.call = self.call


def low_level(variant: Any) -> str:
    """What differs between a variant's kernels and NumPy's execution of the same instructions."""
    executable = variant.executable
    program = executable.program
    if any(instr.name in ("draw", "effect") for instr in program.instrs):
        return ""
    inputs = {b: np.array(raw(b.memory, b.nbytes)) if b.nbytes else np.zeros(1, np.uint8) for b in executable.inputs}
    results = {b: np.zeros(max(b.nbytes, 1), np.uint8) for b in executable.results}
    symbols = [float(s.read()) for s in program.symbols]
    memory, moved = Memory(program, inputs), Memory(program, inputs, 1e-6 if is_single(program) else 1e-13)
    for instr in program.instrs:
        if instr.name not in ("raise_if", "check"):
            execute(instr, memory.view, lambda s: float(s.read()))
            execute(instr, moved.view, lambda s: float(s.read()))
    kept = {b: raw(b.memory, b.nbytes) for b in program.buffers if b.kind == "external" and b.nbytes}
    arrays = [*inputs.values(), *results.values()]
    try:
        for part in executable.parts:
            if callable(part):
                part(*arrays, *symbols)
            elif part.name not in ("raise_if", "check"):
                executable.interpret(part, arrays)
        return compare_memory(program, memory, moved, inputs, results)
    finally:
        for b, data in kept.items():
            low = np.lib.array_utils.byte_bounds(b.memory)[0]
            as_array(low, Ref(b, np.dtype(np.uint8), (b.nbytes,), (1,), 0), b.memory)[...] = data


def is_single(program: Program) -> bool:
    return any(r.dtype.name == "float32" for i in program.instrs for r in (*i.reads(), *i.outs))


def compare_memory(
    program: Program, memory: Memory, moved: Memory, inputs: dict[Any, Any], results: dict[Any, Any]
) -> str:
    """Each Ref that is written outside of the program: as the kernels left it and as NumPy did."""
    for instr in program.instrs:
        for ref in instr.outs:
            b = ref.buffer
            if b.kind == "temporary" or not ref.size:
                continue
            held = inputs.get(b, results.get(b, b.memory))
            low = np.lib.array_utils.byte_bounds(held)[0]
            text = unequal(
                memory.view(ref), as_array(low + ref.offset, ref, held), moved.view(ref), is_single(program)
            )
            if text:
                return f"native against NumPy, {instr!r}: {text}"
    return ""
