#!/usr/bin/env python3
"""Prints lines of code, tokens and tokens per line for each room, against a budget, and names the giants.

Only lines that hold code count: no blanks, comments or docstrings. A file past 500 lines (all lines) or a
function past 60 is listed, for reading and not as a verdict. `--strict` turns the list into an exit status.

    python scripts/sizes.py [--strict] [FOLDER_OF_THE_PACKAGE]
"""
from __future__ import annotations

import argparse
import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "stickonfire"
MOST_LINES_OF_A_FILE = 500
MOST_LINES_OF_A_FUNCTION = 60
MOST_TOKENS_PER_LINE = 12.0
# Lines of code a room may grow to before someone should ask whether it is two rooms.
BUDGET = {
    "core": 1200, "codegen": 3500, "backends": 3500, "ops": 8000, "tape": 900, "eager": 5000,
    "compiler": 4000,
    "nn": 5000, "optim": 2000, "data": 1200, "distributions": 4000, "io": 1200, "distributed": 1500, "viz": 900,
    "models": 1500, "vision": 900, "text": 1800, "train": 1500, "compat": 500, "(single files)": 1500,
}
NOT_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
            tokenize.ENCODING, tokenize.ENDMARKER}


def docstring_lines(tree: ast.AST) -> set[int]:
    """Numbers of the lines that belong to docstrings."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) \
                    and isinstance(first.value.value, str):
                lines.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return lines


def count(source: str) -> tuple[int, int]:
    """Lines of code and tokens of one file."""
    skipped = docstring_lines(ast.parse(source))
    lines, tokens = set(), 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in NOT_CODE or token.start[0] in skipped:
            continue
        lines.update(range(token.start[0], token.end[0] + 1))
        tokens += 1
    return len(lines), tokens


def giants(package: Path) -> Iterator[str]:
    """One line for each file and each function that is too long."""
    for path in sorted(package.rglob("*.py")):
        source, where = path.read_text(encoding="utf-8"), path.relative_to(package.parent)
        length = source.count("\n")
        if length > MOST_LINES_OF_A_FILE:
            yield f"{where}: {length} lines"
        tree = ast.parse(source)
        documented = docstring_lines(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                own = set(range(node.lineno, (node.end_lineno or node.lineno) + 1)) - documented
                if len(own) > MOST_LINES_OF_A_FUNCTION:
                    yield f"{where}:{node.lineno}: {node.name} has {len(own)} lines"


def rooms(package: Path) -> dict[str, tuple[int, int, int]]:
    """Room -> files, lines of code, tokens; in the order of the budget."""
    totals: dict[str, tuple[int, int, int]] = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).parts
        room = parts[0] if len(parts) > 1 and parts[0] in BUDGET else "(single files)"
        lines, tokens = count(path.read_text(encoding="utf-8"))
        before = totals.get(room, (0, 0, 0))
        totals[room] = before[0] + 1, before[1] + lines, before[2] + tokens
    return {room: totals[room] for room in BUDGET if room in totals}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", nargs="?", type=Path, default=PACKAGE)
    parser.add_argument("--strict", action="store_true", help="exit with 1 if something is too long")
    options = parser.parse_args()
    table = rooms(options.package)
    table["total"] = tuple(map(sum, zip(*table.values()))) if table else (0, 0, 0)
    print(f"{'room':16}{'files':>6}{'lines':>8}{'budget':>8}{'tokens/line':>13}")
    over = []
    for room, (files, lines, tokens) in table.items():
        density, budget = tokens / max(lines, 1), BUDGET.get(room, sum(BUDGET.values()))
        marks = " dense" * (density > MOST_TOKENS_PER_LINE) + " over" * (lines > budget)
        print(f"{room:16}{files:6}{lines:8}{budget:8}{density:13.1f}{marks}")
        over += [room] if marks else []
    long = list(giants(options.package))
    print("\n".join(long) or "no file and no function is too long")
    return int(options.strict and bool(long or over))


if __name__ == "__main__":
    sys.exit(main())
