"""Layers of old programs, against PyTorch's."""
from __future__ import annotations

import pytest

import stickonfire
from stickonfire import nn


@pytest.mark.oracle
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_cross_map_lrn(size):
    torch = pytest.importorskip("torch")

    def outcome(m, channels):
        return m.nn.CrossMapLRN2d(size, alpha=0.5, beta=0.6, k=2)(m.arange(24.0).reshape(2, channels, -1, 2) / 6 - 2)
    for channels in (1, 2, 6):
        theirs = outcome(torch, channels)
        torch.testing.assert_close(torch.tensor(outcome(stickonfire, channels).tolist()), theirs)
    x = (stickonfire.arange(12.0, dtype=stickonfire.float64) - 5).reshape(1, 6, 2, 1).requires_grad_()
    assert stickonfire.autograd.gradcheck(nn.CrossMapLRN2d(size), x)
    assert repr(nn.CrossMapLRN2d(size)) == repr(torch.nn.CrossMapLRN2d(size))


def test_deprecated_ones_warn():
    with pytest.warns(FutureWarning, match="nn.Container"):
        made = nn.Container(a=nn.ReLU())
    assert [name for name, _ in made.named_children()] == ["a"]
    with pytest.warns(FutureWarning, match="NLLLoss2d"):
        loss = nn.NLLLoss2d(reduction="sum")
    assert loss(stickonfire.ones(1, 2, 1, 1), stickonfire.zeros(1, 1, 1).long()).item() == -1
    with pytest.raises(ValueError, match="4D"):
        nn.CrossMapLRN2d(3)(stickonfire.ones(2, 3))
