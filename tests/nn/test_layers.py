"""Layers: their own behaviour, and every one of them against PyTorch."""

import copy

import pytest

import stickonfire as sf
from stickonfire import nn


def test_linear_and_lazy_linear_are_the_same():
    sf.manual_seed(0)
    plain = nn.Linear(3, 2)
    sf.manual_seed(0)
    lazy = nn.LazyLinear(2)
    assert repr(lazy) == "LazyLinear(in_features=0, out_features=2, bias=True)"
    twin = copy.deepcopy(lazy)
    x = sf.ones(1, 3)
    assert lazy(x).tolist() == plain(x).tolist() and repr(lazy) == repr(plain) and not lazy._forward_pre_hooks
    assert type(twin) is nn.LazyLinear and twin.has_uninitialized_params()
    assert twin(x).shape == (1, 2)


def test_lazy_layers_convert_before_they_are_initialised():
    assert nn.LazyLinear(2).double()(sf.ones(1, 3).double()).dtype is sf.float64


def test_linear_without_bias():
    layer = nn.Linear(3, 2, bias=False)
    assert layer.bias is None and list(layer.state_dict()) == ["weight"]
    assert repr(layer) == "Linear(in_features=3, out_features=2, bias=False)"


def test_embedding_padding_gets_no_gradient():
    layer = nn.Embedding(4, 2, padding_idx=-1)
    assert layer.padding_idx == 3 and layer.weight[3].tolist() == [0.0, 0.0]
    layer(sf.tensor([3, 1, 1])).sum().backward()
    assert layer.weight.grad.tolist() == [[0, 0], [2, 2], [0, 0], [0, 0]]


def test_embedding_by_frequency_and_maximal_norm():
    layer = nn.Embedding.from_pretrained(
        sf.tensor([[3.0, 4.0], [0.3, 0.4]]), freeze=False, max_norm=1.0, scale_grad_by_freq=True
    )
    out = layer(sf.tensor([0, 0, 1]))
    assert out[0].tolist() == pytest.approx([0.6, 0.8]) and layer.weight[1].tolist() == pytest.approx(
        [0.3, 0.4]
    )
    out.sum().backward()
    assert layer.weight.grad.tolist() == [[1, 1], [1, 1]]
    assert not nn.Embedding.from_pretrained(sf.ones(2, 2)).weight.requires_grad


@pytest.mark.parametrize(
    ("build", "kind", "message"),
    [
        (lambda: nn.Dropout(1.5), ValueError, "dropout probability has to be between 0 and 1, but got 1.5"),
        (
            lambda: nn.Embedding(3, 2, padding_idx=3),
            AssertionError,
            "Padding_idx must be within num_embeddings",
        ),
        (lambda: nn.Embedding.from_pretrained(sf.ones(3)), AssertionError, "expected to be 2-dimensional"),
        (lambda: nn.GroupNorm(4, 6), ValueError, r"num_channels \(6\) must be divisible by num_groups \(4\)"),
        (lambda: nn.Hardtanh(1, 1), ValueError, "max_val must be larger than min_val"),
        (lambda: nn.Bilinear(0, 2, 1), ValueError, "in1_features must be > 0"),
        (
            lambda: nn.Unflatten(1, 3),
            TypeError,
            "unflattened_size must be a tuple of ints, but found type int",
        ),
        (lambda: nn.BatchNorm1d(3)(sf.ones(3)), ValueError, r"expected 2D or 3D input \(got 1D input\)"),
        (lambda: nn.BatchNorm2d(3)(sf.ones(3, 3)), ValueError, r"expected 4D input \(got 2D input\)"),
        (
            lambda: nn.BatchNorm1d(3)(sf.ones(1, 3)),
            ValueError,
            "Expected more than 1 value per channel when training",
        ),
        (lambda: nn.HuberLoss(delta="1"), TypeError, "delta must be a float or int"),
        (lambda: nn.MultiMarginLoss(p=3), ValueError, "only p == 1 and p == 2 supported"),
        (
            lambda: nn.TripletMarginLoss(margin=0),
            ValueError,
            "expected margin to be greater than 0, got 0 instead",
        ),
        (lambda: nn.Softmax2d()(sf.ones(3)), ValueError, "expected input to be 3D or 4D, got 1D instead"),
    ],
)
def test_errors(build, kind, message):
    with pytest.raises(kind, match=message):
        build()


def test_batch_norm_tracks_or_averages():
    norm = nn.BatchNorm1d(1)
    norm(sf.tensor([[1.0], [3.0]]))
    assert norm.running_mean.item() == pytest.approx(0.2) and norm.running_var.item() == pytest.approx(1.1)
    assert norm.num_batches_tracked.item() == 1
    average = nn.BatchNorm1d(1, momentum=None)
    for value in (1.0, 4.0):
        average(sf.tensor([[value], [value + 2]]))
    assert average.running_mean.item() == pytest.approx(3.5)
    average.reset_running_stats()
    assert average.running_mean.item() == 0.0 and average.running_var.item() == 1.0
    bare = nn.BatchNorm1d(1, affine=False, track_running_stats=False)
    assert list(bare.state_dict()) == [] and bare.eval()(sf.tensor([[1.0], [3.0]])).tolist()[0][0] < 0


def test_lazy_batch_norm():
    norm = nn.LazyBatchNorm2d()
    norm(sf.ones(2, 3, 2, 2))
    assert type(norm) is nn.BatchNorm2d and norm.num_features == 3 and norm.running_mean.shape == (3,)


def test_legacy_reduction_arguments():
    with pytest.warns(UserWarning, match="please use reduction='sum' instead"):
        assert nn.MSELoss(size_average=False).reduction == "sum"
    with pytest.warns(UserWarning, match="please use reduction='none' instead"):
        assert nn.L1Loss(reduce=False).reduction == "none"


def test_flatten_and_unflatten():
    x = sf.zeros(2, 3, 4)
    assert nn.Flatten(0, 1)(x).shape == (6, 4) and nn.Unflatten(1, (3, 1))(x).shape == (2, 3, 1, 4)
    assert repr(nn.Flatten()) == "Flatten(start_dim=1, end_dim=-1)"
    assert repr(nn.Unflatten(1, (3, 4))) == "Unflatten(dim=1, unflattened_size=(3, 4))"


# Random layers for the seed: recorded from PyTorch 2.13 with manual_seed(0), one after the other.
def test_random_layers_draw_pytorchs_numbers():
    sf.manual_seed(0)
    assert nn.Dropout2d(0.5)(sf.ones(1, 6, 1, 1)).flatten().tolist() == [0, 0, 2, 0, 0, 0]
    alpha = nn.AlphaDropout(0.5)(sf.ones(4)).tolist()
    assert alpha == pytest.approx([1.6655989, 1.6655989, -0.7791939, 1.6655989])
    slopes = nn.functional.rrelu(-sf.ones(3), training=True).tolist()
    assert slopes == pytest.approx([-0.2193477, -0.1618332, -0.1990139])
    assert nn.functional.gumbel_softmax(sf.zeros(3)).tolist() == pytest.approx(
        [0.2408133, 0.3562312, 0.4029556]
    )


ARGUMENTS = {
    "Identity": (),
    "Linear": (4, 3),
    "Bilinear": (4, 4, 3),
    "Embedding": (5, 3),
    "LayerNorm": (4,),
    "RMSNorm": (4,),
    "GroupNorm": (2, 4),
    "LocalResponseNorm": (2,),
    "BatchNorm1d": (4,),
    "BatchNorm2d": (4,),
    "BatchNorm3d": (4,),
    "InstanceNorm1d": (4,),
    "InstanceNorm2d": (4,),
    "InstanceNorm3d": (4,),
    "Dropout": (0.3,),
    "Dropout1d": (),
    "Dropout2d": (),
    "Dropout3d": (),
    "AlphaDropout": (),
    "FeatureAlphaDropout": (),
    "Flatten": (),
    "Unflatten": (1, (2, 2)),
    "PixelShuffle": (2,),
    "PixelUnshuffle": (2,),
    "ChannelShuffle": (2,),
    "CosineSimilarity": (),
    "PairwiseDistance": (),
    "Threshold": (0.1, 20),
    "Hardtanh": (-2, 2),
    "Softmax": (1,),
    "LogSoftmax": (1,),
    "Softmin": (1,),
    "GELU": ("tanh",),
    "LazyLinear": (3,),
    "PReLU": (4,),
}
PLAIN = (
    "ReLU ReLU6 LeakyReLU RReLU ELU CELU SELU SiLU Mish Hardswish Hardsigmoid Sigmoid Tanh LogSigmoid "
    "Softplus "
    "Softshrink Hardshrink Softsign Tanhshrink GLU Softmax2d L1Loss MSELoss SmoothL1Loss HuberLoss NLLLoss "
    "CrossEntropyLoss BCELoss BCEWithLogitsLoss KLDivLoss PoissonNLLLoss GaussianNLLLoss HingeEmbeddingLoss "
    "SoftMarginLoss MarginRankingLoss CosineEmbeddingLoss TripletMarginLoss TripletMarginWithDistanceLoss "
    "MultiMarginLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss LazyBatchNorm1d LazyInstanceNorm2d"
).split()


@pytest.mark.oracle
@pytest.mark.parametrize("name", [*ARGUMENTS, *PLAIN])
def test_repr_state_and_first_values_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    modules = []
    for lib in (sf, torch):
        lib.manual_seed(3)
        modules.append(getattr(lib.nn, name)(*ARGUMENTS.get(name, ())))
    ours, theirs = modules
    assert repr(ours) == repr(theirs)
    mine, yours = ours.state_dict(), theirs.state_dict()
    assert list(mine) == list(yours) and dict(mine._metadata) == dict(yours._metadata)
    if "Lazy" not in name:
        for key in mine:
            assert mine[key].flatten().tolist() == pytest.approx(
                yours[key].flatten().tolist(), rel=1e-6, abs=1e-7
            )
