"""viz/curves.py: a picture with matplotlib, none without."""

import sys

import pytest

from stickonfire.viz import save_loss_curve

RECORDS = [{"step": 0, "val_loss": 3.0}, {"step": 1, "loss": 2.5}, {"step": 2, "loss": 2.0}]


def test_png(tmp_path):
    pytest.importorskip("matplotlib")
    for records in (RECORDS, []):
        path = tmp_path / f"{len(records)}.png"
        assert save_loss_curve(records, path, "a run")
        assert path.read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib(tmp_path, monkeypatch):
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    assert save_loss_curve(RECORDS, tmp_path / "x.png") is False
    assert not (tmp_path / "x.png").exists()
