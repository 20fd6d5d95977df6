"""Arrays that remember what was done to them: the compiler's way of listening in.

While a step is being captured, tensors hold `Traced` arrays in place of NumPy's. A Traced array does what it is
told for real, on the NumPy array it keeps, and tells the recorder. Since everything above `backends/` touches
arrays through `xp` and operators alone, the rest of the framework runs unchanged, backward rules and optimizers
included. Registered as an array class of the CPU; `recorder.py` writes down what is heard.
"""
from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backends import base
from ..backends.cpu import xp as real_xp
from ..backends.cpu.random import Generator
from ..core.state import modes
from . import primitives

if TYPE_CHECKING:
    from .program import Ref


class Traced:
    """A NumPy array, and which part of which buffer of the program it is."""

    __slots__ = ("real", "ref", "__weakref__")
    __hash__ = None                 # type: ignore[assignment]

    def __init__(self, real: np.ndarray, ref: Ref) -> None:
        self.real, self.ref = real, ref

    @property
    def shape(self) -> tuple[int, ...]:
        return self.real.shape

    @property
    def dtype(self) -> Any:
        return self.real.dtype

    @property
    def strides(self) -> tuple[int, ...]:
        return self.real.strides

    ndim = property(lambda self: self.real.ndim)
    size = property(lambda self: self.real.size)
    itemsize = property(lambda self: self.real.itemsize)
    flags = property(lambda self: self.real.flags)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """An operator with a NumPy array on the left, or another thread's op."""
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        return recorder().call(name, function, inputs, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        recorder().stop("a NumPy function was called on a tensor's array")
        return self.real.__array__(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "base":
            raise AttributeError(name)
        value = getattr(self.real, name)
        if callable(value):
            return lambda *args, **kwargs: recorder().method(name, self, args, kwargs)
        return recorder().outside("attribute." + name, value, (self,), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        recorder().assign(self, index, value)

    def __getitem__(self, index: Any) -> Any:
        return recorder().method("__getitem__", self, (index,), {})

    def __len__(self) -> int:
        return len(self.real)

    def __iter__(self) -> Iterator[Any]:
        return iter([self[i] for i in range(len(self.real))])

    def __reduce__(self) -> Any:
        recorder().stop("a tensor was copied or pickled")
        return self.real.__reduce__()

    def __deepcopy__(self, memo: Any) -> Any:
        recorder().stop("a tensor was copied or pickled")
        return self.real.copy()


def recorder() -> Any:
    """The recorder that is listening in this thread; one that only carries things out if there is none."""
    return modes.recorder or BYSTANDER


class Bystander:
    """For another thread that meets a tensor while it is captured: all happens for real, nothing is noted."""

    def stop(self, reason: str) -> None:
        """Nothing is being captured in this thread."""

    def call(self, name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return function(*[unwrapped(a) for a in args], **unwrapped(kwargs))

    def method(self, name: str, array: Traced, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return getattr(array.real, name)(*unwrapped(args), **unwrapped(kwargs))

    def outside(self, name: str, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return result

    def assign(self, target: Traced, index: Any, value: Any) -> None:
        target.real[unwrapped(index)] = unwrapped(value)


BYSTANDER = Bystander()


def _value(name: str) -> Callable[..., Any]:
    """A conversion to a Python value: what follows may depend on it, so capture ends here."""
    def method(self: Traced, *args: Any) -> Any:
        recorder().stop(f"a tensor's value was read ({name.strip('_')})")
        return getattr(self.real, name)(*args)
    return method


def _binary(name: str, function: Any, swapped: bool) -> Callable[..., Any]:
    def method(self: Traced, other: Any) -> Any:
        pair = (other, self) if swapped else (self, other)
        return recorder().call(name, function, pair, {})
    return method


def _in_place(name: str, function: Any) -> Callable[..., Any]:
    def method(self: Traced, other: Any) -> Any:
        recorder().call(name, function, (self, other, self), {})
        return self
    return method


OPERATORS = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide,
             "floordiv": np.floor_divide, "mod": np.remainder, "pow": np.power, "and": np.bitwise_and,
             "or": np.bitwise_or, "xor": np.bitwise_xor, "lshift": np.left_shift, "rshift": np.right_shift}
for _name, _function in OPERATORS.items():
    _called = _function.__name__
    setattr(Traced, f"__{_name}__", _binary(_called, _function, False))
    setattr(Traced, f"__r{_name}__", _binary(_called, _function, True))
    setattr(Traced, f"__i{_name}__", _in_place(_called, _function))
for _name, _function in {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
                         "ge": np.greater_equal}.items():
    setattr(Traced, f"__{_name}__", _binary(_function.__name__, _function, False))
for _name, _unary in {"neg": np.negative, "abs": np.abs, "invert": np.invert}.items():
    setattr(Traced, f"__{_name}__", lambda self, f=_unary: recorder().call(f.__name__, f, (self,), {}))
Traced.__matmul__ = _binary("matmul", np.matmul, False)
Traced.__rmatmul__ = _binary("matmul", np.matmul, True)
for _name in ("__bool__", "__int__", "__float__", "__complex__", "__index__", "item", "tolist", "tobytes"):
    setattr(Traced, _name, _value(_name))


class RecordingNamespace:
    """`xp` for Traced arrays: each function runs for real and is told to the recorder."""

    scalar_types = ()

    def __init__(self, module: Any, prefix: str = "") -> None:
        self.__dict__.update(module=module, prefix=prefix)

    def __getattr__(self, name: str) -> Any:
        module = self.__dict__["module"]
        value = getattr(primitives if hasattr(primitives, name) else module, name)
        full = self.__dict__["prefix"] + name
        if isinstance(value, ModuleType):
            listening: Any = RecordingNamespace(value, full + ".")
        elif callable(value) and not isinstance(value, type):
            listening = RecordingFunction(value, full)
        else:
            return value
        self.__dict__[name] = listening
        return listening


class RecordingFunction(RecordingNamespace):
    """A function, or a ufunc with its `reduce`, that is heard."""

    def __init__(self, function: Any, name: str) -> None:
        super().__init__(function, name + ".")
        self.__dict__["called"] = getattr(function, "__name__", name) if isinstance(function, np.ufunc) else name
        self.__dict__["prefix"] = self.__dict__["called"] + "."

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return recorder().call(self.__dict__["called"], self.__dict__["module"], args, kwargs)


def unwrapped(value: Any) -> Any:
    """A value with the real arrays in place of the Traced ones."""
    kind = value.__class__
    if kind is Traced:
        return value.real
    if kind is tuple or kind is list:
        return kind([unwrapped(part) for part in value])
    if kind is dict:
        return {key: unwrapped(part) for key, part in value.items()}
    if kind is slice:
        return slice(operator.index(value.start) if isinstance(value.start, Traced) else value.start, value.stop,
                     value.step)
    return value


XP = RecordingNamespace(real_xp)
base.BY_ARRAY[Traced] = base.Backend("cpu", Traced, XP, Generator, from_numpy=lambda a: a,
                                     to_numpy=lambda traced: traced.__array__())
base.XP[Traced] = XP
