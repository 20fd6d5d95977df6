"""Layers of convolutions, pooling, padding and upsampling: shapes, repr, state, first draws."""

from __future__ import annotations

import copy

import pytest

import stickonfire as sof
from stickonfire import nn

# layer, input, output
SHAPES = [
    (lambda: nn.Conv1d(2, 4, 3, padding=1, padding_mode="circular"), (3, 2, 7), (3, 4, 7)),
    (lambda: nn.Conv2d(2, 4, (3, 2), stride=2, groups=2, bias=False), (3, 2, 7, 8), (3, 4, 3, 4)),
    (lambda: nn.Conv2d(2, 4, 4, padding="same", padding_mode="reflect"), (2, 7, 8), (4, 7, 8)),
    (lambda: nn.Conv3d(2, 1, 2, dilation=2), (1, 2, 4, 4, 4), (1, 1, 2, 2, 2)),
    (lambda: nn.ConvTranspose1d(2, 4, 3, stride=2, output_padding=1), (3, 2, 5), (3, 4, 12)),
    (lambda: nn.ConvTranspose2d(2, 4, 3, padding=1), (3, 2, 5, 5), (3, 4, 5, 5)),
    (lambda: nn.MaxPool2d(2, ceil_mode=True), (1, 2, 5, 5), (1, 2, 3, 3)),
    (lambda: nn.AvgPool3d(2), (2, 4, 4, 4), (2, 2, 2, 2)),
    (lambda: nn.AdaptiveAvgPool2d((None, 2)), (1, 2, 5, 5), (1, 2, 5, 2)),
    (lambda: nn.AdaptiveMaxPool1d(2), (2, 5), (2, 2)),
    (lambda: nn.LPPool2d(2, 2), (1, 2, 4, 4), (1, 2, 2, 2)),
    (lambda: nn.FractionalMaxPool2d(2, output_ratio=0.5), (1, 2, 8, 8), (1, 2, 4, 4)),
    (lambda: nn.ReplicationPad2d((1, 2, 0, 1)), (1, 2, 4, 4), (1, 2, 5, 7)),
    (lambda: nn.Upsample(scale_factor=1.5, mode="bilinear"), (1, 2, 4, 4), (1, 2, 6, 6)),
    (lambda: nn.UpsamplingNearest2d(5), (1, 2, 4, 4), (1, 2, 5, 5)),
    (lambda: nn.Unfold(2), (1, 2, 4, 4), (1, 8, 9)),
    (lambda: nn.Fold(4, 2), (1, 8, 9), (1, 2, 4, 4)),
]


@pytest.mark.parametrize("make, given, expected", SHAPES)
def test_shapes(make, given, expected):
    layer = make()
    x = sof.randn(*given, requires_grad=True)
    out = layer(x)
    assert tuple(out.shape) == expected
    out.sum().backward()
    assert x.grad.shape == x.shape and all(p.grad is not None for p in layer.parameters())


@pytest.mark.parametrize("layer, text", [
    (nn.Conv2d(1, 6, 5), "Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))"),
    (nn.Conv1d(2, 4, 3, padding="same", groups=2, bias=False),
     "Conv1d(2, 4, kernel_size=(3,), stride=(1,), padding=same, groups=2, bias=False)"),
    (nn.MaxPool2d(2), "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"),
    (nn.Upsample(scale_factor=2), "Upsample(scale_factor=2.0, mode='nearest')"),
    (nn.EmbeddingBag(3, 2), "EmbeddingBag(3, 2, mode='mean')"),
])
def test_repr(layer, text):
    assert repr(layer) == text


def test_max_unpool_finds_the_size():
    pool, back = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
    x = sof.randn(1, 1, 5, 5)
    assert back(*pool(x), output_size=x.shape).shape == x.shape
    with pytest.raises(ValueError, match="invalid output_size"):
        back(*pool(x), output_size=(9, 9))


def test_transposed_output_size():
    layer = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1)
    assert layer(sof.randn(1, 1, 4, 4), output_size=(8, 7)).shape == (1, 1, 8, 7)
    with pytest.raises(ValueError, match="valid sizes range"):
        layer(sof.randn(1, 1, 4, 4), output_size=(9, 9))


@pytest.mark.parametrize("kind, given, name", [
    (nn.LazyConv1d, (2, 3, 6), "Conv1d"), (nn.LazyConv2d, (2, 3, 6, 6), "Conv2d"),
    (nn.LazyConvTranspose2d, (2, 3, 6, 6), "ConvTranspose2d")])
def test_lazy(kind, given, name):
    layer = kind(4, 3)
    other = copy.deepcopy(layer)
    layer(sof.randn(*given))
    assert type(layer).__name__ == name and layer.in_channels == 3
    other.load_state_dict(layer.state_dict())
    assert sof.equal(other.weight, layer.weight)


@pytest.mark.parametrize("make, text", [
    (lambda: nn.Conv2d(3, 4, 1, groups=2), "in_channels must be divisible"),
    (lambda: nn.Conv2d(4, 3, 1, groups=2), "out_channels must be divisible"),
    (lambda: nn.Conv2d(1, 1, 1, padding="full"), "Invalid padding string"),
    (lambda: nn.Conv2d(1, 1, 1, padding="same", stride=2), "strided"),
    (lambda: nn.Conv2d(1, 1, 1, padding_mode="mirror"), "padding_mode must be"),
    (lambda: nn.ConvTranspose2d(1, 1, 1, padding_mode="reflect"), "Only \"zeros\""),
    (lambda: nn.FractionalMaxPool2d(2), "requires specifying"),
])
def test_errors(make, text):
    with pytest.raises(ValueError, match=text):
        make()


@pytest.mark.oracle
@pytest.mark.parametrize("name, args", [("Conv2d", (3, 8, 5)), ("ConvTranspose1d", (4, 2, 3)), ("EmbeddingBag", (5,
                                                                                                                 3))])
def test_first_draws_are_pytorchs(name, args):
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    theirs = getattr(torch.nn, name)(*args).state_dict()
    sof.manual_seed(3)
    ours = getattr(nn, name)(*args).state_dict()
    assert list(ours) == list(theirs)
    for key, value in ours.items():
        assert abs(value.numpy() - theirs[key].numpy()).max() < 1e-6
