"""text/tokens.py: unknown characters, descriptions (round trips: test_tokens_property.py)."""

import pytest

from stickonfire.text.tokens import ByteTokenizer, CharTokenizer, TextError, tokenizer_from_dict


def test_characters_are_sorted():
    tokenizer = CharTokenizer("banana\n")
    assert tokenizer.characters == "\nabn"
    assert tokenizer.encode("nab").tolist() == [3, 1, 2]
    assert tokenizer.encode("").tolist() == []


def test_dtype_grows_with_the_vocabulary():
    assert CharTokenizer("ab").encode("a").dtype == "uint8"
    assert CharTokenizer("".join(map(chr, range(32, 500)))).encode("a").dtype == "uint16"


def test_unknown_characters_are_named():
    with pytest.raises(TextError, match=r"2 character\(s\) not in the vocabulary of 3: 'x', 'é'"):
        CharTokenizer("abc").encode("aéxé")


def test_broken_bytes_show_as_replacement():
    assert ByteTokenizer().decode([0xC3]) == "\N{REPLACEMENT CHARACTER}"


def test_raw_bytes_survive():
    raw = bytes(range(256))
    assert ByteTokenizer().encode(raw.decode("utf-8", "surrogateescape")).tobytes() == raw


@pytest.mark.parametrize("data", [{}, {"kind": "bpe"}, {"kind": "char"}, {"kind": "char", "characters": ""}])
def test_unknown_descriptions(data):
    with pytest.raises(TextError, match="unknown tokenizer"):
        tokenizer_from_dict(data)
