"""Checkpointing: a part of the forward is run again during backward instead of keeping what it saved.

Public under `stickonfire.utils.checkpoint`. The usual form (use_reentrant=False) keeps the graph and replaces each
saved array by a `Slot`; the first one that is opened runs the function again and fills them all. The reentrant
form keeps no graph at all and differentiates the second run by itself. Source: Chen et al. 2016, "Training
Deep Nets with Sublinear Memory Cost".
"""
from __future__ import annotations

import contextlib
import warnings
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from ..core import state
from ..core.state import modes
from .autocast import restored, setting
from .autograd import backward
from .function import Function
from .graph import SavedTensor
from .graph_tools import saved_tensors_hooks
from .modes import capturing, enable_grad
from .random import get_rng_state, set_rng_state
from .tensor import Tensor
from .views import current_edge


class CheckpointError(RuntimeError):
    """The second run of a checkpointed function did not do what the first had done."""


class StopRecomputation(Exception):
    """Ends the second run early: all that was asked for is there."""


def noop_context_fn() -> tuple[Any, Any]:
    """Contexts for the two runs that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(function: Callable[..., Any], *args: Any, use_reentrant: bool | None = None,
               context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn, determinism_check: str = "default",
               debug: bool = False, early_stop: bool = True, **kwargs: Any) -> Any:
    """`function(*args, **kwargs)`, keeping little for backward: what it saves is computed a second time then.

    use_reentrant=False is the better form; True supports no keyword arguments, no `autograd.grad`, and needs
    an input that requires a gradient. preserve_rng_state=True (a further keyword): random numbers are the
    same both times.
    context_fn: gives the contexts of the two runs. determinism_check: "default" compares shapes and dtypes,
    "none" nothing.

    Raises: CheckpointError in backward if the second run saved something else.
    Source: PyTorch `torch.utils.checkpoint.checkpoint`.

    >>> import stickonfire as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> y = torch.utils.checkpoint.checkpoint(lambda t: t.sin() * t, x, use_reentrant=False)
    >>> y.sum().backward(); x.grad
    tensor([1.3818, 1.3818])
    """
    recorder = capturing()
    if recorder is not None:
        recorder.stop("checkpoint() saves memory of an uncompiled backward")
    if use_reentrant is None:
        warnings.warn("torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. "
                      "use_reentrant=False is "
                      "recommended, but if you need to preserve the current default behavior, you can pass "
                      "use_reentrant=True.", stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        check_backward_validity(args)
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'] but got {determinism_check}")
    first, second = context_fn()
    if not (state.plain or modes.records):
        with first:
            return function(*args, **kwargs)
    frame = Frame(function, args, kwargs, preserve, second, early_stop, determinism_check == "default")
    with saved_tensors_hooks(frame.pack, Slot.open), first:
        return function(*args, **kwargs)


class Frame:
    """One checkpointed call: how to run it again, and what the second run has found."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], preserve: bool,
                 context: Any, early_stop: bool, compare: bool) -> None:
        self.function, self.context, self.early_stop, self.compare = function, context, early_stop, compare
        self.args = [kept(a) for a in args]
        self.kwargs = {name: kept(a) for name, a in kwargs.items()}
        self.rng = get_rng_state() if preserve else None
        self.autocast = setting()
        self.slots: list[weakref.ref[Slot]] = []
        self.facts: list[tuple[Any, ...]] = []              # shape and dtype of each saved tensor
        self.found: dict[int, Tensor] = {}

    def pack(self, t: Tensor) -> Slot:
        """In the first run: a slot in place of the tensor."""
        slot = Slot(self, len(self.slots))
        self.slots.append(weakref.ref(slot))
        self.facts.append((tuple(t.shape), t.dtype))
        return slot

    def run_again(self) -> None:
        """Fills the slots that are still needed."""
        count = 0

        def take(t: Tensor) -> Tensor:
            nonlocal count
            i, count = count, count + 1
            if i < len(self.slots):
                if self.compare and (tuple(t.shape), t.dtype) != self.facts[i]:
                    raise CheckpointError(
                        "torch.utils.checkpoint: Recomputed values for the following tensors have different "
                        f"metadata than during the forward pass.\ntensor at position {i}:\nsaved metadata: "
                        f"{self.facts[i]}\nrecomputed "
                        f"metadata: {(tuple(t.shape), t.dtype)}")
                if self.slots[i]() is not None:
                    self.found[i] = t
            if self.early_stop and count == len(self.slots):
                raise StopRecomputation
            return t
        args = [given(a) for a in self.args]
        kwargs = {name: given(a) for name, a in self.kwargs.items()}
        with contextlib.suppress(StopRecomputation), random_state(self.rng), enable_grad(), \
                restored(self.autocast), self.context, saved_tensors_hooks(take, lambda t: t):
            self.function(*args, **kwargs)
        if count != len(self.slots):
            raise CheckpointError("torch.utils.checkpoint: A different number of tensors was saved during the "
                                  "original forward and recomputation.\nNumber of tensors saved during forward: "
                                  f"{len(self.slots)}\nNumber of "
                                  f"tensors saved during recomputation: {count}.")


class Slot:
    """What stands for a tensor that was not kept."""

    __slots__ = ("frame", "place", "__weakref__")

    def __init__(self, frame: Frame, place: int) -> None:
        self.frame, self.place = frame, place

    def open(self) -> Tensor:
        """The tensor, computed again. It is handed out once, so that it is freed as soon as it was used."""
        if self.place not in self.frame.found:
            self.frame.run_again()
        return self.frame.found.pop(self.place)


def kept(value: Any) -> Any:
    """An argument as it is kept for the second run: of a tensor its array and edge, so that no cycle arises."""
    return SavedTensor(value, current_edge(value), None) if isinstance(value, Tensor) else value


def given(value: Any) -> Any:
    """An argument again."""
    return value.unpack(None) if isinstance(value, SavedTensor) else value


@contextlib.contextmanager
def random_state(rng: Tensor | None) -> Any:
    """Inside, the default generator goes on from a state; afterwards as if nothing had happened."""
    if rng is None:
        yield
        return
    before = get_rng_state()
    set_rng_state(rng)
    try:
        yield
    finally:
        set_rng_state(before)


# -- the reentrant form --------------------------------------------------------------------------------------------


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warns if no input requires a gradient, since then nothing inside gets one."""
    if not any(t.requires_grad for t in inputs if isinstance(t, Tensor)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=3)


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs cut off their graph, as leaves that require gradients where they did."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}")
    return tuple([t.detach().requires_grad_(t.requires_grad) if isinstance(t, Tensor) else t for t in inputs])


class CheckpointFunction(Function):
    """A function run without a graph; its backward runs it again with one, and differentiates that."""

    @staticmethod
    def forward(ctx: Any, function: Callable[..., Any], preserve: bool, *args: Any) -> Any:
        ctx.function = function
        ctx.rng = get_rng_state() if preserve else None
        ctx.autocast = setting()
        ctx.places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        ctx.others = [None if isinstance(a, Tensor) else a for a in args]
        ctx.save_for_backward(*[args[i] for i in ctx.places])
        return function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        args = list(ctx.others)
        for i, t in zip(ctx.places, ctx.saved_tensors):
            args[i] = t
        inputs = detach_variable(tuple(args))
        with random_state(ctx.rng), enable_grad(), restored(ctx.autocast):
            outputs = ctx.function(*inputs)
        many = outputs if isinstance(outputs, tuple) else (outputs,)
        pairs = [(t, g) for t, g in zip(many, grads) if isinstance(t, Tensor) and t.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward([t for t, _ in pairs], [g for _, g in pairs])
        return (None, None, *[t.grad if isinstance(t, Tensor) else None for t in inputs])


def checkpoint_sequential(functions: Any, segments: int, input: Any, use_reentrant: bool | None = None,
                          **kwargs: Any) -> Any:
    """A chain of functions (or an nn.Sequential) in segments, each but the last one checkpointed.

    Source: PyTorch `torch.utils.checkpoint.checkpoint_sequential`.
    """
    if use_reentrant is None:
        warnings.warn("torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be "
                      "passed explicitly. "
                      "use_reentrant=False is recommended, but if you need to preserve the current default "
                      "behavior, you can pass use_reentrant=True.", stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    chain = list(functions.children()) if hasattr(functions, "children") else list(functions)

    def run(start: int, end: int) -> Callable[[Any], Any]:
        def segment(value: Any) -> Any:
            for part in chain[start:end]:
                value = part(value)
            return value
        return segment
    size = len(chain) // segments
    for start in range(0, size * (segments - 1), size):
        input = checkpoint(run(start, start + size), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return run(size * (segments - 1), len(chain))(input)
