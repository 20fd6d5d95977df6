"""Averaged stochastic gradient descent: plain steps, and beside them the mean of the weights passed through.

    w = (1 - lambd * eta) * w - eta * g           eta = lr / (1 + lambd * lr * t)^alpha
    ax = ax + mu * (w - ax)                       mu = 1 / max(1, t - t0)

Polyak and Juditsky (1992), "Acceleration of Stochastic Approximation by Averaging".
May import: eager, and optimizer.py, common.py of this room.
"""
from typing import Any, ClassVar

from ..eager import Tensor, zeros_like
from .common import as_real, check_capturable, check_not_negative, check_options, number, scalar, step_counter
from .optimizer import GroupwiseOptimizer, ParamsT


class ASGD(GroupwiseOptimizer):
    """SGD that keeps the average of its weights in `state[param]["ax"]`.

    Raises: ValueError for a negative `lr` or `weight_decay`.   Source: PyTorch `torch.optim.ASGD`.

    >>> import stickonfire as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.ASGD([w], lr=0.1)
    >>> (w ** 2).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8000, 1.6000], requires_grad=True)
    """

    _added_options: ClassVar[dict[str, Any]] = {
        "foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-2, lambd: float = 1e-4, alpha: float = 0.75,
                 t0: float = 1e6, weight_decay: float = 0, foreach: bool | None = None,
                 maximize: bool = False, differentiable: bool = False, capturable: bool = False) -> None:
        check_options(lr)
        check_not_negative(weight_decay=weight_decay)
        super().__init__(params, {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
            "capturable": capturable})

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for values in self.state.values():
            for name in ("eta", "mu"):
                if isinstance(values.get(name), (int, float)):
                    values[name] = step_counter(values[name])

    def _update(self, group: dict[str, Any]) -> None:
        lr, lambd, alpha, t0 = scalar(group["lr"]), group["lambd"], group["alpha"], group["t0"]
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            state = self.state[param]
            if not state:
                state.update(step=step_counter(), eta=step_counter(number(lr)), mu=step_counter(1.0),
                             ax=zeros_like(param))
            if group["capturable"]:
                check_capturable(param)
            step, ax, eta, mu = state["step"], state["ax"], state["eta"], state["mu"]
            if group["maximize"]:
                grad = -grad
            if param.is_complex():
                param, grad, ax = as_real(param, grad, ax)
            step += 1
            if group["weight_decay"] != 0:
                grad = grad.add(param, alpha=group["weight_decay"])
            eta_now = eta.item()
            param.mul_(1 - lambd * eta_now)
            param.add_(grad, alpha=-eta_now)
            if mu.item() != 1:
                ax.add_(param.sub(ax).mul_(mu))
            else:
                ax.copy_(param)
            t = step.item()
            eta.fill_(lr / ((1 + lambd * lr * t) ** alpha))
            mu.fill_(1 / max(1, t - t0))
