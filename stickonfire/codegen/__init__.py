"""Machine code at run time: LLVM IR text in, functions out. Room `codegen`, on the ground floor; may import core only.

`llvm.py` turns text into machine code and `cache.py` keeps it on disk. `pool.py` holds the threads that a kernel may
use, `launch.py` runs a finished program with next to no Python, `vecmath.py` writes exp, log, sin ... as polynomials.
Called by backends/ and compiler/, which import these modules by name. Without llvmlite `llvm.available()` is False, and
everything above uses NumPy instead.
"""
from . import pool  # so that texts may call its functions; llvmlite itself is imported at the first `llvm.load`

__all__ = ["pool"]
