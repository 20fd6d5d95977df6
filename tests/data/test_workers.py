"""Worker processes: the same batches, errors that come through, and no process that stays behind."""
import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import stickonfire as torch
from stickonfire.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info

pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="forks"), pytest.mark.timeout(60),
              pytest.mark.filterwarnings("ignore:This DataLoader will create")]


class Rows(Dataset):
    def __len__(self):
        return 13

    def __getitem__(self, i):
        return {"a": torch.full((2,), float(i)), "b": i, "c": f"s{i}", "d": np.arange(2) + i}


class Stream(IterableDataset):
    def __iter__(self):
        info = get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(first, 11, step))


class Seeds(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return torch.rand(1).item(), np.random.rand(), random.random(), get_worker_info().seed


class Bad(Dataset):
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 8

    def __getitem__(self, i):
        if i == 5:
            raise self.error
        return i


class Deadly(Dataset):
    def __len__(self):
        return 80

    def __getitem__(self, i):
        if i == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return i


class Slow(Dataset):
    def __len__(self):
        return 80

    def __getitem__(self, i):
        time.sleep(0.5)
        return i


class Picky(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def plain(batch):
    return {key: value.tolist() if isinstance(value, torch.Tensor) else value for key, value in batch.items()}


@pytest.fixture(autouse=True)
def _nothing_left_of_the_test_before():
    gc.collect()            # a traceback may keep an iterator


def no_children():
    gc.collect()
    return not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("options", [{"batch_size": 4}, {"batch_size": 3, "shuffle": True, "drop_last": True},
                                     {"batch_size": None}], ids=str)
def test_the_same_batches_in_the_same_order(workers, options):
    def batches(**more):
        torch.manual_seed(1)
        return [plain(batch) for batch in DataLoader(Rows(), **options, **more)]

    assert batches(num_workers=workers) == batches()
    assert no_children()


def test_tensors_keep_dtype_and_can_be_written_to():
    data = TensorDataset(torch.ones(4, 3), torch.ones(4, dtype=torch.bool),
                         torch.ones(4, 2, dtype=torch.int8))
    (batch,) = DataLoader(data, batch_size=4, num_workers=1)
    assert [str(t.dtype) for t in batch] == ["torch.float32", "torch.bool", "torch.int8"]
    batch[0].add_(1)
    assert batch[0].sum().item() == 24.0


def test_bfloat16_travels():
    pytest.importorskip("ml_dtypes")
    ((x,),) = DataLoader(TensorDataset(torch.ones(4, dtype=torch.bfloat16)), batch_size=4, num_workers=1)
    assert x.dtype == torch.bfloat16 and x.tolist() == [1.0] * 4


def test_seeds_of_workers():
    torch.manual_seed(0)
    batches = list(DataLoader(Seeds(), batch_size=2, num_workers=2))
    assert [b[0].tolist() for b in batches] == [
        [0.7821398973464966, 0.053598999977111816], [0.6938178539276123, 0.29795897006988525]]
    assert [b[1].tolist() for b in batches] == [
        [0.8371640508861415, 0.38757835109739946], [0.6702704958690073, 0.07589687641367027]]
    assert [b[2].tolist() for b in batches] == [
        [0.21315340548154382, 0.2764485855185723], [0.7733861492043289, 0.1634220007200502]]
    assert batches[1][3][0] == batches[0][3][0] + 1
    assert get_worker_info() is None


def test_streams_are_shared_out():
    assert [b.tolist() for b in DataLoader(Stream(), batch_size=2, num_workers=2)] == [
        [0, 2], [1, 3], [4, 6], [5, 7], [8, 10], [9]]
    loader = DataLoader(Stream(), batch_size=2, num_workers=2, drop_last=True)
    assert [b.tolist() for b in loader] == [[0, 2], [1, 3], [4, 6], [5, 7], [8, 10]]


def test_worker_init_fn():
    def init(worker):
        random.seed(100 + worker)

    batches = list(DataLoader(Seeds(), num_workers=2, worker_init_fn=init))
    assert batches[0][2].item() == random.Random(100).random()
    assert batches[1][2].item() == random.Random(101).random()

    def fails(worker):
        raise OSError("no disk")

    with pytest.raises(OSError, match="(?s)Caught OSError in DataLoader worker process 0.*no disk"):
        list(DataLoader(Seeds(), num_workers=1, worker_init_fn=fails))


def test_persistent_workers_stay_and_start_anew():
    loader = DataLoader(Rows(), batch_size=4, num_workers=2, persistent_workers=True)
    whole = [plain(batch) for batch in loader]
    pids = {child.pid for child in multiprocessing.active_children()}
    assert len(pids) == 2
    for _ in loader:
        break
    assert [plain(batch) for batch in loader] == whole
    assert {child.pid for child in multiprocessing.active_children()} == pids
    streams = DataLoader(Stream(), batch_size=2, num_workers=2, persistent_workers=True)
    assert [len(list(streams)) for _ in range(3)] == [6, 6, 6]
    del loader, streams
    assert no_children()


@pytest.mark.parametrize("error", [ValueError("boo"), KeyError("boo"), ZeroDivisionError("boo")], ids=repr)
def test_an_exception_keeps_its_type_and_brings_its_traceback(error):
    batches = iter(DataLoader(Bad(error), batch_size=2, num_workers=2))
    assert [next(batches).tolist(), next(batches).tolist()] == [[0, 1], [2, 3]]
    with pytest.raises(type(error)) as caught:
        next(batches)
    message = str(caught.value)
    assert message.startswith(f"Caught {type(error).__name__} in DataLoader worker process 0.\nOriginal "
                              "Traceback")
    assert "__getitem__" in message and "boo" in message
    assert next(batches).tolist() == [6, 7]     # the loop can go on
    with pytest.raises(StopIteration):
        next(batches)
    assert no_children()


def test_an_exception_that_cannot_be_made_anew_becomes_a_runtime_error():
    class Local(Exception):
        pass

    for error in (Picky(1, 2), Local("x")):
        with pytest.raises(RuntimeError, match=f"Caught {type(error).__name__} in DataLoader worker process "
                                               "0"):
            list(DataLoader(Bad(error), batch_size=8, num_workers=1))


def test_a_batch_that_cannot_be_sent():
    with pytest.raises(Exception, match="in DataLoader worker process 0"):
        list(DataLoader(range(2), num_workers=1, collate_fn=lambda batch: lambda: batch))


def test_a_worker_that_is_killed_is_reported():
    with pytest.raises(RuntimeError, match=r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly"):
        list(DataLoader(Deadly(), batch_size=2, num_workers=2))
    assert no_children()


def test_timeout():
    batches = iter(DataLoader(Slow(), num_workers=1, timeout=0.1))
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0\.1 seconds"):
        next(batches)


def test_leaving_the_loop_early_ends_the_workers():
    for _ in DataLoader(Rows(), num_workers=2):
        break
    assert no_children()
    kept = iter(DataLoader(Rows(), num_workers=2))
    next(kept)
    assert len(multiprocessing.active_children()) == 2
    began = time.monotonic()
    del kept
    assert no_children() and time.monotonic() - began < 2


def test_closing_one_loader_while_another_is_open():
    first, second = iter(DataLoader(Rows(), num_workers=1)), iter(DataLoader(Rows(), num_workers=1))
    next(first), next(second)
    began = time.monotonic()
    del first
    assert time.monotonic() - began < 2
    assert len(multiprocessing.active_children()) == 1
    next(second)


def test_indices_and_batches_larger_than_a_pipe():
    loader = DataLoader(range(600_000), batch_size=150_000, num_workers=2,
                        collate_fn=lambda batch: torch.zeros(1_000_000) + batch[0])
    assert [batch[-1].item() for batch in loader] == [0.0, 150_000.0, 300_000.0, 450_000.0]


def test_answers_in_the_order_they_come():
    loader = DataLoader(Rows(), num_workers=2, in_order=False)
    assert sorted(batch["b"].item() for batch in loader) == list(range(13))


def test_more_workers_than_processors_are_advised_against():
    with pytest.warns(UserWarning, match="This DataLoader will create 1000 worker processes"):
        DataLoader(range(3), num_workers=1000)
    with pytest.raises(AssertionError, match="prefetch_factor must be greater than 0"):
        iter(DataLoader(range(3), num_workers=1, prefetch_factor=0))


def test_an_iterator_cannot_be_pickled():
    with pytest.raises(NotImplementedError, match="cannot be pickled"):
        iter(DataLoader(range(3))).__getstate__()


@pytest.mark.slow
def test_other_start_methods():
    data = TensorDataset(torch.arange(6))
    loader = DataLoader(data, batch_size=4, num_workers=1, multiprocessing_context="spawn")
    assert [x.tolist() for (x,) in loader] == [[0, 1, 2, 3], [4, 5]]


SCRIPT = """
import sys, time
from stickonfire.utils.data import DataLoader

class Data:
    def __len__(self):
        return 1000
    def __getitem__(self, i):
        time.sleep(0.01)
        return i

batches = iter(DataLoader(Data(), batch_size=2, num_workers=2))
next(batches)
print(*[process.pid for process in batches._pool._processes], flush=True)
if sys.argv[1] == "loop":
    for batch in batches:
        pass
"""


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "stop"), [("loop", signal.SIGINT), ("loop", signal.SIGKILL), ("end", None)])
def test_no_worker_outlives_its_program(mode, stop):
    program = subprocess.Popen([sys.executable, "-c", SCRIPT, mode], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    pids = [int(pid) for pid in program.stdout.readline().split()]
    if stop == signal.SIGINT:
        os.killpg(program.pid, stop)            # Ctrl-C reaches the workers too
    elif stop is not None:
        program.send_signal(stop)
    _, errors = program.communicate(timeout=20)
    assert len(pids) == 2
    deadline = time.monotonic() + 15
    while not all(map(gone, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert all(map(gone, pids))
    assert errors.count("Traceback") == (stop == signal.SIGINT)


@pytest.mark.oracle
@pytest.mark.parametrize("workers", [2])
def test_streams_and_rows_equal_the_oracles(workers):
    pytest.importorskip("torch")
    pytest.importorskip("torch.utils.data")
    code = """
import sys, json
sys.modules["torch" if sys.argv[1] == "stickonfire" else "unused"] = None
import importlib
lib = importlib.import_module(sys.argv[1])
data = importlib.import_module(sys.argv[1] + ".utils.data")

class Stream(data.IterableDataset):
    def __iter__(self):
        info = data.get_worker_info()
        return iter(range(info.id, 17, info.num_workers))

class Draws(data.Dataset):
    def __len__(self):
        return 9
    def __getitem__(self, i):
        return lib.rand(2), i

lib.manual_seed(4)
options = {"num_workers": int(sys.argv[2]), "batch_size": 2}
seen = [[b.tolist() for b in data.DataLoader(Stream(), **options)]]
loader = data.DataLoader(Draws(), shuffle=True, persistent_workers=True, **options)
seen += [[[c.tolist() for c in b] for b in loader] for _ in range(2)]
print(json.dumps(seen))
"""
    run = [subprocess.run([sys.executable, "-W", "ignore", "-c", code, name, str(workers)],
                          capture_output=True, text=True, timeout=50) for name in ("stickonfire", "torch")]
    assert run[1].returncode == 0, run[1].stderr
    assert run[0].stdout == run[1].stdout, run[0].stderr
