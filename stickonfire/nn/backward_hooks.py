"""Hooks on a module's gradients: identity functions at its inputs and outputs whose backward calls them.

Room: nn. Called by hooks.py for modules with `register_full_backward_hook` or `..._pre_hook`.
May import: eager.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..eager import Function, Tensor, is_grad_enabled


class BackwardHookFunction(Function):
    """Passes tensors through; on the way back hands their gradients to a callback."""

    @staticmethod
    def forward(ctx: Any, callback: Callable[..., Any], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.callback = callback
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*[t for t in tensors if not t.requires_grad])
        return tuple(t.view_as(t) for t in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        return (None, *ctx.callback(grads))


class BackwardHook:
    """Calls a module's backward hooks when the gradients have passed through it in one call.

    `hooks` get (module, grad_input, grad_output) once grad_input is there, `pre_hooks` get
    (module, grad_output) as soon as grad_output is.
    """

    def __init__(self, module: Any, hooks: Sequence[Callable[..., Any]],
                 pre_hooks: Sequence[Callable[..., Any]]) -> None:
        self.module, self.hooks, self.pre_hooks = module, hooks, pre_hooks
        self.grad_outputs: tuple[Any, ...] | None = None
        self.inputs_watched = False
        self.n_inputs = self.n_outputs = 0

    def watch_inputs(self, args: tuple) -> tuple:
        """The arguments, their tensors passed through a function that calls the hooks on the way back."""
        self.n_inputs = len(args)
        watched = self._watch(args, self._inputs_ready)
        self.inputs_watched = watched is not None
        return args if watched is None else watched

    def watch_outputs(self, result: Any) -> Any:
        """The module's result, watched likewise."""
        outputs = result if isinstance(result, tuple) else (result,)
        self.n_outputs = len(outputs)
        watched = self._watch(outputs, self._outputs_ready)
        if watched is None:
            return result
        return type(result)(watched) if isinstance(result, tuple) else watched[0]

    def _watch(self, values: tuple, ready: Callable[..., Any]) -> tuple | None:
        places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
        if not (is_grad_enabled() and any(values[i].requires_grad for i in places)):
            return None

        def callback(grads: tuple) -> tuple:
            return ready(places, grads)

        watched = list(values)
        passed = BackwardHookFunction.apply(callback, *[values[i] for i in places])
        for place, tensor in zip(places, passed):
            watched[place] = tensor
        return tuple(watched)

    def _outputs_ready(self, places: list[int], grads: tuple) -> tuple:
        full = spread(places, grads, self.n_outputs)
        for hook in self.pre_hooks:
            full = self._replace(hook(self.module, full), full, "grad_output")
        self.grad_outputs = full
        if not self.inputs_watched:
            self._without_inputs()
        return tuple(full[place] for place in places)

    def _without_inputs(self) -> None:
        """No input needs a gradient: the hooks are told so, and may not return one."""
        nothing = (None,) * self.n_inputs
        for hook in self.hooks:
            result = hook(self.module, nothing, self.grad_outputs)
            if result is not None and not (isinstance(result, tuple) and all(g is None for g in result)):
                raise RuntimeError("Backward hook for Modules where no input requires gradient should "
                                   "always return None or None for all gradients.")
        self.grad_outputs = None

    def _inputs_ready(self, places: list[int], grads: tuple) -> tuple:
        if self.grad_outputs is None:
            raise RuntimeError("Module backward hook for grad_input is called before the grad_output one. "
                               "This happens because the gradient in your nn.Module flows to the Module's "
                               "input without passing through the Module's output. Make sure that the output "
                               "depends on the input and that the loss is computed based on the output.")
        full = spread(places, grads, self.n_inputs)
        for hook in self.hooks:
            full = self._replace(hook(self.module, full, self.grad_outputs), full, "grad_input")
        self.grad_outputs = None
        return tuple(full[place] for place in places)

    def _replace(self, result: Any, full: tuple, name: str) -> tuple:
        if result is None:
            return full
        result = result if isinstance(result, tuple) else (result,)
        if len(result) != len(full):
            raise RuntimeError(f"Backward hook returned an invalid number of {name}, got {len(result)}, "
                               f"but expected {len(full)}")
        return result


def spread(places: list[int], values: tuple, length: int) -> tuple:
    """The values at their places, None elsewhere."""
    full: list[Any] = [None] * length
    for place, value in zip(places, values):
        full[place] = value
    return tuple(full)


def attach_legacy_hooks(module: Any, hooks: Sequence[Callable[..., Any]], result: Any) -> None:
    """Hangs `register_backward_hook`'s hooks on the graph node that made the module's result."""
    first = result
    while not isinstance(first, Tensor):
        if isinstance(first, dict):
            first = next(value for value in first.values() if isinstance(value, Tensor))
        else:
            first = first[0]
    node = first.grad_fn
    if node is not None:
        for hook in hooks:
            node.register_hook(lambda grad_in, grad_out, hook=hook: hook(module, grad_in, grad_out))
