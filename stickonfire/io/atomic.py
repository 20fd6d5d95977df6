"""Writing a file so that it is there whole or not at all, also after `kill -9` or a full disk.

The bytes go to a temporary name in the same folder, are flushed to the disk, then renamed over the target; a
failure removes the temporary and leaves what was there before. Called by `checkpoint.py` and
`safetensors.py`.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write to; on leaving the block it takes the place of `path`, on an exception nothing changes.

    Raises: RuntimeError if the folder is missing (PyTorch's type), OSError if it cannot be written to.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(os.path.join(folder, "a")) as f: _ = f.write(b"whole")
    ...     os.listdir(folder)
    ['a']
    """
    target = os.path.realpath(path)  # a link stays a link: what it points to is replaced
    folder, name = os.path.split(target)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist.")
    if os.path.isdir(target):
        raise IsADirectoryError(f"cannot write {os.fspath(path)!r}: it is a folder; give a file name")
    handle, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".tmp", dir=folder)
    try:
        with open(handle, "w+b") as f:
            yield f
            f.flush()
            os.fsync(f.fileno())
        _copy_mode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _copy_mode(target: str, temporary: str) -> None:
    """Permissions of the file replaced, or those a plain `open` would give (mkstemp's are the owner's
    only).
    """
    try:
        mode = os.stat(target).st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    os.chmod(temporary, mode)


def _sync_folder(folder: str) -> None:
    """Make the rename itself last; some systems cannot open folders, there the rename has to do."""
    with contextlib.suppress(OSError, AttributeError):
        handle: Any = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
