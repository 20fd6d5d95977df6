"""Updates: ops that overwrite several of their inputs at once, for optimizers. Run by `eager.update`.

They have no gradient: an optimizer that is to be differentiated uses ordinary ops.
"""
from __future__ import annotations

from .op import op


@op(differentiable=False)
def adam_step(xp, param, grad, exp_avg, exp_avg_sq, *, new1: float, beta2: float, correction: float, eps: float,
              step_size: float):
    """One step of Adam for one parameter, in place, in one pass.

    exp_avg += new1 (grad - exp_avg);   exp_avg_sq = beta2 exp_avg_sq + (1 - beta2) grad^2
    param -= step_size exp_avg / (sqrt(exp_avg_sq) / correction + eps)

    Shape: four of (*).   Source: PyTorch `torch.optim.Adam`, in its single-tensor form.
    """
    xp.adam(param, grad, exp_avg, exp_avg_sq, new1, beta2, correction, eps, step_size)
    return ()
