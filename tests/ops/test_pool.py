"""Pooling, interpolation and sampling: values worked out by hand, gradients against differences, and against
PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import stickonfire as sof
from stickonfire.autograd import gradcheck, gradgradcheck
from stickonfire.nn import functional as F


def draw(shape, seed=0, requires_grad=False):
    return sof.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=requires_grad)


def test_max_pool_values_and_places():
    x = sof.tensor([[[1.0, 5.0, 2.0, 3.0], [4.0, 0.0, 9.0, 9.0], [7.0, 7.0, 1.0, 2.0]]])
    values, places = F.max_pool2d(x, 2, return_indices=True)
    assert values.tolist() == [[[5.0, 9.0]]] and places.tolist() == [[[1, 6]]]
    values, places = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
    assert values.tolist() == [[[5.0, 9.0], [7.0, 2.0]]] and places.tolist() == [[[1, 6], [8, 11]]]
    assert F.max_pool1d(sof.tensor([[1, 5, 2]]), 2, 1, padding=1).tolist() == [[1, 5, 5, 2]]


def test_max_pool_prefers_nan_and_keeps_minus_infinity():
    nan, inf = float("nan"), float("inf")
    values, places = F.max_pool1d(sof.tensor([[nan, 5.0, -inf, -inf]]), 2, return_indices=True)
    assert values[0, 0].isnan() and values[0, 1] == -inf and places.tolist() == [[0, 2]]


def test_max_unpool_puts_back():
    x = draw((2, 3, 4, 6))
    values, places = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(values, places, 2)
    assert back.shape == x.shape and sof.equal(F.max_pool2d(back.abs(), 2), values.abs())
    assert int((back != 0).sum()) == values.numel()


def test_avg_pool_values():
    x = sof.tensor([[1.0, 5.0, 2.0, 4.0]])
    assert F.avg_pool1d(x, 2).tolist() == [[3.0, 3.0]]
    assert F.avg_pool1d(x, 2, padding=1).tolist() == [[0.5, 3.5, 2.0]]
    assert F.avg_pool1d(x, 2, padding=1, count_include_pad=False).tolist() == [[1.0, 3.5, 4.0]]
    assert F.avg_pool2d(sof.ones(1, 2, 2), 2, divisor_override=2).tolist() == [[[2.0]]]
    assert F.avg_pool2d(sof.tensor([[[-3, 0], [0, 0]]]), 2).tolist() == [[[0]]]


def test_adaptive_windows():
    x = sof.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]])
    assert F.adaptive_avg_pool1d(x, 2).tolist() == [[2.0, 4.0]]
    assert F.adaptive_max_pool1d(x, 3, return_indices=True)[1].tolist() == [[1, 3, 4]]
    assert F.adaptive_avg_pool2d(sof.ones(1, 3, 4), (None, 1)).shape == (1, 3, 1)


def test_lp_pool():
    assert F.lp_pool1d(sof.tensor([[3.0, 4.0]]), 2, 2).tolist() == [[pytest.approx(5.0)]]


def test_interpolate_values():
    x = sof.tensor([[[0.0, 2.0]]])
    assert F.interpolate(x, 4).tolist() == [[[0, 0, 2, 2]]]
    assert F.interpolate(x, 4, mode="linear").tolist() == [[[0, 0.5, 1.5, 2]]]
    assert F.interpolate(x, 3, mode="linear", align_corners=True).tolist() == [[[0, 1, 2]]]
    assert F.interpolate(x, scale_factor=0.5, mode="area").tolist() == [[[1]]]
    line = sof.arange(8.0).reshape(1, 1, 1, 8)
    assert sof.allclose(F.interpolate(line, (1, 15), mode="bicubic", align_corners=True)[..., 4:11],
                        sof.arange(2.0, 5.5, 0.5))


LINEAR = {
    "avg_pool1d": (lambda x: F.avg_pool1d(x, 3, 2, 1, True, False), (2, 2, 8)),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, (2, 3), 1, 1), (1, 2, 4, 5)),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (3, 4)), (1, 2, 5, 3)),
    "nearest": (lambda x: F.interpolate(x, scale_factor=1.7), (1, 2, 5)),
    "bilinear": (lambda x: F.interpolate(x, (3, 7), mode="bilinear"), (1, 1, 4, 4)),
    "bicubic": (lambda x: F.interpolate(x, (3, 7), mode="bicubic"), (1, 1, 4, 4)),
    "antialias": (lambda x: F.interpolate(x, (3, 4), mode="bilinear", antialias=True), (1, 1, 7, 9)),
    "trilinear": (lambda x: F.interpolate(x, (3, 2, 3), mode="trilinear", align_corners=True), (1, 1, 2, 3, 2)),
}
OTHER = {
    "max_pool1d": (lambda x: F.max_pool1d(x, 3, 1, 1, 2), (2, 2, 8)),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), (1, 2, 4, 5)),
    "max_pool3d": (lambda x: F.max_pool3d(x, 2, 1), (1, 1, 3, 3, 3)),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, (3, 2)), (1, 1, 5, 3)),
    "lp_pool2d": (lambda x: F.lp_pool2d(x, 2, 2), (1, 1, 4, 4)),
}


@pytest.mark.parametrize("name", [*LINEAR, *OTHER])
def test_gradients(name):
    call, shape = (LINEAR | OTHER)[name]
    x = draw(shape, 3, True)
    gradcheck(call, x)
    if name in OTHER:
        gradgradcheck(call, x)


def test_grid_sample():
    x = draw((1, 2, 3, 4))
    same = F.affine_grid(sof.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]], dtype=sof.float64), x.shape,
                         align_corners=False)
    assert sof.allclose(F.grid_sample(x, same, align_corners=False), x)
    grid = (draw((1, 3, 2, 2), 1) * 0.7).requires_grad_()
    image = draw((1, 2, 3, 4), 2, True)
    gradcheck(lambda x, g: F.grid_sample(x, g, "bilinear", "zeros", False), (image, grid))
    gradcheck(lambda x, g: F.grid_sample(x, g, "bicubic", "border", False), (image, grid))
    gradcheck(lambda x, g: F.grid_sample(x, g, "bilinear", "reflection", False), (image, grid))


def test_embedding_bag():
    table = sof.tensor([[1.0, 2.0], [3.0, 0.0], [5.0, 1.0]], requires_grad=True)
    picks, starts = sof.tensor([0, 1, 2, 2]), sof.tensor([0, 2, 2])
    assert F.embedding_bag(picks, table, starts, mode="sum").tolist() == [[4, 2], [0, 0], [10, 2]]
    assert F.embedding_bag(picks, table, starts).tolist() == [[2, 1], [0, 0], [5, 1]]
    assert F.embedding_bag(picks, table, starts, mode="max").tolist() == [[3, 2], [0, 0], [5, 1]]
    assert F.embedding_bag(picks.reshape(2, 2), table, padding_idx=2).tolist() == [[2, 1], [0, 0]]
    F.embedding_bag(picks, table, starts, mode="max").sum().backward()
    assert table.grad.tolist() == [[0, 1], [1, 0], [1, 1]]
    with pytest.raises(ValueError, match="mode has to be one of"):
        F.embedding_bag(picks, table, starts, mode="min")


def test_fractional_windows_are_drawn_for_each_plane():
    x = sof.arange(100.0).reshape(1, 1, 10, 10)
    out, places = F.fractional_max_pool2d(x, 2, output_size=4, return_indices=True)
    assert out.shape == (1, 1, 4, 4) and out[0, 0, 3, 3] == 99
    assert sof.equal(x.flatten()[places.flatten()], out.flatten())


@pytest.mark.parametrize("call, kind, text", [
    (lambda x: F.max_pool2d(x, 2, padding=2), RuntimeError, "at most half"),
    (lambda x: F.max_pool2d(x, 9), RuntimeError, "Output size is too small"),
    (lambda x: F.avg_pool2d(x, 2, stride=0), RuntimeError, "stride should be greater"),
    (lambda x: F.avg_pool2d(x, 2, divisor_override=0), RuntimeError, "divisor must be not zero"),
    (lambda x: F.max_pool3d(x[0, 0], 2), RuntimeError, "4D or 5D"),
    (lambda x: F.interpolate(x), ValueError, "either size or scale_factor"),
    (lambda x: F.interpolate(x, 4, mode="nearest", align_corners=True), ValueError, "align_corners"),
    (lambda x: F.interpolate(x, 4, mode="linear"), NotImplementedError, "linear"),
    (lambda x: F.grid_sample(x, x, "cubic"), ValueError, "expected mode"),
])
def test_errors(call, kind, text):
    with pytest.raises(kind, match=text):
        call(draw((1, 2, 4, 4)))


@pytest.mark.oracle
@pytest.mark.parametrize("name, args, kwargs", [
    ("max_pool2d", (3, 2, 1), {"ceil_mode": True}), ("avg_pool2d", (3, 2, 1), {"ceil_mode": True}),
    ("adaptive_avg_pool2d", ((3, 5),), {}), ("adaptive_max_pool2d", ((3, 5),), {}), ("lp_pool2d", (3.0, 2), {}),
    *[("interpolate", ((5, 11),), {"mode": mode}) for mode in ("nearest", "nearest-exact", "bilinear", "bicubic",
                                                               "area")],
    *[("interpolate", ((3, 4),), {"mode": mode, "antialias": True}) for mode in ("bilinear", "bicubic")],
    ("interpolate", (), {"mode": "bicubic", "scale_factor": 1.3}),
])
def test_as_pytorch(name, args, kwargs):
    torch = pytest.importorskip("torch")
    data = np.abs(np.random.default_rng(0).normal(size=(2, 3, 7, 8))).astype(np.float32)
    results = []
    for lib, f in ((torch, getattr(torch.nn.functional, name)), (sof, getattr(F, name))):
        x = lib.tensor(data, requires_grad=True)
        out = f(x, *args, **kwargs)
        (out * out).sum().backward()
        results.append([out.detach().numpy(), x.grad.numpy()])
    for theirs, ours in zip(*results):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-5)
