"""Batch and instance norms that take the number of channels from their first input.

Room: nn. May import: eager, this room.
"""
from __future__ import annotations

from typing import Any

from ..eager import Tensor, long, tensor
from .batchnorm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    NormWithStatistics,
)
from .lazy import LazyModule
from .parameter import UninitializedBuffer, UninitializedParameter


class LazyNorm(LazyModule, NormWithStatistics):
    """What the lazy norms share; `cls_to_become` says which norm each will be."""

    weight: Any
    bias: Any
    running_mean: Any
    running_var: Any

    def __init__(self, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
                 track_running_stats: bool = True, device: Any = None, dtype: Any = None, *,
                 bias: bool = True) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype, bias=False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = tensor(0, dtype=long, device=device)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        if not self.has_uninitialized_params():
            return
        self.num_features = input.shape[1]
        for member in (self.weight, self.bias, self.running_mean, self.running_var):
            if member is not None:
                member.materialize((self.num_features,))
        self.reset_parameters()


class LazyBatchNorm1d(LazyNorm, BatchNorm1d):
    """A BatchNorm1d that takes num_features from its first input. Source: PyTorch `nn.LazyBatchNorm1d`."""

    cls_to_become = BatchNorm1d  # type: ignore[assignment]


class LazyBatchNorm2d(LazyNorm, BatchNorm2d):
    """A BatchNorm2d that takes num_features from its first input. Source: PyTorch `nn.LazyBatchNorm2d`."""

    cls_to_become = BatchNorm2d  # type: ignore[assignment]


class LazyBatchNorm3d(LazyNorm, BatchNorm3d):
    """A BatchNorm3d that takes num_features from its first input. Source: PyTorch `nn.LazyBatchNorm3d`."""

    cls_to_become = BatchNorm3d  # type: ignore[assignment]


class LazyInstanceNorm1d(LazyNorm, InstanceNorm1d):
    """InstanceNorm1d, num_features from its first input. Source: PyTorch `nn.LazyInstanceNorm1d`."""

    cls_to_become = InstanceNorm1d  # type: ignore[assignment]


class LazyInstanceNorm2d(LazyNorm, InstanceNorm2d):
    """InstanceNorm2d, num_features from its first input. Source: PyTorch `nn.LazyInstanceNorm2d`."""

    cls_to_become = InstanceNorm2d  # type: ignore[assignment]


class LazyInstanceNorm3d(LazyNorm, InstanceNorm3d):
    """InstanceNorm3d, num_features from its first input. Source: PyTorch `nn.LazyInstanceNorm3d`."""

    cls_to_become = InstanceNorm3d  # type: ignore[assignment]
