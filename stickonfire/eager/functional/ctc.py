"""Connectionist temporal classification: PyTorch's signature over ops/ctc.py.

Room: eager. Targets may be padded rows, or all labels in one row with their lengths.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .fused import fused

_ctc = fused("ctc")


def ctc_loss(log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int = 0,
             reduction: str = "mean", zero_infinity: bool = False) -> Any:
    """-log of the probability that an output reads as the target, over all alignments with blanks and repetitions.

    `reduction="mean"` divides each loss by the target's length first. The gradient takes log_probs for the outputs of a
    log_softmax, as PyTorch's does.
    Shape: (T, N, C) or (T, C), targets (N, S) or (sum of lengths), lengths (N) -> () or (N).
    Raises: RuntimeError for lengths or labels that don't fit.   Source: Graves et al., ICML 2006; PyTorch `ctc_loss`.
    """
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if not log_probs.is_floating_point() or log_probs.dtype.itemsize == 2:
        raise RuntimeError(f"\"ctc_loss_cpu\" not implemented for '{log_probs.dtype}'")
    single = log_probs.dim() == 2
    whole = log_probs.unsqueeze(1) if single else log_probs
    times, lengths = _numbers(input_lengths), _numbers(target_lengths)
    _check(whole, times, lengths, blank)
    labels = targets.unsqueeze(0) if single and targets.dim() == 1 else _rows(targets, lengths)
    if labels.shape[1] < max(lengths, default=0):
        raise RuntimeError(f"Expected tensor to have size at least {max(lengths)} at dimension 1, but got size "
                           f"{list(targets.shape)} for argument #2 'targets' (while checking arguments for "
                           "ctc_loss_cpu)")
    losses = _ctc(whole, labels.long(), times, lengths, blank, zero_infinity)
    if zero_infinity:
        losses = losses.where(losses != float("inf"), losses.new_zeros(()))
    if reduction == "mean":
        return (losses / losses.new_tensor([max(n, 1) for n in lengths])).mean()
    return losses.sum() if reduction == "sum" else losses.squeeze(0) if single else losses


def _numbers(lengths: Any) -> tuple[int, ...]:
    """Lengths as ints. Raises: RuntimeError for other numbers."""
    values = lengths if isinstance(lengths, Sequence) else lengths.reshape(-1).tolist()
    if any(not isinstance(n, int) for n in values):
        raise RuntimeError("input_lengths and target_lengths must be integral")
    return tuple(values)


def _check(log_probs: Any, times: Sequence[int], lengths: Sequence[int], blank: int) -> None:
    steps, count, classes = log_probs.shape
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    if count == 0:
        raise RuntimeError("log_probs tensor must not be empty")
    if len(times) != count or len(lengths) != count:
        raise RuntimeError(f"input_lengths and target_lengths must be of size batch_size: {count}, not {len(times)} "
                           f"and {len(lengths)}")
    if any(n < 0 or n > steps for n in times):
        raise RuntimeError(f"Expected input_lengths to have value at most {steps}, but got value {max(times)} (while "
                           "checking arguments for ctc_loss_cpu)")
    if any(n < 0 for n in lengths):
        raise RuntimeError(f"Expected target_lengths to have values of at least 0, but got {min(lengths)}")


def _rows(targets: Any, lengths: Sequence[int]) -> Any:
    """Targets as rows, those given in one row taken apart."""
    if targets.dim() != 1:
        return targets
    if sum(lengths) > targets.shape[0]:
        raise RuntimeError(f"Expected target_lengths to add up to at most {targets.shape[0]}, but got {sum(lengths)}")
    rows = targets.new_zeros((len(lengths), max(lengths, default=0)))
    start = 0
    for row, n in enumerate(lengths):
        rows[row, :n] = targets[start:start + n]
        start += n
    return rows
