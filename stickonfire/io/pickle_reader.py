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
        except (IndexError, KeyError, struct.error, UnicodeDecodeError) as error:
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


def _constants() -> None:
    makers: dict[bytes, Callable[[], Any]] = {
        pickle.NONE: lambda: None,
        pickle.NEWTRUE: lambda: True,
        pickle.NEWFALSE: lambda: False,
        pickle.EMPTY_DICT: dict,
        pickle.EMPTY_LIST: list,
        pickle.EMPTY_TUPLE: tuple,
        pickle.EMPTY_SET: set,
    }
    for code, make in makers.items():
        _HANDLERS[code[0]] = lambda m, make=make: m.stack.append(make())


def _numbers() -> None:
    forms = {pickle.BININT: "i", pickle.BININT1: "B", pickle.BININT2: "H"}
    for code, form in forms.items():
        _HANDLERS[code[0]] = lambda m, form=form: m.stack.append(m.number(form))
    for code, form in {pickle.LONG1: "B", pickle.LONG4: "i"}.items():
        _HANDLERS[code[0]] = lambda m, form=form: m.stack.append(
            int.from_bytes(m.read(m.number(form)), "little", signed=True)
        )


def _strings() -> None:
    for code, form in {pickle.SHORT_BINUNICODE: "B", pickle.BINUNICODE: "I", pickle.BINUNICODE8: "Q"}.items():
        _HANDLERS[code[0]] = lambda m, form=form: m.stack.append(
            str(m.read(m.number(form)), "utf-8", "surrogatepass")
        )
    for code, form in {pickle.SHORT_BINBYTES: "B", pickle.BINBYTES: "I", pickle.BINBYTES8: "Q"}.items():
        _HANDLERS[code[0]] = lambda m, form=form: m.stack.append(m.read(m.number(form)))
    for code, form in {pickle.SHORT_BINSTRING: "B", pickle.BINSTRING: "i"}.items():
        _HANDLERS[code[0]] = lambda m, form=form: m.stack.append(
            m.read(m.number(form)) if m.encoding == "bytes" else str(m.read(m.number(form)), m.encoding)
        )


_constants()
_numbers()
_strings()


@_opcode(pickle.BINFLOAT)
def _binfloat(m: RestrictedUnpickler) -> None:
    m.stack.append(struct.unpack(">d", m.read(8))[0])


@_opcode(pickle.BYTEARRAY8)
def _bytearray(m: RestrictedUnpickler) -> None:
    m.stack.append(bytearray(m.read(m.number("Q"))))


# -- the memo ------------------------------------------------------------------------------------------------


def _memo_opcodes() -> None:
    for code, form in {pickle.BINPUT: "B", pickle.LONG_BINPUT: "I"}.items():
        _HANDLERS[code[0]] = lambda m, form=form: m.memo.__setitem__(m.number(form), m.stack[-1])
    for code, form in {pickle.BINGET: "B", pickle.LONG_BINGET: "I"}.items():
        _HANDLERS[code[0]] = lambda m, form=form: m.stack.append(m.memo[m.number(form)])


_memo_opcodes()


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


@_opcode(pickle.DUP)
def _dup(m: RestrictedUnpickler) -> None:
    m.stack.append(m.stack[-1])


# -- containers ----------------------------------------------------------------------------------------------


@_opcode(pickle.TUPLE)
def _tuple(m: RestrictedUnpickler) -> None:
    items = m.pop_mark()
    m.stack.append(tuple(items))


def _fixed_tuples() -> None:
    for code, size in {pickle.TUPLE1: 1, pickle.TUPLE2: 2, pickle.TUPLE3: 3}.items():
        _HANDLERS[code[0]] = lambda m, size=size: _fold_tuple(m, size)


def _fold_tuple(m: RestrictedUnpickler, size: int) -> None:
    if len(m.stack) < size:
        raise IndexError("stack is empty")
    m.stack[-size:] = [tuple(m.stack[-size:])]


_fixed_tuples()


@_opcode(pickle.FROZENSET)
def _frozenset(m: RestrictedUnpickler) -> None:
    items = m.pop_mark()
    m.stack.append(frozenset(items))


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
    if m.persistent_load is None:
        raise pickle.UnpicklingError("the file refers to a storage where it has none")
    m.stack.append(m.persistent_load(m.stack.pop()))
