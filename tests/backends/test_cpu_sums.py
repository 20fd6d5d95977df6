"""Sums of few numbers are PyTorch's, bit for bit; exp and log almost always."""
import numpy as np
import pytest

from stickonfire.backends.cpu import xp
from stickonfire.backends.cpu.sums import ORDERS, sum_plain


def rows(char, n):
    return np.random.default_rng(n).standard_normal((50, n)).astype(char)


@pytest.mark.parametrize("char, n", sorted(ORDERS))
def test_each_number_is_added_once(char, n):
    order, _ = ORDERS[char, n]
    assert sorted(order) == list(range(n))
    a = rows(char, n)
    for axis, keepdims in ((1, False), ((1,), True), (0, True), (None, False), (None, True)):
        got, expected = sum_plain(a, axis, keepdims), np.add.reduce(a, axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
        assert got.shape == expected.shape and got.dtype == expected.dtype
    assert sum_plain(a[0]).shape == ()
    assert sum_plain(a[0], None, True).shape == (1,)
    np.testing.assert_allclose(sum_plain(a.T[:, ::2], 0), a[::2].sum(1), rtol=1e-5, atol=1e-5)


@pytest.mark.oracle
@pytest.mark.parametrize("char, n", sorted(ORDERS))
def test_sums_equal_pytorchs(char, n):
    torch = pytest.importorskip("torch")
    a = rows(char, n)
    assert np.array_equal(sum_plain(a, 1), torch.from_numpy(a).sum(1).numpy())
    assert [float(sum_plain(row)) for row in a] == [float(torch.from_numpy(row).sum()) for row in a]


@pytest.mark.parametrize("name", ["exp", "log"])
@pytest.mark.parametrize("size", [(), (7,), (5000,)])
def test_rounded_once(name, size):
    a = np.random.default_rng(1).uniform(0.1, 9, size).astype("f")
    got = getattr(xp, name)(a)
    exact = getattr(np, name)(a.astype("d")).astype("f")
    assert np.array_equal(got, exact) and got.dtype == exact.dtype
    assert np.array_equal(getattr(xp, name)(a, out=a.copy()), exact)
    assert np.array_equal(getattr(xp, name)(a.astype("d")), getattr(np, name)(a.astype("d")))
