"""Hooks that run for every module: what PyTorch has as `nn.modules.module.register_module_*`.

Room: nn. Meant for debugging and profiling: they cost every call of every module. May import: this room.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .handle import RemovableHandle, register
from .hooks import GLOBAL_CALL_HOOKS, REGISTRATION_HOOKS, GlobalHook


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Calls hook(module, args) before every module's forward."""
    return register(GLOBAL_CALL_HOOKS, GlobalHook("forward_pre", hook))


def register_module_forward_hook(hook: Callable[..., Any], *, with_kwargs: bool = False,
                                 always_call: bool = False) -> RemovableHandle:
    """Calls hook(module, args, output) after every module's forward."""
    return register(GLOBAL_CALL_HOOKS, GlobalHook("forward", hook, with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Calls hook(module, grad_output) before every module's backward."""
    return register(GLOBAL_CALL_HOOKS, GlobalHook("backward_pre", hook))


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Calls hook(module, grad_input, grad_output) after every module's backward."""
    return register(GLOBAL_CALL_HOOKS, GlobalHook("backward", hook))


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """The older form of the above: sees only the last operation of each forward."""
    return register(GLOBAL_CALL_HOOKS, GlobalHook("backward", hook, full=False))


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Calls hook(module, name, parameter) whenever a parameter is registered; a result replaces it."""
    return register(REGISTRATION_HOOKS["parameter"], hook)


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Calls hook(module, name, buffer) whenever a buffer is registered; a result replaces it."""
    return register(REGISTRATION_HOOKS["buffer"], hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Calls hook(module, name, submodule) whenever a child is registered; a result replaces it."""
    return register(REGISTRATION_HOOKS["module"], hook)
