"""float32 products on the matrix unit against float64: sizes, transposes, blocks, epilogues, and what it cannot do."""
from __future__ import annotations

import ctypes
import functools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("llvmlite")

from stickonfire.codegen import gemm, gemm_amx_plan, llvm, pool

pytestmark = [pytest.mark.llvm,
              pytest.mark.skipif(not llvm.host().unit, reason="this processor has no matrix unit (AMX)")]

M = gemm.machine("float32", 16)
STATUS = gemm.UNIT_CELLS.index("status")


@functools.cache
def function(unit: bool):
    name, text = gemm.unit_kernel(M) if unit else gemm.kernel("float32", 16)
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(llvm.load(text).address(name))


def call(product, *arrays, cut=(1, 1), fall_back=False):
    """Runs `product` on arrays a, b, c, bias, residual; returns the status."""
    made = gemm_amx_plan.unit_plan_for(product, *cut)
    other = gemm.plan(product, M, 1)
    scratch = np.full(max(made.scratch(pool.cores()), other.scratch(pool.cores())) + 64, 0xFF, np.uint8)    # all NaN
    addresses = dict(zip(("a", "b", "c", "bias", "residual"), (x.ctypes.data for x in arrays)))
    addresses["scratch"] = -(-scratch.ctypes.data // 64) * 64
    address = ctypes.cast(function(False), ctypes.c_void_p).value if fall_back else 0
    raw = gemm.unit_cells(product, made, address, other, **addresses)
    cells = np.frombuffer(raw, np.int64).copy()
    function(True)(cells.ctypes.data)
    return cells[STATUS]


def run(m, n, k, ta=False, tb=False, epilogue="", batch=1, alpha=1.0, spare=(0, 0, 0, 0), cut=(1, 1), seed=0):
    """Computes a random product, and checks it and that nothing beside C was written. Returns the largest error."""
    rng = np.random.default_rng(seed)

    def stored(rows, columns, more):
        return rng.standard_normal((batch, rows, columns + more)).astype(np.float32)
    a, b = stored(*((k, m) if ta else (m, k)), spare[0]), stored(*((n, k) if tb else (k, n)), spare[1])
    c, residual, bias = stored(m, n, spare[2]), stored(m, n, spare[3]), rng.standard_normal(n).astype(np.float32)
    c[:, :, :n] = np.nan                                        # must not be read
    before = c.copy()
    product = gemm.Product(m, n, k, a.shape[2], b.shape[2], c.shape[2], ta, tb, epilogue, residual.shape[2], batch,
                           a[0].size, b[0].size, c[0].size, residual[0].size, alpha)
    assert call(product, a, b, c, bias, residual, cut=cut) == 0
    wide = [x.astype(np.float64) for x in (a, b, bias, residual[:, :, :n])]
    left = wide[0][:, :, :m].transpose(0, 2, 1) if ta else wide[0][:, :, :k]
    right = wide[1][:, :, :k].transpose(0, 2, 1) if tb else wide[1][:, :, :n]
    expected = gemm.reference(left, right, 0.0, alpha, 0.0, wide[2] if "bias" in epilogue else 0.0, "relu" in epilogue,
                              wide[3] if "residual" in epilogue else 0.0)
    # each product is exact to 2^-24; the sums round as float32 sums do
    size = abs(alpha) * (np.abs(left) @ np.abs(right)) + 8
    np.testing.assert_array_less(np.abs(c[:, :, :n] - expected), 2.0 ** -22 * size)
    np.testing.assert_array_equal(c[:, :, n:], before[:, :, n:])


sizes = st.one_of(st.integers(1, 8), st.integers(1, 40), st.integers(1, 150))


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(m=sizes, n=sizes, k=sizes, ta=st.booleans(), tb=st.booleans(), epilogue=st.sampled_from(list(gemm.EPILOGUES)),
       batch=st.integers(1, 3), alpha=st.sampled_from([1.0, -0.7, 0.0]), spare=st.tuples(*[st.integers(0, 9)] * 4),
       cut=st.sampled_from([(1, 1), (2, 1), (1, 2), (2, 2)]), seed=st.integers(0, 99))
def test_random_products(**case):
    run(**case)


@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
def test_several_blocks_of_everything(ta, tb, monkeypatch):
    """More than one block of k and of the resident operand, for several threads, whichever operand is streamed."""
    monkeypatch.setattr(gemm_amx_plan, "UNIT_DEPTH", 64)
    monkeypatch.setattr(gemm_amx_plan, "UNIT_WHOLE", 64)
    monkeypatch.setattr(gemm_amx_plan, "UNIT_RESIDENT", 1 << 15)
    run(67, 300, 333, ta, tb, "bias_relu", cut=(2, 1))
    run(300, 67, 256, ta, tb, "residual", cut=(1, 2), alpha=0.5)


def test_nearer_than_a_chain_of_multiply_adds():
    """Six products of bfloat16 numbers are no less exact than float32 arithmetic."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((96, 700)).astype(np.float32), rng.standard_normal((700, 96)).astype(np.float32)
    exact, errors = a.astype(np.float64) @ b, []
    product, c = gemm.Product(96, 96, 700, 700, 96, 96), np.empty((96, 96), np.float32)
    call(product, a, b, c)
    errors.append(np.abs(c - exact).mean())
    scratch = np.empty(gemm.plan(product, M, 1).scratch(pool.cores()) + 64, np.uint8)
    raw = gemm.cells(product, gemm.plan(product, M, 1), a.ctypes.data, b.ctypes.data, c.ctypes.data,
                     scratch=-(-scratch.ctypes.data // 64) * 64)
    cells = np.frombuffer(raw, np.int64).copy()
    function(False)(cells.ctypes.data)
    errors.append(np.abs(c - exact).mean())
    assert errors[0] <= errors[1]


@pytest.mark.parametrize("value", [np.inf, -np.inf, 3.4e38, -3.4028235e38])
def test_what_cannot_be_split_goes_elsewhere(value):
    """Infinities, and what rounds to them in bfloat16: the other kernel does the whole product."""
    rng = np.random.default_rng(1)
    for where in (0, 1):
        a, b = rng.standard_normal((70, 50)).astype(np.float32), rng.standard_normal((50, 40)).astype(np.float32)
        (a, b)[where][3, 4] = value
        c = np.full((70, 40), np.nan, np.float32)
        product = gemm.Product(70, 40, 50, 50, 40, 40)
        assert call(product, a, b, c) == 1
        assert call(product, a, b, c, fall_back=True) == 1
        np.testing.assert_allclose(c, (a.astype(np.float64) @ b).astype(np.float32), rtol=1e-4, atol=1e-4)


def test_tiny_products_go_elsewhere():
    """Where every product is below 2^-80 pieces would be lost below the smallest normal number."""
    rng = np.random.default_rng(2)
    a, b = ((1e-15 * rng.standard_normal(size)).astype(np.float32) for size in ((40, 50), (50, 60)))
    c = np.full((40, 60), np.nan, np.float32)
    assert call(gemm.Product(40, 60, 50, 50, 60, 60), a, b, c, fall_back=True) == 1
    np.testing.assert_allclose(c, a.astype(np.float64) @ b, rtol=1e-4, atol=1e-32)
    a[:] = 0                                        # but zeros are fine
    assert call(gemm.Product(40, 60, 50, 50, 60, 60), a, b, c) == 0
    np.testing.assert_array_equal(c, 0)


@pytest.mark.parametrize("bits", [0x7FC00000, 0x7FFFFFFF, 0xFFC00001, 0x7F800001])
def test_nan_stays_where_it_belongs(bits):
    """A NaN in A reaches its row, one in B its column, whatever its payload."""
    a, b = np.ones((40, 33), np.float32), np.ones((33, 50), np.float32)
    a.view(np.uint32)[7, 8] = bits
    b.view(np.uint32)[20, 45] = bits
    c = np.zeros((40, 50), np.float32)
    assert call(gemm.Product(40, 50, 33, 33, 50, 50), a, b, c, fall_back=True) == 1
    expected = np.full((40, 50), 33.0)
    expected[7] = expected[:, 45] = np.nan
    np.testing.assert_array_equal(c, expected)


@pytest.mark.parametrize("place", [0, 5, 16, 20, 31])
def test_denormal_numbers_disturb_nobody(place):
    """The last piece of a tiny number is denormal; none of its digits may get into its neighbour's."""
    rng = np.random.default_rng(4)
    for bits in [*(1 << i for i in range(32)), *rng.integers(0, 1 << 23, 50), *rng.integers(0, 1 << 30, 50)]:
        a, b = rng.standard_normal((3, 40)).astype(np.float32), rng.standard_normal((40, 5)).astype(np.float32)
        a.view(np.uint32)[1, place] = b.view(np.uint32)[place, 2] = bits
        c = np.empty((3, 5), np.float32)
        if call(gemm.Product(3, 5, 40, 40, 5, 5), a, b, c) == 0:
            x, y = a.astype(np.float64), b.astype(np.float64)
            np.testing.assert_array_less(np.abs(c - x @ y), 2.0 ** -22 * (np.abs(x) @ np.abs(y)))
        else:
            assert not 2.0 ** -100 < np.abs(a[1, place]) < 2.0 ** 63


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(low=st.integers(-149, 127), high=st.integers(-149, 127), other=st.integers(-149, 127), seed=st.integers(0, 99))
def test_all_magnitudes(low, high, other, seed):
    """Either the result is right, or the other kernel is asked: what is lost is below the smallest normal number."""
    rng = np.random.default_rng(seed)

    def numbers(shape, least, most):
        powers = rng.uniform(min(least, most), max(least, most), shape)
        return (rng.choice([-1, 1], shape) * 2.0 ** powers).astype(np.float32)
    a, b, c = numbers((20, 50), low, high), numbers((50, 20), other, other), np.empty((20, 20), np.float32)
    if call(gemm.Product(20, 20, 50, 50, 20, 20), a, b, c) == 0:
        x, y = a.astype(np.float64), b.astype(np.float64)
        lost = 2.0 ** -110 * 50 * max(1.0, np.abs(y).max())
        np.testing.assert_array_less(np.abs(c - x @ y), 2.0 ** -21 * (np.abs(x) @ np.abs(y)) + lost)


@pytest.mark.parametrize("sizes", [(1e25, 1e25), (1e-37, 1e20), (1e20, 1e-40), (1e-20, 1e-20)])
def test_beyond_the_range(sizes):
    """Products that overflow are infinite, not NaN; an operand of denormal numbers keeps its digits."""
    rng = np.random.default_rng(5)
    a, b = ((size * rng.uniform(0.5, 1, shape)).astype(np.float32) for size, shape in zip(sizes, ((40, 50), (50, 60))))
    c = np.full((40, 60), np.nan, np.float32)
    assert call(gemm.Product(40, 60, 50, 50, 60, 60), a, b, c, fall_back=True) == 1
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(c, (a.astype(np.float64) @ b).astype(np.float32), rtol=1e-5)


def test_no_more_scratch_than_planned():
    rng = np.random.default_rng(6)
    for m, n, k, ta, tb in ((100, 130, 300, False, True), (300, 40, 1000, True, False), (33, 65, 97, True, True)):
        a, b, c = (rng.standard_normal(size).astype(np.float32) for size in (m * k, n * k, m * n))
        product = gemm.Product(m, n, k, m if ta else k, k if tb else n, n, ta, tb)
        made = gemm_amx_plan.unit_plan_for(product, pool.threads(), 1)
        size = made.scratch(pool.threads())
        scratch = np.full(size + 4096, 0xA5, np.uint8)
        skip = -scratch.ctypes.data % 64
        raw = gemm.unit_cells(product, made, a=a.ctypes.data, b=b.ctypes.data, c=c.ctypes.data,
                              scratch=scratch.ctypes.data + skip)
        cells = np.frombuffer(raw, np.int64).copy()
        function(True)(cells.ctypes.data)
        assert (scratch[skip + size:] == 0xA5).all() and (scratch[:skip] == 0xA5).all()


def test_heads_within_sequences():
    """A batch whose products are counted by two strides, as queries and keys lie in one array."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((3, 64, 4, 2, 32)).astype(np.float32)       # sequence, place, head, query or key, number
    out = np.empty((3, 4, 64, 64), np.float32)
    product = gemm.Product(64, 64, 32, 256, 256, 64, tb=True, batch=12, stride_a=64 * 256, stride_b=64 * 256,
                           stride_c=4 * 64 * 64, inner=4, inner_a=64, inner_b=64, inner_c=64 * 64)
    q, k = x[..., 0, :], x[..., 1, :]
    call(product, q, k, out)
    expected = np.einsum("nqhd,nkhd->nhqk", q.astype(np.float64), k)
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5)


def test_when_it_is_used():
    """Large products with no beta; not thin or tiny ones, not float64."""
    def plan(m, n, k, dtype="float32", **more):
        return gemm.unit_plan(gemm.Product(m, n, k, k, n, n, **more), gemm.machine(dtype, 16), 2)
    assert plan(256, 256, 784) and plan(2048, 1536, 384) and plan(256, 256, 64, batch=48)
    assert plan(256, 256, 784, beta=1.0) is None and plan(256, 256, 784, "float64") is None
    assert plan(1, 4096, 4096) is None and plan(8, 4, 16) is None
    assert plan(256, 256, 0) is None and plan(0, 256, 256) is None and plan(256, 0, 256) is None
