"""Adafactor: the second moment of a matrix kept as one row and one column, steps relative to the weights.

    R = lerp(R, mean of g^2 over columns, t^beta2_decay)      C the same over rows      V = R C / mean(R)
    u = g / sqrt(max(V, eps1^2))                  (a vector keeps its whole V)
    w = w - max(eps2, rms(w)) * min(lr, 1 / sqrt(t)) * u / max(1, rms(u) / d)

Shazeer and Stern (2018), "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost".
May import: eager, and optimizer.py, common.py of this room.
"""
from typing import Any, ClassVar

from ..eager import Tensor, finfo, zeros_like
from .common import number, scalar, step_counter
from .optimizer import GroupwiseOptimizer, ParamsT


class Adafactor(GroupwiseOptimizer):
    """Adafactor in PyTorch's variant; `eps[0]` None stands for the dtype's machine epsilon.

    Raises: ValueError for an option out of its range; RuntimeError for complex parameters.   Source: PyTorch
    `torch.optim.Adafactor`.

    >>> import stickonfire as torch
    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = torch.optim.Adafactor([w], lr=0.1)
    >>> (w ** 2).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8419, 1.8419], requires_grad=True)
    """

    _added_options: ClassVar[dict[str, Any]] = {"foreach": None}

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-2, beta2_decay: float = -0.8,
                 eps: tuple[float | None, float] = (None, 1e-3), d: float = 1.0, weight_decay: float = 0.0, *,
                 foreach: bool | None = None, maximize: bool = False) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        super().__init__(params, {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize})

    def _new_state(self, state: dict[str, Any], grad: Tensor) -> None:
        state["step"] = step_counter()
        if grad.dim() > 1:
            shape = list(grad.shape)
            state["row_var"] = grad.new_zeros([*shape[:-1], 1])
            state["col_var"] = grad.new_zeros([*shape[:-2], 1, shape[-1]])
        else:
            state["variance"] = zeros_like(grad)

    def _update(self, group: dict[str, Any]) -> None:
        lr = scalar(group["lr"])
        eps1, eps2 = group["eps"]
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            if param.is_complex():
                raise RuntimeError("Adafactor does not support complex parameters")
            state = self.state[param]
            if not state:
                self._new_state(state, grad)
            if group["maximize"]:
                grad = -grad
            state["step"] += 1
            t = state["step"].item()
            floor = finfo(param.dtype).eps if eps1 is None else eps1
            scale = max(eps2, param.norm(2).item() / (param.numel() ** 0.5)) * min(lr, 1 / (t ** 0.5))
            if group["weight_decay"] != 0:
                param.mul_(1 - lr * group["weight_decay"])
            variance = _second_moment(state, grad, t ** group["beta2_decay"], floor)
            update = variance.clamp_(min=floor * floor).rsqrt_()
            update.mul_(grad)
            clipping = max(1.0, update.norm(2).item() / ((update.numel() ** 0.5) * group["d"]))
            param.add_(update, alpha=-number(scale / clipping))


def _second_moment(state: dict[str, Any], grad: Tensor, weight: float, floor: float) -> Tensor:
    """Updates the running second moment and returns its estimate, a tensor of its own.

    Shape: (*, R, C) -> (*, R, C) from row_var (*, R, 1) and col_var (*, 1, C).
    """
    if grad.dim() <= 1:
        return state["variance"].lerp_(grad * grad, weight).clone()
    row_var, col_var = state["row_var"], state["col_var"]
    row_var.lerp_(grad.norm(dim=-1, keepdim=True).square_().div_(grad.size(-1)), weight)
    col_var.lerp_(grad.norm(dim=-2, keepdim=True).square_().div_(grad.size(-2)), weight)
    return (row_var @ col_var).div_(row_var.mean(dim=-2, keepdim=True).clamp_(min=floor))
