"""How many threads matrix products use: asked of, and told to, the BLAS that NumPy has loaded.

Every NumPy build of its own names the two functions differently; where none is found (Apple's Accelerate) the number
can be set by environment variable only, before Python starts. Called by `eager/switches.py`.
"""
from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable
from pathlib import Path

PATTERNS = ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads",
            "openblas_{}_num_threads", "MKL_{}_Num_Threads")


@functools.cache
def controls() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """The functions of the loaded BLAS that get and set the number of threads, None if there are none."""
    for library in loaded_libraries():
        for pattern in PATTERNS:
            get = getattr(library, pattern.format("Get_Max" if "MKL" in pattern else "get"), None)
            put = getattr(library, pattern.format("Set" if "MKL" in pattern else "set"), None)
            if get is not None and put is not None:
                put.restype = None
                return get, put
    return None


def loaded_libraries() -> list[ctypes.CDLL]:
    """The BLAS libraries in this process's memory map."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return []
    paths = {line.split(None, 5)[5] for line in maps.read_text().splitlines() if line.count(" ") > 4 and ".so" in line}
    names = ("blas", "mkl_rt")
    return [ctypes.CDLL(path) for path in sorted(paths) if any(n in Path(path).name.lower() for n in names)]


def get_threads() -> int:
    """The threads that a matrix product may use."""
    found = controls()
    return os.cpu_count() or 1 if found is None else found[0]()


def set_threads(count: int) -> None:
    """Sets how many threads a matrix product may use."""
    found = controls()
    if found is not None:
        found[1](count)
