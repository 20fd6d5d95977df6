"""Adam: a step of its own length for each weight, from running means of the gradient and of its square.

    m = beta1 * m + (1 - beta1) * g               v = beta2 * v + (1 - beta2) * g^2
    w = w - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)

AMSGrad takes the largest v so far. Weight decay is added to g, or, decoupled (AdamW), shrinks w directly.
Kingma and Ba (2015), "Adam: A Method for Stochastic Optimization"; Reddi et al. (2018), "On the Convergence
of Adam and Beyond". May import: eager, and optimizer.py, common.py of this room. AdamW is adamw.py.
"""
from typing import Any, ClassVar

from ..eager import Tensor, maximum, zeros_like
from ..eager.update import adam_at_once, adam_step, with_gradients
from ..eager.update import fits as update_fits
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


class Adam(GroupwiseOptimizer):
    """Adam, with AMSGrad and decoupled weight decay as options.

    `foreach` and `fused` are accepted and choose nothing here; `capturable` needs a CUDA device.

    Raises: ValueError for an option out of its range; RuntimeError for `fused` with `foreach` or
    `differentiable`.
    Source: PyTorch `torch.optim.Adam`.

    >>> import stickonfire as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Adam([w], lr=0.1)
    >>> (w ** 2).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """

    _added_options: ClassVar[dict[str, Any]] = {
        "amsgrad": False, "maximize": False, "foreach": None, "capturable": False, "differentiable": False,
        "decoupled_weight_decay": False, "fused": None}

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-3,
                 betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None,
                 maximize: bool = False, capturable: bool = False, differentiable: bool = False,
                 fused: bool | None = None, decoupled_weight_decay: bool = False) -> None:
        check_options(lr, foreach, capturable, fused, differentiable, tensor_lr_needs_capturable=True)
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        _check_kind_of_betas(betas, foreach, capturable)
        super().__init__(params, {
            "lr": lr, "betas": (scalar(betas[0]), scalar(betas[1])), "eps": eps, "weight_decay": weight_decay,
            "amsgrad": amsgrad, "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "differentiable": differentiable, "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay})

    def _new_state(self, state: dict[str, Any], param: Tensor, amsgrad: bool) -> None:
        state["step"] = step_counter()
        state["exp_avg"] = zeros_like(param)
        state["exp_avg_sq"] = zeros_like(param)
        if amsgrad:
            state["max_exp_avg_sq"] = zeros_like(param)

    def _update_at_once(self, group: dict[str, Any]) -> bool:
        lr, (beta1, beta2), weight_decay = group["lr"], group["betas"], group["weight_decay"]
        if (not lr.__class__ is beta1.__class__ is beta2.__class__ is float or group["amsgrad"] or group["maximize"]
                or weight_decay != 0 and not group["decoupled_weight_decay"] or group["capturable"]
                or group["differentiable"]):
            return False
        params, grads = with_gradients(group["params"])
        if not params:
            return False
        states = [self.state[param] for param in params]
        for state, param in zip(states, params):
            if not state:
                self._new_state(state, param, False)
        means, squares, steps = [[state[name] for state in states] for name in ("exp_avg", "exp_avg_sq", "step")]
        return adam_at_once(params, grads, means, squares, steps, lr=lr, beta1=beta1, beta2=beta2, eps=group["eps"],
                            shrink=1 - lr * weight_decay)

    def _update(self, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        lr, eps, amsgrad, maximize = scalar(group["lr"]), group["eps"], group["amsgrad"], group["maximize"]
        weight_decay, decoupled = group["weight_decay"], group["decoupled_weight_decay"]
        beta1_is_tensor = isinstance(beta1, Tensor)
        new1, new2 = 1 - beta1, number(1 - beta2)
        with_tensors = group["capturable"] or group["differentiable"]
        plain = isinstance(lr, float) and isinstance(beta1, float) and isinstance(beta2, float)
        one_pass = plain and not (with_tensors or amsgrad)
        at_once: tuple[list[Tensor], ...] = [], [], [], [], []      # what one kernel updates: the usual case
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            state = self.state[param]
            if not state:
                self._new_state(state, param, amsgrad)
            if maximize:
                grad = -grad
            if group["capturable"]:
                check_capturable(param)
            step, exp_avg, exp_avg_sq = state["step"], state["exp_avg"], state["exp_avg_sq"]
            largest: Any = state["max_exp_avg_sq"] if amsgrad else None
            if weight_decay != 0:
                if decoupled:
                    param.mul_(1 - lr * weight_decay)
                else:
                    grad = grad.add(param, alpha=weight_decay)
            if param.is_complex():
                param, grad, exp_avg, exp_avg_sq = as_real(param, grad, exp_avg, exp_avg_sq)
                if amsgrad:
                    largest = as_real(largest)[0]
            if one_pass and update_fits(param, grad, exp_avg, exp_avg_sq):
                for part, t in zip(at_once, (param, grad, exp_avg, exp_avg_sq, step)):
                    part.append(t)
                continue
            step += 1
            exp_avg.lerp_(grad, 1 - beta1.to(param.dtype) if beta1_is_tensor else new1)
            if with_tensors:
                _finish_with_tensors(param, grad, step, exp_avg, exp_avg_sq, largest, group)
                continue
            exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=new2)
            t = step.item()
            step_size = lr / (1 - beta1 ** t)
            root_of_correction = (1 - beta2 ** t) ** 0.5
            if largest is not None:
                exp_avg_sq = largest.copy_(maximum(largest, exp_avg_sq))
            denominator = (exp_avg_sq.sqrt() / root_of_correction).add_(eps)
            param.addcdiv_(exp_avg, denominator, value=-number(step_size))
        if at_once[0]:
            adam_step(*at_once, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


def _finish_with_tensors(param: Tensor, grad: Tensor, step: Tensor, exp_avg: Tensor, exp_avg_sq: Tensor,
                         largest: Tensor | None, group: dict[str, Any]) -> None:
    """The second moment and the update with the step count, the betas and lr kept as tensors.

    So a gradient can flow through them; clones stand where the graph needs a value that is overwritten later.
    """
    beta1, beta2 = group["betas"]
    differentiable = group["differentiable"]
    if isinstance(beta2, Tensor) and beta2.requires_grad:
        exp_avg_sq.lerp_(grad.square(), 1 - beta2)
    else:
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=number(1 - beta2))
    step = step.clone() if differentiable else step
    neg_step_size = (scalar(group["lr"]) / (1 - beta1 ** step)).neg()
    root_of_correction = (1 - beta2 ** step).sqrt()
    if largest is not None:
        previous = largest.clone() if differentiable else largest
        exp_avg_sq = largest.copy_(maximum(previous, exp_avg_sq))
    # The step size is folded into the denominator, since the factor of addcdiv_ has to be a number.
    denominator = exp_avg_sq.sqrt() / (root_of_correction * neg_step_size)
    denominator.add_(group["eps"] / neg_step_size)
    param.addcdiv_(exp_avg.clone() if differentiable else exp_avg, denominator)


def _check_kind_of_betas(betas: tuple[Any, Any], foreach: bool | None, capturable: bool) -> None:
    tensors = [isinstance(beta, Tensor) for beta in betas]
    if not (all(tensors) or all(isinstance(beta, float) for beta in betas)):
        raise ValueError("betas must be either both floats or both Tensors")
    for i, beta in enumerate(betas):
        if not tensors[i]:
            continue
        if foreach and not capturable:
            raise ValueError(f"betas[{i}] as a Tensor is not supported for capturable=False and foreach=True")
        if beta.numel() != 1:
            raise ValueError(f"Tensor betas[{i}] must be 1-element")
