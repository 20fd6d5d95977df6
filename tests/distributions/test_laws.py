"""Laws checked against themselves and against calculus, with NumPy alone."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import stickonfire
import stickonfire.distributions as D
from tests.distributions.laws import LAWS, Made

BY_NAME = pytest.mark.parametrize("name", LAWS)
CONTINUOUS = {      # one law of numbers each, and where its density is integrated
    "D.Beta(1.5, 3.0)": (0.0, 1.0), "D.Cauchy(0.5, 2.0)": (-1e5, 1e5), "D.Chi2(3.0)": (0.0, 60.0),
    "D.ContinuousBernoulli(0.2)": (0.0, 1.0), "D.Exponential(2.0)": (0.0, 20.0), "D.Gamma(2.5, 2.0)": (0.0, 25.0),
    "D.GeneralizedPareto(0.5, 1.0, -0.3)": (0.5, 0.5 + 1 / 0.3), "D.GeneralizedPareto(0.5, 1.0, 0.0)": (0.5, 40.0),
    "D.FisherSnedecor(4.0, 9.0)": (0.0, 2000.0), "D.Gumbel(0.5, 2.0)": (-15.0, 60.0),
    "D.HalfCauchy(2.0)": (0.0, 1e5), "D.HalfNormal(2.0)": (0.0, 20.0), "D.InverseGamma(6.0, 2.0)": (1e-3, 200.0),
    "D.Kumaraswamy(2.0, 3.0)": (0.0, 1.0), "D.Laplace(0.5, 2.0)": (-60.0, 60.0), "D.LogNormal(0.1, 0.5)": (1e-4, 40.0),
    "D.Normal(0.5, 2.0)": (-20.0, 20.0), "D.Pareto(1.0, 6.0)": (1.0, 2000.0),
    "D.StudentT(7.0, 0.5, 2.0)": (-900.0, 900.0),
    "D.Uniform(0.5, 2.0)": (0.5, 2.0 - 1e-12), "D.Weibull(2.0, 1.5)": (0.0, 40.0),
    "D.RelaxedBernoulli(torch.tensor(0.9), 0.4)": (1e-9, 1 - 1e-9),
    "D.VonMises(0.5, 2.0)": (-math.pi, math.pi),
    "D.MixtureSameFamily(D.Categorical(torch.tensor([0.3, 0.7])), "
    "D.Normal(torch.tensor([-1.0, 2.0]), 1.0))": (-15.0, 15.0),
    "D.TransformedDistribution(D.Normal(0.0, 1.0), [D.SigmoidTransform(), "
    "D.AffineTransform(1.0, -2.0)])": (-0.999999, 0.999999),
}
NO_MOMENTS = ("Cauchy", "HalfCauchy", "RelaxedBernoulli", "TransformedDistribution", "VonMises")


def law(text: str) -> Any:
    """The law in a text, of float64 numbers."""
    before = stickonfire.get_default_dtype()
    stickonfire.set_default_dtype(stickonfire.float64)
    try:
        return eval(text, {"D": D, "torch": stickonfire})
    finally:
        stickonfire.set_default_dtype(before)


def grid(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights, dense near both ends and, where it is inside, near 0.5: tanh-sinh quadrature."""
    if low < 0.5 < high and high - low > 1:
        left, right = grid(low, 0.5), grid(0.5, high)
        return np.concatenate((left[0], right[0])), np.concatenate((left[1], right[1]))
    t = np.linspace(-3.15, 3.15, 4001)
    u = np.pi / 2 * np.sinh(t)
    weights = (t[1] - t[0]) * np.pi / 2 * np.cosh(t) / np.cosh(u) ** 2 * (high - low) / 2
    points = np.where(u < 0, low + (high - low) / (1 + np.exp(-2 * u)), high - (high - low) / (1 + np.exp(2 * u)))
    inside = (points > low) & (points < high)
    return points[inside], weights[inside]


@pytest.mark.parametrize("text", CONTINUOUS)
def test_density_gives_one_and_the_moments(text: str) -> None:
    one = law(text)
    x, weights = grid(*CONTINUOUS[text])
    log_density = one.log_prob(stickonfire.tensor(x)).numpy()
    density = np.exp(log_density) * weights
    assert abs(density.sum() - 1) < (1e-3 if "Cauchy" in text else 1e-6)
    if text[2:].partition("(")[0] not in NO_MOMENTS:
        mean = (density * x).sum()
        assert abs(mean - one.mean.item()) < 1e-4 * (1 + abs(mean))
        variance = (density * (x - mean) ** 2).sum()
        assert abs(variance - one.variance.item()) < 2e-3 * variance
    try:
        entropy = one.entropy().item()
    except NotImplementedError:
        return
    weighted = density * np.where(density > 0, log_density, 0)
    assert abs(-weighted.sum() - entropy) < (1e-2 if "Cauchy" in text else 1e-5) * (1 + abs(entropy))


@pytest.mark.parametrize("text", CONTINUOUS)
def test_cdf_is_the_integral_and_icdf_its_inverse(text: str) -> None:
    one = law(text)
    low, high = CONTINUOUS[text]
    at = stickonfire.tensor(max(low, -1.0) + 0.37 * min(high - max(low, -1.0), 6.0), dtype=stickonfire.float64)
    try:
        below = one.cdf(at).item()
    except NotImplementedError:
        return
    x, weights = grid(low, at.item())
    integral = (np.exp(one.log_prob(stickonfire.tensor(x)).numpy()) * weights).sum()
    assert abs(integral - below) < (1e-3 if "Cauchy" in text else 1e-5)
    try:
        back = one.icdf(one.cdf(at)).item()
    except NotImplementedError:
        return
    assert abs(back - at.item()) < 1e-6 * (1 + abs(back))


DISCRETE = {"D.Bernoulli(0.3)": 2, "D.Binomial(12, torch.tensor(0.3))": 13, "D.Geometric(0.3)": 120,
            "D.NegativeBinomial(2.5, 0.4)": 120, "D.Poisson(3.5)": 60}


@pytest.mark.parametrize("text", DISCRETE)
def test_probabilities_give_one_and_the_moments(text: str) -> None:
    one = law(text)
    k = np.arange(DISCRETE[text], dtype=float)
    p = np.exp(one.log_prob(stickonfire.tensor(k)).numpy())
    mean = (p * k).sum()
    assert abs(p.sum() - 1) < 1e-9 and abs(mean - one.mean.item()) < 1e-7
    assert abs((p * (k - mean) ** 2).sum() - one.variance.item()) < 1e-6


@BY_NAME
def test_samples_lie_in_the_support_and_have_log_probs(name: str) -> None:
    stickonfire.manual_seed(1)
    one = Made(LAWS[name], stickonfire).law
    drawn = one.sample((7, 2))
    assert drawn.shape == (7, 2, *one.batch_shape, *one.event_shape) and not drawn.requires_grad
    assert one.support.check(drawn).all()
    assert one.log_prob(drawn).shape == (7, 2, *one.batch_shape)
    stickonfire.manual_seed(1)
    assert (one.sample((7, 2)) == drawn).all()


@pytest.mark.parametrize("text", ["D.Gamma(2.5, 2.0)", "D.Beta(0.5, 2.0)", "D.Poisson(20.0)", "D.StudentT(9.0)",
                                  "D.Binomial(50, torch.tensor(0.4))", "D.VonMises(0.5, 3.0)", "D.Gumbel(1.0, 2.0)",
                                  "D.NegativeBinomial(3.0, 0.5)", "D.Kumaraswamy(2.0, 3.0)", "D.Laplace(1.0, 2.0)"])
def test_samples_have_the_mean_and_variance(text: str) -> None:
    stickonfire.manual_seed(0)
    one = law(text)
    drawn = one.sample((4000,)).numpy()
    spread = drawn.std()
    assert abs(drawn.mean() - one.mean.item()) < 4 * spread / math.sqrt(len(drawn))
    if "VonMises" not in text:          # whose variance is circular
        assert abs(drawn.var() / one.variance.item() - 1) < 0.2


def test_samples_move_with_their_quantile() -> None:
    """The slope of a gamma number, from the change of the distribution function."""
    a = np.array([0.02, 0.3, 1.0, 4.0, 60.0, 3000.0])
    for q in (0.6, 0.9, 1.5):
        x, step = a * q, a * 1e-4
        def below(a: np.ndarray, x: np.ndarray = x) -> np.ndarray:
            return stickonfire.special.gammainc(stickonfire.tensor(a), stickonfire.tensor(x)).numpy()
        density = np.exp(law("D.Gamma(torch.tensor([0.02, 0.3, 1.0, 4.0, 60.0, 3000.0]), 1.0)").log_prob(
            stickonfire.tensor(x)).numpy())
        expected = -(below(a + step) - below(a - step)) / (2 * step) / density
        got = stickonfire._standard_gamma_grad(stickonfire.tensor(a), stickonfire.tensor(x)).numpy()
        plain = density > 1e-30         # where the difference is more than rounding
        np.testing.assert_allclose(got[plain], expected[plain], rtol=2e-4)


def test_beta_slopes_of_powers() -> None:
    """Beta(a, 1) has the distribution function x^a, so x moves by -x log(x) / a."""
    x = stickonfire.linspace(0.01, 0.99, 25, dtype=stickonfire.float64)
    for a in (0.03, 1.0, 20.0):
        alpha = stickonfire.full_like(x, a)
        slopes = stickonfire._dirichlet_grad(x, alpha, alpha + 1) * (1 - x)
        np.testing.assert_allclose(slopes.numpy(), (-x * x.log() / a).numpy(), rtol=1e-8)


def test_gradients_reach_the_parameters_through_gamma_samples() -> None:
    stickonfire.manual_seed(0)
    a = stickonfire.tensor(3.0, requires_grad=True)
    D.Gamma(a, 2.0).rsample((4000,)).mean().backward()
    assert abs(a.grad.item() - 0.5) < 0.02          # the mean is a / 2


@pytest.mark.parametrize(("p", "q"), [
    ("D.Normal(0.5, 2.0)", "D.Laplace(0.5, 1.0)"), ("D.Normal(0.5, 2.0)", "D.Gumbel(0.0, 2.0)"),
    ("D.Gamma(2.5, 2.0)", "D.Gumbel(0.5, 2.0)"), ("D.Beta(1.5, 3.0)", "D.Gamma(2.0, 3.0)"),
    ("D.Exponential(2.0)", "D.Gamma(2.0, 3.0)"), ("D.Laplace(0.5, 2.0)", "D.Normal(0.0, 1.5)"),
    ("D.Pareto(1.0, 6.0)", "D.Gamma(2.0, 3.0)"), ("D.Uniform(0.5, 2.0)", "D.Pareto(0.3, 2.0)"),
    ("D.Gumbel(0.5, 2.0)", "D.Gumbel(0.0, 3.0)"), ("D.ContinuousBernoulli(0.2)", "D.Exponential(2.0)"),
    ("D.Cauchy(0.5, 2.0)", "D.Cauchy(0.0, 1.0)")])
def test_divergence_is_the_integral(p: str, q: str) -> None:
    x, weights = grid(*CONTINUOUS[p])
    points = stickonfire.tensor(x)
    log_p, log_q = law(p).log_prob(points).numpy(), law(q).log_prob(points).numpy()
    integral = (np.exp(log_p) * (log_p - log_q) * weights).sum()
    assert abs(D.kl_divergence(law(p), law(q)).item() - integral) < 1e-3 * (1 + integral)


def test_a_registered_divergence_is_found_for_subclasses() -> None:
    class Mine(D.Normal):
        pass

    class Yours(D.Normal):
        pass
    assert D.kl_divergence(Mine(0.0, 1.0), Yours(0.0, 1.0)).item() == 0.0
    D.register_kl(Mine, Yours)(lambda p, q: "mine")
    try:
        assert D.kl_divergence(Mine(0.0, 1.0), Yours(0.0, 1.0)) == "mine"
    finally:
        del D.kl._KL_REGISTRY[Mine, Yours]


def test_an_ambiguous_divergence_warns() -> None:
    class P(D.Normal):
        pass

    class Q(D.Normal):
        pass
    D.register_kl(P, D.Normal)(lambda p, q: "by p")
    D.register_kl(D.Normal, Q)(lambda p, q: "by q")
    try:
        with pytest.warns(RuntimeWarning, match="Ambiguous kl_divergence"):
            assert D.kl_divergence(P(0.0, 1.0), Q(0.0, 1.0)) == "by p"
    finally:
        del D.kl._KL_REGISTRY[P, D.Normal], D.kl._KL_REGISTRY[D.Normal, Q]


def test_kumaraswamy_has_its_mode_where_the_density_peaks() -> None:
    one = law("D.Kumaraswamy(2.0, 3.0)")
    x = stickonfire.linspace(0.01, 0.99, 981, dtype=stickonfire.float64)
    assert abs(x[one.log_prob(x).argmax()].item() - one.mode.item()) < 2e-3


def test_log_prob_of_generalized_pareto_takes_any_dtype() -> None:
    one = law("D.GeneralizedPareto(0.0, 1.0, 0.0)")
    assert one.log_prob(stickonfire.tensor(1.0, dtype=stickonfire.float64)).item() == -1.0


@BY_NAME
def test_laws_can_be_pickled(name: str) -> None:
    with stickonfire.no_grad():
        one = eval(LAWS[name], {"D": D, "t": stickonfire.tensor, "x": stickonfire.tensor})
    again = pickle.loads(pickle.dumps(one))
    stickonfire.manual_seed(0)
    drawn = one.sample()
    stickonfire.manual_seed(0)
    assert (again.sample() == drawn).all()


ALIAS = """
import sys
from stickonfire.compat.alias import install
assert "stickonfire.distributions" not in sys.modules       # not before it is used
install()
import torch
import torch.distributions as D
from torch.distributions.normal import Normal
from torch.distributions import constraints, kl, transforms, utils
import torch.distributions.constraint_registry, torch.distributions.studentT, torch.distributions.relaxed_categorical
assert Normal is D.Normal and D is torch.distributions and constraints is torch.distributions.constraints
print(D.kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0)))
"""


def test_torch_is_the_alias() -> None:
    done = subprocess.run([sys.executable, "-c", ALIAS], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout == "tensor(0.5000)\n", done.stderr


@pytest.mark.parametrize("text", ["D.Gamma(a, 1.0)", "D.Beta(a, 1.0)", "D.StudentT(a)"])
def test_second_derivatives_of_implicit_samples_are_refused(text: str) -> None:
    a = stickonfire.tensor([2.0, 3.0], requires_grad=True)
    drawn = eval(text, {"D": D, "a": a}).rsample()
    (slope,) = stickonfire.autograd.grad(drawn.sum(), a, create_graph=True)
    with pytest.raises(NotImplementedError, match="not implemented"):
        slope.sum().backward()
