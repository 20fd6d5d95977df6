"""Dual tensors: tangents through functions, several of them, beside reverse mode; and what is refused."""
from __future__ import annotations

import pytest

import stickonfire as torch
import stickonfire.autograd.forward_ad as fw


def test_tangents():
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    with fw.dual_level():
        a, b = fw.make_dual(x, torch.ones(2)), fw.make_dual(y, 2 * torch.ones(2))
        assert a.data_ptr() == x.data_ptr()
        value, tangent = fw.unpack_dual(a * b + b.sin())
        torch.testing.assert_close(tangent, y + 2 * x + 2 * y.cos())
        assert not value.requires_grad and not tangent.requires_grad
        assert fw.unpack_dual(a).tangent.tolist() == [1, 1] and fw.unpack_dual(a + 1).tangent.tolist() == [1, 1]
        assert fw.unpack_dual(x).tangent is None and fw.unpack_dual(x * 2).tangent is None
        w = torch.tensor([5.0, 6.0], requires_grad=True)
        out = fw.unpack_dual(a * w)
        out.tangent.sum().backward()
        assert w.grad.tolist() == [1, 1] and out.primal.requires_grad
    assert x.grad is None and torch.autograd.forward_ad is fw


def test_layers():
    layer = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.LayerNorm(4))
    x, v = torch.rand(2, 3), torch.rand(2, 3)
    with fw.dual_level():
        found = fw.unpack_dual(layer(fw.make_dual(x, v))).tangent
    torch.testing.assert_close(found, torch.func.jvp(layer, (x,), (v,))[1])


@pytest.mark.parametrize(("tensor", "tangent", "error", "text"), [
    (torch.ones(2).long(), torch.ones(2), ValueError, "primal to be floating point"),
    (torch.ones(2), torch.ones(2).long(), ValueError, "tangent to be floating point"),
    (torch.ones(2), torch.ones(3), RuntimeError, "of a different size|has a different size"),
])
def test_refused(tensor, tangent, error, text):
    with fw.dual_level(), pytest.raises(error, match=text):
        fw.make_dual(tensor, tangent)


def test_levels():
    with pytest.raises(RuntimeError, match="no level exists"):
        fw.make_dual(torch.ones(2), torch.ones(2))
    with fw.dual_level(), pytest.raises(RuntimeError, match="Nested forward mode"):
        fw.enter_dual_level()
    with pytest.raises(RuntimeError, match="exit a forward AD level"):
        fw.exit_dual_level()


def test_no_grad_loses_no_tangent_silently():
    x, t = torch.tensor(3.0), torch.tensor(1.0)
    with torch.no_grad(), fw.dual_level():
        primal, tangent = fw.unpack_dual(fw.make_dual(x, t) ** 2)
        assert primal == 9 and tangent == 6 and not tangent.requires_grad
    assert torch.is_grad_enabled()
    with fw.dual_level():
        dual = fw.make_dual(x, t)
        with torch.no_grad(), pytest.raises(RuntimeError, match="Open no_grad around the dual level"):
            fw.unpack_dual(dual ** 2)
