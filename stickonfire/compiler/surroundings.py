"""What Python values a function reads besides its arguments: numbers and flags that a program has taken as they were.

A program is made of what one call did. If the function looks at a global `scale`, a closure's `depth`, an attribute
of its `self` or of a module that it calls, another value would have led to another program: each becomes a guard.
"""
from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

PLAIN = (bool, int, float, str, type(None), complex, bytes)
DEEPEST = 4             # functions that call functions that call ...
LARGEST = 64            # items of a list or dict up to which each is looked into
LONGEST = 4096          # plain values in a list, dict or set up to which they are compared
OWN = __name__.partition(".")[0]

# "item", "attribute", "entry" (of a dict with tensors as keys), "whole" (its contents), "count", "lacks" or "class"; of
# what; which; the value it must have.
Guard = tuple[str, Any, Any, Any]


def is_plain(value: Any) -> bool:
    """Whether a value can be compared at once and cannot change in place."""
    return value.__class__ in PLAIN or value.__class__ is tuple and len(value) < 9 and all(map(is_plain, value))


def surroundings(function: Any, arguments: tuple[Any, ...] = ()) -> list[Guard]:
    """The guards of a function: of what it reads beside its arguments, and of objects among these."""
    seen: set[int] = set()
    guards = list(guards_of(function, 0, seen))
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    names = names_in(code) if isinstance(code, CodeType) else set()
    for value in arguments if names else ():
        if not is_plain(value):
            guards += of_object(value, names, 0, seen)
    return guards


def guards_of(function: Any, depth: int, seen: set[int]) -> Iterator[Guard]:
    if isinstance(function, functools.partial):
        yield from of_objects((*function.args, function.keywords), set(), depth, seen)
        function = function.func
    call = vars(type(function)).get("__call__")
    if not isinstance(function, (FunctionType, MethodType)) and isinstance(call, FunctionType):
        function = MethodType(call, function)                   # an object that can be called
    if isinstance(function, MethodType):
        if isinstance(function.__func__, FunctionType):
            yield from attributes(function.__self__, names_in(function.__func__.__code__), depth, seen)
        function = function.__func__
    function = getattr(function, "__wrapped__", function)
    if not isinstance(function, FunctionType) or id(function) in seen or depth > DEEPEST:
        return
    seen.add(id(function))
    if (function.__module__ or "").partition(".")[0] == OWN:
        return
    names = names_in(function.__code__)
    yield "attribute", function, "__code__", function.__code__
    for name in ("__defaults__", "__kwdefaults__"):
        values = getattr(function, name)
        if values:
            yield "attribute", function, name, values
            yield from of_objects((values,) if name == "__kwdefaults__" else values, names, depth, seen)
    for cell in function.__closure__ or ():
        try:
            value = cell.cell_contents
        except ValueError:                                  # not filled yet
            continue
        yield from of_value("attribute", cell, "cell_contents", value, names, depth, seen)
    for name in names:
        if name in function.__globals__:
            yield from of_value("item", function.__globals__, name, function.__globals__[name], names, depth, seen)


def of_value(kind: str, holder: Any, key: str, value: Any, names: set[str], depth: int,
             seen: set[int]) -> Iterator[Guard]:
    """What stands under a name: a value, or an object, which has to be the same one, with what is read of it."""
    if isinstance(value, ModuleType):
        return
    if isinstance(value, type):
        if value.__module__.partition(".")[0] != OWN:
            for name in names & set(vars(value)):
                if is_plain(vars(value)[name]):
                    yield "attribute", value, name, vars(value)[name]
        return
    yield kind, holder, key, value
    if not is_plain(value):
        yield from of_object(value, names, depth, seen)


def of_objects(values: Iterable[Any], names: set[str], depth: int, seen: set[int]) -> Iterator[Guard]:
    """What is read of several objects."""
    for value in values:
        if not is_plain(value):
            yield from of_object(value, names, depth, seen)


def of_object(value: Any, names: set[str], depth: int, seen: set[int]) -> Iterator[Guard]:
    """What is read of an object: a function's own surroundings, or the attributes that the code mentions."""
    if isinstance(value, (FunctionType, MethodType)):
        yield from guards_of(value, depth + 1, seen)
    elif value.__class__ in (list, dict, set, deque) and len(value) <= LONGEST:
        if all(map(is_plain, value.values() if value.__class__ is dict else value)):
            yield "whole", value, "", value.copy()
        elif value.__class__ in (set, deque) or len(value) > LARGEST:
            yield "count", value, "", len(value)
        elif depth < DEEPEST and id(value) not in seen:
            seen.add(id(value))
            yield "count", value, "", len(value)
            for key, held in value.items() if value.__class__ is dict else enumerate(value):
                if isinstance(key, (str, int)):
                    yield from of_value("item", value, key, held, names, depth + 1, seen)       # type: ignore[arg-type]
    elif not isinstance(value, type) and depth < DEEPEST and id(value) not in seen:
        seen.add(id(value))
        yield from attributes(value, names, depth + 1, seen)


def attributes(value: Any, names: set[str], depth: int, seen: set[int]) -> Iterator[Guard]:
    """The attributes of an object among the names, the object's own and its class's."""
    if (type(value).__module__ or "").partition(".")[0] == OWN:
        for table in tables(value):                             # of a container, or a layer that is not called
            yield "count", table, "", len(table)
            for name, held in table.items():
                yield from of_value("item", table, name, held, names, depth, seen)
        if "requires_grad" in names and hasattr(value, "_array"):
            yield "attribute", value, "requires_grad", value.requires_grad
        return
    held = getattr(value, "__dict__", None)
    own = set(held) if held.__class__ is dict else set()
    for name in names & own:
        yield from of_value("item", held, name, held[name], names, depth, seen)
    for name in names - own:
        shared = getattr(type(value), name, None)
        if isinstance(shared, property) and isinstance(shared.fget, FunctionType):
            yield from guards_of(MethodType(shared.fget, value), depth + 1, seen)
        elif shared is not None and is_plain(shared):
            yield "attribute", type(value), name, shared
            yield "lacks", held, name, None


def names_in(code: CodeType) -> set[str]:
    """The names that code uses, functions within it included."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= names_in(constant)
    return names


def tables(module: Any) -> list[dict[str, Any]]:
    """The parameters, buffers and modules of a `nn.Module`; nothing of anything else."""
    held = getattr(module, "__dict__", {})
    names = ("_parameters", "_buffers", "_modules")
    return [held[name] for name in names if isinstance(held.get(name), dict)]


def same_entries(things: list[Any]) -> list[Guard]:
    """That a list holds the very same things."""
    return [("count", things, "", len(things)), *(("item", things, i, thing) for i, thing in enumerate(things))]


def of_hooks(hooks: dict[Any, Any]) -> list[Guard]:
    """That the same hooks are there, and see what they saw."""
    guards: list[Guard] = [("count", hooks, "", len(hooks))]
    for key, hook in hooks.items():
        guards.append(("item", hooks, key, hook))
        guards += guards_of(hook, 0, set())
    return guards


def of_module(module: Any) -> Iterator[Guard]:
    """The settings of a `nn.Module` that was called: training, p, eps, ..."""
    held = module.__dict__
    yield "class", module, "", type(module)
    for name, value in held.items():
        if not name.startswith("_") and is_plain(value):
            yield "item", held, name, value
    yield "count", held, "", len(held)                          # a forward put in its place shows here
    for group in ("_parameters", "_buffers", "_modules"):
        if held[group]:
            yield "count", held[group], "", len(held[group])
        for name, value in held[group].items():
            yield "item", held[group], name, value
    if (type(module).__module__ or "").partition(".")[0] != OWN:
        yield from guards_of(module.forward, 0, set())
