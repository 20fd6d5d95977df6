"""The DataLoader in one process: order, options, errors, lengths."""
import pytest

import stickonfire as torch
from stickonfire.utils.data import DataLoader, IterableDataset, TensorDataset

OPTIONS = [{"batch_size": 4}, {"batch_size": 5, "shuffle": True},
           {"batch_size": 5, "shuffle": True, "drop_last": True}, {"batch_size": None},
           {"batch_size": None, "shuffle": True}, {"batch_sampler": [[1, 2], [3], [0, -1]]},
           {"batch_size": 3, "sampler": [5, 1, 7, 7]}]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(7))

    def __len__(self):
        return 5


def table(lib=torch):
    return lib.utils.data.TensorDataset(lib.arange(46).view(23, 2), lib.arange(23))


def test_shuffled_batches_for_a_seed():
    torch.manual_seed(0)
    loader = DataLoader(range(10), batch_size=3, shuffle=True)
    assert [batch.tolist() for batch in loader] == [[6, 7, 1], [4, 2, 0], [9, 8, 3], [5]]
    loader = DataLoader(range(10), batch_size=4, shuffle=True)
    assert [batch.tolist() for batch in loader] == [[2, 4, 7, 0], [8, 9, 5, 3], [6, 1]]
    assert [batch.tolist() for batch in loader] == [[7, 4, 5, 1], [9, 3, 8, 2], [0, 6]]


def test_lengths():
    assert len(DataLoader(range(10), batch_size=3)) == 4
    assert len(DataLoader(range(10), batch_size=3, drop_last=True)) == 3
    assert len(DataLoader(range(10), batch_size=None)) == 10
    assert len(DataLoader(Stream(), batch_size=2)) == 3
    assert len(DataLoader(Stream(), batch_size=2, drop_last=True)) == 2
    assert len(iter(DataLoader(range(10), batch_size=3))) == 4
    with pytest.raises(TypeError):
        len(DataLoader(IterableDataset()))


def test_a_stream_longer_than_it_said():
    loader = DataLoader(Stream(), batch_size=None)
    assert len(loader) == 5
    with pytest.warns(UserWarning, match="was reported to be 5"):
        assert list(loader) == list(range(7))


@pytest.mark.parametrize(("options", "message"), [
    ({"num_workers": -1}, "num_workers option should be non-negative"),
    ({"timeout": -1}, "timeout option should be non-negative"),
    ({"prefetch_factor": 2}, "prefetch_factor option could only be specified in multiprocessing"),
    ({"num_workers": 1, "prefetch_factor": -1}, "prefetch_factor option should be non-negative"),
    ({"persistent_workers": True}, "persistent_workers option needs num_workers > 0"),
    ({"sampler": [1], "shuffle": True}, "sampler option is mutually exclusive with shuffle"),
    ({"batch_sampler": [[1]], "batch_size": 2}, "batch_sampler option is mutually exclusive"),
    ({"batch_sampler": [[1]], "drop_last": True}, "batch_sampler option is mutually exclusive"),
    ({"batch_size": None, "drop_last": True}, "batch_size=None option disables auto-batching"),
    ({"batch_size": 0}, "batch_size should be a positive integer"),
    ({"drop_last": 3}, "drop_last should be a boolean"),
    ({"multiprocessing_context": "fork"}, "can only be used with multi-process loading"),
    ({"num_workers": 1, "multiprocessing_context": "x"}, "should specify a valid start method"),
])
def test_options_that_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        DataLoader(range(4), **options)


@pytest.mark.parametrize("options", [{"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}], ids=str)
def test_a_stream_has_no_order(options):
    with pytest.raises(ValueError, match="DataLoader with IterableDataset: expected unspecified"):
        DataLoader(Stream(), **options)


def test_attributes_are_fixed():
    loader = DataLoader(range(4))
    with pytest.raises(ValueError, match="batch_size attribute should not be set"):
        loader.batch_size = 3
    loader.collate_fn = list
    assert next(iter(loader)) == [0]
    with pytest.raises(TypeError, match="valid context object or a string"):
        DataLoader(range(4), num_workers=1, multiprocessing_context=4)


def test_pinned_memory_needs_an_accelerator():
    with pytest.warns(UserWarning, match="no accelerator is found"):
        list(DataLoader(range(4), pin_memory=True))


def test_functions_of_the_users():
    loader = DataLoader(range(5), batch_size=2, collate_fn=sum)
    assert list(loader) == [1, 5, 4]
    assert DataLoader[int] is not None


def test_an_exception_passes_through_unchanged():
    class Bad:
        def __len__(self):
            return 3

        def __getitem__(self, i):
            raise LookupError(i)

    with pytest.raises(LookupError, match="^0$"):
        next(iter(DataLoader(Bad())))


def test_the_names_of_other_files():
    from stickonfire.utils.data.dataloader import DataLoader as Same
    from stickonfire.utils.data.dataset import TensorDataset as SameToo
    from stickonfire.utils.data.distributed import DistributedSampler  # noqa: F401
    from stickonfire.utils.data.sampler import RandomSampler  # noqa: F401

    assert Same is DataLoader and SameToo is TensorDataset


@pytest.mark.oracle
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options))
def test_batches_and_random_streams_equal_the_oracles(options):
    oracle = pytest.importorskip("torch")
    pytest.importorskip("torch.utils.data")

    def seen(lib):
        lib.manual_seed(7)
        loader = lib.utils.data.DataLoader(table(lib), **options)
        epochs = [[[column.tolist() for column in batch] for batch in loader] for _ in range(2)]
        own = lib.utils.data.DataLoader(table(lib), generator=lib.Generator().manual_seed(3), **options)
        return epochs, [len(batch) for batch in own], len(loader), lib.rand(1).item()

    assert seen(torch) == seen(oracle)
