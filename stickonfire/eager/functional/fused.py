"""The ops that nn.functional is built on, as plain callables. Their declarations are in ops/.

Room: eager. Called by the files beside this one, which add PyTorch's defaults, legacy arguments and warnings.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...ops.op import REGISTRY
from ..publish import inplace_method, ready_function


def fused(name: str) -> Callable[..., Any]:
    """The function that executes an op."""
    return ready_function(REGISTRY[name])


def forms(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """An op's function, and the one that writes the result into the first input."""
    return ready_function(REGISTRY[name]), inplace_method(REGISTRY[name])


linear = fused("linear")
gelu = fused("gelu")
glu = fused("glu")
hardshrink = fused("hardshrink")
layer_norm = fused("layer_norm")
logsigmoid = fused("logsigmoid")
prelu_kernel = fused("prelu_kernel")
rms_norm = fused("rms_norm")
softplus = fused("softplus")
softshrink = fused("softshrink")
standardize = fused("standardize")
