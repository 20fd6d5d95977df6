"""Writes plain data and tensors as a protocol 2 pickle that PyTorch reads with `weights_only=True`.

Python's `pickle` asks each object how to take itself apart, which runs its code and names its classes in the
file. This writer knows a closed list of types and refuses the rest with advice. Called by `checkpoint.py`.
May import: eager, nn, `safe_globals`, `storage`. The opposite way: `pickle_reader.py`.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from .. import eager
from ..nn import Module
from ..nn.parameter import Parameter
from .safe_globals import global_name, is_user_class
from .storage import KIND_OF_DTYPE, UNTYPED, element_width, layout_of

_INT32 = range(-(2**31), 2**31)


class PickleWriter:
    """Turns an object into pickle bytes; `store(memory, dtype)` files a storage away and returns its key.

    Raises: pickle.PicklingError for a type that is not on the list.

    >>> pickle.loads(PickleWriter(None).dumps({"lr": [0.1, 2]}))
    {'lr': [0.1, 2]}
    """

    def __init__(self, store: Callable[[Any, Any], str] | None) -> None:
        self.store = store
        self.out = bytearray()
        self.memo: dict[int, int] = {}
        self.alive: list[Any] = []  # what the memo's ids belong to must not be freed meanwhile
        self.path: list[str] = []  # where in the object we are, for messages

    def dumps(self, obj: Any) -> bytes:
        """The pickle of `obj`."""
        self.out += pickle.PROTO + b"\x02"
        self.write(obj)
        self.out += pickle.STOP
        return bytes(self.out)

    def write(self, obj: Any) -> None:
        """Append one object."""
        if id(obj) in self.memo:
            self._get(self.memo[id(obj)])
            return
        writer = _WRITERS.get(type(obj))
        if writer is None:
            writer = _writer_for_kind(obj)
        if writer is None:
            raise pickle.PicklingError(self._refusal(obj))
        writer(self, obj)

    def remember(self, obj: Any) -> None:
        """Later occurrences of `obj`, just written, refer to this one."""
        self.memo[id(obj)] = self._put()
        self.alive.append(obj)

    def call(self, name: str, *args: Any) -> None:
        """Append the call of a global, as `module.name`, with arguments made for the occasion."""
        self.name(name)
        self.tuple_items(args)
        self.out += pickle.REDUCE

    def name(self, full_name: str) -> None:
        """Append a global."""
        module, _, name = full_name.rpartition(".")
        self.out += pickle.GLOBAL + f"{module}\n{name}\n".encode()

    def tuple_items(self, items: Iterable[Any]) -> None:
        """Append a tuple that is not remembered."""
        self.out += pickle.MARK
        for item in items:
            self.write(item)
        self.out += pickle.TUPLE

    def _put(self) -> int:
        index = len(self.memo)
        self.out += (
            pickle.BINPUT + bytes([index]) if index < 256 else pickle.LONG_BINPUT + struct.pack("<I", index)
        )
        return index

    def _get(self, index: int) -> None:
        self.out += (
            pickle.BINGET + bytes([index]) if index < 256 else pickle.LONG_BINGET + struct.pack("<I", index)
        )

    def _refusal(self, obj: Any) -> str:
        kind = f"{type(obj).__module__}.{type(obj).__qualname__}"
        where = f" (at {''.join(self.path)})" if self.path else ""
        first = f"save: cannot save an object of type {kind}{where}."
        if isinstance(obj, Module):
            return f"{first}\nA module is code too; save module.state_dict() and load that into a module."
        if type(obj).__module__ == "numpy":
            return f"{first}\nUse .item() for a NumPy number and from_numpy(array) for an array."
        return (
            f"{first}\nSaved files hold tensors, numbers, text and plain containers of them, so that loading never "
            "runs code. Convert it (vars(obj), list(obj) ...) or, for a class of your own that you also allow when "
            "loading, call stickonfire.serialization.add_safe_globals([TheClass])."
        )


# -- one writer a type ---------------------------------------------------------------------------------------


def _write_int(w: PickleWriter, value: int) -> None:
    if value in _INT32:
        w.out += pickle.BININT + struct.pack("<i", value)
        return
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    size = (
        pickle.LONG1 + bytes([len(data)]) if len(data) < 256 else pickle.LONG4 + struct.pack("<i", len(data))
    )
    w.out += size + data


def _write_float(w: PickleWriter, value: float) -> None:
    w.out += pickle.BINFLOAT + struct.pack(">d", value)


def _write_str(w: PickleWriter, value: str) -> None:
    data = value.encode("utf-8", "surrogatepass")
    w.out += pickle.BINUNICODE + struct.pack("<I", len(data)) + data
    w.remember(value)


def _write_bytes(w: PickleWriter, value: bytes) -> None:
    w.call("_codecs.encode", value.decode("latin1"), "latin1")
    w.remember(value)


def _write_tuple(w: PickleWriter, value: tuple[Any, ...]) -> None:
    w.out += pickle.MARK
    for i, item in enumerate(value):
        _write_at(w, f"[{i}]", item)
    if id(value) in w.memo:  # it holds a list that holds it: now written, inside out
        w.out += pickle.POP_MARK
        w._get(w.memo[id(value)])
        return
    w.out += pickle.TUPLE
    w.remember(value)


def _write_list(w: PickleWriter, value: list[Any]) -> None:
    w.out += pickle.EMPTY_LIST
    w.remember(value)
    _write_items(w, value)


def _write_items(w: PickleWriter, value: list[Any]) -> None:
    if not value:
        return
    w.out += pickle.MARK
    for i, item in enumerate(value):
        _write_at(w, f"[{i}]", item)
    w.out += pickle.APPENDS


def _write_dict(w: PickleWriter, value: dict[Any, Any]) -> None:
    w.out += pickle.EMPTY_DICT
    w.remember(value)
    _write_pairs(w, value)


def _write_pairs(w: PickleWriter, value: dict[Any, Any]) -> None:
    if not value:
        return
    w.out += pickle.MARK
    for key, item in value.items():
        w.write(key)
        _write_at(w, f"[{key!r}]", item)
    w.out += pickle.SETITEMS


def _write_at(w: PickleWriter, step: str, item: Any) -> None:
    w.path.append(step)
    w.write(item)
    w.path.pop()


def _write_ordered_dict(w: PickleWriter, value: OrderedDict[Any, Any]) -> None:
    w.call("collections.OrderedDict")
    w.remember(value)
    _write_pairs(w, value)
    if vars(value):  # a state dict hangs its `_metadata` here
        w.write(dict(vars(value)))
        w.out += pickle.BUILD


def _write_set(w: PickleWriter, value: set[Any] | frozenset[Any]) -> None:
    w.name(f"__builtin__.{type(value).__name__}")
    w.out += pickle.MARK + pickle.EMPTY_LIST
    _write_items(w, list(value))
    w.out += pickle.TUPLE + pickle.REDUCE
    w.remember(value)


def _write_parameter(w: PickleWriter, value: Any) -> None:
    attributes = _attributes(value)
    with_state = "_with_state" if attributes else ""
    w.name(f"torch._utils._rebuild_parameter{with_state}")
    w.out += pickle.MARK
    _write_bare_tensor(w, value.detach(), False)
    w.write(bool(value.requires_grad))
    w.call("collections.OrderedDict")
    if attributes:
        _write_fresh_dict(w, attributes)
    w.out += pickle.TUPLE + pickle.REDUCE
    w.remember(value)


def _write_tensor(w: PickleWriter, value: Any) -> None:
    attributes = _attributes(value)
    if not attributes:
        _write_bare_tensor(w, value, bool(value.requires_grad))
    else:
        w.name("torch._tensor._rebuild_from_type_v2")
        w.out += pickle.MARK
        w.name(_rebuilder(value))
        w.name("torch.Tensor")
        _write_tensor_args(w, value, bool(value.requires_grad))
        _write_fresh_dict(w, attributes)
        w.out += pickle.TUPLE + pickle.REDUCE
    w.remember(value)


def _write_bare_tensor(w: PickleWriter, value: Any, requires_grad: bool) -> None:
    w.name(_rebuilder(value))
    _write_tensor_args(w, value, requires_grad)
    w.out += pickle.REDUCE


def _rebuilder(value: Any) -> str:
    """What makes the tensor again: dtypes younger than typed storages are named beside an untyped one."""
    return f"torch._utils._rebuild_tensor_v{2 if value.dtype in KIND_OF_DTYPE else 3}"


def _write_tensor_args(w: PickleWriter, value: Any, requires_grad: bool) -> None:
    if w.store is None:
        raise pickle.PicklingError("tensors are saved by `save`, not by a bare PickleWriter")
    layout = layout_of(value)
    kind = KIND_OF_DTYPE.get(value.dtype, UNTYPED)
    key = w.store(layout.memory, value.dtype)
    w.out += pickle.MARK + pickle.MARK
    w.write("storage")
    w.name(f"torch.{kind.name}")
    w.write(key)
    w.write(str(value.device))
    w.write(layout.memory.nbytes // element_width(kind))
    w.out += pickle.TUPLE + pickle.BINPERSID
    w.write(layout.offset)
    w.tuple_items(layout.size)
    w.tuple_items(layout.stride)
    w.write(requires_grad)
    w.call("collections.OrderedDict")  # backward hooks: never saved
    if kind is UNTYPED:
        w.name(str(value.dtype))
    w.out += pickle.TUPLE


def _attributes(tensor: Any) -> dict[str, Any]:
    """What a user hung on a tensor; our own attributes begin with an underscore."""
    found = getattr(tensor, "__dict__", {})
    return {name: value for name, value in found.items() if not name.startswith("_") and name != "grad"}


def _write_fresh_dict(w: PickleWriter, value: dict[str, Any]) -> None:
    w.out += pickle.EMPTY_DICT
    _write_pairs(w, value)


def _write_user_object(w: PickleWriter, value: Any) -> None:
    """An instance of a class the user declared safe: taken apart as `pickle` would."""
    parts = value.__reduce_ex__(2)
    if not isinstance(parts, tuple) or parts[0].__name__ != "__newobj__" or any(parts[3:]):
        raise pickle.PicklingError(
            f"save: {type(value).__qualname__} pickles in a way that files here cannot hold"
        )
    w.alive.append(parts)
    w.name(str(global_name(type(value))))
    w.tuple_items(parts[1][1:])
    w.out += pickle.NEWOBJ
    w.remember(value)
    if len(parts) > 2 and parts[2] is not None:
        w.write(parts[2])
        w.out += pickle.BUILD


def _write_device(w: PickleWriter, value: Any) -> None:
    w.call("torch.device", *(v for v in (value.type, value.index) if v is not None))


def _write_size(w: PickleWriter, value: Any) -> None:
    w.name("torch.Size")
    w.out += pickle.MARK
    w.tuple_items(value)
    w.out += pickle.TUPLE + pickle.REDUCE


def _write_counter(w: PickleWriter, value: Counter[Any]) -> None:
    w.name("collections.Counter")
    w.out += pickle.MARK + pickle.EMPTY_DICT
    _write_pairs(w, value)
    w.out += pickle.TUPLE + pickle.REDUCE
    w.remember(value)


def _write_bytearray(w: PickleWriter, value: bytearray) -> None:
    w.call("__builtin__.bytearray", bytes(value))
    w.remember(value)


_WRITERS: dict[type, Callable[[PickleWriter, Any], None]] = {
    type(None): lambda w, _: w.out.extend(pickle.NONE),
    bool: lambda w, value: w.out.extend(pickle.NEWTRUE if value else pickle.NEWFALSE),
    int: _write_int,
    float: _write_float,
    complex: lambda w, value: w.call("__builtin__.complex", value.real, value.imag),
    str: _write_str,
    bytes: _write_bytes,
    bytearray: _write_bytearray,
    tuple: _write_tuple,
    list: _write_list,
    dict: _write_dict,
    OrderedDict: _write_ordered_dict,
    Counter: _write_counter,
    set: _write_set,
    frozenset: _write_set,
    eager.Size: _write_size,
    eager.device: _write_device,
    eager.dtype: lambda w, value: w.name(str(value)),
    eager.Tensor: _write_tensor,
    Parameter: _write_parameter,
}


def _writer_for_kind(obj: Any) -> Callable[[PickleWriter, Any], None] | None:
    return _write_user_object if is_user_class(type(obj)) else None
