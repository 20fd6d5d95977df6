"""Each kernel of the Mersenne Twister against NumPy's words, at the widths of all processors."""
import ctypes

import numpy as np
import pytest

from stickonfire.codegen import llvm, mersenne

pytestmark = pytest.mark.llvm
pytest.importorskip("llvmlite")

DTYPES = {"words": "u4", "words64": "u8", "float32": "f4", "float64": "f8", "coins8": "u1", "coins16": "u2",
          "coins32": "u4", "coins64": "u8"}
LIMIT, YES = int(0.3 * 2**53), 0x0123456789ABCD81
SIZES = (1, 5, 311, 312, 624, 0, 15, 16, 17, 4681, 20_000, 623, 1)     # one after another: at many places of a block
WORDS = np.random.RandomState(7).randint(0, 1 << 32, 60_000, np.uint32)


def expected(kind, words):
    """What PyTorch makes of the words."""
    if mersenne.KINDS[kind].words == 2:
        words = words[::2].astype(np.uint64) << np.uint64(32) | words[1::2]
    if kind.startswith("words"):
        return words
    if kind == "float32":
        return (words & np.uint32(0xFFFFFF)).astype("f4") * np.float32(2.0**-24)
    low = words & np.uint64((1 << 53) - 1)
    return low * 2.0**-53 if kind == "float64" else np.where(low < np.uint64(LIMIT), np.uint64(YES), np.uint64(0))


@pytest.mark.parametrize("lanes", [4, 8, 16])
@pytest.mark.parametrize("kind", mersenne.KINDS)
def test_numbers_and_state_are_those_of_the_plain_stream(kind, lanes):
    name, text = mersenne.kernel(kind, lanes)
    draw = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 8)(llvm.load(text).address(name))
    bits = np.random.MT19937(0)
    np.random.RandomState(bits).seed(7)
    block, room = np.empty(mersenne.BLOCK, np.uint32), np.empty(mersenne.STRETCH, np.uint32)
    width, pos, taken = mersenne.KINDS[kind].words, mersenne.BLOCK, 0
    for n in SIZES:
        out = np.full(n + 1, 77, DTYPES[kind])
        pos = draw(bits.ctypes.state_address, pos, n, out.ctypes.data, block.ctypes.data, room.ctypes.data, LIMIT, YES)
        words = WORDS[taken:taken + width * n]
        taken += width * n
        assert (out[:n] == expected(kind, words).astype(out.dtype)).all() and out[n] == 77, n
        begun = -(-taken // mersenne.BLOCK) * mersenne.BLOCK
        assert pos == taken - begun + mersenne.BLOCK                 # a block is begun when its first word is wanted
        assert (block == WORDS[begun - mersenne.BLOCK:begun]).all()
    twin = np.random.MT19937(0)
    np.random.RandomState(twin).seed(7)
    twin.random_raw(begun)
    assert (bits.state["state"]["key"] == twin.state["state"]["key"]).all()
