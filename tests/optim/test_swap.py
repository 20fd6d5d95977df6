"""optim.swap_in_optimizer_params_and_state: other tensors in an optimizer's place for a while."""
import pytest

import stickonfire as torch


def parameter(value):
    w = torch.tensor([value], requires_grad=True)
    w.grad = torch.ones(1)
    return w


def test_steps_change_what_was_swapped_in_and_nothing_else():
    w, other = parameter(1.0), parameter(5.0)
    adam = torch.optim.Adam([w], lr=0.1)
    adam.step()
    before = w.item(), adam.state[w]["exp_avg"].item()
    swapped = {"state": {0: {k: v.clone() for k, v in adam.state_dict()["state"][0].items()}},
               "param_groups": [{**adam.state_dict()["param_groups"][0], "lr": 1.0}]}
    with torch.optim.swap_in_optimizer_params_and_state(adam, {"w": other}, swapped):
        adam.step()
    torch.testing.assert_close(other.item(), 4.0, rtol=0, atol=1e-3)
    assert (w.item(), adam.state[w]["exp_avg"].item()) == before
    assert swapped["state"][0]["step"].item() == 2 and adam.state[w]["step"].item() == 1
    assert adam.param_groups[0]["lr"] == 0.1


def test_restored_after_an_error_and_numbers_checked():
    w = parameter(1.0)
    sgd = torch.optim.SGD([w], lr=0.1)
    groups = sgd.param_groups
    with pytest.raises(KeyError):
        with torch.optim.swap_in_optimizer_params_and_state(sgd, {"w": parameter(2.0)}, sgd.state_dict()):
            raise KeyError
    assert sgd.param_groups is groups
    with pytest.raises(ValueError, match="2 tensors"):
        with torch.optim.swap_in_optimizer_params_and_state(sgd, {"a": w, "b": w}, sgd.state_dict()):
            pass
    with pytest.raises(ValueError, match="parameter groups"):
        with torch.optim.swap_in_optimizer_params_and_state(sgd, {"a": w}, {"state": {}, "param_groups": []}):
            pass
