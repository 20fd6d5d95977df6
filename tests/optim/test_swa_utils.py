"""Averaged models, their update rules, and the schedule that goes with them."""
import pytest

import stickonfire as torch
from stickonfire.optim import swa_utils


def linear(value):
    model = torch.nn.Linear(2, 1)
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(value)
    return model


def averaged(values, **options):
    model = linear(values[0])
    average = swa_utils.AveragedModel(model, **options)
    for value in values:
        with torch.no_grad():
            for p in model.parameters():
                p.fill_(value)
        average.update_parameters(model)
    return average


def test_the_mean_of_all_updates():
    average = averaged([1.0, 2.0, 6.0])
    assert average.module.weight.tolist() == [[3.0, 3.0]]
    assert average.n_averaged.item() == 3
    assert list(average.state_dict()) == ["n_averaged", "module.weight", "module.bias"]
    assert average(torch.ones(1, 2)).item() == 9.0


@pytest.mark.parametrize("options", [
    {"avg_fn": swa_utils.get_ema_avg_fn(0.5)}, {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.5)}])
def test_exponential_moving_average(options):
    assert averaged([1.0, 2.0, 6.0], **options).module.bias.tolist() == [3.75]


def test_rules_given_by_hand():
    assert averaged([1.0, 3.0], multi_avg_fn=swa_utils.get_swa_multi_avg_fn()).module.bias.tolist() == [2.0]
    assert averaged([1.0, 3.0], avg_fn=swa_utils.get_swa_avg_fn(),
                    use_buffers=True).module.bias.tolist() == [2.0]
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn"):
        averaged([1.0], avg_fn=swa_utils.get_swa_avg_fn(), multi_avg_fn=swa_utils.get_swa_multi_avg_fn())
    with pytest.raises(ValueError, match="Invalid decay value 2"):
        swa_utils.get_ema_avg_fn(2)


@pytest.mark.parametrize(("options", "expected"), [
    ({"anneal_strategy": "linear", "anneal_epochs": 2}, [1.0, 0.75, 0.5, 0.5]),
    ({"anneal_strategy": "cos", "anneal_epochs": 2}, [1.0, 0.75, 0.5, 0.5]),
    ({"anneal_epochs": 0}, [0.5, 0.5, 0.5, 0.5])])
def test_swalr(options, expected):
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1.0)
    scheduler = swa_utils.SWALR(optimizer, 0.5, **options)
    seen = [scheduler.get_last_lr()[0]]
    for _ in range(3):
        optimizer.step()
        scheduler.step()
        seen.append(scheduler.get_last_lr()[0])
    assert seen == pytest.approx(expected)


def test_swalr_errors():
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1.0)
    with pytest.raises(ValueError, match="anneal_strategy must be one of"):
        swa_utils.SWALR(optimizer, 0.5, anneal_strategy="x")
    with pytest.raises(ValueError, match="anneal_epochs must be equal or greater than 0"):
        swa_utils.SWALR(optimizer, 0.5, anneal_epochs=-1)


def test_update_bn_takes_the_mean_over_all_batches():
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(1))
    swa_utils.update_bn([torch.tensor([[1.0], [3.0]]), (torch.tensor([[5.0], [7.0]]), None)], model.eval())
    assert model[0].running_mean.tolist() == [4.0]
    assert model[0].momentum == 0.1
    assert not model.training
    swa_utils.update_bn([], torch.nn.Linear(1, 1))
