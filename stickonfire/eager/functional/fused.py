"""The ops that nn.functional is built on, as plain callables. Their declarations are in ops/.

Room: eager. Called by the files beside this one, which add PyTorch's defaults, legacy arguments and warnings.
The functions made here skip the general binding of arguments: tensors are checked, settings are ready dicts.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...ops.op import REGISTRY
from ..dispatch import dispatch
from ..publish import function, inplace_method
from ..tensor import Tensor


def fused(name: str) -> Callable[..., Any]:
    """The function that executes an op, arguments bound in general."""
    return function(REGISTRY[name])


def forms(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """An op's function, and the one that writes the result into the first input."""
    return function(REGISTRY[name]), inplace_method(REGISTRY[name])


def quick(name: str) -> Callable[..., Any]:
    """`call(attrs, *tensors)`: executes an op at once. Every tensor is given, None where it is absent."""
    op = REGISTRY[name]
    slow, names = function(op), op.tensors

    def call(attrs: Mapping[str, Any], *tensors: Any) -> Any:
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                return slow(**dict(zip(names, tensors)), **attrs)       # raises what PyTorch raises
        return dispatch(op, tensors, attrs)                             # type: ignore[arg-type]

    return call


_linear = quick("linear")
_PLAIN: dict[str, Any] = {}


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """input @ weight.T + bias.

    Shape: (*, D), (O, D) or (D), (O) or () -> (*, O).   Source: PyTorch `linear`.
    """
    return _linear(_PLAIN, input, weight, bias)


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
