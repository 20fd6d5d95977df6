"""Connectionist temporal classification on the CPU: sums over all alignments, by forward and backward recursion.

`xp.py` hands these on to `ops/ctc.py`. Everything is in logarithms; the loop is over time, all samples and states go
together. States are blank, label, blank, ... Source: Graves et al., ICML 2006. Imports NumPy only.
"""
from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

Ints = Sequence[int]


def states(log_probs: Any, targets: Any, lengths: Any, blank: int) -> tuple[Any, Any, Any]:
    """The label of each state, whether it may be entered from two states before, and its log probabilities."""
    count, longest = targets.shape
    labels = np.full((count, 2 * longest + 1), blank)
    labels[:, 1::2] = np.where(np.arange(longest) < lengths[:, None], targets, blank)
    skip = np.zeros(labels.shape, bool)
    skip[:, 2:] = (labels[:, 2:] != blank) & (labels[:, 2:] != labels[:, :-2])
    return labels, skip, np.take_along_axis(log_probs, labels[None], axis=2)


def summed(*parts: Any) -> Any:
    """log of the sum of what the parts are logarithms of, in the order and the precision of PyTorch."""
    top = functools.reduce(np.maximum, parts)
    top = np.where(top == -np.inf, 0, top).astype(top.dtype)
    return np.log(functools.reduce(np.add, [np.exp(part - top) for part in parts])) + top


def shifted(sums: Any, by: int, where: Any = True) -> Any:
    """The sums of the states that lie `by` before each (behind, if negative); -inf where there are none."""
    out = np.full(sums.shape, -np.inf, sums.dtype)
    if by > 0:
        out[:, by:] = np.where(where, sums[:, :-by], -np.inf)
    else:
        out[:, :by] = np.where(where, sums[:, -by:], -np.inf)
    return out


def forward_sums(emitted: Any, skip: Any) -> Any:
    """log of the summed probability of all ways to each state. Shape: (T, N, L) -> (T, N, L)."""
    out = np.full(emitted.shape, -np.inf, emitted.dtype)
    out[0, :, :2] = emitted[0, :, :2]
    for t in range(1, len(out)):
        before = out[t - 1]
        out[t] = summed(before, shifted(before, 1), shifted(before, 2, skip[:, 2:])) + emitted[t]
    return out


def backward_sums(emitted: Any, skip: Any, times: Any, lengths: Any) -> Any:
    """The same from each state to the end of its sample."""
    out = np.full(emitted.shape, -np.inf, emitted.dtype)
    for t in reversed(range(len(out))):
        now = out[t]
        if t + 1 < len(out):
            after = out[t + 1]
            now[...] = summed(after, shifted(after, -1), shifted(after, -2, skip[:, 2:]))
        for n in np.flatnonzero(times == t + 1):
            now[n, max(2 * lengths[n] - 1, 0):2 * lengths[n] + 1] = 0
        now += emitted[t]
    return out


def ctc(log_probs: Any, targets: Any, input_lengths: Ints, target_lengths: Ints, blank: int) -> Any:
    """-log of the probability of each target. Shape: (T, N, C), (N, S) -> (N)."""
    times, lengths = np.asarray(input_lengths, np.int64), np.asarray(target_lengths, np.int64)
    with np.errstate(invalid="ignore"):
        _, skip, emitted = states(log_probs, targets, lengths, blank)
        return -totals(forward_sums(emitted, skip), times, lengths)


def totals(sums: Any, times: Any, lengths: Any) -> Any:
    """log probabilities of the targets: ways that end in the last label or the blank behind it."""
    each = np.arange(len(times))
    ends = sums[np.maximum(times - 1, 0), each]
    labels = np.where(lengths > 0, ends[each, np.maximum(2 * lengths - 1, 0)], -np.inf)
    total = summed(ends[each, 2 * lengths], labels.astype(sums.dtype))
    return np.where(times > 0, total, np.where(lengths > 0, -np.inf, 0)).astype(sums.dtype)


def ctc_grad(g: Any, log_probs: Any, targets: Any, input_lengths: Ints, target_lengths: Ints, blank: int,
             zero_infinity: bool) -> Any:
    """The gradient, log_probs taken for the outputs of a log_softmax: probability minus posterior."""
    times, lengths = np.asarray(input_lengths, np.int64), np.asarray(target_lengths, np.int64)
    with np.errstate(invalid="ignore"):
        labels, skip, emitted = states(log_probs, targets, lengths, blank)
        forward = forward_sums(emitted, skip)
        total = totals(forward, times, lengths)
        ways = forward + backward_sums(emitted, skip, times, lengths)
        both, each = np.full(log_probs.shape, -np.inf, log_probs.dtype), np.arange(len(times))
        for state in reversed(range(labels.shape[1])):
            place = slice(None), each, labels[:, state]
            both[place] = np.where(both[place] == -np.inf, ways[:, :, state], summed(both[place], ways[:, :, state]))
        out = (np.exp(log_probs) - np.exp(both - total[:, None] - log_probs)) * g[:, None]
    out[np.arange(len(out))[:, None] >= times] = 0
    if zero_infinity:
        out[:, np.isneginf(total)] = 0
    return out
