"""Weights as magnitude times direction, the older way: recomputed by a hook before every forward.

Room: nn. May import: eager, this room. The newer way, with the same arithmetic, is in parametrizations.py.
"""
from __future__ import annotations

import warnings
from typing import Any

from ...eager import Tensor
from ..module import Module
from ..parameter import Parameter, is_lazy


def norm_except_dim(v: Tensor, dim: int) -> Tensor:
    """The Euclidean norm over all dims but one, which is kept; -1: over all of them. Source: PyTorch."""
    if dim == -1:
        return v.norm()
    rows = v.transpose(0, dim).reshape((v.shape[dim], -1)) if v.dim() > 1 else v.reshape((-1, 1))
    return rows.norm(dim=1).reshape([v.shape[dim] if d == dim % v.dim() else 1 for d in range(v.dim())])


def normed_weight(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """v * (g / |v|). Shape: as v.   Source: Salimans & Kingma 2016; PyTorch `_weight_norm`."""
    return v * (g / norm_except_dim(v, dim))


class WeightNorm:
    """The hook: holds the names and computes the weight from `name_g` and `name_v`. Source: PyTorch `WeightNorm`."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Tensor:
        """The weight that the two parameters stand for."""
        return normed_weight(getattr(module, self.name + "_v"), getattr(module, self.name + "_g"), self.dim)

    def remove(self, module: Module) -> None:
        """Makes the weight a parameter again."""
        weight = self.compute_weight(module)
        delattr(module, self.name)
        for part in ("_g", "_v"):
            delattr(module, self.name + part)
        setattr(module, self.name, Parameter(weight.data))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Replaces a weight by `name_g` (its norm over all dims but `dim`) and `name_v` (its direction).

    Raises: RuntimeError if it has been done before, ValueError for a weight without a shape yet.
    Source: Salimans & Kingma 2016; PyTorch `nn.utils.weight_norm` (deprecated there, too).
    """
    warnings.warn("`torch.nn.utils.weight_norm` is deprecated in favor of "
                  "`torch.nn.utils.parametrizations.weight_norm`.", FutureWarning, stacklevel=2)
    for found in module._forward_pre_hooks.values():
        if isinstance(found, WeightNorm) and found.name == name:
            raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook, weight = WeightNorm(name, dim), getattr(module, name)
    if is_lazy(weight):
        raise ValueError("The module passed to `WeightNorm` can't have uninitialized parameters. Make sure to run the "
                         "dummy forward before applying weight normalization")
    del module._parameters[name]
    module.register_parameter(name + "_g", Parameter(norm_except_dim(weight, hook.dim).data))
    module.register_parameter(name + "_v", Parameter(weight.data))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Undoes `weight_norm`. Raises: ValueError if there is none.   Source: PyTorch `remove_weight_norm`."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, WeightNorm) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"weight_norm of '{name}' not found in {module}")
