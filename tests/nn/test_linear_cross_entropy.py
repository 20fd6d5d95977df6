"""nn.LinearCrossEntropyLoss and its function: the same as a linear layer and cross_entropy, whole or in pieces."""
import pytest

import stickonfire as torch
from stickonfire import nn
from stickonfire.nn import functional as F

ROWS, INPUTS, CLASSES = 7, 3, 5


def parts(requires_grad=True):
    torch.manual_seed(0)
    x, w, b = torch.randn(ROWS, INPUTS), torch.randn(CLASSES, INPUTS), torch.randn(CLASSES)
    return [t.requires_grad_(requires_grad) for t in (x, w, b)]


@pytest.mark.parametrize("options", [None, nn.LinearCrossEntropyOptions(batch_chunk_size=3),
                                     nn.LinearCrossEntropyOptions()], ids=["whole", "threes", "auto"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
def test_equals_linear_and_cross_entropy(options, reduction, weighted):
    target = torch.tensor([0, 1, 2, 3, 4, 1, 1])
    weight = torch.arange(1., 6.) if weighted else None
    x, w, b = parts()
    loss = F.linear_cross_entropy(x, w, target, linear_bias=b, weight=weight, reduction=reduction, ignore_index=1,
                                  options=options)
    loss.sum().backward()
    x2, w2, b2 = parts()
    expected = F.cross_entropy(F.linear(x2, w2, b2), target, weight, ignore_index=1, reduction=reduction)
    expected.sum().backward()
    torch.testing.assert_close(loss, expected)
    for mine, other in ((x, x2), (w, w2), (b, b2)):
        torch.testing.assert_close(mine.grad, other.grad)


def test_probabilities_as_targets_are_not_cut():
    x, w, _ = parts()
    target = torch.randn(ROWS, CLASSES).softmax(1)
    whole = F.linear_cross_entropy(x, w, target)
    with pytest.warns(UserWarning, match="ignored"):
        pieces = F.linear_cross_entropy(x, w, target, options=nn.LinearCrossEntropyOptions(batch_chunk_size=2))
    torch.testing.assert_close(whole, pieces)
    torch.testing.assert_close(whole, F.cross_entropy(F.linear(x, w), target))


def test_the_module_and_further_dims():
    loss = nn.LinearCrossEntropyLoss(INPUTS, CLASSES, out_features=(4, 2), bias=True)
    assert loss.linear.weight.shape == (CLASSES * 8, INPUTS)
    assert "out_features=(4, 2), bias=True, reduction=mean" in repr(loss)
    value = loss(torch.randn(ROWS, INPUTS), torch.zeros(ROWS, 4, 2, dtype=torch.int64))
    assert value.shape == () and value.requires_grad


@pytest.mark.parametrize("x, w, extra, message", [
    ((2, 3, 3), (2, 3), {}, "dimensionality 1 or 2"), ((2, 3), (2,), {}, "at least 2"),
    ((2, 3), (2, 4), {}, "last dimensions"), ((3,), (2, 4, 3), {}, "requires batched input"),
    ((2, 3), (2, 3), {"linear_bias": torch.ones(3)}, "expected linear_bias shape")])
def test_shapes_that_do_not_fit(x, w, extra, message):
    with pytest.raises(RuntimeError, match=message):
        F.linear_cross_entropy(torch.ones(x), torch.ones(w), torch.zeros(2, dtype=torch.int64), **extra)


def test_options_are_checked_and_shown():
    options = nn.LinearCrossEntropyOptions(batch_chunk_size=2)
    assert options == nn.LinearCrossEntropyOptions(batch_chunk_size=2) != nn.LinearCrossEntropyOptions()
    assert repr(options).startswith("LinearCrossEntropyOptions(allow_retain_graph=False, batch_chunk_size=2")
    with pytest.raises(ValueError, match="positive"):
        nn.LinearCrossEntropyOptions(batch_chunk_size=0)
    with pytest.raises(ValueError, match="acc_policy"):
        nn.LinearCrossEntropyOptions(acc_policy="fast")
