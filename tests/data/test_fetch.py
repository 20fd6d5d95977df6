"""The gather that stands in for stacking rows one by one."""
import pytest

import stickonfire as torch
from stickonfire.data import fetch
from stickonfire.utils.data import DataLoader, Subset, TensorDataset


def table():
    return TensorDataset(torch.arange(20.0).view(10, 2), torch.arange(10))


def test_a_gather_gives_what_stacking_gives(monkeypatch):
    data = table()
    gathered = list(DataLoader(data, batch_size=4))
    monkeypatch.setattr(fetch, "_is_table", lambda dataset: False)
    stacked = list(DataLoader(data, batch_size=4))
    for a, b in zip(gathered, stacked, strict=True):
        assert type(a) is type(b) is list
        for x, y in zip(a, b, strict=True):
            assert x.tolist() == y.tolist() and x.dtype == y.dtype and x.is_contiguous()


def test_rows_are_not_read_one_by_one(monkeypatch):
    data = Subset(Subset(table(), [9, 8, 7, 6]), [0, 2, 3])
    monkeypatch.setattr(torch.Tensor, "__getitem__", None)
    ((x, y),) = DataLoader(data, batch_size=4)
    assert y.tolist() == [9, 7, 6]
    assert x.shape == (3, 2)


def test_samples_somebody_has_redefined_are_asked_for():
    class Doubled(TensorDataset):
        def __getitem__(self, i):
            return tuple(2 * column for column in super().__getitem__(i))

    ((x,),) = DataLoader(Doubled(torch.arange(3)), batch_size=3)
    assert x.tolist() == [0, 2, 4]
    ((x,),) = DataLoader(Subset(Doubled(torch.arange(3)), [2, 1]), batch_size=3)
    assert x.tolist() == [4, 2]


def test_negative_and_wrong_indices():
    batches = list(DataLoader(table(), batch_sampler=[[0, -1], [-10]]))
    assert [y.tolist() for _, y in batches] == [[0, 9], [0]]
    with pytest.raises(IndexError):
        list(DataLoader(table(), batch_sampler=[[10]]))


def test_a_batch_can_be_read_by_the_dataset_itself():
    class Many:
        def __len__(self):
            return 4

        def __getitems__(self, indices):
            return [10 * i for i in indices]

    assert [batch.tolist() for batch in DataLoader(Many(), batch_size=3)] == [[0, 10, 20], [30]]


def test_gradients_reach_the_tensors_of_the_dataset():
    w = torch.ones(4, requires_grad=True)
    ((x,),) = DataLoader(TensorDataset(w), batch_sampler=[[1, 1, 3]])
    x.sum().backward()
    assert w.grad.tolist() == [0.0, 2.0, 0.0, 1.0]
