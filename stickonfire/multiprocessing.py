"""PyTorch's `torch.multiprocessing`: Python's module, and `spawn`, which starts several workers and waits for them.

Floor 2: called by users. Imports nothing of ours. Tensors travel between processes as copies; PyTorch shares memory.
"""
from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import pickle
import signal
import traceback
from collections.abc import Callable
from multiprocessing import *  # noqa: F403  (Python's own list of names)
from typing import Any

__all__ = [*multiprocessing.__all__,  # noqa: PLE0604  (Python's own list: it is made at run time)
           "ProcessContext", "ProcessException", "ProcessExitedException",
           "ProcessRaisedException", "SpawnContext", "get_all_sharing_strategies", "get_sharing_strategy",
           "set_sharing_strategy", "spawn", "start_processes"]


class ProcessException(Exception):
    """A worker of `spawn` failed.   Source: PyTorch `torch.multiprocessing.ProcessException`."""

    def __init__(self, msg: str, error_index: int, pid: int) -> None:
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, pid

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.msg, self.error_index, self.pid)


class ProcessRaisedException(ProcessException):
    """A worker raised an exception; its traceback is in the message."""


class ProcessExitedException(ProcessException):
    """A worker ended with another exit code than 0, or was killed by a signal."""

    def __init__(self, msg: str, error_index: int, error_pid: int, exit_code: int,
                 signal_name: str | None = None) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code, self.signal_name = exit_code, signal_name

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.msg, self.error_index, self.pid, self.exit_code, self.signal_name)


class ProcessContext:
    """The workers that `spawn(join=False)` started; `join` waits for them."""

    def __init__(self, processes: list[Any], pipes: list[Any]) -> None:
        self.processes, self._pipes = processes, pipes
        self._texts: dict[int, str | None] = {}         # what came through the pipes
        self.sentinels = {process.sentinel: i for i, process in enumerate(processes)}

    def pids(self) -> list[int]:
        """The workers' process ids."""
        return [int(process.pid) for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Waits until a worker ends; whether all have. The others are ended as soon as one fails.

        Raises: ProcessRaisedException, ProcessExitedException.
        """
        if not self.sentinels:
            return True
        unread = [self._pipes[i] for i in self.sentinels.values() if i not in self._texts]
        waiting: list[Any] = [*self.sentinels, *unread]
        for ready in multiprocessing.connection.wait(waiting, timeout):
            if ready in self._pipes:                    # read at once: a long text does not fit into the pipe
                self._read(self._pipes.index(ready))
                continue
            i = self.sentinels.pop(ready)                                               # type: ignore[arg-type]
            self._read(i)
            self.processes[i].join()
            if self.processes[i].exitcode != 0:
                self._end_all(grace_period)
                raise self._failure(i)
        return not self.sentinels

    def _read(self, i: int) -> None:
        """Keeps what a worker has sent: the text of an exception, or None if it ended without one."""
        if i not in self._texts:
            try:
                self._texts[i] = self._pipes[i].recv() if self._pipes[i].poll() else None
            except EOFError:
                self._texts[i] = None

    def _end_all(self, grace_period: float | None) -> None:
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        for process in self.processes:
            process.join(grace_period)
            if process.is_alive():
                process.kill()
                process.join()

    def _failure(self, i: int) -> ProcessException:
        process = self.processes[i]
        text = self._texts[i]
        if text is not None:
            return ProcessRaisedException(f"\n\n-- Process {i} terminated with the following error:\n{text}", i,
                                          process.pid)
        if process.exitcode < 0:
            name = signal.Signals(-process.exitcode).name
            return ProcessExitedException(f"process {i} terminated with signal {name}", i, process.pid,
                                          process.exitcode, name)
        return ProcessExitedException(f"process {i} terminated with exit code {process.exitcode}", i, process.pid,
                                      process.exitcode)


SpawnContext = ProcessContext


def _work(function: Callable[..., Any], i: int, args: tuple[Any, ...], pipe: Any) -> None:
    """In a worker: runs the function; an exception's traceback goes back through the pipe."""
    try:
        function(i, *args)
    except KeyboardInterrupt:
        pass
    except Exception:
        pipe.send(traceback.format_exc())
        raise SystemExit(1) from None


def start_processes(fn: Callable[..., Any], args: tuple[Any, ...] = (), nprocs: int = 1, join: bool = True,
                    daemon: bool = False, start_method: str = "spawn") -> ProcessContext | None:
    """Runs `fn(i, *args)` in `nprocs` processes; waits for them, or returns their context if not `join`.

    Raises: ProcessRaisedException, ProcessExitedException when one of them fails.
    Source: PyTorch `torch.multiprocessing.start_processes`.
    """
    context: Any = multiprocessing.get_context(start_method)
    processes, pipes = [], []
    for i in range(nprocs):
        reading, writing = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(fn, i, args, writing), daemon=daemon)
        process.start()
        writing.close()
        processes.append(process)
        pipes.append(reading)
    started = ProcessContext(processes, pipes)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(fn: Callable[..., Any], args: tuple[Any, ...] = (), nprocs: int = 1, join: bool = True,
          daemon: bool = False, start_method: str = "spawn") -> ProcessContext | None:
    """`start_processes` with fresh interpreters: `fn` has to be importable by name.

    Raises: ProcessRaisedException, ProcessExitedException when one of them fails.
    Source: PyTorch `torch.multiprocessing.spawn`.
    """
    pickle.dumps((fn, args))            # says at once what cannot be sent, before any process is there
    return start_processes(fn, args, nprocs, join, daemon, start_method)


def get_all_sharing_strategies() -> set[str]:
    """The ways tensors can travel: copies alone."""
    return {"file_system"}


def get_sharing_strategy() -> str:
    """The way tensors travel.   Source: PyTorch `torch.multiprocessing.get_sharing_strategy`."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Chooses the way tensors travel.   Source: PyTorch `torch.multiprocessing.set_sharing_strategy`.

    Raises: ValueError for one that is not there.
    """
    if new_strategy not in get_all_sharing_strategies():
        raise ValueError(f"no sharing strategy '{new_strategy}': tensors travel as copies ('file_system')")
