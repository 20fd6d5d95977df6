"""`save` and `load`: PyTorch's checkpoint files, both ways, without running code that a file names.

A checkpoint is a zip (`archive.py`) of one pickle (`pickle_writer.py`, `pickle_reader.py`) that describes
containers and tensors, and one record for each storage (`storage.py`). Users reach both as `stickonfire.save`
/ `.load`. May import: eager, nn.
"""

from __future__ import annotations

import io
import os
import pickle
import random
from collections.abc import Callable
from typing import Any, BinaryIO

from . import legacy
from .archive import ALIGNMENT, ArchiveReader, ArchiveWriter, archive_name
from .atomic import atomic_write
from .location import Location, resolver
from .pickle_reader import RestrictedUnpickler
from .pickle_writer import PickleWriter
from .storage import Storage, StoredMemory, TypedStorage, element_width, little_endian, storage_reference

_ZIP_MAGIC = b"PK\x03\x04"
_READABLE_PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)


def save(
    obj: object,
    f: str | os.PathLike[str] | BinaryIO,
    pickle_module: Any = pickle,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write tensors, numbers, text and containers of them to a path (whole or not at all) or an open binary
    file.

    The file is PyTorch's: `torch.load(path)` reads it, and tensors that share memory share it again.
    `pickle_protocol` is accepted, the pickle inside is always of protocol 2.

    Raises: pickle.PicklingError for other types (a whole module: save its `state_dict()`), RuntimeError if
    the folder is missing.   Source: PyTorch `torch.save`.

    >>> import stickonfire as torch
    >>> buffer = io.BytesIO()
    >>> torch.save({"w": torch.ones(2)}, buffer); _ = buffer.seek(0)
    >>> torch.load(buffer)
    {'w': tensor([1., 1.])}
    """
    if pickle_module is not pickle or not _use_new_zipfile_serialization:
        raise ValueError(
            "save: only the zip format with Python's own pickle is written; leave those arguments out"
        )
    if pickle_protocol not in _READABLE_PROTOCOLS:
        raise ValueError(
            f"save: pickle_protocol must be 2 to {pickle.HIGHEST_PROTOCOL}, got {pickle_protocol}"
        )
    if isinstance(f, (str, os.PathLike)):
        with atomic_write(f) as file:
            _write(obj, file, archive_name(f), not _disable_byteorder_record)
    elif hasattr(f, "write"):
        _write(obj, f, "archive", not _disable_byteorder_record)
    else:
        raise AttributeError(
            f"expected 'f' to be string, path, or a file-like object with a 'write' attribute, got {f!r}"
        )


def _write(obj: object, file: BinaryIO, prefix: str, byteorder: bool) -> None:
    memories: dict[StoredMemory, tuple[str, Any]] = {}

    def store(memory: StoredMemory, dtype: Any) -> str:
        key, known = memories.setdefault(memory, (str(len(memories)), dtype))
        if known is not dtype:
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different types "
                f"({known} and {dtype}).\nSave a clone() of one of them."
            )
        return key

    data = PickleWriter(store).dumps(obj)  # first, so that a refusal leaves no half-written file
    archive = ArchiveWriter(file, prefix)
    archive.add("data.pkl", data)
    archive.add(".format_version", b"1")
    archive.add(".storage_alignment", str(ALIGNMENT).encode())
    if byteorder:
        archive.add("byteorder", b"little")
    for memory, (key, _) in memories.items():
        archive.add(f"data/{key}", memory.bytes())
    archive.add("version", b"3\n")
    archive.add(".data/serialization_id", f"{random.SystemRandom().randrange(10**40):040d}".encode())
    archive.close()


def load(
    f: str | os.PathLike[str] | BinaryIO,
    map_location: Location = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    encoding: str = "utf-8",
) -> Any:
    """Read what `save` (ours or PyTorch's) wrote.

    `map_location` sends tensors to a device: a name, a device, a dict of names, or a function of (storage,
    name). `mmap=True` leaves tensor data in the file until it is touched. `weights_only=False` is accepted,
    and changes nothing: only listed types are ever built (see `stickonfire.serialization.add_safe_globals`).

    Raises: pickle.UnpicklingError for a type that is not allowed or a file that is no checkpoint,
    RuntimeError for a damaged one, FileNotFoundError, EOFError for an empty one.   Source: PyTorch
    `torch.load`.
    """
    if pickle_module is not None:
        raise RuntimeError(
            "Can not safely load weights when explicit pickle_module is specified: leave pickle_module out"
        )
    if not isinstance(f, (str, os.PathLike)):
        if mmap:
            raise ValueError("f must be a file path in order to use the mmap argument")
        return _read(_seekable(f), resolver(map_location), False, encoding)
    with open(f, "rb") as file:
        return _read(file, resolver(map_location), bool(mmap), encoding)


def _seekable(f: Any) -> BinaryIO:
    if all(hasattr(f, name) for name in ("seek", "tell", "read", "readline")):
        return f
    raise AttributeError(
        f"'{type(f).__name__}' object has no attribute 'seek'. You can only load from a file that is seekable. Please "
        "pre-load the data into a buffer like io.BytesIO and try to load from it instead."
    )


def _read(file: BinaryIO, locate: Callable[[Any, str], str], mapped: bool, encoding: str) -> Any:
    start = file.tell()
    magic = file.read(len(_ZIP_MAGIC))
    file.seek(start)
    if not magic:
        raise EOFError("Ran out of input: the file is empty, nothing was saved to it")
    if magic == _ZIP_MAGIC:
        return _read_archive(_from_here(file, start), locate, mapped, encoding)
    if mapped:
        raise RuntimeError("mmap can only be used with files saved in the zip format; load without mmap=True")
    return legacy.read(file, locate, encoding)


def _from_here(file: BinaryIO, start: int) -> BinaryIO:
    """A zip is found from its end: what follows the current position of a longer file gets a buffer of its
    own.
    """
    return file if start == 0 else io.BytesIO(file.read())


def _read_archive(file: BinaryIO, locate: Callable[[Any, str], str], mapped: bool, encoding: str) -> Any:
    archive = ArchiveReader(file)
    if archive.has("constants.pkl"):
        raise RuntimeError(
            "Cannot use `weights_only=True` with TorchScript archives passed to `torch.load`.\n"
            "The file is a compiled TorchScript module. Save its state_dict() in PyTorch and load that."
        )
    swap = archive.has("byteorder") and bytes(archive.read("byteorder")) == b"big"
    storages: dict[str, Storage] = {}

    def persistent_load(reference: Any) -> TypedStorage:
        kind, key, location, count = storage_reference(reference)
        if key not in storages:
            data = archive.map(f"data/{key}") if mapped else archive.read(f"data/{key}")
            _check_size(data, kind, count)
            storages[key] = Storage(little_endian(data, kind.dtype) if swap else data, "cpu")
            storages[key].location = locate(storages[key], location)
        return TypedStorage(storages[key], kind)

    stream = io.BytesIO(archive.read("data.pkl"))
    return RestrictedUnpickler(stream, persistent_load, encoding).load()


def _check_size(data: Any, kind: Any, count: int) -> None:
    width = element_width(kind)
    if len(data) != count * width:
        raise RuntimeError(
            f"record size ({len(data)} bytes) does not match expected size ({count * width} bytes = {count} elements "
            f"* {width} bytes/element) for dtype {kind.name.removesuffix('Storage')}\n"
            "The file is damaged: load an earlier checkpoint, or copy it again."
        )
