"""All laws against PyTorch: the same samples from the same seed, the same answers, the same gradients."""

from __future__ import annotations

from typing import Any

import pytest

from tests.distributions.laws import LAWS, Made

torch = pytest.importorskip("torch")
from tests.distributions.oracle import answer, both  # noqa: E402

pytestmark = pytest.mark.oracle
BY_NAME = pytest.mark.parametrize("name", LAWS)

ROUGH = {"VonMises": 2e-4}          # PyTorch has polynomials of single precision for Bessel functions
IMPLICIT = 3e-3                     # PyTorch's slopes of gamma and Dirichlet numbers are approximations
UNANSWERED = {                      # where PyTorch 2.13 itself fails or is wrong, and ours is tested without it
    "GeneralizedPareto": ("log_prob", "cdf", "log_cdf", "log_survival_function", "expanded log_prob"),
    "Kumaraswamy": ("mode",), "Multinomial": ("expanded entropy",), "Multinomial logits": ("expanded entropy",),
    "Wishart": ("rsample",), "Wishart batch": ("rsample", "log_prob"), "Wishart precision": ("rsample",)}


def compare(name: str, what: str, ask: Any, rtol: float | None = None, dtype: str = "float64") -> Any:
    if what in UNANSWERED.get(name, ()):
        return None
    return both(LAWS[name], ask, rtol or ROUGH.get(name, 1e-7), what, dtype)


@BY_NAME
def test_text_and_shapes(name: str) -> None:
    compare(name, "repr", lambda m: repr(m.law))
    compare(name, "support", lambda m: repr(m.law.support))
    compare(name, "arg_constraints", lambda m: repr(m.law.arg_constraints))
    compare(name, "shapes", lambda m: (tuple(m.law.batch_shape), tuple(m.law.event_shape), m.law.has_rsample,
                                       m.law.has_enumerate_support))


@BY_NAME
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_same_seed_same_samples(name: str, dtype: str) -> None:
    rtol = 2e-6 if dtype == "float64" else 2e-4
    for shape in ((), (5,), (3, 40)):
        compare(name, f"sample({shape})", lambda m, shape=shape: m.law.sample(shape), rtol, dtype)
    compare(name, "rsample(2)", lambda m: m.law.rsample((2,)).detach(), rtol, dtype)
    compare(name, "what the generator draws next", lambda m: (m.law.sample((5,)), m.torch.rand(2))[1], rtol, dtype)


def drawn(name: str) -> list[Any]:
    """PyTorch's samples, as numbers."""
    return answer(lambda m: m.law.sample((5,)), Made(LAWS[name], torch)).tolist()


@BY_NAME
def test_functions_of_values_and_their_gradients(name: str) -> None:
    values = drawn(name)
    for what in ("log_prob", "cdf", "log_cdf", "log_survival_function"):
        def ask(m: Any, what: str = what) -> Any:
            return getattr(m.law, what)(m.torch.tensor(values, dtype=m.torch.float64))
        compare(name, what, ask)
        compare(name, what, lambda m: m.gradients(ask(m)), ROUGH.get(name, 1e-6))
    compare(name, "icdf", lambda m: m.law.icdf(m.torch.full(m.law.batch_shape, 0.3, dtype=m.torch.float64)))


@BY_NAME
def test_moments_and_entropy_and_their_gradients(name: str) -> None:
    for what in ("mean", "mode", "variance", "stddev"):
        compare(name, what, lambda m, what=what: getattr(m.law, what))
    for what in ("mean", "variance"):
        compare(name, what, lambda m, what=what: m.gradients(getattr(m.law, what)), ROUGH.get(name, 1e-6))
    compare(name, "entropy", lambda m: m.law.entropy())
    compare(name, "entropy", lambda m: m.gradients(m.law.entropy()), 1e-6)
    compare(name, "perplexity", lambda m: m.law.perplexity())
    for expand in (True, False):
        compare(name, "enumerate_support", lambda m, expand=expand: m.law.enumerate_support(expand))


@BY_NAME
def test_gradients_through_samples(name: str) -> None:
    compare(name, "rsample", lambda m: m.gradients(m.law.rsample((5,))), IMPLICIT)


@BY_NAME
def test_expand(name: str) -> None:
    def expanded(m: Any) -> Any:
        return m.law.expand((4, *m.law.batch_shape))
    compare(name, "expand", lambda m: (repr(expanded(m)), tuple(expanded(m).batch_shape),
                                       tuple(expanded(m).event_shape)))
    compare(name, "expanded sample", lambda m: expanded(m).sample((2,)), 2e-6)
    compare(name, "expanded log_prob", lambda m: expanded(m).log_prob(expanded(m).sample((2,))), 1e-5)
    for what in ("mean", "variance"):
        compare(name, f"expanded {what}", lambda m, what=what: getattr(expanded(m), what))
    compare(name, "expanded entropy", lambda m: expanded(m).entropy())


@BY_NAME
def test_values_of_other_batches(name: str) -> None:
    """Values that broadcast against the batch: one for all, a batch of 1, none at all."""
    def ask(m: Any) -> Any:
        drawn = m.law.sample((2, 3))
        batch_dims = len(m.law.batch_shape)
        values = [drawn, drawn[:0], drawn[:, :1], drawn[0, 0][(0,) * batch_dims]]
        values += [part.narrow(d, 0, 1) for d in range(batch_dims) for part in (drawn[0, 0], drawn[1])]
        return [m.law.log_prob(value) for value in values]
    compare(name, "log_prob", ask, ROUGH.get(name, 2e-5))
