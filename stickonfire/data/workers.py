"""A worker process of the DataLoader: reads tasks from a pipe, fetches batches, sends them back.

A task is (epoch, number, index), or None for "stop"; an answer (epoch, number, batch), where the batch may be
a `WorkerError` or `EndOfStream`. Answers leave through a thread, so that a worker whose pipe is full still
takes tasks and the two sides never wait for each other. A worker ends when its pipe of tasks is closed or its
parent has gone. Called by pool.py. May import: eager, numpy.
"""
import os
import pickle
import queue
import random
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np

from ..eager import manual_seed, set_num_threads
from .dataset import IterableDataset
from .fetch import make_fetcher
from .transport import pack, receive, send, widen

SECONDS_BETWEEN_CHECKS = 5.0        # how long at most a worker outlives a parent that was killed


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What a worker knows of itself: its number, how many there are, its seed, its copy of the dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process of a DataLoader what it knows of itself; None in the main process.

    Source: PyTorch `get_worker_info`.
    """
    return _worker_info


@dataclass(frozen=True)
class WorkerJob:
    """All a worker needs to start."""

    dataset: Any
    batched: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    base_seed: int
    init_fn: Callable[[int], Any] | None
    worker_id: int
    num_workers: int


@dataclass(frozen=True)
class EndOfStream:
    """An answer: this worker's iterable dataset has no more samples in this epoch."""


class WorkerError:
    """An answer: an exception, in a form that survives pickling."""

    def __init__(self, error: BaseException, where: str) -> None:
        self.kind: type[BaseException] = type(error)
        self.name = type(error).__name__
        self.text = "".join(traceback.format_exception(error))
        self.where = where
        try:
            pickle.dumps(self.kind)
        except Exception:               # a class made inside a function
            self.kind = RuntimeError

    def reraise(self) -> None:
        """Raises an exception of the same type, with the worker's traceback in its message."""
        message = f"Caught {self.name} {self.where}.\nOriginal {self.text}"
        if issubclass(self.kind, KeyError):
            raise self.kind(_Verbatim(message))
        try:
            error = self.kind(message)
        except Exception:               # a type that wants other arguments
            raise RuntimeError(message) from None
        raise error


class _Verbatim(str):
    """A message that KeyError, which shows the repr of its argument, shows with its line breaks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def work(job: WorkerJob, tasks: Connection, answers: Connection, others: list[Connection]) -> None:
    """The main function of a worker process."""
    global _worker_info
    for connection in others:           # ends of pipes that a fork has copied and that are the parent's
        if not connection.closed:
            connection.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)    # Ctrl-C is for the parent, which then closes the pipes
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    set_num_threads(1)                              # the workers share the processor
    _seed(job.base_seed, job.worker_id)
    _worker_info = WorkerInfo(job.worker_id, job.num_workers, job.base_seed + job.worker_id, job.dataset)
    sender = _Sender(answers)
    try:
        _serve(job, tasks, sender)
    except (EOFError, OSError):         # the parent has closed the pipes
        pass


def _seed(base_seed: int, worker_id: int) -> None:
    seed = base_seed + worker_id
    random.seed(seed)
    manual_seed(seed)
    words = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(words).generate_state(4))


def _serve(job: WorkerJob, tasks: Connection, sender: "_Sender") -> None:
    where = f"in DataLoader worker process {job.worker_id}"
    fetcher, problem, present, ended = None, None, -1, False
    try:
        if job.init_fn is not None:
            job.init_fn(job.worker_id)
    except Exception as error:
        problem = WorkerError(error, where)
    parent = parent_process()
    parent_pid = os.getppid()
    waited_for: list[Any] = [tasks] if parent is None else [tasks, parent.sentinel]
    while True:
        ready = wait(waited_for, SECONDS_BETWEEN_CHECKS)
        if tasks not in ready:
            if ready or os.getppid() != parent_pid:
                return
            continue
        task = receive(tasks)
        if task is None:
            return
        epoch, number, index = task
        answer: Any
        try:
            if epoch != present:
                present, ended, fetcher = epoch, False, None
            if ended:
                continue
            if problem is not None:
                answer, problem = problem, None
            else:
                if fetcher is None:
                    fetcher = make_fetcher(job.dataset, job.batched, job.collate_fn, job.drop_last)
                answer = fetcher.fetch(index)
        except StopIteration as error:
            ended = isinstance(job.dataset, IterableDataset)        # from a map it is an error like others
            answer = EndOfStream() if ended else WorkerError(error, where)
        except Exception as error:
            answer = WorkerError(error, where)
        sender.put(epoch, number, answer, where)


class _Sender:
    """Packs answers in the calling thread and sends them in another."""

    def __init__(self, connection: Connection) -> None:
        widen(connection)
        self._connection = connection
        self._waiting: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def put(self, epoch: int, number: int, answer: Any, where: str) -> None:
        try:
            parts = pack((epoch, number, answer))
        except Exception as error:
            parts = pack((epoch, number, WorkerError(error, where)))
        self._waiting.put(parts)

    def _run(self) -> None:
        try:
            while True:
                send(self._connection, self._waiting.get())
        except OSError:                 # nobody is listening any more
            pass
