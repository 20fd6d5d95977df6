"""Every registered divergence against PyTorch, with gradients; and the search for the nearest formula."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
import torch

import stickonfire
from tests.distributions.oracle import both

pytestmark = pytest.mark.oracle

P = {       # two laws of each class, where the first reaches less far than the second or lies inside its support
    "Bernoulli": ("D.Bernoulli(t([0.2, 0.0, 1.0, 0.5]))", "D.Bernoulli(t([0.3, 0.3, 1.0, 0.0]))"),
    "Beta": ("D.Beta(t([0.5, 2.0]), t([1.5, 3.0]))", "D.Beta(t([1.5, 2.5]), t([0.7, 1.0]))"),
    "Binomial": ("D.Binomial(5, t([0.2, 0.6]))", "D.Binomial(5, t([0.3, 0.4]))"),
    "Categorical": ("D.Categorical(t([[0.2, 0.3, 0.5], [0.0, 0.5, 0.5]]))",
                    "D.Categorical(t([[0.1, 0.1, 0.8], [0.5, 0.5, 0.0]]))"),
    "Cauchy": ("D.Cauchy(t([0.5, -1.0]), t([1.0, 2.0]))", "D.Cauchy(t(0.0), t(1.5))"),
    "ContinuousBernoulli": ("D.ContinuousBernoulli(t([0.2, 0.5]))", "D.ContinuousBernoulli(t([0.3, 0.9]))"),
    "Dirichlet": ("D.Dirichlet(t([0.5, 1.5, 3.0]))", "D.Dirichlet(t([1.5, 0.5, 2.0]))"),
    "Exponential": ("D.Exponential(t([0.5, 3.0]))", "D.Exponential(t([1.5, 2.0]))"),
    "Gamma": ("D.Gamma(t([0.5, 3.0]), t([1.0, 2.0]))", "D.Gamma(t([1.5, 2.0]), t([0.5, 3.0]))"),
    "Geometric": ("D.Geometric(t([0.5, 0.3]))", "D.Geometric(t([0.2, 0.8]))"),
    "Gumbel": ("D.Gumbel(t([0.5, -1.0]), t([1.0, 2.0]))", "D.Gumbel(t([0.0, 1.0]), t([1.5, 0.5]))"),
    "HalfNormal": ("D.HalfNormal(t([0.5, 2.0]))", "D.HalfNormal(t([1.5, 1.0]))"),
    "Independent": ("D.Independent(D.Normal(t([[0.5, -1.0]] * 2), t(1.0)), 1)",
                    "D.Independent(D.Normal(t([[0.0, 1.0]] * 2), t(2.0)), 1)"),
    "Laplace": ("D.Laplace(t([0.5, -1.0]), t([1.0, 2.0]))", "D.Laplace(t([0.0, 1.0]), t([1.5, 0.5]))"),
    "LogNormal": ("D.LogNormal(t([0.5, -1.0]), t([1.0, 2.0]))", "D.LogNormal(t([0.0, 1.0]), t([1.5, 0.5]))"),
    "LowRankMultivariateNormal":
        ("D.LowRankMultivariateNormal(t([0.5, -1.0]), t([[1.0], [0.5]]), t([0.5, 1.0]))",
         "D.LowRankMultivariateNormal(t([[0.0, 1.0]] * 2), t([[0.3], [-0.5]]), t([1.5, 1.0]))"),
    "MultivariateNormal": ("D.MultivariateNormal(t([[0.5, -1.0]] * 2), t([[2.0, 0.5], [0.5, 1.0]]))",
                           "D.MultivariateNormal(t([0.0, 1.0]), scale_tril=t([[1.0, 0.0], [0.2, 1.5]]))"),
    "Normal": ("D.Normal(t([0.5, -1.0]), t([1.0, 2.0]))", "D.Normal(t([0.0, 1.0]), t([1.5, 0.5]))"),
    "OneHotCategorical": ("D.OneHotCategorical(t([0.2, 0.3, 0.5]))", "D.OneHotCategorical(t([0.1, 0.1, 0.8]))"),
    "Pareto": ("D.Pareto(t([1.0, 2.0]), t([3.0, 2.5]))", "D.Pareto(t([0.5, 2.5]), t([2.0, 3.0]))"),
    "Poisson": ("D.Poisson(t([0.5, 3.0]))", "D.Poisson(t([1.5]))"),
    "Uniform": ("D.Uniform(t([0.2, 0.1]), t([0.9, 0.6]))", "D.Uniform(t([0.0, -1.0]), t([1.0, 0.4]))"),
    "Uniform inside": ("D.Uniform(t([0.2, 0.3]), t([0.8, 0.5]))", "D.Uniform(t([-0.1, 0.1]), t([1.1, 0.7]))"),
    "Uniform wide": ("D.Uniform(t([-1.0, 0.2]), t([0.5, 3.0]))", "D.Uniform(t([-9.0, -9.0]), t([9.0, 9.0]))"),
    "Wishart": ("D.Wishart(t(5.0), t([[2.0, 0.5], [0.5, 1.0]]))", "D.Wishart(t(4.0), t([[1.0, 0.2], [0.2, 1.0]]))"),
}
PARETO_HEAVY = "D.Pareto(t([1.0, 1.0]), t([0.8, 1.5]))"
REGISTERED = {(a.__name__, b.__name__) for a, b in torch.distributions.kl._KL_REGISTRY}


PAIRS = [(p, q) for p in P for q in P if (p.partition(" ")[0], q.partition(" ")[0]) in REGISTERED]
PAIRS += [("LogNormal", "LogNormal"), ("Wishart", "Wishart")]       # found through their bases


def divergence(p: str, q: str) -> str:
    return f"D.kl_divergence({p}, {q})"


@pytest.mark.parametrize(("p", "q"), PAIRS, ids=lambda pair: str(pair))
def test_divergence_and_gradient(p: str, q: str) -> None:
    text = divergence(P[p][0], P[q][1])
    both(text, lambda m: m.law, 1e-6, "kl")
    finite = [value for value in torch.flatten(
        eval(text, {"D": torch.distributions, "t": torch.tensor})).tolist() if abs(value) != float("inf")]
    if finite and p != "Pareto":
        both(text, lambda m: m.gradients(m.law.masked_fill(m.law == float("inf"), 0.0)), 1e-5, "gradient")


@pytest.mark.parametrize("q", ["Exponential", "Gamma", "Normal"])
def test_heavy_tails_diverge(q: str) -> None:
    both(divergence(PARETO_HEAVY, P[q][1]), lambda m: m.law)


def test_same_registry() -> None:
    ours = {(a.__name__, b.__name__) for a, b in stickonfire.distributions.kl._KL_REGISTRY}
    assert ours == REGISTERED


@pytest.mark.parametrize("text", [
    "D.kl_divergence(D.Normal(0.0, 1.0), D.Poisson(1.0))", "D.kl_divergence(D.Normal(0.0, 1.0), D.Cauchy(0.0, 1.0))",
    "D.kl_divergence(D.StudentT(3.0), D.StudentT(2.0))",
    "D.kl_divergence(D.LogNormal(0.0, 1.0), D.Pareto(1.0, 2.0))",
    "D.kl_divergence(D.Binomial(3, torch.tensor(0.5)), D.Binomial(4, torch.tensor(0.5)))",
    "D.kl_divergence(D.Binomial(4, torch.tensor(0.5)), D.Binomial(3, torch.tensor(0.5)))",
    "D.kl_divergence(D.Normal(1.0, 1.0), D.Normal(1.0, 1.0))", "D.kl_divergence(D.Chi2(3.0), D.Gamma(1.0, 2.0))",
    "D.kl_divergence(D.MultivariateNormal(torch.zeros(2), torch.eye(2)), "
    "D.MultivariateNormal(torch.zeros(3), torch.eye(3)))",
])
def test_other_pairs(text: str) -> None:
    def ask(m):
        return eval(text, {"D": m.torch.distributions, "torch": m.torch})
    both("1", ask)
