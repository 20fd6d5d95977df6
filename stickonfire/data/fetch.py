"""One batch: from indices, or from a stream, to what the loop body gets.

Both the DataLoader itself and its workers use these. A TensorDataset (or a Subset of one) with the default
collate is read by one gather per tensor, since stacking rows one by one costs far more. May import: eager.
"""
from collections.abc import Callable
from typing import Any

from ..eager import Tensor, int64, tensor
from .collate import default_collate
from .dataset import IterableDataset, Subset, TensorDataset


class MapFetcher:
    """Reads `dataset[i]` for the indices of a batch, or for a lone index."""

    def __init__(self, dataset: Any, batched: bool, collate_fn: Callable[[Any], Any]) -> None:
        self.dataset = dataset
        self.batched = batched
        self.collate_fn = collate_fn
        self._can_gather = batched and collate_fn is default_collate and _is_table(dataset)

    def fetch(self, index: Any) -> Any:
        if not self.batched:
            return self.collate_fn(self.dataset[index])
        if self._can_gather and _plain_indices(index):
            return _gather(self.dataset, index)
        read_many = getattr(self.dataset, "__getitems__", None)
        samples = read_many(index) if read_many else [self.dataset[i] for i in index]
        return self.collate_fn(samples)


class StreamFetcher:
    """Reads the next samples of an iterable dataset; raises StopIteration at its end."""

    def __init__(self, dataset: Any, batched: bool, collate_fn: Callable[[Any], Any],
                 drop_last: bool) -> None:
        self.samples = iter(dataset)
        self.batched = batched
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.ended = False

    def fetch(self, index: Any) -> Any:
        if self.ended:
            raise StopIteration
        if not self.batched:
            return self.collate_fn(next(self.samples))
        batch = []
        for _ in index:
            try:
                batch.append(next(self.samples))
            except StopIteration:
                self.ended = True
                break
        if not batch or (self.drop_last and len(batch) < len(index)):
            raise StopIteration
        return self.collate_fn(batch)


def make_fetcher(dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool) -> Any:
    """The fetcher for this kind of dataset."""
    if isinstance(dataset, IterableDataset):
        return StreamFetcher(dataset, batched, collate_fn, drop_last)
    return MapFetcher(dataset, batched, collate_fn)


def _is_table(dataset: Any) -> bool:
    """Whether rows are all there is: a TensorDataset whose samples nobody redefines, or a Subset of one."""
    while type(dataset) is Subset:
        dataset = dataset.dataset
    return isinstance(dataset, TensorDataset) and type(dataset).__getitem__ is TensorDataset.__getitem__ \
        and not hasattr(dataset, "__getitems__")


def _plain_indices(index: Any) -> bool:
    return isinstance(index, list) and set(map(type, index)) == {int} and min(index) >= 0


def _gather(dataset: Any, indices: list[int]) -> list[Tensor]:
    """The batch default_collate would make of these samples: row `indices` of every tensor."""
    while isinstance(dataset, Subset):
        own = dataset.indices
        indices = [own[i] for i in indices]
        dataset = dataset.dataset
    rows = tensor(indices, dtype=int64)
    return [column.index_select(0, rows) for column in dataset.tensors]
