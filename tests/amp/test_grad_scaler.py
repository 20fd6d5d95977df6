"""GradScaler: scales, unscales, skips steps, adapts; alone and against PyTorch's."""
from __future__ import annotations

import pickle

import pytest

import stickonfire as torch
from stickonfire.amp import GradScaler


def setup(**options):
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    return w, torch.optim.SGD([w], lr=0.5), GradScaler("cpu", **options)


def history(m):
    """Losses of which some overflow, with the scale after each step."""
    w = m.tensor([1.0, 2.0], requires_grad=True)
    optimizer = m.optim.SGD([w], lr=0.1)
    scaler = m.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2, growth_factor=3.0, backoff_factor=0.25)
    seen = []
    for factor in (1.0, 1.0, float("inf"), 1.0, float("nan"), 1.0, 1.0, 1.0):
        optimizer.zero_grad()
        scaler.scale((w * w * factor).sum()).backward()
        if factor == 1:
            scaler.unscale_(optimizer)
            m.nn.utils.clip_grad_norm_([w], 1.0)
        scaler.step(optimizer)
        scaler.update()
        seen.append((scaler.get_scale(), scaler.state_dict()["_growth_tracker"], [round(v, 5) for v in w.tolist()]))
    return seen


def test_the_scale_follows_overflows():
    scales = [scale for scale, _, _ in history(torch)]
    assert scales == [8, 24, 6, 6, 1.5, 1.5, 4.5, 4.5]
    steps = [values for _, _, values in history(torch)]
    assert steps[2] == steps[1] and steps[4] == steps[3]                # steps left out


@pytest.mark.oracle
def test_like_pytorch():
    assert history(torch) == history(pytest.importorskip("torch"))


def test_scale_takes_containers():
    _, _, scaler = setup(init_scale=4.0)
    one = torch.ones(1)
    assert scaler.scale([one, (one,)])[1][0].item() == 4 and next(scaler.scale(t for t in [one])).item() == 4
    with pytest.raises(ValueError, match="iterable of Tensors"):
        scaler.scale(3)


def test_calls_in_the_wrong_order():
    w, optimizer, scaler = setup()
    for call in (lambda: scaler.step(optimizer), lambda: scaler.unscale_(optimizer), scaler.update):
        with pytest.raises(AssertionError, match="_scale is None"):
            call()
    scaler.scale(w.sum()).backward()
    with pytest.raises(AssertionError, match="No inf checks"):
        scaler.update()
    scaler.unscale_(optimizer)
    assert w.grad.tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="already been called on this optimizer"):
        scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="Closure"):
        scaler.step(optimizer, closure=lambda: 0)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match=r"step\(\) has already been called"):
        scaler.step(optimizer)
    with pytest.raises(RuntimeError, match=r"unscale_\(\) is being called after"):
        scaler.unscale_(optimizer)
    with pytest.raises(AssertionError, match="only be pickled"):
        pickle.dumps(scaler)
    scaler.update(3.0)
    assert scaler.get_scale() == 3
    scaler.update(torch.tensor(5.0))
    assert scaler.get_scale() == 5
    h = torch.ones(1, dtype=torch.float16, requires_grad=True)
    h.grad = torch.ones(1, dtype=torch.float16)
    with pytest.raises(ValueError, match="FP16 gradients"):
        scaler.unscale_(torch.optim.SGD([h], lr=1.0))


def test_state():
    w, optimizer, scaler = setup(init_scale=8.0, growth_interval=7)
    scaler.scale(w.sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    state = scaler.state_dict()
    assert state == {"scale": 8.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 7,
                     "_growth_tracker": 1}
    other = GradScaler("cpu")
    other.load_state_dict(state)
    assert other.state_dict() == state and pickle.loads(pickle.dumps(scaler)).state_dict() == state
    scaler.load_state_dict({**state, "scale": 2.0})
    assert scaler.get_scale() == 2
    with pytest.raises(RuntimeError, match="empty"):
        scaler.load_state_dict({})
    scaler.set_growth_factor(4.0)
    scaler.set_backoff_factor(0.1)
    scaler.set_growth_interval(3)
    assert (scaler.get_growth_factor(), scaler.get_backoff_factor(), scaler.get_growth_interval()) == (4.0, 0.1, 3)
    for wrong in ({"growth_factor": 1.0}, {"backoff_factor": 1.0}):
        with pytest.raises(AssertionError, match="factor must be"):
            GradScaler("cpu", **wrong)


def test_off():
    w, optimizer, scaler = setup(enabled=False)
    loss = w.sum()
    assert scaler.scale(loss) is loss and scaler.get_scale() == 1 and scaler.state_dict() == {}
    loss.backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert w.tolist() == [0.5, 1.5] and not scaler.is_enabled()
    with pytest.warns(UserWarning, match="CUDA is not available.  Disabling"):
        assert not GradScaler().is_enabled()
    with pytest.warns((UserWarning, FutureWarning)):
        assert not torch.cuda.amp.GradScaler().is_enabled()
    with pytest.warns(FutureWarning, match="deprecated"):
        assert torch.cpu.amp.GradScaler().is_enabled()
