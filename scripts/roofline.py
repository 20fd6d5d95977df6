#!/usr/bin/env python3
"""Measures each kernel of a compiled GPT step and writes the table in docs/performance.md.

    python scripts/roofline.py [--write]

The model is that of the benchmark "GPT 6 layers, 384 wide, 256 context, batch 8, AdamW". Equal kernels of different
layers are one row; times are the fastest of a few runs of each.
"""
from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

import stickonfire.compat  # noqa: E402

stickonfire.compat.install()

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- roofline:begin -->", "<!-- roofline:end -->"


def rows() -> tuple[list[str], str]:
    """The lines of the table, slowest first, and a line about the whole."""
    import torch
    from workloads import gpt_large

    from stickonfire.compiler.explain import measure, rates

    step = torch.compile(gpt_large.make(torch))
    for _ in range(3):
        step()
    variant = step.programs()[0]
    executable = variant.executable
    measured = measure(executable, variant.sample_arrays(executable))
    together = defaultdict(list)
    for row in measured:
        together[row.kernel, row.ops].append(row)
    bandwidth, peak = rates()
    total = sum(row.seconds for row in measured)
    lines = []
    for (kernel, ops), group in sorted(together.items(), key=lambda item: -sum(r.seconds for r in item[1])):
        seconds = sum(r.seconds for r in group)
        bound = "memory" if group[0].bytes / bandwidth > group[0].flops / peak else "arithmetic"
        share = sum(r.share() * r.seconds for r in group) / seconds
        lines.append(f"| {kernel} | {len(group)} | {seconds * 1e3:.2f} ms | {seconds / total:.1%} | {share:.0%} | "
                     f"{bound} | {ops} |")
    about = (f"{len(measured)} steps, {total * 1e3:.1f} ms in all, {executable.arena.nbytes / 1e6:.0f} MB of "
             f"temporaries, {executable.threads} threads; this machine copies {bandwidth / 1e9:.1f} GB/s and "
             f"multiplies {peak / 1e9:.0f} GFLOP/s.")
    return lines, about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--write", action="store_true", help="store the table in docs/performance.md")
    options = parser.parse_args()
    lines, about = rows()
    table = "\n".join([about, "", "| kernel | times | time | share | of the roofline | bound by | ops |",
                       "|---|---|---|---|---|---|---|", *lines])
    print(table)
    if options.write:
        text = PAGE.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
