"""Normalisation over the batch, and over the positions of each sample: BatchNorm1d-3d, InstanceNorm1d-3d.

Room: nn. May import: eager, this room. Their lazy forms are in batchnorm_lazy.py.
"""
from __future__ import annotations

import warnings
from typing import Any

from ..eager import Tensor, long, ones, tensor, zeros
from ..eager import functional as F
from .normalization import ScaledNorm


class NormWithStatistics(ScaledNorm):
    """What both families share: scale and shift per channel, and running statistics as buffers."""

    _version = 2
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1,
                 affine: bool = True, track_running_stats: bool = True, device: Any = None,
                 dtype: Any = None, *, bias: bool = True) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, None)
        if track_running_stats:
            self.running_mean = zeros(num_features, device=device, dtype=dtype)
            self.running_var = ones(num_features, device=device, dtype=dtype)
            self.num_batches_tracked = tensor(0, dtype=long, device=device)
        self._add_parameters(num_features, affine, affine and bias, device=device, dtype=dtype)

    def reset_running_stats(self) -> None:
        """Forgets the running statistics: mean 0, variance 1, no batches seen."""
        if self.track_running_stats:
            self.running_mean.zero_()  # type: ignore[union-attr]
            self.running_var.fill_(1)  # type: ignore[union-attr]
            self.num_batches_tracked.zero_()  # type: ignore[union-attr]

    def reset_parameters(self) -> None:
        self.reset_running_stats()
        super().reset_parameters()

    def _check_input_dim(self, input: Tensor) -> None:
        raise NotImplementedError

    def _require_dims(self, input: Tensor, *allowed: int) -> None:
        if input.dim() not in allowed:
            expected = " or ".join(f"{n}D" for n in allowed)
            raise ValueError(f"expected {expected} input (got {input.dim()}D input)")

    def extra_repr(self) -> str:
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
                f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}")

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: dict[str, Any],
                              *args: Any) -> None:
        version = local_metadata.get("version")
        key = prefix + "num_batches_tracked"
        if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
            state_dict[key] = self.num_batches_tracked      # version 1 did not count the batches
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


class BatchNorm(NormWithStatistics):
    """y = (x - mean) / sqrt(var + eps) * weight + bias, with statistics per channel over batch and positions.

    In training the batch's own (biased) variance is used, and the running statistics move towards the batch's
    (unbiased) by `momentum`, or become plain averages if it is None. In evaluation the running ones are used.
    Source: Ioffe & Szegedy 2015.
    """

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        factor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                factor = 1.0 / self.num_batches_tracked.item()
        from_batch = self.training or (self.running_mean is None and self.running_var is None)
        mean, var = self.running_mean, self.running_var
        if self.training and not self.track_running_stats:
            mean = var = None
        return F.batch_norm(input, mean, var, self.weight, self.bias, from_batch, factor, self.eps)


class BatchNorm1d(BatchNorm):
    """Batch normalisation of vectors or sequences; see BatchNorm for the formula.

    Shape: (N, C) or (N, C, L) -> same.   Source: PyTorch `nn.BatchNorm1d`.

    >>> from stickonfire import nn
    >>> nn.BatchNorm1d(4)
    BatchNorm1d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """

    def _check_input_dim(self, input: Tensor) -> None:
        self._require_dims(input, 2, 3)


class BatchNorm2d(BatchNorm):
    """Batch normalisation of images; see BatchNorm for the formula.

    Shape: (N, C, H, W) -> same.   Source: PyTorch `nn.BatchNorm2d`.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        self._require_dims(input, 4)


class BatchNorm3d(BatchNorm):
    """Batch normalisation of volumes; see BatchNorm for the formula.

    Shape: (N, C, D, H, W) -> same.   Source: PyTorch `nn.BatchNorm3d`.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        self._require_dims(input, 5)


class InstanceNorm(NormWithStatistics):
    """Like BatchNorm, with statistics per sample and channel. By default without weight, bias and tracking.

    Source: Ulyanov et al. 2016.
    """

    dims = 2    # of a sample: channels and positions

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False,
                 track_running_stats: bool = False, device: Any = None, dtype: Any = None, *,
                 bias: bool = True) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _check_input_dim(self, input: Tensor) -> None:
        self._require_dims(input, self.dims, self.dims + 1)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        place = input.dim() - self.dims
        if input.size(place) != self.num_features:
            if self.affine:
                raise ValueError(f"expected input's size at dim={place} to match num_features "
                                 f"({self.num_features}), but got: {input.size(place)}.")
            warnings.warn(f"input's size at dim={place} does not match num_features. You can silence this "
                          "warning by not passing in num_features, which is not used because affine=False",
                          stacklevel=2)
        if place == 0:
            return self._normalize(input.unsqueeze(0)).squeeze(0)
        return self._normalize(input)

    def _normalize(self, input: Tensor) -> Tensor:
        return F.instance_norm(input, self.running_mean, self.running_var, self.weight, self.bias,
                               self.training or not self.track_running_stats,
                               self.momentum if self.momentum is not None else 0.0, self.eps)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: dict[str, Any],
                              strict: bool, missing_keys: list[str], unexpected_keys: list[str],
                              error_msgs: list[str]) -> None:
        if local_metadata.get("version") is None and not self.track_running_stats:
            self._refuse_statistics(state_dict, prefix, error_msgs)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys,
                                      unexpected_keys, error_msgs)

    def _refuse_statistics(self, state_dict: Any, prefix: str, error_msgs: list[str]) -> None:
        found = [prefix + name for name in ("running_mean", "running_var") if prefix + name in state_dict]
        if found:
            name = type(self).__name__
            listed = " and ".join(f'"{key}"' for key in found)
            error_msgs.append(
                f"Unexpected running stats buffer(s) {listed} for {name} with track_running_stats=False. If "
                f"state_dict is a checkpoint saved before 0.4.0, this may be expected because {name} does not "
                "track running stats by default since 0.4.0. Please remove these keys from state_dict. If the "
                f"running stats are actually needed, instead set track_running_stats=True in {name} to enable "
                f"them. See the documentation of {name} for details."
            )
            for key in found:
                del state_dict[key]


class InstanceNorm1d(InstanceNorm):
    """Instance normalisation of sequences.

    Shape: (N, C, L) or (C, L) -> same.   Source: PyTorch `nn.InstanceNorm1d`.
    """

    dims = 2


class InstanceNorm2d(InstanceNorm):
    """Instance normalisation of images.

    Shape: (N, C, H, W) or (C, H, W) -> same.   Source: PyTorch `nn.InstanceNorm2d`.
    """

    dims = 3


class InstanceNorm3d(InstanceNorm):
    """Instance normalisation of volumes.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same.   Source: PyTorch `nn.InstanceNorm3d`.
    """

    dims = 4
