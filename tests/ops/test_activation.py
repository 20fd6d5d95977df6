"""Activations: values against plain formulas in NumPy, gradients against differences, in-place forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

import stickonfire as sof
from stickonfire.eager import functional as F
from tests.helpers.numeric import check_gradients

POINTS = np.array([-7.0, -2.2, -0.4, 0.3, 0.7, 2.5, 6.5])
SELU = (1.0507009873554805, 1.6732632423543772)
phi = np.vectorize(lambda x: 0.5 * math.erfc(-x / math.sqrt(2)))

ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0), "relu6": lambda x: np.clip(x, 0, 6),
    "hardtanh": lambda x: np.clip(x, -1, 1),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x), "hardswish": lambda x: x * np.clip(x / 6 + 0.5, 0,
    1),
    "hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1), "hardshrink": lambda x: np.where(abs(x) > 0.5, x, 0),
    "softshrink": lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0), "elu": lambda x: np.where(x > 0, x,
    np.expm1(x)),
    "celu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: SELU[0] * np.where(x > 0, x, SELU[1] * np.expm1(x)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))), "gelu": lambda x: x * phi(x),
    "softplus": lambda x: np.log1p(np.exp(x)), "logsigmoid": lambda x: -np.log1p(np.exp(-x)),
    "softsign": lambda x: x / (1 + abs(x)), "tanhshrink": lambda x: x - np.tanh(x),
}
INPLACE = ("relu", "relu6", "leaky_relu", "hardswish", "hardsigmoid", "elu", "celu", "selu", "silu", "mish",
           "hardtanh")


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("repeats", [1, 3000])       # 3000: longer than a piece of a blocked kernel
def test_values(name, repeats):
    points = np.tile(POINTS, repeats)
    for kind, rtol, atol in ((np.float64, 1e-10, 1e-12), (np.float32, 2e-6, 1e-6)):
        out = getattr(F, name)(sof.from_numpy(points.astype(kind)))
        assert out.numpy().dtype == kind
        np.testing.assert_allclose(out.numpy(), ACTIVATIONS[name](points), rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradients(name):
    check_gradients(getattr(F, name), POINTS)


@pytest.mark.parametrize("name", INPLACE)
def test_in_place(name):
    x = sof.from_numpy(POINTS.copy())
    expected = getattr(F, name)(x)
    assert getattr(F, name)(x, inplace=True) is x
    np.testing.assert_allclose(x.numpy(), expected.numpy())


def test_parameters():
    check_gradients(lambda x: F.elu(x, 0.7), POINTS)
    check_gradients(lambda x: F.celu(x, 0.7), POINTS)
    check_gradients(lambda x: F.leaky_relu(x, 1.5), POINTS)
    check_gradients(lambda x: F.softplus(x, 2, 4), POINTS)
    check_gradients(lambda x: F.gelu(x, approximate="tanh"), POINTS)
    check_gradients(lambda x: F.threshold(x, 0.5, 2.0), POINTS)
    check_gradients(lambda x: F.glu(x, 0), [1.0, -2.0, 0.5, 0.3])
    check_gradients(F.prelu, [[1.0, -2.0, 0.5], [-0.3, 0.2, -1.0]], [0.1, 0.2, 0.3])


def test_errors():
    with pytest.raises(RuntimeError, match="Boolean inputs"):
        sof.relu(sof.tensor([True]))
    with pytest.raises(RuntimeError, match="approximate"):
        F.gelu(sof.ones(2), approximate="erf")
    with pytest.raises(RuntimeError, match="must be even"):
        F.glu(sof.ones(3))
    with pytest.raises(RuntimeError, match="lambda must be"):
        F.softshrink(sof.ones(3), -1)
    with pytest.raises(RuntimeError, match="alpha cannot be 0"):
        F.celu(sof.ones(3), 0)
    with pytest.raises(RuntimeError, match="Mismatch of parameter numbers"):
        F.prelu(sof.ones(2, 3), sof.ones(2))


@pytest.mark.oracle
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_against_pytorch(name):
    torch = pytest.importorskip("torch")
    x = np.linspace(-30, 30, 999).astype(np.float32)
    expected = getattr(torch.nn.functional, name)(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(getattr(F, name)(sof.from_numpy(x)).numpy(), expected, rtol=3e-6, atol=2e-6)
