"""CTC: against a sum over all alignments, and against PyTorch."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import stickonfire as sof
from stickonfire.nn import functional as F


def read(path):
    """A path without repetitions and blanks."""
    return [label for label, _ in itertools.groupby(path) if label]


def brute_force(log_probs, target):
    steps, classes = log_probs.shape
    total = sum(math.exp(sum(log_probs[t, c] for t, c in enumerate(path)))
                for path in itertools.product(range(classes), repeat=steps) if read(path) == target)
    return -math.log(total) if total else math.inf


def draw(*shape):
    return sof.tensor(np.random.default_rng(1).normal(size=shape)).log_softmax(-1)


@pytest.mark.parametrize("target", [[1, 2], [1, 1], [2], [], [1, 1, 1]])
def test_sums_over_all_alignments(target):
    x = draw(4, 3)
    loss = F.ctc_loss(x, sof.tensor(target, dtype=sof.int64), (4,), (len(target),), reduction="none")
    assert float(loss) == pytest.approx(brute_force(x.numpy(), target))


def test_gradient_through_log_softmax():
    x = sof.tensor(np.random.default_rng(2).normal(size=(5, 2, 3)), requires_grad=True)
    targets, times, lengths = sof.tensor([[1, 2], [2, 0]]), (5, 4), (2, 1)
    sof.autograd.gradcheck(lambda x: F.ctc_loss(x.log_softmax(2), targets, times, lengths, reduction="sum"), x)
    one_row = F.ctc_loss(x.log_softmax(2), sof.tensor([1, 2, 2]), times, lengths)
    assert sof.allclose(one_row, F.ctc_loss(x.log_softmax(2), targets, times, lengths))


def test_impossible_targets():
    x = draw(2, 1, 3).requires_grad_()
    call = lambda zero: F.ctc_loss(x, sof.tensor([[1, 1]]), (2,), (2,), zero_infinity=zero)  # noqa: E731
    assert call(False) == float("inf") and call(True) == 0
    call(True).backward()
    assert not x.grad.any()


def test_errors():
    with pytest.raises(RuntimeError, match="blank must be"):
        F.ctc_loss(draw(2, 1, 3), sof.tensor([[1]]), (2,), (1,), blank=3)
    with pytest.raises(RuntimeError, match="at most 2"):
        F.ctc_loss(draw(2, 1, 3), sof.tensor([[1]]), (3,), (1,))


@pytest.mark.oracle
def test_as_pytorch():
    torch = pytest.importorskip("torch")
    data = np.random.default_rng(3).normal(size=(12, 3, 5))
    targets, times, lengths = [[1, 2, 2, 4], [3, 3, 1, 0], [2, 0, 0, 0]], (12, 9, 10), (4, 3, 1)
    for reduction in ("mean", "sum"):
        grads = []
        for lib, f in ((torch, torch.nn.functional), (sof, F)):
            x = lib.tensor(data, requires_grad=True)
            f.ctc_loss(x.log_softmax(2), lib.tensor(targets), times, lengths, reduction=reduction).backward()
            grads.append(x.grad.numpy())
        np.testing.assert_allclose(grads[1], grads[0], rtol=1e-9, atol=1e-12)
