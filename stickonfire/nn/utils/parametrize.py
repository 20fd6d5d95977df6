"""Parameters that are functions of other parameters.

Room: nn. May import: eager, this room. A parametrized module changes its class to one that has a property in place of
the parameter: reading it computes the value from `parametrizations.<name>.original`, assigning goes the way back
(`right_inverse`). Ready-made functions are in parametrizations.py.
"""
from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any

from ...eager import Tensor, no_grad
from ..containers import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

_depth = 0                                          # of `cached` blocks
_cache: dict[tuple[int, str], Any] = {}             # (id of the module, name) -> value


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Within this block a parametrized tensor is computed at its first use only. Source: PyTorch `cached`."""
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if not _depth:
            _cache.clear()


def _register(module: Module, name: str, t: Tensor) -> None:
    if isinstance(t, Parameter):
        module.register_parameter(name, t)
    else:
        module.register_buffer(name, t)


def _set(destination: Tensor, source: Tensor) -> None:
    """Gives a tensor other data; what holds it goes on holding it."""
    if destination is not source:
        destination.data = source.detach()


def _compare(what: str, found: Any, wanted: Tensor, names: tuple[str, str]) -> None:
    """Raises ValueError unless a value is a tensor like another one."""
    for fact in ("dtype", "shape"):
        if getattr(found, fact) != getattr(wanted, fact):
            raise ValueError(f"{what} may not change the {fact} of the tensor, unless the `unsafe` flag is enabled.\n"
                             f"{names[0]}.{fact}: {getattr(wanted, fact)}\n{names[1]}.{fact}: {getattr(found, fact)}")


class ParametrizationList(ModuleList):
    """The functions of one parametrized tensor, first to last, and what they start from: `original`, or `original0`...

    Shape: () -> that of the tensor.   Raises: ValueError for functions that don't fit the tensor.
    Source: PyTorch `nn.utils.parametrize.ParametrizationList`.
    """

    original: Any

    def __init__(self, modules: Sequence[Module], original: Any, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape_like = original.detach().clone()
        with no_grad():
            start = self._way_back(original)
        if not isinstance(start, (Tensor, Sequence)):
            raise ValueError("'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got "
                             f"{type(start).__name__}")
        self.is_tensor = isinstance(start, Tensor)
        self.ntensors = 1 if self.is_tensor else len(start)
        if self.is_tensor:
            self._keep_one(original, start)
        else:
            self._keep_several(original, start)
        if not unsafe:
            value = self()
            if not isinstance(value, Tensor):
                raise ValueError(f"A parametrization must return a tensor. Got {type(value).__name__}.")
            _compare("Registering a parametrization", value, shape_like, ("unparametrized", "parametrized"))

    def _way_back(self, value: Any) -> Any:
        for module in reversed(list(self)):
            if hasattr(module, "right_inverse"):
                with contextlib.suppress(NotImplementedError):
                    value = module.right_inverse(value)
        return value

    def _keep_one(self, original: Any, start: Any) -> None:
        if original.dtype != start.dtype:
            raise ValueError("When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                             f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {start.dtype}")
        _set(original, start)
        _register(self, "original", original)

    def _keep_several(self, original: Any, parts: Any) -> None:
        for i, part in enumerate(parts):
            if not isinstance(part, Tensor):
                raise ValueError("'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got "
                                 f"element {i} of the sequence with type {type(part).__name__}.")
            if isinstance(original, Parameter):
                part = Parameter(part, original.requires_grad)
            part.requires_grad_(original.requires_grad)
            _register(self, f"original{i}", part)

    def _originals(self) -> list[Any]:
        return [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Any) -> None:
        """Changes the originals so that the functions give this value, as far as they can.

        Raises: RuntimeError if a function has no `right_inverse`, ValueError if one gives something else.
        """
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                value = module.right_inverse(value)
            if self.is_tensor:
                if not isinstance(value, Tensor):
                    raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
                parts: Sequence[Any] = [value]
            else:
                parts = self._checked_parts(value)
            for i, (own, part) in enumerate(zip(self._originals(), parts)):
                if own.dtype != part.dtype:
                    place, name = ("The tensor", "original") if self.is_tensor else (f"Tensor {i}", f"original{i}")
                    raise ValueError(f"{place} returned by `right_inverse` has dtype {part.dtype} while `{name}` has "
                                     f"dtype {own.dtype}")
                _set(own, part)

    def _checked_parts(self, value: Any) -> Sequence[Any]:
        if not isinstance(value, Sequence):
            raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {type(value).__name__}.")
        if len(value) != self.ntensors:
            raise ValueError(f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got a "
                             f"sequence of length {len(value)}.")
        for i, part in enumerate(value):
            if not isinstance(part, Tensor):
                raise ValueError("'right_inverse' must return a sequence of tensors or reference-type opaques. Got "
                                 f"element {i} of type {type(part).__name__}.")
        return value

    def forward(self) -> Any:  # type: ignore[override]
        first, *others = self
        x = first(*self._originals())
        for module in others:
            x = module(x)
        return x


# -- the class that a parametrized module gets ----------------------------------------------------------

def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    """Copies without asking for a pickle, which parametrized modules refuse."""
    if id(self) not in memo:
        memo[id(self)] = replica = self.__new__(type(self))
        replica.__setstate__(copy.deepcopy(Module.__getstate__(self), memo))
    return memo[id(self)]


def _getstate(self: Any) -> dict[str, Any]:
    raise RuntimeError("Serialization of parametrized modules is only supported through state_dict(). See:\n"
                       "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
                       "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training")


def _give_class(module: Module) -> None:
    kind = type(module)
    members: dict[str, Any] = {"__getstate__": _getstate}
    if not hasattr(kind, "__deepcopy__"):
        members["__deepcopy__"] = _deepcopy
    module.__class__ = type(f"Parametrized{kind.__name__}", (kind,), members)


def _give_property(module: Module, name: str) -> None:
    def compute(self: Any) -> Any:
        functions = self.parametrizations[name]
        if not _depth:
            return functions()
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = functions()
        return _cache[key]

    def assign(self: Any, value: Any) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(compute, assign))


# -- what users call ------------------------------------------------------------------------------------

def register_parametrization(module: Any, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> Any:
    """Makes a parameter or buffer the value of a function; a second one is applied to the result of the first.

    The function's `right_inverse`, where it has one, gives what to start from. `unsafe` leaves out the checks.
    Raises: ValueError for a name that is no tensor of the module, or a function that changes shape or dtype.
    Source: PyTorch `nn.utils.parametrize.register_parametrization`.

    >>> from stickonfire import nn
    >>> class Symmetric(nn.Module):
    ...     def forward(self, w):
    ...         return w.triu() + w.triu(1).mT
    >>> layer = register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all())
    True
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_next(module, tensor_name, parametrization)
        functions = module.parametrizations[tensor_name]
        functions.append(parametrization)
        functions.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        functions = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _give_class(module)
            module.parametrizations = ModuleDict()
        _give_property(module, tensor_name)
        module.parametrizations[tensor_name] = functions
    else:
        raise ValueError(f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
                         f"'{tensor_name}'")
    return module


def _check_next(module: Any, name: str, function: Any) -> None:
    """Raises ValueError if a further function would change the tensor's shape or dtype."""
    now = getattr(module, name)
    then = function(now)
    if not isinstance(then, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(then).__name__}.")
    _compare("Registering a parametrization", then, now, (f"module.{name}", f"parametrization(module.{name})"))
    if hasattr(function, "right_inverse"):
        try:
            back = function.right_inverse(then)
        except NotImplementedError:
            return
        if not isinstance(back, Tensor):
            raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}")
        _compare("parametrization.right_inverse", back, now, (f"module.{name}", "returned"))


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """Whether a module has parametrizations, or one for that name. Source: PyTorch `is_parametrized`."""
    found = getattr(module, "parametrizations", None)
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(module: Any, tensor_name: str, leave_parametrized: bool = True) -> Any:
    """Makes a parametrized tensor an ordinary one: with its present value, or what the functions started from.

    Raises: ValueError if it is not parametrized, or starts from several tensors and `leave_parametrized` is False.
    Source: PyTorch `nn.utils.parametrize.remove_parametrizations`.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    functions = module.parametrizations[tensor_name]
    if functions.is_tensor:
        original = functions.original
        if leave_parametrized:
            with no_grad():
                _set(original, getattr(module, tensor_name))
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value) if value.requires_grad else value
    else:
        raise ValueError("Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in "
                         "terms of a sequence of tensors.")
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Any) -> type:
    """The class that a module had before it was parametrized. Source: PyTorch."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module: Any, to_module: Any, tensor_name: str | None = None) -> Any:
    """Gives a module the parametrizations, and what they start from, of another one. Source: PyTorch."""
    if not is_parametrized(from_module):
        return to_module
    for name in list(from_module.parametrizations) if tensor_name is None else [tensor_name]:
        source = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        for function in source:
            register_parametrization(to_module, name, function)
        for key in list(source._parameters) + list(source._buffers):
            setattr(to_module.parametrizations[name], key, getattr(source, key))
    return to_module
