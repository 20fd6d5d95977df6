"""Averages of weights: stochastic weight averaging (SWA) and exponential moving averages (EMA).

    SWA: a = a + (w - a) / (n + 1)                EMA: a = decay * a + (1 - decay) * w

Izmailov et al. (2018), "Averaging Weights Leads to Wider Optima and Better Generalization".
May import: eager, nn (AveragedModel is a Module), and lr_scheduler of this room. Loaded when first used.
"""
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any, Literal

from ..eager import Tensor, int64, no_grad, tensor
from ..nn import Module
from ..nn.batchnorm import BatchNorm
from .common import number
from .lr_scheduler.base import LRScheduler, one_per_group
from .optimizer import Optimizer

__all__ = ["SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn",
           "get_swa_multi_avg_fn", "update_bn"]

TensorList = Sequence[Tensor]


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[TensorList, TensorList, Any], None]:
    """A function that moves a list of averages towards a list of tensors, exponentially."""
    _check_decay(decay)

    @no_grad()
    def ema_update(averages: TensorList, current: TensorList, _: Any) -> None:
        for average, value in zip(averages, current, strict=True):
            if average.is_floating_point() or average.is_complex():
                average.lerp_(value, 1 - decay)
            else:
                average.copy_(average * decay + value * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Callable[[TensorList, TensorList, Any], None]:
    """A function that takes a list of tensors into a list of plain means."""
    @no_grad()
    def swa_update(averages: TensorList, current: TensorList, num_averaged: Any) -> None:
        for average, value in zip(averages, current, strict=True):
            average.lerp_(value, number(1 / (num_averaged + 1)))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Tensor, Tensor, Any], Tensor]:
    """A function for `AveragedModel(avg_fn=...)`: the exponential moving average of one parameter."""
    _check_decay(decay)

    @no_grad()
    def ema_update(average: Tensor, current: Tensor, _: Any) -> Any:
        return decay * average + (1 - decay) * current

    return ema_update


def get_swa_avg_fn() -> Callable[[Tensor, Tensor, Any], Tensor]:
    """A function for `AveragedModel(avg_fn=...)`: the mean of one parameter over all updates."""
    @no_grad()
    def swa_update(average: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        return average + (current - average) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are running averages; call `update_parameters(model)` after steps.

    Parameters are averaged by `avg_fn` one by one or `multi_avg_fn` all at once (SWA if neither is given);
    buffers are copied, or averaged with `use_buffers`.

    Raises: AssertionError if both functions are given.   Source: PyTorch
    `torch.optim.swa_utils.AveragedModel`.

    >>> import stickonfire as torch
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> averaged = torch.optim.swa_utils.AveragedModel(model)
    >>> for value in [1.0, 3.0]:
    ...     _ = torch.nn.init.constant_(model.weight, value)
    ...     averaged.update_parameters(model)
    >>> averaged.module.weight.item()
    2.0
    """

    n_averaged: Any

    def __init__(self, model: Module, device: Any = None,
                 avg_fn: Callable[[Tensor, Tensor, Any], Tensor] | None = None,
                 multi_avg_fn: Callable[[TensorList, TensorList, Any], None] | None = None,
                 use_buffers: bool = False) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def _tensors(self, module: Module) -> list[Tensor]:
        chosen: Iterable[Tensor] = module.parameters()
        if self.use_buffers:
            chosen = itertools.chain(chosen, module.buffers())
        return [t.detach() for t in chosen]

    def update_parameters(self, model: Module) -> None:
        """Takes the model's present parameters into the averages; the first call copies them."""
        averages, current = self._tensors(self.module), self._tensors(model)
        current = [value.to(average.device) for average, value in zip(averages, current, strict=True)]
        if self.n_averaged == 0:
            for average, value in zip(averages, current, strict=True):
                average.copy_(value)
        elif self.multi_avg_fn is not None:
            for group in _by_device_and_dtype(averages, current):
                self.multi_avg_fn(*group, self.n_averaged.to(group[0][0].device))
        else:
            avg_fn = self.avg_fn or get_swa_avg_fn()
            for average, value in zip(averages, current, strict=True):
                average.copy_(avg_fn(average, value, self.n_averaged.to(average.device)))
        if not self.use_buffers:
            for average, value in zip(self.module.buffers(), model.buffers(), strict=True):
                average.detach().copy_(value.detach().to(average.device))
        self.n_averaged += 1


def _by_device_and_dtype(averages: TensorList,
                         current: TensorList) -> list[tuple[list[Tensor], list[Tensor]]]:
    groups: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
    for average, value in zip(averages, current, strict=True):
        group = groups.setdefault((str(average.device), average.dtype), ([], []))
        group[0].append(average)
        group[1].append(value)
    return list(groups.values())


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Computes the running statistics of all batch norms anew, in one pass over the data.

    Batches may be tensors, or tuples or lists that begin with one.   Source: PyTorch `update_bn`.
    """
    momenta: dict[Any, Any] = {}
    for module in model.modules():
        if isinstance(module, BatchNorm):
            module.reset_running_stats()
            momenta[module] = module.momentum
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.momentum = None              # stands for the plain mean over all batches
    for batch in loader:
        inputs = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(inputs if device is None else inputs.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Anneals every rate to `swa_lr` in `anneal_epochs` epochs, along a line or half a cosine, and keeps it.

    Raises: ValueError for an unknown strategy or a negative number of epochs.   Source: PyTorch `SWALR`.

    >>> import stickonfire as torch
    >>> optimizer = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=1.0)
    >>> scheduler = torch.optim.swa_utils.SWALR(optimizer, 0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> optimizer.step(); scheduler.step(); scheduler.get_last_lr()
    [0.75]
    """

    def __init__(self, optimizer: Optimizer, swa_lr: float, anneal_epochs: int = 10,
                 anneal_strategy: Literal["cos", "linear"] = "cos", last_epoch: int = -1) -> None:
        for group, rate in zip(optimizer.param_groups, one_per_group("swa_lr", optimizer, swa_lr),
                               strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_strategy: str = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _progress(self, step: int) -> float:
        """How far, from 0 to 1, the rate has come after so many steps."""
        share = max(0, min(1, step / max(1, self.anneal_epochs)))
        return share if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * share)) / 2

    def get_lr(self) -> list[Any]:
        self._warn_if_called_by_user()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._progress(step - 1), self._progress(step)
        lrs = []
        for group in self.optimizer.param_groups:
            target = group["swa_lr"]
            start = target if before == 1 else (group["lr"] - before * target) / (1 - before)
            lrs.append(target * now + start * (1 - now))
        return lrs
