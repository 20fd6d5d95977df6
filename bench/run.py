#!/usr/bin/env python3
"""Runs every workload on both frameworks, side by side, and prints a table of ratios (lower is better).

Each measurement is a process of its own; the frameworks take turns (ours, PyTorch, ours, PyTorch, ...) so
that a slow moment of the machine hits both. The figure is the median over the rounds, the spread half the
distance between the slowest and the fastest round. Both get all cores. `--write` puts the table into
README.md and docs/benchmarks.md.

Rows called `compiled:...` run our step through `torch.compile`, and PyTorch's as it is; `--with-compile` adds a column
for PyTorch's own `torch.compile` (some 40 s each). `--jax PYTHON` adds a JAX figure where there is a JAX program.

    python bench/run.py [--only mlp,compiled,large:softmax_4096x1024] [--rounds 5] [--with-compile] [--write]
"""
from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rows import ROWS, Row, chosen
from tables import as_markdown, as_text, update

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
THREAD_VARIABLES = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "STICKONFIRE_THREADS"]
DISTRIBUTIONS = {"stickonfire": "pystickonfire"}
JAX_PROGRAMS = {"compiled:logistic_regression": "jax_logistic.py"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="rows, separated by commas; `compiled` stands for all of that kind")
    parser.add_argument("--rounds", type=int, default=5, help="processes a figure (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="timed per process (default: %(default)s)")
    parser.add_argument("--frameworks", default="stickonfire,torch", help="ours first, the yardstick second")
    parser.add_argument("--threads", type=int, default=cores(), help="for both (default: all, %(default)s)")
    parser.add_argument("--with-compile", action="store_true", help="also PyTorch's own torch.compile, once a row")
    parser.add_argument("--jax", metavar="PYTHON", default="", help="an interpreter that has JAX, for its figures")
    parser.add_argument("--write", action="store_true", help="update README.md and docs/benchmarks.md")
    options = parser.parse_args()
    try:
        options.rows = chosen(options.only) if options.only else ROWS
    except KeyError as error:
        parser.error(f"no row {error.args[0]}; there are {', '.join(row.name for row in ROWS)}")
    options.frameworks = options.frameworks.split(",")
    sys.path.append(str(ROOT))          # ours need not be installed
    for package in options.frameworks:
        if importlib.util.find_spec(package) is None:
            parser.error(f"{package} is not installed here; `make bench` sets up an environment with both")
    if options.write and (options.rows != ROWS or len(options.frameworks) != 2):
        parser.error("--write wants the whole table: leave out --only")
    options.others = (*["torch.compile"] * options.with_compile, *["JAX"] * bool(options.jax))
    return options


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def figures(command: list[str], options: argparse.Namespace, caches: str = "") -> dict[str, Any]:
    """What a fresh process measured. caches: a folder for compiled code, in place of the usual ones."""
    paths = [str(ROOT), str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(options.threads)),
                   "PYTHONPATH": os.pathsep.join(paths)}
    if caches:
        environment |= {"STICKONFIRE_CACHE": f"{caches}/ours", "TORCHINDUCTOR_CACHE_DIR": f"{caches}/theirs"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[1:])} failed (see above)")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(row: Row, framework: str, options: argparse.Namespace) -> float:
    """A row's figure for a framework, in one fresh process: median seconds a step, seconds of compiling, or bytes."""
    command = [sys.executable, str(HERE / "worker.py"), row.name, framework, str(options.seconds)]
    if row.of != "compiling":
        return float(figures(command, options)[row.of])
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        if row.name.endswith("warm"):
            figures(command, options, folder)
        return float(figures(command, options, folder)[row.of])


def subjects(row: Row, options: argparse.Namespace) -> list[str]:
    """What is measured in turn: ours, and the yardstick where it has an answer without compiling."""
    ours, *theirs = options.frameworks
    return [ours + "+compile" * row.compiled, *([] if row.of == "compiling" else theirs)]


def line(row: Row, options: argparse.Namespace) -> dict[str, Any]:
    """One line of the table: medians and spreads of both frameworks, their ratio and the target."""
    names = subjects(row, options)
    times: list[list[float]] = [[] for _ in names]
    for _ in range(options.rounds):
        for samples, framework in zip(times, names):
            samples.append(measure(row, framework, options))
    medians: list[float | None] = [statistics.median(samples) for samples in times]
    spreads = [(max(samples) - min(samples)) / 2 / statistics.median(samples) for samples in times]
    others = {}
    if options.with_compile and row.compiled:
        others["torch.compile"] = measure(row, f"{options.frameworks[-1]}+compile", options)
    if options.jax and row.name in JAX_PROGRAMS:
        command = [options.jax, str(HERE / JAX_PROGRAMS[row.name]), str(options.seconds)]
        others["JAX"] = figures(command, options)["step"]
    compared = len(times) > 1
    ratios = [a / b for a, b in zip(times[0], times[-1])] if compared else []
    if not compared:
        medians, spreads = [*medians, None], [*spreads, 0.0]
    return {"title": row.title, "target": row.target, "limit": row.limit, "of": row.of, "medians": medians,
            "spreads": spreads, "others": others, "ratio": medians[0] / medians[-1] if compared else None,
            "ratios": (min(ratios), max(ratios)) if compared else ()}


def machine(options: argparse.Namespace) -> str:
    """One sentence on where the figures come from."""
    def of(package: str) -> str:
        try:
            return version(DISTRIBUTIONS.get(package, package))
        except PackageNotFoundError:        # run from a checkout
            return "(checkout)"

    frameworks = ", ".join(f"{package} {of(package)}" for package in dict.fromkeys(options.frameworks))
    jax = "" if options.jax else " JAX was not measured (`--jax PYTHON` names an interpreter that has it)."
    return (f"{options.threads} threads, {platform.machine()}, Python {platform.python_version()}, "
            f"NumPy {of('numpy')}, {frameworks}; medians of {options.rounds} rounds.{jax}")


def main() -> int:
    options = parse()
    lines = []
    for row in options.rows:
        lines.append(line(row, options))
        print(as_text(lines[-1:], options.frameworks, len(lines) == 1, options.others), flush=True)
    print(machine(options))
    if options.write:
        update(ROOT / "README.md", f"{as_markdown(lines)}\n\n{machine(options)}")
        update(ROOT / "docs" / "benchmarks.md", f"{as_markdown(lines, spreads=True)}\n\n{machine(options)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
