"""Names that PyTorch has and that have little to do here: torch.autograd's switches, torch.accelerator, testing."""
import pytest

import stickonfire as torch


def test_switches_are_remembered_for_a_block():
    assert torch.autograd.is_multithreading_enabled() and not torch.autograd.is_view_replay_enabled()
    with torch.autograd.set_multithreading_enabled(False):
        assert not torch.autograd.is_multithreading_enabled()
    assert torch.autograd.is_multithreading_enabled()
    with torch.autograd.enforce_grad_layout_policy(False):
        pass


def test_tensor_likes():
    class Like:
        @classmethod
        def __torch_function__(cls, function, types, args, kwargs):
            return -1
    assert torch.autograd.is_tensor_like(torch.ones(1)) and torch.autograd.is_tensor_like(Like())
    assert not torch.autograd.is_tensor_like(6)
    with pytest.raises(RuntimeError, match="deprecated"):
        torch.autograd.variable(1)


def test_no_device_index_but_none():
    with torch.accelerator.device_index(None):
        pass
    with pytest.raises(RuntimeError, match="accelerator"):
        with torch.accelerator.device_index(0):
            pass


def test_the_old_name_of_assert_close():
    with pytest.warns(FutureWarning, match="deprecated"):
        torch.testing.assert_allclose(torch.ones(2), [1.0, 1.0])
    with pytest.warns(FutureWarning), pytest.raises(AssertionError):
        torch.testing.assert_allclose(torch.ones(2), torch.zeros(2))
