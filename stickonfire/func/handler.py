"""Where ops go while vmap runs: from samples to the batching rule, from there on to physical tensors.

`dispatch` hands every op to the handler of the thread (`modes.handler`). This one looks for the innermost level among
the inputs, lets the op's rule (`rules.py`) run ops on the physical tensors of that level, which come back here with one
level less, until none is left: then the op runs as ever. Room: func. May import eager and below.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..core.dtypes import SCALAR_NAMES, can_cast
from ..core.state import modes, set_mode
from ..eager.dispatch import dispatch
from ..eager.inplace import dispatch_inplace
from ..eager.modes import Handler
from ..eager.tensor import Tensor
from ..ops.op import REGISTRY, Op
from .batched import Level, level_of, wrap
from .function import function_on_samples
from .rules import DATA_DEPENDENT, RULES, Call
from .rules_random import RANDOM, drawn

COPY = REGISTRY["copy"]


class VmapHandler(Handler):
    """The running calls of vmap in a thread, the outermost first, and the handler that was there before."""

    def __init__(self, levels: tuple[Level, ...], below: Any) -> None:
        super().__init__(below)
        self.levels = levels

    def dispatch(self, op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
        """Executes an op on samples."""
        if op.name in RANDOM:
            return drawn(op, inputs, attrs, self.levels, self.beyond)
        level = innermost(inputs)
        if level is None:
            return self.beyond(op, inputs, attrs)
        if level not in self.levels:
            raise RuntimeError(f"{op.name}: a tensor of a vmap that has ended is used again. Return it from the "
                               "function under vmap instead")
        flags = tuple([level_of(t) is level for t in inputs])
        physical = tuple([t._array.physical if flag else t for t, flag in zip(inputs, flags)])
        out = rule_of(op)(Call(op, physical, flags, attrs, level.size))
        if isinstance(out, (tuple, list)):
            return tuple([wrap(t, level) for t in out])
        return wrap(out, level)

    def inplace(self, op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Tensor:
        """Executes an op and writes the result into its first input, which must be batched wherever the result is."""
        target, level = inputs[0], innermost(inputs)
        if level is None:
            return self.lowered(dispatch_inplace, op, inputs, attrs)
        if level_of(target) is not level:
            raise RuntimeError(f"vmap: aten::{op.name}_(self, *extra_args) is not possible because there exists a "
                               "Tensor `other` in extra_args that has more elements than `self`. This happened due to "
                               "`other` being vmapped over but `self` not being vmapped over in a vmap. Please try to "
                               "use out-of-place operators instead, or make `self` from a tensor that is vmapped over")
        result = self.dispatch(op, kept_apart(inputs), attrs)
        if result.shape != target.shape:
            raise RuntimeError(f"output with shape {list(target.shape)} doesn't match the broadcast shape "
                               f"{list(result.shape)}. In {op.name}_(); use the out-of-place op instead")
        if not can_cast(result.dtype, target.dtype):
            raise RuntimeError(f"result type {SCALAR_NAMES[result.dtype.name]} can't be cast to the desired output "
                               f"type {SCALAR_NAMES[target.dtype.name]}. In {op.name}_()")
        dispatch_inplace(COPY, (target._array.physical, result._array.physical), {"non_blocking": False})
        return target

    def function(self, cls: Any, args: tuple[Any, ...]) -> Any:
        """Applies a user-written Function; NotImplemented if no argument is batched."""
        level = innermost(args)
        return NotImplemented if level is None else function_on_samples(cls, args, level)

    def like(self, made: Tensor, input: Tensor) -> Tensor:
        """What was made in the image of a batched tensor, batched likewise: it may be written to."""
        level = level_of(input)
        if level is None:
            return made
        whole = made.unsqueeze(0).expand(level.size, *made.shape).clone()       # type: ignore[attr-defined]
        return wrap(self.like(whole, input._array.physical), level)

    def beyond(self, op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
        """Executes an op as if this vmap were not there."""
        return self.lowered(dispatch, op, inputs, attrs)


def rule_of(op: Op) -> Any:
    """An op's batching rule.

    Raises: NotImplementedError if it has none, RuntimeError if it cannot have one.
    """
    rule = RULES.get(op.name)
    if rule is not None:
        return rule
    way_out = "Compute this outside vmap, call the function in a loop and stack the results, or write the batch dim out"
    if op.name in DATA_DEPENDENT:
        raise RuntimeError("vmap: We do not support batching operators that can output dynamic shape. Attempted to "
                           f"vmap over aten::{op.name}. {way_out}, or use torch.where and masks")
    raise NotImplementedError(f"Batching rule not implemented for aten::{op.name}. {way_out}")


def kept_apart(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs of an in-place op; copies of the target and its views if a gradient rule may want what is overwritten.
    """
    if not modes.records or not any([isinstance(t, Tensor) and t.requires_grad for t in inputs]):
        return inputs
    target = inputs[0]
    cell = memory_of(target)
    return tuple([t.clone() if t is target or isinstance(t, Tensor) and cell is not None and memory_of(t) is cell else t
                  for t in inputs])


def memory_of(t: Tensor) -> Any:
    """What all views of a tensor's memory share; None for one that has no views."""
    while level_of(t) is not None:
        t = t._array.physical
    return None if t._alias is None else t._alias[0]


def innermost(inputs: tuple[Any, ...]) -> Level | None:
    """The innermost level among some inputs."""
    found = [level for t in inputs if (level := level_of(t)) is not None]
    return max(found, key=lambda level: level.number) if found else None


def running() -> tuple[Level, ...]:
    """The levels of the calls of vmap that this thread is in, the outermost first."""
    handler = modes.handler
    while handler is not None and not isinstance(handler, VmapHandler):
        handler = handler.below
    return () if handler is None else handler.levels


@contextmanager
def new_level(size: int, randomness: str) -> Iterator[Level]:
    """One more level inside."""
    levels = running()
    level = Level(len(levels) + 1, size, randomness)
    before = set_mode("handler", VmapHandler((*levels, level), modes.handler))
    try:
        yield level
    finally:
        set_mode("handler", before)
