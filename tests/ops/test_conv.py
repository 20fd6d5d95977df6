"""Convolutions: values against loops, gradients of both orders against differences, and against PyTorch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import stickonfire as sof
from stickonfire.autograd import gradcheck, gradgradcheck
from stickonfire.nn import functional as F

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}

# dims, input, weight, attributes
CASES = [
    (1, (2, 3, 7), (4, 3, 3), {}),
    (1, (2, 4, 9), (6, 2, 3), {"stride": 2, "padding": 1, "groups": 2}),
    (2, (2, 3, 5, 6), (2, 3, 2, 3), {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}),
    (2, (1, 4, 4, 4), (4, 1, 3, 3), {"padding": 1, "groups": 4}),
    (2, (2, 2, 4, 4), (3, 2, 1, 1), {}),
    (3, (1, 2, 3, 4, 3), (2, 2, 2, 2, 2), {"stride": (1, 2, 1), "padding": (0, 1, 0)}),
]


def draw(shape, seed=0, requires_grad=False):
    return sof.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=requires_grad)


def per_dim(value, dims):
    return (value,) * dims if isinstance(value, int) else value


def reference(x, w, stride=1, padding=0, dilation=1, groups=1):
    """The definition, place by place."""
    dims = x.ndim - 2
    stride, padding, dilation = (per_dim(v, dims) for v in (stride, padding, dilation))
    x = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]])
    size = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], w.shape[2:], stride, dilation)]
    out = np.zeros((x.shape[0], w.shape[0], *size))
    per_group, outputs = x.shape[1] // groups, w.shape[0] // groups
    for o in range(w.shape[0]):
        first = o // outputs * per_group
        for at in itertools.product(*[range(n) for n in size]):
            window = [slice(a * s, a * s + d * (k - 1) + 1, d)
                      for a, s, d, k in zip(at, stride, dilation, w.shape[2:])]
            part = x[(slice(None), slice(first, first + per_group), *window)]
            out[(slice(None), o, *at)] = (part * w[o]).reshape(x.shape[0], -1).sum(1)
    return out


@pytest.mark.parametrize("dims, x, w, attrs", CASES)
def test_values(dims, x, w, attrs):
    x, w, b = draw(x), draw(w, 1), draw(w[0], 2)
    expected = reference(x.numpy(), w.numpy(), **attrs) + b.numpy().reshape(-1, *[1] * dims)
    np.testing.assert_allclose(CONV[dims](x, w, b, **attrs).numpy(), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(CONV[dims](x[0], w, b, **attrs).numpy(), expected[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dims, x, w, attrs", CASES)
def test_gradients(dims, x, w, attrs):
    inputs = draw(x, 0, True), draw(w, 1, True), draw(w[0], 2, True)
    gradcheck(lambda x, w, b: CONV[dims](x, w, b, **attrs), inputs)
    gradgradcheck(lambda x, w: CONV[dims](x, w, **attrs), inputs[:2])


@pytest.mark.parametrize("dims, x, w, attrs", CASES)
def test_transposed_is_the_adjoint(dims, x, w, attrs):
    x, w = draw(x), draw(w, 1)
    y = CONV[dims](x, w, **attrs)
    g = draw(y.shape, 2)
    back = TRANSPOSED[dims](g, w, **attrs)
    shape = tuple(min(a, b) for a, b in zip(back.shape, x.shape))       # rows no window reached are missing
    inside = tuple(slice(n) for n in shape)
    x_inside = sof.zeros_like(x)
    x_inside[inside] = x[inside]
    left = (CONV[dims](x_inside, w, **attrs) * g).sum()
    assert float(left) == pytest.approx(float((x[inside] * back[inside]).sum()), rel=1e-9)


def test_transposed_gradients():
    inputs = draw((2, 4, 3, 3), 0, True), draw((4, 1, 2, 3), 1, True), draw(2, 2, True)
    attrs = {"stride": 2, "padding": 1, "output_padding": 1, "dilation": 2, "groups": 2}
    gradcheck(lambda x, w, b: F.conv_transpose2d(x, w, b, **attrs), inputs)
    gradgradcheck(lambda x, w: F.conv_transpose2d(x, w, **attrs), inputs[:2])


def test_same_and_valid():
    x, w = draw((1, 1, 5, 6)), draw((1, 1, 2, 4), 1)
    out = F.conv2d(x, w, padding="same")
    assert out.shape == x.shape
    expected = reference(np.pad(x.numpy(), [(0, 0), (0, 0), (0, 1), (1, 2)]), w.numpy())
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-10)
    assert sof.equal(F.conv2d(x, w, padding="valid"), F.conv2d(x, w))


def test_integers_and_complex():
    x, w = sof.arange(24).reshape(1, 2, 12), sof.arange(12).reshape(2, 2, 3)
    assert F.conv1d(x, w).dtype is sof.int64
    assert (F.conv1d(x, w).numpy() == reference(x.numpy(), w.numpy())).all()
    a, b, c, d = (draw(s, k) for k, s in enumerate([(1, 2, 6)] * 2 + [(3, 2, 2)] * 2))
    out = F.conv1d(sof.complex(a, b), sof.complex(c, d))
    assert sof.allclose(out.real, F.conv1d(a, c) - F.conv1d(b, d))
    assert sof.allclose(out.imag, F.conv1d(a, d) + F.conv1d(b, c))


def test_many_blocks(monkeypatch):
    from stickonfire.backends.cpu import conv
    x, w = draw((9, 2, 6, 6)), draw((3, 2, 3, 3), 1)
    whole = F.conv2d(x, w)
    monkeypatch.setattr(conv, "FEW", 0)
    assert sof.allclose(F.conv2d(x, w), whole)


def test_fold_undoes_unfold():
    x = draw((2, 3, 6, 6))
    columns = F.unfold(x, 2, stride=2)
    assert columns.shape == (2, 12, 9)
    assert sof.equal(F.fold(columns, 6, 2, stride=2), x)
    assert sof.allclose(F.conv2d(x, draw((4, 3, 2, 2), 1)),
                        (draw((4, 3, 2, 2), 1).reshape(4, 12) @ F.unfold(x, 2)).reshape(2, 4, 5, 5))
    gradcheck(lambda x: F.unfold(x, (2, 3), padding=1, dilation=2), draw((1, 2, 5, 5), 0, True))
    gradcheck(lambda x: F.fold(x, (4, 5), 2, padding=1), draw((1, 8, 30), 0, True))


@pytest.mark.parametrize("call, text", [
    (lambda: F.conv2d(draw((3,)), draw((1, 3, 2, 2))), "unbatched"),
    (lambda: F.conv1d(draw((1, 2, 5)), draw((1, 3, 2))), "to have 3 channels"),
    (lambda: F.conv1d(draw((1, 2, 2)), draw((1, 2, 5))), "can't be greater"),
    (lambda: F.conv1d(draw((1, 2, 5)), draw((1, 2, 2)), stride=0), "non-positive stride"),
    (lambda: F.conv1d(draw((1, 2, 5)), draw((1, 2, 2)), padding=-1), "negative padding"),
    (lambda: F.conv1d(draw((1, 2, 5)), draw((1, 2, 2)), padding="same", stride=2), "strided"),
    (lambda: F.conv1d(draw((1, 2, 5)), draw((1, 2, 2)), draw(3)), "bias"),
    (lambda: F.conv_transpose1d(draw((1, 2, 5)), draw((2, 1, 2)), output_padding=1), "output padding must be smaller"),
    (lambda: F.fold(draw((1, 8, 5)), 4, 2), "number of sliding"),
])
def test_errors(call, text):
    with pytest.raises(RuntimeError, match=text):
        call()


@pytest.mark.oracle
@pytest.mark.parametrize("dims, x, w, attrs", CASES)
def test_as_pytorch(dims, x, w, attrs):
    torch = pytest.importorskip("torch")
    x, w, b = draw(x).float(), draw(w, 1).float(), draw(w[0], 2).float()
    results = []
    for lib, f in ((torch, getattr(torch.nn.functional, f"conv{dims}d")), (sof, CONV[dims])):
        leaves = [lib.tensor(t.numpy(), requires_grad=True) for t in (x, w, b)]
        out = f(*leaves, **attrs)
        (out * out).sum().backward()
        results.append([out.detach().numpy(), *[t.grad.numpy() for t in leaves]])
    for theirs, ours in zip(*results):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-5)
