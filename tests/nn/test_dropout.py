"""Dropout draws its numbers in the order in which the elements lie in memory."""
from __future__ import annotations

import pytest

import stickonfire as sf
from stickonfire.nn import functional as F

KINDS = {"dropout": lambda t: F.dropout(t, 0.5), "alpha": lambda t: F.alpha_dropout(t, 0.5, True),
         "in place": lambda t: F.dropout(t.clone(), 0.5, inplace=True)}


def drawn(kind, t):
    sf.manual_seed(0)
    return KINDS[kind](t)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", [(1, 0, 2, 3), (3, 1, 0, 2), (0, 3, 1, 2)])
def test_of_a_permuted_tensor_is_the_permuted_one(kind, order):
    x = sf.ones(3, 5, 4, 2)
    out = drawn(kind, x.permute(order))
    assert sf.equal(out, drawn(kind, x).permute(order)) and out.stride() == x.permute(order).stride()


def test_of_slices_and_repeated_elements():
    for view, shape in ((sf.ones(4, 6)[:, ::2], (4, 3)), (sf.ones(4, 1).expand(4, 3), (4, 3))):
        assert sf.equal(drawn("dropout", view), drawn("dropout", sf.ones(shape)))
    turned = sf.ones(6, 4)[::2].t()
    assert sf.equal(drawn("dropout", turned), drawn("dropout", sf.ones(3, 4)).t())
