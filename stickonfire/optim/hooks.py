"""Hooks: handles that remove them, those shared by all optimizers, and `step` with its hooks around it.

A hook is kept in an ordered dict under a running number; the handle knows the dict and the number.
Used by optimizer.py. May import: eager.
"""
import functools
import itertools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..eager.modes import capturing

_numbers = itertools.count()
global_step_pre_hooks: OrderedDict[int, Callable] = OrderedDict()
global_step_post_hooks: OrderedDict[int, Callable] = OrderedDict()


class RemovableHandle:
    """Takes a registered hook away again: by `remove()`, or at the end of a `with` block."""

    __slots__ = ("id", "_table", "__weakref__")

    def __init__(self, table: OrderedDict[int, Callable]) -> None:
        self.id = next(_numbers)
        self._table = table

    def remove(self) -> None:
        self._table.pop(self.id, None)

    def __enter__(self) -> "RemovableHandle":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.remove()


def register(table: OrderedDict[int, Callable], hook: Callable, prepend: bool = False) -> RemovableHandle:
    """Puts the hook into the table, at its front if asked."""
    handle = RemovableHandle(table)
    table[handle.id] = hook
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle


def register_optimizer_step_pre_hook(hook: Callable) -> RemovableHandle:
    """Calls `hook(optimizer, args, kwargs)` before each step of every optimizer."""
    return register(global_step_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable) -> RemovableHandle:
    """Calls `hook(optimizer, args, kwargs)` after each step of every optimizer."""
    return register(global_step_post_hooks, hook)


def with_hooks(step: Callable) -> Callable:
    """`step`, with the hooks of the optimizer around it. Without hooks it costs one test."""
    if getattr(step, "hooked", False):
        return step

    @functools.wraps(step)
    def hooked(self: Any, *args: Any, **kwargs: Any) -> Any:
        recorder = capturing()
        if recorder is not None:
            recorder.watch(self)
        if (self._optimizer_step_pre_hooks or self._optimizer_step_post_hooks
                or global_step_pre_hooks or global_step_post_hooks):
            return _step_among_hooks(step, self, args, kwargs)
        return step(self, *args, **kwargs)

    hooked.hooked = True            # type: ignore[attr-defined]
    return hooked


def _step_among_hooks(step: Callable, optimizer: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    if optimizer.__dict__.get("_among_hooks"):      # a step that calls the one it overrides
        return step(optimizer, *args, **kwargs)
    args = (optimizer, *args)
    pre_hooks = [*global_step_pre_hooks.values(), *optimizer._optimizer_step_pre_hooks.values()]
    for pre_hook in pre_hooks:
        result = pre_hook(optimizer, args, kwargs)
        if result is None:
            continue
        if not (isinstance(result, tuple) and len(result) == 2):
            raise RuntimeError(f"{step} must return None or a tuple of (new_args, new_kwargs), but got {result}.")
        args, kwargs = result
    optimizer.__dict__["_among_hooks"] = True
    try:
        out = step(*args, **kwargs)
    finally:
        del optimizer.__dict__["_among_hooks"]
    for post_hook in [*optimizer._optimizer_step_post_hooks.values(), *global_step_post_hooks.values()]:
        post_hook(optimizer, args, kwargs)
    return out
