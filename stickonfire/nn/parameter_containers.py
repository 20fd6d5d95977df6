"""Modules that hold parameters: ParameterList and ParameterDict.

Room: nn. May import: eager, this room. Tensors put in become Parameters; other values are kept as they are.
"""
from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from ..eager import Tensor
from .module import Module
from .parameter import Parameter
from .typename import typename


def as_member(value: Any) -> Any:
    """A tensor as a Parameter, anything else unchanged."""
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        return Parameter(value)
    return value


def describe(value: Any, type_of: Callable[[Any], Any]) -> str:
    """The text for one member in a container's repr; `type_of` names a tensor's type."""
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    size = "x".join(str(n) for n in value.size())
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    where = "" if value.device.type == "cpu" else f" ({value.device})"
    return f"{kind} containing: [{type_of(value)} of size {size}{where}]"


class ParameterList(Module):
    """A list of parameters, all of them registered.

    Source: PyTorch `nn.ParameterList`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> len(nn.ParameterList([stickonfire.ones(2), stickonfire.ones(3)]))
    2
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _name(self, index: Any) -> str:
        position = operator.index(index)
        if not -len(self) <= position < len(self):
            raise IndexError(f"index {position} is out of range")
        return str(position % len(self))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            chosen = type(self)()
            for position in range(*index.indices(len(self))):
                chosen.append(self[position])
            return chosen
        return getattr(self, self._name(index))

    def __setitem__(self, index: Any, param: Any) -> None:
        setattr(self, self._name(index), as_member(param))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter([self[position] for position in range(len(self))])

    def __iadd__(self, parameters: Iterable[Any]) -> ParameterList:
        return self.extend(parameters)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]

    def append(self, value: Any) -> ParameterList:
        """Adds a value at the end."""
        position = self._size
        self._size += 1
        self[position] = value
        return self

    def pop(self, index: int = -1) -> Any:
        """Takes a value out and returns it; those behind it move up."""
        values = list(self)
        value = values.pop(index)
        for position in range(len(self)):
            delattr(self, str(position))
        self._size = 0
        self.extend(values)
        return value

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Adds values at the end. Raises: TypeError for anything that is no list of values."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError("ParameterList.extend should be called with an iterable, but got "
                            + type(values).__name__)
        for value in values:
            self.append(value)
        return self

    def extra_repr(self) -> str:
        return "\n".join(f"  ({position}): {describe(value, attrgetter('dtype'))}"
                         for position, value in enumerate(self))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterList should not be called.")


class ParameterDict(Module):
    """Parameters by name, in insertion order, all of them registered.

    Source: PyTorch `nn.ParameterDict`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> list(nn.ParameterDict({"left": stickonfire.ones(2)}))
    ['left']
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def _attribute(self, key: str) -> str:
        if not isinstance(key, str):
            raise TypeError(f"Index given to ParameterDict cannot be used as a key as it is not a string "
                            f"(type is '{type(key).__name__}'). Open an issue on github if you need non-string keys.")
        return key

    def __getitem__(self, key: str) -> Any:
        return getattr(self, self._attribute(key))

    def __setitem__(self, key: str, value: Any) -> None:
        self._attribute(key)
        self._keys[key] = None
        setattr(self, key, as_member(value))

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, self._attribute(key))

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._keys))

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def copy(self) -> ParameterDict:
        """Another dict of the very same parameters."""
        return ParameterDict({key: self[key] for key in self._keys})

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value under the key, which is set first if it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self) -> None:
        """Takes everything out."""
        for key in list(self._keys):
            del self[key]

    def pop(self, key: str) -> Any:
        """Takes a value out and returns it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Takes the last pair out and returns it."""
        key, _ = self._keys.popitem()
        self._keys[key] = None
        return key, self.pop(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value under the key, or the default."""
        return self[key] if key in self else default

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A dict with the same value under all keys."""
        return ParameterDict((key, default) for key in keys)

    def keys(self) -> Container[str]:
        """The names."""
        return self._keys.keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Pairs of name and value."""
        return ((key, self[key]) for key in self._keys)

    def values(self) -> Iterable[Any]:
        """The values."""
        return (self[key] for key in self._keys)

    def update(self, parameters: Any) -> None:
        """Adds values from a mapping (sorted by key unless it is ordered) or from pairs."""
        if not isinstance(parameters, Iterable):
            raise TypeError("ParametersDict.update should be called with an iterable of key/value pairs, "
                            "but got " + type(parameters).__name__)
        if isinstance(parameters, (Mapping, ParameterDict)):
            ordered = isinstance(parameters, (OrderedDict, ParameterDict))
            for key, value in parameters.items() if ordered else sorted(parameters.items()):
                self[key] = value
            return
        for position, pair in enumerate(parameters):
            if not isinstance(pair, Iterable):
                raise TypeError(f"ParameterDict update sequence element #{position} should be Iterable; is"
                                + type(pair).__name__)
            key_and_value = tuple(pair)
            if len(key_and_value) != 2:
                raise ValueError(f"ParameterDict update sequence element #{position} has length "
                                 f"{len(key_and_value)}; 2 is required")
            self[key_and_value[0]] = key_and_value[1]

    def extra_repr(self) -> str:
        return "\n".join(f"  ({key}): {describe(value, typename)}" for key, value in self.items())

    def __call__(self, input: Any) -> Any:
        raise RuntimeError("ParameterDict should not be called.")

    def __or__(self, other: ParameterDict) -> ParameterDict:
        combined = self.copy()
        combined.update(other)
        return combined

    def __ror__(self, other: ParameterDict) -> ParameterDict:
        combined = other.copy()
        combined.update(self)
        return combined

    def __ior__(self, other: ParameterDict) -> ParameterDict:
        self.update(other)
        return self
