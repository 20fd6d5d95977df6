#!/usr/bin/env python3
"""Prints how long `import stickonfire` takes in a fresh process, beside NumPy and, where installed, PyTorch.

Medians of several interleaved runs, less an empty interpreter's start. `--slowest N` lists the modules of
ours that take longest (from `-X importtime`).

    python scripts/import_time.py [--rounds 5] [--slowest 10]
"""
from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a fresh interpreter with the package importable."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run([sys.executable, *arguments], check=True, text=True, capture_output=True, cwd=ROOT,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})


def seconds(statement: str) -> float:
    began = time.perf_counter()
    python("-c", statement)
    return time.perf_counter() - began


def medians(modules: list[str], rounds: int) -> dict[str, float]:
    """Module -> median seconds, measured in turn so that a slow moment hits all alike."""
    statements = {"": "pass", **{module: f"import {module}" for module in modules}}
    for statement in statements.values():       # once for the disk cache and the .pyc files
        seconds(statement)
    samples: dict[str, list[float]] = {module: [] for module in statements}
    for _ in range(rounds):
        for module, statement in statements.items():
            samples[module].append(seconds(statement))
    empty = statistics.median(samples.pop(""))
    return {module: max(statistics.median(times) - empty, 0.0) for module, times in samples.items()}


def slowest(count: int) -> None:
    rows = []
    for line in python("-X", "importtime", "-c", "import stickonfire").stderr.splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        name = rest.rpartition("|")[2].strip()
        if own.strip().isdigit() and name.startswith("stickonfire"):
            rows.append((int(own), name))
    for own, name in sorted(rows, reverse=True)[:count]:
        print(f"{own / 1000:8.1f} ms  {name}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="runs of each (default: %(default)s)")
    parser.add_argument("--slowest", type=int, default=0, metavar="N", help="list our N slowest modules")
    options = parser.parse_args()
    modules = ["stickonfire", "numpy", *(["torch"] if importlib.util.find_spec("torch") else [])]
    found = medians(modules, options.rounds)
    for module, taken in found.items():
        print(f"import {module:12} {taken * 1000:8.0f} ms")
    if "torch" in found:
        print(f"stickonfire / torch: {found['stickonfire'] / found['torch']:.3f}")
    slowest(options.slowest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
