"""Views that are written to, and views of what is written to: the graph stays right."""
from __future__ import annotations

import pytest

import stickonfire as torch


def leaf(*values):
    return torch.tensor(values, requires_grad=True)


def test_a_write_through_a_view_reaches_the_base():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    v = y[:2]
    v.mul_(5)
    assert y.tolist() == [5.0, 10.0, 3.0] and v.tolist() == [5.0, 10.0]
    assert (y.grad_fn.name(), v.grad_fn.name()) == ("torch::autograd::CopySlices", "AsStridedBackward0")
    (y * y).sum().backward(retain_graph=True)
    assert x.grad.tolist() == [50.0, 100.0, 6.0]
    x.grad = None
    (v * v).sum().backward()
    assert x.grad.tolist() == [50.0, 100.0, 0.0]


def test_a_write_to_the_base_reaches_its_views():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    v, w = y.view(3, 1), y[1:]
    y.mul_(5)
    assert v.grad_fn.name() == w.grad_fn.name() == "AsStridedBackward0"
    v.sum().backward(retain_graph=True)
    w.sum().backward()
    assert x.grad.tolist() == [5.0, 10.0, 10.0]


def test_overlapping_views():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    left, right = y[:2], y[1:]
    left.mul_(2)
    right.mul_(3)
    left.add_(right)
    assert y.tolist() == [1 * 2 + 2 * 2 * 3, 2 * 2 * 3 + 3 * 3, 9.0]
    (y * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [2.0, 6.0 + 60.0, 30.0 + 300.0]


def test_views_of_views():
    x = torch.arange(12.0).requires_grad_()
    y = x.clone()
    rows = y.view(3, 4)
    block = rows[1:].t()[::2]
    block.mul_(10)
    rows[0].fill_(1)
    y.sum().backward()
    assert x.grad.tolist() == [0.0] * 4 + [10.0, 1.0, 10.0, 1.0] * 2
    assert rows.sum().item() == y.sum().item() == block.sum().item() + 4 + (5 + 7 + 9 + 11)


@pytest.mark.parametrize("view", [
    lambda y: y.t(), lambda y: y[:, 1], lambda y: y.diagonal(), lambda y: y.unsqueeze(0),
    lambda y: y.view(-1)[1::2], lambda y: y.permute(1, 0)[1:], lambda y: y.transpose(0, 1)[0],
    lambda y: y.narrow(1, 1, 2), lambda y: y.select(0, 1), lambda y: y.flatten(), lambda y: y.squeeze(),
    lambda y: y[None, ..., 0], lambda y: y.swapaxes(0, 1), lambda y: y.T[2:]])
def test_kinds_of_views(view):
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    y = x.clone()
    mask = torch.zeros(2, 3)
    view(mask).fill_(1)
    view(y).mul_(7)
    y.sum().backward()
    assert x.grad.tolist() == (1 + 6 * mask).tolist()


def test_a_constant_base_written_through_a_view():
    x, b = leaf(1.0, 2.0), torch.zeros(3)
    v = b[1:]
    v.add_(x)
    assert b.requires_grad
    (b * b).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_base_that_is_itself_no_leaf_of_dense_memory():
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    y = (x * 1).t()
    with torch.no_grad():
        base_shape = y._base.shape if y._base is not None else y.shape
    y[1:].mul_(3)
    (y * torch.arange(6.0).reshape(3, 2)).sum().backward()
    assert base_shape == (2, 3) and x.grad.tolist() == [[0.0, 6.0, 12.0], [1.0, 9.0, 15.0]]


def test_writes_without_recording_leave_gradients_alone():
    x = leaf(1.0, 2.0)
    y = x * 3
    v = y[:1]
    with torch.no_grad():
        y.mul_(100)
    v.sum().backward()
    assert x.grad.tolist() == [3.0, 0.0]


def test_views_made_without_recording():
    y = leaf(1.0, 2.0) * 1
    with torch.no_grad():
        v = y[:1]
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode and is being modified inplace"):
        v.add_(1)


def test_one_of_several_views():
    y = leaf(1.0, 2.0, 3.0) * 1
    for views in (y.unbind(), y.split(1), y.chunk(3)):
        with pytest.raises(RuntimeError, match="is a view and is being modified inplace.*multiple views"):
            views[0].add_(1)
    assert y.tolist() == [1.0, 2.0, 3.0]
    a, _ = y.split([1, 2])
    y.mul_(2)
    with pytest.raises(RuntimeError, match="another view of its base has been modified inplace"):
        a.sum()
    plain = torch.ones(3)
    plain.unbind()[0].add_(1)
    assert plain.tolist() == [2.0, 1.0, 1.0]


def test_views_of_leaves():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable"):
        x[:1].add_(1)
    assert x._version == 0


def test_another_dtype():
    c = torch.tensor([1 + 2j], requires_grad=True) * 1
    with pytest.raises(NotImplementedError, match="clone"):
        c.real.mul_(2)


def test_base_and_is_view():
    x = torch.arange(4.0)
    v = x[1:]
    w = v.view(3, 1)
    assert x._base is None and v._base is x and w._base is x and x.detach()._base is None
