"""Run folders: all that a training run leaves behind, held by one process at a time.

    RUN/config.toml      the settings             RUN/log.jsonl     losses, one JSON object a line
    RUN/tokenizer.json   vocabulary, text's hash  RUN/loss.png      the loss curve (needs matplotlib)
    RUN/checkpoints/     see checkpoints.py       RUN/samples.txt   text written by the model

Called by lm.py and cli.py. Nothing that exists is ever overwritten by a new run.
"""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import stickonfire as torch

from . import checkpoints
from .settings import SettingsError, TrainSettings, build, read_toml, to_toml

__all__ = ["RunError", "RunFolder", "default_path"]


class RunError(RuntimeError):
    """A run folder cannot be used as asked; the message says why and what to do."""


def default_path(root: Path = Path("runs")) -> Path:
    """A folder below `root` named after the time, which does not exist yet."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    candidates = [root / stamp, *(root / f"{stamp}-{i}" for i in range(2, 100))]
    return next(path for path in candidates if not path.exists())


class RunFolder:
    """A run on disk. Use as a context manager, or call `close`, to give the lock back.

    `create` starts a run, `open` returns to one; both hold a lock unless `read_only`.
    """

    def __init__(self, path: Path, settings: TrainSettings, tokenizer: dict[str, Any]) -> None:
        self.path = path
        self.settings = settings
        self.tokenizer = tokenizer  # what tokenizer_from_dict takes, and "sha256" and "source" of the text
        self._lock: IO[str] | None = None

    @classmethod
    def create(cls, path: Path, settings: TrainSettings, tokenizer: dict[str, Any]) -> "RunFolder":
        """Make the folder and write settings and tokenizer.

        Raises: RunError if it exists with something in it, or cannot be written.
        """
        try:
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise RunError(
                    f"{path} exists already and is not empty: go on with --resume {path}, "
                    "or choose another folder with --out"
                )
            path.mkdir(parents=True, exist_ok=True)
            run = cls(path, settings, tokenizer)
            run._take_lock()
            run.write_text("tokenizer.json", json.dumps(tokenizer, ensure_ascii=False, indent=1) + "\n")
            run.write_text("config.toml", to_toml(settings))
        except OSError as error:
            raise RunError(f"cannot write to the run folder {path}: {error.strerror or error}") from None
        return run

    @classmethod
    def open(cls, path: Path, read_only: bool = False) -> "RunFolder":
        """Return to a run.

        Raises: RunError if it is no run folder, is damaged, or another process is writing to it.
        """
        if not (path / "config.toml").is_file():
            raise RunError(f"{path} is not a run folder: it has no config.toml")
        try:
            settings = build(read_toml(path / "config.toml"))
            tokenizer = json.loads((path / "tokenizer.json").read_text(encoding="utf-8"))
            if not isinstance(tokenizer, dict):
                raise ValueError("not an object")
            run = cls(path, settings, tokenizer)
            if not read_only:
                run._take_lock()
        except SettingsError as error:
            raise RunError(f"the settings of run {path} are damaged: {error}") from None
        except OSError as error:
            raise RunError(
                f"cannot use the run folder {path}: {error.filename}: {error.strerror or error}"
            ) from None
        except ValueError:
            raise RunError(f"the run {path} is damaged: tokenizer.json is not as it was written") from None
        return run

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            self._lock.close()  # the system drops the lock with the file
            self._lock = None

    def _take_lock(self) -> None:
        self._lock = open(self.path / ".lock", "a+", encoding="utf-8")
        try:
            _lock(self._lock)
        except OSError:
            self._lock.close()
            self._lock = None
            raise RunError(f"another process is training in {self.path}: wait for it or stop it") from None

    def save_settings(self) -> None:
        """Write the settings again, after a resume has changed some."""
        self.write_text("config.toml", to_toml(self.settings))

    def save(self, step: int, parts: Mapping[str, checkpoints.Tensors], state: Mapping[str, Any]) -> None:
        """Write a checkpoint, then delete all but the last two and the best (`state["best_step"]`).

        Raises: RunError if it cannot be written.
        """
        folder = self.path / "checkpoints"
        try:
            checkpoints.write(folder, step, parts, state)
            last_two = checkpoints.steps(folder)[-2:]
            checkpoints.prune(folder, [*last_two, state.get("best_step", step)])
        except OSError as error:
            raise RunError(
                f"cannot save the checkpoint of step {step} in {folder}: {error.strerror or error}; "
                "the checkpoints before it are whole"
            ) from None

    def load(self, which: str = "last") -> tuple[dict[str, dict[str, torch.Tensor]], dict[str, Any]]:
        """Parts and state of a checkpoint: the "last", the "best", or the one of a step given as digits.

        Raises: RunError if there is none or it is damaged.
        """
        folder = self.path / "checkpoints"
        last = checkpoints.newest(folder)
        if last is None:
            raise RunError(f"run {self.path} has no checkpoint: it was stopped before the first was saved")
        path = last
        try:
            if which == "best":
                best = checkpoints.read(last)[1].get("best_step")
                path = last if best is None else checkpoints.path_of(folder, best)
            elif which != "last":
                path = checkpoints.path_of(folder, int(which)) if which.isdecimal() else folder / which
            if not path.is_dir():
                have = ", ".join(map(str, checkpoints.steps(folder)))
                raise RunError(f"run {self.path} has no checkpoint {which!r}: it has those of steps {have}")
            return checkpoints.read(path)
        except checkpoints.CheckpointError as error:
            raise RunError(f"{error}{self._way_out(path)}") from None

    def _way_out(self, damaged: Path) -> str:
        """Where to turn if a checkpoint is damaged: the newest one that is whole."""
        folder = self.path / "checkpoints"
        for step in reversed(checkpoints.steps(folder)):
            path = checkpoints.path_of(folder, step)
            if path == damaged:
                continue
            with contextlib.suppress(checkpoints.CheckpointError):
                checkpoints.read(path)
                return f"; the one of step {step} is whole: move {damaged} away to use it"
        return "; there is no other whole one"

    def append_log(self, record: Mapping[str, Any]) -> None:
        """Add a line to log.jsonl."""
        with (self.path / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(record) + "\n")

    def read_log(self) -> list[dict[str, Any]]:
        """The records of log.jsonl; a last line cut short by a crash is left out.

        Raises: RunError if another line is damaged.
        """
        path = self.path / "log.jsonl"
        if not path.exists():
            return []
        *lines, _ = path.read_text(encoding="utf-8").split("\n")  # the rest was cut short
        try:
            records = [json.loads(line) for line in lines]
        except ValueError:
            records = [None]
        if not all(isinstance(record, dict) and "step" in record for record in records):
            raise RunError(f"the log {path} is damaged: not every line is a JSON object with a step")
        return records

    def rewind_log(self, step: int) -> None:
        """Drop what was logged after `step`, since a resumed run will log it again."""
        kept = [record for record in self.read_log() if record["step"] <= step]
        self.write_text("log.jsonl", "".join(json.dumps(record) + "\n" for record in kept))

    def write_text(self, name: str, content: str) -> None:
        """Write a text file of the folder in one go: the old one stays until the new one is whole."""
        temporary = self.path / f".tmp-{name}"
        temporary.write_text(content, encoding="utf-8")
        os.replace(temporary, self.path / name)


def _lock(file: IO[str]) -> None:
    """Lock an open file, or raise OSError; the lock ends with the process, even under kill -9."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
