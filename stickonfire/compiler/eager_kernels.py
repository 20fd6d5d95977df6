"""One op on large arrays as one native program: what `eager/fused.py` asks for at the fourth call of a kind.

The op's own forward, or its gradient rules, run once over Traced arrays; what they do becomes a program as in a
compiled step, with the arrays as its inputs. `forward`, `backward` and `update` return a function that runs it, or None
where it would not be machine code throughout or would need memory of its own.
May import: codegen, backends, ops, eager, and this room.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..codegen import llvm
from ..core.state import set_mode
from ..eager.autograd import ARRAYS
from ..eager.dispatch import forward as run_forward
from ..eager.fused import arrays_in
from ..eager.graph import prepare as rules_of
from ..ops.op import Op
from .build import Executable, Unfit
from .program import Instr, Program, Ref, Symbol
from .recorder import Number, Recorder
from .trace import XP, Traced
from .variant import prepare, run_parts

TEMPORARIES = 1 << 20           # bytes of memory of its own that a program may keep
Run = Callable[..., Any]


def forward(op: Op, arrays: tuple[Any, ...], attributes: dict[str, Any]) -> Run | None:
    """The op's forward: a function of the arrays that returns the result."""
    made = listened(arrays, lambda traced: run_forward(op, XP, traced, attributes))
    if made is None:
        return None
    run, several = made
    return run if several else lambda arrays: run(arrays)[0]


def backward(op: Op, g: Any, saved: Any, shapes: tuple[Any, ...]) -> Run | None:
    """The op's gradient rules: a function of the gradient and of what was kept. shapes: those of the inputs."""
    rules = op.backward or rules_of(op)
    kept = arrays_in(op, saved)

    def run(traced: list[Any]) -> Any:
        by_source = dict(zip(kept, traced[1:]))
        again = tuple([None if part is None else tuple([by_source.get(source, value) for source, value in
                                                        zip(rule.wants, part)]) for rule, part in zip(op.rules, saved)])
        grads = rules(XP, traced[0], again)
        return tuple([None if grad is None or shape is None else ARRAYS.fit(grad, shape, None)
                      for grad, shape in zip(grads, shapes)])
    made = listened((g, *kept.values()), run)
    return None if made is None else made[0]


def update(name: str, arrays: tuple[Any, ...], settings: tuple[Any, ...]) -> Run | None:
    """An in-place kernel of the backend: a function of the arrays and its numbers, which says whether it ran."""
    step = UPDATES.get(name)
    if step is None or any(a.dtype != arrays[0].dtype for a in arrays):
        return None
    numbers = [Number(Symbol(str(i), lambda: 0.0, float(x))) for i, x in enumerate(settings)]
    program, inputs = Program(), [a.copy(order="K") for a in arrays]
    try:
        program = heard(inputs, lambda traced: step(*traced, *numbers))[0]
        executable = built(program)
    except Unfit:
        return None
    places = [b.source for b in executable.inputs]
    order = [int(symbol.label) for symbol in program.symbols]
    launch, = executable.parts

    def run(arrays: tuple[Any, ...], settings: tuple[Any, ...]) -> bool:
        target = arrays[0]
        for a in arrays[1:]:
            if a is not target and np.may_share_memory(a, target):
                return False
        launch(*[arrays[i] for i in places], *[settings[i] for i in order])
        return True
    return run


# -- in-place kernels, as in `backends/cpu/kernels_inplace.py` ---------------------------------------------------------


def _adam(p: Any, g: Any, m: Any, v: Any, new1: Any, beta2: Any, new2: Any, correction: Any, eps: Any,
          minus_step: Any) -> None:
    m += (g - m) * new1
    v *= beta2
    v += g * g * new2
    p += m / (XP.sqrt(v) / correction + eps) * minus_step


def _add_scaled(a: Any, b: Any, factor: Any) -> None:
    a += b * factor


def _add_product(a: Any, b: Any, c: Any, factor: Any) -> None:
    a += b * c * factor


def _add_quotient(a: Any, b: Any, c: Any, factor: Any) -> None:
    a += b / c * factor


UPDATES = {"_adam": _adam, "_add_scaled": _add_scaled, "_add_product": _add_product, "_add_quotient": _add_quotient}


# -- from a call to a program ------------------------------------------------------------------------------------------


def heard(arrays: Any, function: Callable[[list[Any]], Any]) -> tuple[Program, Any]:
    """Runs a function over Traced forms of the arrays. Returns the program it amounts to, and its result.

    Raises: Unfit if no program comes of it.
    """
    if not llvm.available():
        raise Unfit("llvmlite is not installed")
    recorder = Recorder()
    traced = [argument(recorder, a, i) if a.__class__ is np.ndarray else a for i, a in enumerate(arrays)]
    before = set_mode("recorder", recorder)
    try:
        result = function(traced)
    finally:
        set_mode("recorder", before)
    if recorder.stopped:
        raise Unfit(recorder.stopped)
    return recorder.program, result


def argument(recorder: Recorder, array: np.ndarray, position: int) -> Traced:
    """An array as an input of the program.   Raises: Unfit if it runs backwards in memory."""
    if array.dtype.char not in "fdlq?" or any(step < 0 for step in array.strides) or not array.size:
        raise Unfit("an array of another kind")
    low, high = np.lib.array_utils.byte_bounds(array)
    buffer = recorder.program.buffer("input", high - low, array, low, position)
    recorder.roots[id(array)] = buffer
    return recorder.traced(array, Ref(buffer, array.dtype, array.shape, array.strides, 0))


def built(program: Program) -> Executable:
    """A program as machine code.   Raises: Unfit if a part of it would not be, or it needs much memory of its own."""
    program.together = True
    prepare(program)
    inputs = sorted((b for b in program.buffers if b.kind == "input"), key=lambda b: b.source)
    for b in inputs:
        b.memory = None                                 # the program must not keep the arrays it was listened to with
    results = list(dict.fromkeys(ref.buffer for ref in program.results if ref.buffer.kind == "result"))
    executable = Executable(program, inputs, results)
    if any(isinstance(step, Instr) and step.name != "raise_if" for step in executable.steps):
        raise Unfit("a part of it is no machine code")
    if executable.arena.nbytes > TEMPORARIES:
        raise Unfit("it would need memory of its own")
    return executable


def listened(arrays: tuple[Any, ...], function: Callable[[list[Any]], Any]) -> tuple[Run, bool] | None:
    """A function of arrays, tried on these, as a program: `run(arrays)` gives its results as a tuple."""
    try:
        program, result = heard(arrays, function)
        several = result.__class__ is tuple
        refs = [None if value is None else ref_of(value) for value in (result if several else (result,))]
        program.results = [ref for ref in refs if ref is not None]
        for ref in program.results:
            if ref.buffer.kind == "temporary":
                ref.buffer.kind = "result"
        return runner(built(program), refs, arrays), several
    except Unfit:
        return None


def ref_of(value: Any) -> Ref:
    """What a result is.   Raises: Unfit if it is nothing the program made."""
    if value.__class__ is not Traced:
        raise Unfit("a result is no array")
    return value.ref


def runner(executable: Executable, refs: list[Ref | None], arrays: tuple[Any, ...]) -> Run:
    """The function that runs a program. Results are new arrays, or an argument itself where the program hands it on."""
    places = [b.source for b in executable.inputs]
    patterns = [pattern(next(r for r in refs if r is not None and r.buffer is b), b) for b in executable.results]
    picks = [None if ref is None else pick(ref, executable, arrays) for ref in refs]
    empty_like = np.empty_like
    launch = executable.parts[0] if len(executable.parts) == 1 else None

    def run(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        fresh = [empty_like(like) for like in patterns]
        if launch is not None:
            launch(*[arrays[i] for i in places], *fresh)
        else:
            run_parts(executable, [*[arrays[i] for i in places], *fresh])
        return tuple([None if p is None else fresh[p] if p >= 0 else arrays[~p] for p in picks])
    return run


def pattern(ref: Ref, buffer: Any) -> np.ndarray:
    """A model for `empty_like`: an array of the result's dtype, shape and strides, over hardly any memory."""
    like = np.lib.stride_tricks.as_strided(np.empty(1, ref.dtype), ref.shape, ref.strides)
    if ref.offset or np.empty_like(like).strides != ref.strides or ref.size * ref.dtype.itemsize != buffer.nbytes:
        raise Unfit("a result is a part of an array")
    return like


def pick(ref: Ref, executable: Executable, arrays: tuple[Any, ...]) -> int:
    """Where a result is found: the number of a new array, or ~n for argument n."""
    if ref.buffer in executable.results:
        return executable.results.index(ref.buffer)
    source = ref.buffer.source
    if ref.buffer.kind != "input" or ref.offset or (ref.shape, ref.strides) != (arrays[source].shape,
                                                                                 arrays[source].strides):
        raise Unfit("a result is a view of an argument")
    return ~source
