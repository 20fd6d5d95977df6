"""Adadelta: steps in the units of the weights, from running means of squared gradients and squared steps.

    v = rho * v + (1 - rho) * g^2                 d = sqrt(u + eps) / sqrt(v + eps) * g
    u = rho * u + (1 - rho) * d^2                 w = w - lr * d

Zeiler (2012), "ADADELTA: An Adaptive Learning Rate Method".
May import: eager, and optimizer.py, common.py of this room.
"""
from typing import Any, ClassVar

from ..eager import Tensor, view_as_complex, zeros_like
from .common import as_real, check_capturable, check_not_negative, check_options, number, step_counter
from .optimizer import GroupwiseOptimizer, ParamsT


class Adadelta(GroupwiseOptimizer):
    """Adadelta; the learning rate only scales what the method proposes.

    Raises: ValueError for an option out of its range.   Source: PyTorch `torch.optim.Adadelta`.

    >>> import stickonfire as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Adadelta([w], lr=10.0)
    >>> (w ** 2).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9684, 1.9684], requires_grad=True)
    """

    _added_options: ClassVar[dict[str, Any]] = {
        "foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(self, params: ParamsT, lr: float | Tensor = 1.0, rho: float = 0.9, eps: float = 1e-6,
                 weight_decay: float = 0, foreach: bool | None = None, *, capturable: bool = False,
                 maximize: bool = False, differentiable: bool = False) -> None:
        check_options(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative(eps=eps, weight_decay=weight_decay)
        super().__init__(params, {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable})

    def _update(self, group: dict[str, Any]) -> None:
        lr, rho, eps, weight_decay = number(group["lr"]), group["rho"], group["eps"], group["weight_decay"]
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            state = self.state[param]
            if not state:
                state.update(step=step_counter(), square_avg=zeros_like(param), acc_delta=zeros_like(param))
            if group["capturable"]:
                check_capturable(param)
            step, square_avg, acc_delta = state["step"], state["square_avg"], state["acc_delta"]
            step += 1
            if group["maximize"]:
                grad = -grad
            if weight_decay != 0:
                grad = grad.add(param, alpha=weight_decay)
            is_complex = param.is_complex()
            if is_complex:
                grad, square_avg, acc_delta = as_real(grad, square_avg, acc_delta)
            square_avg.mul_(rho).addcmul_(grad, grad, value=1 - rho)
            root = square_avg.add(eps).sqrt_()
            delta = acc_delta.add(eps).sqrt_()
            if group["differentiable"]:
                delta = delta.clone()
            delta.div_(root).mul_(grad)
            acc_delta.mul_(rho).addcmul_(delta, delta, value=1 - rho)
            param.add_(view_as_complex(delta) if is_complex else delta, alpha=-lr)
