"""The block of memory behind a tensor: `t.untyped_storage()`, and its old form with a dtype, `t.storage()`.

A storage here is a look at memory that arrays own; views of one tensor share it. Reading and writing files has its own,
in `io/storage.py`.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..core import dtypes
from ..core.device import device
from ..core.dtypes import SCALAR_NAMES
from ..core.dtypes import dtype as dtype_type
from .creation import tensor
from .tensor import Tensor, backend_of, make, namespace_of


class UntypedStorage:
    """Memory as bytes.

    Source: PyTorch `torch.UntypedStorage`.

    >>> import stickonfire as torch
    >>> x = torch.ones(2, 3)
    >>> x[1:].untyped_storage().nbytes(), x[1:].untyped_storage().data_ptr() == x.data_ptr()
    (24, True)
    """

    is_cuda = is_sparse = False

    def __init__(self, *args: Any) -> None:
        source: Any = args[0] if args else 0
        if isinstance(source, Tensor):
            self.memory = source
        elif hasattr(source, "__index__"):
            self.memory = tensor(bytearray(source.__index__()), dtype=dtypes.uint8)
        else:
            self.memory = tensor(list(source), dtype=dtypes.uint8)

    @property
    def device(self) -> device:                                 # type: ignore[valid-type]
        """Where the memory is."""
        return backend_of(self.memory).device

    def nbytes(self) -> int:
        """The size in bytes."""
        return self.memory._array.nbytes

    size = __len__ = nbytes

    def element_size(self) -> int:
        """Bytes an element: one."""
        return 1

    def data_ptr(self) -> int:
        """The memory's address."""
        return namespace_of(self.memory).address(self.memory._array) if self.nbytes() else 0

    def as_tensor(self, kind: dtype_type) -> Tensor:
        """A 1-d tensor of a dtype over the memory."""
        return self.memory if kind is self.memory.dtype else self.memory.view(kind)

    def bytes(self) -> Tensor:
        """A 1-d tensor of bytes over the memory."""
        return self.as_tensor(dtypes.uint8)

    def tolist(self) -> list[int]:
        """The bytes as numbers."""
        return self.bytes().tolist()

    def clone(self) -> UntypedStorage:
        """A copy of the memory."""
        return UntypedStorage(self.memory.clone())

    def copy_(self, source: UntypedStorage, non_blocking: bool = False) -> UntypedStorage:
        """Overwrites the memory with that of another storage of the same size."""
        self.bytes().copy_(source.bytes())
        return self

    def fill_(self, value: int) -> UntypedStorage:
        """Overwrites each byte."""
        self.bytes().fill_(value)
        return self

    def cpu(self) -> UntypedStorage:
        """The storage on the CPU."""
        return self

    def is_shared(self) -> bool:
        """Whether worker processes see the memory: with fork they see a copy."""
        return False

    def __getitem__(self, index: Any) -> Any:
        part = self.bytes()[index]
        return part.item() if part.ndim == 0 else UntypedStorage(part)

    def __setitem__(self, index: Any, value: int) -> None:
        self.bytes()[index] = value

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        shown = "".join(f" {n}\n" for n in self.tolist())
        return f"{shown}[torch.storage.UntypedStorage(device={self.device}) of size {self.size()}]"


class TypedStorage:
    """Memory as elements of a dtype. Deprecated in PyTorch: use `untyped_storage()`.

    Source: PyTorch `torch.TypedStorage`.
    """

    is_cuda = is_sparse = False

    def __init__(self, *args: Any, wrap_storage: UntypedStorage | None = None, dtype: dtype_type | None = None) -> None:
        kind = dtype or dtypes.float32
        if wrap_storage is not None:
            self.memory = wrap_storage.as_tensor(kind)
        elif args and hasattr(args[0], "__index__"):
            self.memory = tensor([0] * args[0].__index__(), dtype=kind)
        else:
            self.memory = tensor(list(args[0]) if args else [], dtype=kind)

    @property
    def dtype(self) -> dtype_type:
        """The dtype of the elements."""
        return self.memory.dtype

    @property
    def device(self) -> device:                                 # type: ignore[valid-type]
        """Where the memory is."""
        return backend_of(self.memory).device

    def untyped(self) -> UntypedStorage:
        """The memory as bytes."""
        return UntypedStorage(self.memory)

    def as_tensor(self, kind: dtype_type) -> Tensor:
        """A 1-d tensor over the memory.

        Raises: TypeError for another dtype.
        """
        if kind is not self.dtype:
            raise TypeError(f"expected a storage of {kind} (got {self.dtype})")
        return self.memory

    def size(self) -> int:
        """The number of elements."""
        return self.memory._array.size

    __len__ = size

    def nbytes(self) -> int:
        """The size in bytes."""
        return self.memory._array.nbytes

    def element_size(self) -> int:
        """Bytes an element."""
        return self.memory._array.itemsize

    def data_ptr(self) -> int:
        """The memory's address."""
        return self.untyped().data_ptr()

    def tolist(self) -> list[Any]:
        """The elements as numbers."""
        return self.memory.tolist()

    def __getitem__(self, index: Any) -> Any:
        part = self.memory[index]
        return part.item() if part.ndim == 0 else TypedStorage(wrap_storage=UntypedStorage(part), dtype=self.dtype)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.memory[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        shown = "".join(f" {n}\n" for n in self.tolist())
        return f"{shown}[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) of size {self.size()}]"


def untyped_storage(self: Tensor) -> UntypedStorage:
    """The memory that this tensor and its views look at, as bytes."""
    return UntypedStorage(make(namespace_of(self).storage(self._array)))


def typed_storage(self: Tensor) -> TypedStorage:
    """The memory that this tensor and its views look at, as elements. Deprecated in PyTorch."""
    return TypedStorage(wrap_storage=untyped_storage(self), dtype=self.dtype)


def storage_type(self: Tensor) -> type[TypedStorage]:
    """The old class of the tensor's storage, such as `torch.FloatStorage`."""
    return ALIASES[f"{SCALAR_NAMES[self.dtype.name]}Storage"]


def is_storage(obj: Any) -> bool:
    """Whether the object is a storage.   Source: PyTorch `torch.is_storage`."""
    return isinstance(obj, (UntypedStorage, TypedStorage))


def storage_class(kind: dtype_type) -> type[TypedStorage]:
    """The old class of storages of a dtype, such as `FloatStorage`."""
    def start(self: TypedStorage, *args: Any) -> None:
        TypedStorage.__init__(self, *args, dtype=kind)
    return type(f"{SCALAR_NAMES[kind.name]}Storage", (TypedStorage,), {"__init__": start, "__module__": "torch"})


METHODS: dict[str, Any] = {"untyped_storage": untyped_storage, "storage": typed_storage, "storage_type": storage_type,
                           "_typed_storage": typed_storage}
FUNCTIONS = (is_storage,)
ALIASES: dict[str, Any] = {"UntypedStorage": UntypedStorage, "TypedStorage": TypedStorage,
           **{made.__name__: made for made in map(storage_class, dtypes.DTYPES)}}
