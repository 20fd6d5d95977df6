"""Activations with a rule of their own: PyTorch's signatures, with `inplace`, over the ops in ops/.

Room: eager. Activations made of other ops are in activation_composite.py.
"""
from __future__ import annotations

import warnings
from typing import Any

from .fused import forms, fused

_relu, relu_ = forms("relu")
_relu6, _relu6_ = forms("relu6")
_leaky_relu, leaky_relu_ = forms("leaky_relu")
_elu, elu_ = forms("elu")
_selu, selu_ = forms("selu")
_celu, celu_ = forms("celu")
_silu, _silu_ = forms("silu")
_mish, _mish_ = forms("mish")
_hardtanh, hardtanh_ = forms("hardtanh")
_hardswish, _hardswish_ = forms("hardswish")
_hardsigmoid, _hardsigmoid_ = forms("hardsigmoid")
_threshold, threshold_ = forms("threshold")
_softmax = fused("softmax")
_log_softmax = fused("log_softmax")


def relu(input: Any, inplace: bool = False) -> Any:
    """max(0, x).

    Shape: (*) -> (*).   Source: PyTorch `relu`.
    """
    return relu_(input) if inplace else _relu(input)


def relu6(input: Any, inplace: bool = False) -> Any:
    """min(max(0, x), 6).

    Shape: (*) -> (*).   Source: PyTorch `relu6`.
    """
    return _relu6_(input) if inplace else _relu6(input)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """x for x > 0, negative_slope * x otherwise.

    Shape: (*) -> (*).   Source: Maas et al. 2013; PyTorch `leaky_relu`.
    """
    return leaky_relu_(input, negative_slope) if inplace else _leaky_relu(input, negative_slope)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x for x > 0, alpha * (exp(x) - 1) otherwise.

    Shape: (*) -> (*).   Source: Clevert et al. 2015; PyTorch `elu`.
    """
    return elu_(input, alpha) if inplace else _elu(input, alpha)


def selu(input: Any, inplace: bool = False) -> Any:
    """scale * (max(0, x) + min(0, alpha * (exp(x) - 1))).

    Shape: (*) -> (*).   Source: Klambauer et al. 2017; PyTorch `selu`.
    """
    return selu_(input) if inplace else _selu(input)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1)).

    Shape: (*) -> (*).   Source: Barron 2017; PyTorch `celu`.
    """
    return celu_(input, alpha) if inplace else _celu(input, alpha)


def silu(input: Any, inplace: bool = False) -> Any:
    """x * sigmoid(x).

    Shape: (*) -> (*).   Source: Hendrycks & Gimpel 2016; PyTorch `silu`.
    """
    return _silu_(input) if inplace else _silu(input)


def mish(input: Any, inplace: bool = False) -> Any:
    """x * tanh(softplus(x)).

    Shape: (*) -> (*).   Source: Misra 2019; PyTorch `mish`.
    """
    return _mish_(input) if inplace else _mish(input)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """x, limited to [min_val, max_val].

    Shape: (*) -> (*).   Raises: ValueError for an empty interval.   Source: PyTorch `hardtanh`.
    """
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return hardtanh_(input, min_val, max_val) if inplace else _hardtanh(input, min_val, max_val)


def hardswish(input: Any, inplace: bool = False) -> Any:
    """x * min(max(0, x / 6 + 1 / 2), 1).

    Shape: (*) -> (*).   Source: Howard et al. 2019; PyTorch `hardswish`.
    """
    return _hardswish_(input) if inplace else _hardswish(input)


def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """min(max(0, x / 6 + 1 / 2), 1).

    Shape: (*) -> (*).   Source: PyTorch `hardsigmoid`.
    """
    return _hardsigmoid_(input) if inplace else _hardsigmoid(input)


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """x for x > threshold, `value` otherwise.

    Shape: (*) -> (*).   Source: PyTorch `threshold`.
    """
    return threshold_(input, threshold, value) if inplace else _threshold(input, threshold, value)


def sigmoid(input: Any) -> Any:
    """1 / (1 + exp(-x)).

    Shape: (*) -> (*).   Source: PyTorch `sigmoid`.
    """
    return input.sigmoid()


def tanh(input: Any) -> Any:
    """tanh(x).

    Shape: (*) -> (*).   Source: PyTorch `tanh`.
    """
    return input.tanh()


def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """exp(x) / sum of exp(x) along `dim`, computed without overflow.

    Shape: (*) -> (*).   Source: PyTorch `softmax`.
    """
    dim = _implicit_dim("softmax", input, _stacklevel) if dim is None else dim
    return _softmax(input if dtype is None else input.to(dtype), dim)


def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """x - log(sum of exp(x)) along `dim`, computed without overflow.

    Shape: (*) -> (*).   Source: PyTorch `log_softmax`.
    """
    dim = _implicit_dim("log_softmax", input, _stacklevel) if dim is None else dim
    return _log_softmax(input if dtype is None else input.to(dtype), dim)


def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """Softmax of -x.

    Shape: (*) -> (*).   Source: PyTorch `softmin`.
    """
    dim = _implicit_dim("softmin", input, _stacklevel) if dim is None else dim
    return softmax(-input, dim, dtype=dtype)


def _implicit_dim(name: str, input: Any, stacklevel: int) -> int:
    """The dimension PyTorch picks where none is given. Warns."""
    warnings.warn(f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X "
                  "as an argument.", stacklevel=stacklevel)
    return 0 if input.dim() in (0, 1, 3) else 1
