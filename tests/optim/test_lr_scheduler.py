"""Schedules: golden rates, PyTorch's rates bit by bit, warnings, errors, resuming."""
import copy
import warnings

import pytest

import stickonfire as torch
from stickonfire.optim import SGD, AdamW
from stickonfire.optim import lr_scheduler as schedules

MADE = {
    "LambdaLR": lambda L, o: L.LambdaLR(o, lambda e: 0.9 ** e),
    "MultiplicativeLR": lambda L, o: L.MultiplicativeLR(o, lambda e: 0.5),
    "StepLR": lambda L, o: L.StepLR(o, 3, 0.5),
    "MultiStepLR": lambda L, o: L.MultiStepLR(o, [2, 5, 5], 0.5),
    "ConstantLR": lambda L, o: L.ConstantLR(o, 0.5, 4),
    "LinearLR": lambda L, o: L.LinearLR(o, 0.2, 1.0, 4),
    "ExponentialLR": lambda L, o: L.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda L, o: L.PolynomialLR(o, 4, 2.0),
    "CosineAnnealingLR": lambda L, o: L.CosineAnnealingLR(o, 4, 0.1),
    "CosineAnnealingWarmRestarts": lambda L, o: L.CosineAnnealingWarmRestarts(o, 2, 2),
    "OneCycleLR": lambda L, o: L.OneCycleLR(o, 1.0, total_steps=11),
    "CyclicLR": lambda L, o: L.CyclicLR(o, 0.1, 0.9, 3, mode="triangular2"),
    "SequentialLR": lambda L, o: L.SequentialLR(o, [L.LinearLR(o, 0.1, 1.0, 3), L.CosineAnnealingLR(o, 6)],
                                                [3]),
    "ChainedScheduler": lambda L, o: L.ChainedScheduler([L.ConstantLR(o, 0.5, 4), L.ExponentialLR(o, 0.9)]),
}
MORE = {
    "LambdaLR list": lambda L, o: L.LambdaLR(o, [Power(0.5), lambda e: e // 3]),
    "three phases": lambda L, o: L.OneCycleLR(o, [1.0, 0.3], epochs=4, steps_per_epoch=10, three_phase=True,
                                              anneal_strategy="linear"),
    "no momentum": lambda L, o: L.OneCycleLR(o, 0.9, total_steps=50, pct_start=0.1, cycle_momentum=False),
    "down faster": lambda L, o: L.CyclicLR(o, 0.1, [0.5, 0.6], 5, 3),
    "exp_range": lambda L, o: L.CyclicLR(o, 0.1, 0.6, 4, mode="exp_range", gamma=0.97),
    "scale_fn": lambda L, o: L.CyclicLR(o, 0.1, 0.6, 4, scale_fn=Power(0.9), scale_mode="iterations",
                                        cycle_momentum=False),
    "three in a row": lambda L, o: L.SequentialLR(
        o, [L.LinearLR(o, 0.1, 1, 5), L.CosineAnnealingLR(o, 20), L.ExponentialLR(o, 0.9)], [5, 15]),
}
GOLDEN = {
    "LambdaLR": [0.5, 0.45, 0.405, 0.3645, 0.32805, 0.295245, 0.2657205, 0.23914845, 0.215233605,
                 0.1937102445],
    "MultiplicativeLR": [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625],
    "StepLR": [0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125, 0.0625, 0.0625],
    "MultiStepLR": [0.5, 0.5, 0.25, 0.25, 0.25, 0.0625, 0.0625, 0.0625],
    "ConstantLR": [0.25, 0.25, 0.25, 0.25, 0.5, 0.5, 0.5],
    "LinearLR": [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5],
    "ExponentialLR": [0.5, 0.45, 0.405, 0.3645, 0.32805, 0.295245, 0.2657205, 0.23914845],
    "PolynomialLR": [0.5, 0.28125, 0.125, 0.03125, 0.0, 0.0, 0.0],
    "CosineAnnealingLR": [0.5, 0.441421356237, 0.3, 0.158578643763, 0.1, 0.158578643763, 0.3, 0.441421356237,
                          0.5],
    "CosineAnnealingWarmRestarts": [0.5, 0.25, 0.5, 0.426776695297, 0.25, 0.073223304703, 0.5,
                                    0.480969883128],
    "OneCycleLR": [0.04, 0.422341113735, 0.960261424723, 0.979746567821, 0.884475724769, 0.726087049298,
                   0.530582708088, 0.330058028987, 0.1574325128, 0.041045543206, 4e-06],
    "CyclicLR": [0.1, 0.366666666667, 0.633333333333, 0.9, 0.633333333333, 0.366666666667, 0.1,
                 0.233333333333],
    "SequentialLR": [0.05, 0.2, 0.35, 0.5, 0.466506350946, 0.375, 0.25, 0.125, 0.033493649054, 0.0],
    "ChainedScheduler": [0.25, 0.225, 0.2025, 0.18225, 0.32805, 0.295245, 0.2657205, 0.23914845, 0.215233605],
}


class Power:
    """A callable object, whose attributes are saved."""

    def __init__(self, base):
        self.base = base

    def __call__(self, epoch):
        return self.base ** epoch


def two_groups(lib, optimizer="SGD", lr=0.5, **options):
    a, b = lib.ones(2, requires_grad=True), lib.ones(2, requires_grad=True)
    if optimizer == "SGD":
        options.setdefault("momentum", 0.9)
    return getattr(lib.optim, optimizer)([{"params": [a]}, {"params": [b], "lr": lr / 25}], lr=lr, **options)


def rates(optimizer, scheduler, steps):
    seen = [scheduler.get_last_lr()[0]]
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        seen.append(scheduler.get_last_lr()[0])
    return seen


@pytest.mark.parametrize("name", GOLDEN)
def test_rates(name):
    optimizer = SGD([torch.ones(1, requires_grad=True)], lr=0.5, momentum=0.9)
    expected = GOLDEN[name]
    assert rates(optimizer, MADE[name](schedules, optimizer), len(expected) - 1) == pytest.approx(expected,
                                                                                                  abs=1e-11)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(expected[-1], abs=1e-11)


def test_momentum_goes_the_other_way():
    optimizer = SGD([torch.ones(1, requires_grad=True)], lr=0.5, momentum=0.9)
    rates(optimizer, schedules.CyclicLR(optimizer, 0.1, 0.9, 4), 4)
    assert optimizer.param_groups[0]["momentum"] == pytest.approx(0.8)
    adam = AdamW([torch.ones(1, requires_grad=True)])
    schedules.OneCycleLR(adam, 1.0, total_steps=10)
    assert adam.param_groups[0]["betas"] == (0.95, 0.999)


def test_plateau():
    optimizer = two_groups(torch)
    scheduler = schedules.ReduceLROnPlateau(optimizer, factor=0.1, patience=1, cooldown=1,
                                            min_lr=[0.01, 0.001])
    seen = []
    for loss in [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]:
        scheduler.step(loss)
        seen.append(scheduler.get_last_lr()[0])
    assert seen == pytest.approx([0.5, 0.5, 0.5, 0.05, 0.05, 0.05, 0.01, 0.01, 0.01, 0.01])
    assert optimizer.param_groups[1]["lr"] == pytest.approx(0.001)
    saved = scheduler.state_dict()
    other = schedules.ReduceLROnPlateau(optimizer)
    other.load_state_dict(saved)
    assert other.best == 0.9 and other.mode_worse == float("inf")


def test_plateau_modes():
    optimizer = two_groups(torch)
    better = {("min", "rel"): 0.8, ("min", "abs"): 0.8, ("max", "rel"): 1.2, ("max", "abs"): 1.2}
    for (mode, threshold_mode), value in better.items():
        scheduler = schedules.ReduceLROnPlateau(optimizer, mode, threshold=0.1, threshold_mode=threshold_mode)
        scheduler.step(torch.tensor(1.0))
        scheduler.step(value)
        assert scheduler.best == value


def test_the_order_of_calls():
    optimizer = two_groups(torch)
    scheduler = schedules.StepLR(optimizer, 1)
    with pytest.warns(UserWarning, match="before `optimizer.step\\(\\)`"):
        scheduler.step()
    optimizer = two_groups(torch)
    scheduler = schedules.StepLR(optimizer, 1)
    optimizer.step = lambda: None
    with pytest.warns(UserWarning, match="has been overridden"):
        scheduler.step()
    scheduler.step()        # once is enough


def test_get_lr_and_epochs_warn():
    optimizer = two_groups(torch)
    scheduler = schedules.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match="please use `get_last_lr"):
        scheduler.get_lr()
    optimizer.step()
    with pytest.warns(UserWarning, match="epoch parameter"):
        scheduler.step(4)
    assert scheduler.get_last_lr()[0] == pytest.approx(0.005)


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda o: schedules.StepLR([], 1), TypeError, "list is not an Optimizer"),
    (lambda o: schedules.StepLR(o, 1, last_epoch=3), KeyError, "'initial_lr' is not specified"),
    (lambda o: schedules.LambdaLR(o, [lambda e: 1]), ValueError, "Expected 2 lr_lambdas, but got 1"),
    (lambda o: schedules.MultiplicativeLR(o, 3), TypeError, "lr_lambda should be a function, but got int"),
    (lambda o: schedules.ConstantLR(o, 2.0), ValueError, "between 0 and 1"),
    (lambda o: schedules.LinearLR(o, 0.0), ValueError, "greater than 0"),
    (lambda o: schedules.LinearLR(o, end_factor=2.0), ValueError, "between 0 and 1"),
    (lambda o: schedules.CosineAnnealingWarmRestarts(o, 0), ValueError, "positive integer T_0"),
    (lambda o: schedules.CosineAnnealingWarmRestarts(o, 1, 0), ValueError, "integer T_mult >= 1"),
    (lambda o: schedules.OneCycleLR(o, 1.0), ValueError, "either total_steps OR"),
    (lambda o: schedules.OneCycleLR(o, 1.0, total_steps=0), ValueError, "positive integer total_steps"),
    (lambda o: schedules.OneCycleLR(o, 1.0, total_steps=9, pct_start=2.0), ValueError, "pct_start"),
    (lambda o: schedules.OneCycleLR(o, 1.0, total_steps=9, anneal_strategy="x"), ValueError,
     "anneal_strategy"),
    (lambda o: schedules.OneCycleLR(o, [1.0], total_steps=9), ValueError, "must have the same length"),
    (lambda o: schedules.CyclicLR(o, 0.1, 1.0, mode="x"), ValueError, "mode is invalid"),
    (lambda o: schedules.ReduceLROnPlateau(o, factor=1.0), ValueError, "Factor should be < 1.0"),
    (lambda o: schedules.ReduceLROnPlateau(o, "x"), ValueError, "mode x is unknown"),
    (lambda o: schedules.ReduceLROnPlateau(o, min_lr=[1.0]), ValueError, "expected 2 min_lrs, got 1"),
    (lambda o: schedules.SequentialLR(o, [], []), ValueError, "at least one scheduler"),
    (lambda o: schedules.SequentialLR(o, [schedules.StepLR(o, 1)], [1]), ValueError, "one more than"),
    (lambda o: schedules.ChainedScheduler([schedules.ReduceLROnPlateau(o)]), ValueError, "ReduceLROnPlateau"),
    (lambda o: schedules.SequentialLR(o, [schedules.StepLR(two_groups(torch), 1)], []), ValueError,
     "same optimizer"),
])
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make(two_groups(torch))


def test_momentum_is_needed_to_cycle_it():
    optimizer = torch.optim.Adagrad([torch.ones(1, requires_grad=True)])
    with pytest.raises(ValueError, match="must support momentum or beta1"):
        schedules.CyclicLR(optimizer, 0.1, 1.0)
    scheduler = schedules.OneCycleLR(two_groups(torch), 1.0, total_steps=1, pct_start=0.5)
    scheduler.optimizer.step()
    scheduler.step()
    with pytest.raises(ValueError, match="Tried to step 2 times"):
        scheduler.step()


@pytest.mark.parametrize("name", MADE)
def test_resuming_from_state_dicts(name):
    first = two_groups(torch)
    scheduler = MADE[name](schedules, first)
    rates(first, scheduler, 3)
    saved = copy.deepcopy((first.state_dict(), scheduler.state_dict()))
    expected = rates(first, scheduler, 5)
    second = two_groups(torch)
    resumed = MADE[name](schedules, second)
    second.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    assert rates(second, resumed, 5) == expected


def test_the_scheduler_does_not_keep_its_optimizer_from_being_freed_twice():
    optimizer = two_groups(torch)
    schedules.StepLR(optimizer, 1)
    once = optimizer.step
    schedules.StepLR(optimizer, 1)
    assert optimizer.step is once       # wrapped once, however many schedules there are


@pytest.mark.oracle
@pytest.mark.parametrize("tensor_lr", [False, True], ids=["number", "tensor"])
@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
@pytest.mark.parametrize("name", [*MADE, *MORE])
def test_rates_and_state_equal_the_oracles_bit_by_bit(name, optimizer, tensor_lr):
    oracle = pytest.importorskip("torch")

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(v) for key, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(v) for v in value]
        return value.item() if hasattr(value, "item") else value

    def history(lib):
        made = two_groups(lib, optimizer)
        if tensor_lr:
            for group in made.param_groups:
                group["lr"] = lib.tensor(group["lr"])
        scheduler = {**MADE, **MORE}[name](lib.optim.lr_scheduler, made)
        seen = []
        for _ in range(11 if name == "OneCycleLR" else 30):
            made.step()
            scheduler.step()
            seen.append(plain([scheduler.get_last_lr(),
                               *(g.get("momentum", g.get("betas")) for g in made.param_groups)]))
        seen.append(plain(scheduler.state_dict()))
        if hasattr(scheduler, "_get_closed_form_lr") or name == "CosineAnnealingWarmRestarts":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for epoch in (3, 7, 0, 12):
                    scheduler.step(epoch)
                    seen.append(plain(scheduler.get_last_lr()))
        return seen

    assert history(torch) == history(oracle)
