"""How the C library hands out memory for arrays. Called once, when the CPU backend is imported.

glibc gives an array of some hundred kilobytes back to the system as soon as it is freed, and asks for it again, page by
page, at the next op: a quarter of the time of a training step of a small MLP. Here freed memory is kept for the next
op, up to the figures below. Other C libraries are left as they are.
"""
from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3     # names and numbers of glibc's malloc.h
KEPT = 512 << 20                                # bytes of freed memory at the heap's end that are kept
LARGEST = 32 << 20                              # bytes of an array that still comes from the heap; glibc's own limit


def keep_freed_memory() -> bool:
    """Tells glibc to keep what is freed. Returns whether there is a glibc that listened."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)       # musl has none
    return mallopt is not None and all([mallopt(M_MMAP_THRESHOLD, LARGEST), mallopt(M_TRIM_THRESHOLD, KEPT)])


def give_back() -> None:
    """Returns freed memory to the system now: after a capture, whose program has a block of its own from then on."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
    if trim is not None:
        trim(0)
