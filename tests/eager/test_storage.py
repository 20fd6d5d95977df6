"""Storages: the memory that a tensor and its views share."""

from __future__ import annotations

import pytest

import stickonfire as torch


def test_views_share_a_storage():
    x = torch.arange(6.0).view(2, 3)
    storage = x[1:].untyped_storage()
    assert storage.nbytes() == storage.size() == len(storage) == 24
    assert storage.data_ptr() == x.data_ptr() and x[1:].storage_offset() == 3
    assert torch.is_storage(storage) and not torch.is_storage(x)


def test_bytes_are_the_memory_itself():
    x = torch.ones(2, dtype=torch.int16)
    storage = x.untyped_storage()
    assert storage.tolist() == [1, 0, 1, 0] and list(storage) == storage.tolist() and storage[2] == 1
    storage[0] = 7
    assert x.tolist() == [7, 1]
    copy = storage.clone()
    storage.fill_(0)
    assert x.tolist() == [0, 0] and copy.tolist() == [7, 0, 1, 0]
    storage.copy_(copy)
    assert x.tolist() == [7, 1]
    assert repr(storage).endswith("[torch.storage.UntypedStorage(device=cpu) of size 4]")


def test_elements_of_a_dtype():
    x = torch.ones(2, 3)
    storage = x.storage()
    assert (
        storage.dtype is torch.float32
        and len(storage) == 6
        and storage.nbytes() == 24
        and storage.element_size() == 4
    )
    storage[1] = 5
    assert x[0, 1] == 5 and storage.tolist() == [1, 5, 1, 1, 1, 1]
    assert torch.FloatTensor(storage).tolist() == storage.tolist() and storage[0:2].tolist() == [1, 5]
    assert storage.untyped().nbytes() == 24 and storage.data_ptr() == x.data_ptr()
    assert "dtype=torch.float32" in repr(storage)
    with pytest.raises(TypeError, match="expected a storage of torch.int64"):
        torch.LongTensor(storage)


def test_set_makes_a_tensor_look_into_a_storage():
    x = torch.arange(6.0)
    y = torch.empty(0).set_(x.untyped_storage(), 1, (2, 2), (2, 1))
    assert y.tolist() == [[1, 2], [3, 4]]
    y[0, 0] = 9
    assert x[1] == 9
    assert torch.empty(0).set_(x).is_set_to(x) and x.set_().shape == (0,)
    with pytest.raises(RuntimeError, match="Could not set tensor of type torch.int64"):
        torch.ones(2).set_(torch.arange(3))


def test_storages_of_their_own():
    assert torch.FloatStorage(3).tolist() == [0, 0, 0] and torch.LongStorage([1, 2]).dtype is torch.int64
    assert torch.UntypedStorage(2).nbytes() == 2 and torch.UntypedStorage([1, 2]).tolist() == [1, 2]
