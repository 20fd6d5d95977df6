"""Updates: ops that overwrite several of their inputs at once, for optimizers. Run by `eager.update`.

They have no gradient: an optimizer that is to be differentiated uses ordinary ops.
"""
from __future__ import annotations

from typing import Any

from .op import op


@op(variadic=True, differentiable=False)
def adam_step(xp, tensors, lr: float, beta1: float, beta2: float, eps: float):
    """One step of Adam for all parameters of a group, in place. `tensors`: n each of param, grad, m, v, step.

    step += 1;   m += (1 - beta1) (grad - m);   v = beta2 v + (1 - beta2) grad^2
    param -= lr / (1 - beta1^step) * m / (sqrt(v) / sqrt(1 - beta2^step) + eps)

    Shape: n each of (*), (*), (*), (*), ().   Source: PyTorch `torch.optim.Adam`, in its single-tensor form.
    """
    n = len(tensors) // 5
    quads = list(zip(tensors[:n], tensors[n:2 * n], tensors[2 * n:3 * n], tensors[3 * n:4 * n]))
    alike: dict[tuple[float, Any], list[Any]] = {}                  # same age, same dtype
    for quad, step in zip(quads, tensors[4 * n:]):
        step += 1
        alike.setdefault((step.item(), quad[0].dtype), []).append(quad)
    for (t, _), members in alike.items():
        xp.adam(members, 1 - beta1, beta2, (1 - beta2 ** t) ** 0.5, eps, lr / (1 - beta1 ** t))
    return ()
