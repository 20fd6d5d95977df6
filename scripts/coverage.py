"""Measures how much of PyTorch is here and writes docs/coverage.md. `make conformance` calls it.

Runs the five subjects of the conformance suite in full (its folder is given, PyTorch is needed for it), and looks up
the names that textbooks and courses use (api-surface.tsv). Ends with status 1 where the suite is missing, a target is
not met, or a used name is neither there nor explained in docs/differences.md.
"""
from __future__ import annotations

import argparse
import csv
import importlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "stickonfire"
SUBJECTS = {    # what counts as a sample; the share of all samples that the targets ask for
    "ops": ("calls of operators: values, dtypes, aliasing, in-place forms, gradients", 0.90),
    "errors": ("invalid inputs: the same type of exception", 0.85),
    "modules": ("modules: repr, state, defaults, forward, backward", 0.95),
    "optimizers": ("optimizers: 20 steps, state", 0.95),
    "names": ("public names", 0.70)}
TIME_LIMIT = 90             # seconds an entry: a busy machine must not change the figures
OF_IMPLEMENTED = 0.985      # the share of the samples of ops that exist
# Attributes that only instances have: where to look for them.
INSTANCES = {"torch.nn.Module": lambda torch: torch.nn.Module(),
             "torch.optim.Optimizer": lambda torch: torch.optim.SGD([torch.zeros(1)], lr=0.1)}
SECTION = "## Names that are not there"

Row = dict[str, str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conformance", type=Path, default=ROOT / "../shared/conformance", help="the suite's folder")
    parser.add_argument("--surface", type=Path, help="the names in use (default: beside the suite's folder)")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/coverage.md", help="the page to write")
    options = parser.parse_args()
    surface_table = options.surface or options.conformance.resolve().parent / "api-surface.tsv"
    for path in (options.conformance / "run.py", surface_table):
        if not path.exists():
            print(f"{path} is missing: nothing to measure with. Name the suite with --conformance, the list of names "
                  "with --surface", file=sys.stderr)
            return 1
    tables = {subject: measured(options.conformance, subject, options.jobs) for subject in SUBJECTS}
    used = read(surface_table)
    reasons = explained((ROOT / "docs/differences.md").read_text())
    absent = [row["name"] for row in used if row["name"].startswith("torch.") and not exists(row["name"])]
    options.out.write_text(page(tables, used, absent, reasons))
    print(f"wrote {options.out}")
    failed = shortfalls(tables) + [f"{name} is neither there nor explained in docs/differences.md"
                                   for name in absent if reason(name, reasons) is None]
    print("\n".join(failed), file=sys.stderr)
    return int(bool(failed))


def measured(folder: Path, subject: str, jobs: int) -> list[Row]:
    """The suite's table for a subject; its summary goes to the screen."""
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / f"{subject}.tsv"
        subprocess.run([sys.executable, str(folder / "run.py"), subject, "--jobs", str(jobs), "--out", str(table),
                        "--time-limit", str(TIME_LIMIT)],
                       cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)
        return read(table)


def read(path: Path) -> list[Row]:
    """A table whose columns are separated by tabs."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


# --- names in use ----------------------------------------------------------------------------------------------------

def exists(name: str, package: str = PACKAGE) -> bool:
    """Whether the package has what PyTorch calls `torch.something`."""
    found: Any = importlib.import_module(package)
    torch, path = found, "torch"
    for part in name.split(".")[1:]:
        if path in INSTANCES and not hasattr(found, part):
            found = INSTANCES[path](torch)
        path = f"{path}.{part}"
        try:
            found = getattr(found, part)
        except AttributeError:
            try:
                found = importlib.import_module(package + path.removeprefix("torch"))
            except ImportError:
                return False
    return True


def explained(text: str) -> dict[str, str]:
    """The reasons that docs/differences.md gives for names that are not there, by name or beginning of a name."""
    _, _, rest = text.partition(SECTION)
    rows = re.findall(r"^\|(.*)\|([^|]*)\|$", rest.split("\n## ")[0], re.MULTILINE)
    return {name: why.strip() for names, why in rows for name in re.findall(r"`(torch[\w.]*)`", names)}


def reason(name: str, reasons: dict[str, str]) -> str | None:
    """Why a name is not there: the reason given for it, or for what it belongs to."""
    parts = name.split(".")
    return next((reasons[key] for n in range(len(parts), 0, -1) if (key := ".".join(parts[:n])) in reasons), None)


# --- the page --------------------------------------------------------------------------------------------------------

def totals(rows: list[Row]) -> tuple[int, int, int]:
    """Samples that pass, those of entries that exist, and all."""
    ok, total = (sum(int(row[key]) for row in rows) for key in ("samples_ok", "samples_total"))
    return ok, total - sum(int(row["samples_total"]) for row in rows if row["status"] == "missing"), total


def shortfalls(tables: dict[str, list[Row]]) -> list[str]:
    """Targets that are not met."""
    found = []
    for subject, rows in tables.items():
        ok, there, total = totals(rows)
        if ok < SUBJECTS[subject][1] * total:
            found.append(f"{subject}: {ok / total:.2%} of all samples, {SUBJECTS[subject][1]:.1%} are asked for")
        if subject == "ops" and ok < OF_IMPLEMENTED * there:
            found.append(f"ops: {ok / there:.2%} of the samples of ops that exist, {OF_IMPLEMENTED:.1%} are asked for")
    return found


def page(tables: dict[str, list[Row]], used: list[Row], absent: list[str], reasons: dict[str, str]) -> str:
    """docs/coverage.md."""
    return "\n".join([
        "# Coverage", "",
        "Written by `make conformance`, not by hand. PyTorch's own databases of operators, modules and optimizers are "
        "run", "on both frameworks and compared; see the suite's README for what counts as a sample.", "",
        *figures(tables), *namespaces(tables["names"]), *surface(used, absent, reasons),
        *incomplete("Operators", tables["ops"]), *incomplete("Errors", tables["errors"]),
        *incomplete("Modules", tables["modules"]), *incomplete("Optimizers", tables["optimizers"])]) + "\n"


def figures(tables: dict[str, list[Row]]) -> list[str]:
    """The five figures."""
    lines = ["## The five figures", "",
             "| subject | what a sample is | entries | fully | samples | pass, of all | of what exists | asked for |",
             "|---|---|---|---|---|---|---|---|"]
    for subject, rows in tables.items():
        ok, there, total = totals(rows)
        fully = sum(row["status"] == "pass" for row in rows)
        lines.append(f"| {subject} | {SUBJECTS[subject][0]} | {len(rows)} | {fully} | {total} | {ok / total:.2%} | "
                     f"{ok / there:.2%} | {SUBJECTS[subject][1]:.0%} |")
    return [*lines, ""]


def namespaces(rows: list[Row]) -> list[str]:
    """The public names by namespace: how many there are, and which are missing."""
    lines = ["## Public names by namespace", "", "| namespace | there | public | not there |", "|---|---|---|---|"]
    for namespace in dict.fromkeys(row["variant"] for row in rows):
        mine = [row for row in rows if row["variant"] == namespace]
        missing = [row["name"].removeprefix(f"{namespace}.") for row in mine if row["status"] == "missing"]
        lines.append(f"| `{namespace}` | {len(mine) - len(missing)} | {len(mine)} | {' '.join(missing)} |")
    return [*lines, ""]


def surface(used: list[Row], absent: list[str], reasons: dict[str, str]) -> list[str]:
    """The names that textbooks, courses and small repositories use."""
    names = [row["name"] for row in used if row["name"].startswith("torch.")]
    uses = {row["name"]: int(row["total_uses"]) for row in used}
    everything = sum(uses[name] for name in names)
    covered = everything - sum(uses[name] for name in absent)
    lines = ["## Names that textbooks, courses and small repositories use", "",
             f"{len(names) - len(absent)} of {len(names)} names are there; they stand for {covered / everything:.1%} "
             f"of {everything} uses.", "", "| not there | uses | why |", "|---|---|---|"]
    by_reason: dict[str, list[str]] = {}
    for name in absent:
        by_reason.setdefault(reason(name, reasons) or "not explained", []).append(name)
    for why, group in sorted(by_reason.items(), key=lambda item: -sum(uses[name] for name in item[1])):
        listed = " ".join(f"`{name.removeprefix('torch.')}`" for name in group)
        lines.append(f"| {listed} | {sum(uses[name] for name in group)} | {why} |")
    return [*lines, ""]


def incomplete(title: str, rows: list[Row]) -> list[str]:
    """The entries of a database that are missing or fail in part, with the first failure of each."""
    lines = [f"## {title} that are missing or differ in part", ""]
    partly = [row for row in rows if row["status"] not in ("pass", "empty")]
    if not partly:
        return [*lines, "None.", ""]
    lines += ["| entry | samples | first failure |", "|---|---|---|"]
    for row in sorted(partly, key=lambda row: int(row["samples_ok"]) - int(row["samples_total"])):
        name = f"{row['name']} {row['variant']}".strip()
        failure = row["first_failure"].replace("|", "/")[:110]
        lines.append(f"| `{name}` | {row['samples_ok']} of {row['samples_total']} | {failure} |")
    return [*lines, ""]


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
