"""The safetensors format: a dict of tensors, nothing else, so that nothing in a file can run.

The library `safetensors` does the format; here its bytes meet our tensors. Names, arguments and refusals are
those of `safetensors.torch`. Users reach it as `stickonfire.io.safetensors`. May import: eager, `atomic`,
`storage`.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .. import eager
from .atomic import atomic_write
from .location import resolver
from .storage import Storage, layout_of, to_numpy

_DTYPES = {
    "F64": eager.float64,
    "F32": eager.float32,
    "F16": eager.float16,
    "BF16": eager.bfloat16,
    "I64": eager.int64,
    "I32": eager.int32,
    "I16": eager.int16,
    "I8": eager.int8,
    "U8": eager.uint8,
    "U16": eager.uint16,
    "U32": eager.uint32,
    "U64": eager.uint64,
    "BOOL": eager.bool,
    "C64": eager.complex64,
}
# Types we lack: how NumPy spells them, and our next wider type, which they are read as.
_WIDENED = {"U16": ("<u2", "int32"), "U32": ("<u4", "int64")}


def _library() -> Any:
    try:
        import safetensors
    except ImportError:
        raise ImportError(
            "this needs the package safetensors, which is not installed: pip install safetensors, or use "
            "stickonfire.save and stickonfire.load"
        ) from None
    return safetensors


def save(tensors: dict[str, Any], metadata: dict[str, str] | None = None) -> bytes:
    """The bytes of a safetensors file.

    Raises: ValueError for a tensor that is not contiguous or a dtype the format lacks, RuntimeError for
    tensors that share memory, ImportError without the library.   Source: `safetensors.torch.save`.

    >>> import stickonfire as torch
    >>> load(save({"w": torch.ones(2)}))
    {'w': tensor([1., 1.])}
    """
    library = _library()
    _check(tensors)
    arrays = {name: to_numpy(t.cpu()) for name, t in tensors.items()}
    make = _spec if hasattr(library, "TensorSpec") else _entry
    entries = {name: make(library, array, tensors[name]) for name, array in arrays.items()}
    return bytes(library.serialize(entries, metadata=metadata))


def save_file(
    tensors: dict[str, Any], filename: str | os.PathLike[str], metadata: dict[str, str] | None = None
) -> None:
    """Write a dict of tensors to a file, whole or not at all.   Source: `safetensors.torch.save_file`.

    Raises: as `save`; RuntimeError if the folder is missing.
    """
    data = save(tensors, metadata)
    with atomic_write(filename) as file:
        file.write(data)


def load(data: bytes) -> dict[str, Any]:
    """The tensors in the bytes of a safetensors file.   Source: `safetensors.torch.load`.

    Raises: safetensors.SafetensorError for damaged data, TypeError for a dtype that does not exist here.
    """
    return _tensors(_library().deserialize(data), "cpu")


def load_file(filename: str | os.PathLike[str], device: str | int = "cpu") -> dict[str, Any]:
    """The tensors in a safetensors file.   Source: `safetensors.torch.load_file`.

    Raises: as `load`; FileNotFoundError.
    """
    library = _library()
    location = resolver(eager.device(device))(None, "cpu")
    with open(filename, "rb") as file:
        return _tensors(library.deserialize(file.read()), location)


def load_metadata(filename: str | os.PathLike[str]) -> dict[str, str]:
    """The text notes that were saved beside the tensors."""
    with _library().safe_open(os.fspath(filename), framework="numpy") as file:
        return dict(file.metadata() or {})


# -- tensors to bytes ----------------------------------------------------------------------------------------


def _check(tensors: Any) -> None:
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    for name, t in tensors.items():
        if not isinstance(name, str):
            raise TypeError(f"safetensors: names must be str, got {type(name).__name__} {name!r}")
        if not isinstance(t, eager.Tensor):
            raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received {type(t)}")
        if t.dtype not in _DTYPES.values():
            raise ValueError(
                f"Key `{name}`: the format has no {t.dtype}; convert the tensor, or use stickonfire.save"
            )
    shared = _shared(tensors)
    if shared:
        raise RuntimeError(
            "Some tensors share memory, this will lead to duplicate memory on disk and potential differences when "
            f"loading them again: {shared}.\nSave one of them only, or a clone() of each, or use stickonfire.save, "
            "which keeps the sharing."
        )
    for name, t in tensors.items():
        if not t.is_contiguous():
            raise ValueError(
                f"You are trying to save a non contiguous tensor: `{name}` which is not allowed. It either means you "
                "are trying to save tensors which are reference of each other in which case it's recommended to save "
                "only the full tensors, and reslice at load time, or simply call `.contiguous()` on your tensor to "
                "pack it before saving."
            )


def _shared(tensors: dict[str, Any]) -> list[list[str]]:
    """Groups of names whose elements overlap in memory."""
    spans = []
    for name, t in tensors.items():
        layout = layout_of(t)
        reach = sum((n - 1) * step for n, step in zip(layout.size, layout.stride, strict=True))
        if t.numel():
            begin = layout.memory.address + layout.offset * t.dtype.itemsize
            spans.append((begin, begin + (reach + 1) * t.dtype.itemsize, name))
    groups: list[list[str]] = []
    end = 0
    for begin, stop, name in sorted(spans):
        if begin >= end:
            groups.append([])
        groups[-1].append(name)
        end = max(end, stop)
    return [sorted(group) for group in groups if len(group) > 1]


def _spec(library: Any, array: np.ndarray, t: Any) -> Any:
    """From version 0.8 on the library takes the address of the data (the caller keeps it alive)."""
    return library.TensorSpec(
        dtype=str(t.dtype).removeprefix("torch."),
        shape=list(t.shape),
        data_ptr=array.__array_interface__["data"][0],
        data_len=array.nbytes,
    )


def _entry(library: Any, array: np.ndarray, t: Any) -> dict[str, Any]:
    return {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape), "data": array.tobytes()}


# -- bytes to tensors ----------------------------------------------------------------------------------------


def _tensors(entries: list[tuple[str, dict[str, Any]]], location: str) -> dict[str, Any]:
    found = {}
    for name, entry in sorted(entries, key=lambda pair: pair[0]):
        shape, kind = tuple(entry["shape"]), entry["dtype"]
        if kind in _WIDENED:
            stored, wider = _WIDENED[kind]
            numbers = np.frombuffer(entry["data"], stored).astype(wider).reshape(shape)
            found[name] = eager.from_numpy(numbers).to(location)
        elif kind in _DTYPES:
            storage = Storage(bytearray(entry["data"]), location)
            found[name] = storage.tensor(_DTYPES[kind], 0, shape, _contiguous_strides(shape))
        else:
            raise TypeError(
                f"safetensors: `{name}` has dtype {kind}, which does not exist here; convert the file"
            )
    return found


def _contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides = []
    step = 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))
