"""The dictionaries in which a Module keeps its parameters, buffers and children.

Room: nn. Called by module.py only; imports nothing of ours. A registry shows each of its entries in the
owner's `__dict__` too, so `self.weight` is an ordinary, fast attribute look-up and Module needs no
`__getattr__` (which would slow down every attribute of every module). The owner is held weakly: a module
is freed as soon as its last user is gone, without waiting for the garbage collector.
"""
from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any


class Registry(dict):
    """A dict of named members that keeps its owner's attributes in step.

    >>> class Owner: pass
    >>> owner = Owner()
    >>> members = Registry(owner)
    >>> members["weight"] = 3
    >>> owner.weight
    3
    """

    __slots__ = ("_owner",)

    def __init__(self, owner: Any, members: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self._owner = weakref.ref(owner)
        if members:
            self.update(members)

    def owned_by(self, module: Any) -> bool:
        """Whether this registry belongs to that very module (a copy's state brings its original's)."""
        return self._owner() is module

    def _attributes(self) -> dict[str, Any]:
        owner = self._owner()
        return {} if owner is None else owner.__dict__

    def __setitem__(self, name: str, member: Any) -> None:
        super().__setitem__(name, member)
        self._attributes()[name] = member

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._attributes().pop(name, None)

    def update(self, *members: Any, **named: Any) -> None:
        for name, member in dict(*members, **named).items():
            self[name] = member

    def __ior__(self, members: Any) -> Registry:  # type: ignore[override,misc]
        self.update(members)
        return self

    def setdefault(self, name: str, member: Any = None) -> Any:
        if name not in self:
            self[name] = member
        return self[name]

    def pop(self, name: str, *default: Any) -> Any:
        if name in self:
            member = self[name]
            del self[name]
            return member
        return super().pop(name, *default)

    def popitem(self) -> tuple[str, Any]:
        name = next(reversed(self), None)
        if name is None:
            raise KeyError("popitem(): dictionary is empty")
        return name, self.pop(name)

    def clear(self) -> None:
        for name in list(self):
            del self[name]

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies and pickles become plain dicts; Module.__setstate__ makes them registries of the new owner.
        return dict, (), None, None, iter(list(self.items()))

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    copy = __copy__
