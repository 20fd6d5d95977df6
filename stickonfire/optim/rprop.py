"""Rprop: only the sign of the gradient counts; the step grows while it stays and shrinks when it flips.

    s = s * etaplus if g * g_before > 0, s * etaminus (and g = 0) if < 0, within step_sizes
    w = w - sign(g) * s

Riedmiller and Braun (1993), "A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP
Algorithm". May import: eager, and optimizer.py, common.py of this room.
"""
from typing import Any, ClassVar

from ..eager import Tensor, full_like, zeros_like
from .common import as_real, check_capturable, check_options, number, step_counter
from .optimizer import GroupwiseOptimizer, ParamsT


class Rprop(GroupwiseOptimizer):
    """Resilient backpropagation, for full batches.

    Raises: ValueError for a negative `lr`, or `etas` that are not below and above 1.   Source: PyTorch
    `torch.optim.Rprop`.

    >>> import stickonfire as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Rprop([w], lr=0.1)
    >>> (w ** 2).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    _added_options: ClassVar[dict[str, Any]] = {
        "foreach": None, "maximize": False, "differentiable": False, "capturable": False}

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
                 step_sizes: tuple[float, float] = (1e-6, 50), *, capturable: bool = False,
                 foreach: bool | None = None, maximize: bool = False, differentiable: bool = False) -> None:
        check_options(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable})

    def _new_state(self, state: dict[str, Any], param: Tensor, grad: Tensor, lr: Any) -> None:
        state["step"] = step_counter()
        state["prev"] = zeros_like(param)
        state["step_size"] = full_like(grad, complex(lr, lr) if param.is_complex() else lr)

    def _update(self, group: dict[str, Any]) -> None:
        shrink, grow = group["etas"]
        smallest, largest = group["step_sizes"]
        lr = number(group["lr"])
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            state = self.state[param]
            if not state:
                self._new_state(state, param, grad, lr)
            if group["capturable"]:
                check_capturable(param)
            step, prev, step_size = state["step"], state["prev"], state["step_size"]
            if group["maximize"]:
                grad = -grad
            step += 1
            if param.is_complex():
                param, grad, prev, step_size = as_real(param, grad, prev, step_size)
            factor = grad.mul(prev.clone() if group["differentiable"] else prev).sign()
            factor[factor.gt(0)] = grow
            factor[factor.lt(0)] = shrink
            factor[factor.eq(0)] = 1
            step_size.mul_(factor).clamp_(smallest, largest)
            grad = grad.clone()             # where the sign flipped, this step and the next comparison rest
            grad[factor.eq(shrink)] = 0
            param.addcmul_(grad.sign(), step_size, value=-1)
            prev.copy_(grad)
