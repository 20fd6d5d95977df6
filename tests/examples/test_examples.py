"""The textbook programs of examples/, run unchanged: they print what PyTorch prints, to the last digit.

The stored texts in examples/expected/ were recorded from PyTorch (scripts/record_examples.py); where
PyTorch is installed, a second test checks that it still prints them.
"""
import difflib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)


def run(*arguments, cwd):
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, f"{arguments} failed:\n{done.stdout[-500:]}\n{done.stderr[-3000:]}"
    return done.stdout


def recorded(example):
    return (ROOT / "examples" / "expected" / f"{example.stem}.txt").read_text(encoding="utf-8")


def differences(expected, printed):
    texts = expected.splitlines(), printed.splitlines()
    return "\n".join(difflib.unified_diff(*texts, "PyTorch", "printed", lineterm="", n=1))


@pytest.fixture(scope="module")
def printed_by_pytorch(tmp_path_factory):
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("pytorch")
    return json.loads(run(ROOT / "scripts" / "record_examples.py", "--json", cwd=folder))


@each_example
def test_prints_what_pytorch_printed(example, tmp_path):
    assert not differences(recorded(example), run("-m", "stickonfire", "run", example, cwd=tmp_path))


@pytest.mark.oracle
@each_example
def test_recorded_text_is_what_pytorch_prints(example, printed_by_pytorch):
    assert not differences(recorded(example), printed_by_pytorch[example.stem])


def test_every_recorded_text_has_its_example():
    stored = {path.stem for path in (ROOT / "examples" / "expected").glob("*.txt")}
    assert stored == {path.stem for path in EXAMPLES}


def readme_example():
    """The README's program, and what the README says it prints."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    source, printed = (text.partition(f"```{kind}\n")[2].partition("```")[0] for kind in ("python", "text"))
    return source, printed


def test_readme_example_prints_what_the_readme_says(tmp_path):
    source, expected = readme_example()
    assert not differences(expected, run("-c", source, cwd=tmp_path))


@pytest.mark.oracle
def test_readme_example_is_what_pytorch_prints(tmp_path):
    source, expected = readme_example()
    assert not differences(expected, run("-c", source.replace("stickonfire", "torch"), cwd=tmp_path))
