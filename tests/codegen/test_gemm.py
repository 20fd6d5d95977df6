"""Generated matrix products against NumPy: sizes, transposes, strides, batches, epilogues, every vector width."""
from __future__ import annotations

import ctypes
import functools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("llvmlite")

from stickonfire.codegen import gemm, llvm, pool

pytestmark = pytest.mark.llvm

WIDTHS = [lanes for lanes in (16, 8, 4) if lanes <= llvm.host().lanes32]
DTYPES = ("float32", "float64")


@functools.cache
def function(dtype: str, lanes: int):
    name, text = gemm.kernel(dtype, lanes)
    return ctypes.CFUNCTYPE(None, ctypes.c_char_p)(llvm.load(text).address(name))


def stored(rng, batch, rows, columns, spare, dtype):
    """A batch of row-major matrices whose rows are `spare` numbers longer than needed."""
    return rng.standard_normal((batch, rows, columns + spare)).astype(dtype)


def call(product, dtype, lanes, *arrays, threads=1):
    """Runs `product` on arrays a, b, c, bias, residual."""
    made = gemm.plan(product, gemm.machine(dtype, lanes), threads)
    scratch = np.full(made.scratch(max(threads, pool.cores())) + 64, 0xFF, np.uint8)    # all NaN
    aligned = -(-scratch.ctypes.data // 64) * 64
    function(dtype, lanes)(gemm.cells(product, made, *(x.ctypes.data for x in arrays), scratch=aligned))


def run(dtype, lanes, m, n, k, ta=False, tb=False, epilogue="", batch=1, alpha=1.0, beta=0.0, spare=(0, 0, 0, 0),
        threads=1, seed=0):
    """Computes a random product, and checks it and that nothing beside C was written."""
    rng = np.random.default_rng(seed)
    a = stored(rng, batch, *((k, m) if ta else (m, k)), spare[0], dtype)
    b = stored(rng, batch, *((n, k) if tb else (k, n)), spare[1], dtype)
    c = stored(rng, batch, m, n, spare[2], dtype)
    residual, bias = stored(rng, batch, m, n, spare[3], dtype), rng.standard_normal(n).astype(dtype)
    if beta == 0:
        c[:, :, :n] = np.nan                                    # must not be read
    before = c.copy()
    product = gemm.Product(m, n, k, a.shape[2], b.shape[2], c.shape[2], ta, tb, epilogue, residual.shape[2], batch,
                           a[0].size, b[0].size, c[0].size, residual[0].size, alpha, beta)
    call(product, dtype, lanes, a, b, c, bias, residual, threads=threads)
    wide = [x.astype(np.float64) for x in (a, b, before[:, :, :n], bias, residual[:, :, :n])]
    left = wide[0][:, :, :m].transpose(0, 2, 1) if ta else wide[0][:, :, :k]
    right = wide[1][:, :, :k].transpose(0, 2, 1) if tb else wide[1][:, :, :n]
    expected = gemm.reference(left, right, wide[2], alpha, beta, wide[3] if "bias" in epilogue else 0.0,
                              "relu" in epilogue, wide[4] if "residual" in epilogue else 0.0)
    close = np.finfo(dtype).eps * 8 * (k + 4) ** 0.5
    np.testing.assert_allclose(c[:, :, :n], expected, rtol=close, atol=close * 4)
    np.testing.assert_array_equal(c[:, :, n:], before[:, :, n:])


sizes = st.one_of(st.integers(0, 8), st.integers(0, 40), st.integers(0, 150))


@pytest.mark.parametrize("lanes", WIDTHS)
@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(m=sizes, n=sizes, k=sizes, ta=st.booleans(), tb=st.booleans(), epilogue=st.sampled_from(list(gemm.EPILOGUES)),
       batch=st.integers(1, 3), alpha=st.sampled_from([1.0, -0.7, 0.0]), beta=st.sampled_from([0.0, 1.0, 0.5]),
       spare=st.tuples(*[st.integers(0, 9)] * 4), threads=st.integers(1, 4), seed=st.integers(0, 99))
def test_random_products(dtype, lanes, **case):
    run(dtype, lanes, **case)


@pytest.mark.parametrize("lanes", WIDTHS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
def test_several_blocks_of_everything(dtype, lanes, ta, tb):
    """More than one block of k, of columns and of rows, for several threads; beta and bias are applied once."""
    run(dtype, lanes, 67, 700, 1100, ta, tb, "bias_relu", beta=0.5, threads=2)
    run(dtype, lanes, 700, 67, 1100, ta, tb, "residual", beta=1.0, threads=2)


@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
def test_rows_a_page_apart(ta, tb):
    """Leading dimensions that are powers of two take the packed paths."""
    for dtype in DTYPES:
        run(dtype, WIDTHS[0], 100, 200, 300, ta, tb,
            spare=(1024 - (100 if ta else 300), 1024 - (300 if tb else 200), 0, 0))


@pytest.mark.parametrize("lanes", WIDTHS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("tb", [False, True])
@pytest.mark.parametrize("m, n, k", [(1, 1, 50), (1, 77, 100), (77, 1, 100), (3, 29, 64), (29, 3, 65), (4, 4, 200),
                                     (1, 333, 30), (1, 1000, 9)])
def test_thin_products(dtype, lanes, tb, m, n, k):
    """A matrix times a vector, and nearly so."""
    run(dtype, lanes, m, n, k, tb=tb, epilogue="bias_relu", beta=0.5, batch=2, spare=(3, 0, 1, 0))
    run(dtype, lanes, m, n, k, ta=True, tb=tb, epilogue="bias_residual", alpha=-2.0, threads=3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("beta", [0.0, 1.0, 2.0])
def test_empty_sum(dtype, beta):
    """K = 0 leaves beta * C, and the epilogue still happens."""
    for m, n in ((3, 5), (20, 40)):
        run(dtype, WIDTHS[0], m, n, 0, beta=beta)
        run(dtype, WIDTHS[0], m, n, 0, epilogue="bias_relu", beta=beta)


def test_nothing_to_do():
    for m, n in ((0, 5), (5, 0), (0, 0)):
        run("float32", WIDTHS[0], m, n, 7)


def test_an_operand_shared_by_the_batch():
    """A stride of 0: every product uses the same B."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((5, 6, 7)), rng.standard_normal((7, 9))
    c = np.empty((5, 6, 9))
    product = gemm.Product(6, 9, 7, 7, 9, 9, batch=5, stride_a=42, stride_b=0, stride_c=54)
    call(product, "float64", WIDTHS[0], a, b, c)
    np.testing.assert_allclose(c, a @ b)


def test_nan_and_infinity_stay_where_they_belong():
    """A NaN in A reaches its row only, one in B its column only, also through relu."""
    a, b = np.ones((20, 10), np.float32), np.ones((10, 40), np.float32)
    a[3, 4], b[5, 6] = np.nan, np.inf
    c = np.empty((20, 40), np.float32)
    product = gemm.Product(20, 40, 10, 10, 40, 40, epilogue="relu")
    call(product, "float32", WIDTHS[0], a, b, c)
    np.testing.assert_array_equal(c, gemm.reference(a, b, relu=False))


def test_every_plan_covers_all_tasks():
    """Parts of the plan never outnumber the threads, and the scratch holds a block."""
    m = gemm.machine("float32", 16)
    for rows, columns, k in ((1, 1, 1), (256, 256, 784), (2048, 1536, 384), (768, 65, 128), (5, 100000, 300)):
        for threads in (1, 2, 3, 8):
            made = gemm.plan(gemm.Product(rows, columns, k, k, columns, columns), m, threads)
            assert 1 <= made.split_m * made.split_n <= threads
            assert made.depth >= 1 and made.height >= 1 and made.breadth % m.width == 0
