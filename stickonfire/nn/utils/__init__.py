"""Helpers around modules and gradients, as in `torch.nn.utils`.

Room: nn. May import: eager, this room. What few programs use loads on first use.
"""
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import clip_grad, convert_parameters, init
from .clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from .convert_parameters import parameters_to_vector, vector_to_parameters
from .init import skip_init
from .spectral_norm import remove_spectral_norm, spectral_norm
from .weight_norm import remove_weight_norm, weight_norm

if TYPE_CHECKING:
    from . import parametrizations, parametrize, rnn, stateless
    from .fusion import fuse_conv_bn_eval, fuse_conv_bn_weights, fuse_linear_bn_eval, fuse_linear_bn_weights
    from .memory_format import convert_conv2d_weight_memory_format, convert_conv3d_weight_memory_format

SUBMODULES = ("parametrizations", "parametrize", "rnn", "stateless")
LAZY = {**dict.fromkeys(("fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval",
                         "fuse_linear_bn_weights"), "fusion"),              # name -> where it is
        **dict.fromkeys(("convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"),
                        "memory_format")}

__all__ = [
    "clip_grad", "clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_",
    "convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format",
    "convert_parameters", "fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval",
    "fuse_linear_bn_weights", "get_total_norm", "init", "parameters_to_vector", "parametrizations",
    "parametrize", "remove_spectral_norm", "remove_weight_norm", "rnn", "skip_init",
    "spectral_norm", "stateless", "vector_to_parameters", "weight_norm",
]


def __getattr__(name: str) -> Any:
    if name in SUBMODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in LAZY:
        found = globals()[name] = getattr(importlib.import_module(f".{LAZY[name]}", __name__), name)
        return found
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
