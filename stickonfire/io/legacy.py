"""Files PyTorch wrote before version 1.6 (or with `_use_new_zipfile_serialization=False`): read only.

A row of pickles (a magic number, a version, facts about the machine, the object, the storage keys), then the
storages as a count and raw bytes. Called by `checkpoint.py`. May import: eager, `pickle_reader`, `storage`.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, BinaryIO

from .pickle_reader import RestrictedUnpickler
from .storage import Storage, TypedStorage, element_width, storage_reference

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001


def read(file: BinaryIO, locate: Callable[[Any, str], str], encoding: str) -> Any:
    """The object in a legacy file.

    Raises: pickle.UnpicklingError for a file that is none, RuntimeError for a damaged one.
    """
    _check_header(file, encoding)
    storages: dict[str, tuple[Storage, Any]] = {}

    def persistent_load(reference: Any) -> TypedStorage:
        kind, key, location, count = storage_reference(reference)
        if len(reference) > 5 and reference[5] is not None:
            raise RuntimeError(
                "load: the file has storages that are views of others (PyTorch 0.1); save it anew"
            )
        if key not in storages:
            storage = Storage(bytearray(count * element_width(kind)), "cpu")
            storage.location = locate(storage, location)
            if storage.location != "cpu":  # the data comes last, when the tensors are long made
                raise RuntimeError(
                    "load: files of the old format load to the CPU only; pass map_location='cpu'"
                )
            storages[key] = (storage, kind)
        return TypedStorage(storages[key][0], kind)

    result = RestrictedUnpickler(file, persistent_load, encoding).load()
    for key in RestrictedUnpickler(file, None, encoding).load():
        if str(key) not in storages:
            raise RuntimeError(
                f"load: the file holds a storage {key!r} that nothing refers to; it is damaged"
            )
        _fill(file, *storages[str(key)])
    return result


def _check_header(file: BinaryIO, encoding: str) -> None:
    try:
        magic = RestrictedUnpickler(file, None, encoding).load()
    except pickle.UnpicklingError as error:
        raise pickle.UnpicklingError(
            f"Weights only load failed: the file is no checkpoint of PyTorch's (neither zip nor the old "
            f"format): {error}"
        ) from error
    if magic != MAGIC:
        raise pickle.UnpicklingError("Weights only load failed: Invalid magic number; corrupt file?")
    version = RestrictedUnpickler(file, None, encoding).load()
    if version != VERSION:
        raise RuntimeError(f"Invalid protocol version: {version}")
    machine = RestrictedUnpickler(file, None, encoding).load()
    if not machine.get("little_endian", True):
        raise RuntimeError(
            "load: files of the old format from big-endian machines are not read; save it anew"
        )


def _fill(file: BinaryIO, storage: Storage, kind: Any) -> None:
    """Read one storage's bytes into the memory that the tensors already look into."""
    count = int.from_bytes(file.read(8), "little")
    data = file.read(count * element_width(kind))
    if len(data) != len(storage.data):
        raise RuntimeError(
            f"load: storage has wrong byte size: expected {len(storage.data)} got {len(data)}; the file is damaged"
        )
    storage.data[:] = data
