"""The engine of the CPU generator: MT19937's words in blocks, as floats on demand, and PyTorch's state bytes.

`Words` is what `random.py` builds its draws on; nothing else uses it. It takes words from NumPy's MT19937 in
the order PyTorch does, 624 at a time, and turns the waiting block into floats once somebody asks for floats,
so that a small draw is a slice. Large draws go through `native_words.py`, loaded when there is one. Imports NumPy and
`distributions.py`.
"""
from __future__ import annotations

import functools
import importlib
import os
import sys
from typing import Any, Self, TypeVar

import numpy as np

from . import distributions as dist
from .distributions import F32, F64

DEFAULT_SEED = 67280421310721
BLOCK = 624                                    # words MT19937 produces together
LARGE = 1 << 11                                # words from which on a draw may go through machine code of our own,
PATIENCE = 1 << 23                             # once so many were drawn without: loading LLVM takes longer than that
STATE = np.dtype([                             # what torch.get_rng_state() holds: a C struct with its padding
    ("seed", "<u8"), ("left", "<i4"), ("seeded", "<i4"), ("next", "<u8"), ("words", "<u8", (BLOCK,)),
    ("normal_x", "<f8"), ("normal_y", "<f8"), ("normal_rho", "<f8"), ("normal_is_valid", "<i4"),
    ("pad_1", "<i4"), ("float_normal", "<f4"), ("float_normal_is_valid", "u1"), ("pad_2", "u1", (3,))])
Kind = TypeVar("Kind", bound="Words")
LOW_53 = np.uint64((1 << 53) - 1)


class Words:
    """A seeded stream of 32-bit words and of the uniform and normal numbers PyTorch makes of them.

    Source: PyTorch `CPUGeneratorImpl`; Matsumoto and Nishimura, "Mersenne Twister", 1998.
    """

    __slots__ = ("_bits", "_bulk", "_doubles_of", "_floats", "_left_normal", "_numbers", "_pos", "_seed",
                 "_untouched", "_words")

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self._bits = np.random.MT19937(0)
        self._bulk = np.random.RandomState(self._bits)     # another view of the same words
        self.manual_seed(seed)

    # Seeds and state -------------------------------------------------------------------------------------

    def manual_seed(self, seed: int) -> Self:
        """Start the stream over; negative seeds count from 2**64 down.

        Raises: ValueError unless -2**63 <= seed < 2**64.
        """
        seed = seed.__index__()
        if not -(1 << 63) <= seed < 1 << 64:
            raise ValueError(f"Overflow when unpacking long long\nmanual_seed: {seed} exceeds 64 bits; "
                             "use a seed from -2**63 to 2**64 - 1")
        self._seed = seed % (1 << 64)
        self._bulk.seed(self._seed & 0xFFFFFFFF)
        self._left_normal: float | None = None             # Box and Muller make two; the second waits here
        self._words = np.empty(0, np.uint32)
        self._forget_block()
        self._pos, self._untouched = BLOCK, True
        return self

    def seed(self) -> int:
        """Start over from the operating system's entropy; returns the seed taken."""
        self.manual_seed(int.from_bytes(os.urandom(7), "little") >> 3)
        return self._seed

    def initial_seed(self) -> int:
        """The seed last set."""
        return self._seed

    def get_state(self) -> np.ndarray:
        """The whole state as bytes, laid out as PyTorch's `torch.get_rng_state()`.  Shape: (5056,), uint8."""
        state = np.zeros((), STATE)
        state["seed"], state["seeded"] = self._seed, 1
        state["next"] = 0 if self._untouched else self._pos
        state["left"] = 1 if self._untouched else BLOCK + 1 - self._pos
        state["words"] = self._bits.state["state"]["key"]
        if self._left_normal is not None:
            state["normal_y"], state["normal_is_valid"] = self._left_normal, 1
        return np.frombuffer(bytearray(state.tobytes()), np.uint8)

    def set_state(self, state: np.ndarray) -> None:
        """Continue from bytes that `get_state` or PyTorch produced.

        Raises: TypeError unless uint8; RuntimeError if the size or the content cannot be a state.
        """
        if not isinstance(state, np.ndarray) or state.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor\nset_state: pass what get_state() returned")
        if state.size != STATE.itemsize:
            raise RuntimeError(f"Expected a CPUGeneratorImplState of size {STATE.itemsize} but found the "
                               f"input RNG state size to be {state.size}\nset_state: pass a saved state")
        new = np.frombuffer(state.tobytes(), STATE)[0]
        next_word, left = int(new["next"]), int(new["left"])
        untouched = (left, next_word) == (1, 0)
        begun = 1 <= next_word <= BLOCK and left + next_word == BLOCK + 1
        if new["seeded"] != 1 or not (untouched or begun):
            raise RuntimeError("Invalid mt19937 state\nset_state: these bytes are not from get_state()")
        self._seed, self._untouched = int(new["seed"]), untouched
        self._left_normal = float(new["normal_y"]) if new["normal_is_valid"] else None
        position = BLOCK if untouched else next_word
        self._bits.state = {"bit_generator": "MT19937",
                            "state": {"key": new["words"].astype(np.uint32), "pos": position}}
        self._words = np.zeros(BLOCK, np.uint32)
        self._words[position:] = self._bits.random_raw(BLOCK - position)
        self._forget_block()
        self._pos = position

    def clone(self) -> Self:
        """An independent generator that will draw the same numbers."""
        return _restored(type(self), self.get_state())

    def __reduce__(self) -> tuple[Any, ...]:               # for copy and pickle: the state says it all
        return _restored, (type(self), self.get_state())

    # Words -----------------------------------------------------------------------------------------------

    def _forget_block(self) -> None:
        self._floats: np.ndarray | None = None             # the block as float32 in [0, 1)
        self._doubles_of: list[np.ndarray | None] = [None, None]     # as float64, from word 0 and from word 1
        self._numbers: list[int] | None = None             # as Python ints

    def _next_block(self) -> None:
        self._words = self._bits.random_raw(BLOCK).astype(np.uint32)
        self._forget_block()
        self._pos, self._untouched = 0, False

    def fast(self, words: int) -> bool:
        """Whether a draw of so many words, or work that takes NumPy as long, is left to machine code."""
        return words >= LARGE and _worthwhile(words)

    def native(self, kind: str, out: np.ndarray, *coin: int) -> np.ndarray:
        """Fills `out` with numbers of a kind, through `native_words.py`; coin: what kinds of coins take besides."""
        with self._bits.lock:                              # the GIL is released meanwhile
            self._pos, self._words = _native().draw(self._bits, self._pos, kind, out, *coin)
            self._untouched = False
            self._forget_block()
        return out

    def words(self, n: int) -> np.ndarray:
        """The next n words, uint32; read only, for a short draw is a view of the block.  Shape: (n,)."""
        start, end = self._pos, self._pos + n
        if end <= BLOCK:
            self._pos = end
            return self._words[start:end]
        if self.fast(n):
            return self.native("words", np.empty(n, np.uint32))
        out = np.empty(n, np.uint32)
        filled = BLOCK - start
        out[:filled] = self._words[start:]
        whole = (n - filled - 1) // BLOCK * BLOCK          # at least one word is left for the next block
        if whole:
            out[filled:filled + whole] = _swap_halves(self._bulk64(whole // 2)).view(np.uint32)
            filled += whole
        self._next_block()
        self._pos = n - filled
        out[filled:] = self._words[:self._pos]
        return out

    def words64(self, n: int) -> np.ndarray:
        """The next 2n words as n of 64 bits, the first word above the second.  Shape: (n,), uint64."""
        if self.fast(2 * n):
            return self.native("words64", np.empty(n, np.uint64))
        start = self._pos
        if start + 2 * n <= 2 * BLOCK or start % 2:
            return _swap_halves(np.array(self.words(2 * n), np.uint32).view(np.uint64))
        out = np.empty(n, np.uint64)
        filled = (BLOCK - start) // 2
        out[:filled] = _swap_halves(self._words[start:].copy().view(np.uint64))
        whole = (n - filled - 1) // (BLOCK // 2) * (BLOCK // 2)
        out[filled:filled + whole] = self._bulk64(whole)
        filled += whole
        self._next_block()
        out[filled:] = self.words64(n - filled)
        return out

    def _bulk64(self, n: int) -> np.ndarray:               # a third faster than as many 32-bit words
        return self._bulk.randint(0, 1 << 64, n, np.uint64)

    def uniforms32(self, n: int) -> np.ndarray:
        """n float32 numbers in [0, 1), one word each: its low 24 bits."""
        start, end = self._pos, self._pos + n
        if end > BLOCK:
            return self.native("float32", np.empty(n, F32)) if self.fast(n) else _to_float32(self.words(n))
        if self._floats is None:
            self._floats = _to_float32(self._words)
        self._pos = end
        return self._floats[start:end].copy()

    def uniforms64(self, n: int) -> np.ndarray:
        """n float64 numbers in [0, 1), two words each: the low 53 bits."""
        start, end = self._pos, self._pos + 2 * n
        if end > BLOCK:
            return self.native("float64", np.empty(n)) if self.fast(2 * n) else _to_float64(self.words64(n))
        odd = start & 1
        doubles = self._doubles_of[odd]
        if doubles is None:
            pairs = np.array(self._words[odd:BLOCK - odd], np.uint32).view(np.uint64)
            doubles = self._doubles_of[odd] = _to_float64(_swap_halves(pairs))
        self._pos = end
        return doubles[start >> 1:end >> 1].copy()

    def uniform_one(self) -> float:
        """One number of `uniforms64`, as a Python float."""
        start = self._pos
        if start + 2 > BLOCK:
            return float(self.uniforms64(1)[0])
        if self._numbers is None:
            self._numbers = self._words.tolist()
        self._pos = start + 2
        return ((self._numbers[start] & 0x1FFFFF) << 32 | self._numbers[start + 1]) * 2.0**-53

    def normals64(self, n: int, exact: bool) -> np.ndarray:
        """n standard normals of the pairwise stream, the one left over from the last call first."""
        if n == 0:
            return np.empty(0)
        waiting = self._left_normal
        fresh = n if waiting is None else n - 1
        normals = dist.box_muller_stream(self.uniforms64(fresh + fresh % 2), exact)
        self._left_normal = float(normals[-1]) if fresh % 2 else None
        return normals[:n] if waiting is None else np.concatenate(([waiting], normals[:fresh]))

    def normal_one(self) -> float:
        """One number of `normals64`, as a Python float."""
        waiting = self._left_normal
        if waiting is None:
            waiting, self._left_normal = dist.box_muller_few([self.uniform_one(), self.uniform_one()])
        else:
            self._left_normal = None
        return waiting


_drawn = [0]                                   # words of large draws so far, by all generators


def _worthwhile(words: int) -> bool:
    _drawn[0] += words
    return (_drawn[0] >= PATIENCE or "llvmlite.binding" in sys.modules) and bool(_native().ready())


@functools.cache
def _native() -> Any:
    return importlib.import_module(".native_words", __package__)


def _restored(kind: type[Kind], state: np.ndarray) -> Kind:
    words = kind()
    words.set_state(state)
    return words


def _swap_halves(words64: np.ndarray) -> np.ndarray:
    """A pair of words as it lies in memory <-> the first word as the high half; overwrites its argument."""
    low = words64 >> np.uint64(32)
    words64 <<= np.uint64(32)
    words64 |= low
    return words64


def _to_float32(words: np.ndarray) -> np.ndarray:
    values = (words & np.uint32(0xFFFFFF)).view(np.int32).astype(F32)
    values *= np.float32(2.0**-24)
    return values


def _to_float64(words: np.ndarray) -> np.ndarray:
    values = (words & LOW_53).view(np.int64).astype(F64)
    values *= 2.0**-53
    return values
