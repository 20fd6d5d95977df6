"""Nested containers of values, taken apart and put together again: tuples, lists, dicts, named tuples.

Room: func. Plain Python.
"""
from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from typing import Any


def is_namedtuple(tree: Any) -> bool:
    return isinstance(tree, tuple) and hasattr(tree, "_fields")


def children(tree: Any) -> list[Any] | None:
    """The parts of a container in order; None for a leaf."""
    if tree.__class__ in (dict, OrderedDict, defaultdict):
        return list(tree.values())
    if tree.__class__ in (tuple, list) or is_namedtuple(tree):
        return list(tree)
    return None


def rebuilt(tree: Any, parts: list[Any]) -> Any:
    """A container of the same kind with other parts."""
    if isinstance(tree, defaultdict):
        return defaultdict(tree.default_factory, zip(tree, parts))
    if isinstance(tree, dict):
        return tree.__class__(zip(tree, parts))
    if is_namedtuple(tree) or not isinstance(tree, (tuple, list)):
        return tree.__class__(*parts)
    return tree.__class__(parts)


def leaves(tree: Any) -> list[Any]:
    """All values, left to right.

    >>> leaves({"a": (1, [2]), "b": None})
    [1, 2, None]
    """
    parts = children(tree)
    return [tree] if parts is None else [leaf for part in parts for leaf in leaves(part)]


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same containers around `function` of each value."""
    parts = children(tree)
    return function(tree) if parts is None else rebuilt(tree, [mapped(function, part) for part in parts])


def filled(tree: Any, values: Iterator[Any]) -> Any:
    """The same containers around other values, taken in order."""
    return mapped(lambda leaf: next(values), tree)


def same_structure(a: Any, b: Any) -> bool:
    """Whether two trees differ in their leaves alone."""
    first, second = children(a), children(b)
    if first is None or second is None:
        return first is second
    if isinstance(a, dict) and (not isinstance(b, dict) or list(a) != list(b)):
        return False
    return (a.__class__ is b.__class__ and len(first) == len(second)
            and all(same_structure(x, y) for x, y in zip(first, second)))


def spread(prefix: Any, tree: Any) -> list[Any] | None:
    """For each leaf of a tree the value that a prefix of it has there; None if it is no prefix.

    >>> spread((0, None), ([1, 2], 3))
    [0, 0, None]
    """
    given = children(prefix)
    if given is None:
        return [prefix] * len(leaves(tree))
    parts = children(tree)
    if parts is None or len(parts) != len(given) or isinstance(prefix, dict) != isinstance(tree, dict):
        return None
    if isinstance(prefix, dict):
        if set(prefix) != set(tree):
            return None
        given = [prefix[key] for key in tree]
    found = [spread(one, part) for one, part in zip(given, parts)]
    return None if None in found else [value for values in found for value in values or ()]
