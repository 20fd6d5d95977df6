"""Sorting, medians, distinct elements, running extremes, calculus on samples: NumPy's values, gradients."""

from __future__ import annotations

import numpy as np
import pytest

import stickonfire as sof
from tests.helpers.numeric import check_gradients

A = np.random.default_rng(0).permutation(np.arange(24.0)).reshape(2, 3, 4)
NAN = [3.0, float("nan"), 1.0, 2.0]


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("descending", [False, True])
def test_sort(dim, descending):
    values, where = sof.sort(sof.from_numpy(A), dim, descending)
    expected = np.flip(np.sort(A, dim), dim) if descending else np.sort(A, dim)
    np.testing.assert_array_equal(values.numpy(), expected)
    np.testing.assert_array_equal(np.take_along_axis(A, where.numpy(), dim), expected)
    check_gradients(lambda x: sof.sort(x, dim, descending).values, A)


def test_equal_elements_keep_their_order():
    x = sof.tensor([1, 0, 1, 0])
    assert x.argsort().tolist() == [1, 3, 0, 2] and x.argsort(descending=True).tolist() == [0, 2, 1, 3]
    assert sof.tensor(NAN).argsort().tolist() == [2, 3, 0, 1]
    assert sof.tensor(NAN).argsort(descending=True).tolist() == [1, 0, 3, 2]
    assert str(sof.sort(sof.tensor([2, 1]))).startswith("torch.return_types.sort(\nvalues=tensor([1, 2])")


@pytest.mark.parametrize("size, k", [(4, 2), (300, 3), (300, 200), (4, 0)])
def test_topk(size, k):
    a = np.random.default_rng(1).standard_normal((3, size))
    values, where = sof.from_numpy(a).topk(k)
    np.testing.assert_array_equal(values.numpy(), np.flip(np.sort(a), 1)[:, :k])
    np.testing.assert_array_equal(np.take_along_axis(a, where.numpy(), 1), values.numpy())
    smallest = sof.from_numpy(a).topk(k, largest=False)
    np.testing.assert_array_equal(smallest.values.numpy(), np.sort(a)[:, :k])


@pytest.mark.parametrize("call", [
    lambda x: x.topk(2, 1).values, lambda x: x.kthvalue(2, 0).values, lambda x: x.median(2, True).values,
    lambda x: x.median(), lambda x: x.nanmedian(1).values, lambda x: x.cummax(1).values, lambda x: x.cummin(2).values,
    lambda x: sof.logcumsumexp(x / 8, 1), lambda x: x.diff(dim=1), lambda x: sof.trapezoid(x, dim=1),
    lambda x: sof.cumulative_trapezoid(x, dx=0.5), lambda x: sof.stack(sof.gradient(x, dim=(1, 2))),
    lambda x: sof.vander(x[0, 0]), lambda x: x.mode(0).values])
def test_gradients(call):
    check_gradients(call, A)


def test_medians():
    assert sof.tensor([4.0, 1.0, 3.0, 2.0]).median().item() == 2
    assert sof.tensor(NAN).median().isnan() and sof.tensor(NAN).nanmedian().item() == 2
    values, where = sof.tensor([NAN, [4.0, 5.0, 6.0, 7.0]]).median(1)
    assert values[0].isnan() and where.tolist() == [1, 1] and values[1].item() == 5
    assert sof.tensor([5, 1, 5, 2, 1]).mode().values.item() == 1
    assert sof.tensor([3, 1, 2]).kthvalue(1) == (sof.tensor(1), sof.tensor(1))


def test_distinct_elements():
    x = sof.tensor([3, 1, 1, 3, 3])
    values, inverse, counts = sof.unique(x, return_inverse=True, return_counts=True)
    assert values.tolist() == [1, 3] and inverse.tolist() == [1, 0, 0, 1, 1] and counts.tolist() == [2, 3]
    values, counts = sof.unique_consecutive(x, return_counts=True)
    assert values.tolist() == [3, 1, 3] and counts.tolist() == [1, 2, 2]
    rows = sof.tensor([[1, 2], [0, 5], [1, 2]])
    values, inverse = rows.unique(dim=0, return_inverse=True)
    assert values.tolist() == [[0, 5], [1, 2]] and inverse.tolist() == [1, 0, 1]
    assert rows.unique_consecutive(dim=0).shape == (3, 2) and sof.unique(sof.zeros(0)).shape == (0,)
    assert sof.isin(sof.arange(4), sof.tensor([1.0, 3.0])).tolist() == [False, True, False, True]


def test_running_extremes():
    values, where = sof.cummax(sof.tensor([1.0, 3.0, 2.0, 3.0]), 0)
    assert values.tolist() == [1, 3, 3, 3] and where.tolist() == [0, 1, 1, 3]
    values, where = sof.cummin(sof.tensor([2.0, float("nan"), 1.0]), 0)
    assert values.isnan().tolist() == [False, True, True] and where.tolist() == [0, 1, 1]
    x = sof.tensor([1000.0, 1000.0])
    np.testing.assert_allclose(sof.logcumsumexp(x, 0).numpy(), [1000, 1000 + np.log(2)])
    z = sof.tensor([0.5 + 1j, -0.2 + 2j])
    np.testing.assert_allclose(sof.logcumsumexp(z, 0).numpy(), np.log(np.cumsum(np.exp(z.numpy()))), rtol=1e-5)


def test_places_and_counts():
    edges = sof.tensor([1.0, 3.0, 5.0])
    assert sof.searchsorted(edges, sof.tensor([3.0, 6.0])).tolist() == [1, 3]
    assert sof.bucketize(sof.tensor([3.0, 0.0]), edges, right=True).tolist() == [2, 0]
    assert sof.searchsorted(sof.stack([edges, edges + 1]), sof.tensor([[2.0], [2.0]])).tolist() == [[1], [0]]
    assert sof.bincount(sof.tensor([1, 3, 1]), minlength=5).tolist() == [0, 2, 0, 1, 0]
    assert sof.bincount(sof.tensor([1, 1]), sof.tensor([0.5, 2.0])).tolist() == [0, 2.5]
    assert sof.histc(sof.tensor([1.0, 2.0, 1.0, 3.0]), 3, 0, 3).tolist() == [0, 2, 2]
    counts, bins = sof.histogram(sof.tensor([1.0, 2.0, 1.0]), 4, range=(0.0, 3.0))
    assert counts.tolist() == [0, 2, 1, 0] and bins.tolist() == [0, 0.75, 1.5, 2.25, 3]


@pytest.mark.parametrize("call, error, match", [
    (lambda x: x.topk(9), RuntimeError, "out of range"), (lambda x: x.kthvalue(0), RuntimeError, "out of range"),
    (lambda x: sof.zeros(0, 2).median(0), IndexError, "non-zero size"),
    (lambda x: sof.tensor([1j]).sort(), RuntimeError, "(?i)complex"),
    (lambda x: sof.bincount(x), RuntimeError, "bincount_cpu"),
    (lambda x: sof.searchsorted(x, x, side="left", right=True), RuntimeError, "opposites")])
def test_errors(call, error, match):
    with pytest.raises(error, match=match):
        call(sof.from_numpy(A))


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", ["float32", "int64", "bfloat16"])
def test_against_pytorch(dtype):
    torch = pytest.importorskip("torch")
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    a = np.random.default_rng(2).integers(-9, 9, (5, 40))
    for call in (lambda m, x: m.sort(x, stable=True), lambda m, x: m.unique(x, return_counts=True),
                 lambda m, x: (m.median(x, 1).values,), lambda m, x: m.cummax(x, 1), lambda m, x: m.cummin(x, 0),
                 lambda m, x: (m.unique_consecutive(x), m.mode(x).values, m.kthvalue(x, 3).values)):
        ours = call(sof, sof.from_numpy(a).to(getattr(sof, dtype)))
        theirs = call(torch, torch.from_numpy(a).to(getattr(torch, dtype)))
        assert [t.tolist() for t in ours] == [t.tolist() for t in theirs]
