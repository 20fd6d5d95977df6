"""Writes in place: versions, the errors they lead to, and gradients through them."""
from __future__ import annotations

import pytest

import stickonfire as torch

CHANGED = "one of the variables needed for gradient computation has been modified by an inplace operation"


def leaf(*values):
    return torch.tensor(values, requires_grad=True)


def gradient(write, *values):
    """The gradient of sum(y * (1, 2, 3 ...)) for a y that `write` changes."""
    x = leaf(*values)
    y = x.clone()
    y = write(y, x) if write(x.detach().clone(), x.detach()) is not None else (write(y, x), y)[1]
    (y * torch.arange(1.0, y.numel() + 1).reshape(y.shape)).sum().backward()
    return x.grad.tolist()


def test_gradients_through_writes():
    assert gradient(lambda y, x: y.mul_(3).add_(1), 1.0, 2.0, 3.0) == [3.0, 6.0, 9.0]
    assert gradient(lambda y, x: y.mul_(x), 1.0, 2.0, 3.0) == [2.0, 8.0, 18.0]
    assert gradient(lambda y, x: y.copy_(x * 4), 1.0, 2.0, 3.0) == [4.0, 8.0, 12.0]
    assert gradient(lambda y, x: y.copy_(torch.ones(3)), 1.0, 2.0, 3.0) == [0.0, 0.0, 0.0]
    assert gradient(lambda y, x: y.pow_(2), 1.0, 2.0, 3.0) == [2.0, 8.0, 18.0]


def test_a_tensor_written_with_itself():
    x = leaf(1.0, 2.0, 3.0)
    y = x.clone()
    y.mul_(y)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 4.0, 6.0]
    x.grad, y = None, x.clone()
    y += y
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_setitem():
    x = leaf(1.0, 2.0, 3.0)
    y = torch.zeros(2, 3)
    y[0] = x
    y[1, 1:] = x[:2] * 10
    y[0, 0] = 7.0
    assert y.grad_fn.name() == "torch::autograd::CopySlices"
    (y * torch.arange(6.0).view(2, 3)).sum().backward()
    assert x.grad.tolist() == [40.0, 51.0, 2.0]


def test_setitem_with_masks_and_index_tensors():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    y[y > 1.5] = 0.0
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 0.0, 0.0]
    x.grad, y = None, x * 1
    y[[0, 2]] = x[[2, 0]] * 3
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 1.0, 3.0]


def test_writing_makes_a_tensor_part_of_the_graph():
    x, b = leaf(1.0, 2.0), torch.zeros(2)
    b += x
    b *= x
    assert b.requires_grad and b.grad_fn.name() == "MulBackward0"
    b.sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_leaves_are_not_overwritten():
    x = leaf(1.0, 2.0)
    for write in (lambda: x.add_(1), lambda: x.mul_(x), lambda: x.__setitem__(0, 1.0), lambda: x.view(2).add_(1)):
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad is being used in an in-place"):
            write()
    assert x.tolist() == [1.0, 2.0] and x._version == 0
    with torch.no_grad():
        x.add_(1)
    x.data.add_(1)
    x.detach().add_(1)
    assert x.tolist() == [4.0, 5.0] and x.is_leaf


def test_expanded_tensors_are_not_overwritten():
    for make in (lambda: torch.ones(3).expand(2, 3), lambda: (leaf(1.0, 2.0) * 1).expand(2, 2)):
        with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
            make().add_(1)


def test_versions():
    x = torch.ones(2)
    view, detached, data, copy = x[:1], x.detach(), x.data, x.clone()
    x.add_(1)
    assert (x._version, view._version, detached._version, data._version, copy._version) == (1, 1, 1, 0, 0)
    view.mul_(2)
    detached.mul_(2)
    data.mul_(2)
    assert (x._version, view._version, detached._version, data._version) == (3, 3, 3, 1)
    x[0] = 5
    assert x._version == 4


CHANGES = {
    "itself": lambda y: y.add_(1), "through a view": lambda y: y[:1].add_(1), "by "
                                                                              "index": lambda y: y.__setitem__(0, 9.0),
    "through detach": lambda y: y.detach().add_(1), "without recording": torch.no_grad()(lambda y: y.add_(1)),
    "as out=": torch.no_grad()(lambda y: torch.add(torch.ones(2), 1, out=y))}


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("use", [lambda y: y * y, lambda y: y.exp(), lambda y: y[:1] ** 2,
                                 lambda y: torch.ones(2) @ y * y])
def test_a_saved_tensor_was_changed(how, use):
    x = leaf(1.0, 2.0)
    y = x * 1
    z = use(y)
    CHANGES[how](y)
    if z.grad_fn.name() == "ExpBackward0":                      # it keeps its result, not y
        z.sum().backward()
        CHANGES[how](z := (y * 1).exp())
        with pytest.raises(RuntimeError, match=CHANGED):
            z.sum().backward()
        return
    with pytest.raises(RuntimeError, match=CHANGED) as caught:
        z.sum().backward()
    assert "expected version 0 instead" in str(caught.value) and "clone()" in str(caught.value)


def test_changes_that_do_no_harm():
    x = leaf(1.0, 2.0)
    y = x * 1
    z = y * y
    y.data.add_(100)                                            # nobody notices: that is what .data is for
    z.sum().backward()
    assert x.grad.tolist() == [202.0, 204.0]
    x.grad, y, w = None, x * 1, torch.ones(2)
    z = y + w
    y.add_(1)
    w.add_(1)
    z.sum().backward()                                          # a sum keeps nothing
    assert x.grad.tolist() == [1.0, 1.0]


def test_detach_in_place():
    x = leaf(1.0, 2.0)
    y = x * 2
    assert y.detach_() is y and not y.requires_grad and y.is_leaf
    with pytest.raises(RuntimeError, match="Can't detach views in-place"):
        (x * 2)[:1].detach_()


def test_out_arguments():
    x, out = leaf(1.0, 2.0), torch.zeros(2)
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        torch.mul(x, 2, out=out)
    with torch.no_grad():
        assert torch.mul(x, 2, out=out) is out
    assert out.tolist() == [2.0, 4.0] and not out.requires_grad


def test_data_can_be_replaced():
    x = leaf(1.0, 2.0)
    (x * 2).sum().backward()
    x.data = torch.tensor([5.0])
    x.grad = None
    (x * x).sum().backward()
    assert x.grad.tolist() == [10.0]
    with pytest.raises(TypeError, match="has to be a tensor"):
        x.data = 3


def test_second_order_through_writes():
    x = leaf(1.0, 2.0, 3.0)
    y = x.clone()
    y[0] = x[1] ** 2
    y[1:].mul_(x[1:])
    g, = torch.autograd.grad((y ** 2).sum(), x, create_graph=True)
    assert g.tolist() == [0.0, 4 * 8.0 + 4 * 8.0, 4 * 27.0]
    h, = torch.autograd.grad(g.sum(), x)
    assert h.tolist() == [0.0, 12 * 4.0 * 2, 12 * 9.0]


def test_matmul_has_no_inplace_operator():
    x = y = torch.ones(2, 2)
    x @= torch.ones(2, 3)
    assert x.tolist() == [[2.0] * 3] * 2 and y.tolist() == [[1.0] * 2] * 2


@pytest.mark.oracle
def test_matmul_assigned_as_pytorch():
    theirs = pytest.importorskip("torch")

    def facts(m, columns):
        x = y = m.arange(4.0).reshape(2, 2)
        w = m.ones(2, columns, requires_grad=True)
        x @= w
        x.sum().backward()
        return x.tolist(), y.tolist(), x is y, w.grad.tolist()
    for columns in (2, 3):
        assert facts(torch, columns) == facts(theirs, columns)
    assert not hasattr(torch.Tensor, "__imatmul__") and not hasattr(theirs.Tensor, "__imatmul__")
