"""The parent's side of the worker processes: starts them, hands out tasks, takes in batches, ends them.

Each worker has two pipes of its own and no lock is shared, so a worker that is killed harms no other, and its
death is seen at once. Tasks go round the workers in turn and batches are delivered in the order of the tasks.
There are no threads here: a process may be forked from a program at any time. Used by loader.py. May import:
eager.
"""
import contextlib
import multiprocessing
import os
import select
import sys
import time
import warnings
import weakref
from multiprocessing.connection import Connection, wait
from pickle import PicklingError
from typing import Any

from .transport import pack, receive, send, widen
from .workers import EndOfStream, WorkerJob, work

SECONDS_TO_FINISH = 5.0         # for what workers are doing when the pool is closed; then force is used

_our_ends: "weakref.WeakSet[Connection]" = weakref.WeakSet()     # of all pools: forks close them


def default_context() -> Any:
    """Fork on Linux, since nothing need be picklable then; elsewhere, or if the user has chosen, Python's."""
    if sys.platform == "linux" and multiprocessing.get_start_method(allow_none=True) is None:
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context()


class WorkerDied(Exception):
    """A worker ended without being told to; `worker` is its number."""

    def __init__(self, worker: int) -> None:
        super().__init__(worker)
        self.worker = worker


class WorkerPool:
    """The processes and their pipes. `close()`, garbage collection or the end of the program ends them."""

    def __init__(self, context: Any, jobs: list[WorkerJob]) -> None:
        self._tasks: list[Connection] = []          # our ends of the pipes
        self._answers: list[Connection] = []
        self._processes: list[Any] = []
        self.close = weakref.finalize(self, _close, os.getpid(), self._tasks, self._answers, self._processes)
        try:
            for job in jobs:
                self._start(context, job)
        except BaseException:
            self.close()
            raise

    def _start(self, context: Any, job: WorkerJob) -> None:
        theirs_tasks, our_tasks = context.Pipe(duplex=False)
        our_answers, theirs_answers = context.Pipe(duplex=False)
        widen(our_tasks)
        self._tasks.append(our_tasks)
        self._answers.append(our_answers)
        _our_ends.update((our_tasks, our_answers))
        inherited = list(_our_ends) if context.get_start_method() == "fork" else []
        process = context.Process(target=work, args=(job, theirs_tasks, theirs_answers, inherited),
                                  daemon=True)
        try:
            process.start()
        except (TypeError, AttributeError, PicklingError):
            warnings.warn("Got pickle error when attempting to start a worker Process. This might be because "
                          "the dataset, collate_fn or worker_init_fn is not picklable, which every start "
                          "method but 'fork' needs it to be; try multiprocessing_context='fork'.",
                          stacklevel=2)
            raise
        finally:
            theirs_tasks.close()
            theirs_answers.close()
        self._processes.append(process)

    def pid(self, worker: int) -> int:
        return self._processes[worker].pid

    def give(self, worker: int, task: tuple[int, int, Any]) -> None:
        """Sends a task. Raises WorkerDied."""
        try:
            send(self._tasks[worker], pack(task))
        except OSError as error:
            raise WorkerDied(worker) from error

    def take(self, workers: list[int], timeout: float | None) -> tuple[int, Any] | None:
        """The next answer of one of these workers, as (worker, answer); None after `timeout` seconds.

        Raises: WorkerDied.
        """
        sources: dict[Any, int] = {}
        for worker in workers:
            sources[self._answers[worker]] = worker
            sources[self._processes[worker].sentinel] = worker
        ready = wait(list(sources), timeout)
        if not ready:
            return None
        for source in ready:            # answers first: a worker may have ended after its last one
            if isinstance(source, int):
                continue
            try:
                return sources[source], receive(source)         # type: ignore[arg-type]
            except (EOFError, OSError) as error:
                raise WorkerDied(sources[source]) from error
        raise WorkerDied(sources[ready[0]])


def _close(owner: int, tasks: list[Connection], answers: list[Connection], processes: list[Any]) -> None:
    """Closes the pipes, which ends idle workers, and after a while the processes that have not ended."""
    is_owner = os.getpid() == owner
    for connection in tasks:
        if is_owner:
            _tell_to_stop(connection)
    for connection in (*tasks, *answers):
        _our_ends.discard(connection)
        with contextlib.suppress(OSError):
            connection.close()
    if not is_owner:                    # a forked copy of the pool: the processes are not its children
        return
    deadline = time.monotonic() + SECONDS_TO_FINISH
    for end_by_force in ("join", "terminate", "kill"):
        alive = [process for process in processes if process.is_alive()]
        for process in alive:
            if end_by_force != "join":
                getattr(process, end_by_force)()
        for process in alive:
            process.join(max(0.0, deadline - time.monotonic()))
        deadline = time.monotonic() + SECONDS_TO_FINISH


def _tell_to_stop(tasks: Connection) -> None:
    """Sends "stop" if there is room for it. Closing the pipe says the same, unless a fork holds it open."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError, ValueError):
        if select.select([], [tasks], [], 0)[1]:
            send(tasks, pack(None))


class Schedule:
    """Which worker has which task of the present epoch, and which answers have come too early."""

    def __init__(self, workers: int) -> None:
        self.epoch = -1
        self.active: list[bool] = []
        self._workers = workers
        self.next_epoch()

    def next_epoch(self) -> None:
        self.epoch += 1
        self.active = [True] * self._workers
        self.sent = 0                               # the number of the next task
        self.due = 0                                # the number of the next answer to deliver
        self.owner: dict[int, int] = {}             # task -> worker, for tasks that have not been delivered
        self.early: dict[int, Any] = {}             # task -> answer
        self._turn = 0

    def pending(self, worker: int) -> int:
        """How many tasks this worker has not answered."""
        return sum(owner == worker and task not in self.early for task, owner in self.owner.items())

    def busy(self) -> list[int]:
        """The workers an answer can come from."""
        return sorted({owner for task, owner in self.owner.items() if task not in self.early})

    def pick(self, most: int | None) -> int | None:
        """The next worker in turn that still has samples and fewer than `most` tasks, if that is given."""
        for _ in range(self._workers):
            worker = self._turn
            self._turn = (self._turn + 1) % self._workers
            if self.active[worker] and (most is None or self.pending(worker) < most):
                return worker
        return None

    def retire(self, worker: int) -> None:
        """This worker's stream has ended: what it has not answered it never will."""
        self.active[worker] = False
        for task in [t for t, owner in self.owner.items() if owner == worker and t not in self.early]:
            del self.owner[task]

    def skip_lost(self) -> None:
        """Moves on past tasks that will not be answered."""
        while self.due < self.sent and self.due not in self.owner:
            self.due += 1


__all__ = ["EndOfStream", "Schedule", "WorkerDied", "WorkerPool", "default_context"]
