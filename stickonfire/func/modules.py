"""Modules as functions of their parameters: `functional_call`, `stack_module_state`.

Room: func. May import eager and nn.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..eager import Tensor, stack
from ..nn import Module

State = Mapping[str, Tensor]


def functional_call(module: Module, parameter_and_buffer_dicts: State | Sequence[State], args: Any = None,
                    kwargs: dict[str, Any] | None = None, *, tie_weights: bool = True, strict: bool = False) -> Any:
    """What a module returns if its parameters and buffers were the given ones, by name.

    tie_weights: whether a value for one of several names of a parameter counts for all of them. strict: whether every
    parameter and buffer must be given, and nothing else.

    Raises: RuntimeError for names that do not fit, ValueError for two values of one parameter.
    Source: PyTorch `torch.func.functional_call`.

    >>> import stickonfire as torch
    >>> layer = torch.nn.Linear(2, 1, bias=False)
    >>> torch.func.functional_call(layer, {"weight": torch.tensor([[1., 2.]])}, torch.ones(2))
    tensor([3.])
    """
    given = merged(parameter_and_buffer_dicts)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with replaced(module, given, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def merged(state: State | Sequence[State]) -> dict[str, Tensor]:
    """One dict of several.

    Raises: ValueError if a name occurs twice or the argument is of another kind.
    """
    if isinstance(state, Mapping):
        return dict(state)
    if not isinstance(state, (tuple, list)) or not all(isinstance(part, Mapping) for part in state):
        raise ValueError("Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
                         f"{type(state)}")
    names = [name for part in state for name in part]
    if len(set(names)) < len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
    return {name: t for part in state for name, t in part.items()}


def places(module: Module) -> dict[str, tuple[dict[str, Any], str]]:
    """Where each parameter and buffer is kept, under all its names."""
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for prefix, child in module.named_modules(remove_duplicate=False):
        for holder in (child._parameters, child._buffers):
            for name, value in holder.items():
                if value is not None:
                    found[f"{prefix}.{name}" if prefix else name] = (holder, name)
    return found


@contextmanager
def replaced(module: Module, given: dict[str, Tensor], tie_weights: bool, strict: bool) -> Iterator[None]:
    """A module with other parameters and buffers inside, and its own again afterwards."""
    slots = places(module)
    unknown, missing = sorted(set(given) - set(slots)), sorted(set(slots) - set(given))
    if strict and (unknown or missing) or unknown:
        lines = [f"Unexpected key(s): {', '.join(unknown)}."] * bool(unknown)
        lines += [f"Missing key(s): {', '.join(missing)}."] * bool(strict and missing)
        raise RuntimeError(f"Error(s) in loading state for {type(module).__name__}: {' '.join(lines)} Names are those "
                           "of named_parameters() and named_buffers()")
    values = tied(slots, given) if tie_weights else given
    before = [(holder, name, holder[name]) for holder, name in slots.values()]
    try:
        for key, value in values.items():
            holder, name = slots[key]
            holder[name] = value
        yield
    finally:
        for holder, name, value in before:
            holder[name] = value


def tied(slots: dict[str, tuple[dict[str, Any], str]], given: dict[str, Tensor]) -> dict[str, Tensor]:
    """The given values, also under the other names of the tensors they replace."""
    names: dict[int, list[str]] = {}
    for key, (holder, name) in slots.items():
        names.setdefault(id(holder[name]), []).append(key)
    values = dict(given)
    for same in names.values():
        chosen = [key for key in same if key in given]
        if len({id(given[key]) for key in chosen}) > 1:
            raise ValueError(f"functional_call got multiple values for keys {sorted(chosen)}, which are tied. Consider "
                             "using tie_weights=False")
        if chosen:
            values.update(dict.fromkeys(same, given[chosen[0]]))
    return values


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
