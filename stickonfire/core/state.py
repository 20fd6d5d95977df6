"""Modes and defaults: gradient mode, anomaly mode (of a thread), default dtype (of the process).

Every switch that the code reads while running stands here, so that nothing else holds global state.
Reading a thread-local costs as much as adding eight floats does not allow, hence `plain`: as long as no
thread has left the ordinary modes, one look at a module attribute settles them all.
"""
from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .dtypes import FLOATING, dtype, float32


class Modes(threading.local):
    """What holds for the current thread. Written by `set_mode` only."""

    grad = True             # whether ops are to record a graph
    inference = False       # whether new tensors may never enter a graph
    anomaly = False         # whether nodes remember where they were made, and NaN gradients raise
    anomaly_nan = True      # whether anomaly mode also looks for NaN
    packers: tuple[Any, ...] = ()       # pairs of hooks for what is saved for backward, the last one counts
    packers_refused = ""    # why no such hooks may be set
    handler: Any = None     # what ops are handed to before they run (vmap, autocast): see eager/dispatch.py
    recorder: Any = None    # the compiler's, while it captures: see compiler/recorder.py
    records = True          # whether ops record a graph: as `grad` says, but never in inference mode
    level = 0               # the above in one number: ORDINARY_LEVEL, NO_GRAD_LEVEL or SPECIAL_LEVEL


ORDINARY_LEVEL, NO_GRAD_LEVEL, SPECIAL_LEVEL = range(3)
ORDINARY = {"grad": True, "inference": False, "anomaly": False, "anomaly_nan": True, "packers": (),
            "packers_refused": "", "handler": None, "recorder": None}
modes = Modes()
plain = True                # no thread has left the ordinary modes
_lock = threading.Lock()
_departures = 0             # of all threads together
_default_dtype = [float32]
_on_change: list[Callable[[], None]] = []


def set_mode(name: str, value: Any) -> Any:
    """Sets a mode of this thread and returns what it was."""
    global plain, _departures
    before = getattr(modes, name)
    if before != value:
        setattr(modes, name, value)
        special = modes.inference or modes.anomaly or modes.packers or modes.handler is not None \
            or modes.recorder is not None
        modes.records = modes.grad and not modes.inference
        modes.level = SPECIAL_LEVEL if special else ORDINARY_LEVEL if modes.grad else NO_GRAD_LEVEL
        with _lock:
            _departures += (value != ORDINARY[name]) - (before != ORDINARY[name])
            plain = _departures == 0
    return before


def set_recording(value: bool) -> bool:
    """`set_mode("grad", value)`, for which every `with torch.no_grad()` waits."""
    global plain, _departures
    before = modes.grad
    if before is not value:
        modes.grad = value
        modes.records = value and not modes.inference
        if modes.level != SPECIAL_LEVEL:
            modes.level = ORDINARY_LEVEL if value else NO_GRAD_LEVEL
        with _lock:
            _departures += -1 if value else 1
            plain = _departures == 0
    return before


def default_dtype() -> dtype:
    """The dtype of new floating-point tensors."""
    return _default_dtype[0]


def set_default_dtype(d: Any) -> None:
    """Sets the dtype of new floating-point tensors.

    Raises: TypeError unless `d` is a floating-point dtype.   Source: PyTorch `torch.set_default_dtype`.
    """
    if not isinstance(d, dtype) or d.category != FLOATING:
        raise TypeError("only floating-point types are supported as the default type")
    _default_dtype[0] = d
    for forget in _on_change:
        forget()


def on_default_dtype_change(forget: Callable[[], None]) -> None:
    """Registers a cache that depends on the default dtype."""
    _on_change.append(forget)
