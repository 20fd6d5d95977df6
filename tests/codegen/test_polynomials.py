"""The coefficients are those that the script computes."""
import importlib.util
import sys
from pathlib import Path

import pytest

from stickonfire.codegen import polynomials

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_polynomials.py"


def test_the_file_is_what_the_script_writes(monkeypatch):
    pytest.importorskip("mpmath")
    spec = importlib.util.spec_from_file_location("make_polynomials", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, script)     # dataclasses look there
    spec.loader.exec_module(script)
    assert script.listing(report=lambda line: None) == Path(polynomials.__file__).read_text(encoding="utf-8")


def test_each_is_accurate_enough():
    text = Path(polynomials.__file__).read_text(encoding="utf-8")
    for dtype, bits in (("float", 25.5), ("double", 55)):
        errors = [float(line.split("2^")[1]) for line in text.splitlines() if f'"{dtype}")' in line]
        assert errors and max(errors) < -bits
