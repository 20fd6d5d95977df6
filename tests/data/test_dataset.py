"""Datasets, and cutting them at random."""
import warnings

import pytest

import stickonfire as torch
from stickonfire.utils.data import (
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)


class Count(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


def test_dataset_is_a_contract():
    with pytest.raises(NotImplementedError, match="should implement __getitem__"):
        Dataset()[0]
    assert Dataset[int] is not None


def test_tensor_dataset():
    data = TensorDataset(torch.arange(6).view(3, 2), torch.tensor([7, 8, 9]))
    assert len(data) == 3
    x, y = data[-1]
    assert x.tolist() == [4, 5] and y.item() == 9
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        TensorDataset(torch.ones(2), torch.ones(3))


def test_concat_and_addition():
    data = TensorDataset(torch.arange(2)) + TensorDataset(torch.arange(3) + 10)
    assert isinstance(data, ConcatDataset)
    assert [data[i][0].item() for i in range(5)] == [0, 1, 10, 11, 12]
    assert data[-1][0].item() == 12
    assert data.cumulative_sizes == [2, 5]
    with pytest.warns(FutureWarning, match="renamed"):
        assert data.cummulative_sizes == [2, 5]
    with pytest.raises(ValueError, match="absolute value of index"):
        data[-6]
    with pytest.raises(AssertionError, match="should not be an empty iterable"):
        ConcatDataset([])
    with pytest.raises(AssertionError, match="does not support IterableDataset"):
        ConcatDataset([Count(2)])


def test_chain_and_addition():
    data = Count(2) + Count(3)
    assert isinstance(data, ChainDataset)
    assert list(data) == [0, 1, 0, 1, 2]
    assert len(data) == 5
    with pytest.raises(AssertionError, match="only supports IterableDataset"):
        list(ChainDataset([[1]]))


def test_stack():
    pairs = StackDataset([1, 2, 3], "abc")
    assert pairs[1] == (2, "b")
    assert pairs.__getitems__([2, 0]) == [(3, "c"), (1, "a")]
    named = StackDataset(x=Subset([1, 2, 3], [2, 1, 0]), y="abc")
    assert named[0] == {"x": 3, "y": "a"}
    assert named.__getitems__([0, 2]) == [{"x": 3, "y": "a"}, {"x": 1, "y": "c"}]
    assert len(named) == 3
    for args, kwargs, message in (((), {}, "At least one"), (([1],), {"a": [1]}, "both types"),
                                  (([1], [1, 2]), {}, "Size mismatch")):
        with pytest.raises(ValueError, match=message):
            StackDataset(*args, **kwargs)


def test_subset():
    data = Subset("abcdef", [5, 0, 3])
    assert [data[i] for i in range(len(data))] == ["f", "a", "d"]
    assert data.__getitems__([2, 1]) == ["d", "a"]
    assert Subset(torch.arange(6), [5, 0, 3])[[0, 2]].tolist() == [5, 3]

    class Half(Subset):
        def __getitem__(self, i):
            return 0

    with pytest.raises(NotImplementedError, match="overrides __getitem__ but not __getitems__"):
        Half([1], [0])


def test_random_split():
    parts = random_split(range(10), [7, 3], torch.Generator().manual_seed(0))
    assert [part.indices for part in parts] == [[4, 1, 7, 5, 3, 9, 0], [8, 6, 2]]
    torch.manual_seed(0)
    assert [part.indices for part in random_split(range(10), [0.7, 0.3])] == [[4, 1, 7, 5, 3, 9, 0],
                                                                              [8, 6, 2]]
    assert [len(part) for part in random_split(range(11), [0.5, 0.25, 0.25])] == [6, 3, 2]
    with pytest.raises(ValueError, match="Sum of input lengths does not equal"):
        random_split(range(10), [3, 3])
    with pytest.raises(ValueError, match="Fraction at index 1 is not between 0 and 1"):
        random_split(range(10), [0.5, 1.5, -1.0])
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        random_split(range(1), [0.5, 0.5])


@pytest.mark.oracle
def test_splits_and_loading_equal_the_oracles():
    oracle = pytest.importorskip("torch")
    pytest.importorskip("torch.utils.data")

    def seen(lib):
        lib.manual_seed(3)
        table = lib.utils.data.TensorDataset(lib.arange(46).view(23, 2), lib.arange(23))
        parts = lib.utils.data.random_split(table, [0.6, 0.4])
        return [[[column.tolist() for column in batch] for batch in lib.utils.data.DataLoader(part, 4,
                                                                                              shuffle=True)]
                for part in parts]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert seen(torch) == seen(oracle)


def test_samples_of_an_iterable_dataset_are_batched():
    assert [batch.tolist() for batch in DataLoader(Count(5), batch_size=2)] == [[0, 1], [2, 3], [4]]
    assert [b.tolist() for b in DataLoader(Count(5), batch_size=2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(DataLoader(Count(3), batch_size=None)) == [0, 1, 2]
