"""What laws, transforms and constraints refuse, and in which words; reprs; what classes show."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import pytest

pytest.importorskip("torch")
import torch

import stickonfire

pytestmark = pytest.mark.oracle

SAME_WORDS = [
    "D.Normal(0.0, -1.0)", "D.Normal(torch.zeros(2), torch.tensor([1.0, -1.0]))", "D.Normal('a', 1.0)",
    "D.Normal(0.0, 1.0).log_prob(torch.tensor(math.nan))", "D.Normal(0.0, 1.0).log_prob(1.0)",
    "D.Normal(torch.zeros(2), 1.0).log_prob(torch.zeros(3))", "D.Bernoulli()", "D.Bernoulli(0.2, 0.3)",
    "D.Bernoulli(1.2)", "D.Bernoulli(0.2).log_prob(torch.tensor(0.5))", "D.Categorical(torch.tensor(1.0))",
    "D.Categorical(logits=torch.tensor(1.0))", "D.Categorical(torch.tensor([0.1, -1.0]))",
    "D.Categorical(torch.ones(3)).log_prob(torch.tensor(5))", "D.Uniform(2.0, 1.0)", "D.Uniform(math.nan, 1.0)",
    "D.Uniform(0, 1).log_prob(torch.tensor(3.0))", "D.MultivariateNormal(torch.zeros(2))",
    "D.MultivariateNormal(torch.zeros(2), -torch.eye(2))", "D.MultivariateNormal(torch.tensor(0.0), torch.eye(2))",
    "D.MultivariateNormal(torch.zeros(2), torch.ones(2))",
    "D.MultivariateNormal(torch.zeros(2), scale_tril=torch.ones(2))",
    "D.MultivariateNormal(torch.zeros(2), precision_matrix=torch.ones(2))",
    "D.MultivariateNormal(torch.zeros(2), scale_tril=torch.ones(2, 2))",
    "D.Independent(D.Normal(0.0, 1.0), 1)", "D.kl_divergence(D.Normal(0.0, 1.0), D.StudentT(1.0))",
    "D.biject_to(C.boolean)", "D.transform_to(3)", "D.biject_to.register(3, lambda c: c)", "C.dependent.check(1)",
    "C.dependent.event_dim", "C.dependent.is_discrete", "C.independent(C.real, 2).check(torch.ones(2))",
    "C.independent(C.real, -1)", "D.ExpTransform(cache_size=3)", "D.SoftmaxTransform().forward_shape(())",
    "D.CorrCholeskyTransform().forward_shape((4,))", "D.CorrCholeskyTransform().forward_shape(())",
    "D.CorrCholeskyTransform().inverse_shape((3, 2))", "D.CorrCholeskyTransform().inverse_shape((3,))",
    "D.CorrCholeskyTransform().event_dim", "D.ReshapeTransform((2,), (3,))",
    "D.ReshapeTransform((2,), (2, 1)).forward_shape((3,))", "D.ReshapeTransform((2,), (2, 1)).forward_shape(())",
    "D.StickBreakingTransform().forward_shape(())", "D.IndependentTransform(D.ExpTransform(), 1)(torch.tensor(1.0))",
    "D.CatTransform([D.ExpTransform()], lengths=[1, 2])", "D.CatTransform([3])", "D.StackTransform([3])",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), 3)", "D.TransformedDistribution(D.Normal(0.0, 1.0), [3])",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), [D.SoftmaxTransform()])", "D.LKJCholesky(1)",
    "D.LKJCholesky(2, -1.0)", "D.Wishart(torch.tensor(1.0), torch.eye(2))", "D.Wishart(torch.tensor(3.0))",
    "D.Multinomial(2.5, torch.ones(2))", "D.Multinomial(3, torch.tensor([1.0, -1.0]))",
    "D.Binomial(torch.tensor([2.0, 3.0]), torch.tensor([0.2])).enumerate_support()",
    "D.Binomial(torch.tensor([2.0, 3.0]), torch.tensor([0.2])).entropy()", "D.Binomial(-1, torch.tensor(0.5))",
    "D.Geometric(0.0)", "D.Beta(-1.0, 2.0)", "D.LogNormal(0.0, -1.0)", "D.OneHotCategorical(torch.tensor([-1.0, 1.0]))",
    "D.Gumbel(0.0, -1.0)", "D.Weibull(1.0, -1.0)", "D.HalfNormal(-1.0)", "D.HalfCauchy(-1.0)", "D.StudentT(-1.0)",
    "D.FisherSnedecor(-1.0, 1.0)", "D.Chi2(-1.0)", "D.InverseGamma(-1.0, 2.0)", "D.Pareto(-1.0, 2.0)",
    "D.Kumaraswamy(-1.0, 2.0)", "D.RelaxedBernoulli(torch.tensor(1.0), 2.0)", "D.Laplace(0.0, -1.0)",
    "D.Cauchy(0.0, -1.0)", "D.Exponential(-1.0)", "D.Gamma(1.0, -1.0)", "D.Poisson(-1.0)",
    "D.Poisson(1.0).log_prob(torch.tensor(0.5))", "D.NegativeBinomial(-1.0, 0.5)", "D.NegativeBinomial(1.0, 1.0)",
    "D.VonMises(0.0, -1.0)", "D.GeneralizedPareto(0.0, -1.0, 0.0)",
    "D.GeneralizedPareto(0.0, 1.0, 0.5).log_prob(torch.tensor(-1.0))", "D.Dirichlet(torch.tensor(1.0))",
    "D.Dirichlet(torch.tensor([1.0, -1.0]))", "D.Dirichlet(torch.ones(2)).log_prob(torch.ones(2))",
    "D.ContinuousBernoulli(2.0, validate_args=True)", "D.LogisticNormal(torch.zeros(2), -1.0)",
    "D.LowRankMultivariateNormal(torch.zeros(2), torch.ones(3, 1), torch.ones(2))",
    "D.LowRankMultivariateNormal(torch.zeros(2), torch.ones(2, 1), torch.ones(3))",
    "D.LowRankMultivariateNormal(torch.zeros(2), torch.ones(2), torch.ones(2))",
    "D.LowRankMultivariateNormal(torch.tensor(0.0), torch.ones(2, 1), torch.ones(2))",
    "D.LowRankMultivariateNormal(torch.zeros(2), torch.ones(2, 1), -torch.ones(2))",
    "D.MixtureSameFamily(D.Normal(0.0, 1.0), D.Normal(0.0, 1.0))",
    "D.MixtureSameFamily(D.Categorical(torch.ones(2)), 3)",
    "D.MixtureSameFamily(D.Categorical(torch.ones(2)), D.Normal(torch.zeros(3), 1.0))",
    "D.MixtureSameFamily(D.Categorical(torch.ones(3, 2)), D.Normal(torch.zeros(2, 2), 1.0))",
    "D.utils.tril_matrix_to_vec(torch.ones(2, 2), 5)", "Custom(1.0).expand((2,))",
]
SAME_KIND = [
    "D.Normal(0.0, 1.0).enumerate_support()", "D.Gamma(1.0, 1.0).icdf(torch.tensor(0.1))", "D.Bernoulli(0.2).rsample()",
    "D.Poisson(1.0).entropy()", "D.VonMises(0.0, 1.0).entropy()", "D.Normal(0.0, 1.0).log_prob()",
    "D.Distribution().support",
    "D.register_kl(1, 2)", "D.Transform()(torch.ones(1))", "D.AbsTransform().sign", "hash(D.ExpTransform())",
    "D.Distribution.set_default_validate_args(3)", "Bare().expand((2,))", "C.Constraint().check(1)",
    "D.SoftmaxTransform().log_abs_det_jacobian(torch.ones(2), torch.ones(2))",
    "D.Independent(D.Bernoulli(torch.ones(2)), 1).enumerate_support()",
    "D.LogNormal(0.0, 1.0).log_prob(torch.tensor(-1.0))", "D.Normal(0.0, 1.0).cdf(torch.tensor(math.nan))",
]
SAME_TEXT = [
    "D.Normal(0, 1)", "D.Beta(1.0, 2.0)", "D.Gumbel(0.0, 1.0)", "D.Pareto(1.0, 2.0)", "D.ExpTransform().inv",
    "D.ComposeTransform([D.ExpTransform(), D.AffineTransform(0, 1)])", "D.LKJCholesky(3)",
    "D.Binomial(2.0, torch.tensor([0.2]))", "C.cat([C.real])", "C.multinomial(3)", "C.Constraint()",
    "C._IntegerLessThan(3)", "C.MixtureSameFamilyConstraint(C.real_vector)", "C.half_open_interval(0.0, 1)",
    "D.biject_to(C.positive)", "D.transform_to(C.real_vector)", "D.Uniform.support", "D.Normal(0.0, 1.0).sample_n(2)",
    "D.utils.broadcast_all(1, torch.zeros(2))", "D.utils.vec_to_tril_matrix(torch.arange(3.0), -1)",
    "D.utils.probs_to_logits(torch.tensor([0.0, 0.5, 1.0]))", "D.utils.clamp_probs(torch.tensor([0.0, 1.0]))",
    "D.utils.tril_matrix_to_vec(torch.arange(9.0).view(3, 3), -1)", "D.Normal(0.0, -1.0, validate_args=False)",
    "D.Normal(torch.zeros(2), 1.0).expand((3, 2))", "D.Normal.arg_constraints", "D.Binomial.support.event_dim",
]


def evaluate(text: str, framework: Any) -> Any:
    D = framework.distributions

    class Custom(D.Normal):
        def __init__(self, loc: float) -> None:
            super().__init__(loc, 1.0)

    class Bare(D.Distribution):
        arg_constraints: Any = {}

    framework.manual_seed(0)
    names = {"D": D, "C": D.constraints, "torch": framework, "math": __import__("math"), "Custom": Custom,
             "Bare": Bare}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(text, names)


def raised(text: str, framework: Any) -> Exception:
    with pytest.raises(Exception) as caught:
        evaluate(text, framework)
    return caught.value


@pytest.mark.parametrize("text", SAME_WORDS)
def test_same_words(text: str) -> None:
    theirs, ours = raised(text, torch), raised(text, stickonfire)
    assert type(theirs).__name__ in [kind.__name__ for kind in type(ours).__mro__], repr(ours)
    assert str(ours).startswith(str(theirs)), f"{ours}\nexpected\n{theirs}"


@pytest.mark.parametrize("text", SAME_KIND)
def test_same_kind(text: str) -> None:
    theirs, ours = raised(text, torch), raised(text, stickonfire)
    assert type(theirs).__name__ in [kind.__name__ for kind in type(ours).__mro__], repr(ours)


@pytest.mark.parametrize("text", SAME_TEXT)
def test_same_text(text: str) -> None:
    assert repr(evaluate(text, stickonfire)) == repr(evaluate(text, torch))


CLASSES = [name for name in torch.distributions.__all__ if inspect.isclass(getattr(torch.distributions, name))]


@pytest.mark.parametrize("name", CLASSES)
def test_same_arguments_and_answers(name: str) -> None:
    theirs, ours = getattr(torch.distributions, name), getattr(stickonfire.distributions, name)
    for member, value in vars(theirs).items():
        if member.startswith("_") and member != "__init__":
            continue
        assert hasattr(ours, member), member
        if inspect.isfunction(value):
            a, b = inspect.signature(getattr(ours, member)), inspect.signature(value)
            assert list(a.parameters)[:len(b.parameters)] == list(b.parameters), member
            for key, parameter in b.parameters.items():
                assert repr(a.parameters[key].default) == repr(parameter.default), (member, key)
    bases = [kind.__name__ for kind in ours.__mro__]
    assert [kind.__name__ for kind in theirs.__mro__ if kind.__name__ in bases and kind.__name__ != "Generic"] == [
        kind for kind in bases if kind in [c.__name__ for c in theirs.__mro__]]


def test_same_names() -> None:
    assert set(stickonfire.distributions.__all__) == set(torch.distributions.__all__)
    assert set(torch.distributions.constraints.__all__) <= set(vars(stickonfire.distributions.constraints))


def test_default_validation_can_be_turned_off() -> None:
    for framework in (torch, stickonfire):
        D = framework.distributions
        D.Distribution.set_default_validate_args(False)
        try:
            assert D.Normal(0.0, -1.0).scale.item() == -1.0
        finally:
            D.Distribution.set_default_validate_args(True)
        with pytest.raises(ValueError):
            D.Normal(0.0, -1.0)
