"""nn.functional: the compositions against PyTorch, values and gradients, and what they refuse."""

import pytest

import stickonfire as sf
from stickonfire import nn
from stickonfire.nn import functional as F


def test_the_list_is_complete_and_public():
    assert sorted(F.__all__) == F.__all__ and all(callable(getattr(F, name)) for name in F.__all__)
    assert nn.functional is F


X = [[0.5, -1.2, 2.0, -0.1], [1.5, 0.3, -0.7, -2.2]]
Y = [[1.0, 0.2, -0.4, 0.9], [-0.6, 1.1, 0.8, -1.3]]
SIGNS = [[1.0, -1.0, 1.0, -1.0], [-1.0, 1.0, -1.0, 1.0]]


def tensors(lib, *values):
    return [lib.tensor(v, requires_grad=isinstance(v[0], list)) for v in values]


CASES = {
    "l1_loss": (lambda F, x, y: F.l1_loss(x, y), X, Y),
    "l1_loss weighted": (lambda F, x, y: F.l1_loss(x, y, weight=(y * y).detach()), X, Y),
    "smooth_l1_loss": (lambda F, x, y: F.smooth_l1_loss(x, y, beta=0.7), X, Y),
    "mse_loss weighted": (lambda F, x, y: F.mse_loss(x, y, weight=(y * y).detach()), X, Y),
    "huber_loss weighted": (lambda F, x, y: F.huber_loss(x, y, weight=(y * y).detach()), X, Y),
    "poisson_nll_loss": (
        lambda F, x, y: F.poisson_nll_loss(x, y.abs() * 3, full=True, reduction="sum"),
        X,
        Y,
    ),
    "gaussian_nll_loss": (lambda F, x, y: F.gaussian_nll_loss(x, y, y.abs(), full=True), X, Y),
    "hinge_embedding_loss": (lambda F, x, y: F.hinge_embedding_loss(x, y, reduction="none"), X, SIGNS),
    "soft_margin_loss": (lambda F, x, y: F.soft_margin_loss(x, y.detach()), X, SIGNS),
    "margin_ranking_loss": (
        lambda F, x, y, s: F.margin_ranking_loss(x, y, s.detach(), margin=0.3),
        X,
        Y,
        SIGNS,
    ),
    "cosine_embedding_loss": (
        lambda F, x, y, s: F.cosine_embedding_loss(x, y, s, margin=-0.5),
        X,
        Y,
        [1.0, -1.0],
    ),
    "triplet_margin_loss": (lambda F, x, y, z: F.triplet_margin_loss(x, y, z, swap=True), X, Y, SIGNS),
    "multi_margin_loss": (
        lambda F, x, t, w: F.multi_margin_loss(x, t, p=2, weight=w),
        X,
        [2, 0],
        [0.5, 1.0, 2.0, 0.1],
    ),
    "multilabel_margin_loss": (
        lambda F, x, t: F.multilabel_margin_loss(x, t.reshape(2, 4), reduction="none"),
        X,
        [0, 3, -1, 1, 1, -1, 0, 2],
    ),
    "multilabel_soft_margin_loss": (lambda F, x, y: F.multilabel_soft_margin_loss(x, (y > 0).float()), X, Y),
    "cosine_similarity": (lambda F, x, y: F.cosine_similarity(x, y), X, Y),
    "pairwise_distance": (lambda F, x, y: F.pairwise_distance(x, y, p=3.0, keepdim=True), X, Y),
    "pdist": (lambda F, x: F.pdist(x.reshape(4, 2)), X),
    "normalize": (lambda F, x: F.normalize(x), X),
    "bilinear": (lambda F, x, y: F.bilinear(x, y, (x.T @ y).reshape(1, 4, 4).expand(3, 4, 4)), X, Y),
    "softsign": (lambda F, x: F.softsign(x), X),
    "tanhshrink": (lambda F, x: F.tanhshrink(x), X),
    "glu": (lambda F, x: F.glu(x), X),
    "hardshrink": (lambda F, x: F.hardshrink(x), X),
    "softshrink": (lambda F, x: F.softshrink(x, 0.3), X),
    "threshold": (lambda F, x: F.threshold(x, 0.4, -7.0), X),
    "prelu": (lambda F, x, w: F.prelu(x, w), X, [0.1, 0.2, 0.3, 0.4]),
    "rrelu": (lambda F, x: F.rrelu(x), X),
    "softmin": (lambda F, x: F.softmin(x, dim=1), X),
    "local_response_norm": (lambda F, x: F.local_response_norm(x.reshape(1, 4, 2), 3, alpha=0.5), X),
    "pixel_shuffle": (lambda F, x: F.pixel_shuffle(x.reshape(1, 4, 1, 2), 2), X),
    "pixel_unshuffle": (lambda F, x: F.pixel_unshuffle(x.reshape(1, 1, 2, 4), 2), X),
    "channel_shuffle": (lambda F, x: F.channel_shuffle(x.reshape(1, 4, 2), 2), X),
    "pad": (lambda F, x: F.pad(x, (1, -1, 0, 2), value=3.0), X),
    "pad reflect": (lambda F, x: F.pad(x, (3, 2), mode="reflect"), X),
    "pad replicate": (lambda F, x: F.pad(x.reshape(1, 2, 4), (2, 1), mode="replicate"), X),
    "pad circular": (lambda F, x: F.pad(x.reshape(1, 1, 2, 4), (4, 1, 1, 0), mode="circular"), X),
    "attention": (lambda F, x, y, z: F.scaled_dot_product_attention(x, y, z), X, Y, SIGNS),
    "attention, causal": (lambda F, x, y: F.scaled_dot_product_attention(x, y, y, is_causal=True), X, Y),
    "attention, masked": (
        lambda F, x, y: F.scaled_dot_product_attention(x, y, x, attn_mask=(y > 0).detach()[:, :2]),
        X,
        Y,
    ),
    "attention, grouped": (
        lambda F, x, y: F.scaled_dot_product_attention(
            x.reshape(2, 1, 4), y.reshape(1, 2, 4), y.reshape(1, 2, 4), scale=0.3, enable_gqa=True
        ),
        X,
        Y,
    ),
    "cross_entropy, smoothed": (
        lambda F, x, t, w: F.cross_entropy(x, t, weight=w, label_smoothing=0.2, ignore_index=0),
        X,
        [3, 0],
        [0.5, 1.0, 2.0, 0.1],
    ),
    "cross_entropy, soft": (lambda F, x, y: F.cross_entropy(x, y.softmax(1), label_smoothing=0.1), X, Y),
    "batch_norm": (lambda F, x, y: F.batch_norm(x, y[0].detach(), y[1].detach() ** 2), X, Y),
    "group_norm": (lambda F, x, y: F.group_norm(x, 2, y[0], y[1]), X, Y),
    "instance_norm": (lambda F, x: F.instance_norm(x.reshape(1, 2, 4)), X),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name):
    torch = pytest.importorskip("torch")
    function, *values = CASES[name]
    results = []
    for lib in (torch, sf):
        inputs = tensors(lib, *values)
        out = function(lib.nn.functional, *inputs)
        (out * out).sum().backward()
        grads = [t.grad for t in inputs]
        results.append(
            [out.detach().flatten().tolist(), list(out.shape)]
            + [None if g is None else g.flatten().tolist() for g in grads]
        )
    theirs, ours = results
    assert ours[1] == theirs[1]
    for mine, yours in zip([ours[0], *ours[2:]], [theirs[0], *theirs[2:]]):
        assert mine == (yours if yours is None else pytest.approx(yours, rel=1e-5, abs=1e-6))


def test_in_place_forms():
    x = sf.tensor([-1.0, 2.0])
    assert F.relu(x, inplace=True) is x and x.tolist() == [0.0, 2.0]
    assert F.threshold_(x, 1.0, -3.0) is x and x.tolist() == [-3.0, 2.0]
    assert F.leaky_relu(x, 0.5, True) is x and x.tolist() == [-1.5, 2.0]
    y = sf.tensor([-1.0, 2.0], requires_grad=True)
    F.elu(y * 1, inplace=True).sum().backward()
    assert y.grad.tolist() == pytest.approx([0.36787945, 1.0])


def test_one_hot():
    assert F.one_hot(sf.tensor([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert F.one_hot(sf.tensor([[1]]), 2).tolist() == [[[0, 1]]]


def test_sizes_that_differ_are_warned_about():
    with pytest.warns(UserWarning, match=r"Using a target size \(torch.Size\(\[2\]\)\) that is different"):
        F.mse_loss(sf.ones(2, 2), sf.ones(2))
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax"):
        F.softmax(sf.ones(2))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: F.mse_loss(sf.ones(1), sf.ones(1), reduction="no"),
            ValueError,
            "no is not a valid value for reduction",
        ),
        (lambda: F.binary_cross_entropy(sf.ones(2), sf.ones(3)), ValueError, "Using a target size"),
        (
            lambda: F.binary_cross_entropy_with_logits(sf.ones(2), sf.ones(3)),
            ValueError,
            "must be the same as input size",
        ),
        (
            lambda: F.gaussian_nll_loss(sf.ones(2), sf.ones(2), -sf.ones(2)),
            ValueError,
            "var has negative entry/entries",
        ),
        (
            lambda: F.gaussian_nll_loss(sf.ones(2), sf.ones(2), sf.ones(3)),
            ValueError,
            "var is of incorrect size",
        ),
        (lambda: F.one_hot(sf.ones(2)), RuntimeError, "only applicable to index tensor"),
        (lambda: F.one_hot(sf.tensor([5]), 3), RuntimeError, "must be smaller than num_classes"),
        (lambda: F.pixel_shuffle(sf.ones(1, 3, 1, 1), 2), RuntimeError, "is not divisible by 4"),
        (lambda: F.glu(sf.ones(3)), RuntimeError, "Halving dimension must be even"),
        (lambda: F.prelu(sf.ones(2, 3), sf.ones(2)), RuntimeError, "Mismatch of parameter numbers"),
        (lambda: F.hardtanh(sf.ones(1), 2, 1), ValueError, "min_val cannot be greater than max_val"),
        (lambda: F.dropout(sf.ones(1), 2.0), ValueError, "dropout probability has to be between 0 and 1"),
        (
            lambda: F.embedding(sf.tensor([0]), sf.ones(2, 2), sparse=True),
            NotImplementedError,
            "use sparse=False",
        ),
        (lambda: F.group_norm(sf.ones(1), 1), RuntimeError, "Expected at least 2 dimensions"),
        (lambda: F.local_response_norm(sf.ones(1), 1), ValueError, "Expected 3D or higher"),
        (
            lambda: F.cosine_embedding_loss(sf.ones(2), sf.ones(2), sf.ones(2)),
            RuntimeError,
            "expects 2D input tensors",
        ),
        (
            lambda: F.triplet_margin_loss(sf.ones(2), sf.ones(2), sf.ones(2), margin=-1),
            ValueError,
            "greater than 0",
        ),
    ],
)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
