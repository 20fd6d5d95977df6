"""NAdam: Adam with Nesterov's look-ahead, whose momentum warms up.

    mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2)
    m = beta1 * m + (1 - beta1) * g               v = beta2 * v + (1 - beta2) * g^2
    w = w - lr * ((1 - mu_t) / (1 - prod mu_1..t) * g + mu_(t+1) / (1 - prod mu_1..(t+1)) * m)
              / (sqrt(v / (1 - beta2^t)) + eps)

Dozat (2016), "Incorporating Nesterov Momentum into Adam".
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
    number,
    scalar,
    step_counter,
)
from .optimizer import GroupwiseOptimizer, ParamsT


class NAdam(GroupwiseOptimizer):
    """Adam with Nesterov momentum.

    Raises: ValueError for an option out of its range.   Source: PyTorch `torch.optim.NAdam`.

    >>> import stickonfire as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.NAdam([w], lr=0.1)
    >>> (w ** 2).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8944, 1.8944], requires_grad=True)
    """

    _added_options: ClassVar[dict[str, Any]] = {
        "maximize": False, "foreach": None, "capturable": False, "differentiable": False,
        "decoupled_weight_decay": False}

    def __init__(self, params: ParamsT, lr: float | Tensor = 2e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, momentum_decay: float = 4e-3,
                 decoupled_weight_decay: bool = False, *, foreach: bool | None = None, maximize: bool = False,
                 capturable: bool = False, differentiable: bool = False) -> None:
        check_options(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "differentiable": differentiable})

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for values in self.state.values():
            if isinstance(values.get("mu_product"), (int, float)):
                values["mu_product"] = step_counter(values["mu_product"])

    def _update(self, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        lr, weight_decay, decay = scalar(group["lr"]), group["weight_decay"], group["momentum_decay"]
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            state = self.state[param]
            if not state:
                state.update(step=step_counter(), mu_product=step_counter(1.0), exp_avg=zeros_like(param),
                             exp_avg_sq=zeros_like(param))
            if group["capturable"]:
                check_capturable(param)
            step, mu_product, exp_avg, exp_avg_sq = (
                state["step"], state["mu_product"], state["exp_avg"], state["exp_avg_sq"])
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
            mu = beta1 * (1.0 - 0.5 * (0.96 ** (t * decay)))
            mu_next = beta1 * (1.0 - 0.5 * (0.96 ** ((t + 1) * decay)))
            mu_product *= mu
            exp_avg.lerp_(grad, 1 - beta1)
            exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
            root = exp_avg_sq.div(1 - beta2 ** t).sqrt()
            if group["differentiable"]:
                root = root.add(group["eps"])
                product_next = mu_product * mu_next
                param.addcdiv_(grad * (-lr * (1.0 - mu) / (1.0 - mu_product)), root)
                param.addcdiv_(exp_avg * (-lr * mu_next / (1.0 - product_next)), root)
            else:
                root.add_(group["eps"])
                product = mu_product.item()
                param.addcdiv_(grad, root, value=number(-lr * (1.0 - mu) / (1.0 - product)))
                param.addcdiv_(exp_avg, root, value=number((-lr * mu_next) / (1.0 - product * mu_next)))
