"""Stochastic gradient descent, with momentum if wanted.

    g = grad + weight_decay * w
    b = momentum * b + (1 - dampening) * g        (b = g in the first step)
    w = w - lr * b                                (Nesterov: w - lr * (g + momentum * b))

Sutskever et al. (2013), "On the importance of initialization and momentum in deep learning".
May import: eager, and optimizer.py, common.py of this room.
"""
from typing import Any, ClassVar

from ..eager import Tensor
from ..eager.update import descend
from .common import check_not_negative, check_options, scalar
from .optimizer import GroupwiseOptimizer, ParamsT


class SGD(GroupwiseOptimizer):
    """Gradient descent with optional momentum, dampening, weight decay and Nesterov's look-ahead.

    `foreach` and `fused` are accepted and choose nothing here.

    Raises: ValueError for a negative option, or Nesterov without momentum or with dampening.
    Source: PyTorch `torch.optim.SGD`.

    >>> import stickonfire as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
    >>> (w ** 2).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8000, 1.6000], requires_grad=True)
    """

    _added_options: ClassVar[dict[str, Any]] = {
        "nesterov": False, "maximize": False, "foreach": None, "differentiable": False, "fused": False}

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-3, momentum: float = 0, dampening: float = 0,
                 weight_decay: float | Tensor = 0, nesterov: bool = False, *, maximize: bool = False,
                 foreach: bool | None = None, differentiable: bool = False,
                 fused: bool | None = None) -> None:
        check_options(lr, foreach, fused=fused, differentiable=differentiable)
        check_not_negative(momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize, "foreach": foreach, "differentiable": differentiable,
            "fused": fused})

    def _update_at_once(self, group: dict[str, Any]) -> bool:
        lr = group["lr"]
        if (lr.__class__ is not float or group["momentum"] != 0 or group["weight_decay"].__class__ is Tensor
                or group["weight_decay"] != 0 or group["maximize"] or group["differentiable"]):
            return False
        return descend(group["params"], lr)

    def _update(self, group: dict[str, Any]) -> None:
        lr, momentum, weight_decay = group["lr"], group["momentum"], group["weight_decay"]
        keep, nesterov, maximize = 1 - group["dampening"], group["nesterov"], group["maximize"]
        lr_is_number = not isinstance(lr, Tensor)
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            if maximize:
                grad = -grad
            if weight_decay != 0:
                grad = _decayed(grad, param, weight_decay)
            if momentum != 0:
                state = self.state[param]
                buffer = state.get("momentum_buffer")
                if buffer is None:
                    buffer = state["momentum_buffer"] = grad.detach().clone()
                else:
                    buffer.mul_(momentum).add_(grad, alpha=keep)
                grad = grad.add(buffer, alpha=momentum) if nesterov else buffer
            if lr_is_number:
                param.add_(grad, alpha=-lr)
            elif lr.requires_grad:                  # the gradient of lr is wanted: lr must be an operand
                param.addcmul_(grad, scalar(lr), value=-1)
            else:
                param.add_(grad, alpha=-lr.item())


def _decayed(grad: Tensor, param: Tensor, weight_decay: Any) -> Tensor:
    if not isinstance(weight_decay, Tensor):
        return grad.add(param, alpha=weight_decay)
    if weight_decay.requires_grad:
        return grad.addcmul_(param.clone(), weight_decay)
    return grad.add(param, alpha=weight_decay.item())
