"""The nodes that ops and leaves hang on the tape, and what they save.

`OpNode` runs an op's gradient rules; `AccumulateGrad` stands for a leaf and holds its gradient, so that
graphs keep gradients alive, not tensors. Saved arrays carry the version they were saved at.
"""
from __future__ import annotations

import functools
import threading
import traceback
import weakref
from collections.abc import Callable, Sequence
from sys import getrefcount
from typing import Any

from ..backends.base import FAST, XP
from ..core import state
from ..core.state import modes
from ..ops.op import Op
from ..tape.node import Edge, Hooks, Node, Output, ends_of, next_number
from .modes import set_grad
from .node_names import node_name
from .promotion import SCALAR_NAMES
from .tensor import INFERENCE, Tensor, make, new, version_cell

FREED = ("Trying to backward through the graph a second time (or directly access saved tensors after they have "
         "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
         "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or "
         "if you need to access saved tensors after calling backward.")


def held_alone() -> int:
    """The reference count of what only one list holds, as this interpreter counts."""
    holder = [object()]
    return getrefcount(holder[0])


ALONE = held_alone()
ACCUMULATING = threading.RLock()        # adding Tensors may call what a user wrote


class AccumulateGrad(Node):
    """A leaf that requires a gradient: where its gradient is gathered."""

    __slots__ = ("grad", "array", "owner", "post_hooks")
    grad: Tensor | None
    post_hooks: dict[int, Callable[[Tensor], None]] | None
    watched = False         # whether any leaf has, or had, hooks, which could tell when a leaf is run

    def __init__(self, leaf: Tensor) -> None:
        self.number, self.parents, self.shape = next_number(), (), leaf._array.shape
        self.array, self.owner, self.grad, self.post_hooks = leaf._array, weakref.ref(leaf), None, None

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    @property
    def variable(self) -> Tensor:
        """The leaf; if nobody else holds it any more, a tensor that shares its memory and its gradient."""
        leaf = self.owner()
        return leaf if leaf is not None and leaf._edge is self else make(self.array, self)

    def hooked(self) -> Hooks:
        AccumulateGrad.watched = True
        return super().hooked()

    def apply(self, grads: list[Any], values: Any) -> tuple[Any, ...]:
        if grads[0] is not None:
            ACCUMULATING.acquire()          # two threads may run backward into one leaf
            try:
                fast = FAST.get(grads[0].__class__)
                if (fast is not None and self.grad is None and getrefcount(grads[0]) == ALONE
                        and fast.may_take(grads[0], self.array)):
                    taken = new(Tensor)     # the array itself: nobody else holds it
                    taken._array = grads[0]
                    taken._edge = None
                    taken._alias = None if state.plain or not modes.inference else INFERENCE
                    self.grad = taken
                else:
                    values.accumulate(self, grads)
            finally:
                ACCUMULATING.release()
            if self.post_hooks:
                values.call_post_hooks(self)
        return ()


class OpNode(Node):
    """An op that was executed: the op, and what its rules asked to keep."""

    __slots__ = ("op", "saved", "versions")
    op: Op
    saved: tuple[Any, ...] | None       # for each rule what it wants, or None if it does not apply; None once released
    versions: Sequence[tuple[list[int], int]]           # of the saved tensors: (cell, what it should hold)

    simple = True                       # one output, of more than 16 bits: rules take everything as it is
    native: Any = None                  # the output's array dtype, where inputs differ from it

    label = ""                          # in the classes that users see: the name

    def name(self) -> str:
        return self.label or node_name(self)

    def shown(self) -> OpNode:
        """The node, as an instance of a class of its own name, as PyTorch's are."""
        if not self.label:
            kind: Any = type(self)
            self.__class__ = class_named(kind, node_name(self))
        return self

    def release(self) -> None:
        if self.versions or (self.op.keeps_numbers and keeps_number(self.op, self.saved)):
            if self.op.name == "pow":
                self.shown()                    # its name depends on what is forgotten now
            self.saved = None

    def apply(self, grads: list[Any], values: Any) -> Any:
        saved = self.saved
        if saved is None:
            raise RuntimeError(FREED)
        for cell, version in self.versions:
            if cell[0] != version:
                raise changed_in_place(self, cell[0], version)
        op, g = self.op, grads[0]
        if self.simple:
            if op.quick is not None and (quick := op.quick.get(g.__class__)) is not None:
                inputs = quick(g, saved, self.parents)
                if inputs is not None:
                    return inputs
            xp = XP.get(g.__class__)
            if xp is not None:
                return (op.backward or prepare(op))(xp, g, saved)
        return (op.backward or prepare(op))(*values.arguments(self, grads, saved))


@functools.cache
def class_named(base: Any, name: str) -> Any:
    """A subclass that differs in its name alone."""
    return type(name.rpartition("::")[2], (base,), {
        "__slots__": (), "label": name, "__module__": base.__module__, "__getattr__": saved_attribute})


def saved_attribute(node: OpNode, name: str) -> Any:
    """PyTorch's `_saved_self`, `_saved_other`, `_saved_result`, ...: what the node keeps.

    Only the classes that users see have it: a class with a `__getattr__` is slower in all it does.
    """
    if not name.startswith("_saved_"):
        raise AttributeError(f"'{node.name()}' object has no attribute '{name}'")
    return saved_value(node, name.removeprefix("_saved_"))


def keeps_number(op: Op, saved: Any) -> bool:
    """Whether a rule kept an operand, if only a number: PyTorch then refuses a second backward."""
    return any(kept is not None and any(source == "input" for source, _ in rule.wants)
               for rule, kept in zip(op.rules, saved))


def saved_value(node: OpNode, name: str) -> Any:
    """What a node keeps under a name: a tensor with the edge it had, or an attribute.

    Raises: RuntimeError if it was freed, AttributeError if the node keeps no such thing.
    """
    if node.saved is None:
        raise RuntimeError(FREED)
    for rule, kept in zip(node.op.rules, node.saved):
        for (source, key), value in zip(rule.wants, kept or ()):
            wanted = (node.op.tensors[key], "self" if key == 0 else "") if source == "input" else ()
            if name in wanted and value.__class__ in XP:
                return make(value, node.parents[key])
            if (source == "out" and name == "result") or (source == "input" and name == node.op.tensors[key]):
                return make(value, node) if value.__class__ in XP else value
            if source == "attr" and name == key:
                return value
    raise AttributeError(f"'{node.name()}' object has no attribute '_saved_{name}'")


def prepare(op: Op) -> Callable[[Any, Any, Any], Any]:
    """Puts an op's rules together, the first time they are needed: (xp, g, saved) to gradients for all inputs."""
    rules = op.rules
    first = rules[0].function
    if op.variadic:
        def backward(xp: Any, g: Any, saved: Any) -> Any:
            return first(xp, g, *saved[0])
    else:
        names: dict[str, Any] = {f"rule{k}": rule.function for k, rule in enumerate(rules)}
        exec(compile(backward_source(op), f"<op {op.name} backward>", "exec"), names)
        backward = names["backward"]
    op.keeps_numbers = bool(op.scalars) and any(source == "input" for rule in rules for source, _ in rule.wants)
    op.backward = backward              # last: another thread may take it at once
    return backward


def backward_source(op: Op) -> str:
    """The text of a function that calls each rule that applies with what was kept for it."""
    lines = ["def backward(xp, g, saved):", f"    {''.join([f'kept{k}, ' for k in range(len(op.rules))])}= saved"]
    results = ["None"] * len(op.tensors)
    for k, rule in enumerate(op.rules):
        kept = "".join([f", kept{k}[{i}]" for i in range(len(rule.wants))])
        nothing = "None" if len(rule.inputs) == 1 else f"(None,) * {len(rule.inputs)}"
        lines.append(f"    g{k} = {nothing} if kept{k} is None else rule{k}(xp, g{kept})")
        for position, i in enumerate(rule.inputs):
            results[i] = f"g{k}" if len(rule.inputs) == 1 else f"g{k}[{position}]"
    return "\n".join([*lines, f"    return {', '.join(results)},", ""])


class PackedNode(OpNode):
    """An op whose saved tensors went through a user's `saved_tensors_hooks`."""

    __slots__ = ()

    def release(self) -> None:
        self.saved = None

    def apply(self, grads: list[Any], values: Any) -> Any:
        packed = self.saved
        if packed is None:
            raise RuntimeError(FREED)
        opened: dict[int, Any] = {}

        def open_once(value: Any) -> Any:
            if not isinstance(value, Packed):
                return value
            if id(value) not in opened:
                opened[id(value)] = value.open()
            return opened[id(value)]
        self.saved = self.mapped(open_once)
        try:
            return super().apply(grads, values)
        finally:
            self.saved = packed

    def pack(self) -> None:
        """Hands what was saved to the hooks, and keeps what they return."""
        known: dict[int, Packed] = {}

        def packed(value: Any) -> Any:
            if value.__class__ not in XP:
                return value
            if id(value) not in known:
                known[id(value)] = Packed(make(value))
            return known[id(value)]
        self.saved, self.versions = self.mapped(packed), ()

    def mapped(self, change: Callable[[Any], Any]) -> tuple[Any, ...]:
        """What is saved, with a function applied to each value."""
        return tuple([None if kept is None else tuple([
            [change(v) for v in value] if value.__class__ is list else change(value) for value in kept])
            for kept in self.saved or ()])


class Packed:
    """What a pack hook made of a tensor."""

    __slots__ = ("unpack", "value")

    def __init__(self, t: Tensor) -> None:
        pack, self.unpack = modes.packers[-1]
        with set_grad(False):
            self.value = pack(t)

    def open(self) -> Any:
        """The array again."""
        with set_grad(False):
            t = self.unpack(self.value)
        if not isinstance(t, Tensor):
            raise TypeError(f"Output of saved tensor unpack_hook expected to be a Tensor, but got {type(t).__name__}")
        return t._array


class SavedTensor:
    """A tensor kept for a user-written backward: array, edge, version; not the tensor, which could close a cycle."""

    __slots__ = ("array", "cell", "edge", "kind", "output", "version")

    def __init__(self, t: Tensor, edge: Edge | None, node: Node | None) -> None:
        self.cell = version_cell(t)
        self.version, self.kind = self.cell[0], t.__class__
        self.output = ends_of(edge)[1] if edge is not None and ends_of(edge)[0] is node else -1
        self.edge = edge if self.output < 0 else None
        self.array = t._array if state.plain or not modes.packers else Packed(make(t._array))

    def unpack(self, node: Node | None) -> Tensor:
        """The tensor as it was, or an error if it was changed in place since."""
        array, edge = self.array, self.edge
        if isinstance(array, Packed):
            array = array.open()
        elif self.cell[0] != self.version:
            raise changed_in_place(node, self.cell[0], self.version)
        if self.output >= 0 and node is not None:
            edge = node if node.outputs == 1 else Output(node, self.output)
        t = new(self.kind)
        t._array, t._edge, t._alias = array, edge, (self.cell, None, 0)
        return t


def record(op: Op, inputs: tuple[Any, ...], arrays: list[Any], edges: list[Edge | None], attrs: dict[str, Any],
           outs: tuple[Tensor, ...]) -> None:
    """Makes the outputs' node: called only if some input has an edge. Integer outputs stay outside the graph."""
    if not op.differentiable:
        return
    node = new(OpNode if state.plain or not modes.packers else PackedNode)
    node.number = next_number()
    node.parents = tuple(edges)
    node.op = op
    out = outs[0]
    array = out._array
    native = array.dtype
    if len(outs) == 1:
        if native.kind not in DIFFERENTIABLE:
            return
        node.shape = array.shape
        out._edge = node
    else:
        node.outputs, node.simple = len(outs), False
        node.shape = tuple([t._array.shape for t in outs])
        for i, t in enumerate(outs):
            if t._array.dtype.kind in DIFFERENTIABLE:
                t._edge = Output(node, i)
    if not op.rules:
        raise NotImplementedError(f"{op.name}: the gradient of this op is not implemented. Wrap the call in "
                                  "torch.no_grad(), or call .detach() on its inputs")
    save(node, op, inputs, arrays, attrs, outs)
    for a in arrays:
        if a.__class__ in XP and (a.dtype is not native or native.itemsize == 2):
            node.native = native
            node.simple = node.simple and native.itemsize > 2
            node.natives = tuple([b.dtype if b.__class__ in XP else None for b in arrays])
            break
    if not state.plain:
        if modes.packers:
            node.pack()
        if modes.anomaly:
            node.trace = forward_trace()


def forward_trace() -> str:
    """Where in the user's program an op is being executed: the stack without the framework's own frames."""
    frames = traceback.extract_stack()
    while len(frames) > 1 and frames[-1].filename.startswith((OWN_FOLDER, "<op ")):
        frames.pop()
    return "".join(frames.format())


OWN_FOLDER = __file__.rpartition("graph")[0]


DIFFERENTIABLE = frozenset("fcV")           # dtype kinds; V is bfloat16, a dtype of ml_dtypes


def save(node: OpNode, op: Op, inputs: tuple[Any, ...], arrays: list[Any], attrs: dict[str, Any],
         outs: tuple[Tensor, ...]) -> None:
    """Keeps what the applying rules want, and the versions of the tensors among it."""
    saved: list[Any] = []
    versions: list[tuple[list[int], int]] = []
    edges = node.parents
    for rule in op.rules:
        if len(edges) > 1 and not op.variadic and rule.idle(edges):
            saved.append(None)
            continue
        kept: list[Any] = []
        for source, key in rule.wants:
            if source == "attr":
                kept.append(attrs[key])
                continue
            if source == "input" and not op.variadic:
                kept.append(arrays[key])
                t = inputs[key]
                if not isinstance(t, Tensor):
                    continue
            elif source == "out":
                t = outs[0]
                kept.append(t._array)
            elif source == "input":
                kept.append(arrays)
                versions += [(cell := version_cell(t), cell[0]) for t in inputs]
                continue
            else:
                kept.append(fact(source, key, op, arrays, outs, node))
                continue
            alias = t._alias
            if alias is None:
                t._alias = alias = ([0], None, 0)
            cell = version_cell(t) if alias is INFERENCE else alias[0]
            versions.append((cell, cell[0]))
        saved.append(tuple(kept))
    node.saved = tuple(saved)
    node.versions = tuple(versions)


def fact(source: str, key: int, op: Op, arrays: list[Any], outs: tuple[Tensor, ...], node: OpNode) -> Any:
    """The rarer things a rule may ask for."""
    if source == "needs":
        return tuple([edge is not None for edge in node.parents])
    if source == "outs":
        return [t._array for t in outs]
    if source == "geometry":
        array = outs[0]._array if key < 0 else arrays[key]
        return XP[array.__class__].geometry(array)
    given = arrays if op.variadic else arrays[key:key + 1]
    if source == "shape":
        facts = [a.shape if a.__class__ in XP else () for a in given]
    else:
        facts = [XP[a.__class__].dtype_of(a) if a.__class__ in XP else None for a in given]
    return facts if op.variadic else facts[0]


def changed_in_place(node: Node | None, found: int, expected: int) -> RuntimeError:
    """The error for a saved tensor that was modified later on."""
    saved_by = "" if node is None else f" saved by {node.name()} (output of shape {list(node.shape)})"
    where = f" The op was recorded here:\n{node.trace}" if node is not None and node.trace else (
        " Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True).")
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: a tensor"
        f"{saved_by} is at version {found}; expected version "
        f"{expected} instead. Use an out-of-place op (x = x + 1, not x += 1), or clone() the tensor first.{where}")


def tensor_kind(t: Tensor) -> str:
    """PyTorch's name of a tensor's type, as in `torch.FloatTensor`."""
    return f"torch.{SCALAR_NAMES[t.dtype.name]}Tensor"
