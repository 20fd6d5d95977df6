"""What a checkpoint may name: PyTorch's spelling of each type, and what stands for it here.

Loading looks every global of a file up in this list and in the classes the user added; nothing else is
imported or called. Called by `pickle_reader.py` and `pickle_writer.py`. May import: eager, nn, `storage.py`.
"""

from __future__ import annotations

import codecs
import pickle
from collections import Counter, OrderedDict
from collections.abc import Iterable
from typing import Any

from .. import eager
from ..nn.parameter import Parameter
from . import storage

_UserGlobal = Any  # a class or function, or a pair (it, the full name it has in files)
_user_globals: dict[str, Any] = {}


def add_safe_globals(safe_globals: Iterable[_UserGlobal]) -> None:
    """Let checkpoints contain instances of these classes (or calls of these functions); a pair gives the name
    too.

    Add only what may be called by a file from an unknown hand.   Source: PyTorch `torch.serialization`.

    >>> from fractions import Fraction
    >>> with safe_globals([Fraction]): "fractions.Fraction" in _user_globals
    True
    """
    for entry in safe_globals:
        value, name = entry if isinstance(entry, tuple) else (entry, _full_name(entry))
        if not isinstance(name, str):
            raise ValueError(
                f"add_safe_globals: expected (class, 'module.name') pairs, got a {type(name).__name__} name"
            )
        _user_globals[name] = value


def get_safe_globals() -> list[_UserGlobal]:
    """What `add_safe_globals` has added."""
    return [v if _full_name(v) == name else (v, name) for name, v in _user_globals.items()]


def clear_safe_globals() -> None:
    """Forget what `add_safe_globals` has added."""
    _user_globals.clear()


class safe_globals:
    """`add_safe_globals` for the length of a `with` block.   Source: PyTorch
    `torch.serialization.safe_globals`.
    """

    def __init__(self, safe_globals: Iterable[_UserGlobal]) -> None:
        self.added = list(safe_globals)

    def __enter__(self) -> safe_globals:
        self.before = dict(_user_globals)
        add_safe_globals(self.added)
        return self

    def __exit__(self, *_: object) -> None:
        clear_safe_globals()
        _user_globals.update(self.before)


def is_user_class(cls: Any) -> bool:
    """Whether the user declared this very class safe."""
    return isinstance(cls, type) and any(cls is v for v in _user_globals.values())


def find_global(full_name: str) -> Any:
    """What `full_name` stands for in a file.

    Raises: pickle.UnpicklingError if it is not allowed.
    """
    if full_name in _user_globals:
        return _user_globals[full_name]
    if full_name in ALLOWED:
        return ALLOWED[full_name]
    raise pickle.UnpicklingError(_refusal(full_name))


def _refusal(full_name: str) -> str:
    first = (
        f"Weights only load failed: Unsupported global: GLOBAL {full_name} was not an allowed global by default."
    )
    module = full_name.rpartition(".")[0]
    if module.startswith("torch") and "Parameter" not in full_name:
        way_out = (
            "The file holds a whole module or another object of PyTorch, not only tensors and containers. Save "
            "model.state_dict() instead and load it with model.load_state_dict(load(path))."
        )
    else:
        name = full_name.rpartition(".")[2]
        way_out = (
            f"If you trust it, allow it: stickonfire.serialization.add_safe_globals([{name}]), or load under "
            f"`with stickonfire.serialization.safe_globals([{name}]):`. (weights_only=False does not lift this: "
            "loading never runs code that a file names.)"
        )
    return f"{first}\n{way_out}"


def global_name(value: Any) -> str | None:
    """The full name that stands for a class or function in files, if it is allowed there."""
    for name, known in _user_globals.items():
        if known is value:
            return name
    return None


def _full_name(value: Any) -> str:
    if not hasattr(value, "__qualname__"):
        raise TypeError(f"add_safe_globals: expected a class or function, got {type(value).__name__}")
    return f"{value.__module__}.{value.__qualname__}"


# -- the list ------------------------------------------------------------------------------------------------


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """`_codecs.encode` as far as files need it: bytes written as latin-1 text."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(
            f"the file asks for the text encoding {encoding!r}; only latin1 stands for bytes"
        )
    return codecs.encode(text, "latin1")


def _bytearray(data: bytes = b"") -> bytearray:
    if not isinstance(data, bytes):  # a number would reserve that much memory
        raise pickle.UnpicklingError("the file makes a bytearray of something other than bytes")
    return bytearray(data)


def _parameter(data: Any = None, requires_grad: bool = True) -> Parameter:
    return Parameter(data, requires_grad)


def _rebuild_parameter(data: Any, requires_grad: bool, backward_hooks: Any) -> Parameter:
    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(
    data: Any, requires_grad: bool, backward_hooks: Any, state: Any
) -> Parameter:
    return _set_attributes(Parameter(data, requires_grad), state)


def _rebuild_from_type(function: Any, cls: type, args: tuple[Any, ...], state: Any) -> Any:
    if cls is not eager.Tensor or function not in _REBUILDERS:
        raise pickle.UnpicklingError(
            f"the file holds a tensor subclass ({cls!r}), which cannot be rebuilt here"
        )
    return _set_attributes(function(*args), state)


def _set_attributes(tensor: Any, state: Any) -> Any:
    """Attributes a user hung on a tensor; what the class itself has is never overwritten by a file."""
    attributes = state[0] if isinstance(state, tuple) else state
    for name, value in (attributes or {}).items():
        if not isinstance(name, str) or hasattr(type(tensor), name) or name.startswith("__"):
            raise pickle.UnpicklingError(f"the file wants to overwrite the tensor attribute {name!r}")
        setattr(tensor, name, value)
    return tensor


# Named by files, but never called by them.
MARKERS = (eager.Tensor,)
_REBUILDERS = (storage.rebuild_tensor, storage.rebuild_tensor_of_dtype)

ALLOWED: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "builtins.set": set,
    "builtins.frozenset": frozenset,
    "builtins.complex": complex,
    "builtins.bytearray": _bytearray,
    "_codecs.encode": _encode,
    "torch.Size": eager.Size,
    "torch.device": eager.device,
    "torch.Tensor": eager.Tensor,
    "torch.nn.parameter.Parameter": _parameter,
    "torch._utils._rebuild_tensor": storage.rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": storage.rebuild_tensor,
    "torch._utils._rebuild_tensor_v3": storage.rebuild_tensor_of_dtype,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter_with_state,
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type,
    "torch.storage.UntypedStorage": storage.UNTYPED,
    **{f"torch.{name}": kind for name, kind in storage.STORAGE_KINDS.items()},
    **{f"torch.cuda.{name}": kind for name, kind in storage.STORAGE_KINDS.items()},
    **{str(d): d for d in storage.DTYPES},
}
