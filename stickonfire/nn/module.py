"""Module: the base class of all layers and models.

Room: nn. This file holds registration of parameters, buffers and children, the call, and printing. The
rest of Module's methods stand in mixins of one subject each: traversal.py (names, iteration), state.py
(state_dict), hooks.py (hooks and the call with hooks), conversion.py (to, float, requires_grad_).
May import: eager and this room.
"""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..eager import Tensor
from .conversion import Conversion
from .hooks import GLOBAL_CALL_HOOKS, HOOK_TABLES, REGISTRATION_HOOKS, Hooks, call_with_hooks
from .parameter import Parameter, is_buffer
from .registry import Registry
from .state import STATE_HOOK_TABLES, StateDict
from .traversal import Traversal
from .typename import typename

REGISTRIES = ("_parameters", "_buffers", "_modules")


def _forward_unimplemented(self: Module, *input: Any) -> None:
    """Defines the computation performed at every call; a subclass overrides it.

    Raises: NotImplementedError, naming the class that has no `forward`.
    """
    raise NotImplementedError(
        f'Module [{type(self).__name__}] is missing the required "forward" function'
    )


class Module(Traversal, StateDict, Hooks, Conversion):
    """Base class of all neural network modules. Assigned Parameters and Modules are registered by name.

    Source: PyTorch `nn.Module`.

    >>> import stickonfire.nn as nn
    >>> class Twice(nn.Module):
    ...     def forward(self, x):
    ...         return 2 * x
    >>> Twice()(21)
    42
    """

    dump_patches: bool = False
    call_super_init: bool = False
    _version: int = 1
    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._refuse_arguments(args, kwargs)
        attributes = self.__dict__
        attributes["training"] = True
        for name in REGISTRIES:
            attributes.get(name, {}).clear()        # a second __init__ starts afresh, attributes included
            attributes[name] = Registry(self)
        attributes["_non_persistent_buffers_set"] = set()
        attributes["_is_full_backward_hook"] = None
        for name in (*HOOK_TABLES, *STATE_HOOK_TABLES):
            attributes[name] = OrderedDict()
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def _refuse_arguments(self, args: tuple, kwargs: dict) -> None:
        if self.call_super_init:
            return
        name = type(self).__name__
        if kwargs:
            raise TypeError(f"{name}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'")
        if args:
            raise TypeError(f"{name}.__init__() takes 1 positional argument but {len(args) + 1} were given")

    forward: Callable[..., Any] = _forward_unimplemented

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        if not (self._forward_hooks or self._forward_pre_hooks or self._backward_hooks
                or self._backward_pre_hooks or GLOBAL_CALL_HOOKS):
            if kwargs or len(args) != 1:
                return self.forward(*args, **kwargs)
            return self.forward(args[0])                # the usual call, and the quickest for Python
        return call_with_hooks(self, args, kwargs)

    __call__: Callable[..., Any] = _call_impl

    # -- registration -----------------------------------------------------------------------------------

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds a parameter; it is then the attribute of that name.

        Raises: KeyError for a bad or taken name, TypeError for a wrong kind, ValueError for a non-leaf.
        """
        self._check_name("parameter", name, self._registry("_parameters", "parameter"))
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(f"cannot assign '{typename(param)}' object to parameter '{name}' "
                                "(torch.nn.Parameter or None required)")
            if param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model "
                    f"parameters must be created explicitly. To express '{name}' as a function of another "
                    "Tensor, compute the value in the forward() method."
                )
            param = self._announce("parameter", name, param)
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that belongs to the module's state but is not trained.

        A buffer that is not `persistent` stays out of `state_dict`.
        """
        self._check_name("buffer", name, self._registry("_buffers", "buffer"))
        if tensor is not None:
            if not isinstance(tensor, Tensor):
                raise TypeError(f"cannot assign '{typename(tensor)}' object to buffer '{name}' "
                                "(torch Tensor or None required)")
            tensor = self._announce("buffer", name, tensor)
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Adds a child module; it is then the attribute of that name."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self._check_name("module", name, self._registry("_modules", "module"))
        self._set_child(name, module)

    register_module = add_module

    def _set_child(self, name: str, module: Module | None) -> None:
        self._modules[name] = self._announce("module", name, module)

    def _announce(self, kind: str, name: str, member: Any) -> Any:
        """Shows a new member to the hooks on registration; what one returns takes its place."""
        for hook in REGISTRATION_HOOKS[kind].values():
            replaced = hook(self, name, member)
            member = member if replaced is None else replaced
        return member

    def _registry(self, name: str, kind: str) -> dict[str, Any]:
        members = self.__dict__.get(name)
        if members is None:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        return members

    def _check_name(self, kind: str, name: str, members: dict[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if hasattr(self, name) and name not in members:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            got = f", got: {name}" if kind == "module" else ""
            raise KeyError(f'{kind} name can\'t contain "."{got}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')

    # -- attributes -------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        members = self.__dict__
        if isinstance(value, Parameter):
            self._registry("_parameters", "parameters")
            self._forget(name, "_parameters")
            self.register_parameter(name, value)
        elif name in members.get("_parameters", ()):
            self._refuse_unless_none(name, value, "parameter", "torch.nn.Parameter or None expected")
            self.register_parameter(name, None)
        elif isinstance(value, Module):
            self._registry("_modules", "module")
            self._forget(name, "_modules")
            self._set_child(name, value)
        elif name in members.get("_modules", ()):
            self._refuse_unless_none(name, value, "child module", "torch.nn.Module or None expected")
            self._set_child(name, None)
        elif name in members.get("_buffers", ()) or is_buffer(value):
            self._assign_buffer(name, value)
        else:
            object.__setattr__(self, name, value)

    def _refuse_unless_none(self, name: str, value: Any, kind: str, expected: str) -> None:
        if value is not None:
            raise TypeError(f"cannot assign '{typename(value)}' as {kind} '{name}' ({expected})")

    def _assign_buffer(self, name: str, value: Any) -> None:
        buffers = self._registry("_buffers", "buffer")
        if value is not None and not isinstance(value, Tensor):
            self._refuse_unless_none(name, value, "buffer", "torch.nn.Buffer, torch.Tensor or None expected")
        if is_buffer(value):
            self._forget(name, "_buffers")
            self.register_buffer(name, value, value.persistent)
            return
        buffers[name] = self._announce("buffer", name, value)

    def _forget(self, name: str, keep: str) -> None:
        """Drops what another registry, or a plain attribute, holds under the name."""
        attributes = self.__dict__
        for registry in REGISTRIES:
            if registry != keep and name in attributes[registry]:
                del attributes[registry][name]
        if name not in attributes[keep]:
            attributes.pop(name, None)
        if keep != "_buffers":
            self._non_persistent_buffers_set.discard(name)

    def __delattr__(self, name: str) -> None:
        for registry in REGISTRIES:
            if name in self.__dict__.get(registry, ()):
                del self.__dict__[registry][name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__}
        return sorted(name for name in names if not name[0].isdigit())

    # -- mode -------------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Any:
        """Puts this module and all below it into training mode (or, with False, evaluation mode)."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Any:
        """Puts the module into evaluation mode: dropout rests, batch norm uses its running statistics."""
        return self.train(False)

    # -- copying and printing ---------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        for registry in REGISTRIES:
            for name in state.get(registry, ()):
                state.pop(name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        attributes = self.__dict__
        attributes.update(state)
        for name in REGISTRIES:
            members = attributes.get(name, {})
            if not (isinstance(members, Registry) and members.owned_by(self)):
                attributes[name] = Registry(self, members)
        for name in (*HOOK_TABLES, *STATE_HOOK_TABLES):
            attributes.setdefault(name, OrderedDict())
        attributes.setdefault("_non_persistent_buffers_set", set())
        attributes.setdefault("_is_full_backward_hook", None)

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What `repr` shows between the brackets; a subclass overrides it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        if len(lines) == 1 and not self._modules:
            return f"{self._get_name()}({extra})"
        lines += [f"({name}): {indent(repr(module))}" for name, module in self._modules.items()]
        body = "".join(f"\n  {line}" for line in lines) + "\n" if lines else ""
        return f"{self._get_name()}({body})"


def indent(text: str, spaces: int = 2) -> str:
    """Indents every line of a text but the first."""
    return text.replace("\n", "\n" + " " * spaces)
