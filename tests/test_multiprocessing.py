"""torch.multiprocessing: Python's module, and `spawn`."""
import os

import pytest

import stickonfire as torch
import stickonfire.multiprocessing as mp

# Python 3.12 on warns of forking beside threads, which NumPy's BLAS has.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def write_rank(rank, folder, tensor):
    with open(os.path.join(folder, str(rank)), "w") as file:
        file.write(str((tensor + rank).tolist()))


def fail_second(rank):
    if rank == 1:
        raise KeyError("this one")


def leave(rank):
    os._exit(3)


def test_pythons_names_are_there():
    import multiprocessing
    assert mp.Process is multiprocessing.Process and mp.get_context is not None
    assert {"Queue", "Pool", "set_start_method"} <= set(dir(mp))


def test_workers_get_their_number_and_the_arguments(tmp_path):
    assert mp.start_processes(write_rank, (str(tmp_path), torch.tensor([1, 2])), nprocs=2, start_method="fork") is None
    assert (tmp_path / "0").read_text() == "[1, 2]" and (tmp_path / "1").read_text() == "[2, 3]"


def test_an_exception_comes_back_with_its_traceback():
    with pytest.raises(mp.ProcessRaisedException, match="(?s)Process 1 terminated.*KeyError: 'this one'") as caught:
        mp.start_processes(fail_second, nprocs=2, start_method="fork")
    assert caught.value.error_index == 1 and caught.value.pid > 0


def test_an_exit_code_is_reported():
    context = mp.start_processes(leave, nprocs=1, join=False, start_method="fork")
    assert len(context.pids()) == 1
    with pytest.raises(mp.ProcessExitedException, match="exit code 3"):
        while not context.join():
            pass


def test_spawn_says_at_once_what_it_cannot_send():
    with pytest.raises(AttributeError, match="local|pickle"):
        mp.spawn(lambda rank: None)


def test_tensors_travel_as_copies():
    assert mp.get_sharing_strategy() in mp.get_all_sharing_strategies()
    mp.set_sharing_strategy("file_system")
    with pytest.raises(ValueError, match="copies"):
        mp.set_sharing_strategy("file_descriptor")


def fail_at_length(rank):
    raise ValueError("x" * 300_000)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("nprocs", [1, 2])
def test_a_traceback_longer_than_a_pipe_comes_back(nprocs):
    with pytest.raises(mp.ProcessRaisedException, match="ValueError: x{300000}"):
        mp.start_processes(fail_at_length, nprocs=nprocs, start_method="fork")
