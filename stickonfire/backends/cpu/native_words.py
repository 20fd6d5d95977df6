"""Large draws from MT19937 by generated machine code, ten times as fast as NumPy's and the same to the last bit.

`random_words.py` loads this file once large draws have taken a while, so that small scripts never pay for LLVM. The
state stays where it is, in NumPy's bit generator: the kernels of `codegen/mersenne.py` read its 624 words in place and
leave there the block that is in use when they are done, so either way can go on where the other stopped. May import
core, codegen.
"""
from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

import numpy as np

from ...codegen import llvm, mersenne
from ...core.config import switches


def ready() -> bool:
    """Whether machine code can be made here, and is wanted."""
    return switches.fused and llvm.available()


@functools.cache
def _function(kind: str) -> Callable[..., int]:
    name, text = mersenne.kernel(kind, llvm.host().lanes32)
    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 8)(llvm.load(text).address(name))


def draw(bits: np.random.MT19937, pos: int, kind: str, out: np.ndarray, p: int = 0, yes: int = 0
         ) -> tuple[int, np.ndarray]:
    """Fills `out`, which lies in one piece, with numbers of a kind: see `mersenne.KINDS`. The caller holds `bits.lock`.

    pos: how many words of the block in use have been taken. Returns the same for afterwards, and that block's words.
    """
    block, room = np.empty(mersenne.BLOCK, np.uint32), np.empty(mersenne.STRETCH, np.uint32)
    pos = _function(kind)(bits.ctypes.state_address, pos, out.size, *map(_address, (out, block, room)), p, yes)
    return pos, block


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])
