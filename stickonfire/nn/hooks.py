"""Functions that run around a module's forward and backward.

Room: nn. `Hooks` is a mixin of Module (module.py), whose `__call__` comes to `call_with_hooks` only when
there is a hook. Hooks on gradients are in backward_hooks.py, those on state dicts in state.py.
May import: eager.
"""
from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .backward_hooks import BackwardHook, attach_legacy_hooks
from .handle import RemovableHandle, register

HOOK_TABLES = ("_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called",
               "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs",
               "_backward_hooks", "_backward_pre_hooks")


class GlobalHook(NamedTuple):
    """A hook for the calls of all modules: "forward", "forward_pre", "backward" or "backward_pre"."""

    kind: str
    function: Callable[..., Any]
    with_kwargs: bool = False
    always_call: bool = False
    full: bool = True


GLOBAL_CALL_HOOKS: OrderedDict[int, GlobalHook] = OrderedDict()
REGISTRATION_HOOKS: dict[str, OrderedDict[int, Callable[..., Any]]] = {
    "parameter": OrderedDict(), "buffer": OrderedDict(), "module": OrderedDict(),
}


class Hooks:
    """register_forward_hook and its kin."""

    _forward_hooks: OrderedDict[int, Callable[..., Any]]
    _forward_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks_always_called: OrderedDict[int, bool]
    _forward_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _forward_pre_hooks_with_kwargs: OrderedDict[int, bool]
    _backward_hooks: OrderedDict[int, Callable[..., Any]]
    _backward_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _is_full_backward_hook: bool | None

    def register_forward_pre_hook(self, hook: Callable[..., Any], *, prepend: bool = False,
                                  with_kwargs: bool = False) -> RemovableHandle:
        """Calls hook(module, args) before forward; a result other than None replaces the arguments.

        With `with_kwargs`, hook(module, args, kwargs) returns None or (args, kwargs).
        """
        return register(self._forward_pre_hooks, hook, prepend=prepend,
                        flags=[(self._forward_pre_hooks_with_kwargs, with_kwargs)])

    def register_forward_hook(self, hook: Callable[..., Any], *, prepend: bool = False,
                              with_kwargs: bool = False, always_call: bool = False) -> RemovableHandle:
        """Calls hook(module, args, output) after forward; a result other than None replaces the output.

        With `with_kwargs` it is hook(module, args, kwargs, output); with `always_call` the hook runs even
        if forward raises.
        """
        return register(self._forward_hooks, hook, prepend=prepend,
                        flags=[(self._forward_hooks_with_kwargs, with_kwargs),
                               (self._forward_hooks_always_called, always_call)])

    def register_full_backward_pre_hook(self, hook: Callable[..., Any],
                                        prepend: bool = False) -> RemovableHandle:
        """Calls hook(module, grad_output) before the module's backward; a result replaces grad_output."""
        return register(self._backward_pre_hooks, hook, prepend=prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Calls hook(module, grad_input, grad_output) after backward; a result replaces grad_input."""
        self._choose_backward_hooks(full=True)
        return register(self._backward_hooks, hook, prepend=prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """The older form of `register_full_backward_hook`: sees only the last operation of forward."""
        self._choose_backward_hooks(full=False)
        return register(self._backward_hooks, hook)

    def _choose_backward_hooks(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError("Cannot use both regular backward hooks and full backward hooks on a "
                               "single Module. Please use only one of them.")
        self._is_full_backward_hook = full


def global_hooks(kind: str) -> Iterator[tuple[int, GlobalHook]]:
    """The hooks of one kind that all modules share."""
    return ((key, hook) for key, hook in GLOBAL_CALL_HOOKS.items() if hook.kind == kind)


class Call:
    """One call of a module that has hooks: arguments and result while the hooks work on them."""

    def __init__(self, module: Any, args: tuple, kwargs: dict[str, Any]) -> None:
        self.module, self.args, self.kwargs = module, args, kwargs
        self.result: Any = None
        self.done: set[int] = set()

    def run(self) -> Any:
        module = self.module
        self.run_pre_hooks()
        full, legacy = self.backward_hooks()
        before = [hook.function for _, hook in global_hooks("backward_pre")]
        before += module._backward_pre_hooks.values()
        around = BackwardHook(module, full, before) if full or before else None
        if around is not None:
            self.args = around.watch_inputs(self.args)
        self.result = module.forward(*self.args, **self.kwargs)
        self.run_forward_hooks()
        if around is not None:
            if not hasattr(self.result, "requires_grad") and not isinstance(self.result, tuple):
                warnings.warn("For backward hooks to be called, module output should be a Tensor or a tuple "
                              f"of Tensors but received {type(self.result)}", stacklevel=4)
            self.result = around.watch_outputs(self.result)
        if legacy:
            attach_legacy_hooks(module, legacy, self.result)
        return self.result

    def run_pre_hooks(self) -> None:
        module = self.module
        hooks = [(hook.function, hook.with_kwargs) for _, hook in global_hooks("forward_pre")]
        hooks += [(hook, key in module._forward_pre_hooks_with_kwargs)
                  for key, hook in module._forward_pre_hooks.items()]
        for hook, with_kwargs in hooks:
            if with_kwargs:
                changed = hook(module, self.args, self.kwargs)
                if changed is None:
                    continue
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError("forward pre-hook must return None or a tuple of "
                                       f"(new_args, new_kwargs), but got {changed}.")
                self.args, self.kwargs = changed
            else:
                changed = hook(module, self.args)
                if changed is not None:
                    self.args = changed if isinstance(changed, tuple) else (changed,)

    def forward_hooks(self) -> list[tuple[int, Callable[..., Any], bool, bool]]:
        """Number, function, whether it takes keyword arguments, whether it must run after an error."""
        module = self.module
        hooks = [(key, hook.function, hook.with_kwargs, hook.always_call)
                 for key, hook in global_hooks("forward")]
        return hooks + [(key, hook, key in module._forward_hooks_with_kwargs,
                         key in module._forward_hooks_always_called)
                        for key, hook in module._forward_hooks.items()]

    def run_forward_hooks(self) -> None:
        for key, hook, with_kwargs, _ in self.forward_hooks():
            self.done.add(key)
            self.run_forward_hook(hook, with_kwargs)

    def run_forward_hook(self, hook: Callable[..., Any], with_kwargs: bool) -> None:
        extra = (self.kwargs,) if with_kwargs else ()
        changed = hook(self.module, self.args, *extra, self.result)
        if changed is not None:
            self.result = changed

    def run_hooks_that_must_run(self) -> None:
        """After an error: the `always_call` hooks that have not had their turn."""
        for key, hook, with_kwargs, always in self.forward_hooks():
            if not always or key in self.done:
                continue
            try:
                self.run_forward_hook(hook, with_kwargs)
            except Exception as error:
                warnings.warn("module forward hook with ``always_call=True`` raised an exception that was "
                              f"silenced as another error was raised in forward: {error}", stacklevel=4)

    def backward_hooks(self) -> tuple[list[Callable[..., Any]], list[Callable[..., Any]]]:
        """Hooks on the gradients of inputs: the full ones and the older kind."""
        shared = [hook for _, hook in global_hooks("backward")]
        full = [hook.function for hook in shared if hook.full]
        legacy = [hook.function for hook in shared if not hook.full]
        own = full if self.module._is_full_backward_hook is not False else legacy
        own += self.module._backward_hooks.values()
        return full, legacy


def call_with_hooks(module: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Module.__call__ for a module with hooks.

    Order: forward pre-hooks, forward, forward hooks; those of all modules come before the module's own.
    """
    call = Call(module, args, kwargs)
    try:
        return call.run()
    except Exception:
        call.run_hooks_that_must_run()
        raise
