"""The container of a checkpoint: an uncompressed zip whose records begin at multiples of 64 bytes.

PyTorch maps such records into memory as they are, hence the alignment. Writing and reading only; what the
records mean is `checkpoint.py`'s business, which calls this. May import: nothing of ours.
"""

from __future__ import annotations

import mmap
import os
import struct
import zipfile
import zlib
from typing import Any, BinaryIO

ALIGNMENT = 64
_HEADER = 30  # bytes of a zip's local header before the name
_ZIP64_EXTRA = 20
_HUGE = 1 << 31
# What `zipfile` raises for records that were damaged, one way or another.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError, ValueError, OverflowError)
_ADVICE = (
    "This may be because the file is not whole or was changed: it was not saved or copied to its end, or it is no "
    "checkpoint. Load an earlier checkpoint, or copy the file again."
)


class ArchiveWriter:
    """Writes records under `prefix/` into a binary file."""

    def __init__(self, f: BinaryIO, prefix: str) -> None:
        self.f, self.prefix = f, prefix
        self.zip = zipfile.ZipFile(f, "w", zipfile.ZIP_STORED, allowZip64=True)

    def add(self, name: str, data: Any) -> None:
        """Append one record; `data` is anything with bytes inside."""
        view = memoryview(data).cast("B")
        info = zipfile.ZipInfo(f"{self.prefix}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
        info.file_size = view.nbytes
        huge = view.nbytes >= _HUGE
        info.extra = self._padding(info, huge)
        with self.zip.open(info, "w", force_zip64=huge) as record:
            record.write(view)

    def close(self) -> None:
        """Write the directory of records."""
        self.zip.close()

    def _padding(self, info: zipfile.ZipInfo, huge: bool) -> bytes:
        """An extra field of such a length that the record's bytes begin at a multiple of ALIGNMENT."""
        try:
            position = self.f.tell()
        except (AttributeError, OSError):  # a pipe: PyTorch reads unaligned records as well
            return b""
        begin = position + _HEADER + len(info.filename.encode()) + (_ZIP64_EXTRA if huge else 0) + 4
        fill = -begin % ALIGNMENT
        return b"FB" + struct.pack("<H", fill) + b"Z" * fill


class ArchiveReader:
    """Reads the records of a checkpoint.

    Raises: RuntimeError (PyTorch's type) for a file that is damaged, with PyTorch's first line.
    """

    def __init__(self, f: BinaryIO) -> None:
        self.f = f
        try:
            self.zip = zipfile.ZipFile(f)
            names = self.zip.namelist()
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, struct.error) as error:
            raise RuntimeError(
                f"PytorchStreamReader failed reading zip archive: failed finding central directory "
                f"({error}).\n{_ADVICE}"
            ) from error
        found = [name for name in names if name.endswith("data.pkl") and name.count("/") <= 1]
        if not found:
            raise RuntimeError(
                f"PytorchStreamReader failed locating file data.pkl: file not found.\nThe zip holds "
                f"{', '.join(names[:5]) or 'nothing'}: it is no checkpoint. {_ADVICE}"
            )
        self.prefix = found[0].removesuffix("data.pkl")
        self.mapped: mmap.mmap | None = None
        self.size = f.seek(0, os.SEEK_END)

    def has(self, name: str) -> bool:
        """Whether there is such a record."""
        return f"{self.prefix}{name}" in self.zip.NameToInfo

    def read(self, name: str) -> bytearray:
        """The bytes of one record, checked against its checksum."""
        info = self._info(name)
        if not _is_plain(info):
            return self._unpack(info)
        begin = self._begin(info)
        data = bytearray(info.file_size)
        self.f.seek(begin)
        with memoryview(data) as view:
            count = self.f.readinto(view) if hasattr(self.f, "readinto") else self._copy(view)
        if count != info.file_size or zlib.crc32(data) != info.CRC:
            raise RuntimeError(
                f"PytorchStreamReader failed reading file {name}: checksum or length is wrong.\n{_ADVICE}"
            )
        return data

    def map(self, name: str) -> memoryview:
        """The bytes of one record as a private mapping of the file: read when touched, never written back."""
        info = self._info(name)
        if not _is_plain(info):
            return memoryview(self._unpack(info))
        if self.mapped is None:
            self.mapped = mmap.mmap(self.f.fileno(), 0, access=mmap.ACCESS_COPY)
        begin = self._begin(info)
        return memoryview(self.mapped)[begin : begin + info.file_size]

    def _copy(self, view: memoryview) -> int:
        data = self.f.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _unpack(self, info: zipfile.ZipInfo) -> bytearray:
        try:
            return bytearray(self.zip.read(info))
        except _UNREADABLE as error:
            raise RuntimeError(
                f"PytorchStreamReader failed reading file {info.filename}: {error}.\n{_ADVICE}"
            ) from error

    def _info(self, name: str) -> zipfile.ZipInfo:
        try:
            return self.zip.getinfo(f"{self.prefix}{name}")
        except KeyError:
            raise RuntimeError(
                f"PytorchStreamReader failed locating file {name}: file not found.\n{_ADVICE}"
            ) from None

    def _begin(self, info: zipfile.ZipInfo) -> int:
        """Where a record's bytes begin: after its own header, whose lengths the directory does not give."""
        begin = info.header_offset + _HEADER
        if 0 <= info.header_offset and begin < self.size:
            self.f.seek(info.header_offset)
            header = self.f.read(_HEADER)
            begin += sum(struct.unpack("<HH", header[26:30]))
            if header[:4] == b"PK\x03\x04" and begin + info.compress_size <= self.size:
                return begin
        raise RuntimeError(
            f"PytorchStreamReader failed reading file {info.filename}: it lies outside the file.\n{_ADVICE}"
        )


def _is_plain(info: zipfile.ZipInfo) -> bool:
    """Neither compressed nor encrypted: the record's bytes lie in the file as they are."""
    return (
        info.compress_type == zipfile.ZIP_STORED
        and not info.flag_bits & 1
        and info.compress_size == info.file_size
    )


def archive_name(f: Any) -> str:
    """The folder inside the zip, as PyTorch names it: the file's name without its ending, or "archive"."""
    if not isinstance(f, (str, os.PathLike)):
        return "archive"
    return os.path.splitext(os.path.basename(os.fspath(f)))[0] or "archive"
