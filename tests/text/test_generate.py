"""text/generate.py: text in, text out."""

import pytest

import stickonfire as torch
from stickonfire.models import GPT, GPTConfig
from stickonfire.text import ByteTokenizer, CharTokenizer, TextError, default_prompt, sample, stream_text


@pytest.fixture
def model():
    torch.manual_seed(0)
    return GPT(GPTConfig(vocab_size=4, context=8, n_layer=1, n_head=1, n_embd=8))


class Recorded:
    """A model that draws the tokens it was given."""

    def __init__(self, tokens):
        self.tokens = tokens

    def stream(self, idx, count, temperature, top_k, generator):
        for token in self.tokens[:count]:
            yield torch.tensor([[token]])


def test_sample(model):
    text = sample(model, CharTokenizer("abcd"), "ab", 20, seed=1)
    assert len(text) == 22
    assert text.startswith("ab")
    assert text == sample(model, CharTokenizer("abcd"), "ab", 20, seed=1)
    assert text != sample(model, CharTokenizer("abcd"), "ab", 20, seed=2)


def test_bytes_of_a_character_wait_for_each_other():
    model = Recorded([*"né€".encode(), 0xC3])
    pieces = list(stream_text(model, ByteTokenizer(), "x", 10))
    assert pieces == ["n", "é", "€", "\N{REPLACEMENT CHARACTER}"]


def test_default_prompt():
    assert default_prompt(CharTokenizer("b\na")) == "\n"
    assert default_prompt(CharTokenizer("ba")) == "a"
    assert default_prompt(ByteTokenizer()) == "\n"


def test_unusable_prompts(model):
    with pytest.raises(TextError, match="the prompt is empty"):
        sample(model, CharTokenizer("abcd"), "", 5)
    with pytest.raises(TextError, match="not in the vocabulary of 4: 'z'"):
        sample(model, CharTokenizer("abcd"), "az", 5)
