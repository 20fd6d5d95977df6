"""The DataLoader: a dataset read in batches, in order or shuffled, here or in worker processes.

Random numbers are drawn as in PyTorch: each iterator draws one base seed from the generator, a RandomSampler
another one when its first index is asked for. Called by people. May import: eager.
"""
import multiprocessing
import multiprocessing.context
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from .collate import default_collate, default_convert
from .dataset import IterableDataset
from .fetch import make_fetcher
from .pool import EndOfStream, Schedule, WorkerDied, WorkerPool, default_context
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, draw_seed
from .workers import WorkerError, WorkerJob

T_co = TypeVar("T_co", covariant=True)
FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class DataLoader(Generic[T_co]):
    """Iterates over a dataset in batches.

    Shuffling, worker seeds and the order of batches equal PyTorch's for the same seed. With `num_workers`
    processes, each holds `prefetch_factor` (2) batches ready; `persistent_workers` keeps them for the next
    epoch.

    Raises: ValueError for options that exclude each other; in the loop, a worker's exception as its own type,
    and RuntimeError for a worker that was killed or took longer than `timeout` seconds.   Source: PyTorch
    `DataLoader`.

    >>> import stickonfire as torch
    >>> from stickonfire.utils.data import DataLoader, TensorDataset
    >>> _ = torch.manual_seed(0)
    >>> data = TensorDataset(torch.arange(4.0), torch.arange(4))
    >>> for x, y in DataLoader(data, batch_size=2, shuffle=True):
    ...     print(x, y)
    tensor([2., 1.]) tensor([2, 1])
    tensor([3., 0.]) tensor([3, 0])
    """

    _initialized = False

    def __init__(self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None,
                 sampler: Sampler[Any] | Iterable[Any] | None = None,
                 batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None, num_workers: int = 0,
                 collate_fn: Callable[[Any], Any] | None = None, pin_memory: bool = False,
                 drop_last: bool = False, timeout: float = 0,
                 worker_init_fn: Callable[[int], Any] | None = None, multiprocessing_context: Any = None,
                 generator: Any = None, *, prefetch_factor: int | None = None,
                 persistent_workers: bool = False, pin_memory_device: str = "",
                 in_order: bool = True) -> None:
        self.prefetch_factor = _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        _check_order(isinstance(dataset, IterableDataset), batch_size, shuffle, sampler, batch_sampler,
                     drop_last)
        self.dataset = dataset
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        if sampler is None:
            sampler = _default_sampler(dataset, bool(shuffle), generator)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        default = default_convert if batch_sampler is None else default_collate
        self.collate_fn: Callable[[Any], Any] = default if collate_fn is None else collate_fn
        self.persistent_workers = persistent_workers
        self._announced_length: int | None = None
        self._iterator: Any = None
        self._initialized = True
        self.check_worker_number_rationality()

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> Any:
        """The context worker processes are made in; None is the default one."""
        return self.__multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        if context is not None:
            context = _checked_context(context, self.num_workers)
        self.__multiprocessing_context = context

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __iter__(self) -> Iterator[Any]:
        if self.num_workers == 0:
            return _LocalIterator(self)
        if not self.persistent_workers:
            return _WorkerIterator(self)
        if self._iterator is None:
            self._iterator = _WorkerIterator(self)
        else:
            self._iterator.start_epoch(self)
        return self._iterator

    def __len__(self) -> int:
        """The number of batches; of an iterable dataset, what its own length makes of it."""
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        length = self._announced_length = len(self.dataset)         # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)

    def check_worker_number_rationality(self) -> None:
        """Warns if there are more workers than processors."""
        if not self.num_workers:
            return
        affinity = getattr(os, "sched_getaffinity", None)
        processors = len(affinity(0)) if affinity else os.cpu_count()
        if processors is None or self.num_workers > processors:
            warnings.warn(
                f"This DataLoader will create {self.num_workers} worker processes in total. Our suggested "
                f"max number of worker in current system is {processors}, which is smaller than what this "
                "DataLoader is going to create. Please be aware that excessive worker creation might get "
                "DataLoader running slow or even freeze, lower the worker number to avoid potential "
                "slowness/freeze if necessary.", stacklevel=3)


class _Iterator:
    """One pass over the loader: what the local and the multi-process one share."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._dataset = loader.dataset
        self._index_sampler = loader._index_sampler
        self._is_stream = isinstance(loader.dataset, IterableDataset)
        self._num_workers = loader.num_workers
        if loader.pin_memory:
            warnings.warn("'pin_memory' argument is set as true but no accelerator is found, then device "
                          "pinned memory won't be used.", stacklevel=4)
        self._indices = iter(self._index_sampler)       # before the seed is drawn, as in PyTorch
        self._base_seed = draw_seed(loader.generator)
        self._yielded = 0
        self._announced_length = loader._announced_length

    def __iter__(self) -> "_Iterator":
        return self

    def __len__(self) -> int:
        return len(self._index_sampler)

    def __next__(self) -> Any:
        data = self._next_data()
        self._yielded += 1
        if self._is_stream and self._announced_length is not None and self._yielded > self._announced_length:
            self._warn_about_length()
        return data

    def _next_data(self) -> Any:
        raise NotImplementedError

    def _warn_about_length(self) -> None:
        message = (f"Length of IterableDataset {self._dataset} was reported to be {self._announced_length}"
                   f"(when accessing len(dataloader)), but {self._yielded} samples have been fetched. ")
        if self._num_workers > 0:
            message += ("For multiprocessing data-loading, this could be caused by not properly configuring "
                        "the IterableDataset replica at each worker: share the samples by get_worker_info().")
        warnings.warn(message, stacklevel=3)

    def __getstate__(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} cannot be pickled")


class _LocalIterator(_Iterator):
    """Fetches in this process, when asked."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        self._fetch = make_fetcher(loader.dataset, loader._auto_collation, loader.collate_fn,
                                   loader.drop_last).fetch

    def _next_data(self) -> Any:
        return self._fetch(next(self._indices))


class _WorkerIterator(_Iterator):
    """Hands indices to worker processes ahead of time and delivers their batches in order."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        self._prefetch = loader.prefetch_factor or 0
        if self._prefetch <= 0:
            raise AssertionError("prefetch_factor must be greater than 0 for a DataLoader with workers")
        self._in_order = loader.in_order
        self._timeout = loader.timeout
        self._persistent = loader.persistent_workers
        jobs = [WorkerJob(loader.dataset, loader._auto_collation, loader.collate_fn, loader.drop_last,
                          self._base_seed, loader.worker_init_fn, worker, loader.num_workers)
                for worker in range(loader.num_workers)]
        self._pool = WorkerPool(loader.multiprocessing_context or default_context(), jobs)
        self._schedule = Schedule(loader.num_workers)
        self._fill()

    def start_epoch(self, loader: DataLoader[Any]) -> None:
        """Begins anew with the same processes; what is left of the last epoch is dropped when it arrives."""
        if not self._pool.close.alive:
            raise RuntimeError("the worker processes of this DataLoader have ended; make a new DataLoader")
        self._yielded = 0
        self._announced_length = loader._announced_length
        self._schedule.next_epoch()
        self._fill()

    def _fill(self) -> None:
        self._indices = iter(self._index_sampler)
        for _ in range(self._prefetch * self._num_workers):
            self._give_task()

    def _give_task(self) -> None:
        schedule = self._schedule
        most = None
        if not self._in_order:          # let no worker have more than its share
            most = max(1, self._prefetch * self._num_workers // max(1, sum(schedule.active)))
        try:
            index = next(self._indices)
        except StopIteration:
            return
        worker = schedule.pick(most)
        if worker is None:
            return
        schedule.owner[schedule.sent] = worker
        try:
            self._pool.give(worker, (schedule.epoch, schedule.sent, index))
        except WorkerDied as death:
            self._report(death)
        schedule.sent += 1

    def _next_data(self) -> Any:
        schedule = self._schedule
        while True:
            schedule.skip_lost()
            if schedule.due >= schedule.sent or not self._pool.close.alive:
                if not self._persistent:
                    self._pool.close()
                raise StopIteration
            if schedule.due in schedule.early:
                return self._deliver(schedule.due)
            task = self._receive()
            if task is not None and (task == schedule.due or not self._in_order):
                return self._deliver(task)

    def _receive(self) -> int | None:
        """Takes in one answer; its task, or None if it was no batch of this epoch."""
        schedule = self._schedule
        try:
            taken = self._pool.take(schedule.busy(), self._timeout or None)
        except WorkerDied as death:
            self._report(death)
        if taken is None:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
        worker, (epoch, task, answer) = taken
        if epoch != schedule.epoch:
            return None
        if isinstance(answer, EndOfStream):
            schedule.retire(worker)
            self._give_task()
            return None
        schedule.early[task] = answer
        return task

    def _deliver(self, task: int) -> Any:
        schedule = self._schedule
        answer = schedule.early.pop(task)
        del schedule.owner[task]
        self._give_task()
        if isinstance(answer, WorkerError):
            answer.reraise()
        return answer

    def _report(self, death: WorkerDied) -> None:
        pid = self._pool.pid(death.worker)
        self._pool.close()
        raise RuntimeError(f"DataLoader worker (pid(s) {pid}) exited unexpectedly. It was killed, for want "
                           "of memory perhaps, or its code ended the process; num_workers=0 shows the error "
                           "itself.") from death


class _Endless(Sampler[None]):
    """Indices for a dataset that has none."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


def _default_sampler(dataset: Any, shuffle: bool, generator: Any) -> Sampler[Any]:
    if isinstance(dataset, IterableDataset):
        return _Endless()
    return RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)


def _check_workers(num_workers: int, timeout: float, prefetch_factor: int | None,
                   persistent: bool) -> int | None:
    """Checks the options about workers; the prefetch factor to use."""
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError("prefetch_factor option could only be specified in multiprocessing. let num_workers "
                         "> 0 to enable multiprocessing, otherwise set prefetch_factor to None.")
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")
    return 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor


def _check_order(is_stream: bool, batch_size: int | None, shuffle: bool | None, sampler: Any,
                 batch_sampler: Any, drop_last: bool) -> None:
    """Raises ValueError where options about order and batches exclude each other."""
    if is_stream:
        if shuffle not in {False, None}:
            raise ValueError("DataLoader with IterableDataset: expected unspecified shuffle option, but got "
                             f"shuffle={shuffle}")
        if sampler is not None:
            raise ValueError("DataLoader with IterableDataset: expected unspecified sampler option, but got "
                             f"sampler={sampler}")
        if batch_sampler is not None:
            raise ValueError("DataLoader with IterableDataset: expected unspecified batch_sampler option, "
                             f"but got batch_sampler={batch_sampler}")
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, "
                             "and drop_last")
    elif batch_size is None and drop_last:
        raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")


def _checked_context(context: Any, num_workers: int) -> Any:
    if num_workers == 0:
        raise ValueError("multiprocessing_context can only be used with multi-process loading (num_workers > "
                         f"0), but got num_workers={num_workers}")
    if isinstance(context, str):
        methods = multiprocessing.get_all_start_methods()
        if context not in methods:
            raise ValueError("multiprocessing_context option should specify a valid start method in "
                             f"{methods!r}, but got multiprocessing_context={context!r}")
        return multiprocessing.get_context(context)
    if not isinstance(context, multiprocessing.context.BaseContext):
        raise TypeError("multiprocessing_context option should be a valid context object or a string "
                        f"specifying the start method, but got multiprocessing_context={context}")
    return context
