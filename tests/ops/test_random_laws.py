"""The samplers with tensor parameters: `binomial` and those behind `torch.distributions`."""

from __future__ import annotations

import pytest

import stickonfire as sof


def test_binomial_counts_successes() -> None:
    sof.manual_seed(0)
    count = sof.tensor([10.0, 10.0, 0.0, 500.0])
    prob = sof.tensor([0.0, 1.0, 0.5, 0.5], requires_grad=True)
    drawn = sof.binomial(count, prob)
    assert drawn[:3].tolist() == [0.0, 10.0, 0.0] and 150 < drawn[3].item() < 350
    drawn.sum().backward()
    assert prob.grad.tolist() == [0.0] * 4


def test_gamma_and_dirichlet_samples() -> None:
    sof.manual_seed(0)
    alpha = sof.full((500, 3), 2.0, dtype=sof.float64)
    rows = sof._sample_dirichlet(alpha)
    assert (rows > 0).all() and sof.allclose(rows.sum(-1), sof.ones(500, dtype=sof.float64))
    assert abs(sof._standard_gamma(alpha).mean().item() - 2.0) < 0.2


def test_slopes_of_dirichlet_rows_stay_on_the_simplex() -> None:
    """A row moves with its parameters so that its sum stays 1."""
    sof.manual_seed(0)
    alpha = sof.tensor([[0.3, 2.0, 30.0], [1.0, 1.0, 1.0]], dtype=sof.float64, requires_grad=True)
    sof._sample_dirichlet(alpha).sum().backward()
    assert alpha.grad.abs().max().item() < 1e-12


@pytest.mark.parametrize("call", [
    lambda t: t._standard_gamma(t.tensor([-1.0])), lambda t: t._standard_gamma(t.tensor([1])),
    lambda t: t._sample_dirichlet(t.tensor([1.0, -1.0])), lambda t: t.binomial(t.tensor([2]), t.tensor([0.5]))])
def test_refusals(call) -> None:
    with pytest.raises(RuntimeError):
        call(sof)


@pytest.mark.oracle
def test_same_streams_as_pytorch() -> None:
    torch = pytest.importorskip("torch")
    for seed in range(3):
        drawn = []
        for t in (torch, sof):
            t.manual_seed(seed)
            alpha = t.tensor([0.01, 0.5, 1.0, 3.0, 200.0], dtype=t.float64).repeat(20)
            small = alpha.to(t.float32)
            counts = t.tensor([3.0, 20.0, 100.0, 1000.0]).repeat(25)
            chances = t.linspace(0.01, 0.99, 100)
            drawn.append([t._standard_gamma(alpha), t._standard_gamma(small), t._sample_dirichlet(alpha),
                          t.binomial(counts, chances), t.binomial(counts.double(), chances.double()),
                          t.poisson(small), t.rand(3)])
        for theirs, ours in zip(*drawn):
            assert torch.allclose(torch.tensor(ours.tolist(), dtype=theirs.dtype), theirs, rtol=2e-6)
