"""Modules as functions of their parameters: `functional_call`, and `stack_module_state` for ensembles of them.

Room: func. May import eager and nn, where the work of `functional_call` is done (`nn/utils/stateless.py`).
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..eager import Tensor, stack
from ..nn import Module
from ..nn.utils.stateless import call_with

State = Mapping[str, Tensor]


def functional_call(module: Module, parameter_and_buffer_dicts: State | Sequence[State], args: Any = None,
                    kwargs: dict[str, Any] | None = None, *, tie_weights: bool = True, strict: bool = False) -> Any:
    """What a module returns if its parameters and buffers were the given ones, by name.

    tie_weights: whether a value for one of several names of a parameter counts for all of them. strict: whether every
    parameter and buffer must be given, and nothing else; without it unknown names are ignored.

    Raises: RuntimeError if `strict` and names do not fit, ValueError for two values of one parameter.
    Source: PyTorch `torch.func.functional_call`.

    >>> import stickonfire as torch
    >>> layer = torch.nn.Linear(2, 1, bias=False)
    >>> torch.func.functional_call(layer, {"weight": torch.tensor([[1., 2.]])}, torch.ones(2))
    tensor([3.])
    """
    return call_with(module, parameter_and_buffer_dicts, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of several modules of one kind, stacked, for `vmap` over an ensemble.

    Shape: each (len(models), *).   Raises: RuntimeError for no modules, different classes, or a mix of training and
    evaluation.   Source: PyTorch `torch.func.stack_module_state`.

    >>> import stickonfire as torch
    >>> params, buffers = torch.func.stack_module_state([torch.nn.Linear(3, 2) for _ in range(4)])
    >>> params["weight"].shape
    torch.Size([4, 2, 3])
    """
    if not len(models):
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if any(m.training != models[0].training for m in models):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    params = {name: stacked([dict(m.named_parameters())[name] for m in models])
              for name, _ in models[0].named_parameters()}
    buffers = {name: stacked([dict(m.named_buffers())[name] for m in models])
               for name, _ in models[0].named_buffers()}
    return params, buffers


def stacked(tensors: list[Any]) -> Any:
    """Tensors as one: a leaf that requires a gradient if they do."""
    wanted = tensors[0].requires_grad
    if any(t.requires_grad != wanted for t in tensors):
        raise RuntimeError("Expected parameter to have the same requires_grad for all models")
    return stack([t.detach() for t in tensors]).requires_grad_(wanted)
