"""The ops that nn.functional is built on, as plain callables. Their declarations are in ops/.

Room: eager. Called by the files beside this one, which add PyTorch's defaults, legacy arguments and warnings.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...ops.op import REGISTRY
from ..publish import inplace_method, ready_function


def fused(name: str) -> Callable[..., Any]:
    """The function that executes an op, with the op's own parameters."""
    return ready_function(REGISTRY[name])


def forms(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """An op's function, and the one that writes the result into the first input."""
    return ready_function(REGISTRY[name]), inplace_method(REGISTRY[name])


def public(name: str) -> Callable[..., Any]:
    """The function for users, who may give `out=` as well."""
    return ready_function(REGISTRY[name], out=True)


affine = fused("linear")                # what layers call
linear = public("linear")
gelu = public("gelu")
glu = public("glu")
hardshrink = public("hardshrink")
layer_norm = public("layer_norm")
logsigmoid = public("logsigmoid")
prelu_kernel = fused("prelu_kernel")
rms_norm = public("rms_norm")
softplus = public("softplus")
softshrink = public("softshrink")
standardize = fused("standardize")
