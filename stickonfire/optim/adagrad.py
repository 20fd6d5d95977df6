"""Adagrad: each weight's step shrinks with the sum of its squared gradients.

    s = s + g^2                                   w = w - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)

Duchi, Hazan and Singer (2011), "Adaptive Subgradient Methods for Online Learning and Stochastic
Optimization". May import: eager, and optimizer.py, common.py of this room.
"""
from typing import Any, ClassVar

from ..eager import Tensor, full_like
from .common import as_real, check_not_negative, check_options, number, scalar, step_counter
from .optimizer import GroupwiseOptimizer, ParamsT


class Adagrad(GroupwiseOptimizer):
    """Adagrad, with a learning rate that can also decay with the step count.

    Raises: ValueError for a negative option.   Source: PyTorch `torch.optim.Adagrad`.

    >>> import stickonfire as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Adagrad([w], lr=0.1)
    >>> (w ** 2).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    _added_options: ClassVar[dict[str, Any]] = {
        "foreach": None, "maximize": False, "differentiable": False, "fused": None}

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-2, lr_decay: float = 0,
                 weight_decay: float = 0, initial_accumulator_value: float = 0, eps: float = 1e-10,
                 foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False,
                 fused: bool | None = None) -> None:
        check_options(lr, foreach, fused=fused, differentiable=differentiable)
        check_not_negative(lr_decay=lr_decay, weight_decay=weight_decay,
                           initial_accumulator_value=initial_accumulator_value, eps=eps)
        super().__init__(params, {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused})
        for group in self.param_groups:             # the state is there before the first step, as in PyTorch
            for param in group["params"]:
                self._new_state(param)

    def _new_state(self, param: Tensor) -> dict[str, Any]:
        start: Any = self.defaults["initial_accumulator_value"]
        start = complex(start, start) if param.is_complex() else start
        state = self.state[param]
        state["step"] = step_counter()
        state["sum"] = full_like(param, start).detach()
        return state

    def share_memory(self) -> None:
        """Moves the sums into memory that other processes can see."""
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param]["sum"].share_memory_()

    def _update(self, group: dict[str, Any]) -> None:
        lr, lr_decay = scalar(group["lr"]), group["lr_decay"]
        weight_decay, eps = group["weight_decay"], group["eps"]
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            state = self.state[param] or self._new_state(param)
            step, total = state["step"], state["sum"]
            step += 1
            if group["maximize"]:
                grad = -grad
            if weight_decay != 0:
                grad = grad.add(param, alpha=weight_decay)
            decayed_lr = lr / (1 + (step.item() - 1) * lr_decay)
            if param.is_complex():
                param, grad, total = as_real(param, grad, total)
            total.addcmul_(grad, grad, value=1)
            root = total.sqrt() + eps if group["differentiable"] else total.sqrt().add_(eps)
            param.addcdiv_(grad, root, value=-number(decayed_lr))
