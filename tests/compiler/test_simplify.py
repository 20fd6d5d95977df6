"""Each rule of `simplify.py` and `decompose.py` where it fires and where it must not; a verified program after each
pass."""

import numpy as np
import pytest

import stickonfire as torch
from stickonfire.compiler import variant
from stickonfire.compiler.decompose import decompose
from stickonfire.compiler.fold import fold
from stickonfire.compiler.program import Instr, Program, Ref, verify
from stickonfire.compiler.simplify import common, constants, dead, without_units

pytestmark = pytest.mark.llvm
F32 = np.dtype("float32")


def program():
    """A program with one input of 6 numbers, and a function that adds an instruction."""
    made = Program()
    source = Ref(made.buffer("input", 24, source=0), F32, (6,), (4,), 0)

    def add(name, *operands, shape=(6,), dtype=F32, **settings):
        out = made.value(shape, dtype)
        made.instrs.append(Instr(name, operands, (out,), {"of": F32, **settings} if name != "fill" else settings))
        return out

    return made, source, add


def names(made):
    return [instr.name for instr in made.instrs]


def test_dead_code():
    made, x, add = program()
    add("exp", x)
    y = add("add", x, 1)
    add("multiply", y, y)
    made.results = [y]
    dead(made)
    assert names(made) == ["add"] and len(made.buffers) == 2


def test_writes_to_outside_memory_are_not_dead():
    made, x, _ = program()
    outside = Ref(made.buffer("external", 24), F32, (6,), (4,), 0)
    made.instrs.append(Instr("add", (outside, x), (outside,), {"of": F32}))
    dead(made)
    assert names(made) == ["add"]


@pytest.mark.parametrize(
    ("name", "operands", "copy"),
    [
        ("multiply", ("x", 1), True),
        ("multiply", (1.0, "x"), True),
        ("divide", ("x", 1), True),
        ("subtract", ("x", 0), True),
        ("multiply", ("x", 0), False),
        ("add", ("x", 0), False),
        ("divide", (1, "x"), False),
        ("subtract", (0, "x"), False),
        ("multiply", ("x", 2), False),
        ("multiply", ("x", float("nan")), False),
    ],
)
def test_units(name, operands, copy):
    made, x, add = program()
    y = add(name, *[x if o == "x" else o for o in operands])
    made.results = [y]
    assert (without_units(made.instrs[0]).name == "cast") is copy


def test_units_where_the_shape_or_dtype_changes():
    made, x, add = program()
    add("multiply", x, 1, shape=(2, 6))
    add("multiply", x, 1, dtype=np.dtype("float64"))
    assert [without_units(i).name for i in made.instrs] == ["multiply", "multiply"]


def test_constants_become_numbers():
    made, x, add = program()
    two = add("fill", 2)
    four = add("multiply", two, two)
    y = add("add", x, four)
    made.results = [y]
    constants(made)
    dead(made)
    assert names(made) == ["add"] and made.instrs[0].operands == (x, 4.0)


def test_numbers_are_rounded_as_their_array_was():
    made, _, add = program()
    tenth = add("fill", 0.1)
    wide = add("add", tenth, 0, of=np.dtype("float64"), dtype=np.dtype("float64"))
    made.results = [wide]
    constants(made)
    assert made.instrs[-1].name == "fill" and made.instrs[-1].operands == (float(np.float32(0.1)),)


def test_arrays_that_are_written_twice_are_no_constants():
    made, x, add = program()
    a = add("fill", 1)
    made.instrs.append(Instr("cast", (x,), (a,), {}))
    y = add("multiply", a, 3)
    made.results = [y]
    constants(made)
    assert made.instrs[-1].operands == (a, 3)


def test_common_subexpressions():
    made, x, add = program()
    a, b = add("exp", x), add("exp", x)
    y = add("add", a, b)
    made.results = [y]
    common(made)
    assert names(made) == ["exp", "add"] and made.instrs[1].operands == (a, a)


def test_what_is_written_in_between_is_not_common():
    made, x, add = program()
    a = add("exp", x)
    made.instrs.append(Instr("fill", (0,), (x,), {}))
    b = add("exp", x)
    y = add("add", a, b)
    made.results = [y]
    common(made)
    assert names(made) == ["exp", "fill", "exp", "add"]


@pytest.mark.parametrize(("one", "other"), [((1,), (1.0,)), ((0.0,), (-0.0,)), ((1,), (True,)), ((2,), (3,))])
def test_other_numbers_are_not_common(one, other):
    made, x, add = program()
    made.results = [add("power", x, *one), add("power", x, *other)]
    common(made)
    assert names(made) == ["power", "power"]


def test_results_are_not_replaced():
    made, x, add = program()
    made.results = [add("exp", x), add("exp", x)]
    common(made)
    assert names(made) == ["exp", "exp"]


PROGRAMS = {
    "softmax": (lambda x: torch.softmax(x, 1), ["reduce", "subtract", "exp", "reduce", "divide"]),
    "a chain": (lambda x: (x * 1 + 0.5) / 1, ["cast", "add", "cast"]),
    "a mean over two dims": (lambda x: x.mean((0, 1)), ["reduce", "divide"]),
    "over the middle": (lambda x: x.reshape(2, 2, 3).sum(1), ["reduce"]),
    "silu": (lambda x: torch.nn.functional.silu(x), ["sigmoid", "multiply"]),
    "softplus": (
        lambda x: torch.nn.functional.softplus(x),
        ["absolute", "negative", "exp", "maximum", "log1p", "add", "greater", "where"],
    ),
    "padding": (lambda x: torch.nn.functional.pad(x, (1, 2), value=3.0), ["fill", "cast"]),
    "variance": (lambda x: x.var(1), ["reduce", "divide", "subtract", "multiply", "reduce", "divide"]),
    "zeros": (lambda x: torch.zeros_like(x) + x, ["add"]),
    "square": (lambda x: x**2, ["square"]),
    "views": (lambda x: x.T.T.reshape(12).view(4, 3) + 1, ["add"]),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    pytest.importorskip("llvmlite")
    function, wanted = PROGRAMS[name]
    run = torch.compile(function)
    for _ in range(2):
        run(torch.ones(4, 3))
    assert names(run.programs()[0].executable.program) == wanted


def test_programs_are_sound_after_each_pass(monkeypatch):
    pytest.importorskip("llvmlite")
    seen = []

    def prepare(made):
        for step in (decompose, fold, dead, constants, common, dead):
            step(made)
            verify(made)
            seen.append(step)

    monkeypatch.setattr(variant, "prepare", prepare)
    model = torch.nn.Sequential(
        torch.nn.Embedding(9, 8), torch.nn.LayerNorm(8), torch.nn.Linear(8, 9), torch.nn.Dropout(0.1)
    )
    optimizer = torch.optim.Adam(model.parameters())

    def step(x, y):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    run = torch.compile(step)
    for i in range(3):
        run(torch.arange(6), torch.arange(6) + i)
    assert run.programs() and len(seen) == 6
