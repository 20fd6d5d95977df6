"""DistributedSampler: each of several processes reads its share of a dataset.

The number of processes and one's own number are given by hand; nothing here talks to the others. May import:
eager.
"""
import math
from collections.abc import Iterator
from typing import Any

from ..eager import Generator, randperm
from .sampler import Sampler


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th index from `rank` on, of an order that is the same in all processes.

    Call `set_epoch` before each epoch, or the order stays the same. Without `drop_last` the first indices are
    repeated until all processes get equally many.

    Raises: ValueError for a rank that is out of range; RuntimeError where the two numbers are not given.
    Source: PyTorch `torch.utils.data.distributed.DistributedSampler`.

    >>> import stickonfire as torch
    >>> list(torch.utils.data.DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]
    """

    def __init__(self, dataset: Any, num_replicas: int | None = None, rank: int | None = None,
                 shuffle: bool = True, seed: int = 0, drop_last: bool = False) -> None:
        if num_replicas is None or rank is None:
            raise RuntimeError("Requires distributed package to be available, or num_replicas and rank to be given")
        if rank >= num_replicas or rank < 0:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        length = len(dataset)
        if drop_last and length % num_replicas != 0:
            self.num_samples = math.ceil((length - num_replicas) / num_replicas)
        else:
            self.num_samples = math.ceil(length / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        length = len(self.dataset)
        if self.shuffle:
            generator = Generator()
            generator.manual_seed(self.seed + self.epoch)
            order = randperm(length, generator=generator).tolist()
        else:
            order = list(range(length))
        if not self.drop_last:
            order *= math.ceil(self.total_size / max(1, length))
        return iter(order[:self.total_size][self.rank::self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Makes the order depend on the epoch."""
        self.epoch = epoch
