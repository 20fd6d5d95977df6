"""Shapes: values against NumPy, strides, what aliases, gradients by differences, in-place forms, errors."""

from __future__ import annotations

import numpy as np
import pytest

import stickonfire as sof
from tests.helpers.numeric import check_gradients

A = np.arange(24.0).reshape(2, 3, 4)
M = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.5]])

# name: (call on a tensor, the same on a NumPy array, whether the result is a view)
SHAPES = {
    "reshape": (lambda x: x.reshape(4, -1), lambda a: a.reshape(4, 6), True),
    "reshape of a transpose": (lambda x: x.transpose(0, 2).reshape(-1), lambda a: a.T.reshape(-1), False),
    "view": (lambda x: x.view(6, 4), lambda a: a.reshape(6, 4), True),
    "flatten": (lambda x: x.flatten(1), lambda a: a.reshape(2, 12), True),
    "unflatten": (lambda x: x.unflatten(2, (2, -1)), lambda a: a.reshape(2, 3, 2, 2), True),
    "ravel": (lambda x: x.ravel(), lambda a: a.ravel(), True),
    "permute": (lambda x: x.permute(2, 0, 1), lambda a: a.transpose(2, 0, 1), True),
    "movedim": (lambda x: x.movedim((0, 1), (2, 0)), lambda a: np.moveaxis(a, (0, 1), (2, 0)), True),
    "swapaxes": (lambda x: x.swapaxes(0, 2), lambda a: a.swapaxes(0, 2), True),
    "mT": (lambda x: x.mT, lambda a: a.swapaxes(1, 2), True),
    "unsqueeze": (lambda x: x.unsqueeze(1), lambda a: a[:, None], True),
    "squeeze": (lambda x: x.unsqueeze(0).squeeze(), lambda a: a, True),
    "expand": (lambda x: x[:, :1].expand(-1, 5, 4), lambda a: np.broadcast_to(a[:, :1], (2, 5, 4)), True),
    "diagonal": (lambda x: x.diagonal(1, 1, 2), lambda a: np.diagonal(a, 1, 1, 2), True),
    "unfold": (lambda x: x.unfold(2, 3, 1), lambda a: np.stack([a[..., :3], a[..., 1:]], 2), True),
    "as_strided": (lambda x: x.as_strided((2, 2), (1, 2), 3), lambda a: np.array([[3.0, 5], [4, 6]]), True),
    "select": (lambda x: x.select(1, 2), lambda a: a[:, 2], True),
    "narrow": (lambda x: x.narrow(2, 1, 2), lambda a: a[..., 1:3], True),
    "flip": (lambda x: x.flip(0, 2), lambda a: a[::-1, :, ::-1], False),
    "roll": (lambda x: x.roll((1, -1), (0, 2)), lambda a: np.roll(a, (1, -1), (0, 2)), False),
    "roll all": (lambda x: x.roll(5), lambda a: np.roll(a, 5), False),
    "rot90": (lambda x: x.rot90(1, (0, 2)), lambda a: np.rot90(a, 1, (0, 2)), False),
    "repeat": (lambda x: x.repeat(2, 1, 2), lambda a: np.tile(a, (2, 1, 2)), False),
    "tile": (lambda x: x.tile(2), lambda a: np.tile(a, 2), False),
    "tril": (lambda x: x.tril(1), lambda a: np.tril(a, 1), False),
    "triu": (lambda x: x.triu(-1), lambda a: np.triu(a, -1), False),
    "repeat_interleave": (lambda x: x.repeat_interleave(2, 1), lambda a: np.repeat(a, 2, 1), False),
    "sum_to_size": (lambda x: x.sum_to_size(3, 1), lambda a: a.sum((0, 2)).reshape(3, 1), False),
    "diag_embed": (lambda x: sof.diag_embed(x)[0, 1], lambda a: np.diag(a[0, 1]), False),
    "pad": (lambda x: sof.constant_pad_nd(x, (1, -1, 0, 2), 7.0),
            lambda a: np.pad(a[..., :-1], ((0, 0), (0, 2), (1, 0)), constant_values=7), False),
}
JOINS = {
    "cat": (lambda x, y: sof.cat([x, y], 1), lambda a, b: np.concatenate([a, b], 1)),
    "stack": (lambda x, y: sof.stack([x, y], -1), lambda a, b: np.stack([a, b], -1)),
    "hstack": (lambda x, y: sof.hstack([x, y]), lambda a, b: np.hstack([a, b])),
    "vstack": (lambda x, y: sof.vstack([x, y]), lambda a, b: np.vstack([a, b])),
    "dstack": (lambda x, y: sof.dstack([x, y]), lambda a, b: np.dstack([a, b])),
    "column_stack": (lambda x, y: sof.column_stack([x[0], y[0]]), lambda a, b: np.column_stack([a[0], b[0]])),
    "block_diag": (lambda x, y: sof.block_diag(x, y),
                   lambda a, b: np.block([[a, np.zeros((2, 3))], [np.zeros((2, 3)), b]])),
    "cartesian_prod": (lambda x, y: sof.cartesian_prod(x[0], y[1]),
                       lambda a, b: np.stack(np.meshgrid(a[0], b[1], indexing="ij"), -1).reshape(-1, 2)),
    "select_scatter": (lambda x, y: sof.select_scatter(x, y[0], 0, 1), lambda a, b: np.stack([a[0], b[0]])),
    "slice_scatter": (lambda x, y: sof.slice_scatter(x, y[:, :2], 1, 1),
                      lambda a, b: np.concatenate([a[:, :1], b[:, :2]], 1)),
    "diagonal_scatter": (lambda x, y: sof.diagonal_scatter(x, y[0, :2]),
                         lambda a, b: np.where(np.eye(2, 3) > 0, b[0, :2, None], a)),
    "as_strided_scatter": (lambda x, y: sof.as_strided_scatter(x, y[0, :2], (2,), (3,), 1),
                           lambda a, b: np.stack([a[:, 0], b[0, :2], a[:, 2]], 1)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_values_and_aliases(name):
    call, reference, view = SHAPES[name]
    x = sof.from_numpy(A.copy())
    out = call(x)
    np.testing.assert_array_equal(out.numpy(), reference(A))
    assert np.shares_memory(out.numpy(), x.numpy()) == view and (out._base is x) == view


@pytest.mark.parametrize("name", SHAPES)
def test_gradients(name):
    check_gradients(SHAPES[name][0], A)


@pytest.mark.parametrize("name", JOINS)
def test_joins(name):
    call, reference = JOINS[name]
    np.testing.assert_array_equal(call(sof.from_numpy(M), sof.from_numpy(2 * M)).numpy(), reference(M, 2 * M))
    check_gradients(call, M, 2 * M)


@pytest.mark.parametrize("call, sizes", [
    (lambda x: x.split(2), [2, 2, 1]), (lambda x: x.split([1, 4]), [1, 4]), (lambda x: x.chunk(3), [2, 2, 1]),
    (lambda x: x.tensor_split(3), [2, 2, 1]), (lambda x: x.tensor_split((1, 3)), [1, 2, 2]),
    (lambda x: x.hsplit(5), [1] * 5), (lambda x: x.unsafe_chunk(2), [3, 2]), (lambda x: x.split(9), [5])])
def test_splits(call, sizes):
    x = sof.arange(5.0, requires_grad=True)
    parts = call(x)
    assert [len(part) for part in parts] == sizes
    sum((i + 1) * part.sum() for i, part in enumerate(parts)).backward()
    assert x.grad.tolist() == [i + 1 for i, n in enumerate(sizes) for _ in range(n)]


def test_strides_are_those_of_pytorch():
    x = sof.zeros(2, 3, 4)
    assert x.unsqueeze(0).stride() == (24, 12, 4, 1) and x.unsqueeze(-1).stride() == (12, 4, 1, 1)
    assert x[None, :, None].stride() == (24, 12, 12, 4, 1) and x[..., None].stride() == (12, 4, 1, 1)
    assert x[:, :1].expand(2, 5, 4).stride() == (12, 0, 1) and x[0].expand(1, 2, 3, 4).stride() == (0, 0, 4, 1)
    assert sof.ones(3).expand(1, 3).stride() == (3, 1) and sof.tensor(1.0).expand(1, 1).stride() == (0, 0)
    assert x[:, [0, 2]].stride() == (8, 4, 1) and x[:, 1::2].storage_offset() == 4
    assert sof.ones(3).expand(4, 3).clone().stride() == (3, 1)
    assert sof.ones(2, 3).t().clone().stride() == (1, 3) and sof.zeros(0, 3).stride() == (3, 1)


def test_in_place_forms_change_the_shape():
    x = sof.arange(6.0).view(2, 3)
    assert x.t_() is x and x.shape == (3, 2) and x.stride() == (1, 3)
    assert x.unsqueeze_(0).squeeze_().transpose_(0, 1).tolist() == [[0, 1, 2], [3, 4, 5]]
    y = sof.ones(2, 3, requires_grad=True)
    z = (y * 2).t_()
    (z * sof.arange(6.0).view(3, 2)).sum().backward()
    assert y.grad.tolist() == [[0, 4, 8], [2, 6, 10]]
    with pytest.raises(RuntimeError, match="leaf Variable"):
        y.t_()
    with sof.no_grad():
        y.t_()
    y.grad = None
    y.sum().backward()
    assert y.grad.shape == y.shape == (3, 2)


def test_writing_through_a_view_reaches_its_base():
    x = sof.zeros(3, 4)
    x.diagonal()[:] = 1
    x.t()[3] = 2
    x.unfold(1, 2, 2)[0, 0, 1] = 5
    assert x.tolist() == [[1, 5, 0, 2], [0, 1, 0, 2], [0, 0, 1, 2]]


def test_as_strided_sees_the_whole_storage():
    x = sof.arange(10)
    part = x[4:6]
    assert part.as_strided((2,), (3,)).tolist() == [4, 7] and part.as_strided((2,), (3,), 0).tolist() == [0, 3]
    assert part.expand(2, 2).as_strided((2,), (1,), 8).tolist() == [8, 9]
    with pytest.raises(RuntimeError, match="out of bounds for storage"):
        x.as_strided((11,), (1,))


def test_grids_and_triangles():
    rows, columns = sof.meshgrid(sof.arange(2), sof.arange(3), indexing="ij")
    assert rows.tolist() == [[0, 0, 0], [1, 1, 1]] and columns.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert sof.meshgrid([sof.arange(2), sof.arange(3)], indexing="xy")[0].shape == (3, 2)
    assert sof.tril_indices(3, 3, -1).tolist() == [[1, 2, 2], [0, 0, 1]]
    assert sof.broadcast_shapes((2, 1), 3) == sof.Size([2, 3])
    assert [t.shape for t in sof.broadcast_tensors(sof.ones(2, 1), sof.ones(3))] == [(2, 3), (2, 3)]
    assert sof.combinations(sof.arange(3), 2, True).shape == (6, 2) and sof.atleast_3d(sof.ones(2)).shape == (1, 2, 1)


def test_copies_do_not_alias():
    x = sof.ones(2, 3)
    for out in (sof.view_copy(x, (3, 2)), sof.t_copy(x), sof.expand_copy(x, (2, 2, 3)), sof.unbind_copy(x)[0]):
        assert not np.shares_memory(out.numpy(), x.numpy())


@pytest.mark.parametrize("call, error, match", [
    (lambda x: x.view(5), RuntimeError, "invalid for input of size"),
    (lambda x: x.t().view(6), RuntimeError, "view size is not compatible"),
    (lambda x: x.reshape(-1, -1), RuntimeError, "only one dimension can be inferred"),
    (lambda x: x.transpose(0, 2), IndexError, "Dimension out of range"),
    (lambda x: x.permute(0, 0), RuntimeError, "duplicate dims"),
    (lambda x: x.expand(2, 4), RuntimeError, "must match the existing size"),
    (lambda x: sof.cat([x, x.t()]), RuntimeError, "Sizes of tensors must match"),
    (lambda x: sof.cat([]), ValueError, "non-empty list"),
    (lambda x: sof.stack([x, x[0]]), RuntimeError, "equal size"),
    (lambda x: x.split([1, 2]), RuntimeError, "sum exactly"),
    (lambda x: x.narrow(0, 1, 2), RuntimeError, "exceeds dimension size"),
    (lambda x: x.unflatten(1, (2, 2)), RuntimeError, "multiply up to"),
    (lambda x: x.diagonal(0, 1, 1), RuntimeError, "identical"),
    (lambda x: x[0].tril(), RuntimeError, "at least 2 dimensions")])
def test_errors(call, error, match):
    with pytest.raises(error, match=match):
        call(sof.ones(2, 3))


@pytest.mark.oracle
@pytest.mark.parametrize("name", SHAPES)
def test_strides_of_results(name):
    torch = pytest.importorskip("torch")
    if name in ("diag_embed", "pad"):
        pytest.skip("written with this package's functions")
    ours, theirs = SHAPES[name][0](sof.from_numpy(A.copy())), SHAPES[name][0](torch.from_numpy(A.copy()))
    assert ours.shape == theirs.shape and ours.stride() == theirs.stride()
    assert ours.storage_offset() == theirs.storage_offset()
