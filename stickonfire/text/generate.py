"""Sampling: a model and a tokenizer in, text out.

Called by `stickonfire generate` and at the end of `stickonfire train`. May import the public API and models/;
a model is anything with `stream(idx, count, temperature, top_k, generator)`, as models/gpt.py has it.
"""

from collections.abc import Iterator
from typing import Any

import stickonfire as torch

from .tokens import TextError, Tokenizer

__all__ = ["default_prompt", "encode_prompt", "sample", "stream_text"]


def default_prompt(tokenizer: Tokenizer) -> str:
    """A new line, or the first token where the vocabulary has none."""
    try:
        tokenizer.encode("\n")
    except TextError:
        return tokenizer.decode([0])
    return "\n"


def encode_prompt(tokenizer: Tokenizer, prompt: str) -> torch.Tensor:
    """The prompt as a batch of one.

    Shape: (1, T) int64.
    Raises: TextError if the prompt is empty or holds characters that the vocabulary lacks.
    """
    if not prompt:
        raise TextError("the prompt is empty: give at least one character to start from")
    return torch.from_numpy(tokenizer.encode(prompt).astype("int64"))[None]


def stream_text(
    model: Any,
    tokenizer: Tokenizer,
    prompt: str,
    count: int,
    temperature: float = 0.8,
    top_k: int = 0,
    seed: int | None = None,
) -> Iterator[str]:
    """Yield the continuation of `prompt` piece by piece, as it is drawn.

    Bytes of one character are held back until it is whole. Without a seed the default generator is used.
    """
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    pending: list[int] = []
    for token in model.stream(encode_prompt(tokenizer, prompt), count, temperature, top_k, generator):
        pending.append(int(token))
        piece = tokenizer.decode(pending)
        if piece.endswith("\N{REPLACEMENT CHARACTER}") and len(pending) < 4 and tokenizer.kind == "byte":
            continue  # perhaps the first bytes of a longer character
        pending.clear()
        yield piece
    if pending:
        yield tokenizer.decode(pending)


def sample(
    model: Any,
    tokenizer: Tokenizer,
    prompt: str,
    count: int,
    temperature: float = 0.8,
    top_k: int = 0,
    seed: int | None = None,
) -> str:
    """The prompt and `count` sampled tokens after it, as one string."""
    return prompt + "".join(stream_text(model, tokenizer, prompt, count, temperature, top_k, seed))
