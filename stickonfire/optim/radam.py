"""RAdam: Adam that trusts its second moment only once enough steps have been seen.

    m, v as in Adam;  rho_inf = 2 / (1 - beta2) - 1;  rho = rho_inf - 2 t beta2^t / (1 - beta2^t)
    r = sqrt((rho-4)(rho-2) rho_inf / ((rho_inf-4)(rho_inf-2) rho))
    w = w - lr * m_hat * r / sqrt(v_hat)  if rho > 5, else  w = w - lr * m_hat

Liu et al. (2020), "On the Variance of the Adaptive Learning Rate and Beyond".
May import: eager, and optimizer.py, common.py of this room.
"""
from typing import Any, ClassVar

from ..eager import Tensor, zeros_like
from .common import (
    as_real,
    check_betas,
    check_capturable,
    check_not_negative,
    check_options,
    scalar,
    step_counter,
)
from .optimizer import GroupwiseOptimizer, ParamsT


class RAdam(GroupwiseOptimizer):
    """Adam with a rectified variance term.

    Raises: ValueError for an option out of its range.   Source: PyTorch `torch.optim.RAdam`.

    >>> import stickonfire as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.RAdam([w], lr=0.1)
    >>> (w ** 2).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8000, 1.6000], requires_grad=True)
    """

    _added_options: ClassVar[dict[str, Any]] = {
        "foreach": None, "maximize": False, "differentiable": False, "decoupled_weight_decay": False,
        "capturable": False}

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, decoupled_weight_decay: bool = False, *,
                 foreach: bool | None = None, maximize: bool = False, capturable: bool = False,
                 differentiable: bool = False) -> None:
        check_options(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable})

    def _update(self, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        lr, eps, weight_decay = scalar(group["lr"]), group["eps"], group["weight_decay"]
        rho_inf = 2 / (1 - beta2) - 1
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            state = self.state[param]
            if not state:
                state.update(step=step_counter(), exp_avg=zeros_like(param), exp_avg_sq=zeros_like(param))
            if group["capturable"]:
                check_capturable(param)
            step, exp_avg, exp_avg_sq = state["step"], state["exp_avg"], state["exp_avg_sq"]
            if group["maximize"]:
                grad = -grad
            if param.is_complex():
                param, grad, exp_avg, exp_avg_sq = as_real(param, grad, exp_avg, exp_avg_sq)
            step += 1
            t = step.item()
            if weight_decay != 0:
                if group["decoupled_weight_decay"]:
                    param.mul_(1 - lr * weight_decay)
                else:
                    grad = grad.add(param, alpha=weight_decay)
            exp_avg.lerp_(grad, 1 - beta1)
            exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
            correction2 = 1 - beta2 ** t
            update = exp_avg / (1 - beta1 ** t) * lr
            rho = rho_inf - 2 * t * (beta2 ** t) / correction2
            if rho > 5.0:
                root = exp_avg_sq.sqrt()
                root = root.add(eps) if group["differentiable"] else root.add_(eps)
                rectifier = ((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5
                update = update * (correction2 ** 0.5 / root) * rectifier
            param.add_(update, alpha=-1.0)
