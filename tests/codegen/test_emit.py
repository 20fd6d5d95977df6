"""Kernels of one instruction against NumPy: each function and reduction, in each dtype, over rows of every awkward
width."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from stickonfire.compiler.build import Executable
from stickonfire.compiler.memory import as_array
from stickonfire.compiler.program import Instr, Program, Ref
from stickonfire.compiler.reference import execute

pytestmark = pytest.mark.llvm
UNARY = (
    "negative",
    "absolute",
    "sqrt",
    "square",
    "reciprocal",
    "exp",
    "expm1",
    "exp2",
    "log",
    "log1p",
    "log2",
    "log10",
    "sin",
    "cos",
    "tan",
    "tanh",
    "sinh",
    "cosh",
    "sigmoid",
    "erf",
    "erfc",
    "arctan",
    "arcsin",
    "arccos",
    "floor",
    "ceil",
    "rint",
    "trunc",
    "sign",
)
BINARY = (
    "add",
    "subtract",
    "multiply",
    "divide",
    "power",
    "maximum",
    "minimum",
    "copysign",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "equal",
    "not_equal",
)
INTEGER = (
    "add",
    "subtract",
    "multiply",
    "maximum",
    "minimum",
    "less",
    "greater_equal",
    "equal",
    "and",
    "or",
    "xor",
    "negative",
    "absolute",
    "sign",
)
COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "isnan")
WIDTHS = (1, 3, 15, 16, 17, 33, 64, 100, 517)
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, 1e30, -1e30)


def ref(program, kind, array):
    low, high = np.lib.array_utils.byte_bounds(array if array.base is None else array.base)
    start = array.__array_interface__["data"][0] - low
    return Ref(
        program.buffer(kind, high - low, array if array.base is None else array.base, low),
        array.dtype,
        array.shape,
        array.strides,
        start,
    )


def run(name, arrays, out, **settings):
    """An instruction on arrays by a kernel and by NumPy."""
    program = Program()
    operands = tuple(ref(program, "input", a) if isinstance(a, np.ndarray) else a for a in arrays)
    inputs = [x.buffer for x in operands if isinstance(x, Ref)]
    result = ref(program, "result", out)
    instr = Instr(name, operands, (result,), settings)
    program.instrs.append(instr)
    program.results = [result]
    made = Executable(program, inputs, [result.buffer])
    assert len(made.parts) == 1 and callable(made.parts[0]), "not native"
    bases = [x if x.base is None else x.base for x in arrays if isinstance(x, np.ndarray)]
    made.parts[0](*bases, out)
    wanted = np.empty_like(out)
    with np.errstate(all="ignore"):
        execute(
            instr,
            lambda r: (
                wanted
                if r is result
                else as_array(np.lib.array_utils.byte_bounds(r.buffer.memory)[0] + r.offset, r, r.buffer.memory)
            ),
            float,
        )
    return out, wanted


def numbers(kind, *shape, special=False):
    rng = np.random.default_rng(0)
    if kind == "bool":
        return rng.random(shape) > 0.5
    if kind.startswith(("i", "u")):
        return rng.integers(0 if kind[0] == "u" else -100, 100, shape).astype(kind)
    data = rng.normal(0, 1.5, shape).astype(kind)
    if special and data.size > 16:
        data.reshape(-1)[: len(SPECIAL)] = SPECIAL
    return data


def close(found, wanted, kind="float32"):
    if wanted.dtype.kind != "f":
        np.testing.assert_array_equal(found, wanted)
    else:
        np.testing.assert_allclose(
            found, wanted, rtol=2e-6 if kind == "float32" else 2e-13, atol=1e-37 if kind == "float32" else 1e-300
        )


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("name", UNARY + BINARY)
@pytest.mark.filterwarnings("ignore")
def test_floats(name, kind):
    given = [numbers(kind, 3, 37, special=True)]
    if name in BINARY:
        given.append(numbers(kind, 3, 37)[:, ::-1].copy())
    if name == "power":
        given[0] = np.abs(given[0])
    if name in ("sin", "cos", "tan"):
        given[0] = np.clip(given[0], -1e4, 1e4)
    out = np.empty((3, 37), bool if name in COMPARISONS else kind)
    close(*run(name, given, out, of=np.dtype(kind)), kind)


@pytest.mark.parametrize("kind", ["int64", "int32", "uint8"])
@pytest.mark.parametrize("name", INTEGER)
def test_integers(name, kind):
    given = [numbers(kind, 5, 19), numbers(kind, 5, 19)[::-1].copy()][
        : 1 if name in ("negative", "absolute", "sign") else 2
    ]
    out = np.empty((5, 19), bool if name in COMPARISONS else kind)
    close(*run(name, given, out, of=np.dtype(kind)))


@pytest.mark.parametrize("source", ["float32", "float64", "int64", "int32", "uint8", "int8", "bool"])
@pytest.mark.parametrize("target", ["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"])
def test_casts(source, target):
    a = numbers(source, 7, 23)
    if source.startswith("float"):
        a = np.abs(a) * 50 if target == "uint8" else a * 50
    close(*run("cast", [a], np.empty((7, 23), target)))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["float32", "float64", "int64"])
def test_widths(width, kind):
    close(
        *run("add", [numbers(kind, 4, width), numbers(kind, width)], np.empty((4, width), kind), of=np.dtype(kind)),
        kind,
    )


@pytest.mark.parametrize("count", [4095, 4096, 4097, 8192, 16383, 16385, 40000])
def test_long_rows_in_chunks(count):
    a = numbers("float32", count)
    close(*run("tanh", [a], np.empty(count, np.float32), of=np.dtype("float32")))
    for kind in ("sum", "max"):
        found, wanted = run("reduce", [a], np.empty(1, np.float32), kind=kind, axes=(0,))
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)


REDUCTIONS = (
    [(kind, dtype) for dtype in ("float32", "float64", "int64") for kind in ("sum", "max", "min", "prod")]
    + [(kind, "bool") for kind in ("any", "all", "max", "min")]
    + [("max", "uint8"), ("min", "uint8")]
)


@pytest.mark.parametrize("width", (1, 5, 16, 33, 100))
@pytest.mark.parametrize(("kind", "dtype"), REDUCTIONS)
def test_reductions(kind, dtype, width):
    a = numbers(dtype, 9, width)
    if kind == "prod":
        a = (a / 2).astype(dtype) if dtype.startswith("f") else np.sign(a) + 2 * (a == 0)
    for axes, shape in (((1,), (9, 1)), ((0,), (1, width)), ((0, 1), (1, 1))):
        found, wanted = run("reduce", [a], np.empty(shape, dtype), kind=kind, axes=axes)
        if dtype.startswith("f"):
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a.T,
        lambda a: a[::2, ::3],
        lambda a: a[::-1],
        lambda a: a[:, ::-1],
        lambda a: a[3:, 5:],
        lambda a: np.broadcast_to(a[0], a.shape),
        lambda a: a[:, 2:3],
    ],
)
def test_strides(view):
    a = view(numbers("float32", 12, 40))
    close(*run("multiply", [a, 2.0], np.empty(a.shape, np.float32), of=np.dtype("float32")))


@pytest.mark.parametrize("kind", ["sum", "max", "min"])
def test_nan_wins(kind):
    a = numbers("float32", 4, 40)
    a[1, 7] = a[2, 39] = np.nan
    for axes, shape in (((1,), (4, 1)), ((0,), (1, 40)), ((0, 1), (1, 1))):
        found, wanted = run("reduce", [a], np.empty(shape, np.float32), kind=kind, axes=axes)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
