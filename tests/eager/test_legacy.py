"""PyTorch's old constructors: sizes, data, classes by dtype."""

from __future__ import annotations

import warnings

import pytest

import stickonfire as torch


def test_sizes_give_memory_and_data_is_copied():
    assert torch.Tensor(2, 3).shape == (2, 3)
    assert torch.Tensor(torch.Size([4])).shape == (4,)
    assert torch.Tensor([1, 2]).tolist() == [1.0, 2.0] and torch.Tensor((2, 3)).dtype is torch.float32
    assert torch.Tensor().shape == (0,) and torch.Tensor(data=[5]).tolist() == [5.0]
    assert torch.ones(1, dtype=torch.int16).new([3, 4]).dtype is torch.int16


def test_a_tensor_gives_a_tensor_over_the_same_memory():
    x = torch.ones(2)
    y = torch.FloatTensor(x)
    y[0] = 5
    assert x[0] == 5


@pytest.mark.parametrize(
    "name, dtype",
    [
        ("FloatTensor", "float32"),
        ("DoubleTensor", "float64"),
        ("HalfTensor", "float16"),
        ("LongTensor", "int64"),
        ("IntTensor", "int32"),
        ("ShortTensor", "int16"),
        ("CharTensor", "int8"),
        ("ByteTensor", "uint8"),
        ("BoolTensor", "bool"),
    ],
)
def test_classes_by_dtype(name, dtype):
    kind = getattr(torch, name)
    made = kind([1, 0])
    assert made.dtype is getattr(torch, dtype) and kind(2, 3).shape == (2, 3) and kind().shape == (0,)
    assert isinstance(made, kind) and not isinstance(3, kind)
    assert made.type() == f"torch.{name}" and torch.ones(2).type(kind).dtype is made.dtype
    assert kind.dtype is made.dtype and repr(kind) == f"<class 'torch.{name}'>"


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: torch.Tensor(2.5), r"data must be a sequence \(got float\)"),
        (lambda: torch.Tensor(None), "data must be a sequence"),
        (lambda: torch.Tensor("a"), "invalid data type 'str'"),
        (lambda: torch.Tensor(2, 2.5), "invalid combination of arguments"),
        (lambda: torch.Tensor([1], dtype=torch.int64), "unexpected keyword argument 'dtype'"),
        (lambda: torch.FloatTensor(torch.arange(2)), "expected a tensor of torch.float32"),
    ],
)
def test_what_they_do_not_take(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_the_default_tensor_type():
    torch.set_default_tensor_type(torch.DoubleTensor)
    try:
        assert torch.ones(1).dtype is torch.float64
    finally:
        torch.set_default_tensor_type("torch.FloatTensor")
    assert torch.ones(1).dtype is torch.float32
    with pytest.raises(TypeError, match="tensor type"):
        torch.set_default_tensor_type("torch.NoTensor")
    with pytest.raises(TypeError, match="floating-point"):
        torch.set_default_tensor_type(torch.LongTensor)


def test_range_includes_its_end_and_warns():
    with pytest.warns(UserWarning, match="torch.range is deprecated"):
        assert torch.range(1, 4).tolist() == [1, 2, 3, 4]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert torch.range(0, 1, 0.35).shape == (3,) and torch.range(4, 1, -1).tolist() == [4, 3, 2, 1]
        with pytest.raises(RuntimeError, match="step must be nonzero"):
            torch.range(0, 1, 0)
        with pytest.raises(TypeError, match='missing 1 required positional arguments: "end"'):
            torch.range(3)
