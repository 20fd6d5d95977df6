"""Parity: elementwise mathematics on ordinary and special values."""

from __future__ import annotations

import pytest

from tests.helpers.oracle import same

UNARY = [
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "ceil",
    "cos",
    "cosh",
    "deg2rad",
    "digamma",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "frac",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "lgamma",
    "log",
    "log10",
    "log1p",
    "log2",
    "logical_not",
    "logit",
    "neg",
    "positive",
    "rad2deg",
    "reciprocal",
    "relu",
    "round",
    "rsqrt",
    "sgn",
    "sigmoid",
    "sign",
    "signbit",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "trunc",
    "nan_to_num",
    "negative",
    "absolute",
    "fix",
    "arctan",
    "i0",
]
BINARY = [
    "add",
    "sub",
    "mul",
    "div",
    "true_divide",
    "floor_divide",
    "remainder",
    "fmod",
    "pow",
    "atan2",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "hypot",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "logical_and",
    "logical_or",
    "logical_xor",
    "copysign",
    "nextafter",
    "xlogy",
    "heaviside",
    "logaddexp",
    "logaddexp2",
    "float_power",
    "isclose",
    "dist",
    "rsub",
    "subtract",
]
FUNCTIONAL = [
    "relu",
    "relu6",
    "elu",
    "selu",
    "celu",
    "gelu",
    "silu",
    "mish",
    "leaky_relu",
    "softplus",
    "softsign",
    "tanhshrink",
    "hardtanh",
    "hardsigmoid",
    "hardswish",
    "logsigmoid",
    "sigmoid",
    "tanh",
    "hardshrink",
    "softshrink",
]
LOSSES = [
    "mse_loss(a, b)",
    "l1_loss(a, b)",
    "smooth_l1_loss(a, b)",
    "huber_loss(a, b)",
    "mse_loss(a, b, reduction='none')",
    "mse_loss(a, b, reduction='sum')",
    "binary_cross_entropy(a.sigmoid(), b.sigmoid())",
    "binary_cross_entropy_with_logits(a, b.sigmoid())",
    "kl_div(a, b.softmax(1), reduction='batchmean')",
    "cross_entropy(a, torch.tensor([0, 2]))",
    "cross_entropy(a, torch.tensor([0, -100]))",
    "cross_entropy(a, torch.tensor([0, 2]), reduction='none')",
    "cross_entropy(a, b.softmax(1))",
    "cross_entropy(a, torch.tensor([0, 2]), label_smoothing=0.1)",
    "cross_entropy(a, torch.tensor([0, 2]), weight=torch.tensor([1., 2., 3.]))",
    "cross_entropy(a[0], torch.tensor(1))",
    "nll_loss(a.log_softmax(1), torch.tensor([0, 2]))",
    "cosine_similarity(a, b)",
    "pairwise_distance(a, b)",
    "normalize(a)",
    "normalize(a, p=1, dim=0)",
    "linear(a, b)",
    "linear(a, b, torch.ones(2))",
    "layer_norm(a, (3,))",
    "layer_norm(a, (3,), b[0], b[1])",
    "rms_norm(a, (3,))",
    "softmax(a, dim=1)",
    "log_softmax(a, dim=0)",
    "softmin(a, dim=1)",
    "gumbel_softmax(a, dim=1).shape",
    "one_hot(torch.tensor([0, 2]))",
    "one_hot(torch.tensor([0, 2]), 4)",
    "embedding(torch.tensor([[0, 1]]), a)",
    "pad(a, (1, 2))",
    "pad(a, (1, 0, 0, 1), value=9.)",
    "pad(a, (-1, 0))",
    "dropout(a, 0.5, training=False)",
    "dropout(a, 0.)",
    "glu(torch.ones(2, 4))",
    "threshold(a, 0.1, 20)",
    "prelu(a, torch.tensor(0.25))",
    "margin_ranking_loss(a, b, torch.ones(2, 3))",
    "soft_margin_loss(a, b.sign())",
    "poisson_nll_loss(a, b.abs())",
    "gaussian_nll_loss(a, b, torch.ones(2, 3))",
    "triplet_margin_loss(a, b, a + 1)",
    "cosine_embedding_loss(a, b, torch.ones(2))",
    "hinge_embedding_loss(a, b.sign())",
    "multi_margin_loss(a, torch.tensor([0, 2]))",
    "scaled_dot_product_attention(a[None], b[None], a[None])",
    "scaled_dot_product_attention(a[None], b[None], a[None], is_causal=True)",
]
VALUES = "torch.tensor([-inf, -2.5, -1., -0.5, -0., 0., 0.5, 1., 1.5, 2.5, 30., inf, nan])"


@pytest.mark.parametrize("name", UNARY)
def test_unary(name):
    grad = "x.grad + 0" if name == "sgn" else "x.grad"      # a tensor without memory, in PyTorch
    same(f"torch.{name}({VALUES})", text=False)
    same(f"torch.{name}(torch.arange(-2, 3))", text=False)
    same(
        f"x = torch.tensor([0.3, 0.6], requires_grad=True); y = torch.{name}(x); "
        f"y.sum().backward() if y.requires_grad else 0; y, {grad}",
        text=False,
    )


@pytest.mark.parametrize("name", BINARY)
def test_binary(name):
    same(f"v = {VALUES}; torch.{name}(v, v.flip(0))", text=False)
    same(f"torch.{name}(torch.tensor([7, -7, 3]), torch.tensor([2, 2, -2]))", text=False)
    same(f"torch.{name}(torch.ones(2, 1), torch.zeros(3))", text=False)


@pytest.mark.parametrize("name", FUNCTIONAL)
def test_activations(name):
    values = VALUES.replace("inf, nan", "nan") if name == "gelu" else VALUES        # gelu(inf) is NaN in PyTorch
    same(f"torch.nn.functional.{name}({values})", text=False)
    same(
        f"x = torch.tensor([-3., -1., -0.2, 0., 0.4, 2., 7.], requires_grad=True); "
        f"torch.nn.functional.{name}(x).sum().backward(); x.grad"
    )


@pytest.mark.parametrize("call", LOSSES)
def test_functional(call):
    same(f"""
a = torch.tensor([[0.1, -0.7, 2.0], [1.5, 0.3, -0.2]], requires_grad=True)
b = torch.tensor([[0.5, 0.2, -1.0], [0.7, -0.3, 0.9]])
r = torch.nn.functional.{call}
r.sum().backward() if isinstance(r, torch.Tensor) and r.requires_grad else 0
r, a.grad""", text=False)     # our losses are made of other nodes, and 1e-8 may stand where PyTorch has 0
