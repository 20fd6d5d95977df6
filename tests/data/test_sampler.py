"""Samplers: orders that equal PyTorch's for the same seed."""
import pytest

import stickonfire as torch
from stickonfire.utils.data import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

DRAWS = {
    "permutation": lambda D, g: D.RandomSampler(range(10), generator=g),
    "more than once": lambda D, g: D.RandomSampler(range(10), num_samples=25, generator=g),
    "replacement": lambda D, g: D.RandomSampler(range(10), True, 75, g),
    "subset": lambda D, g: D.SubsetRandomSampler(range(10, 20), g),
    "weights": lambda D, g: D.WeightedRandomSampler([0.1, 0.2, 3.0], 9, generator=g),
    "weights, each once": lambda D, g: D.WeightedRandomSampler([0.1, 0.2, 3.0], 3, False, g),
}


def test_orders_for_a_seed():
    torch.manual_seed(0)
    assert list(RandomSampler(range(5))) == [1, 3, 4, 2, 0]
    torch.manual_seed(0)
    assert list(RandomSampler(range(5), True, 12)) == [1, 0, 4, 3, 4, 0, 2, 3, 4, 1, 3, 0]
    assert list(SubsetRandomSampler(range(5, 10))) == [8, 6, 5, 9, 7]
    assert list(WeightedRandomSampler([1.0, 2.0, 3.0], 6)) == [2, 2, 2, 1, 1, 2]


def test_a_generator_of_ones_own_leaves_the_default_one_alone():
    torch.manual_seed(0)
    expected = torch.rand(1).item()
    torch.manual_seed(0)
    first = list(RandomSampler(range(9), generator=torch.Generator().manual_seed(4)))
    assert torch.rand(1).item() == expected
    assert list(RandomSampler(range(9), generator=torch.Generator().manual_seed(4))) == first


def test_lengths():
    assert len(SequentialSampler("abc")) == 3
    assert len(RandomSampler("abc")) == 3 and len(RandomSampler("abc", num_samples=7)) == 7
    assert len(SubsetRandomSampler([4, 2])) == 2
    assert len(WeightedRandomSampler([1.0], 5)) == 5
    assert len(BatchSampler(range(7), 3, False)) == 3 and len(BatchSampler(range(7), 3, True)) == 2


def test_batches():
    assert list(BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert list(BatchSampler([], 2, False)) == []


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: RandomSampler(range(3), replacement=1), TypeError, "replacement should be a boolean"),
    (lambda: RandomSampler(range(3), num_samples=0), ValueError, "num_samples should be a positive integer"),
    (lambda: RandomSampler([]), ValueError, "num_samples=0"),
    (lambda: WeightedRandomSampler([1.0], True), ValueError, "num_samples should be a positive integer"),
    (lambda: WeightedRandomSampler([1.0], 1, 1), ValueError, "replacement should be a boolean"),
    (lambda: WeightedRandomSampler([[1.0]], 1), ValueError, "should be a 1d sequence"),
    (lambda: BatchSampler(range(3), 0, False), ValueError, "batch_size should be a positive integer"),
    (lambda: BatchSampler(range(3), 1, 1), ValueError, "drop_last should be a boolean"),
    (lambda: DistributedSampler(range(3), 2, 2), ValueError, "Invalid rank 2"),
    (lambda: DistributedSampler(range(3)), RuntimeError, "Requires distributed package"),
    (lambda: iter(Sampler()), NotImplementedError, "__iter__"),
])
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_shares_of_several_processes():
    shares = [DistributedSampler(range(10), 4, rank, shuffle=False) for rank in range(4)]
    assert [list(share) for share in shares] == [[0, 4, 8], [1, 5, 9], [2, 6, 0], [3, 7, 1]]
    assert list(DistributedSampler(range(10), 4, 0, shuffle=False, drop_last=True)) == [0, 4]
    share = DistributedSampler(range(7), 3, 1, seed=5)
    assert list(share) == [0, 6, 1] and len(share) == 3
    share.set_epoch(1)
    assert list(share) != [0, 6, 1]


@pytest.mark.oracle
@pytest.mark.parametrize("own", [False, True], ids=["default generator", "own generator"])
@pytest.mark.parametrize("name", DRAWS)
def test_draws_equal_the_oracles(name, own):
    oracle = pytest.importorskip("torch")
    pytest.importorskip("torch.utils.data")

    def seen(lib):
        lib.manual_seed(11)
        generator = lib.Generator().manual_seed(5) if own else None
        sampler = DRAWS[name](lib.utils.data, generator)
        return [list(sampler), list(sampler), lib.rand(1).item()]

    assert seen(torch) == seen(oracle)
