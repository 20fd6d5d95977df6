"""Text for language models: tokenizers, batches, sampling (floor 3; imports the public API and models/).

Next: `tokens.py`, `lm_data.py`, `generate.py`.
"""

from .generate import default_prompt, sample, stream_text
from .lm_data import Batches, Text, read_text
from .tokens import ByteTokenizer, CharTokenizer, TextError, tokenizer_from_dict

__all__ = [
    "Batches",
    "ByteTokenizer",
    "CharTokenizer",
    "Text",
    "TextError",
    "default_prompt",
    "read_text",
    "sample",
    "stream_text",
    "tokenizer_from_dict",
]
