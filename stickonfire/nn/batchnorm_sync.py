"""Batch norm over the batches of all processes: here there is one process, so it is batch norm.

Room: nn. May import: eager, this room.
"""
from __future__ import annotations

from typing import Any

from ..eager import Tensor
from .batchnorm import BatchNorm
from .module import Module


class SyncBatchNorm(BatchNorm):
    """Batch normalisation with statistics over all processes of a group; without a group, as here, BatchNorm.

    Shape: (N, C, *) -> same.   Raises: NotImplementedError for a process group: there are none yet.
    Source: PyTorch `nn.SyncBatchNorm`.

    >>> from stickonfire import nn
    >>> nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.BatchNorm1d(3)))
    Sequential(
      (0): SyncBatchNorm(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    )
    """

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
                 track_running_stats: bool = True, process_group: Any = None, device: Any = None, dtype: Any = None,
                 *, bias: bool = True) -> None:
        if process_group is not None:
            raise NotImplementedError("SyncBatchNorm: process groups are not there yet, so statistics cannot be shared "
                                      "between processes. Leave process_group out: it is then BatchNorm")
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected at least 2D input (got {input.dim()}D input)")
        if input.shape[1] == 0:
            raise ValueError("SyncBatchNorm number of input channels should be non-zero; "
                             f"the input has shape {list(input.shape)}")

    @classmethod
    def convert_sync_batchnorm(cls, module: Any, process_group: Any = None) -> Any:
        """The module with every BatchNorm in it replaced by a SyncBatchNorm that holds the same tensors."""
        made: Module = module
        if isinstance(module, BatchNorm):
            made = SyncBatchNorm(module.num_features, module.eps, module.momentum, module.affine,
                                 module.track_running_stats, process_group, bias=module.bias is not None)
            for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
                setattr(made, name, getattr(module, name))
            made.training = module.training
        for name, child in module.named_children():
            made.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return made
