"""L-BFGS: a hard valley without and with line search, limits, and PyTorch's own path."""
import pytest

import stickonfire as torch
from stickonfire.optim import LBFGS

OPTIONS = [{}, {"line_search_fn": "strong_wolfe"}, {"lr": 0.1, "max_iter": 5, "history_size": 2},
           {"line_search_fn": "strong_wolfe", "max_iter": 4, "max_eval": 5}]


def valley(lib, optimizer_class, steps=6, **options):
    """Steps down a Rosenbrock valley in three dimensions: losses, places, state."""
    x = lib.tensor([-1.5, 2.0, 0.3], dtype=lib.float64, requires_grad=True)
    optimizer = optimizer_class([x], **options)

    def closure():
        optimizer.zero_grad()
        loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2 + (x[2] - x[1]) ** 2
        loss.backward()
        return loss

    path = [(optimizer.step(closure).item(), x.tolist()) for _ in range(steps)]
    return path, optimizer


def test_reaches_the_minimum_with_a_line_search():
    path, optimizer = valley(torch, LBFGS, steps=4, line_search_fn="strong_wolfe")
    assert path[-1][1] == pytest.approx([1.0, 1.0, 1.0], abs=1e-4)
    (state,) = optimizer.state.values()
    assert state["func_evals"] >= state["n_iter"] > 20


def test_two_parameters_of_different_shapes():
    a = torch.zeros(2, 2, requires_grad=True)
    b = torch.zeros(3, requires_grad=True)
    unused = torch.zeros(1, requires_grad=True)
    optimizer = LBFGS([a, b, unused], line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = ((a - 1) ** 2).sum() + ((b + 2) ** 2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 16.0
    assert a.flatten().tolist() == pytest.approx([1.0] * 4, abs=1e-5)
    assert b.tolist() == pytest.approx([-2.0] * 3, abs=1e-5)
    assert unused.tolist() == [0.0]


def test_errors():
    w = torch.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="doesn't support per-parameter options"):
        LBFGS([{"params": [w]}, {"params": [torch.ones(1, requires_grad=True)]}])
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        valley(torch, LBFGS, line_search_fn="armijo")


def test_stops_at_once_where_the_gradient_is_nothing():
    w = torch.zeros(2, requires_grad=True)
    optimizer = LBFGS([w])

    def closure():
        optimizer.zero_grad()
        loss = (w ** 2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 0.0
    assert optimizer.state[w] == {"func_evals": 1, "n_iter": 0}


@pytest.mark.oracle
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "plain")
def test_the_path_is_the_oracles(options):
    oracle = pytest.importorskip("torch")
    theirs, their_optimizer = valley(oracle, oracle.optim.LBFGS, steps=3, **options)
    ours, our_optimizer = valley(torch, LBFGS, steps=3, **options)
    for (loss, place), (their_loss, their_place) in zip(ours, theirs):
        assert loss == pytest.approx(their_loss, rel=1e-6, abs=1e-12)
        assert place == pytest.approx(their_place, rel=1e-6)
    our_state, their_state = our_optimizer.state_dict()["state"][0], their_optimizer.state_dict()["state"][0]
    assert set(our_state) == set(their_state)
    for name in ("func_evals", "n_iter"):
        assert our_state[name] == their_state[name]
