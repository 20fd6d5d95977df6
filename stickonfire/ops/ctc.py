"""Connectionist temporal classification: the loss of each sample. Users reach it through `eager/functional/ctc.py`.

Source: Graves et al. 2006, "Connectionist Temporal Classification", ICML. Imports `op` alone.
"""
from __future__ import annotations

from collections.abc import Sequence

from .op import op

Ints = Sequence[int]


@op(grad_name="CtcLossBackward0")
def ctc(xp, log_probs, targets, input_lengths: Ints, target_lengths: Ints, blank: int, zero_infinity: bool):
    """-log of the probability of each target, summed over alignments. Shape: (T, N, C), (N, S) -> (N)."""
    return xp.ctc(log_probs, targets, input_lengths, target_lengths, blank)


@ctc.gradient("log_probs")
def _(xp, g, log_probs, targets, input_lengths, target_lengths, blank, zero_infinity):
    return xp.ctc_grad(g, log_probs, targets, input_lengths, target_lengths, blank, zero_infinity)


@op()
def ctc_grad(xp, grad, log_probs, targets, input_lengths: Ints, target_lengths: Ints, blank: int, zero_infinity: bool):
    """The gradient of `ctc`, taken for one of log_softmax's outputs. Shape: (N), (T, N, C), (N, S) -> (T, N, C)."""
    return xp.ctc_grad(grad, log_probs, targets, input_lengths, target_lengths, blank, zero_infinity)


@ctc_grad.gradient("grad", "log_probs")
def _(xp, g, needs):
    raise RuntimeError("derivative for _ctc_loss_backward is not implemented: ctc_loss can be differentiated once")
