"""Calling a module with other parameters and buffers than its own.

Room: nn. May import: eager, this room. While the call runs, the other tensors stand in the module's registries.
"""
from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from ...eager import Tensor
from ..module import Module
from ..parallel import DataParallel

ABSENT: Any = object()


def named_tensors(module: Module) -> dict[str, Any]:
    """Parameters and buffers by dotted name, shared ones under each of their names."""
    return {**dict(module.named_parameters(remove_duplicate=False)),
            **dict(module.named_buffers(remove_duplicate=False))}


def with_tied(module: Module, given: Mapping[str, Any]) -> dict[str, Any]:
    """The given tensors under all names that their counterparts in the module have.

    Raises: ValueError if one of the module's tensors is given twice, differently.
    """
    names: dict[int, list[str]] = {}
    for name, t in named_tensors(module).items():
        names.setdefault(id(t), []).append(name)
    complete = dict(given)
    for tied in names.values():
        found = [given[name] for name in tied if name in given]
        if len({id(t) for t in found}) > 1:
            raise ValueError(f"functional_call got multiple values for keys {sorted(tied)}, which are tied. Consider "
                             "using tie_weights=False")
        if found:
            complete.update(dict.fromkeys(tied, found[0]))
    return complete


def check_names(module: Module, given: Mapping[str, Any]) -> None:
    """Raises RuntimeError unless the names are exactly those of the module's tensors."""
    own = named_tensors(module)
    messages = []
    for kind, some, others in (("Unexpected", given, own), ("Missing", own, given)):
        keys = [key for key in some if key not in others]
        if keys:
            messages.append(f"{kind} key(s): {', '.join(map(repr, keys))}.")
    if messages:
        listed = "\n\t".join(messages)
        raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:\n\t{listed}")


def swapped(owner: Module, name: str, value: Any) -> Any:
    """Puts a tensor where a module keeps one of that name, and returns what was there: ABSENT for an unknown name.

    Raises: TypeError for the name of something else.
    """
    for registry in (owner._parameters, owner._buffers):
        if name in registry and value is not ABSENT:
            before, registry[name] = registry[name], value
            return before
    before = getattr(owner, name, ABSENT)
    if before is not ABSENT and not isinstance(before, Tensor):
        raise TypeError(f"attribute `{name}`: {before} is not an instance of torch.Tensor")
    if value is ABSENT:
        delattr(owner, name)
    else:
        setattr(owner, name, value)
    return before


@contextlib.contextmanager
def replaced(module: Module, tensors: Mapping[str, Any], given: dict[str, Any]) -> Iterator[None]:
    """Other tensors in a module for the length of the block, afterwards its own ones again.

    What the module puts in their place meanwhile is found in `given` afterwards. Unknown names do no harm.
    Raises: AttributeError if there is no such submodule.
    """
    places = [(module.get_submodule(path.rpartition(".")[0]), path.rpartition(".")[2]) for path in tensors]
    before: list[Any] = []
    try:
        for (owner, name), t in zip(places, tensors.values()):
            before.append(swapped(owner, name, t))
        yield
    finally:
        for path, (owner, name), t in reversed(list(zip(tensors, places, before))):
            last = swapped(owner, name, t)
            if path in given:
                given[path] = last


def call_with(module: Any, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: dict[str, Any] | None = None, *,
              tie_weights: bool = True, strict: bool = False) -> Any:
    """`module(*args, **kwargs)` with the given tensors in place of its own: what `func.functional_call` is.

    Several dicts may be given, with different keys. `tie_weights`: a tensor that the module uses under several names
    is replaced under all of them. `strict`: all of the module's tensors have to be given, and nothing else; without it
    unknown names are ignored. A buffer that the module replaces is replaced in a single given dict.
    Raises: ValueError for a key in several dicts, RuntimeError for names that don't fit.
    Source: PyTorch `func.functional_call`.

    >>> from stickonfire import nn, ones, zeros
    >>> call_with(nn.Linear(2, 1), {"weight": ones(1, 2), "bias": zeros(1)}, ones(2))
    tensor([2.])
    """
    if isinstance(module, DataParallel):
        raise RuntimeError("The stateless API can't be used with nn.DataParallel module; call it with module.module")
    given = joined(parameter_and_buffer_dicts)
    tensors = with_tied(module, given) if tie_weights else dict(given)
    if strict:
        check_names(module, tensors)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with replaced(module, tensors, given):
        return module(*args, **(kwargs or {}))


def joined(dicts: Any) -> dict[str, Any]:
    """One dict of several; a single one itself. Raises: ValueError for a key that is in two of them."""
    if isinstance(dicts, dict):
        return dicts
    if not isinstance(dicts, (list, tuple)):
        raise ValueError("Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
                         f"{type(dicts)}")
    if not all(isinstance(d, dict) for d in dicts):
        raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    keys = [key for d in dicts for key in d]
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    if repeated:
        raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
    return {key: t for d in dicts for key, t in d.items()}


def functional_call(module: Any, parameters_and_buffers: dict[str, Any], args: Any = None,
                    kwargs: dict[str, Any] | None = None, *, tie_weights: bool = True, strict: bool = False) -> Any:
    """The older name of `func.functional_call`. Source: PyTorch `nn.utils.stateless.functional_call`."""
    warnings.warn("`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed in a "
                  "future version of PyTorch. Please use `torch.func.functional_call` instead which is a drop-in "
                  "replacement.", FutureWarning, stacklevel=2)
    return call_with(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
