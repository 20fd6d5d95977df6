"""A third array backend, made to find out who above `backends/` knows NumPy.

A `FakeArray` keeps a NumPy array to itself and offers what the contract (`backends/base.py`) promises, nothing
more: NumPy functions refuse it, `numpy.asarray` refuses it, and what it returns are FakeArrays again. `installed()`
puts it in the CPU's place.
"""
from __future__ import annotations

import contextlib
import operator
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from stickonfire.backends import base
from stickonfire.backends.cpu import xp as real_xp
from stickonfire.backends.cpu.random import Generator as RealGenerator
from stickonfire.eager import random as eager_random

FACTS = ("shape", "ndim", "size", "dtype", "itemsize", "strides")


class FakeArray:
    """An array that is not NumPy's."""

    __slots__ = ("hidden", "__weakref__")
    __array_ufunc__ = None          # numpy.add(fake, ...) raises TypeError
    __hash__ = None                 # type: ignore[assignment]

    def __init__(self, hidden: np.ndarray) -> None:
        self.hidden = hidden

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("someone above backends/ took an array for NumPy's")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "base":
            raise AttributeError(name)
        return outside(getattr(self.hidden, name))

    def __setitem__(self, index: Any, value: Any) -> None:
        self.hidden[inside(index)] = inside(value)

    def __len__(self) -> int:
        return len(self.hidden)

    def __bool__(self) -> bool:
        return bool(self.hidden)

    def __int__(self) -> int:
        return int(self.hidden)

    def __float__(self) -> float:
        return float(self.hidden)

    def __index__(self) -> int:
        return operator.index(self.hidden)

    def __iter__(self) -> Iterator[Any]:
        return iter([outside(part) for part in self.hidden])


def _method(name: str) -> Any:
    def method(self: FakeArray, *operands: Any) -> Any:
        return outside(getattr(self.hidden, name)(*map(inside, operands)))
    return method


def _in_place(name: str) -> Any:
    def method(self: FakeArray, other: Any) -> FakeArray:
        getattr(self.hidden, name)(inside(other))
        return self
    return method


for _bare in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift",
              "rshift"):
    setattr(FakeArray, f"__{_bare}__", _method(f"__{_bare}__"))
    setattr(FakeArray, f"__r{_bare}__", _method(f"__r{_bare}__"))
    setattr(FakeArray, f"__i{_bare}__", _in_place(f"__i{_bare}__"))
for _bare in ("neg", "pos", "abs", "invert", "eq", "ne", "lt", "le", "gt", "ge", "getitem"):
    setattr(FakeArray, f"__{_bare}__", _method(f"__{_bare}__"))


class FakeNamespace:
    """`xp` for FakeArrays: the real functions behind a wall."""

    scalar_types = ()

    def __init__(self, module: Any) -> None:
        self.__dict__["module"] = module

    def __getattr__(self, name: str) -> Any:
        return outside(getattr(self.__dict__["module"], name))


def inside(value: Any) -> Any:
    """FakeArrays within a value as NumPy's; a NumPy array that comes in from above is a leak."""
    if isinstance(value, FakeArray):
        return value.hidden
    if isinstance(value, np.ndarray):
        raise TypeError("a NumPy array was made above backends/")
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(map(inside, value))
    if isinstance(value, dict):
        return {key: inside(item) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(inside(value.start), inside(value.stop), inside(value.step))
    return value


def outside(value: Any) -> Any:
    """Arrays within a value as FakeArrays; functions and modules behind the same wall."""
    if isinstance(value, (np.ndarray, np.generic)):
        return FakeArray(np.asarray(value))
    if isinstance(value, (list, tuple)) and any(isinstance(part, (np.ndarray, np.generic)) for part in value):
        return [outside(part) for part in value] if isinstance(value, list) else tuple(map(outside, value))
    if isinstance(value, (ModuleType, np.ufunc)):
        return FakeCallable(value) if isinstance(value, np.ufunc) else FakeNamespace(value)
    if callable(value) and not isinstance(value, type):
        return FakeCallable(value)
    return value


class FakeCallable(FakeNamespace):
    """A function (or ufunc, with its `reduce`) that takes and returns FakeArrays."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return outside(self.__dict__["module"](*map(inside, args), **inside(kwargs)))


class FakeGenerator:
    """The CPU's streams, as FakeArrays. States are bytes that go in and out as NumPy's, by the contract."""

    def __init__(self, *seed: int) -> None:
        self.real = RealGenerator(*seed)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.real, name)
        return value if name in ("get_state", "set_state", "clone") else FakeCallable(value)


BACKEND = base.Backend("cpu", FakeArray, FakeNamespace(real_xp), FakeGenerator, from_numpy=FakeArray,
                       to_numpy=lambda fake: fake.hidden)


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """Puts the fake backend in the CPU's place: every tensor made inside holds a FakeArray."""
    registries = base.BY_DEVICE, base.BY_ARRAY, base.XP
    saved = [dict(registry) for registry in registries]
    stream = eager_random.default_generator.stream
    base.BY_ARRAY.clear(), base.XP.clear()
    base.register(BACKEND)
    eager_random.default_generator.stream = FakeGenerator()
    try:
        yield
    finally:
        eager_random.default_generator.stream = stream
        for registry, before in zip(registries, saved):
            registry.clear()
            registry.update(before)
