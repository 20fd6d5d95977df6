"""The compiler: one call of a function, listened to, becomes a program; the program becomes native code.

In the order in which a call travels: `trace.py` (arrays that tell what is done to them), `recorder.py` (who writes
it down), `capture.py` (around one call), `program.py` (what is written down), `expand.py` and `decompose.py`
(functions in terms of few), `simplify.py`, `fuse.py` (groups that become kernels), `lower.py` (kernels in the loop
IR of `codegen/rows.py`), `memory.py`, `build.py` (all put together), `execute.py` (guards, variants, the call
itself). Public as `torch.compile`, in `nn/compiled.py`. May import: core, codegen, backends, ops, tape, eager.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..eager.modes import capturing

__all__ = ["disable", "is_compiling"]


def is_compiling() -> bool:
    """Whether a call is being captured just now.   Source: PyTorch `torch.compiler.is_compiling`.

    >>> is_compiling()
    False
    """
    return capturing() is not None


def disable(fn: Callable[..., Any] | None = None, recursive: bool = True) -> Any:
    """A function that no program may contain: what calls it runs uncompiled.   Source: PyTorch
    `torch.compiler.disable`.

    >>> disable(abs)(-2)
    2
    """
    if fn is None:
        return disable

    @functools.wraps(fn)
    def uncompiled(*args: Any, **kwargs: Any) -> Any:
        recorder = capturing()
        if recorder is not None:
            recorder.stop(f"{getattr(fn, '__name__', fn)} is not to be compiled (torch.compiler.disable)")
        return fn(*args, **kwargs)
    return uncompiled
