"""Draws by machine code against those by NumPy, and PyTorch: the same numbers, and the same state afterwards."""
import copy
import random
import subprocess
import sys
import threading

import numpy as np
import pytest

from stickonfire.backends.cpu import distributions as dist
from stickonfire.backends.cpu import random_words
from stickonfire.backends.cpu.random import Generator
from stickonfire.core.config import switches

pytestmark = pytest.mark.llvm
pytest.importorskip("llvmlite")

BOOL, U8, F16, F32, F64, I64 = (np.dtype(name) for name in ("bool", "u1", "f2", "f4", "f8", "i8"))
LARGE = random_words.LARGE
P = np.linspace(0, 1, 50_000).astype(F32)
DRAWS = {
    "rand": lambda g, n: g.uniform((n,)),
    "rand float64": lambda g, n: g.uniform((n,), F64),
    "rand float16": lambda g, n: g.uniform((n,), F16),
    "uniform": lambda g, n: g.uniform((n,), F32, -0.3, 0.7),
    "randn": lambda g, n: g.normal((n,)),
    "randn, scaled": lambda g, n: g.normal((n,), F32, 1.5, 0.02),
    "randn float64": lambda g, n: g.normal((min(n, 700),), F64),
    "randn, one by one": lambda g, n: g.normal((n % 16,)),
    "randint": lambda g, n: g.randint((n,), I64, 0, 1000),
    "randint, 64 bits": lambda g, n: g.randint((n,), I64, 0, 1 << 40),
    "randperm": lambda g, n: g.randperm(n),
    "bernoulli": lambda g, n: g.bernoulli((n,), F32, 0.3),
    "bernoulli bool": lambda g, n: g.bernoulli((n,), BOOL, 0.9),
    "bernoulli uint8": lambda g, n: g.bernoulli((n,), U8, 1e-3),
    "bernoulli int64": lambda g, n: g.bernoulli((n,), I64, 0.5),
    "bernoulli, array": lambda g, n: g.bernoulli((n,), F32, P[:n]),
    "dropout": lambda g, n: g.bernoulli((n,), F32, 0.9, 0.9),
    "dropout float64": lambda g, n: g.bernoulli((n,), F64, 0.9, 0.9),
    "dropout float16": lambda g, n: g.bernoulli((n,), F16, 0.7, 0.7),
    "exponential": lambda g, n: g.exponential((n,)),
    "words": lambda g, n: g.words(n),
    "words64": lambda g, n: g.words64(n),
}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(random_words, "PATIENCE", 0)
    monkeypatch.setattr(switches, "fused", True)


def by_numpy(draw, *arguments):
    """The same draw without machine code."""
    switches.fused = False
    try:
        return draw(*arguments)
    finally:
        switches.fused = True


@pytest.fixture
def natively(monkeypatch):
    """Counts the draws by machine code."""
    calls, plain = [], Generator.native

    def native(self, kind, *rest):
        calls.append(kind)
        return plain(self, kind, *rest)
    monkeypatch.setattr(Generator, "native", native)
    return calls


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("name", DRAWS)
def test_a_draw_gives_numpys_numbers_and_state(name, natively):
    draw = DRAWS[name]
    for n in (LARGE // 2, LARGE - 1, LARGE, LARGE + 1, 16_384, 40_017):
        for start in (0, 1, 3, 311, 623, 624):
            fast, slow = Generator(n), Generator(n)
            fast.words(start), slow.words(start)
            assert same(draw(fast, n), by_numpy(draw, slow, n)), (n, start)
            assert same(fast.get_state(), slow.get_state()), (n, start)
    assert natively or name in ("randn float64", "randn, one by one")


def test_both_ways_in_any_order():
    dice = random.Random(0)
    fast, slow, mixed = Generator(1), Generator(1), Generator(1)
    for turn in range(150):
        name, n = dice.choice(list(DRAWS)), dice.choice((1, 15, 16, 300, 623, LARGE, 5000, 30_001))
        expected = by_numpy(DRAWS[name], slow, n)
        assert same(DRAWS[name](fast, n), expected), (turn, name, n)
        assert same(by_numpy(DRAWS[name], mixed, n) if dice.random() < 0.5 else DRAWS[name](mixed, n), expected)
        if turn % 10 == 0:
            fast = dice.choice((copy.deepcopy, Generator.clone))(fast)
            mixed.set_state(fast.get_state())
    assert same(fast.get_state(), slow.get_state()) and same(mixed.get_state(), slow.get_state())


@pytest.mark.parametrize("p", [0.0, 5e-324, 2.0**-53, 0.1, 0.5, 1 - 2.0**-53, 1.0, 1, True, np.float32(0.1)])
def test_any_probability(p):
    fast, slow = Generator(3), Generator(3)
    assert same(fast.bernoulli((LARGE,), F32, p), by_numpy(slow.bernoulli, (LARGE,), F32, p))


def test_a_result_may_have_its_place():
    g, twin, place = Generator(3), Generator(3), np.empty((2, LARGE), F32)
    assert g.bernoulli((2, LARGE), F32, 0.3, 1.0, place) is place
    assert same(place, twin.bernoulli((2, LARGE), F32, 0.3))
    across = np.empty((LARGE, 2), F32).T
    assert g.bernoulli((2, LARGE), F32, 0.3, 1.0, across) is across
    assert (across == twin.bernoulli((2, LARGE), F32, 0.3)).all()


def test_box_muller_for_every_uniform():
    """Every 61st of the 2^24 uniforms, and the first and last thousand, as radius and as angle."""
    units = np.r_[0:1000, 1000:(1 << 24) - 1000:61, (1 << 24) - 1000:1 << 24].astype(F32) * np.float32(2.0**-24)
    units = units[:units.size // 8 * 8]
    blocks = np.stack([units.reshape(-1, 8), units[::-1].reshape(-1, 8)], 1).reshape(-1)
    native = pytest.importorskip("stickonfire.backends.cpu.native_normals").box_muller_blocks
    for mean, std in ((0.0, 1.0), (1.5, 0.02), (-0.0, 1e-44), (1e-40, 1e-40), (2.0, 0.0)):
        assert same(native(blocks.copy(), mean, std), dist.box_muller_blocks(blocks.copy(), mean, std)), (mean, std)


def test_threads_with_a_generator_each_and_with_one_for_all():
    def run(work):
        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    own, shared, common = {}, [], Generator(9)
    run(lambda i: own.update({i: [Generator(i).uniform((LARGE + i,)) for _ in range(5)]}))
    for i, draws in own.items():
        assert all(same(draw, by_numpy(Generator(i).uniform, (LARGE + i,))) for draw in draws)
    run(lambda i: [shared.append(common.native("words", np.empty(LARGE, np.uint32))) for _ in range(8)])
    whole = Generator(9).words(32 * LARGE).reshape(32, LARGE)
    assert sorted(part.tobytes() for part in shared) == sorted(part.tobytes() for part in whole)     # each word once


def test_small_scripts_do_not_load_llvm():
    program = ("import sys, stickonfire as torch\n"
               "torch.nn.Linear(784, 256); torch.randn(100, 100); torch.rand(20_000)\n"
               "torch.dropout(torch.ones(9999), 0.1, True)\n"
               "assert 'llvmlite' not in sys.modules\n")
    subprocess.run([sys.executable, "-c", program], check=True)


def test_patience_ends(monkeypatch, natively):
    monkeypatch.setattr(random_words, "PATIENCE", 3 * LARGE)
    monkeypatch.setattr(random_words, "_drawn", [0])
    monkeypatch.delitem(sys.modules, "llvmlite.binding", raising=False)
    g = Generator(1)
    g.words(LARGE), g.words(LARGE)
    assert not natively
    g.words(LARGE)
    assert natively == ["words"]


PUBLIC = (
    lambda t, x: t.rand(20_001),
    lambda t, x: t.rand(20_001, dtype=t.float64),
    lambda t, x: t.randn(20_001),
    lambda t, x: t.randn(7),
    lambda t, x: t.randint(0, 9, (30_000,)),
    lambda t, x: t.empty(40_000).bernoulli_(0.3),
    lambda t, x: t.empty(40_000, dtype=t.bool).bernoulli_(0.3),
    lambda t, x: t.nn.functional.dropout(x, 0.1),
    lambda t, x: t.nn.functional.dropout(x.double(), 0.3),
    lambda t, x: t.nn.functional.dropout(x.half(), 0.3),
    lambda t, x: t.nn.functional.dropout(x.t(), 0.5),
    lambda t, x: t.nn.functional.dropout(x, 1.0),
    lambda t, x: t.nn.functional.dropout2d(x.reshape(300, 20, 5, 2), 0.2),
)


@pytest.mark.oracle
def test_the_public_functions_are_pytorchs():
    torch = pytest.importorskip("torch")
    ours = pytest.importorskip("stickonfire")
    for library in (ours, torch):
        library.manual_seed(5)
    x = np.linspace(-1, 1, 300 * 200).astype(F32)
    for call in PUBLIC * 3:
        results = [call(t, t.from_numpy(x.copy()).reshape(300, 200)).numpy() for t in (ours, torch)]
        assert same(*map(np.ascontiguousarray, results))
        assert ours.get_rng_state().tolist() == torch.get_rng_state().tolist()


def test_compiled_dropout_draws_what_eager_dropout_does():
    torch = pytest.importorskip("stickonfire")
    x = torch.linspace(-1, 1, 60_000).reshape(300, 200)
    compiled = torch.compile(lambda x: torch.nn.functional.dropout(x * 2, 0.1))
    torch.manual_seed(0)
    drawn = [compiled(x).tolist() for _ in range(4)]
    torch.manual_seed(0)
    assert drawn == [torch.nn.functional.dropout(x * 2, 0.1).tolist() for _ in range(4)]


def test_without_llvmlite_everything_works(monkeypatch):
    monkeypatch.setattr("stickonfire.codegen.llvm.available", lambda: False)
    fast, slow = Generator(1), Generator(1)
    assert same(fast.uniform((LARGE,)), by_numpy(slow.uniform, (LARGE,)))


def test_seeding_between_large_draws():
    g = Generator(4)
    first = g.uniform((LARGE,))
    g.manual_seed(4)
    assert same(first, g.uniform((LARGE,)))
    g.manual_seed(4)
    assert g.get_state()[8:24].tolist() == Generator(4).get_state()[8:24].tolist()       # nothing taken yet
