"""text/tokens.py: any text comes back from its tokens."""

import json

import pytest

from stickonfire.text.tokens import ByteTokenizer, CharTokenizer, tokenizer_from_dict

pytest.importorskip("hypothesis")
from hypothesis import given
from hypothesis import strategies as st


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_round_trips(text):
    for tokenizer in (CharTokenizer(text), ByteTokenizer()):
        again = tokenizer_from_dict(json.loads(json.dumps(tokenizer.to_dict())))
        ids = tokenizer.encode(text)
        assert (again.encode(text) == ids).all()
        assert ids.max() < tokenizer.vocab_size
        assert again.decode(ids) == text
