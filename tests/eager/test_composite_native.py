"""eager/composite_native.py: what PyTorch's kernels return, and control flow as functions."""
import pytest

import stickonfire as torch
from stickonfire.nn import functional as F


def test_layer_norm_also_gives_mean_and_scale():
    x = torch.tensor([[1., 3.], [2., 6.]], requires_grad=True)
    out, mean, scale = torch.native_layer_norm(x, [2], None, None, 0.0)
    torch.testing.assert_close(out, F.layer_norm(x, [2], eps=0.0))
    torch.testing.assert_close(mean, torch.tensor([[2.], [4.]]))
    torch.testing.assert_close(scale, torch.tensor([[1.], [.5]]))
    assert out.requires_grad and not mean.requires_grad and not scale.requires_grad


@pytest.mark.parametrize("name", ["weight", "bias"])
def test_layer_norm_refuses_parameters_of_another_shape(name):
    given = {"weight": None, "bias": None, name: torch.ones(3)}
    with pytest.raises(RuntimeError, match=f"Expected {name} to be of same shape"):
        torch.native_layer_norm(torch.ones(2, 2), [2], given["weight"], given["bias"], 1e-5)


def test_group_norm_equals_the_functional_one_and_its_statistics_differentiate():
    x, w = torch.randn(2, 6, 4, requires_grad=True), torch.randn(6)
    out, mean, scale = torch.native_group_norm(x, w, None, 2, 6, 4, 3, 1e-5)
    torch.testing.assert_close(out, F.group_norm(x, 3, w))
    assert mean.shape == scale.shape == (2, 3)
    (grad,) = torch.autograd.grad(mean.sum(), x)
    torch.testing.assert_close(grad, torch.full((2, 6, 4), 1 / 8))


def test_batch_norm_gives_statistics_in_training_alone():
    x = torch.randn(5, 3)
    out, mean, scale = torch.native_batch_norm(x, None, None, torch.zeros(3), torch.ones(3), True, 0.1, 1e-5)
    torch.testing.assert_close(mean, x.mean(0))
    torch.testing.assert_close(scale, (x.var(0, correction=0) + 1e-5).rsqrt())
    assert torch.native_batch_norm(x, None, None, torch.zeros(3), torch.ones(3), False, 0.1, 1e-5)[1].shape == (0,)


def test_grid_samplers_take_modes_as_numbers():
    image, places = torch.arange(4.).reshape(1, 1, 2, 2), torch.zeros(1, 1, 1, 2)
    assert torch.grid_sampler_2d(image, places, 0, 0, True).item() == 1.5
    volume, points = torch.arange(8.).reshape(1, 1, 2, 2, 2), torch.ones(1, 1, 1, 1, 3)
    assert torch.grid_sampler_3d(volume, points, 1, 1, True).item() == 7
    assert torch.grid_sampler(volume, points, 1, 1, True).item() == 7


def test_dropout_and_its_mask():
    x = torch.ones(1000)
    out, mask = torch.native_dropout(x, 0.25, True)
    assert mask.dtype is torch.bool and 650 < mask.sum().item() < 850
    torch.testing.assert_close(out, mask / 0.75)
    assert torch.native_dropout(x, 0.25, False)[1].all() and torch.dropout(x, 0.5, False) is not None


def test_channel_shuffle_under_its_kernels_name():
    x = torch.arange(4.).reshape(1, 4, 1, 1)
    assert torch.native_channel_shuffle(x, 2).flatten().tolist() == [0, 2, 1, 3]
    assert F.native_channel_shuffle(x, 2).flatten().tolist() == [0, 2, 1, 3]


def test_cond_runs_one_branch_and_differentiates():
    x = torch.tensor(2., requires_grad=True)
    torch.cond(x > 1, lambda t: t * t, lambda t: 1 / (t - t), (x,)).backward()
    assert x.grad.item() == 4
    assert torch.cond(False, lambda: 1, lambda: 2) == 2


@pytest.mark.parametrize("given", [("yes", abs, abs), (torch.ones(2), abs, abs), (True, 1, abs)])
def test_cond_refuses(given):
    with pytest.raises(RuntimeError):
        torch.cond(*given, (torch.ones(1),))


def test_while_loop_differentiates_and_counts_what_it_carries():
    x = torch.tensor(3., requires_grad=True)
    _, y = torch.while_loop(lambda i, v: i < 2, lambda i, v: (i + 1, v * x), (torch.tensor(0), torch.tensor(1.)))
    y.backward()
    assert x.grad.item() == 6
    with pytest.raises(RuntimeError, match="should return a tuple of 2"):
        torch.while_loop(lambda a, b: True, lambda a, b: a, (x, x))


@pytest.mark.oracle
def test_native_norms_as_pytorch():
    real = pytest.importorskip("torch")
    x = real.randn(4, 6, 5)
    mine = torch.from_numpy(x.numpy())
    for theirs, ours in (
            (real.native_layer_norm(x, [5], None, None, 1e-5), torch.native_layer_norm(mine, [5], None, None, 1e-5)),
            (real.native_group_norm(x, None, None, 4, 6, 5, 2, 1e-5),
             torch.native_group_norm(mine, None, None, 4, 6, 5, 2, 1e-5)),
            (real.native_batch_norm(x, None, None, None, None, True, .1, 1e-5),
             torch.native_batch_norm(mine, None, None, None, None, True, .1, 1e-5))):
        for a, b in zip(theirs, ours):
            assert tuple(a.shape) == tuple(b.shape)
            torch.testing.assert_close(b, torch.from_numpy(a.numpy()), rtol=1e-5, atol=1e-5)
