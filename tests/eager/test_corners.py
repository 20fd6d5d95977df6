"""Corners in which PyTorch's behaviour is easily missed: what gradients depend on, `out=` of another shape, casts of
what does not fit, NaN in `mode`."""
import pytest

import stickonfire as torch
from stickonfire.nn import functional as F

PIECEWISE = {"relu": torch.relu, "relu6": F.relu6, "hardtanh": F.hardtanh, "leaky_relu": F.leaky_relu,
             "hardsigmoid": F.hardsigmoid, "hardshrink": F.hardshrink, "softshrink": F.softshrink,
             "threshold": lambda x: F.threshold(x, 0.1, 0.0), "prelu": lambda x: F.prelu(x, torch.tensor([0.2]))}


@pytest.mark.parametrize("name", PIECEWISE)
def test_a_constant_gradient_still_requires_one(name):
    x = torch.tensor([-1.5, 0.3, 2.0], requires_grad=True)
    (grad,) = torch.autograd.grad(PIECEWISE[name](x).sum(), x, create_graph=True)
    assert grad.requires_grad
    (second,) = torch.autograd.grad((grad * grad).sum(), x)
    assert second.tolist() == [0, 0, 0]


def test_gradients_of_relu_chains_are_unchanged():
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    (grad,) = torch.autograd.grad((torch.relu(x) ** 3).sum(), x, create_graph=True)
    assert grad.tolist() == [0, 12]
    (second,) = torch.autograd.grad(grad.sum(), x)
    assert second.tolist() == [0, 12]


@pytest.mark.parametrize("call", [
    lambda a, out: torch.add(a, a, out=out), lambda a, out: torch.sin(a, out=out),
    lambda a, out: torch.mm(a, a.T, out=out), lambda a, out: torch.cat([a, a], out=out),
    lambda a, out: torch.sum(a, 0, out=out), lambda a, out: torch.softmax(a, 0, out=out)])
def test_out_of_another_shape_is_resized_with_a_warning(call):
    a = torch.ones(2, 3)
    with pytest.warns(UserWarning, match="An output with one or more elements was resized since it had shape \\[7\\]"):
        resized = call(a, torch.zeros(7))
    torch.testing.assert_close(call(a, torch.zeros(0)), resized)           # no elements: no warning


def test_arange_warns_of_another_number_of_elements():
    with pytest.warns(UserWarning, match="does not match the computed number of elements 3"):
        torch.arange(3, out=torch.ones(6))


def test_logaddexp_may_be_followed_by_an_in_place_op():
    a, b = torch.tensor([1.0], requires_grad=True), torch.tensor([2.0], requires_grad=True)
    y = torch.logaddexp(a, b)
    y.mul_(2)
    y.sum().backward()
    torch.testing.assert_close(a.grad + b.grad, torch.tensor([2.0]))
    torch.testing.assert_close(a.grad, 2 * torch.sigmoid(torch.tensor([-1.0])))


def test_what_does_not_fit_an_integer_becomes_what_processors_make_of_it():
    odd = torch.tensor([float("inf"), -float("inf"), float("nan"), 1e10])
    assert odd.to(torch.int32).tolist() == [-2 ** 31] * 4
    assert odd.to(torch.int64).tolist() == [-2 ** 63] * 3 + [10 ** 10]
    assert odd.to(torch.int16).tolist() == odd.to(torch.uint8).tolist() == [0] * 4
    assert torch.tensor([300.7, -1.0]).to(torch.uint8).tolist() == [44, 255]


NAN = float("nan")


@pytest.mark.parametrize("row, value, index", [
    ([NAN, 1, 1, NAN, NAN], 1, 2), ([NAN, 1.], NAN, 0), ([1., NAN], 1, 0), ([2., NAN, 2., NAN], 2, 0), ([NAN], NAN, 0),
    ([NAN, 2., 2., NAN, 2.], 2, 2), ([NAN, 3., 1.], NAN, 0), ([1., 1., 2., 2., NAN], 1, 1)])
def test_mode_with_nan_as_pytorch(row, value, index):
    found = torch.mode(torch.tensor(row))
    assert found.indices.item() == index
    assert found.values.item() == value or value != value and found.values.isnan()


def test_max_and_min_take_tensors_and_multinomial_gives_int64():
    for larger in (torch.max, torch.min):
        with pytest.raises(TypeError, match="must be Tensor, not int"):
            larger(2, torch.ones(3))
    with pytest.raises(RuntimeError, match="expects Long tensor out, got: Double"):
        torch.multinomial(torch.ones(2), 2, out=torch.zeros(2).double())


def test_softmax_takes_a_dtype_in_every_precision():
    x = torch.tensor([0., 1.]).half()
    assert torch.softmax(x, 0, dtype=torch.float64).dtype is torch.float64
    assert x.log_softmax(0, torch.float32).dtype is torch.float32
    assert torch.softmax(torch.tensor([0, 0]), 0, dtype=torch.float32).tolist() == [.5, .5]
    with pytest.raises(NotImplementedError):
        torch.softmax(torch.tensor([0, 0]), 0)


def test_normal_of_tensors_depends_on_them_with_gradient_zero():
    mean, std = torch.zeros(3, requires_grad=True), torch.ones(3, requires_grad=True)
    drawn = torch.normal(mean, std)
    assert drawn.requires_grad
    drawn.sum().backward()
    assert mean.grad.tolist() == std.grad.tolist() == [0, 0, 0]


def test_integer_ranges_cut_their_bounds_off_first():
    assert torch.arange(0.5, 8.1, 2.6, dtype=torch.int64).tolist() == [0, 2, 4, 6]
    with pytest.raises(ValueError, match="step must be nonzero"):
        torch.arange(0, 64, 0.5, out=torch.empty(0, dtype=torch.int64))
    assert torch.linspace(4.3, 50, 50, dtype=torch.int64)[:3].tolist() == [4, 4, 5]
    with pytest.warns(UserWarning, match="deprecated"):
        assert torch.range(0.5, 4.2, 1.3, dtype=torch.int64).tolist() == [0, 1, 2, 3, 4]
    assert torch.logspace(4.3, -3, 2, 3.0, dtype=torch.int64).tolist() == [81, 0]


def test_mvlgamma_in_place_and_for_whole_numbers():
    x = torch.tensor([3.0, 4.0], requires_grad=True)
    y = x.clone()
    y.mvlgamma_(2)
    y.sum().backward()
    expected = torch.digamma(x.detach()) + torch.digamma(x.detach() - .5)
    torch.testing.assert_close(x.grad, expected)
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type Float"):
        torch.tensor([3]).mvlgamma_(1)


def test_a_cast_with_a_memory_format_copies():
    x = torch.ones(2, 3, 2, 3)
    assert x.float() is x
    assert x.float(memory_format=torch.channels_last).is_contiguous(memory_format=torch.channels_last)


def test_resize_without_underscore_warns_and_keeps_the_elements():
    with pytest.warns(UserWarning, match="non-inplace resize is deprecated"):
        assert torch.arange(6.).resize(2, 3).tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.warns(UserWarning), pytest.raises(RuntimeError, match="requested resize to"):
        torch.arange(6.).resize(2, 2)


@pytest.mark.parametrize("op", ["div", "pow", "logaddexp", "fmod"])
def test_16_bit_gradients_broadcast_over_long_dims_are_summed_in_float32(op):
    a = torch.full((3000, 1), 1.5, dtype=torch.float16)
    b = torch.full((1, 2), 1.25, dtype=torch.float16, requires_grad=True)
    getattr(torch, op)(a, b).sum().backward()
    wide = b.detach().float().requires_grad_(True)
    getattr(torch, op)(a.float(), wide).sum().backward()
    torch.testing.assert_close(b.grad.float(), wide.grad, rtol=2e-2, atol=0)


def test_a_complex_layer_has_conjugate_gradients():
    x, w = [torch.randn(2, 4, dtype=torch.complex64, requires_grad=True) for _ in range(2)]
    g = torch.randn(2, 2, dtype=torch.complex64)
    F.linear(x, w).backward(g)
    torch.testing.assert_close(x.grad, g @ w.detach().conj())
    torch.testing.assert_close(w.grad, g.mT @ x.detach().conj())


@pytest.mark.oracle
def test_a_number_beside_16_bit_floats_in_where():
    theirs = pytest.importorskip("torch")

    def kinds(m):
        c, x = m.tensor([True, False]), m.tensor([1.5, 2.5])
        return [(str(t.dtype), t.tolist()) for kind in (m.bfloat16, m.float16) for t in (
            m.where(c, x.to(kind), 2.1), m.where(c, 3, x.to(kind)), m.where(c, 2.1, m.tensor(3.0, dtype=kind)),
            m.where(c, 2j, x.to(kind)) if kind is m.bfloat16 else x)]
    assert kinds(torch) == kinds(theirs)


def test_broadcast_tensors_gives_back_what_need_not_expand():
    a, b = torch.ones(2, 3), torch.ones(3)
    first, second = torch.broadcast_tensors(a, b)
    assert first is a and second.shape == (2, 3) and torch.broadcast_tensors(a)[0] is a


@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.uint8])
def test_bce_with_logits_refuses_targets_of_ints(kind):
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type"):
        torch.nn.functional.binary_cross_entropy_with_logits(torch.ones(2), torch.ones(2).to(kind))


def test_embedding_bag_out_of_range():
    for wrong in (5, -1):
        with pytest.raises(RuntimeError, match="idx >= 0 && idx < num_embeddings"):
            torch.nn.EmbeddingBag(3, 2)(torch.tensor([[wrong]]))
