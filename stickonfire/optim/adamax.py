"""Adamax: Adam with the largest recent gradient in place of the root of the mean square.

    m = beta1 * m + (1 - beta1) * g               u = max(beta2 * u, |g| + eps)
    w = w - lr / (1 - beta1^t) * m / u

Kingma and Ba (2015), "Adam: A Method for Stochastic Optimization", section 7.1.
May import: eager, and optimizer.py, common.py of this room.
"""
from typing import Any, ClassVar

from ..eager import Tensor, maximum, zeros_like
from .common import (
    as_real,
    check_betas,
    check_capturable,
    check_not_negative,
    check_options,
    number,
    scalar,
    step_counter,
)
from .optimizer import GroupwiseOptimizer, ParamsT


class Adamax(GroupwiseOptimizer):
    """Adam under the infinity norm.

    Raises: ValueError for an option out of its range.   Source: PyTorch `torch.optim.Adamax`.

    >>> import stickonfire as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Adamax([w], lr=0.1)
    >>> (w ** 2).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    _added_options: ClassVar[dict[str, Any]] = {
        "foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(self, params: ParamsT, lr: float | Tensor = 2e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, foreach: bool | None = None, *,
                 maximize: bool = False, differentiable: bool = False, capturable: bool = False) -> None:
        check_options(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable})

    def _update(self, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        lr, eps, weight_decay = scalar(group["lr"]), group["eps"], group["weight_decay"]
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            state = self.state[param]
            if not state:
                state.update(step=step_counter(), exp_avg=zeros_like(param), exp_inf=zeros_like(param))
            if group["capturable"]:
                check_capturable(param)
            step, exp_avg, exp_inf = state["step"], state["exp_avg"], state["exp_inf"]
            step += 1
            if group["maximize"]:
                grad = -grad
            if weight_decay != 0:
                grad = grad.add(param, alpha=weight_decay)
            if param.is_complex():
                param, grad, exp_avg, exp_inf = as_real(param, grad, exp_avg, exp_inf)
            exp_avg.lerp_(grad, 1 - beta1)
            decayed = exp_inf.mul_(beta2)
            if group["differentiable"]:
                decayed = decayed.clone()           # exp_inf is overwritten next
            exp_inf.copy_(maximum(decayed, grad.abs().add_(eps)))
            corrected_lr = lr / (1 - beta1 ** step.item())
            param.addcdiv_(exp_avg, exp_inf, value=-number(corrected_lr))
