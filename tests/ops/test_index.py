"""Indexing, gather and scatter: values against NumPy and known ones, gradients by differences, errors."""

from __future__ import annotations

import numpy as np
import pytest

import stickonfire as sof
from tests.helpers.numeric import check_gradients

A = np.arange(24.0).reshape(4, 6) / 7 - 1
ROWS, PLACES = sof.tensor([2, 0, 2]), sof.tensor([[0, 3], [3, 1], [2, 2]])
MASK = sof.tensor([True, False, True, False])
ALL = sof.from_numpy(A > 0.3)

READS = {
    "int": (lambda x: x[1], lambda a: a[1]),
    "ints": (lambda x: x[1, -1], lambda a: a[1, -1]),
    "slices": (lambda x: x[1:, ::2], lambda a: a[1:, ::2]),
    "none": (lambda x: x[:, None, 2:], lambda a: a[:, None, 2:]),
    "rows": (lambda x: x[ROWS], lambda a: a[[2, 0, 2]]),
    "columns": (lambda x: x[:, ROWS], lambda a: a[:, [2, 0, 2]]),
    "pairs": (lambda x: x[ROWS, [1, 1, 5]], lambda a: a[[2, 0, 2], [1, 1, 5]]),
    "negative": (lambda x: x[sof.tensor([-1, 0])], lambda a: a[[-1, 0]]),
    "mask of rows": (lambda x: x[MASK], lambda a: a[[True, False, True, False]]),
    "mask": (lambda x: x[ALL], lambda a: a[A > 0.3]),
    "mixed": (lambda x: x[1:, ROWS, None], lambda a: a[1:, [2, 0, 2], None]),
    "take": (lambda x: x.take(PLACES), lambda a: a.take(PLACES.numpy())),
    "gather": (lambda x: x.gather(0, PLACES), lambda a: np.take_along_axis(a[:, :2], PLACES.numpy(), 0)),
    "index_select": (lambda x: x.index_select(1, ROWS), lambda a: a[:, [2, 0, 2]]),
    "masked_select": (lambda x: x.masked_select(ALL), lambda a: a[A > 0.3]),
    "masked_fill": (lambda x: x.masked_fill(ALL, 9.0), lambda a: np.where(A > 0.3, 9, a)),
    "index_fill": (lambda x: x.index_fill(0, ROWS, 9.0), lambda a: np.stack([0 * a[0] + 9, a[1], 0 * a[0] + 9, a[3]])),
    "take_along_dim": (lambda x: x.take_along_dim(sof.tensor([[1], [0], [-1], [0]]), 1),
                       lambda a: np.take_along_axis(a, np.array([[1], [0], [5], [0]]), 1)),
}


def after(change, *shape):
    """A NumPy reference for an op that changes a copy of its input."""
    def reference(a, b):
        out = a.copy()
        change(out, b.reshape(-1)[:np.prod(shape)].reshape(shape))
        return out
    return reference


def at_rows(ufunc):
    return lambda out, b: ufunc.at(out, [2, 0, 2], b)


def at_places(ufunc):
    return lambda out, b: ufunc.at(out, (PLACES.numpy(), np.arange(2)), b)


def part(y, *shape):
    return y.reshape(-1)[:np.prod(shape)].reshape(shape)


def fill_places(out, b):
    np.put_along_axis(out[:, :2], PLACES.numpy()[:2], b, 0)


WRITES = {
    "index_add": (lambda x, y: x.index_add(0, ROWS, part(y, 3, 6)), after(at_rows(np.add), 3, 6)),
    "index_copy": (lambda x, y: x.index_copy(0, ROWS[:2], part(y, 2, 6)),
                   after(lambda out, b: out.__setitem__([2, 0], b), 2, 6)),
    "index_put": (lambda x, y: x.index_put((ROWS, ROWS), part(y, 3), True),
                  after(lambda out, b: np.add.at(out, ([2, 0, 2], [2, 0, 2]), b), 3)),
    "put": (lambda x, y: x.put(sof.tensor([3, 7]), part(y, 2)), after(lambda out, b: out.put([3, 7], b), 2)),
    "scatter": (lambda x, y: x.scatter(0, PLACES[:2], part(y, 2, 2)), after(fill_places, 2, 2)),
    "scatter_add": (lambda x, y: x.scatter_add(0, PLACES, part(y, 3, 2)), after(at_places(np.add), 3, 2)),
    "scatter multiply": (lambda x, y: x.scatter_reduce(0, PLACES, part(y, 3, 2), "prod"),
                         after(at_places(np.multiply), 3, 2)),
    "scatter amax": (lambda x, y: x.scatter_reduce(0, PLACES, part(y, 3, 2), "amax"),
                     after(at_places(np.maximum), 3, 2)),
    "index_reduce": (lambda x, y: x.index_reduce(0, ROWS, part(y, 3, 6), "amin"), after(at_rows(np.minimum), 3, 6)),
    "masked_scatter": (lambda x, y: x.masked_scatter(ALL, y),
                       lambda a, b: np.where(A > 0.3, b.reshape(-1)[np.cumsum(A > 0.3) - 1].reshape(4, 6), a)),
    "where": (lambda x, y: sof.where(ALL, x, y), lambda a, b: np.where(A > 0.3, a, b)),
}


@pytest.mark.parametrize("name", READS)
def test_reading(name):
    call, reference = READS[name]
    np.testing.assert_array_equal(call(sof.from_numpy(A)).numpy(), reference(A))
    check_gradients(call, A)


@pytest.mark.parametrize("name", WRITES)
def test_writing(name):
    call, reference = WRITES[name]
    B = np.cos(np.arange(24.0)).reshape(4, 6)
    np.testing.assert_allclose(call(sof.from_numpy(A), sof.from_numpy(B)).numpy(), reference(A, B))
    check_gradients(call, A, B)


def test_scatter_reduce_without_the_input():
    x, src, index = sof.tensor([1.0, 10.0, 4.0]), sof.tensor([2.0, 3.0, 5.0]), sof.tensor([0, 0, 2])
    expected = {"sum": [5, 10, 5], "mean": [2.5, 10, 5], "prod": [6, 10, 5], "amax": [3, 10, 5], "amin": [2, 10, 5]}
    for reduce, values in expected.items():
        assert x.scatter_reduce(0, index, src, reduce, include_self=False).tolist() == values
        check_gradients(lambda a, b, how=reduce: a.scatter_reduce(0, index, b, how, include_self=False),
                        [1.0, 10.0, 4.0], [2.0, 3.0, 5.0])


def test_products_with_zeros_have_gradients():
    x = sof.tensor([2.0, 0.0], requires_grad=True)
    src = sof.tensor([0.0, 3.0, 5.0], requires_grad=True)
    x.scatter_reduce(0, sof.tensor([0, 0, 1]), src, "prod").sum().backward()
    assert x.grad.tolist() == [0, 5] and src.grad.tolist() == [6, 0, 0]


@pytest.mark.parametrize("index, value", [
    (1, 5.0), ((slice(None), 2), 5.0), (slice(1, 3), [[1.0], [2.0]]), (..., 5.0), ([0, 2], 5.0),
    (([0, 2], [1, 1]), [7.0, 8.0]), (np.array([True, False, True, True]), 5.0), (A > 0.3, 5.0), ((None, 1), 3.0)])
def test_assignment(index, value):
    x, a = sof.from_numpy(A.copy()), A.copy()
    x[index] = sof.tensor(value, dtype=sof.float64) if isinstance(value, list) else value
    a[index] = value
    np.testing.assert_array_equal(x.numpy(), a)


def test_assignment_is_recorded():
    x = sof.ones(3, 2, requires_grad=True)
    value = sof.tensor([2.0, 3.0], requires_grad=True)
    y = x * 4
    y[1] = value
    y[sof.tensor([0, 0])] = 7.0
    (y * sof.arange(6.0).view(3, 2)).sum().backward()
    assert x.grad.tolist() == [[0, 0], [0, 0], [16, 20]] and value.grad.tolist() == [2, 3]
    with pytest.raises(RuntimeError, match="view of a leaf|leaf Variable"):
        x[0] = 1.0


def test_versions_are_counted():
    x = sof.zeros(3)
    x[0], x[1:] = 1.0, 2.0
    assert x._version == 2
    w = sof.ones(3, requires_grad=True)
    y = w.exp()
    y[0] = 0.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize("width, size, count", [
    (1, 50, 400), (3, 50, 400), (200, 50, 400), (200, 500, 300), (200, 9, 9)])
def test_adding_rows_that_repeat(width, size, count):
    rng = np.random.default_rng(0)
    picks = np.minimum(rng.zipf(1.5, count), size) - 1 if size > 9 else rng.permutation(size)
    rows, expected = rng.standard_normal((count, width)), np.zeros((size, width))
    np.add.at(expected, picks, rows)
    found = sof.zeros(size, width, dtype=sof.float64).index_add(0, sof.from_numpy(picks), sof.from_numpy(rows))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


def test_nonzero_and_where():
    x = sof.tensor([[0, 2], [3, 0]])
    assert x.nonzero().tolist() == [[0, 1], [1, 0]] and x.nonzero().stride() == (1, 2)
    assert [t.tolist() for t in sof.where(x)] == [[0, 1], [1, 0]]
    assert sof.nonzero_static(x, size=3).tolist() == [[0, 1], [1, 0], [-1, -1]]
    assert sof.tensor(5).nonzero().shape == (1, 0) and sof.argwhere(x[0]).tolist() == [[1]]
    assert sof.where(x > 0, 1.5, 0).dtype is sof.float32
    assert [t.tolist() for t in sof.unravel_index(sof.tensor([5, 1]), (2, 3))] == [[1, 0], [2, 1]]
    assert sof.repeat_interleave(sof.tensor([2, 0, 1])).tolist() == [0, 0, 2]


def test_diagonals_are_filled():
    assert sof.zeros(2, 3).fill_diagonal_(2).tolist() == [[2, 0, 0], [0, 2, 0]]
    assert sof.zeros(5, 2).fill_diagonal_(1, wrap=True)[:, 0].tolist() == [1, 0, 0, 1, 0]


@pytest.mark.parametrize("call, error, match", [
    (lambda x: x[4], IndexError, "out of bounds for dimension 0 with size 4"),
    (lambda x: x[0, 0, 0], IndexError, "too many indices"),
    (lambda x: x[::-1], ValueError, "step must be greater than zero"),
    (lambda x: x[sof.tensor([4])], IndexError, "out of bounds"),
    (lambda x: x[sof.tensor([True])], IndexError, "shape of the mask"),
    (lambda x: x[1.5], IndexError, "valid indices"),
    (lambda x: x[sof.tensor([1.0])], IndexError, "must be long, int, byte or bool"),
    (lambda x: x.gather(0, sof.tensor([[4]])), RuntimeError, "out of bounds"),
    (lambda x: x.gather(0, sof.tensor([1])), RuntimeError, "same number of dimensions"),
    (lambda x: x.index_select(0, sof.tensor([-1])), IndexError, "out of range"),
    (lambda x: x.masked_fill(ALL, 1j), RuntimeError, "without overflow"),
    (lambda x: x.index_add(0, ROWS, sof.ones(2, 6, dtype=sof.float64)), RuntimeError, "Number of indices"),
    (lambda x: x.scatter_reduce(0, PLACES, x, "max"), RuntimeError, "reduce argument"),
    (lambda x: x.__setitem__(0, 1j), RuntimeError, "without overflow"),
    (lambda x: x.__delitem__(0), TypeError, "deleting")])
def test_errors(call, error, match):
    with pytest.raises(error, match=match):
        call(sof.from_numpy(A.copy()))
