"""Storages: the flat memory behind tensors, which files keep once however many tensors look into it.

`Storage` is memory read from a file, `StoredMemory` memory about to be written. Both meet tensors through
NumPy arrays only (`from_numpy`, `Tensor.numpy`). Called by `checkpoint.py`, `legacy.py`, `safetensors.py`,
and through `safe_globals.py` by files that are read. May import: eager.
"""

from __future__ import annotations

import ctypes
import pickle
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .. import eager

_KIND_NAMES = {
    "Float": eager.float32,
    "Double": eager.float64,
    "Half": eager.float16,
    "BFloat16": eager.bfloat16,
    "Long": eager.int64,
    "Int": eager.int32,
    "Short": eager.int16,
    "Char": eager.int8,
    "Byte": eager.uint8,
    "Bool": eager.bool,
    "ComplexFloat": eager.complex64,
    "ComplexDouble": eager.complex128,
}
DTYPES = (*_KIND_NAMES.values(), eager.uint16, eager.uint32, eager.uint64)


@dataclass(frozen=True)
class StorageKind:
    """What a file calls `torch.FloatStorage` and so on: an element type, or None where the tensor tells
    it.
    """

    name: str
    dtype: Any


STORAGE_KINDS = {
    f"{name}Storage": StorageKind(f"{name}Storage", dtype) for name, dtype in _KIND_NAMES.items()
}
KIND_OF_DTYPE = {kind.dtype: kind for kind in STORAGE_KINDS.values()}
UNTYPED = StorageKind("storage.UntypedStorage", None)


def numpy_dtype(dtype: Any) -> np.dtype:
    """The NumPy dtype that holds the same bits; bfloat16, which NumPy lacks, travels as int16."""
    return np.dtype("int16") if dtype is eager.bfloat16 else np.dtype(str(dtype).removeprefix("torch."))


def to_numpy(t: Any) -> np.ndarray:
    """The bits of a CPU tensor as an array over the same memory (see `numpy_dtype`)."""
    t = t.detach()
    return (t.view(eager.int16) if t.dtype is eager.bfloat16 else t).numpy()


def from_numpy(array: np.ndarray, dtype: Any) -> Any:
    """A tensor over an array that holds the bits of `dtype`."""
    t = eager.from_numpy(array)
    return t.view(dtype) if dtype is eager.bfloat16 else t


# -- reading -------------------------------------------------------------------------------------------------


@dataclass
class Storage:
    """Memory read from a file (`data`, writable bytes), and the device its tensors shall live on."""

    data: Any
    location: str
    _moved: dict[Any, Any] = field(default_factory=dict)

    def flat(self, dtype: Any) -> np.ndarray:
        """The whole memory as elements of `dtype`."""
        return np.frombuffer(self.data, numpy_dtype(dtype), len(self.data) // dtype.itemsize)

    def tensor(self, dtype: Any, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> Any:
        """A tensor that looks into this memory.

        Raises: RuntimeError if it would look past its end.
        """
        self._check(dtype, offset, size, stride)
        if self.location != "cpu":
            return self._on_device(dtype).as_strided(size, stride, offset)
        width = dtype.itemsize
        start = np.frombuffer(self.data, numpy_dtype(dtype), offset=min(offset * width, len(self.data)))
        view = np.lib.stride_tricks.as_strided(start, size, [step * width for step in stride])
        return from_numpy(view, dtype)

    def _check(self, dtype: Any, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> None:
        sound = len(size) == len(stride) and offset >= 0 and min((*size, *stride), default=0) >= 0
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=False))
        if not sound or (0 not in size and (last + 1) * dtype.itemsize > len(self.data)):
            raise RuntimeError(
                f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, "
                f"and itemsize {dtype.itemsize} are out of bounds for storage of size {len(self.data)}\n"
                "The file names elements its storage does not have: it is damaged."
            )

    def _on_device(self, dtype: Any) -> Any:
        if dtype not in self._moved:
            self._moved[dtype] = from_numpy(self.flat(dtype), dtype).to(self.location)
        return self._moved[dtype]


class TypedStorage(NamedTuple):
    """What a persistent reference becomes: memory and the element type the file gave it."""

    storage: Storage
    kind: StorageKind


def element_width(kind: StorageKind) -> int:
    """Bytes by which a storage of this kind is counted."""
    return 1 if kind.dtype is None else kind.dtype.itemsize


def storage_reference(reference: Any) -> tuple[Any, str, str, int]:
    """Kind, key, device and element count of a persistent reference.

    Raises: pickle.UnpicklingError if it is none.
    """
    if not isinstance(reference, tuple) or len(reference) < 5 or reference[0] != "storage":
        raise pickle.UnpicklingError(f"the file refers to something that is no storage: {reference!r}")
    _, kind, key, location, count = reference[:5]
    known = isinstance(kind, StorageKind) and isinstance(location, str)
    if not known or type(count) is not int or count < 0:
        raise pickle.UnpicklingError(f"the file refers to a storage in an unknown way: {reference!r}")
    return kind, str(key), location, count


def little_endian(data: Any, dtype: Any) -> bytearray:
    """Elements from a big-endian machine in our order.

    Raises: RuntimeError if the element type is not known.
    """
    if dtype is None:
        raise RuntimeError(
            "load: the file is from a big-endian machine and has untyped storages; save it anew there"
        )
    bits = numpy_dtype(dtype)
    return bytearray(np.frombuffer(data, bits.newbyteorder(">")).astype(bits).tobytes())


def rebuild_tensor(
    typed: TypedStorage,
    offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool = False,
    hooks: Any = None,
    metadata: Any = None,
) -> Any:
    """What files call `torch._utils._rebuild_tensor_v2`."""
    return rebuild_tensor_of_dtype(
        typed, offset, size, stride, requires_grad, hooks, typed.kind.dtype, metadata
    )


def rebuild_tensor_of_dtype(
    typed: TypedStorage,
    offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> Any:
    """What files call `torch._utils._rebuild_tensor_v3`: the storage is untyped, the dtype is given."""
    t = typed.storage.tensor(dtype, offset, tuple(size), tuple(stride))
    if metadata and metadata.get("conj"):
        t = t.conj().resolve_conj()
    if metadata and metadata.get("neg"):
        t = -t
    return t.requires_grad_(True) if requires_grad else t


# -- writing -------------------------------------------------------------------------------------------------


class Layout(NamedTuple):
    """How a tensor looks into its memory, in elements."""

    memory: StoredMemory
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class StoredMemory:
    """The whole block of memory a tensor looks into; equal address and length mean the same block."""

    address: int
    nbytes: int
    owner: np.ndarray = field(compare=False, repr=False)  # keeps the memory alive

    def bytes(self) -> memoryview:
        """The memory itself, not copied."""
        if not self.nbytes:
            return memoryview(b"")
        return memoryview((ctypes.c_char * self.nbytes).from_address(self.address)).cast("B")


def layout_of(t: Any) -> Layout:
    """Where a tensor's elements lie in the memory block that it shares with its views and bases."""
    array = to_numpy(t.cpu())
    width = array.itemsize
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    low, high = _bounds(owner)
    start = array.__array_interface__["data"][0] if array.size else low
    # A block of bytes seen as wider elements may begin between two of them.
    low += (start - low) % width
    high -= (high - low) % width
    if any(step < 0 or step % width for step in array.strides) or not low <= start <= high:
        return layout_of(t.contiguous().clone())
    stride = tuple(t.stride())
    return Layout(
        StoredMemory(low, max(high - low, 0), owner), (start - low) // width, tuple(t.shape), stride
    )


def _bounds(array: np.ndarray) -> tuple[int, int]:
    """First and one-past-last address of an array."""
    start = array.__array_interface__["data"][0]
    if not array.size:
        return start, start
    low = sum(min(0, (n - 1) * step) for n, step in zip(array.shape, array.strides, strict=True))
    high = sum(max(0, (n - 1) * step) for n, step in zip(array.shape, array.strides, strict=True))
    return start + low, start + high + array.itemsize
