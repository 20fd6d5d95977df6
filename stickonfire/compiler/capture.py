"""One call of a function, listened to: the program it amounts to, and what has to hold for the program to stand for
it.

`capture(function, args, kwargs, leaves)` calls the function for real and returns its result with a `Capture`.
Afterwards no Traced array is left anywhere: tensors have their own memory again, whether or not a program came of
it.
"""
from __future__ import annotations

import contextlib
import gc
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..core.state import set_mode
from ..eager.autograd import ARRAYS
from ..eager.graph import AccumulateGrad, SavedTensor
from ..eager.tensor import Tensor
from ..eager.views import current_edge
from ..tape.engine import reachable, walk
from .joint import Joint, capture_backward
from .program import Buffer, Instr, Program, Ref
from .recorder import Recorder, root_of
from .surroundings import Guard, names_in
from .trace import Traced, unwrapped


@dataclass
class Output:
    """A tensor that a run hands out: its part of a buffer, and the edge it is to have."""

    ref: Ref
    edge: Any
    tensor: Any = None          # the very tensor, if it existed before


@dataclass
class Capture:
    """What a call was found to do."""

    program: Program
    stopped: str = ""
    tensors: list[tuple[Any, np.ndarray]] = field(default_factory=list)     # what was met, with its memory
    leaves: list[Any] = field(default_factory=list)                         # the edges of those that gather gradients
    own: list[Any] = field(default_factory=list)                            # those of them that are arguments
    gradients: dict[int, Any] = field(default_factory=dict)                 # leaf number -> Output, or None
    began: dict[int, bool] = field(default_factory=dict)                    # leaf number -> whether it had a gradient
    guards: list[Guard] = field(default_factory=list)
    written: list[Any] = field(default_factory=list)                        # version cells to count up
    structure: Any = None                                                   # the result, with Outputs for tensors
    inputs: list[Buffer | None] = field(default_factory=list)               # for each tensor argument
    pinned: set[int] = field(default_factory=set)                           # arguments that have to be the very same
    touched: set[Buffer] = field(default_factory=set)                       # what is written
    joint: Joint | None = None                                              # if the result is to be run backward later
    entries: dict[int, int] = field(default_factory=dict)                   # id of a leaf -> argument it stands for


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors in nested lists, tuples and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors_in(part)


def capture(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any],
            leaves: list[Any], watching: Any = None) -> tuple[Any, Capture]:
    """Calls the function and listens. `leaves` are those known to gather gradients, from an earlier call.

    watching: makes a context manager of the recorder, to be entered meanwhile.
    """
    recorder = Recorder()
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    recorder.names = names_in(code) if code is not None else set()
    given = list(tensors_in((args, kwargs)))
    for i, t in enumerate(given):
        recorder.inputs.setdefault(id(t._array), i)
    began = {id(leaf): leaf.grad for leaf in leaves}
    made = Capture(recorder.program)
    result = None
    entries = cut_off(given)
    made.entries = {id(t._edge): i for i, t in enumerate(given) if t._edge is not None}
    began |= {id(t._edge): t._edge.grad for t in given if isinstance(t._edge, AccumulateGrad)}
    dice = dice_now()
    set_mode("recorder", recorder)
    try:
        recorder.lift_all(given)
        with contextlib.nullcontext() if watching is None else watching(recorder):
            result = function(*args, **kwargs)
        if dice_now() != dice:
            recorder.stop("random numbers of Python's own were drawn")
        if to_be_run_backward(result):
            made.joint = capture_backward(recorder, list(tensors_in(result)))
    except BaseException:
        recorder.stop("an exception was raised")
        put_back(recorder, None, [])
        raise
    finally:
        set_mode("recorder", None)
        recorder.numbers_back()
        reconnect(recorder, entries, result)
    finish(recorder, result, given, began, made)
    return result, made


def dice_now() -> Any:
    """The state of the generators that are not ours: a program would not draw from them."""
    state: Any = np.random.get_state()
    return random.getstate(), bytes(state[1]), state[2]


def cut_off(given: list[Tensor]) -> list[tuple[Tensor, Any, AccumulateGrad]]:
    """Makes leaves of arguments that have a history: what lies before the call is not part of it."""
    cut = []
    for t in given:
        edge = current_edge(t)
        if edge is not None and not isinstance(edge, AccumulateGrad):
            leaf = t._edge = AccumulateGrad(t)
            cut.append((t, edge, leaf))
    return cut


def reconnect(recorder: Recorder, cut: list[tuple[Tensor, Any, AccumulateGrad]], result: Any) -> None:
    """Undoes `cut_off`. Gradients that have arrived in the meantime go on where they would have gone."""
    real: dict[Any, Any] = {leaf: edge for _, edge, leaf in cut}
    ends = [edge for t in tensors_in(result) if (edge := current_edge(t)) is not None] if cut else []
    for node in reachable(ends):
        if any(parent in real for parent in node.parents):
            node.parents = tuple([real.get(parent, parent) for parent in node.parents])
    for t, edge, leaf in cut:
        t._edge = edge
        if leaf.grad is not None:
            recorder.stop("backward() was called in it, through an argument that has a history of its own")
            grad = leaf.grad._array
            walk([edge], [grad.real if grad.__class__ is Traced else grad], ARRAYS, False)


def to_be_run_backward(result: Any) -> bool:
    """Whether the result has a graph that nobody has run backward yet."""
    edges = [edge for t in tensors_in(result) if (edge := current_edge(t)) is not None]
    nodes = [node for node in reachable(edges) if not isinstance(node, AccumulateGrad)] if edges else []
    return bool(nodes) and all(getattr(node, "saved", ()) is not None for node in nodes)


def finish(recorder: Recorder, result: Any, given: list[Tensor], began: dict[int, Any], made: Capture) -> None:
    """Finds what the call left behind, and gives the tensors their memory back."""
    returned = list(tensors_in(result))
    if not recorder.stopped:
        recorder.lift_all(returned)                             # what was handed on without an op that looked at it
    refs = {id(t): t._array.ref for t in returned if t._array.__class__ is Traced}
    lifted = [(t, array, ref) for weak, array, ref in recorder.lifted if (t := weak()) is not None]
    leaves: list[Any] = []
    for t, _, _ in lifted:
        if isinstance(t._edge, AccumulateGrad) and t._edge not in leaves:
            leaves.append(t._edge)
    gradients = [leaf.grad for leaf in leaves]
    for g in gradients:
        if g is not None and g._array.__class__ is Traced:
            refs[id(g)] = g._array.ref
    if not recorder.stopped:
        known = {id(t) for t in (*returned, *given, *[g for g in gradients if g is not None])}
        known |= {id(t) for t, _, _ in lifted}
        unaccounted_roots(recorder, lifted, given)
        put_back(recorder, known, returned)
    else:
        put_back(recorder, None, returned)
    made.stopped = recorder.stopped
    made.leaves = leaves
    made.own = [leaf for leaf in leaves if id(leaf) in made.entries]
    if made.stopped:
        return
    describe(recorder, result, given, lifted, gradients, refs, began, made)


def describe(recorder: Recorder, result: Any, given: list[Tensor], lifted: list[Any], gradients: list[Any],
             refs: dict[int, Ref], began: dict[int, Any], made: Capture) -> None:
    """Writes down results, gradients and guards."""
    program = recorder.program
    arguments = {id(t) for t in given}
    made.tensors = [(t, array) for t, array, ref in lifted if id(t) not in arguments or ref.buffer.kind != "input"]
    by_source = {b.source: b for b in program.buffers if b.kind == "input"}
    made.inputs = [by_source.get(i) for i in range(len(given))]
    made.pinned = {ref.buffer.source for t, _, ref in lifted if ref.buffer.kind == "input" and id(t) not in arguments}
    existing = {id(t): t for t, _, _ in lifted}
    made.guards = [*recorder.guards, *recorder.optimizer_guards()]
    handed: dict[Buffer, None] = {}

    outputs_of: dict[int, Output] = {}                          # a tensor that is returned twice is one tensor

    def output(t: Tensor) -> Output:
        return outputs_of.setdefault(id(t), described(t))

    def described(t: Tensor) -> Output:
        ref = refs.get(id(t))
        if ref is None or id(t) in arguments or id(t) in existing and ref.buffer.kind != "input":
            return Output(ref, None, t)                                     # type: ignore[arg-type]
        if ref.buffer.kind == "temporary":
            handed[ref.buffer] = None
        return Output(ref, t._edge)

    written = {ref.buffer for instr in program.instrs for ref in instr.outs}
    returned = {ref.buffer for ref in refs.values()}
    for b in [b for b in program.buffers if b.kind == "constant" and (b in written or b in returned)]:
        begin_with(program, b)
    made.structure = mapped(result, output)
    for i, (leaf, g) in enumerate(zip(made.leaves, gradients)):
        if leaf.hooks is not None or leaf.post_hooks:
            made.stopped = "a parameter has hooks on its gradient"
        if AccumulateGrad.watched:
            made.guards += [("attribute", leaf, name, getattr(leaf, name)) for name in ("hooks", "post_hooks")]
        if leaf in made.own and g is not began.get(id(leaf)):
            made.stopped = "an argument's gradient was gathered in the call"
        if (made.joint is not None or leaf in made.own) and g is began.get(id(leaf)):
            continue                                                # a forward alone: gradients play no part
        made.began[i] = began.get(id(leaf)) is not None
        if id(began.get(id(leaf))) in existing:                     # the very gradient that is added to
            made.guards.append(("attribute", leaf, "grad", began[id(leaf)]))
        if g is began.get(id(leaf)):
            continue
        if g is None:
            made.gradients[i] = None
        elif id(g) not in existing:
            made.gradients[i] = output(g)
    if not AccumulateGrad.watched:
        made.guards.append(("attribute", AccumulateGrad, "watched", False))
    for buffer in handed:
        buffer.kind = "result"
    outputs = [o for o in (*outputs_in(made.structure), *made.gradients.values()) if o is not None]
    program.results = [o.ref for o in outputs if o.ref is not None]
    if made.joint is None and any(graph_is_alive(t) for t in tensors_in(result)):
        made.stopped = "the result carries a graph of which a part was run backward"
    written = {ref.buffer for instr in program.instrs for ref in instr.outs}
    if any(a in written or b in written for a, b in recorder.shared):
        made.stopped = "an argument shares memory with another tensor, and one of them is written to"
    made.touched = written
    for t, _, ref in lifted:
        if ref.buffer in written and ref.buffer.kind != "input" and t._alias is not None and t._alias[0] is not None:
            made.written.append(t._alias[0])


def begin_with(program: Program, b: Buffer) -> None:
    """Makes a constant that is written to, or handed out, a buffer of each run, which begins as a copy."""
    original = program.buffer("constant", b.nbytes, b.memory, b.start)
    dense = b.memory.nbytes == b.nbytes
    whole = Ref(b, b.memory.dtype, b.memory.shape, b.memory.strides, 0) if dense else Ref(
        b, np.dtype(np.uint8), (b.nbytes,), (1,), 0)
    b.kind, b.memory = "temporary", None
    program.instrs.insert(0, Instr("copy", (replace(whole, buffer=original),), (whole,), {}, np.copy))


def mapped(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """A nested result with its tensors changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, (list, tuple)):
        parts = [mapped(part, change) for part in value]
        return value._make(parts) if hasattr(value, "_make") else value.__class__(parts)
    if isinstance(value, dict):
        made = value.copy()
        made.update({key: mapped(part, change) for key, part in value.items()})
        return made
    return value


def outputs_in(value: Any) -> Iterator[Output]:
    if isinstance(value, Output):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from outputs_in(part)
    elif isinstance(value, dict):
        yield from outputs_in(list(value.values()))


def graph_is_alive(t: Tensor) -> bool:
    """Whether a result could still be run backward: some node that leads to it keeps arrays."""
    edge = current_edge(t)
    if edge is None:
        return False
    return any(holds_arrays(getattr(node, "saved", None)) for node in reachable([edge]))


def holds_arrays(value: Any) -> bool:
    if isinstance(value, (np.ndarray, Traced)):
        return True
    return isinstance(value, (tuple, list)) and any(map(holds_arrays, value))


def unaccounted_roots(recorder: Recorder, lifted: list[Any], given: list[Tensor]) -> None:
    """Memory whose tensor is gone was made in the call, in a way that was not heard: it would be another one next
    time.
    """
    held = {id(root_of(array)) for _, array, _ in lifted} | {id(root_of(t._array.real if t._array.__class__ is Traced
                                                                        else t._array)) for t in given}
    for weak, array, _ in recorder.lifted:
        if weak() is None and id(root_of(array)) not in held:
            recorder.stop(f"a tensor of shape {list(array.shape)} was made in the call by something that is not "
                          "compiled")
            return


def put_back(recorder: Recorder, known: set[int] | None, returned: list[Tensor]) -> None:
    """Tensors get NumPy's arrays again. A tensor outside of `known` that holds a Traced array means: it escaped."""
    for weak, array, ref in recorder.lifted:
        t = weak()
        if t is not None and t._array.__class__ is Traced:
            if t._array.ref is ref or t._array.ref.same(ref):
                t._array = array
            else:
                t._array = t._array.real
                recorder.stop("a tensor was given other memory (.data = ...)")
    for t in returned:
        unwrap(t)
        edge = current_edge(t)
        if edge is not None:
            for node in reachable([edge]):
                if getattr(node, "saved", None) is not None:
                    node.saved = unwrapped(node.saved)                      # type: ignore[attr-defined]
                if isinstance(node, AccumulateGrad) and node.array.__class__ is Traced:
                    node.array = node.array.real
    alive = [traced for weak in recorder.made if (traced := weak()) is not None]
    if not alive:
        return
    holders = gc.get_referrers(*alive)
    for holder in holders:
        if isinstance(holder, Tensor) and holder._array.__class__ is Traced:
            if known is not None and id(holder) not in known:
                recorder.stop(f"a tensor of shape {list(holder.shape)} that the call made is kept outside of its "
                              "result")
            unwrap(holder)
        elif isinstance(holder, (AccumulateGrad, SavedTensor)) and holder.array.__class__ is Traced:
            holder.array = holder.array.real


def unwrap(t: Tensor) -> None:
    if t._array.__class__ is Traced:
        t._array = t._array.real
