"""Tokenizers: text to token numbers and back, by character or by byte.

This room (text/) turns text into batches and models into text. It may import the public API and models/.
`stickonfire train` builds a tokenizer here and keeps it in the run folder as `tokenizer.json`; `generate`
reads it back. Numbers travel as NumPy arrays, since a whole text is encoded at once.
"""

from collections.abc import Iterable
from typing import Protocol

import numpy as np

__all__ = ["ByteTokenizer", "CharTokenizer", "TextError", "Tokenizer", "tokenizer_from_dict"]


class TextError(ValueError):
    """A text cannot be used as asked; the message says why and what to do."""


class Tokenizer(Protocol):
    """What training and sampling need from a tokenizer."""

    kind: str

    @property
    def vocab_size(self) -> int: ...
    def encode(self, text: str) -> np.ndarray: ...
    def decode(self, ids: Iterable[int]) -> str: ...
    def to_dict(self) -> dict: ...


class CharTokenizer:
    """One token per character; the vocabulary is a text's distinct characters in code point order.

    Example:
        >>> tokens = CharTokenizer("hello")
        >>> tokens.vocab_size, tokens.encode("hole").tolist()
        (4, [1, 3, 2, 0])
        >>> tokens.decode([1, 3, 2, 0])
        'hole'
    """

    kind = "char"

    def __init__(self, text: str) -> None:
        self._codes = np.unique(_code_points(text))  # sorted
        self.characters = "".join(map(chr, self._codes.tolist()))

    @property
    def vocab_size(self) -> int:
        """How many distinct tokens there are."""
        return len(self.characters)

    def encode(self, text: str) -> np.ndarray:
        """Token numbers of the text, in the smallest unsigned dtype that holds the vocabulary.

        Raises: TextError naming the characters that are not in the vocabulary.
        """
        codes = _code_points(text)
        ids = np.searchsorted(self._codes, codes)
        known = self._codes[np.minimum(ids, self.vocab_size - 1)] == codes
        if not known.all():
            unknown = sorted(set(map(chr, codes[~known].tolist())))
            shown = ", ".join(map(repr, unknown[:8])) + (", ..." if len(unknown) > 8 else "")
            raise TextError(
                f"{len(unknown)} character(s) not in the vocabulary of {self.vocab_size}: {shown}; "
                "use characters that occur in the training text, or train with --tokens byte"
            )
        return ids.astype(np.min_scalar_type(self.vocab_size - 1))

    def decode(self, ids: Iterable[int]) -> str:
        """The text of these token numbers."""
        return "".join(self.characters[int(i)] for i in ids)

    def to_dict(self) -> dict:
        """What `tokenizer_from_dict` needs to build this tokenizer again."""
        return {"kind": self.kind, "characters": self.characters}


class ByteTokenizer:
    """One token per byte of the UTF-8 text: 256 tokens, nothing is ever unknown.

    Example:
        >>> ByteTokenizer().encode("né").tolist()
        [110, 195, 169]
        >>> ByteTokenizer().decode([110, 195, 169])
        'né'
    """

    kind = "byte"
    vocab_size = 256

    def encode(self, text: str) -> np.ndarray:
        """The bytes of the text as uint8."""
        return np.frombuffer(text.encode("utf-8", "surrogateescape"), dtype=np.uint8)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of these bytes; bytes that are no UTF-8 (a character cut in two) show as U+FFFD."""
        return bytes(int(i) for i in ids).decode("utf-8", "replace")

    def to_dict(self) -> dict:
        """What `tokenizer_from_dict` needs to build this tokenizer again."""
        return {"kind": self.kind}


def tokenizer_from_dict(data: dict) -> Tokenizer:
    """The tokenizer that `to_dict` described.

    Raises: TextError if the description is not one of ours.

    Example:
        >>> tokenizer_from_dict({"kind": "char", "characters": "abc"}).vocab_size
        3
    """
    kind = data.get("kind")
    if kind == "byte":
        return ByteTokenizer()
    if kind == "char" and isinstance(data.get("characters"), str) and data["characters"]:
        return CharTokenizer(data["characters"])
    raise TextError(f"unknown tokenizer {kind!r}: known are 'char' (with its characters) and 'byte'")


def _code_points(text: str) -> np.ndarray:
    """Unicode code points of the text, uint32.   Shape: (characters,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
