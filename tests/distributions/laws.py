"""The table of laws that the tests of distributions go through: texts, evaluated with a framework's names.

In a text, `D` is the framework's `distributions`, `t(...)` a float64 parameter that takes gradients, `x(...)` a plain
tensor. Each law is written once, with a batch where that says more.
"""

from __future__ import annotations

from typing import Any

LAWS = {
    "Bernoulli": "D.Bernoulli(t([0.2, 0.5, 0.9]))",
    "Bernoulli logits": "D.Bernoulli(logits=t([[-1.0], [2.0]]))",
    "Bernoulli number": "D.Bernoulli(0.3)",
    "Beta": "D.Beta(t([0.5, 2.0, 30.0]), t([1.5, 3.0, 2.0]))",
    "Binomial": "D.Binomial(10, t([0.2, 0.5, 0.95]))",
    "Binomial counts": "D.Binomial(x([3.0, 40.0, 100.0]), logits=t([0.5, -0.2, 1.0]))",
    "Categorical": "D.Categorical(t([[0.2, 0.3, 0.5], [3.0, 1.0, 1.0]]))",
    "Categorical logits": "D.Categorical(logits=t([0.3, -1.0, 2.0, 0.0]))",
    "Cauchy": "D.Cauchy(t([0.5, -1.0]), t([1.0, 2.0]))",
    "Chi2": "D.Chi2(t([0.7, 3.0, 12.0]))",
    "ContinuousBernoulli": "D.ContinuousBernoulli(t([0.2, 0.4999, 0.9]))",
    "ContinuousBernoulli logits": "D.ContinuousBernoulli(logits=t([-1.0, 0.001, 2.0]))",
    "Dirichlet": "D.Dirichlet(t([[0.5, 1.5, 3.0], [2.0, 2.0, 9.0]]))",
    "Dirichlet corners": "D.Dirichlet(t([[0.5, 0.7, 0.2]]))",
    "Exponential": "D.Exponential(t([0.5, 3.0]))",
    "FisherSnedecor": "D.FisherSnedecor(t([1.5, 4.0, 3.0]), t([3.0, 9.0, 1.0]))",
    "Gamma": "D.Gamma(t([0.3, 1.0, 8.0]), t([2.0, 1.0, 0.5]))",
    "GeneralizedPareto":
        "D.GeneralizedPareto(t([0.5, -1.0, 0.0, 1.0]), t([1.0, 2.0, 1.0, 0.5]), t([0.3, -0.4, 0.0, 1.2]))",
    "Geometric": "D.Geometric(t([0.2, 0.7]))",
    "Geometric logits": "D.Geometric(logits=t([-0.5, 0.7]))",
    "Gumbel": "D.Gumbel(t([0.5, -1.0]), t([1.0, 2.0]))",
    "HalfCauchy": "D.HalfCauchy(t([0.5, 2.0]))",
    "HalfNormal": "D.HalfNormal(t([0.5, 2.0]))",
    "Independent": "D.Independent(D.Normal(t([[0.5, -1.0], [0.0, 2.0]]), t(1.5)), 1)",
    "InverseGamma": "D.InverseGamma(t([0.8, 1.7, 5.0]), t([1.0, 2.0, 3.0]))",
    "Kumaraswamy": "D.Kumaraswamy(t([0.8, 2.0]), t([1.5, 0.7]))",
    "LKJCholesky": "D.LKJCholesky(3, t(1.5))",
    "LKJCholesky batch": "D.LKJCholesky(4, t([0.7, 3.0]))",
    "Laplace": "D.Laplace(t([0.5, -1.0]), t([1.0, 2.0]))",
    "LogNormal": "D.LogNormal(t([0.5, -1.0]), t([0.4, 1.2]))",
    "LogisticNormal": "D.LogisticNormal(t([[0.5, -1.0], [0.0, 1.0]]), t([1.0, 0.5]))",
    "LogisticNormal one": "D.LogisticNormal(t(0.5), t(1.0))",
    "LowRankMultivariateNormal":
        "D.LowRankMultivariateNormal(t([0.5, -1.0, 0.0]), t([[1.0], [0.5], [-0.3]]), t([0.5, 1.0, 2.0]))",
    "LowRankMultivariateNormal batch":
        "D.LowRankMultivariateNormal(t([[0.5, -1.0, 0.0], [1.0, 0.0, 0.0]]), "
        "t([[1.0, 0.2], [0.5, 0.1], [-0.3, 2.0]]), t([0.5, 1.0, 2.0]))",
    "MixtureSameFamily": "D.MixtureSameFamily(D.Categorical(t([0.3, 0.7])), D.Normal(t([-1.0, 2.0]), t([0.5, 1.0])))",
    "MixtureSameFamily vectors":
        "D.MixtureSameFamily(D.Categorical(logits=t([[0.3, 0.7], [1.0, -1.0]])), "
        "D.Independent(D.Normal(t([[[-1.0, 0.0, 1.0], [2.0, 1.0, 0.5]]] * 2), t(0.8)), 1))",
    "Multinomial": "D.Multinomial(5, t([[0.2, 0.3, 0.5], [1.0, 1.0, 2.0]]))",
    "Multinomial logits": "D.Multinomial(3, logits=t([0.2, -0.3, 0.5]))",
    "MultivariateNormal": "D.MultivariateNormal(t([0.5, -1.0]), t([[2.0, 0.5], [0.5, 1.0]]))",
    "MultivariateNormal precision":
        "D.MultivariateNormal(t([0.5, -1.0]), "
        "precision_matrix=t([[[2.0, 0.5], [0.5, 1.0]], [[1.0, 0.0], [0.0, 3.0]]]))",
    "MultivariateNormal factor":
        "D.MultivariateNormal(t([[0.5, -1.0], [0.0, 1.0]]), scale_tril=t([[1.4, 0.0], [0.3, 0.9]]))",
    "NegativeBinomial": "D.NegativeBinomial(t([0.5, 5.0]), t([0.3, 0.8]))",
    "NegativeBinomial logits": "D.NegativeBinomial(4, logits=t([0.3, -0.8]))",
    "Normal": "D.Normal(t([0.5, -1.0]), t([1.0, 2.0]))",
    "Normal numbers": "D.Normal(0.0, 1.0)",
    "OneHotCategorical": "D.OneHotCategorical(t([[0.2, 0.3, 0.5], [3.0, 1.0, 1.0]]))",
    "OneHotCategoricalStraightThrough": "D.OneHotCategoricalStraightThrough(logits=t([0.2, 0.3, 0.5]))",
    "Pareto": "D.Pareto(t([1.0, 0.5, 2.0]), t([0.8, 1.5, 4.0]))",
    "Poisson": "D.Poisson(t([0.0, 0.5, 3.0, 40.0]))",
    "RelaxedBernoulli": "D.RelaxedBernoulli(t(0.7), t([0.2, 0.6]))",
    "RelaxedBernoulli logits": "D.RelaxedBernoulli(t(0.7), logits=t([0.2, 0.6]))",
    "RelaxedOneHotCategorical": "D.RelaxedOneHotCategorical(t(0.7), t([0.2, 0.6, 0.2]))",
    "RelaxedOneHotCategorical logits": "D.RelaxedOneHotCategorical(t(0.7), logits=t([[0.2, 0.6], [0.0, 1.0]]))",
    "StudentT": "D.StudentT(t([0.9, 1.5, 5.0]), t([0.5, 0.0, 1.0]), t([1.0, 2.0, 0.5]))",
    "TransformedDistribution":
        "D.TransformedDistribution(D.Normal(t([0.5, -1.0]), t(1.0)), "
        "[D.AffineTransform(0.5, -2.0), D.SigmoidTransform()])",
    "TransformedDistribution vectors":
        "D.TransformedDistribution(D.Normal(t([0.5, -1.0]), t(1.0)), [D.StickBreakingTransform()])",
    "TransformedDistribution widened":
        "D.TransformedDistribution(D.Exponential(t(2.0)), [D.AffineTransform(x([0.5, 1.0]), x([2.0, 3.0]))])",
    "Uniform": "D.Uniform(t([0.5, -1.0]), t([1.0, 2.0]))",
    "VonMises": "D.VonMises(t([0.5, -1.0, 3.0]), t([0.5, 4.0, 60.0]))",
    "Weibull": "D.Weibull(t([1.0, 2.0]), t([1.5, 0.7]))",
    "Wishart": "D.Wishart(t(5.0), t([[2.0, 0.5], [0.5, 1.0]]))",
    "Wishart batch": "D.Wishart(t([4.0, 6.5]), scale_tril=t([[1.4, 0.0], [0.3, 0.9]]))",
    "Wishart precision": "D.Wishart(t([4.0, 6.5]), precision_matrix=t([[2.0, 0.5], [0.5, 1.0]]))",
}


class Made:
    """A law of a framework, with the leaves it was made of."""

    def __init__(self, text: str, framework: Any, dtype: str = "float64", **options: Any) -> None:
        self.torch, self.leaves = framework, []
        kind = getattr(framework, dtype)

        def t(data: Any) -> Any:
            leaf = framework.tensor(data, dtype=kind, requires_grad=True)
            self.leaves.append(leaf)
            return leaf

        def x(data: Any) -> Any:
            return framework.tensor(data, dtype=kind)

        names = {"D": framework.distributions, "t": t, "x": x, "torch": framework, **options}
        self.law = eval(text, names)

    def gradients(self, value: Any) -> list[Any]:
        """The leaves' gradients of a weighted sum of a tensor."""
        weights = self.torch.arange(1.0, value.numel() + 1, dtype=value.dtype).reshape(value.shape)
        for leaf in self.leaves:
            leaf.grad = None
        (value * weights).sum().backward()
        return [leaf.grad.tolist() if leaf.grad is not None else None for leaf in self.leaves]
