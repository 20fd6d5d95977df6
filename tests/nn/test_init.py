"""nn.init: PyTorch's numbers for a seed, gains, warnings and errors."""

import math

import pytest

import stickonfire as sf
from stickonfire import nn
from stickonfire.nn import init

# Recorded from PyTorch 2.13 with manual_seed(0).
GOLDEN = {
    "uniform_": (
        lambda: init.uniform_(sf.empty(2, 3), -1, 1),
        [-0.007487, 0.536444, -0.823045, -0.735939, -0.385154, 0.268157],
    ),
    "normal_": (
        lambda: init.normal_(sf.empty(2, 3), 1, 2),
        [4.081992, 0.413142, -3.357579, 2.136863, -1.169045, -1.797191],
    ),
    "trunc_normal_": (
        lambda: init.trunc_normal_(sf.empty(2, 3)),
        [1.540996, -0.293429, -0.719258, 0.568431, -1.084522, -1.398595],
    ),
    "trunc_normal_ far out": (
        lambda: init.trunc_normal_(sf.empty(2, 3), 0.0, 1.0, 1.5, 2.0),
        [1.748128, 1.58443, 1.544239, 1.566015, 1.653711, 1.817039],
    ),
    "xavier_uniform_": (
        lambda: init.xavier_uniform_(sf.empty(2, 3), 2.0),
        [-0.016403, 1.175289, -1.803202, -1.612362, -0.843831, 0.587503],
    ),
    "xavier_normal_": (
        lambda: init.xavier_normal_(sf.empty(2, 3)),
        [0.974612, -0.185581, -1.377987, 0.359508, -0.685912, -0.884549],
    ),
    "kaiming_uniform_": (
        lambda: init.kaiming_uniform_(sf.empty(2, 3), nonlinearity="relu"),
        [-0.010588, 0.758646, -1.163962, -1.040775, -0.54469, 0.379232],
    ),
    "kaiming_normal_": (
        lambda: init.kaiming_normal_(sf.empty(2, 3), mode="fan_out"),
        [1.540996, -0.293429, -2.178789, 0.568431, -1.084522, -1.398595],
    ),
    "orthogonal_": (
        lambda: init.orthogonal_(sf.empty(2, 3)),
        [0.573981, -0.109295, -0.811542, -0.345415, -0.930883, -0.118936],
    ),
    "sparse_": (lambda: init.sparse_(sf.empty(3, 2), 0.5), [0.0, 0.0, -0.021788, 0.0, 0.0, -0.013986]),
    "Linear weight": (
        lambda: nn.Linear(3, 2).weight,
        [-0.004323, 0.309716, -0.475185, -0.424895, -0.222369, 0.154821],
    ),
    "Linear bias": (lambda: nn.Linear(3, 2).bias, [-0.011439, 0.457775]),
    "Embedding": (
        lambda: nn.Embedding(3, 2, padding_idx=1).weight,
        [1.540996, -0.293429, 0.0, 0.0, -1.084522, -1.398595],
    ),
    "Bilinear": (lambda: nn.Bilinear(2, 2, 1).weight, [-0.005294, 0.379323, -0.581981, -0.520387]),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_pytorchs_numbers(name):
    draw, expected = GOLDEN[name]
    sf.manual_seed(0)
    assert draw().detach().flatten().tolist() == pytest.approx(expected, abs=2e-6)


def test_a_generator_of_its_own_leaves_the_default_one_alone():
    sf.manual_seed(1)
    before = sf.get_rng_state()
    one = init.normal_(sf.empty(4), generator=sf.Generator().manual_seed(0))
    two = init.normal_(sf.empty(4), generator=sf.Generator().manual_seed(0))
    assert one.tolist() == two.tolist() and bool((sf.get_rng_state() == before).all())


def test_constants():
    assert init.constant_(sf.empty(2), 3).tolist() == [3.0, 3.0]
    assert init.ones_(sf.empty(2)).tolist() == [1.0, 1.0] and init.zeros_(sf.empty(1)).tolist() == [0.0]
    assert init.eye_(sf.empty(2, 3)).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    kernel = init.dirac_(sf.empty(2, 2, 3), groups=2)
    assert kernel.tolist() == [[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]


def test_works_on_parameters_and_returns_them():
    weight = nn.Parameter(sf.empty(3, 2))
    assert init.xavier_uniform_(weight) is weight and weight.requires_grad and weight.grad_fn is None


def test_orthogonal_is():
    matrix = init.orthogonal_(sf.empty(5, 2, 2), gain=2).reshape(5, 4)
    product = (matrix.T @ matrix - 4 * sf.eye(4)).abs().max().item()
    assert product < 1e-5


@pytest.mark.parametrize(
    ("name", "param", "gain"),
    [
        ("linear", None, 1),
        ("conv2d", None, 1),
        ("sigmoid", None, 1),
        ("tanh", None, 5 / 3),
        ("relu", None, math.sqrt(2)),
        ("leaky_relu", None, math.sqrt(2 / (1 + 0.01**2))),
        ("leaky_relu", 2, math.sqrt(2 / 5)),
        ("selu", None, 0.75),
    ],
)
def test_gains(name, param, gain):
    assert init.calculate_gain(name, param) == gain


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: init.calculate_gain("softmax"), "Unsupported nonlinearity softmax"),
        (lambda: init.calculate_gain("leaky_relu", True), "negative_slope True not a valid number"),
        (lambda: init.xavier_normal_(sf.empty(3)), "Fan in and fan out can not be computed"),
        (lambda: init.kaiming_normal_(sf.empty(3, 3), mode="fan"), "Mode fan not supported"),
        (lambda: init.eye_(sf.empty(3)), "Only tensors with 2 dimensions are supported"),
        (lambda: init.dirac_(sf.empty(3, 3)), "Only tensors with 3, 4, or 5 dimensions"),
        (lambda: init.dirac_(sf.empty(3, 3, 3), groups=2), "dim 0 must be divisible by groups"),
        (lambda: init.orthogonal_(sf.empty(3)), "Only tensors with 2 or more dimensions"),
        (lambda: init.sparse_(sf.empty(3), 0.5), "Only tensors with 2 dimensions are supported"),
    ],
)
def test_errors(action, message):
    with pytest.raises(ValueError, match=message):
        action()


def test_warnings():
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
        init.kaiming_uniform_(sf.empty(0, 3))
    with pytest.warns(UserWarning, match="mean is more than 2 std"):
        init.trunc_normal_(sf.empty(2), mean=9.0)
    with pytest.warns(
        FutureWarning, match="`nn.init.uniform` is now deprecated in favor of `nn.init.uniform_`"
    ):
        init.uniform(sf.empty(2))
