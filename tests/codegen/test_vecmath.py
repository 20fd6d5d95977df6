"""Vector functions: ulp errors measured against a wider dtype, special cases against libm, all widths alike."""
import ctypes
import itertools
import math
import re

import numpy as np
import pytest

from stickonfire.codegen import llvm, vecmath

pytestmark = pytest.mark.llvm
pytest.importorskip("llvmlite")

NUMPY = {"float": np.float32, "double": np.float64}
WIDER = {"float": np.float64, "double": np.longdouble}
NO_LONG_DOUBLE = np.finfo(np.longdouble).nmant < 60
# Names with NumPy's where those differ; erf and erfc come from `math`, in double only.
SAME = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "pow": "power"}
# Most ulp allowed: the table of vecmath.py, and some for numbers its samples missed.
MOST = {"float": {}, "double": {"erfc": 4.5}}
MOST_ELSE = 2.0


def kernel(name, dtype, lanes):
    symbol, text = vecmath.function(name, dtype, lanes)
    kind = dtype if lanes == 1 else f"<{lanes} x {dtype}>"
    second = f", {kind} %y" if name in vecmath.TWO_ARGUMENTS else ""
    loads = "\n".join(f"""
  %{c}.at = getelementptr i64, ptr %args, i64 {i}
  %{c}.base = load ptr, ptr %{c}.at""" for i, c in enumerate("xyz"))
    library = llvm.load(f"""{text}
define void @run(ptr %args) {{
entry:{loads}
  %n.at = getelementptr i64, ptr %args, i64 3
  %n = load i64, ptr %n.at
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %j, %loop ]
  %xp = getelementptr {dtype}, ptr %x.base, i64 %i
  %x = load {kind}, ptr %xp, align 4
  %yp = getelementptr {dtype}, ptr %y.base, i64 %i
  %y = load {kind}, ptr %yp, align 4
  %z = call {kind} @{symbol}({kind} %x{second})
  %zp = getelementptr {dtype}, ptr %z.base, i64 %i
  store {kind} %z, ptr %zp, align 4
  %j = add i64 %i, {lanes}
  %more = icmp slt i64 %j, %n
  br i1 %more, label %loop, label %end
end:
  ret void
}}
""")
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(library.address("run"))

    def run(x, y=None):
        size = -(-x.size // 64) * 64
        x, y = (np.resize(a, size).astype(NUMPY[dtype]) for a in (x, x if y is None else y))
        out = np.empty_like(x)
        cells = (ctypes.c_int64 * 4)(x.ctypes.data, y.ctypes.data, out.ctypes.data, size)
        function(ctypes.addressof(cells))
        return out

    return run


def sample(dtype, seed, size=8000):
    """Numbers of all sizes: random bits, and bell curves of several widths."""
    random = np.random.default_rng(seed)
    unsigned = np.uint32 if dtype == "float" else np.uint64
    bits = random.integers(0, np.iinfo(unsigned).max, size, dtype=unsigned, endpoint=True).view(NUMPY[dtype])
    bells = [random.standard_normal(size // 4) * width for width in (1e-3, 0.3, 1, 3, 10, 100, 1e3, 1e5)]
    ones = [1 + random.standard_normal(size // 8) * width for width in (1e-2, 1e-5)]
    return np.concatenate([bits, *bells, *ones, random.uniform(-1, 1, size // 4)]).astype(NUMPY[dtype])


def expected(name, dtype, x, y=None):
    if name in ("erf", "erfc"):
        return np.array([getattr(math, name)(v) for v in x.tolist()])
    x = x.astype(WIDER[dtype])
    if name == "sigmoid":
        e = np.exp(-np.abs(x))
        return np.where(x < 0, e, np.ones_like(x)) / (1 + e)
    if name == "rsqrt":
        return 1 / np.sqrt(x)
    function = getattr(np, SAME.get(name, name))
    return function(x) if y is None else function(x, y.astype(WIDER[dtype]))


def arguments(name, dtype, seed=1):
    x = sample(dtype, seed)
    if name not in vecmath.TWO_ARGUMENTS:
        return x, None
    y, random = sample(dtype, seed + 1), np.random.default_rng(seed)
    near = x * np.exp(random.standard_normal(x.size))
    if name == "pow":
        x = np.abs(x)
        logarithm, most = np.log(x.astype(float)), 88 if dtype == "float" else 709
        near = random.uniform(-1, 1, x.size) * most / np.where(logarithm == 0, 1, logarithm)
    return x, np.where(random.random(x.size) < 0.7, near, y).astype(x.dtype)


def worst(got, want, dtype):
    """The largest error in ulp; NaN, infinity and the sign of zero have to be right."""
    rounded = want.astype(NUMPY[dtype])
    got = got[:want.size]
    np.testing.assert_array_equal(np.isnan(got), np.isnan(rounded))
    np.testing.assert_array_equal(np.isinf(got), np.isinf(rounded))
    zero = (got == 0) & (rounded == 0)
    np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(rounded[zero]))
    finite = np.isfinite(rounded)
    error = np.abs(got[finite].astype(want.dtype) - want[finite]) / np.spacing(np.abs(rounded[finite]))
    return float(error.max())


@pytest.mark.parametrize("dtype", ["float", "double"])
@pytest.mark.parametrize("name", vecmath.BODIES)
def test_errors_stay_small(name, dtype):
    erf = name in ("erf", "erfc")
    if dtype == "double" and NO_LONG_DOUBLE and not erf:
        pytest.skip("this system has nothing wider than double to compare with")
    with np.errstate(all="ignore"):
        x, y = arguments(name, dtype)
        got = kernel(name, dtype, llvm.host().lanes32 // (1 + (dtype == "double")))(x, y)
        libm = 1.0 if erf and dtype == "double" else 0.0            # the reference itself is not exact
        assert worst(got, expected(name, dtype, x, y), dtype) <= MOST[dtype].get(name, MOST_ELSE) + libm


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 1e30, -1e30, math.inf, -math.inf, math.nan,
           5e-324, 1e-310, 1e-40, 1.5, -1.5, 1e17, 2.0 ** 53 + 2, 88.0, 89.5, -104.0, 710.0, -745.5, 1.0000001]


@pytest.mark.parametrize("dtype", ["float", "double"])
@pytest.mark.parametrize("name", vecmath.BODIES)
def test_special_cases_are_libms(name, dtype):
    with np.errstate(all="ignore"):
        if name in vecmath.TWO_ARGUMENTS:
            x, y = np.array(list(itertools.product(SPECIAL, SPECIAL))).T.astype(NUMPY[dtype])
        else:
            x, y = np.array(SPECIAL, NUMPY[dtype]), None
        got = kernel(name, dtype, 4)(x, y)
        if dtype == "double":
            want = np.array(expected(name, dtype, x, y), np.float64)
        else:
            want = expected(name, dtype, x, y)
        assert worst(got, want, dtype) <= MOST[dtype].get(name, MOST_ELSE) + 1


@pytest.mark.parametrize("dtype", ["float", "double"])
@pytest.mark.parametrize("name", ["exp", "tanh", "log1p", "sin", "pow"])
def test_all_widths_compute_the_same(name, dtype):
    x, y = (None if a is None else a[::16] for a in arguments(name, dtype, 3))
    with np.errstate(all="ignore"):
        results = [kernel(name, dtype, lanes)(x, y) for lanes in (1, 2, 4, 8, 16, 32)]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize("dtype", ["float", "double"])
@pytest.mark.parametrize("name", ["exp", "exp2", "expm1", "sinh", "cosh", "sigmoid", "erfc", "pow"])
def test_processors_without_avx512_compute_the_same(name, dtype, monkeypatch):
    x, y = arguments(name, dtype, 4)
    with np.errstate(all="ignore"):
        here = kernel(name, dtype, 4)(x, y)
        host = llvm.host()
        monkeypatch.setattr(llvm, "host", lambda: llvm.Host(host.name, host.features, 8, unit=False))
        vecmath.function.cache_clear()
        there = kernel(name, dtype, 4)(x, y)
    vecmath.function.cache_clear()
    np.testing.assert_array_equal(here, there)


def test_no_rounding_is_left_to_chance():
    for name in vecmath.BODIES:
        text = vecmath.function(name, "float", 8)[1]
        assert not re.search(r"\b(fast|nnan|ninf|nsz|arcp|contract|afn|reassoc)\b", text), name


def test_names_and_widths_show_in_the_symbol():
    symbol, text = vecmath.function("sigmoid", "float", 8)
    assert symbol == "vm_sigmoid_v8f32"
    assert text.startswith("define internal <8 x float> @vm_sigmoid_v8f32(<8 x float> %x) alwaysinline {")
    assert vecmath.function("sigmoid", "double", 1)[1].startswith("define internal double @vm_sigmoid_v1f64(double %x)")


def test_unknown_names_are_key_errors():
    with pytest.raises(KeyError):
        vecmath.function("gamma", "float", 8)
    with pytest.raises(KeyError):
        vecmath.function("exp", "float16", 8)


def test_far_angles_are_libms():
    x = np.array([1e6, 3e7, 1e22, 3e38, -1e10], np.float32)
    for name in ("sin", "cos", "tan"):
        got = kernel(name, "float", 8)(x)[:5]
        np.testing.assert_allclose(got, getattr(np, name)(x.astype(np.float64)), rtol=3e-7)
