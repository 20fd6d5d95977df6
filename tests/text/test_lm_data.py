"""text/lm_data.py: reading texts and everything that can be wrong with them; batches."""

import pytest

import stickonfire as torch
from stickonfire.text.lm_data import Batches, check_length, read_text
from stickonfire.text.tokens import ByteTokenizer, CharTokenizer, TextError


def test_default_is_the_language_reference():
    text = read_text()
    assert len(text.content) > 300_000
    assert "lambda" in text.content
    assert text.sha256 == read_text().sha256


def test_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffeins\r\nzwei\rdrei ä\n".encode())
    assert read_text(path).content == "eins\nzwei\ndrei ä\n"


def test_folder(tmp_path):
    (tmp_path / "b.txt").write_text("second")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.md").write_text("first")
    (tmp_path / ".hidden").write_text("no")
    (tmp_path / "c.bin").write_bytes(b"\0\1")
    text = read_text(tmp_path)
    assert text.content == "first\n\nsecond"
    assert text.notes == ("left out 1 file(s) that are no UTF-8 text: c.bin",)
    assert "2 file(s)" in text.source


def test_folder_without_text(tmp_path):
    with pytest.raises(TextError, match="no text in folder"):
        read_text(tmp_path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"abc\0def", "looks binary"),
        (b"abc\xff", "is not UTF-8 .byte 0xff at offset 3."),
    ],
)
def test_unusable_files(tmp_path, data, message):
    path = tmp_path / "t"
    path.write_bytes(data)
    with pytest.raises(TextError, match=message):
        read_text(path)


def test_raw_takes_any_bytes(tmp_path):
    path = tmp_path / "t"
    path.write_bytes(b"abc\0\xff")
    assert ByteTokenizer().encode(read_text(path, raw=True).content).tobytes() == b"abc\0\xff"


def test_missing_file(tmp_path):
    with pytest.raises(TextError, match="no such file or folder"):
        read_text(tmp_path / "none")


def test_too_short():
    with pytest.raises(TextError, match="too short: 100 tokens, but a context of 64 needs about 65"):
        check_length(100, 64)
    check_length(660, 64)


def test_batches():
    text = "".join(chr(33 + i % 90) for i in range(1000))
    batches = Batches(text, CharTokenizer(text), context=16, batch_size=4, seed=3)
    assert (len(batches.train), len(batches.val)) == (900, 100)
    x, y = batches.draw()
    assert x.shape == y.shape == (4, 16)
    assert x.dtype == torch.int64
    assert torch.equal(x[:, 1:], y[:, :-1])
    state = batches.generator.get_state()
    first = batches.draw()[0]
    batches.generator.set_state(state)
    assert torch.equal(batches.draw()[0], first)


def test_draws_reach_both_ends():
    batches = Batches("abcdefghij" * 4, ByteTokenizer(), context=3, batch_size=500, seed=0)
    x, y = batches.draw()
    starts = {tuple(row) for row in torch.cat([x, y[:, -1:]], dim=1).tolist()}
    train = batches.train.tolist()
    assert starts == {tuple(train[i : i + 4]) for i in range(len(train) - 3)}


def test_validation_is_fixed_and_covers_the_held_out_part():
    text = "".join(chr(33 + i % 90) for i in range(1000))
    batches = Batches(text, CharTokenizer(text), context=16, batch_size=4, seed=3)
    first, again = batches.validation(3), batches.validation(3)
    assert len(first) == 3
    assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(first, again))
    assert torch.equal(first[0][0][0], batches.val[:16])
    assert torch.equal(first[-1][1][-1], batches.val[-16:])
    assert len(batches.validation(1)[0][0]) == 4
