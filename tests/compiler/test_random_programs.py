"""Random programs, compiled against eager. What failed once stands in `REGRESSIONS`, as small as it could be made.

`make fuzz-compiler` (or `--programs=N`, see conftest.py) tries more of them, from a seed of its own.
"""

import pytest

import stickonfire as torch

from . import random_programs, twins
from .random_programs import Random, Step

pytestmark = pytest.mark.llvm
pytest.importorskip("llvmlite")
BATCH = 50
SUMMED = {"scored": [], "returned": []}


def tried(seed):
    """What is wrong with the program of a seed; None if it is no program, because eager refuses it."""
    try:
        program = random_programs.generate(seed, torch)
        return twins.difference(program, torch)
    except (RuntimeError, ValueError, IndexError, TypeError):
        return None


def report(seed):
    """A failing program, made smaller."""

    def fails(program):
        try:
            return bool(twins.difference(program, torch))
        except (RuntimeError, ValueError, IndexError, TypeError):
            return False

    program = random_programs.shrunk(random_programs.generate(seed, torch), fails)
    return f"{program}\n{twins.difference(program, torch)}"


@pytest.mark.filterwarnings("ignore")
def test_random_programs(seeds):
    twins.COUNTS.clear()
    found = [tried(seed) for seed in seeds]
    wrong = [seed for seed, text in zip(seeds, found) if text]
    assert not wrong, f"seeds {wrong}\n{report(wrong[0])}"
    assert sum(text == "" for text in found) > 0.9 * len(seeds)
    assert twins.COUNTS["compiled"] > 0.75 * len(seeds), twins.COUNTS


REGRESSIONS = {
    # a reduction over dims in the middle, or beside dims of extent 1
    "middle sum": Random(38, [], [("float64", (1, 64, 8))], [Step("sum", (0,), ((1,), False))], [1], [1]),
    "stacked sum": Random(
        46, [("float32", (1, 8))], [], [Step("stack", (0, 0), (1,)), Step("over_sum", (1,), (1,))], [], [2]
    ),
    "middle of four": Random(
        1,
        [("float32", (3, 4, 5, 2))],
        [],
        [Step("sum", (0,), ((1, 3), False)), Step("softmax", (0,), (1,))],
        [],
        [1, 2],
    ),
    # arrays without elements
    "nothing": Random(7, [("float32", ()), ("float64", (8, 0))], [], [Step("sub", (1, 0))], [], [2]),
    "nothing in a norm": Random(
        1280,
        [("float64", (16, 0)), ("float32", (0, 0))],
        [],
        [Step("batch_norm", (0,)), Step("linear", (1, 1))],
        [],
        [2, 3],
    ),
    # an argument that is handed on as it is
    "an argument": Random(56, [("float32", (1, 1, 17))], [], [Step("cast", (0,), ("float32",))], [], [1]),
    # a number that is cast
    "cast of a fill": Random(
        154, [("float64", (4, 1))], [], [Step("zero_", (0,)), Step("cast", (1,), ("float32",))], [], [2]
    ),
    "bitwise and": Random(187, [("int64", (16,))], [], [Step("i_and", (0, 0))], [], [1]),
    # functions of xp that write to an argument: plus_product, ndarray.fill
    "addmm": Random(
        409, [("float32", ()), ("float32", (17, 1)), ("float32", (1, 1))], [], [Step("addmm", (0, 1, 2))], [], [3]
    ),
    "fill": Random(
        1009,
        [("float32", (2, 2))],
        [],
        [Step("dot_self", (0,)), Step("put", (0, 1), ((slice(None, -1, None),),))],
        [],
        [0, 2],
    ),
    # a kernel whose rows end where an array that was there before cannot be gone through
    "rows end later": Random(
        1577,
        [],
        [("float32", (3, 7))],
        [Step("expand", (0,), ((2, 3, 7),)), Step("matmul_lt", (1, 1))],
        [2],
        [2],
        optimizer="SGD",
    ),
    "variance of a norm": Random(
        1854, [("float64", (3, 33, 31))], [], [Step("batch_norm", (0,)), Step("var", (1,), ((1, 2), True))], [], [2]
    ),
    # two writes to one array, of which the earlier one is computed later
    "filled at last": Random(
        3912, [("float32", (33, 33))], [], [Step("layer_norm", (0,)), Step("fill_", (1,))], [], [2]
    ),
    "copied at last": Random(
        4030, [("float32", (64, 64))], [], [Step("layer_norm", (0,)), Step("copy_", (1, 0))], [], [2]
    ),
    "sign of NaN": Random(1, [("float32", (2, 40))], [], [Step("sign", (0,))], [], [1], special=True),
}


@pytest.mark.parametrize("name", REGRESSIONS)
def test_regressions(name):
    program = REGRESSIONS[name]
    assert twins.difference(program, torch) == "", str(program)
