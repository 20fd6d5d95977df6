"""Compiled kernels on disk, so that the next process need not compile them. Room `codegen`; may import core only.

One file a text, named by a digest of everything the machine code depends on: the text, the processor, LLVM's version.
A file begins with a digest of its contents; one that does not match, say because the disk was full, counts as absent.
Files are written under another name and then renamed, so that no reader sees half of one. Where the folder cannot be
used (read-only, or open for others to write, who could plant code there) kernels are compiled each time.
Called by `llvm.py`.
"""
from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import tempfile

from ..core.config import environment, kernel_folder

MARK = b"stickonfire kernel 1\n"
TRIM_TO = 0.75          # of the cap, once it is passed: not every write shall have to tidy up


def key(*facts: str) -> str:
    """The name under which machine code for these facts is kept."""
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()


@functools.cache
def _usable(path: str) -> bool:
    """Whether the folder is there, or could be made, and nobody else can write to it. Asked once for each path."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        status = os.stat(path)
    except OSError:
        return False
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def folder() -> str | None:
    """The folder in use; None if there is none."""
    path = kernel_folder()
    return path if path is not None and _usable(path) else None


def fetch(name: str) -> bytes | None:
    """The machine code kept under `name`, if it is there and whole."""
    place = folder()
    if place is None:
        return None
    path = os.path.join(place, name)
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)          # what was used last is thrown away last
    start = len(MARK) + 32
    whole = content.startswith(MARK) and hashlib.sha256(content[start:]).digest() == content[len(MARK):start]
    return content[start:] if whole else None


def store(name: str, code: bytes) -> None:
    """Keeps `code` under `name`. A failure is none of the caller's business: it has the code."""
    place = folder()
    if place is None:
        return
    with contextlib.suppress(OSError):
        handle, draft = tempfile.mkstemp(dir=place, prefix=".new-")
        with os.fdopen(handle, "wb") as file:
            file.write(MARK + hashlib.sha256(code).digest() + code)
        os.replace(draft, os.path.join(place, name))
        _note(place, len(code))


_unseen: dict[str, float] = {}      # folder -> bytes written to it since it was last looked through


def _note(place: str, size: int) -> None:
    """Looks through the folder at this process's first write to it, and whenever another sixteenth of the cap is in."""
    cap = float(environment("STICKONFIRE_CACHE_MB")) * 2 ** 20
    _unseen[place] = _unseen.get(place, cap) + size
    if _unseen[place] > cap / 16:
        _unseen[place] = 0
        _trim(place, cap)


def _trim(place: str, cap: float) -> None:
    """Deletes the files used longest ago if all together are larger than `cap`."""
    files = []
    for entry in os.scandir(place):
        with contextlib.suppress(OSError):      # another process may be tidying up too
            status = entry.stat()
            files.append((status.st_mtime, status.st_size, entry.path))
    total = sum(size for _, size, _ in files)
    if total <= cap:
        return
    for _, size, path in sorted(files):
        if total <= cap * TRIM_TO:
            break
        with contextlib.suppress(OSError):
            os.remove(path)
        total -= size
