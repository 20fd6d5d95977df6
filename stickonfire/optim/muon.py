"""Muon: momentum whose matrix is made (nearly) orthogonal before the step.

    b = lerp(b, g, 1 - momentum)                  u = lerp(g, b, momentum) with Nesterov, else b
    X = u / |u|;  ns_steps times: X = a X + (b A + c A A) X with A = X X^T    (Newton-Schulz, in bfloat16)
    w = (1 - lr * weight_decay) w - lr * sqrt(max(1, rows / columns)) X

Jordan et al. (2024), "Muon: An optimizer for hidden layers in neural networks"; Liu et al. (2025), "Muon is
Scalable for LLM Training" (`match_rms_adamw`). May import: eager, and optimizer.py of this room.
"""
import math
from typing import Any, ClassVar

from ..eager import Tensor, zeros_like
from .common import number, scalar
from .optimizer import GroupwiseOptimizer, ParamsT


class Muon(GroupwiseOptimizer):
    """Muon, for the two-dimensional weights of hidden layers; give the others to AdamW.

    Raises: ValueError for an option out of its range or a parameter that is no matrix.   Source: PyTorch
    `torch.optim.Muon`.

    >>> import stickonfire as torch
    >>> hidden, bias = torch.ones(4, 3, requires_grad=True), torch.ones(4, requires_grad=True)
    >>> optimizers = [torch.optim.Muon([hidden], lr=0.02), torch.optim.AdamW([bias])]
    >>> optimizers[0].param_groups[0]["momentum"]
    0.95
    """

    _added_options: ClassVar[dict[str, Any]] = {}

    def __init__(self, params: ParamsT, lr: float = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95,
                 nesterov: bool = True,
                 ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
                 eps: float = 1e-7, ns_steps: int = 5, adjust_lr_fn: str | None = None) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not momentum >= 0.0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported; "
                             "choose 'original' or 'match_rms_adamw'")
        super().__init__(params, {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn})
        for group in self.param_groups:
            for param in group["params"]:
                if param.dim() != 2:
                    raise ValueError("Muon only supports 2D parameters whereas we found a parameter with "
                                     f"size: {param.size()}")

    def _update(self, group: dict[str, Any]) -> None:
        lr, momentum = scalar(group["lr"]), group["momentum"]
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            if param.is_complex():
                raise RuntimeError("Muon does not support complex parameters")
            state = self.state[param]
            if not state:
                state["momentum_buffer"] = zeros_like(grad)
            buffer = state["momentum_buffer"]
            buffer.lerp_(grad, 1 - momentum)
            update = grad.lerp(buffer, momentum) if group["nesterov"] else buffer
            update = _orthogonal(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
            param.mul_(1 - lr * group["weight_decay"])
            param.add_(update, alpha=-number(lr * _shape_factor(param, group["adjust_lr_fn"])))


def _orthogonal(matrix: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """Nearly U V^T of the singular value decomposition, by a quintic iteration on the shorter side.

    Shape: (R, C) -> (R, C).   Dtype: bfloat16.
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = matrix.size(0) > matrix.size(1)
    x = matrix.bfloat16()
    if tall:
        x = x.T
    x = x.div(x.norm().clamp(min=eps))      # not in place: a bfloat16 matrix may be the momentum itself
    for _ in range(steps):
        gram = x @ x.T
        x = x.addmm(gram.addmm(gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def _shape_factor(param: Tensor, rule: str | None) -> float:
    """What makes steps of wide and tall matrices comparable."""
    rows, columns = param.shape
    if rule == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))
