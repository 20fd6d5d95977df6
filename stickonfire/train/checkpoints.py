"""Checkpoints on disk: whole or not there at all, checked before they are believed, and free of pickles.

A checkpoint is a folder `step-000123` with one file of tensors per part (model, optimizer, generators) and
`state.json` with everything else and a SHA-256 of each file. It is written under a temporary name, flushed to
the disk and renamed, so a process killed in the middle of a save leaves the one before it untouched. Called
by runs.py; knows neither models nor optimizers.

Tensor files are safetensors. Where that library is missing they are written by `stickonfire.save` (PyTorch's
zip format, suffix .pt), which needs NumPy alone; the same names and numbers are in both.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import stickonfire as torch
from stickonfire.io import safetensors

__all__ = ["CheckpointError", "has_safetensors", "newest", "prune", "read", "steps", "write"]

FORMAT = 1
Tensors = Mapping[str, torch.Tensor]


class CheckpointError(RuntimeError):
    """A checkpoint is missing, damaged or of another kind; the message says which file and what to do."""


def has_safetensors() -> bool:
    """Whether the safetensors library can be imported."""
    try:
        import safetensors  # noqa: F401
    except ImportError:
        return False
    return True


def steps(folder: Path) -> list[int]:
    """Steps of the checkpoints in `folder`, rising; temporary folders are not among them."""
    if not folder.is_dir():
        return []
    numbers = (entry.name.removeprefix("step-") for entry in folder.glob("step-*") if entry.is_dir())
    return sorted(int(number) for number in numbers if number.isdecimal())


def newest(folder: Path) -> Path | None:
    """The checkpoint with the highest step, if there is one."""
    found = steps(folder)
    return path_of(folder, found[-1]) if found else None


def path_of(folder: Path, step: int) -> Path:
    """Where the checkpoint of this step is."""
    return folder / f"step-{step:06d}"


def write(folder: Path, step: int, parts: Mapping[str, Tensors], state: Mapping[str, Any]) -> Path:
    """Write the checkpoint of a step; once this returns it is on the disk, before that it does not exist.

    Raises: OSError if it cannot be written, FileExistsError if the step is there already; the checkpoints
    before it stay as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    target = path_of(folder, step)
    if target.exists():
        raise FileExistsError(f"checkpoint {target} exists already")
    temporary = folder / f".tmp-{target.name}-{os.getpid()}"
    try:
        temporary.mkdir()
        files = {}
        for part, tensors in parts.items():
            file = _write_tensors(temporary / part, tensors)
            files[file.name] = _sha256(file)
        document = {"format": FORMAT, "step": step, "files": files, "state": dict(state)}
        document["sha256"] = _document_sha256(document)
        (temporary / "state.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
        for entry in (*temporary.iterdir(), temporary):
            _flush(entry)
        temporary.rename(target)
        _flush(folder)
    finally:
        _sweep(folder)
    return target


def read(path: Path) -> tuple[dict[str, dict[str, torch.Tensor]], dict[str, Any]]:
    """The parts and the state of a checkpoint.

    Raises: CheckpointError if a file is missing, has changed since it was written, or is of another format.
    """
    document = _read_document(path)
    parts: dict[str, dict[str, torch.Tensor]] = {}
    for name, digest in document["files"].items():
        file = path / name
        if not file.is_file():
            raise CheckpointError(f"checkpoint {path} is damaged: {name} is missing")
        if _sha256(file) != digest:
            raise CheckpointError(f"checkpoint {path} is damaged: {name} is not as it was written")
        parts[file.stem] = _read_tensors(file)
    return parts, {"step": document["step"], **document["state"]}


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads((path / "state.json").read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise CheckpointError(
                f"checkpoint {path} has format {document['format']!r}, this version reads {FORMAT}: "
                "use the version that wrote it"
            )
        if document.pop("sha256") != _document_sha256(document):
            raise ValueError
    except OSError as error:
        raise CheckpointError(
            f"checkpoint {path} is damaged: state.json: {error.strerror or error}"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):  # no JSON, or not the JSON that was written
        raise CheckpointError(f"checkpoint {path} is damaged: state.json is not as it was written") from None
    return document


def prune(folder: Path, keep: Iterable[int]) -> None:
    """Delete all checkpoints but these."""
    for step in set(steps(folder)) - set(keep):
        path = path_of(folder, step)
        path.rename(folder / f".old-{path.name}-{os.getpid()}")  # first out of sight, then piece by piece
    _sweep(folder)


def _sweep(folder: Path) -> None:
    """Remove what an interrupted save or deletion has left."""
    for leftover in (*folder.glob(".tmp-*"), *folder.glob(".old-*")):
        shutil.rmtree(leftover, ignore_errors=True)


def _write_tensors(stem: Path, tensors: Tensors) -> Path:
    if has_safetensors():
        file = stem.with_suffix(".safetensors")
        safetensors.save_file({name: t.detach().contiguous() for name, t in tensors.items()}, file)
    else:
        file = stem.with_suffix(".pt")
        torch.save({name: t.detach() for name, t in tensors.items()}, file)
    return file


def _read_tensors(file: Path) -> dict[str, torch.Tensor]:
    if file.suffix == ".pt":
        return torch.load(file, weights_only=True)
    if not has_safetensors():
        raise CheckpointError(f"{file} needs the safetensors library: pip install safetensors")
    return safetensors.load_file(file)


def _document_sha256(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Have the system write a file or a folder's list of names to the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open folders and orders renames itself
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
