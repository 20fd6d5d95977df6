"""Launchers: what they accept, what they write, and that the builtin and its stand-in agree."""
import ctypes
import gc
import struct
import threading
import time

import numpy as np
import pytest

from stickonfire.codegen import launch, llvm

pytestmark = pytest.mark.llvm
pytest.importorskip("llvmlite")

# adds cell 3 (an integer) and cell 4 (a double) into the float64 numbers at cells 1 and 2; nap sleeps
TEXT = """
declare i32 @usleep(i32)
define void @step(ptr %args) {
  %x = load ptr, ptr %args
  %y.at = getelementptr i64, ptr %args, i64 1
  %y = load ptr, ptr %y.at
  %f.at = getelementptr i64, ptr %args, i64 2
  %f = load double, ptr %f.at
  %n.at = getelementptr i64, ptr %args, i64 3
  %n = load i64, ptr %n.at
  %d = sitofp i64 %n to double
  %v = load double, ptr %x
  %s = fadd double %v, %f
  %t = fmul double %s, %d
  store double %t, ptr %y
  ret void
}
define void @nap(ptr %args) {
  %z = call i32 @usleep(i32 50000)
  ret void
}
"""


def step():
    return llvm.load(TEXT).address("step")


class Program:
    """y[1] = (x[2] + f) * n, with its cells."""

    def __init__(self, **more):
        self.cells = (ctypes.c_int64 * 4)()
        at = ctypes.addressof(self.cells)
        self.plan = launch.Plan(2, 1, 1, [(0, at, 16), (1, at + 8, 8), (2, at + 16, 0), (3, at + 24, 0)],
                                [(step(), at)], keep=self.cells, **more)


def makers():
    return [launch._native, launch._through_ctypes]


def test_the_builtin_is_used_here():
    assert launch.native()
    assert type(launch.launcher(Program().plan)) is type(len)


@pytest.mark.parametrize("make", makers())
@pytest.mark.parametrize("release", [False, True])
def test_a_program_runs(make, release):
    function = make(Program(release_gil=release).plan)
    gc.collect()
    x, y = np.arange(4.0), np.zeros(3)
    assert function(x, y, 0.5, 10) is None
    assert y.tolist() == [0, 25, 0]
    function(x[1:], y, np.float64(-1), np.int64(-3))
    assert y.tolist() == [0, -6, 0]
    assert function(y, x, 1, True) is None          # whole numbers will do for floats
    assert x.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("make", makers())
def test_scalars_reach_their_cells_bit_for_bit(make):
    cells = (ctypes.c_int64 * 2)()
    at = ctypes.addressof(cells)
    function = make(launch.Plan(0, 1, 1, [(0, at, 0), (1, at + 8, 0)], []))
    for number in (-1.0, 0.0, -0.0, float("inf"), 5e-324):
        for whole in (-1, 0, 2 ** 63 - 1, -2 ** 63):
            function(number, whole)
            assert list(cells) == [struct.unpack("q", struct.pack("d", number))[0], whole]


@pytest.mark.parametrize("make", makers())
def test_one_argument_may_go_to_many_cells(make):
    cells = (ctypes.c_int64 * 3)()
    at = ctypes.addressof(cells)
    array = np.zeros(2)
    make(launch.Plan(1, 0, 0, [(0, at + 8 * i, i) for i in range(3)], []))(array)
    assert list(cells) == [array.ctypes.data + i for i in range(3)]


@pytest.mark.parametrize("make", makers())
@pytest.mark.parametrize("arguments, error", [
    ((), TypeError), ((np.zeros(4),), TypeError), ((np.zeros(4), [1.0], 1.0, 1), TypeError),
    ((np.zeros(4), np.zeros((2, 2)).view(np.matrix), 1.0, 1), TypeError),
    ((np.zeros(4), np.zeros(4), "1", 1), TypeError), ((np.zeros(4), np.zeros(4), 1.0, None), TypeError),
    ((np.zeros(4), np.zeros(4), 1.0, 2 ** 64), OverflowError), ((np.zeros(4), np.zeros(4), 1.0, 1, 1), TypeError),
])
def test_wrong_arguments_raise_before_anything_runs(make, arguments, error):
    program = Program()
    with pytest.raises(error):
        make(program.plan)(*arguments)
    assert list(program.cells) == [0] * 4


def test_a_wrong_array_is_named():
    with pytest.raises(TypeError, match=r"argument 2 must be a plain numpy\.ndarray"):
        launch.launcher(Program().plan)(np.zeros(4), 1.0, 1.0, 1)
    with pytest.raises(TypeError, match="takes 4 arguments, but 1 came"):
        launch.launcher(Program().plan)(np.zeros(4))


def test_steps_run_in_order():
    cells = (ctypes.c_int64 * 4)()
    at = ctypes.addressof(cells)
    x = np.full(1, 1.0)
    cells[0] = cells[1] = x.ctypes.data
    cells[2], cells[3] = struct.unpack("q", struct.pack("d", 1.0))[0], 2
    launch.launcher(launch.Plan(0, 0, 0, [], [(step(), at)] * 3))()
    assert x[0] == ((1 + 1) * 2 + 1) * 2 * 2 + 2
    launch.run_once(step(), at)
    assert x[0] == 46


def test_memory_lives_as_long_as_the_launcher():
    class Owner:
        pass

    import weakref
    owner = Owner()
    alive = weakref.ref(owner)
    function = launch.launcher(launch.Plan(0, 0, 0, [], [], keep=owner))
    del owner
    gc.collect()
    assert alive() is not None
    del function
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("release, ticks", [(True, 5), (False, 0)])
def test_the_gil_is_released_if_asked(release, ticks):
    function = launch.launcher(launch.Plan(0, 0, 0, [], [(llvm.load(TEXT).address("nap"), 0)], release))
    count, stop = [0], threading.Event()

    def tick():
        while not stop.wait(0.001):
            count[0] += 1

    thread = threading.Thread(target=tick)
    thread.start()
    time.sleep(0.01)
    before = count[0]
    function()
    during = count[0] - before
    stop.set()
    thread.join()
    assert during >= ticks if release else during <= 2


def test_threads_take_turns():
    program = Program(release_gil=True)
    function = launch.launcher(program.plan)
    wrong = []

    def work(n):
        x, y = np.full(3, float(n)), np.zeros(2)
        for _ in range(2000):
            function(x, y, 0.0, 1)
            if y[1] != n:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_references_are_balanced():
    import sys
    function = launch.launcher(Program().plan)
    x, y = np.zeros(4), np.zeros(4)
    before = [sys.getrefcount(thing) for thing in (x, y, None, function)]
    for _ in range(1000):
        function(x, y, 1.0, 1)
        with pytest.raises(TypeError):
            function(x, 1.0, 1.0, 1)
    after = [sys.getrefcount(thing) for thing in (x, y, None, function)]
    assert max(abs(a - b) for a, b in zip(before, after)) < 50
