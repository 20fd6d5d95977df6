"""The pool: every index once, threads that really share, nesting, forks, exits."""
import ctypes
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from stickonfire.codegen import llvm, pool
from stickonfire.core.config import switches

pytestmark = pytest.mark.llvm
pytest.importorskip("llvmlite")

# cells: 0 an array of i32, 1 n, 2 grain, 3 counter
TEXT = """
declare void @sof_parallel(ptr, ptr, i64, i64)
declare i64 @sof_thread()
declare i64 @sof_threads()
declare i32 @sched_yield()

define internal void @mark(ptr %args, i64 %begin, i64 %end) {      ; adds 1 + 1000 * thread to each number
entry:
  %a = load ptr, ptr %args
  %t = call i64 @sof_thread()
  %t32 = trunc i64 %t to i32
  %t1000 = mul i32 %t32, 1000
  %plus = add i32 %t1000, 1
  br label %loop
loop:
  %i = phi i64 [ %begin, %entry ], [ %j, %more ]
  %c = icmp slt i64 %i, %end
  br i1 %c, label %more, label %done
more:
  %p = getelementptr i32, ptr %a, i64 %i
  %v = load i32, ptr %p
  %w = add i32 %v, %plus
  store i32 %w, ptr %p
  %j = add i64 %i, 1
  br label %loop
done:
  ret void
}
define internal void @meet(ptr %args, i64 %begin, i64 %end) {      ; waits for as many bodies as there are threads
  %counter = getelementptr i64, ptr %args, i64 3
  %o = atomicrmw add ptr %counter, i64 1 seq_cst
  %n = call i64 @sof_threads()
  br label %loop
loop:
  %v = load atomic i64, ptr %counter seq_cst, align 8
  %c = icmp slt i64 %v, %n
  br i1 %c, label %wait, label %done
wait:
  %y = call i32 @sched_yield()
  br label %loop
done:
  ret void
}
define internal void @again(ptr %args, i64 %begin, i64 %end) {     ; a parallel loop within a parallel loop
  call void @sof_parallel(ptr @count, ptr %args, i64 100, i64 1)
  ret void
}
define internal void @count(ptr %args, i64 %begin, i64 %end) {
  %counter = getelementptr i64, ptr %args, i64 3
  %d = sub i64 %end, %begin
  %o = atomicrmw add ptr %counter, i64 %d seq_cst
  ret void
}
""" + "".join(f"""
define void @run_{body}(ptr %args) {{
  %n.at = getelementptr i64, ptr %args, i64 1
  %n = load i64, ptr %n.at
  %g.at = getelementptr i64, ptr %args, i64 2
  %g = load i64, ptr %g.at
  call void @sof_parallel(ptr @{body}, ptr %args, i64 %n, i64 %g)
  ret void
}}""" for body in ("mark", "meet", "again"))


def run(body, n, grain, array=None):
    cells = (ctypes.c_int64 * 4)(0 if array is None else array.ctypes.data, n, grain, 0)
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(llvm.load(TEXT).address(f"run_{body}"))
    kernel(ctypes.addressof(cells))
    return cells[3]


@pytest.fixture
def use(monkeypatch):
    """Sets a number of threads, more than there are cores if need be."""
    monkeypatch.setattr(pool, "cores", lambda: 4)
    monkeypatch.setattr(switches, "threads", None)
    llvm.load(TEXT)
    if pool._libc() is None:
        pytest.skip("no POSIX threads")
    yield pool.resize
    pool.resize(1)


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_every_index_is_done_once(use, threads):
    use(threads)
    for n in (0, 1, 2, 3, 5, 8, 9, 64, 1000, 4097):
        for grain in (0, 1, 2, 7, 64, 5000):
            array = np.zeros(n + 1, np.int32)
            run("mark", n, grain, array)
            assert (array[:n] % 1000 == 1).all() and array[n] == 0, (n, grain)
            assert array.max() < 1000 * threads


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads_share_the_work(use, threads):
    use(threads)
    for _ in range(5):
        run("meet", threads, 1)         # would never end if one thread did it all
    assert pool.threads() == threads


def test_small_loops_are_plain_calls(use):
    use(2)
    array = np.zeros(64, np.int32)
    run("mark", 64, 64, array)
    assert set(array) == {1}


@pytest.mark.parametrize("threads", [1, 3])
def test_nested_loops_run_serially(use, threads):
    use(threads)
    assert run("again", 50, 1) >= 100
    assert run("again", 50, 1) % 100 == 0


def test_two_python_threads_at_once(use):
    use(2)
    wrong = []

    def work():
        array = np.zeros(500, np.int32)
        for i in range(300):
            array[:] = 0
            run("mark", 500, 1, array)
            if not (array % 1000 == 1).all():
                wrong.append(i)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_threads_follow_the_environment(monkeypatch):
    monkeypatch.setattr(pool, "cores", lambda: 8)
    monkeypatch.setattr(switches, "threads", None)
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert pool.threads() == 3
    monkeypatch.setenv("STICKONFIRE_THREADS", "5")
    assert pool.threads() == 5
    monkeypatch.setenv("STICKONFIRE_THREADS", "100")
    assert pool.threads() == 8
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.delenv("STICKONFIRE_THREADS")
    assert pool.threads() == 8
    monkeypatch.setattr(switches, "threads", 2)
    assert pool.threads() == 2


def test_the_serial_stand_in_does_the_same():
    library = llvm.load(pool.SERIAL)
    seen = []
    body = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(lambda a, b, e: seen.append((b, e)))
    numbers = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]
    ctypes.CFUNCTYPE(None, *numbers)(library.address("sof_parallel"))(ctypes.cast(body, ctypes.c_void_p), None, 9, 2)
    assert seen == [(0, 9)]


PROGRAM = """
import ctypes, os, sys
sys.path.insert(0, {folder!r})
from test_pool import pool, run
import numpy as np
pool.cores = lambda: 2
pool.resize(2)
run("meet", 2, 1)
pool.resize(2)
run("meet", 2, 1)
if "fork" in sys.argv:
    child = os.fork()
    run("meet", 2, 1)
    array = np.zeros(1000, np.int32)
    run("mark", 1000, 1, array)
    if not child:
        os._exit(7 if (array % 1000 == 1).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
print("done")
"""


@pytest.mark.parametrize("what", ["exit", "fork"])
def test_a_process_ends_and_forks(what):
    if what == "fork" and not hasattr(os, "fork"):
        pytest.skip("no fork")
    program = PROGRAM.format(folder=os.path.dirname(__file__))
    command = [sys.executable, "-W", "ignore", "-c", program, what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "done"), done.stderr


def test_the_size_stays_while_a_kernel_runs(use):
    use(2)
    import time
    address = llvm.load(TEXT + "\n; running").address("run_meet")
    cells = (ctypes.c_int64 * 4)(0, 2, 1, -1)           # the counter starts too low: it waits for us
    thread = threading.Thread(target=ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address),
                              args=(ctypes.addressof(cells),))
    thread.start()
    while cells[3] < 1:
        time.sleep(0.001)
    with pytest.raises(RuntimeError, match="while a kernel is running"):
        pool.resize(3)
    assert pool.threads() == 2
    cells[3] = 2
    thread.join()
