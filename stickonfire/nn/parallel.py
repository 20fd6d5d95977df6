"""`torch.nn.parallel`: one model on several devices. On one CPU it is just the model.

Room: nn. May import: this room. Processes that work together are not there yet.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .module import Module

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]


class DataParallel(Module):
    """Runs a module on parts of the batch on each of several devices; without such devices it calls the module.

    The model is the attribute `module`, so state dicts have PyTorch's keys. `device_ids` and `output_device` name
    CUDA devices and change nothing where there are none, as in PyTorch.
    Shape: as of the module.   Source: PyTorch `nn.DataParallel`.

    >>> from stickonfire import nn
    >>> list(nn.DataParallel(nn.Linear(2, 1)).state_dict())
    ['module.weight', 'module.bias']
    """

    def __init__(self, module: Any, device_ids: Sequence[Any] | None = None, output_device: Any = None,
                 dim: int = 0) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[int] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


def data_parallel(module: Any, inputs: Any, device_ids: Sequence[Any] | None = None, output_device: Any = None,
                  dim: int = 0, module_kwargs: dict[str, Any] | None = None) -> Any:
    """`module(*inputs, **module_kwargs)`, where there are no devices to share the work. Source: PyTorch."""
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*inputs, **(module_kwargs or {}))


class DistributedDataParallel(Module):
    """A model trained by several processes. Without a process group, as here, it refuses as PyTorch does.

    Shape: as of the module.   Raises: ValueError.   Source: PyTorch `nn.parallel.DistributedDataParallel`.
    """

    def __init__(self, module: Any, *args: Any, **kwargs: Any) -> None:
        raise ValueError("Default process group has not been initialized, please make sure to call init_process_group. "
                         "Training by several processes is not there yet: call the model itself")
