"""RMSprop: the gradient divided by the root of a running mean of its square.

    v = alpha * v + (1 - alpha) * g^2             w = w - lr * g / (sqrt(v) + eps)

Centered, v - (running mean of g)^2 takes the place of v. With momentum, the quotient q is gathered in
b = momentum * b + q, and w = w - lr * b.

Hinton (2012), lecture 6 of "Neural Networks for Machine Learning"; centered: Graves (2013), "Generating
Sequences With Recurrent Neural Networks". May import: eager, and optimizer.py, common.py of this room.
"""
from typing import Any, ClassVar

from ..eager import Tensor, zeros_like
from .common import as_real, check_capturable, check_not_negative, check_options, number, step_counter
from .optimizer import GroupwiseOptimizer, ParamsT


class RMSprop(GroupwiseOptimizer):
    """RMSprop, centered and with momentum if wanted.

    Raises: ValueError for a negative option.   Source: PyTorch `torch.optim.RMSprop`.

    >>> import stickonfire as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.RMSprop([w], lr=0.01)
    >>> (w ** 2).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    _added_options: ClassVar[dict[str, Any]] = {
        "momentum": 0, "centered": False, "foreach": None, "maximize": False, "differentiable": False,
        "capturable": False}

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-2, alpha: float = 0.99, eps: float = 1e-8,
                 weight_decay: float = 0, momentum: float = 0, centered: bool = False,
                 capturable: bool = False, foreach: bool | None = None, maximize: bool = False,
                 differentiable: bool = False) -> None:
        check_options(lr)
        check_not_negative(eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable})

    def _new_state(self, state: dict[str, Any], param: Tensor, group: dict[str, Any]) -> None:
        state["step"] = step_counter()
        state["square_avg"] = zeros_like(param)
        if group["momentum"] > 0:
            state["momentum_buffer"] = zeros_like(param)
        if group["centered"]:
            state["grad_avg"] = zeros_like(param)

    def _update(self, group: dict[str, Any]) -> None:
        lr, alpha, eps, momentum = number(group["lr"]), group["alpha"], group["eps"], group["momentum"]
        weight_decay, centered = group["weight_decay"], group["centered"]
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            state = self.state[param]
            if not state:
                self._new_state(state, param, group)
            if group["capturable"]:
                check_capturable(param)
            step = state["step"]
            step += 1
            if group["maximize"]:
                grad = -grad
            if weight_decay != 0:
                grad = grad.add(param, alpha=weight_decay)
            square_avg = state["square_avg"]
            grad_avg, buffer = state.get("grad_avg"), state.get("momentum_buffer")
            if param.is_complex():
                param, grad, square_avg = as_real(param, grad, square_avg)
                grad_avg = as_real(grad_avg)[0] if centered else None
                buffer = as_real(buffer)[0] if momentum > 0 else None
            square_avg.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
            if centered:
                grad_avg.lerp_(grad, 1 - alpha)
                root = square_avg.addcmul(grad_avg, grad_avg, value=-1).sqrt_()
            else:
                root = square_avg.sqrt()
            root = root.add(eps) if group["differentiable"] else root.add_(eps)
            if momentum > 0:
                buffer.mul_(momentum).addcdiv_(grad, root)
                param.add_(buffer, alpha=-lr)
            else:
                param.addcdiv_(grad, root, value=-lr)
