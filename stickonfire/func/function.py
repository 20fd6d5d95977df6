"""User-written autograd Functions under vmap: by their own `vmap`, or by running forward and backward on samples.

Called by `handler.py`. Room: func. May import eager and below.
"""
from __future__ import annotations

from typing import Any, NamedTuple

from ..core.state import modes, set_mode
from ..eager import Function, Tensor
from .batched import Level, expose, level_of, wrap
from .pytree import leaves, spread


class VmapInfo(NamedTuple):
    """What a Function's own `vmap` is told first."""

    batch_size: int
    randomness: str


def function_on_samples(cls: Any, args: tuple[Any, ...], level: Level) -> Any:
    """Applies a Function to samples of a level.

    Raises: RuntimeError unless it has a `vmap` or sets `generate_vmap_rule`.
    """
    own = getattr(cls, "vmap", None)
    flags = tuple([level_of(a) is level for a in args])
    if own is not None:
        return by_own_rule(own, args, flags, level)
    if not cls.generate_vmap_rule or cls.setup_context is Function.setup_context:
        raise RuntimeError(f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override "
                           "and implement the vmap staticmethod, or set generate_vmap_rule=True and move what forward "
                           "does with ctx to setup_context")
    physical = [a._array.physical if flag else a for a, flag in zip(args, flags)]
    out = on_whole_batch(cls, flags, level).apply(*physical)
    return tuple([wrap(t, level) for t in out]) if isinstance(out, tuple) else wrap(out, level)


def by_own_rule(own: Any, args: tuple[Any, ...], flags: tuple[bool, ...], level: Level) -> Any:
    physical = [a._array.physical if flag else a for a, flag in zip(args, flags)]
    out, out_dims = own(VmapInfo(level.size, level.randomness), tuple([0 if flag else None for flag in flags]),
                        *physical)
    several = isinstance(out, tuple)
    dims = spread(out_dims, out) or [0] * len(leaves(out))
    wrapped = tuple([t if d is None else wrap(t.movedim(d, 0), level) for t, d in zip(leaves(out), dims)])
    return wrapped if several else wrapped[0]


class Inner:
    """The context that a Function sees of a sample."""

    def __init__(self, needs: tuple[bool, ...]) -> None:
        self.needs_input_grad, self.materialize = needs, True
        self.to_save: tuple[Any, ...] = ()
        self.saved_tensors: tuple[Any, ...] = ()
        self.flat: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        self.to_save = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Accepted, like the outer context's."""

    def mark_non_differentiable(self, *tensors: Any) -> None:
        self.flat = tensors

    def set_materialize_grads(self, value: bool) -> None:
        self.materialize = value


def on_whole_batch(cls: Any, flags: tuple[bool, ...], level: Level) -> Any:
    """A Function of physical tensors that runs another one's forward and backward on samples."""
    handler = modes.handler

    def samples(values: Any, which: Any) -> tuple[Any, ...]:
        return tuple([wrap(v, level) if flag and isinstance(v, Tensor) else v for v, flag in zip(values, which)])

    class OnBatch(Function):
        @staticmethod
        def forward(ctx: Any, *physical: Any) -> Any:
            inner, given = Inner(ctx.needs_input_grad), samples(physical, flags)
            out = cls.forward(*given)
            cls.setup_context(inner, given, out)
            ctx.inner, ctx.kept = inner, [level_of(t) is level for t in inner.to_save]
            ctx.save_for_backward(*[t._array.physical if flag else t for t, flag in zip(inner.to_save, ctx.kept)])
            ctx.set_materialize_grads(inner.materialize)
            many = out if isinstance(out, tuple) else (out,)
            whole = tuple([expose(t, level) for t in many])
            flat = {id(t) for t in inner.flat}
            ctx.mark_non_differentiable(*[w for w, t in zip(whole, many) if id(t) in flat])
            return whole if isinstance(out, tuple) else whole[0]

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            before = set_mode("handler", handler)           # backward runs when vmap is over
            try:
                ctx.inner.saved_tensors = samples(ctx.saved_tensors, ctx.kept)
                found = cls.backward(ctx.inner, *samples(grads, [True] * len(grads)))
                many = found if isinstance(found, tuple) else (found,)
                return tuple([None if g is None else expose(g, level) if flag else expose(g, level).sum(0)
                              for g, flag in zip(many, flags)])
            finally:
                set_mode("handler", before)
    OnBatch.__name__ = cls.__name__
    OnBatch._backward_cls.__name__ = cls._backward_cls.__name__
    return OnBatch
