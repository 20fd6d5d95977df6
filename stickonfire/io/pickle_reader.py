"""A pickle machine that builds data and runs nothing else.

Python's `pickle` calls whatever a file names. This reader knows the opcodes that plain containers, tensors
and state dicts need, and calls only what `safe_globals` lists; anything else raises `UnpicklingError` before
it runs. Called by `checkpoint.py` and `legacy.py`. May import: `safe_globals`. The opposite way:
`pickle_writer.py`.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

from .safe_globals import MARKERS, find_global, is_user_class

_TRUNCATED = "pickle data was truncated: the file is damaged or was not written to its end"
# The modules of Python 2, which protocol 2 still spells.
_OLD_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}

_Handler = Callable[["RestrictedUnpickler"], None]
_HANDLERS: dict[int, _Handler] = {}


def _opcode(code: bytes) -> Callable[[_Handler], _Handler]:
    def register(handler: _Handler) -> _Handler:
        _HANDLERS[code[0]] = handler
        return handler

    return register


class RestrictedUnpickler:
    """Reads one pickle from `stream`; `persistent_load` resolves references to storages.

    Raises: pickle.UnpicklingError for a global that is not allowed, an opcode that is not known, damaged
    data.

    >>> import io
    >>> RestrictedUnpickler(io.BytesIO(pickle.dumps({"lr": [0.1, 2]})), None).load()
    {'lr': [0.1, 2]}
    """

    def __init__(
        self, stream: BinaryIO, persistent_load: Callable[[Any], Any] | None, encoding: str = "utf-8"
    ) -> None:
        self.stream, self.persistent_load, self.encoding = stream, persistent_load, encoding
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.callables: dict[int, tuple[str, Any]] = {}  # by id: what the file may call
        self.classes: set[int] = set()  # ids of those that `NEWOBJ` may make

    def load(self) -> Any:
        """The object the pickle describes."""
        code = _STOP
        try:
            while True:
                code = self.read(1)[0]
                if code == _STOP:
                    return self.stack.pop()
                handler = _HANDLERS.get(code)
                if handler is None:
                    raise pickle.UnpicklingError(
                        f"Unsupported operand {code}: this is no checkpoint, or a damaged one"
                    )
                handler(self)
        except (LookupError, struct.error, TypeError, ValueError, OverflowError) as error:
            if code == pickle.BINPERSID[0]:
                raise           # not the pickle's doing: what `persistent_load` says is clear enough
            raise pickle.UnpicklingError(f"the pickle inside the file is damaged ({error!r})") from error

    def read(self, count: int) -> bytes:
        """The next `count` bytes."""
        data = self.stream.read(count)
        if len(data) < count:
            raise pickle.UnpicklingError(_TRUNCATED)
        return data

    def number(self, form: str) -> int:
        """A little-endian number in `struct` form, also used for lengths."""
        return struct.unpack("<" + form, self.read(struct.calcsize("<" + form)))[0]

    def line(self) -> str:
        """Text up to the end of the line."""
        data = self.stream.readline()
        if not data.endswith(b"\n"):
            raise pickle.UnpicklingError(_TRUNCATED)
        return data[:-1].decode("utf-8")

    def pop_mark(self) -> list[Any]:
        """The items since the last mark; the stack below becomes current."""
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def push_global(self, module: str, name: str) -> None:
        """Put what `module.name` stands for on the stack, if it is allowed."""
        full_name = f"{_OLD_MODULES.get(module, module)}.{name}"
        found = find_global(full_name)
        if callable(found) and found not in MARKERS:
            self.callables[id(found)] = (full_name, found)
            if found in (OrderedDict, Counter) or is_user_class(found):
                self.classes.add(id(found))
        self.stack.append(found)


_STOP = pickle.STOP[0]


@_opcode(pickle.PROTO)
def _proto(m: RestrictedUnpickler) -> None:
    protocol = m.number("B")
    if protocol > pickle.HIGHEST_PROTOCOL:
        raise pickle.UnpicklingError(f"unsupported pickle protocol: {protocol}")


@_opcode(pickle.FRAME)
def _frame(m: RestrictedUnpickler) -> None:
    m.read(8)


@_opcode(pickle.MARK)
def _mark(m: RestrictedUnpickler) -> None:
    m.marks.append(m.stack)
    m.stack = []


# -- constants, numbers, text --------------------------------------------------------------------------------


def _push(code: bytes, read: Callable[[RestrictedUnpickler], Any]) -> None:
    """Register an opcode that puts what `read` gives on the stack."""

    def handler(m: RestrictedUnpickler) -> None:
        value = read(m)         # first: reading up to a mark changes which stack is current
        m.stack.append(value)

    _HANDLERS[code[0]] = handler


def _sized(form: str) -> Callable[[RestrictedUnpickler], bytes]:
    """A reader of bytes after their length, a number in `struct` form."""
    return lambda m: m.read(m.number(form))


def _number(form: str) -> Callable[[RestrictedUnpickler], int]:
    return lambda m: m.number(form)


def _long(form: str) -> Callable[[RestrictedUnpickler], int]:
    read = _sized(form)
    return lambda m: int.from_bytes(read(m), "little", signed=True)


def _text(form: str) -> Callable[[RestrictedUnpickler], str]:
    read = _sized(form)
    return lambda m: str(read(m), "utf-8", "surrogatepass")


def _old_text(form: str) -> Callable[[RestrictedUnpickler], str | bytes]:
    """Strings of Python 2, in the encoding `load` was given."""
    read = _sized(form)
    return lambda m: read(m) if m.encoding == "bytes" else str(read(m), m.encoding)


_push(pickle.NONE, lambda m: None)
_push(pickle.NEWTRUE, lambda m: True)
_push(pickle.NEWFALSE, lambda m: False)
_push(pickle.EMPTY_DICT, lambda m: {})
_push(pickle.EMPTY_LIST, lambda m: [])
_push(pickle.EMPTY_TUPLE, lambda m: ())
_push(pickle.EMPTY_SET, lambda m: set())
_push(pickle.BININT, _number("i"))
_push(pickle.BININT1, _number("B"))
_push(pickle.BININT2, _number("H"))
_push(pickle.LONG1, _long("B"))
_push(pickle.LONG4, _long("i"))
_push(pickle.SHORT_BINUNICODE, _text("B"))
_push(pickle.BINUNICODE, _text("I"))
_push(pickle.BINUNICODE8, _text("Q"))
_push(pickle.SHORT_BINBYTES, _sized("B"))
_push(pickle.BINBYTES, _sized("I"))
_push(pickle.BINBYTES8, _sized("Q"))
_push(pickle.SHORT_BINSTRING, _old_text("B"))
_push(pickle.BINSTRING, _old_text("i"))
_push(pickle.BINFLOAT, lambda m: struct.unpack(">d", m.read(8))[0])
_push(pickle.BYTEARRAY8, lambda m: bytearray(m.read(m.number("Q"))))
_push(pickle.BINGET, lambda m: m.memo[m.number("B")])
_push(pickle.LONG_BINGET, lambda m: m.memo[m.number("I")])
_push(pickle.DUP, lambda m: m.stack[-1])
_push(pickle.TUPLE, lambda m: tuple(m.pop_mark()))
_push(pickle.FROZENSET, lambda m: frozenset(m.pop_mark()))


# -- the memo ------------------------------------------------------------------------------------------------


@_opcode(pickle.BINPUT)
def _binput(m: RestrictedUnpickler) -> None:
    m.memo[m.number("B")] = m.stack[-1]


@_opcode(pickle.LONG_BINPUT)
def _long_binput(m: RestrictedUnpickler) -> None:
    m.memo[m.number("I")] = m.stack[-1]


@_opcode(pickle.MEMOIZE)
def _memoize(m: RestrictedUnpickler) -> None:
    m.memo[len(m.memo)] = m.stack[-1]


@_opcode(pickle.POP)
def _pop(m: RestrictedUnpickler) -> None:
    if m.stack:
        m.stack.pop()
    else:
        m.pop_mark()


@_opcode(pickle.POP_MARK)
def _pop_mark(m: RestrictedUnpickler) -> None:
    m.pop_mark()


# -- containers ----------------------------------------------------------------------------------------------


def _last(size: int) -> Callable[[RestrictedUnpickler], tuple[Any, ...]]:
    def read(m: RestrictedUnpickler) -> tuple[Any, ...]:
        items = [m.stack.pop() for _ in range(size)]
        return tuple(reversed(items))

    return read


_push(pickle.TUPLE1, _last(1))
_push(pickle.TUPLE2, _last(2))
_push(pickle.TUPLE3, _last(3))


def _expect(value: Any, types: type | tuple[type, ...]) -> Any:
    if not isinstance(value, types):
        raise pickle.UnpicklingError(
            f"the pickle inside the file is damaged (items for a {type(value).__name__})"
        )
    return value


@_opcode(pickle.APPEND)
def _append(m: RestrictedUnpickler) -> None:
    item = m.stack.pop()
    _expect(m.stack[-1], list).append(item)


@_opcode(pickle.APPENDS)
def _appends(m: RestrictedUnpickler) -> None:
    items = m.pop_mark()
    _expect(m.stack[-1], list).extend(items)


@_opcode(pickle.ADDITEMS)
def _additems(m: RestrictedUnpickler) -> None:
    items = m.pop_mark()
    _expect(m.stack[-1], set).update(items)


@_opcode(pickle.SETITEM)
def _setitem(m: RestrictedUnpickler) -> None:
    value, key = m.stack.pop(), m.stack.pop()
    _expect(m.stack[-1], dict)[key] = value


@_opcode(pickle.SETITEMS)
def _setitems(m: RestrictedUnpickler) -> None:
    items = m.pop_mark()
    target = _expect(m.stack[-1], dict)
    for i in range(0, len(items), 2):
        target[items[i]] = items[i + 1]


# -- globals, calls, persistent references -------------------------------------------------------------------


@_opcode(pickle.GLOBAL)
def _global(m: RestrictedUnpickler) -> None:
    module = m.line()
    m.push_global(module, m.line())


@_opcode(pickle.STACK_GLOBAL)
def _stack_global(m: RestrictedUnpickler) -> None:
    name, module = m.stack.pop(), m.stack.pop()
    m.push_global(_expect(module, str), _expect(name, str))


@_opcode(pickle.REDUCE)
def _reduce(m: RestrictedUnpickler) -> None:
    args, function = _expect(m.stack.pop(), tuple), m.stack.pop()
    if id(function) not in m.callables:
        raise pickle.UnpicklingError(
            f"the file wants to call a {type(function).__name__}, which is no allowed global"
        )
    name, allowed = m.callables[id(function)]
    try:
        m.stack.append(allowed(*args))
    except (TypeError, AttributeError) as error:
        raise pickle.UnpicklingError(
            f"the file calls {name} with arguments it does not take: {error}"
        ) from error


@_opcode(pickle.NEWOBJ)
def _newobj(m: RestrictedUnpickler) -> None:
    args, cls = _expect(m.stack.pop(), tuple), m.stack.pop()
    m.stack.append(_new(m, cls, args, {}))


@_opcode(pickle.NEWOBJ_EX)
def _newobj_ex(m: RestrictedUnpickler) -> None:
    kwargs, args, cls = _expect(m.stack.pop(), dict), _expect(m.stack.pop(), tuple), m.stack.pop()
    m.stack.append(_new(m, cls, args, kwargs))


def _new(m: RestrictedUnpickler, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if id(cls) not in m.classes:
        raise pickle.UnpicklingError(
            f"the file wants to make an instance of {cls!r}, which is no allowed class"
        )
    return cls.__new__(cls, *args, **kwargs)


@_opcode(pickle.BUILD)
def _build(m: RestrictedUnpickler) -> None:
    """Sets the state of an object: the attributes of an OrderedDict (`_metadata`), or of a class the user
    allowed.
    """
    state, target = m.stack.pop(), m.stack[-1]
    if type(target) is OrderedDict:
        vars(target).update(_expect(state, dict))
        return
    if not is_user_class(type(target)):
        raise pickle.UnpicklingError(
            f"the file wants to set the state of a {type(target).__name__}: not allowed"
        )
    if hasattr(target, "__setstate__"):
        target.__setstate__(state)
        return
    attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    vars(target).update(attributes or {})
    for name, value in (slots or {}).items():
        setattr(target, name, value)


@_opcode(pickle.BINPERSID)
def _binpersid(m: RestrictedUnpickler) -> None:
    if m.persistent_load is None or not m.stack:
        raise pickle.UnpicklingError("the file refers to a storage where it has none")
    m.stack.append(m.persistent_load(m.stack.pop()))
