"""Limiting gradients: by their common norm, or value by value.

Room: nn. Called between backward and the optimizer's step. May import: eager. `foreach` is accepted and has
no effect: there is one way to do it.
"""
from __future__ import annotations

import math
import types
import warnings
from collections.abc import Iterable

from ...eager import Tensor, no_grad, stack, tensor

Tensors = Tensor | Iterable[Tensor]


def _as_list(tensors: Tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def get_total_norm(tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False,
                   foreach: bool | None = None) -> Tensor:
    """The norm of all tensors taken as one vector.

    Raises: RuntimeError for a NaN or infinite norm if asked to.   Source: PyTorch `get_total_norm`.

    >>> import stickonfire
    >>> get_total_norm([stickonfire.tensor([3.0]), stickonfire.tensor([4.0])])
    tensor(5.)
    """
    norm_type = float(norm_type)
    with no_grad():
        parts = [t.norm(norm_type) for t in _as_list(tensors)]
        if not parts:
            return tensor(0.0)
        total = stack([part.to(parts[0].device) for part in parts]).norm(norm_type)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, "
                           "so it cannot be clipped. To disable this error and scale the gradients by the "
                           "non-finite norm anyway, set `error_if_nonfinite=False`")
    return total


def clip_grads_with_norm_(parameters: Tensors, max_norm: float, total_norm: Tensor,
                          foreach: bool | None = None) -> None:
    """Scales the gradients by max_norm / (total_norm + 1e-6) if that is less than one."""
    grads = [p.grad for p in _as_list(parameters) if p.grad is not None]
    if not grads:
        return
    with no_grad():
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        for grad in grads:
            grad.mul_(factor.to(grad.device))


def clip_grad_norm_(parameters: Tensors, max_norm: float, norm_type: float = 2.0,
                    error_if_nonfinite: bool = False, foreach: bool | None = None) -> Tensor:
    """Scales the gradients so that their common norm is at most `max_norm`. Returns the norm before that.

    Source: Pascanu et al. 2013; PyTorch `clip_grad_norm_`.

    >>> import stickonfire
    >>> w = stickonfire.ones(2, requires_grad=True)
    >>> (w * stickonfire.tensor([3.0, 4.0])).sum().backward()
    >>> clip_grad_norm_(w, 1.0), w.grad
    (tensor(5.), tensor([0.6000, 0.8000]))
    """
    generator = isinstance(parameters, types.GeneratorType)
    parameters = _as_list(parameters)
    if generator and not parameters:
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    grads = [p.grad for p in parameters if p.grad is not None]
    total = get_total_norm(grads, norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total, foreach)
    return total


def clip_grad_norm(parameters: Tensors, max_norm: float, norm_type: float = 2.0,
                   error_if_nonfinite: bool = False, foreach: bool | None = None) -> Tensor:
    """Deprecated spelling of `clip_grad_norm_`."""
    warnings.warn("`torch.nn.utils.clip_grad_norm` is now deprecated in favor of "
                  "`torch.nn.utils.clip_grad_norm_`.", FutureWarning, stacklevel=2)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Limits each gradient element to [-clip_value, clip_value]. Source: PyTorch `clip_grad_value_`."""
    clip_value = float(clip_value)
    with no_grad():
        for parameter in _as_list(parameters):
            if parameter.grad is not None:
                parameter.grad.clamp_(min=-clip_value, max=clip_value)
