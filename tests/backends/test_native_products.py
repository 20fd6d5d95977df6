"""Large float32 products on the matrix unit: when they go there, how exact they are, and what stays with BLAS."""
from __future__ import annotations

import threading

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from stickonfire.backends.cpu import native_products, products
from stickonfire.codegen import pool
from stickonfire.core.config import switches

pytestmark = [pytest.mark.llvm,
              pytest.mark.skipif(not native_products.ready(), reason="this processor has no matrix unit (AMX)")]


@pytest.fixture(autouse=True)
def long_since_patient(monkeypatch):
    monkeypatch.setattr(products, "_done", [products.PATIENCE])
    monkeypatch.setattr(switches, "fused", True)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def turned(a):
    """The same numbers, the other way round in memory."""
    return np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2)


def check(out, a, b):
    """Each product is exact to 2^-24, and a sum is rounded six times for 32 of them."""
    wide = a.astype(np.float64), b.astype(np.float64)
    np.testing.assert_array_less(np.abs(out - np.matmul(*wide)), 2.0 ** -20 * np.matmul(*map(np.abs, wide)) + 1e-30)
    assert out.dtype == np.float32 and out.shape == np.matmul(a, b).shape


@pytest.mark.parametrize("shapes", [((256, 784), (784, 256)), ((301, 303), (303, 305)), ((6, 128, 96), (6, 96, 130)),
                                    ((2, 3, 128, 256), (2, 3, 256, 128))])
@pytest.mark.parametrize("turn_a", [False, True])
@pytest.mark.parametrize("turn_b", [False, True])
def test_products(shapes, turn_a, turn_b):
    a, b = numbers(*shapes[0]), numbers(*shapes[1], seed=1)
    a, b = turned(a) if turn_a else a, turned(b) if turn_b else b
    check(native_products.multiply(a, b), a, b)
    check(products.product(a, b), a, b)


def test_parts_of_larger_arrays():
    """Rows further apart than they are long; heads within sequences."""
    a, b = numbers(300, 400)[10:250, 5:300], numbers(500, 300)[7:302, ::1]
    check(native_products.multiply(a, b), a, b)
    x = numbers(2, 160, 3, 4, 64)                       # sequence, place, query key or value, head, number
    q, k = (x[:, :, i].swapaxes(1, 2) for i in (0, 1))
    check(native_products.multiply(q, k.swapaxes(-1, -2)), q, k.swapaxes(-1, -2))


def test_what_stays_with_blas():
    """Narrow products, layouts that no dim of which is dense, lead dims that differ, one row."""
    multiply = native_products.multiply
    assert multiply(numbers(2048, 784), numbers(784, 10)) is None
    assert multiply(numbers(512, 512)[::2, ::2], numbers(256, 256)) is None
    assert multiply(numbers(4, 200, 200), numbers(1, 200, 200)) is None
    assert multiply(numbers(1, 4096), numbers(4096, 4096)) is None
    assert multiply(np.broadcast_to(numbers(1, 300), (300, 300)), numbers(300, 300)) is None
    with pytest.raises(ValueError, match=r"shapes|mismatch"):
        products.product(numbers(300, 300), numbers(299, 300))


@pytest.mark.parametrize("value", [np.inf, -3.4e38, np.nan])
def test_what_cannot_be_split(value):
    a, b = numbers(300, 200), numbers(200, 300)
    a[5, 6] = value
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(products.product(a, b), np.dot(a, b), rtol=1e-4, atol=1e-4)


def test_probabilities_and_values():
    """The probabilities of a peaked softmax are denormal here and there."""
    scores = 25 * numbers(256, 256)
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    assert ((p > 0) & (p < 1e-34)).any()
    check(products.product(p, numbers(256, 256)), p, numbers(256, 256))


def test_middling_products_stay_away_from_blas():
    """BLAS's threads go on spinning after a product, in the way of ours; narrow ones are too slow here, though."""
    check(native_products.multiply(numbers(256, 256), numbers(256, 10)), numbers(256, 256), numbers(256, 10))
    assert native_products.multiply(numbers(4, 400), numbers(400, 400)) is None


def test_a_matrix_times_its_transpose_is_symmetric():
    x = numbers(300, 600)
    for a, b in ((x, x.T), (x.T, x)):
        out = products.product(a, b)
        np.testing.assert_array_equal(out, out.T)
    check(products.product(x, x.T.copy()), x, x.T)
    batch = numbers(4, 128, 130)
    out = products.product(batch, batch.swapaxes(1, 2))
    np.testing.assert_array_equal(out, out.swapaxes(1, 2))
    both = numbers(256, 2, 256)                 # queries and keys in one array are no such case
    assert not products.is_turned(both[:, 0], both[:, 1].T) and products.is_turned(both[:, 0], both[:, 0].T)


def test_where_llvm_does_not_load(monkeypatch):
    """llvmlite may be installed and yet fail to import: BLAS goes on."""
    def fails():
        raise ImportError("no such library")
    monkeypatch.setattr(native_products, "ready", fails)
    products._native.cache_clear()
    try:
        np.testing.assert_array_equal(products.product(numbers(200, 200), numbers(200, 200)),
                                      np.dot(numbers(200, 200), numbers(200, 200)))
    finally:
        products._native.cache_clear()


def test_the_number_of_threads_is_part_of_the_kind():
    a, b = numbers(500, 500), numbers(500, 500)
    before = switches.threads
    try:
        for count in (1, 2, 3):
            pool.resize(count)
            check(native_products.multiply(a, b), a, b)
    finally:
        switches.threads = before
        pool.resize(pool.threads())
        switches.threads = before


def test_not_before_it_pays(monkeypatch):
    """Products are counted until they have taken longer than loading LLVM would; the switch leaves all to BLAS."""
    calls = []
    monkeypatch.setattr(native_products, "multiply", lambda a, b: calls.append(a.shape))
    monkeypatch.setattr(products, "_done", [0])
    monkeypatch.setattr(products, "PATIENCE", 3 * 200 ** 3)
    a = numbers(200, 200)
    for _ in range(3):
        products.product(a, a)
    assert not calls and products._done == [3 * 200 ** 3]
    products.product(a, a)
    assert calls == [(200, 200)]
    monkeypatch.setattr(switches, "fused", False)
    products.product(a, a)
    products.product(numbers(20, 20), numbers(20, 20))
    products.product(a.astype(np.float64), a.astype(np.float64))
    assert len(calls) == 1


def test_threads_that_fail_and_threads_that_do_not():
    """Whether a product could be split is told to the thread that asked for it."""
    fine, a = numbers(256, 256), numbers(256, 256)
    a[3, 4] = np.inf
    expected = products.product(fine, fine)
    wrong = []

    def many(x, finite):
        for _ in range(100):
            out = native_products.multiply(x, fine)
            if finite and not np.array_equal(out, expected) or not finite and out is not None:
                wrong.append(finite)
    workers = [threading.Thread(target=many, args=pair) for pair in ((fine, True), (a, False)) * 2]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
