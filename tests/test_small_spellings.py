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


@pytest.mark.parametrize("name, way_out", [("to_sparse", "dense tensors only"), ("chalf", "cfloat"),
                                           ("q_scale", "quantised")])
def test_methods_that_are_missing_say_why(name, way_out):
    assert not hasattr(torch.ones(1), name) and not hasattr(torch.Tensor, name)
    with pytest.raises(AttributeError, match=f"no attribute '{name}': .*{way_out}"):
        getattr(torch.ones(1), name)


def test_functions_that_are_missing_say_why():
    for module, name, way_out in ((torch, "sparse_coo_tensor", "use dense tensors"), (torch, "float8_e5m2", "bfloat16"),
                                  (torch.optim, "SparseAdam", "Adam takes dense ones")):
        assert not hasattr(module, name)
        with pytest.raises(AttributeError, match=way_out):
            getattr(module, name)
