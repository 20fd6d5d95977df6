"""What registering a hook returns: a handle that takes the hook off again.

Room: nn. Called by hooks.py and state.py. Imports nothing of ours.
"""
from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterable, MutableMapping
from typing import Any

_numbers = itertools.count()


class RemovableHandle:
    """Removes a hook from its table (and from tables of flags about it). Source: PyTorch `RemovableHandle`.

    >>> from collections import OrderedDict
    >>> hooks = OrderedDict()
    >>> handle = RemovableHandle(hooks)
    >>> hooks[handle.id] = print
    >>> handle.remove()
    >>> len(hooks)
    0
    """

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.id = next(_numbers)
        extra = () if extra_dict is None else extra_dict if isinstance(extra_dict, list) else (extra_dict,)
        self._tables = tuple(weakref.ref(table) for table in (hooks_dict, *extra))

    def remove(self) -> None:
        """Takes the hook off; a second call does nothing."""
        for reference in self._tables:
            table = reference()
            if table is not None:
                table.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()

    def __getstate__(self) -> tuple[int, tuple[Any, ...]]:
        return self.id, tuple(reference() for reference in self._tables)

    def __setstate__(self, state: tuple[int, tuple[Any, ...]]) -> None:
        self.id = state[0]
        self._tables = tuple(weakref.ref(table) for table in state[1] if table is not None)


def register(table: Any, hook: Any, *, prepend: bool = False,
             flags: Iterable[tuple[MutableMapping, bool]] = ()) -> RemovableHandle:
    """Puts a hook into a table, at its front if asked to, with flag tables (table, wanted) beside it."""
    flags = list(flags)
    handle = RemovableHandle(table, extra_dict=[flag for flag, _ in flags])
    table[handle.id] = hook
    for flag, wanted in flags:
        if wanted:
            flag[handle.id] = True
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle
