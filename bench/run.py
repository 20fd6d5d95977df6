#!/usr/bin/env python3
"""Runs every workload on both frameworks, side by side, and prints a table of ratios (lower is better).

Each measurement is a process of its own; the frameworks take turns (ours, PyTorch, ours, PyTorch, ...) so
that a slow moment of the machine hits both. The figure is the median over the rounds, the spread half the
distance between the slowest and the fastest round. Both get all cores. `--write` puts the table into
README.md and docs/benchmarks.md.

    python bench/run.py [--only mlp,gpt_small] [--rounds 5] [--frameworks stickonfire,torch] [--write]
"""
from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tables import as_markdown, as_text, update

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ORDER = ["import_time", "add_with_grad", "logistic_regression", "house_prices", "softmax_regression", "mlp",
         "gpt_small"]
THREAD_VARIABLES = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"]
DISTRIBUTIONS = {"stickonfire": "pystickonfire"}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(ORDER), help="workloads, separated by commas")
    parser.add_argument("--rounds", type=int, default=5, help="processes a figure (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="timed per process (default: %(default)s)")
    parser.add_argument("--frameworks", default="stickonfire,torch", help="ours first, the yardstick second")
    parser.add_argument("--threads", type=int, default=cores(), help="for both (default: all, %(default)s)")
    parser.add_argument("--write", action="store_true", help="update README.md and docs/benchmarks.md")
    options = parser.parse_args()
    options.only = [name for name in options.only.split(",") if name]
    options.frameworks = options.frameworks.split(",")
    unknown = set(options.only) - set(ORDER)
    if unknown:
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(ORDER)}")
    for package in options.frameworks:
        if importlib.util.find_spec(package) is None:
            parser.error(f"{package} is not installed here; `make bench` sets up an environment with both")
    if options.write and (options.only != ORDER or len(options.frameworks) != 2):
        parser.error("--write wants the whole table: leave out --only")
    return options


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measure(workload: str, package: str, options: argparse.Namespace) -> float:
    """Median seconds a step in one fresh process."""
    paths = [str(ROOT), str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(options.threads)),
                   "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, str(HERE / "worker.py"), workload, package, str(options.seconds)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{workload} failed on {package} (see above)")
    return json.loads(done.stdout.splitlines()[-1])["median"]


def row(name: str, options: argparse.Namespace) -> dict:
    """One line of the table: medians and spreads of both frameworks, their ratio and the target."""
    workload = importlib.import_module(f"workloads.{name}")
    times: list[list[float]] = [[] for _ in options.frameworks]
    for _ in range(options.rounds):
        for samples, package in zip(times, options.frameworks):
            samples.append(measure(name, package, options))
    medians = [statistics.median(samples) for samples in times]
    spreads = [(max(samples) - min(samples)) / 2 / median for samples, median in zip(times, medians)]
    ratios = [a / b for a, b in zip(times[0], times[-1])]
    return {"title": workload.TITLE, "target": workload.TARGET, "medians": medians, "spreads": spreads,
            "ratio": medians[0] / medians[-1], "ratios": (min(ratios), max(ratios))}


def machine(options: argparse.Namespace) -> str:
    """One sentence on where the figures come from."""
    def of(package: str) -> str:
        try:
            return version(DISTRIBUTIONS.get(package, package))
        except PackageNotFoundError:        # run from a checkout
            return "(checkout)"

    frameworks = ", ".join(f"{package} {of(package)}" for package in dict.fromkeys(options.frameworks))
    return (f"{options.threads} threads, {platform.machine()}, Python {platform.python_version()}, "
            f"NumPy {of('numpy')}, {frameworks}; medians of {options.rounds} rounds.")


def main() -> int:
    options = parse()
    rows = []
    for name in options.only:
        rows.append(row(name, options))
        print(as_text(rows[-1:], options.frameworks, header=len(rows) == 1), flush=True)
    print(machine(options))
    if options.write:
        table = as_markdown(rows)
        update(ROOT / "README.md", f"{table}\n\n{machine(options)}")
        update(ROOT / "docs" / "benchmarks.md", f"{as_markdown(rows, spreads=True)}\n\n{machine(options)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
