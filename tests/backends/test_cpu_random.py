"""The CPU generator against numbers recorded from PyTorch 2.13 and, where installed, PyTorch itself."""
import copy
import hashlib
import math
import pickle

import numpy as np
import pytest

from stickonfire.backends.cpu import distributions as dist
from stickonfire.backends.cpu.random import LIBM_LIMIT, PIECE, Generator
from stickonfire.backends.cpu.random_words import BLOCK

F16, F32, F64, I64 = (np.dtype(name) for name in ("float16", "float32", "float64", "int64"))
SIZES = (0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 100, 1000)
WEIGHTS = np.arange(1, 9, dtype=F32)


def floats(*values):
    return np.array(values, F32)


# One stream from seed 42: name, draw, the first values PyTorch 2.13 gave, the place in the block afterwards.
GOLDEN = [
    ("uniform", lambda g: g.uniform((5,)),
     [0.882269263, 0.915003955, 0.38286376, 0.959305644, 0.390448213], 5),
    ("uniform float64", lambda g: g.uniform((3,), F64),
     [0.8071630471508437, 0.3491307048886483, 0.065487459180128], 11),
    ("uniform between", lambda g: g.uniform((5,), F32, -0.3, 0.7),
     [0.293579638, 0.569404423, 0.267715275, 0.441094041, 0.129404485], 16),
    ("normal, few", lambda g: g.normal((5,)),
     [0.461657226, 0.267350882, 0.534904659, 0.809357226, 1.11029029], 28),
    ("normal, blocks", lambda g: g.normal((20,)),
     [-1.11090386, 0.0915456563, -2.31692266, -0.216804728, -0.913823009,
      -0.658137262, 0.0780238733, 0.525808752, -0.48799172, 1.19136906,
      -0.81400764, -0.735992789, -1.40324783, 0.0360036679, -0.0634772703,
      0.675614893, -0.0978068933, 1.844594, -1.18453741, 1.38354933], 64),
    ("normal, scaled", lambda g: g.normal((20,), F32, 1.5, 0.02),
     [1.52890265, 1.51712823, 1.54436147, 1.51046336, 1.51072371], 100),
    ("normal float64", lambda g: g.normal((17,), F64),
     [-1.108152357089335, 2.1413916159323136, -1.3971667891606305, -0.3466771947976861], 166),
    ("normal float16", lambda g: g.normal((17,), F16),
     [0.174804688, -1.13574219, -0.522460938, 0.716308594, 1.533203125], 198),
    ("randint", lambda g: g.randint((8,), I64, 0, 10), [6, 4, 6, 9, 4, 8, 9, 2], 206),
    ("randint, 64 bits", lambda g: g.randint((3,), I64, 0, 1 << 40),
     [411009111939, 949786196452, 646841047270], 212),
    ("a sampler's seed", lambda g: g.random((), I64), [7570228733122119310], 214),
    ("randperm", lambda g: g.randperm(10), [4, 0, 5, 7, 9, 2, 8, 6, 1, 3], 223),
    ("randperm, long", lambda g: g.randperm(1000), [571, 12, 111, 489, 369], 598),
    ("bernoulli", lambda g: g.bernoulli((10,), F32, 0.3), [1, 0, 0, 1, 0, 1, 1, 1, 0, 0], 618),
    ("bernoulli, array", lambda g: g.bernoulli((10,), F32, np.full(10, 0.3, F32)),
     [0, 0, 0, 0, 1, 0, 1, 0, 0, 1], 4),
    ("exponential", lambda g: g.exponential((5,), F32, 2.0),
     [0.158108652, 0.858751297, 0.0680264458, 2.34815049, 1.40624392], 14),
    ("cauchy", lambda g: g.cauchy((5,)),
     [-0.382911146, 3.67335916, 1.12301958, -0.0368608795, -0.723982751], 24),
    ("log_normal", lambda g: g.log_normal((5,)),
     [0.0925878063, 6.14775324, 0.222403243, 0.213637516, 13.6134291], 32),
    ("geometric", lambda g: g.geometric((5,), F32, 0.3), [7, 2, 9, 1, 4], 42),
    ("multinomial, one", lambda g: g.multinomial(WEIGHTS, 1), [5], 58),
    ("multinomial", lambda g: g.multinomial(WEIGHTS, 3), [1, 7, 3], 74),
    ("multinomial, replacing", lambda g: g.multinomial(WEIGHTS, 5, True), [4, 6, 7, 5, 1], 84),
    ("poisson", lambda g: g.poisson(floats(0.5, 5, 20, 100, 0)), [1, 2, 21, 90, 0], 102),
    ("standard_gamma", lambda g: g.standard_gamma(floats(0.5, 1, 5)),
     [0.000895794481, 1.1635375, 3.81931686], 118),
    ("binomial", lambda g: g.binomial(floats(10, 100, 50), floats(0.3, 0.5, 0.9)), [3, 41, 45], 146),
    ("dirichlet", lambda g: g.dirichlet(floats(0.5, 1, 5)),
     [0.0815997571, 0.011363849, 0.907036424], 158),
    ("normal complex64", lambda g: g.normal((3,), np.dtype("complex64")).view(F32),
     [-0.244477794, 1.22888911, -0.413541883, 0.168082118, -0.6000489,
      -0.58415699], 170),
    ("uniform, long", lambda g: g.uniform((5000,))[-5:],
     [0.231930673, 0.579097867, 0.116113484, 0.437915325, 0.392265201], 178),
]
GOLDEN_STATE = "7f2bba0d43ef86df1434b11e6f52fbcc6a82d4c5f590900c7db2568c1bbf4486"
INEXACT = {"normal float64", "cauchy", "log_normal", "standard_gamma", "dirichlet"}    # for another libm


def test_one_seeded_stream_gives_the_recorded_numbers():
    g = Generator(42)
    for name, draw, expected, position in GOLDEN:
        got = draw(g).reshape(-1)[:len(expected)]
        if name in INEXACT:
            assert got.tolist() == pytest.approx(expected, rel=1e-6), name
        else:
            assert got.tolist() == np.array(expected, got.dtype).tolist(), name
        assert int(g.get_state()[16:24].view("<u8")[0]) == position, name
    assert hashlib.sha256(g.get_state().tobytes()).hexdigest() == GOLDEN_STATE


# The stream, seeds and state ------------------------------------------------------------------------------

def test_words_are_mt19937s_however_they_are_asked_for():
    g, expected = Generator(3), np.random.RandomState(3).randint(0, 1 << 32, 40_000, np.uint32)
    taken = 0
    for n in (1, 622, 1, 624, 5, 3000, 0, 7, 1248, 20_001):
        assert (g.words(n) == expected[taken:taken + n]).all()
        taken += n
    for n in (1, 2000, 3, 312):
        pairs = expected[taken:taken + 2 * n].astype(np.uint64).reshape(n, 2)
        assert (g.words64(n) == (pairs[:, 0] << np.uint64(32) | pairs[:, 1])).all()
        taken += 2 * n


@pytest.mark.parametrize("start", [0, 1, BLOCK - 2, BLOCK - 1, BLOCK])
def test_a_draw_in_parts_is_a_draw_at_once(start):
    for dtype in (F32, F64):
        whole, parts = Generator(5), Generator(5)
        whole.words(start)
        parts.words(start)
        together = whole.uniform((2 * BLOCK,), dtype)
        one_by_one = np.concatenate([parts.uniform((n,), dtype) for n in (3, 1, 0, 400, 2 * BLOCK - 404)])
        assert (together == one_by_one).all()
        assert (whole.get_state() == parts.get_state()).all()


def test_single_numbers_are_those_of_the_arrays():
    single, array = Generator(8), Generator(8)
    single.words(3)
    array.words(3)
    assert [single.uniform_one() for _ in range(700)] == array.uniform((700,), F64).tolist()
    assert [single.normal_one() for _ in range(9)] == [float(array.normal((), F64)) for _ in range(9)]


def test_state_round_trip_keeps_the_waiting_normal():
    g = Generator(9)
    for before in (lambda: None, lambda: g.normal((3,)), lambda: g.uniform((BLOCK,)), lambda: g.words(5000)):
        before()
        state, twin = g.get_state(), g.clone()
        ahead = [g.normal((3,)), g.uniform((9,)), g.normal((40,))]
        assert g.get_state().shape == (5056,) and g.get_state().dtype == np.uint8
        g.set_state(state)
        for first, again, cloned in zip(ahead, [g.normal((3,)), g.uniform((9,)), g.normal((40,))],
                                        [twin.normal((3,)), twin.uniform((9,)), twin.normal((40,))]):
            assert (first == again).all() and (first == cloned).all()


def test_copies_and_pickles_are_independent():
    g = Generator(6)
    g.normal((3,))
    twins = [copy.deepcopy(g), copy.copy(g), pickle.loads(pickle.dumps(g)), g.clone()]
    expected = [*g.normal((2000,)), *g.normal((3,))]
    for twin in twins:
        assert isinstance(twin, Generator) and [*twin.normal((2000,)), *twin.normal((3,))] == expected


def test_seeds():
    g = Generator()
    assert g.initial_seed() == 67280421310721
    assert g.manual_seed(-1) is g and g.initial_seed() == 2**64 - 1
    assert (g.manual_seed(1 + (5 << 32)).words(3) == Generator(1).words(3)).all()    # the low half counts
    seed = g.seed()
    assert seed == g.initial_seed() and 0 <= seed < 1 << 53 and seed != Generator().seed()
    for wrong in (1 << 64, -(1 << 63) - 1):
        with pytest.raises(ValueError, match="Overflow when unpacking long long"):
            g.manual_seed(wrong)


def test_set_state_refuses_what_is_no_state():
    g = Generator(0)
    before = g.get_state()
    with pytest.raises(TypeError, match=r"RNG state must be a torch\.ByteTensor"):
        g.set_state(before.astype(np.int32))
    with pytest.raises(RuntimeError, match="Expected a CPUGeneratorImplState of size 5056 but .* to be 10"):
        g.set_state(before[:10])
    with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
        g.set_state(np.zeros(5056, np.uint8))
    assert (g.get_state() == before).all()


# Distributions on their own terms -------------------------------------------------------------------------

def test_box_muller_is_the_formula_it_claims():
    u = np.random.RandomState(0).randint(0, 1 << 24, 160_000) * np.float32(2.0**-24)
    blocks = u.astype(F64).reshape(-1, 16)
    radius, angle = np.sqrt(-2 * np.log(1 - blocks[:, :8])), 2 * np.pi * blocks[:, 8:]
    expected = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)
    ours = dist.box_muller_blocks(u.astype(F32), 0.0, 1.0)
    np.testing.assert_allclose(ours, expected, atol=3e-6)
    np.testing.assert_allclose(dist.box_muller_blocks(u.astype(F32), 3.0, 0.5), expected * 0.5 + 3, atol=3e-6)
    exact = dist.box_muller_blocks_f64(blocks.reshape(-1), 0.0, 1.0, False)
    np.testing.assert_allclose(exact, expected, atol=1e-13)


def test_fused_rounds_once():
    from fractions import Fraction
    random = np.random.RandomState(1)
    a, b, c = random.standard_normal(500) * 10.0 ** random.randint(-9, 9, 500), math.pi, -1.7
    exact = [float(Fraction(x) * Fraction(b) + Fraction(c)) for x in a]
    assert dist.fused(a, b, c).tolist() == exact


@pytest.mark.parametrize("n", [1, 2, 3, 100, 257, 2000])
def test_swaps_without_the_loop(n):
    targets = np.arange(n) + np.random.RandomState(n).randint(0, 1 << 32, n, np.uint32) % np.arange(n, 0, -1)
    values = list(range(n))
    for i, j in enumerate(targets):
        values[i], values[j] = values[j], values[i]
    assert dist.apply_swaps(targets).tolist() == values


def test_moments():
    g, n = Generator(2), 200_000
    for values, mean, variance in [
            (g.uniform((n,), F32, -1, 3), 1, 16 / 12), (g.normal((n,), F32, 2, 3), 2, 9),
            (g.exponential((n,), F32, 4), 1 / 4, 1 / 16), (g.bernoulli((n,), F32, 0.2), 0.2, 0.16),
            (g.geometric((n,), F32, 0.5), 2, 2), (g.poisson(np.full(2000, 30, F32)), 30, 30),
            (g.standard_gamma(np.full(2000, 3, F32)), 3, 3),
            (g.binomial(np.full(2000, 40, F32), np.full(2000, 0.4, F32)), 16, 9.6)]:
        assert abs(values.mean(dtype=F64) - mean) < 5 * math.sqrt(variance / values.size)
        assert values.var(dtype=F64) == pytest.approx(variance, rel=0.15)
    assert sorted(g.randperm(60_000).tolist()) == list(range(60_000))


def test_shapes_dtypes_and_empty_draws():
    g = Generator(1)
    before = g.get_state()
    for empty in (g.uniform((0, 3)), g.normal((2, 0)), g.randint((0,), I64, 0, 5), g.randperm(0),
                  g.exponential((0,)), g.multinomial(np.ones((0, 3), F32), 2)):
        assert empty.size == 0
    assert (g.get_state() == before).all()
    assert g.uniform(()).shape == () and g.uniform((2, 3), F16).dtype == F16
    sure = g.bernoulli((2, 3), np.dtype(bool), np.array([0.0, 1, 1], F32))
    assert sure.tolist() == [[False, True, True]] * 2
    assert g.normal_like(np.zeros((2, 1), F32), np.zeros(3)).shape == (2, 3)
    assert g.normal_like(np.zeros((2, 1), F32), np.zeros(3)).dtype == F32
    twin = g.clone()
    g.uniform((8,))[:] = 0                                 # a draw is the caller's own
    assert (twin.uniform((16,))[8:] == g.uniform((8,))).all()


def test_uniform_never_returns_its_upper_end():
    g = Generator(0)
    for dtype in (F16, F32):
        values = g.uniform((200_000,), dtype, 2.0, 5.0)
        assert values.min() >= 2 and values.max() < 5


# Refusals, with PyTorch's words ---------------------------------------------------------------------------

HALF = np.full(3, 0.5, F32)
REFUSALS = [
    ("uniform_(2, 1)", lambda g: g.uniform((3,), F32, 2, 1)),
    ("uniform_(0, 1e39)", lambda g: g.uniform((3,), F32, 0, 1e39)),
    ("to(torch.int32).uniform_()", lambda g: g.uniform((3,), np.dtype("int32"))),
    ("normal_(0, -1)", lambda g: g.normal((3,), F32, 0, -1)),
    ("int().normal_()", lambda g: g.normal((3,), np.dtype("int32"))),
    ("log_normal_(0, 0)", lambda g: g.log_normal((3,), F32, 0, 0)),
    ("exponential_(-1)", lambda g: g.exponential((3,), F32, -1)),
    ("int().exponential_()", lambda g: g.exponential((3,), np.dtype("int32"))),
    ("cauchy_(0, -1)", lambda g: g.cauchy((3,), F32, 0, -1)),
    ("int().cauchy_()", lambda g: g.cauchy((3,), np.dtype("int32"))),
    ("geometric_(1.5)", lambda g: g.geometric((3,), F32, 1.5)),
    ("bernoulli_(1.5)", lambda g: g.bernoulli((3,), F32, 1.5)),
    ("bernoulli_(torch.tensor([1, 0, 1]))", lambda g: g.bernoulli((3,), F32, np.array([1, 0, 1]))),
    ("random_(5, 5)", lambda g: g.randint((3,), F32, 5, 5)),
    ("to(torch.uint8).random_(0, 300)", lambda g: g.randint((3,), np.dtype("uint8"), 0, 300)),
    ("half().random_(0, 70000)", lambda g: g.randint((3,), F16, 0, 70000)),
    ("int().random_(-2**63, None)", lambda g: g.randint((3,), np.dtype("int32"), -(1 << 63), None)),
    ("to(torch.uint32).random_()", lambda g: g.random((3,), np.dtype("uint32"))),
    ("multinomial(0)", lambda g: g.multinomial(HALF, 0)),
    ("multinomial(4)", lambda g: g.multinomial(HALF, 4)),
    ("long().multinomial(1)", lambda g: g.multinomial(HALF.astype(I64), 1)),
    ("reshape(1, 1, 3).multinomial(1)", lambda g: g.multinomial(HALF.reshape(1, 1, 3), 1)),
    ("neg().multinomial(1)", lambda g: g.multinomial(-HALF, 1)),
    ("mul(0).multinomial(1)", lambda g: g.multinomial(0 * HALF, 1)),
    ("mul(0).multinomial(2, True)", lambda g: g.multinomial(0 * HALF, 2, True)),
    ("neg().multinomial(2, True)", lambda g: g.multinomial(-HALF, 2, True)),
    ("mul(torch.inf).multinomial(2, True)", lambda g: g.multinomial(HALF * np.float32(np.inf), 2, True)),
]


@pytest.mark.parametrize("name, call", REFUSALS, ids=[name for name, _ in REFUSALS])
def test_refusals_leave_the_stream_alone(name, call):
    g = Generator(4)
    with pytest.raises((RuntimeError, NotImplementedError)):
        call(g)
    assert (g.get_state() == Generator(4).get_state()).all()


@pytest.mark.oracle
@pytest.mark.parametrize("name, call", REFUSALS, ids=[name for name, _ in REFUSALS])
def test_refusals_are_pytorchs(name, call):
    torch = pytest.importorskip("torch")
    with pytest.raises((RuntimeError, NotImplementedError)) as theirs:
        eval(f"tensor.{name}", {"tensor": torch.full((3,), 0.5), "torch": torch})
    with pytest.raises((RuntimeError, NotImplementedError)) as ours:
        call(Generator(4))
    assert type(ours.value) is type(theirs.value)
    assert str(ours.value).split("\n")[0] == str(theirs.value).split("\n")[0]


def test_wide_float_ranges_warn():
    with pytest.warns(UserWarning, match=r"to - 1 is out of bounds \[-\(2\^11\), 2\^11\]"):
        Generator(0).randint((3,), F16, 0, 5000)


def test_huge_permutations_are_refused():
    with pytest.raises(NotImplementedError, match="permute in parts"):
        Generator(0).randperm(1 << 30)
    with pytest.raises(RuntimeError, match="negative dimension -1"):
        Generator(0).randperm(-1)


# Side by side with PyTorch --------------------------------------------------------------------------------

class Pair:
    """Our generator and PyTorch's from one seed; `same` compares a draw bit by bit and then the states."""

    def __init__(self, torch, seed):
        self.torch, self.ours, self.theirs = torch, Generator(seed), torch.Generator()
        self.theirs.manual_seed(seed)

    def same(self, ours, theirs):
        theirs = theirs.contiguous()
        if theirs.dtype == self.torch.bfloat16:
            theirs = theirs.view(self.torch.int16)
        theirs = theirs.numpy()
        assert ours.shape == theirs.shape and ours.dtype.itemsize == theirs.dtype.itemsize
        assert ours.tobytes() == theirs.tobytes()
        assert (self.ours.get_state() == self.theirs.get_state().numpy()).all()


@pytest.fixture(params=[0, 123, -7])
def pair(request):
    return Pair(pytest.importorskip("torch"), request.param)


def floating(torch, names=("float32", "float64", "float16", "bfloat16")):
    for name in names:
        yield (np.dtype(pytest.importorskip("ml_dtypes").bfloat16) if name == "bfloat16" else np.dtype(name),
               getattr(torch, name))


@pytest.mark.oracle
def test_floating_draws(pair):
    g, gen, torch = pair.ours, pair.theirs, pair.torch
    for n in SIZES:
        for dtype, kind in floating(torch):
            empty = torch.empty(n, dtype=kind)
            pair.same(g.uniform((n,), dtype), torch.rand(n, dtype=kind, generator=gen))
            pair.same(g.uniform((n,), dtype, -0.0361, 0.0361), empty.uniform_(-0.0361, 0.0361, generator=gen))
            pair.same(g.uniform((n,), dtype, 2, 5), empty.uniform_(2, 5, generator=gen))
            pair.same(g.normal((n,), dtype), torch.randn(n, dtype=kind, generator=gen))
            pair.same(g.normal((n,), dtype, 1.5, 0.02), empty.normal_(1.5, 0.02, generator=gen))
            pair.same(g.exponential((n,), dtype, 0.7), empty.exponential_(0.7, generator=gen))
            pair.same(g.cauchy((n,), dtype, 0.5, 2), empty.cauchy_(0.5, 2, generator=gen))
            pair.same(g.log_normal((n,), dtype, 0.3, 0.7), empty.log_normal_(0.3, 0.7, generator=gen))


@pytest.mark.oracle
def test_draws_of_every_numeric_dtype(pair):
    g, gen, torch = pair.ours, pair.theirs, pair.torch
    kinds = [*floating(torch), *floating(torch, ("int64", "int32", "int16", "int8", "uint8", "bool"))]
    for n in (0, 1, 15, 100):
        for dtype, kind in kinds:
            empty = torch.empty(n, dtype=kind)
            pair.same(g.bernoulli((n,), dtype, 0.3), empty.bernoulli_(0.3, generator=gen))
            pair.same(g.random((n,), dtype), empty.random_(generator=gen))
            pair.same(g.randint((n,), dtype, 0, 2), torch.randint(0, 2, (n,), dtype=kind, generator=gen))
            pair.same(g.randint((n,), dtype, 1, None), empty.random_(1, None, generator=gen))
            if kind is not torch.bool:
                pair.same(g.geometric((n,), dtype, 0.3), empty.geometric_(0.3, generator=gen))
                pair.same(g.randperm(n, dtype), torch.randperm(n, dtype=kind, generator=gen))
        for name in ("uint16", "uint32", "uint64"):
            empty = torch.empty(n, dtype=getattr(torch, name))
            pair.same(g.randint((n,), np.dtype(name), 3, 60000), empty.random_(3, 60000, generator=gen))


@pytest.mark.oracle
@pytest.mark.parametrize("n", [799, 800, 801, 5000, PIECE + 17])
def test_long_draws(pair, n):
    g, gen, torch = pair.ours, pair.theirs, pair.torch
    pair.same(g.uniform((n,)), torch.rand(n, generator=gen))
    pair.same(g.normal((n,)), torch.randn(n, generator=gen))
    pair.same(g.normal((n,), F16), torch.randn(n, dtype=torch.half, generator=gen))
    pair.same(g.normal((n,), F64), torch.randn(n, dtype=torch.double, generator=gen))
    pair.same(g.bernoulli((n,), F32, 0.3), torch.empty(n).bernoulli_(0.3, generator=gen))
    p = torch.rand(n)
    pair.same(g.bernoulli((n,), F32, p.numpy()), torch.bernoulli(p, generator=gen))
    pair.same(g.bernoulli((n,), F64, p.double().numpy()), torch.bernoulli(p.double(), generator=gen))
    pair.same(g.exponential((n,)), torch.empty(n).exponential_(generator=gen))
    pair.same(g.randperm(n), torch.randperm(n, generator=gen))
    pair.same(g.randint((n,), I64, 0, 10), torch.randint(0, 10, (n,), generator=gen))
    pair.same(g.multinomial(p.numpy(), 5, True), torch.multinomial(p, 5, True, generator=gen))


@pytest.mark.oracle
def test_beyond_the_libm_limit_float64_is_exact_to_a_rounding(pair):
    n = LIBM_LIMIT + 16
    theirs = pair.torch.randn(n, dtype=pair.torch.double, generator=pair.theirs).numpy()
    np.testing.assert_allclose(pair.ours.normal((n,), F64), theirs, rtol=1e-14, atol=1e-15)


@pytest.mark.oracle
@pytest.mark.parametrize("low, high", [(0, 10), (-100, (1 << 28) - 101), (0, 1 << 28), (0, 1 << 32),
                                       (-5, 1 << 50), (0, (1 << 63) - 1), (-(1 << 63), (1 << 63) - 1)])
def test_ranges(pair, low, high):
    for n in (1, 9, 700):
        theirs = pair.torch.randint(low, high, (n,), generator=pair.theirs)
        pair.same(pair.ours.randint((n,), I64, low, high), theirs)
    pair.same(pair.ours.randint((5,), I64, -(1 << 63), None),
              pair.torch.empty(5, dtype=pair.torch.long).random_(-(1 << 63), None, generator=pair.theirs))


@pytest.mark.oracle
def test_normals_with_arrays_views_and_complex_numbers(pair):
    g, gen, torch = pair.ours, pair.theirs, pair.torch
    for n in (0, 3, 16, 33):
        a, b = torch.rand(n), torch.rand(n)
        for kind in (torch.float32, torch.float64, torch.float16):
            mean, std = a.to(kind), b.to(kind)
            pair.same(g.normal_like(mean.numpy(), std.numpy()), torch.normal(mean, std, generator=gen))
            pair.same(g.normal_like(mean.numpy(), 2.0), torch.normal(mean, 2.0, generator=gen))
            pair.same(g.normal_like(1.0, std.numpy()), torch.normal(1.0, std, generator=gen))
        pair.same(g.normal((n, 4), contiguous=False), torch.empty(n, 8)[:, ::2].normal_(generator=gen))
        for dtype, kind in floating(torch, ("complex64", "complex128")):
            empty = torch.empty(n, dtype=kind)
            pair.same(g.normal((n,), dtype, 1.0, 2.0), empty.normal_(1.0, 2.0, generator=gen))
            pair.same(g.uniform((n,), dtype), torch.rand(n, dtype=kind, generator=gen))


@pytest.mark.oracle
def test_categories_and_rejection(pair):
    g, gen, torch = pair.ours, pair.theirs, pair.torch
    for kind in (torch.float32, torch.float64):
        for shape in ((10,), (4, 10), (1,), (3, 257)):
            weights = torch.rand(shape).to(kind)
            for count, replacement in ((1, False), (1, True), (shape[-1], False), (7, True)):
                pair.same(g.multinomial(weights.numpy(), count, replacement),
                          torch.multinomial(weights, count, replacement, generator=gen))
        rate = torch.rand(3, 50).to(kind)
        pair.same(g.poisson((40 * rate).numpy()), torch.poisson(40 * rate, generator=gen))
        pair.same(g.standard_gamma((3 * rate).numpy()), torch._standard_gamma(3 * rate, generator=gen))
        trials = torch.floor(80 * rate)
        pair.same(g.binomial(trials.numpy(), rate.numpy()), torch.binomial(trials, rate, generator=gen))
    alpha = torch.rand(3, 5)
    pair.same(g.dirichlet(alpha.numpy()), torch._sample_dirichlet(alpha, generator=gen))


@pytest.mark.oracle
def test_states_are_exchangeable(pair):
    g, gen, torch = pair.ours, pair.theirs, pair.torch
    for ahead in (0, 1, 3, BLOCK, 2000):
        g.uniform((ahead,))
        g.normal((3,))
        gen.set_state(torch.from_numpy(g.get_state()))
        pair.same(g.normal((3,)), torch.randn(3, generator=gen))
        torch.rand(ahead, generator=gen)
        g.set_state(gen.get_state().numpy())
        pair.same(g.normal((40,)), torch.randn(40, generator=gen))


@pytest.mark.oracle
def test_dropout_and_samplers_draw_these(pair):
    torch = pair.torch
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        mask = torch.nn.functional.dropout(torch.ones(1000), 0.3).ne(0).float().numpy()
        order = list(torch.utils.data.RandomSampler(range(50)))
    g = Generator(11)
    assert (g.bernoulli((1000,), F32, 1 - 0.3) == mask).all()
    assert Generator(int(g.random((), I64))).randperm(50).tolist() == order
