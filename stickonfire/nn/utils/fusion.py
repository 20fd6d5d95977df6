"""Batch norm in evaluation folded into the layer before it.

Room: nn. May import: eager, this room.
"""
from __future__ import annotations

import copy
from typing import Any

from ...eager import Tensor, ones_like, rsqrt, zeros_like
from ..parameter import Parameter


def _require_evaluation(layer: Any, bn: Any) -> None:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval! Call .eval() on both modules first")


def _require_statistics(bn: Any) -> None:
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")


def _fused(weight: Tensor, bias: Tensor | None, mean: Tensor, scale: Tensor, shift: Tensor | None,
           per_output: tuple[int, ...]) -> tuple[Parameter, Parameter]:
    """weight * scale and (bias - mean) * scale + shift, in the dtypes that weight and bias have."""
    kind = weight.dtype if bias is None else bias.dtype
    offset = -mean if bias is None else bias - mean
    new_bias = offset * scale if shift is None else offset * scale + shift
    return (Parameter((weight * scale.reshape(per_output)).to(weight.dtype), weight.requires_grad),
            Parameter(new_bias.to(kind), bias is not None and bias.requires_grad))


def fuse_conv_bn_weights(conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float,
                         bn_w: Tensor | None, bn_b: Tensor | None,
                         transpose: bool = False) -> tuple[Parameter, Parameter]:
    """Weight and bias of a convolution that does what it and a batch norm after it do. Source: PyTorch."""
    scale = (ones_like(bn_rm) if bn_w is None else bn_w) * rsqrt(bn_rv + bn_eps)
    per_output = (1, -1) if transpose else (-1, 1)
    return _fused(conv_w, conv_b, bn_rm, scale, bn_b, (*per_output, *[1] * (conv_w.dim() - 2)))


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A convolution that does what it and a batch norm after it do in evaluation.

    Raises: AssertionError in training, or without running statistics.   Source: PyTorch `fuse_conv_bn_eval`.

    >>> from stickonfire import nn
    >>> fuse_conv_bn_eval(nn.Conv2d(1, 2, 3).eval(), nn.BatchNorm2d(2).eval())
    Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))
    """
    _require_evaluation(conv, bn)
    _require_statistics(bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps,
                                                    bn.weight, bn.bias, transpose)
    return fused


def fuse_linear_bn_weights(linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float,
                           bn_w: Tensor, bn_b: Tensor) -> tuple[Parameter, Parameter]:
    """Weight and bias of a linear layer that does what it and a batch norm after it do. Source: PyTorch."""
    bias = zeros_like(bn_rm) if linear_b is None else linear_b
    return _fused(linear_w, bias, bn_rm, bn_w * rsqrt(bn_rv + bn_eps), bn_b, (-1, 1))


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A linear layer that does what it and a batch norm after it do in evaluation.

    Raises: AssertionError in training, without running statistics, or for sizes that don't fit.
    Source: PyTorch `fuse_linear_bn_eval`.
    """
    _require_evaluation(linear, bn)
    if bn.num_features not in (1, linear.out_features):
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
                             f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}")
    _require_statistics(bn)
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(fused.weight, fused.bias, bn.running_mean, bn.running_var,
                                                      bn.eps, bn.weight, bn.bias)
    return fused
