"""Switches of the process, layouts, memory formats, and the modules under PyTorch's names that answer for devices."""

from __future__ import annotations

import importlib
import pickle

import pytest

import stickonfire as torch


def test_the_default_device():
    assert torch.get_default_device() == torch.device("cpu")
    torch.set_default_device("cuda")
    try:
        for make in (torch.ones, torch.rand, torch.empty):
            with pytest.raises(AssertionError, match="CUDA"):
                make(2)
        assert torch.ones(2, device="cpu").sum() == 2
    finally:
        torch.set_default_device(None)
    with torch.device("cpu") as where:
        assert torch.get_default_device() == where == torch.ones(2).device


def test_threads():
    before = torch.get_num_threads()
    assert before >= 1
    torch.set_num_threads(1)
    torch.set_num_threads(before)
    with pytest.raises(RuntimeError, match="positive integer, but got 0"):
        torch.set_num_threads(0)
    with pytest.raises(RuntimeError, match="expects an int, but got float"):
        torch.set_num_threads(1.5)
    assert torch.get_num_interop_threads() >= 1
    for wrong in (0, "a"):
        with pytest.raises(RuntimeError, match="set_num_interop_threads expects"):
            torch.set_num_interop_threads(wrong)


def test_determinism_is_remembered():
    for mode, number in (("warn", 1), ("error", 2), (0, 0)):
        torch.set_deterministic_debug_mode(mode)
        assert torch.get_deterministic_debug_mode() == number
    torch.use_deterministic_algorithms(True, warn_only=True)
    assert (
        torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled()
    )
    torch.use_deterministic_algorithms(False)
    assert not torch.are_deterministic_algorithms_enabled()
    for wrong, kind in (("x", RuntimeError), (7, RuntimeError), (1.5, TypeError)):
        with pytest.raises(kind, match="debug_mode"):
            torch.set_deterministic_debug_mode(wrong)
    with pytest.raises(TypeError, match="'mode' must be bool"):
        torch.use_deterministic_algorithms(1)


def test_precision_and_others_are_remembered():
    torch.set_float32_matmul_precision("high")
    assert torch.get_float32_matmul_precision() == "high"
    torch.set_float32_matmul_precision("highest")
    with pytest.raises(RuntimeError, match="is not one of"):
        torch.set_float32_matmul_precision("low")
    torch.set_warn_always(True)
    assert torch.is_warn_always_enabled()
    torch.set_warn_always(False)
    assert torch.set_flush_denormal(True) is False


def test_names_of_types():
    assert torch.typename(torch.ones(2)) == "torch.FloatTensor" and torch.typename(3) == "int"
    assert torch.result_type(torch.ones(2, dtype=torch.int32), 1.5) is torch.float32
    with pytest.raises(TypeError, match="expected tensors and numbers"):
        torch.result_type("a", 1)


@pytest.mark.parametrize("name", ["cudnn", "cuda", "mps", "mkldnn", "mkl", "openmp", "opt_einsum"])
def test_switches_of_libraries(name):
    module = getattr(torch.backends, name)
    assert module is importlib.import_module(f"stickonfire.backends.{name}")
    assert not getattr(module, "is_available", lambda: False)()


def test_switches_of_libraries_can_be_set(monkeypatch):
    for switches, name in ((torch.backends.cudnn, "benchmark"), (torch.backends.cuda.matmul, "allow_tf32")):
        monkeypatch.setattr(switches, name, True)
        assert getattr(switches, name)
    with pytest.raises(AttributeError, match="nosuch"):
        getattr(torch.backends, "nosuch")  # noqa: B009


def test_devices_that_are_not_there_say_so():
    assert not (torch.cuda.is_available() or torch.mps.is_available() or torch.xpu.is_available())
    assert torch.cuda.device_count() == torch.mps.device_count() == torch.xpu.device_count() == 0
    assert torch.cpu.is_available() and torch.cpu.device_count() == 1
    assert not torch.accelerator.is_available() and torch.accelerator.current_accelerator() is None
    for call in (torch.accelerator.current_device_index, torch.accelerator.synchronize):
        with pytest.raises(RuntimeError, match="Cannot access accelerator"):
            call()
    for call in (
        torch.cuda.init,
        torch.cuda.get_device_name,
        torch.cuda.current_device,
        torch.cuda.synchronize,
    ):
        with pytest.raises(AssertionError, match="CUDA"):
            call()
    assert torch.cuda.memory_allocated() == torch.cuda.max_memory_allocated() == 0
    assert torch.version.cuda is None and torch.types.Tensor is torch.Tensor


def test_layouts_and_memory_formats():
    assert torch.ones(2).layout is torch.strided and repr(torch.channels_last) == "torch.channels_last"
    x = torch.arange(120.0).view(2, 3, 4, 5)
    y = x.contiguous(memory_format=torch.channels_last)
    assert y.stride() == (60, 1, 15, 3) and y.equal(x) and y.dim_order() == (0, 2, 3, 1)
    assert y.is_contiguous(memory_format=torch.channels_last) and not y.is_contiguous()
    assert y.contiguous(memory_format=torch.channels_last) is y and y.contiguous().stride() == x.stride()
    assert y.clone().stride() == (y + 1).stride() == torch.zeros_like(y).stride() == y.stride()
    assert torch.empty(2, 3, 4, 5, memory_format=torch.channels_last).stride() == y.stride()
    assert y.clone(memory_format=torch.contiguous_format).stride() == x.stride()
    with pytest.raises(RuntimeError, match="required rank 4 tensor to use channels_last"):
        torch.empty(2, memory_format=torch.channels_last)
    with pytest.raises(TypeError, match="must be torch.memory_format, not int"):
        x.contiguous(memory_format=3)
    with pytest.raises(NotImplementedError, match="sparse_coo is not there"):
        torch.zeros(2, layout=torch.sparse_coo)
    with pytest.raises(TypeError, match="must be torch.layout, not str"):
        torch.zeros(2, layout="strided")


def test_gradients_flow_through_a_change_of_format():
    x = torch.ones(1, 2, 2, 2, requires_grad=True)
    (x.contiguous(memory_format=torch.channels_last) * 3).sum().backward()
    assert x.grad.unique().tolist() == [3]


def test_a_device_can_be_pickled():
    assert pickle.loads(pickle.dumps(torch.device("cuda:1"))) == torch.device("cuda:1")
