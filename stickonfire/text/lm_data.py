"""Text for language models: reading it, splitting it, drawing batches from it.

Called by `stickonfire train` (cli.py). May import the public API and text/tokens.py. The default text is the
language reference that every Python carries (`pydoc_data.topics`), so training needs neither a download nor a
path.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import stickonfire as torch

from .tokens import TextError, Tokenizer

__all__ = ["Batches", "Text", "check_length", "read_text"]


@dataclass(frozen=True)
class Text:
    """A text and where it came from."""

    content: str
    source: str  # shown to people
    notes: tuple[str, ...] = ()  # what was left out, if anything

    @property
    def sha256(self) -> str:
        """Fingerprint of the content, so that a resumed run can tell that the text has changed."""
        return hashlib.sha256(self.content.encode("utf-8", "surrogateescape")).hexdigest()


def read_text(path: str | Path | None = None, raw: bool = False) -> Text:
    """The text of a file, of all text files below a folder, or (without a path) Python's language reference.

    With `raw` (byte tokens) any bytes are accepted; otherwise the text must be UTF-8 without NUL bytes.
    Raises: TextError if there is no such path, or it is empty, binary or undecodable.

    Example:
        >>> "assert" in read_text().content
        True
    """
    if path is None:
        return _language_reference()
    path = Path(path)
    if path.is_dir():
        return _read_folder(path, raw)
    if not path.exists():
        raise TextError(f"no such file or folder: {path}")
    content = _decode(path, raw)
    if not content.strip():
        raise TextError(f"{path} is empty: there is nothing to learn from")
    return Text(content, str(path))


def _language_reference() -> Text:
    try:
        from pydoc_data.topics import topics  # some systems split it off the standard library
    except ImportError:
        raise TextError(
            "this Python comes without its language reference (pydoc_data): name a text with --data FILE"
        ) from None
    content = "\n\n".join(topics[key] for key in sorted(topics))
    return Text(content, "the language reference of the running Python (pydoc_data.topics)")


def _read_folder(folder: Path, raw: bool) -> Text:
    """All files below `folder` by path, hidden ones apart; the notes name what is no text."""
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() and not _is_hidden(f.relative_to(folder))]
    taken: list[str] = []
    left_out: list[str] = []
    for file in files:
        try:
            taken.append(_decode(file, raw))
        except TextError:
            left_out.append(str(file.relative_to(folder)))
    content = "\n\n".join(part for part in taken if part.strip())
    if not content:
        raise TextError(
            f"no text in folder {folder}: {len(files)} file(s), {len(left_out)} of them binary or undecodable"
        )
    notes: tuple[str, ...] = ()
    if left_out:
        shown = ", ".join(left_out[:5]) + (", ..." if len(left_out) > 5 else "")
        notes = (f"left out {len(left_out)} file(s) that are no UTF-8 text: {shown}",)
    return Text(content, f"{len(taken)} file(s) in {folder}", notes)


def _is_hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)


def _decode(path: Path, raw: bool) -> str:
    """The file as a string; bytes that are no UTF-8 survive as surrogates if `raw`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TextError(f"cannot read {path}: {error.strerror or error}") from None
    if raw:
        return data.decode("utf-8", "surrogateescape")
    if b"\0" in data:
        raise TextError(f"{path} looks binary (it holds NUL bytes): name a text file, or use --tokens byte")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TextError(
            f"{path} is not UTF-8 (byte 0x{data[error.start]:02x} at offset {error.start}): "
            "convert it, or use --tokens byte"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_length(tokens: int, context: int, val_fraction: float = 0.1) -> None:
    """Make sure that both splits hold at least one window.

    Raises: TextError that says how long the text must be.
    """
    train, val = _split_sizes(tokens, val_fraction)
    if min(train, val) < context + 1:
        needed = int((context + 1) / min(val_fraction, 1 - val_fraction)) + 1
        raise TextError(
            f"the text is too short: {tokens} tokens, but a context of {context} needs about {needed} "
            f"({val_fraction:.0%} are held out for validation): give more text or a smaller --context"
        )


def _split_sizes(tokens: int, val_fraction: float) -> tuple[int, int]:
    train = int(tokens * (1 - val_fraction))
    return train, tokens - train


class Batches:
    """Windows of a text: random ones to train on, fixed and evenly spread ones to validate on.

    The last `val_fraction` of the text is held out. Targets are the inputs moved by one token.
    The order of the training batches depends on the seed alone; `generator` holds its state.

    Shape: x, y (N, T) int64.

    Example:
        >>> from stickonfire.text.tokens import ByteTokenizer
        >>> batches = Batches("abcdefgh" * 50, ByteTokenizer(), context=8, batch_size=2, seed=0)
        >>> x, y = batches.draw()
        >>> x.shape, bool((x[:, 1:] == y[:, :-1]).all())
        (torch.Size([2, 8]), True)
    """

    def __init__(
        self,
        text: str,
        tokenizer: Tokenizer,
        context: int,
        batch_size: int,
        seed: int,
        val_fraction: float = 0.1,
    ) -> None:
        ids = torch.from_numpy(tokenizer.encode(text).astype("int64"))
        check_length(len(ids), context, val_fraction)
        train_size, _ = _split_sizes(len(ids), val_fraction)
        self.train, self.val = ids[:train_size], ids[train_size:]
        self.batch_size = batch_size
        self.generator = torch.Generator().manual_seed(seed)
        self._window = torch.arange(context + 1)  # (T + 1,)

    def draw(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The next random batch of the training part."""
        last = len(self.train) - len(self._window) + 1
        starts = torch.randint(0, last, (self.batch_size,), generator=self.generator)  # (N,)
        return self._cut(self.train, starts)

    def validation(self, count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """`count` batches spread evenly over the held-out part, the same ones each time."""
        last = len(self.val) - len(self._window)
        windows = count * self.batch_size
        starts = torch.arange(windows) * last // max(windows - 1, 1)  # (count * N,)
        return [
            self._cut(self.val, starts[i : i + self.batch_size]) for i in range(0, windows, self.batch_size)
        ]

    def _cut(self, ids: torch.Tensor, starts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        rows = ids[starts[:, None] + self._window]  # (N, T + 1)
        return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()
