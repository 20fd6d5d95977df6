"""train/progress.py: plain lines everywhere, a bar on terminals that have rich."""

import sys

import pytest

from stickonfire.train import progress
from stickonfire.train.progress import PlainProgress, RichProgress, make_progress, short_time


def test_plain_lines(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with make_progress(100) as bar:
        assert isinstance(bar, PlainProgress)
        for step in range(1, 101):
            now[0] += 0.099
            bar.update(step, 2.0, 1234.5)
        bar.message("done")
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "step 51/100  loss 2.0000  1,234 tokens/s  0:05 left",
        "step 100/100  loss 2.0000  1,234 tokens/s  0:00 left",
        "done",
    ]


def test_time_left_after_a_resume(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    bar = PlainProgress(total=100, done=80)
    now[0] = 10.0
    bar.update(90, 1.0, 1.0)
    assert "0:10 left" in capsys.readouterr().out


def test_bar(capsys, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with make_progress(10) as bar:
        assert isinstance(bar, RichProgress)
        bar.update(3, 2.5, 100.0)
        bar.message("[b]hello[/b]")
    out = capsys.readouterr().out
    assert "[b]hello[/b]" in out
    assert "loss 2.5000" in out


def test_terminal_without_rich(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    assert isinstance(make_progress(10), PlainProgress)


def test_short_time():
    assert [short_time(s) for s in (0, 59.6, 61, 3600)] == ["0:00", "1:00", "1:01", "1:00:00"]
