"""A captured forward whose result is to be run backward later: its backward is captured with it.

While the recorder still listens, the result's graph is walked once with stand-ins for the gradients that will come.
What was recorded up to there is the forward program, the rest the backward program; what the second reads of the
first is handed from one to the other. A run of the forward then hangs one node on the graph, which runs the
backward program.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..eager.autograd import ARRAYS
from ..eager.graph import FREED, AccumulateGrad, changed_in_place
from ..eager.tensor import Tensor
from ..eager.views import current_edge
from ..tape.engine import Wanted, reachable, walk
from ..tape.node import Node
from .program import Buffer, Instr, Program, Ref
from .recorder import Recorder
from .simplify import renamed
from .trace import Traced


@dataclass
class Joint:
    """The backward half of a capture."""

    mark: int                                               # how many instructions the forward has
    outputs: list[Tensor]                                   # the result's tensors that gradients come to
    gradients: list[Ref]                                    # the stand-ins for those
    edges: list[Any]                                        # what gradients are found for: leaves
    found: list[Ref | None] = field(default_factory=list)
    cells: list[tuple[list[int], int]] = field(default_factory=list)        # versions of what the backward reads


def capture_backward(recorder: Recorder, returned: list[Tensor]) -> Joint | None:
    """Walks the result's graph under the recorder. None if there is nothing to walk."""
    outputs = list({id(t): t for t in returned if current_edge(t) is not None}.values())
    if not outputs or recorder.stopped:
        return None
    mark = len(recorder.program.instrs)
    edges: list[Any] = [current_edge(t) for t in outputs]
    if any(node.hooks is not None or getattr(node, "post_hooks", None) for node in reachable(edges)):
        recorder.stop("a hook waits for a gradient")
        return None
    stand_ins = []
    for i, t in enumerate(outputs):
        real = np.ones(t._array.shape, t._array.dtype)
        buffer = recorder.program.buffer("input", real.nbytes, None, real.ctypes.data, ("gradient", i))
        stand_ins.append(recorder.traced(real, Ref(buffer, real.dtype, real.shape, real.strides, 0)))
    leaves = [node for node in reachable(edges) if isinstance(node, AccumulateGrad)]
    values: dict[Node, Any] = {}

    def collect(node: Node, output: int, grad: Any) -> None:
        values[node] = grad
    walk(list(edges), list(stand_ins), ARRAYS, True, Wanted({leaf: [0] for leaf in leaves}, collect))
    made = Joint(mark, outputs, [t.ref for t in stand_ins], list(leaves))
    for leaf in leaves:
        grad = values.get(leaf)
        if grad is not None and grad.__class__ is not Traced:
            recorder.stop("a gradient was computed by something that is not compiled")
        made.found.append(None if grad is None else grad.ref)
    return made


def halves(program: Program, joint: Joint) -> tuple[Program, Program, list[tuple[Buffer, Buffer]]]:
    """The forward program, the backward program, and the pairs of buffers that are handed over."""
    forward, backward = program, Program()
    forward.instrs, rest = program.instrs[:joint.mark], program.instrs[joint.mark:]
    made = {ref.buffer for instr in forward.instrs for ref in instr.outs}
    handed: dict[Buffer, Ref] = {}
    for instr in rest:
        for ref in instr.reads():
            b = ref.buffer
            if b in made and b.kind in ("temporary", "result") and b not in handed:
                own = Buffer(-1 - b.number, "input", b.nbytes, None, b.start, ("saved", b))
                handed[b] = Ref(own, ref.dtype, (), (), 0)
    for b in handed:
        b.kind = "result"
    for instr in rest:
        backward.instrs.append(Instr(instr.name, renamed(instr.operands, handed), renamed(instr.outs, handed),
                                     renamed(instr.settings, handed), instr.run, instr.line))
    joint.found = [None if ref is None else renamed(ref, handed) for ref in joint.found]
    backward.results = [ref for ref in joint.found if ref is not None]
    for ref in backward.results:
        if ref.buffer.kind == "temporary":
            ref.buffer.kind = "result"
    used = {ref.buffer: None for instr in backward.instrs for ref in (*instr.reads(), *instr.outs)}
    used.update({ref.buffer: None for ref in backward.results})
    used.update({ref.buffer: None for ref in joint.gradients})
    backward.buffers = list(used)
    backward.symbols = program.symbols
    whole = [Ref(b, np.dtype(np.uint8), (b.nbytes,), (1,), 0) for b in handed]
    forward.results = [*forward.results, *whole]
    return forward, backward, [(b, ref.buffer) for b, ref in handed.items()]


class CompiledNode(Node):
    """The one node of a compiled forward: it runs the compiled backward."""

    __slots__ = ("run", "kept", "versions", "leaves")

    def __init__(self, run: Callable[..., Any], kept: tuple[Any, ...], parents: tuple[Any, ...],
                 shapes: tuple[Any, ...], versions: tuple[Any, ...], number: int) -> None:
        self.number, self.parents, self.run, self.kept, self.versions = number, parents, run, kept, versions
        if len(shapes) > 1:
            self.outputs = len(shapes)
        self.shape = shapes if len(shapes) > 1 else shapes[0]

    def name(self) -> str:
        return "CompiledFunctionBackward"

    def release(self) -> None:
        self.kept = None                                                        # type: ignore[assignment]

    def apply(self, grads: list[Any], values: Any) -> Any:
        if self.kept is None:
            raise RuntimeError(FREED)
        for cell, version in self.versions:
            if cell[0] != version:
                raise changed_in_place(None, cell[0], version)
        if values.recording:
            raise RuntimeError("torch.compile does not support double backward: a compiled function was run backward "
                               "under create_graph=True. Call the function itself instead of the compiled one")
        return self.run(grads, self.kept)


