#!/usr/bin/env python3
"""Runs every script of examples/ under PyTorch and stores what it prints in examples/expected/.

The stored text is what tests/examples compares with where PyTorch is not installed. `--json` prints the texts
instead of storing them; the tests use that to check that the stored ones are still what PyTorch prints.

    python scripts/record_examples.py [--json]
"""
from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def printed(script: Path) -> str:
    """What the script prints, run in this process as a main program."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        runpy.run_path(str(script), run_name="__main__")
    return out.getvalue()


def main() -> int:
    texts = {script.stem: printed(script) for script in sorted(EXAMPLES.glob("*.py"))}
    if "--json" in sys.argv[1:]:
        json.dump(texts, sys.stdout)
        return 0
    for name, text in texts.items():
        (EXAMPLES / "expected" / f"{name}.txt").write_text(text, encoding="utf-8")
    print(f"stored {len(texts)} texts in {EXAMPLES / 'expected'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
