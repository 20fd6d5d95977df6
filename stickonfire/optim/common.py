"""What several algorithms share: step counters, scalars that may be tensors, complex parameters, checks.

Only helpers; no algorithm hides here. May import: eager.
"""
from typing import Any

from ..eager import Tensor, float32, float64, get_default_dtype, tensor, view_as_real


def step_counter(value: float = 0.0) -> Tensor:
    """A step count as PyTorch stores it: a 0-d tensor, float32 unless the default dtype is float64."""
    return tensor(float(value), dtype=float64 if get_default_dtype() is float64 else float32)


def number(x: Any) -> Any:
    """A Python number, for arguments such as `value=` and `alpha=` that take nothing else."""
    return x.item() if isinstance(x, Tensor) else x


def scalar(x: Any) -> Any:
    """The same for a number; a tensor of one element without its dimensions."""
    return x.squeeze() if isinstance(x, Tensor) and x.dim() else x


def as_real(*tensors: Tensor) -> list[Tensor]:
    """Views of complex tensors as pairs of reals, so that an elementwise rule treats both parts alike."""
    return [view_as_real(t) for t in tensors]


def check_options(lr: Any, foreach: bool | None = None, capturable: bool = False, fused: bool | None = None,
                  differentiable: bool = False, tensor_lr_needs_capturable: bool = False) -> None:
    """Raises where PyTorch refuses a learning rate or a combination of implementation switches."""
    if isinstance(lr, Tensor):
        if tensor_lr_needs_capturable and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        if lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
    if not lr >= 0.0:
        raise ValueError(f"Invalid learning rate: {lr}")
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def check_not_negative(**options: Any) -> None:
    """Raises ValueError for the first option below zero (or NaN)."""
    for name, value in options.items():
        if not value >= 0.0:
            raise ValueError(f"Invalid {NAMES.get(name, name)} value: {value}")


def check_betas(betas: Any) -> None:
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def check_capturable(param: Tensor) -> None:
    """`capturable=True` stands for CUDA graphs; PyTorch refuses it on a CPU when the first step is made."""
    if param.device.type == "cpu":
        raise AssertionError("If capturable=True, params and state_steps must be on supported devices: "
                             "['cuda']. Leave capturable at False on the CPU.")


NAMES = {"eps": "epsilon"}
