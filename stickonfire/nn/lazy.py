"""Modules that find out their sizes in the first forward.

Room: nn. The base of LazyLinear, LazyBatchNorm and other lazy layers. May import: eager, this room.
Until then the parameters are UninitializedParameters; afterwards the module changes its class to
`cls_to_become` and nothing lazy is left of it.
"""
from __future__ import annotations

from itertools import chain
from typing import Any

from ..eager import no_grad
from .module import Module
from .parameter import is_lazy


class LazyModule(Module):
    """Mixin: give it first in the bases, set `cls_to_become`, define `initialize_parameters(*inputs)`.

    Source: PyTorch `nn.modules.lazy.LazyModuleMixin`.
    """

    cls_to_become: type[Module] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = self.register_forward_pre_hook(self._infer_parameters, with_kwargs=True)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Gives the parameters their shapes from the first inputs; each lazy layer defines its own."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer still waits for its shape."""
        return any(is_lazy(member) for member in chain(self._parameters.values(), self._buffers.values()))

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, member in self._own_state():
            destination[prefix + name] = member if is_lazy(member) or keep_vars else member.detach()

    def _lazy_load_hook(self, state_dict: Any, prefix: str, *args: Any) -> None:
        """Takes the shapes from a state dict that is being loaded."""
        for name, member in chain(self._parameters.items(), self._buffers.items()):
            value = state_dict.get(prefix + name)
            if value is not None and member is not None and is_lazy(member) and not is_lazy(value):
                with no_grad():
                    member.materialize(value.shape)  # type: ignore[union-attr]

    def _infer_parameters(self, module: Any, args: tuple, kwargs: dict[str, Any] | None = None) -> None:
        """The forward pre-hook: takes the shapes from the first inputs, then takes itself off."""
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook
        del module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become
