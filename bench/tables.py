"""Tables of the bench: as text for the terminal, as Markdown for README.md and docs/benchmarks.md."""
from pathlib import Path

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


def duration(seconds: float) -> str:
    """Seconds with three digits and a unit: 2.31 µs, 815 µs, 3.25 ms, 2.4 s."""
    for factor, unit in ((1e6, "µs"), (1e3, "ms"), (1, "s")):
        if seconds * factor < 1000 or unit == "s":
            return f"{seconds * factor:.3g} {unit}"
    raise AssertionError("the last unit always fits")


def as_text(rows: list[dict], frameworks: list[str], header: bool = True) -> str:
    """Lines for the terminal; the spread stands behind each median in per cent."""
    width = 52
    lines = []
    if header:
        names = "".join(f"{name:>20}" for name in frameworks)
        lines.append(f"{'one step':{width}}{names}{'ratio':>8}{'(rounds)':>15}{'target':>8}")
    for row in rows:
        cells = "".join(f"{duration(median):>12} ±{spread:4.0%}  "
                        for median, spread in zip(row["medians"], row["spreads"]))
        low, high = row["ratios"]
        lines.append(f"{row['title']:{width}}{cells}{row['ratio']:8.2f}{f'{low:.2f}-{high:.2f}':>15}"
                     f"{row['target']:8.2f}{'' if row['ratio'] <= row['target'] else '  above'}")
    return "\n".join(lines)


def as_markdown(rows: list[dict], spreads: bool = False) -> str:
    """A Markdown table; with `spreads` also how far the rounds lay apart."""
    lines = ["| one step | ours | PyTorch | ratio | target |" + (" ratio by round |" if spreads else ""),
             "|---|---|---|---|---|" + ("---|" if spreads else "")]
    for row in rows:
        ours, theirs = (duration(median) + (f" ±{spread:.0%}" if spreads else "")
                        for median, spread in zip(row["medians"], row["spreads"]))
        low, high = row["ratios"]
        lines.append(f"| {row['title']} | {ours} | {theirs} | {row['ratio']:.2f}x | {row['target']:.2f}x |"
                     + (f" {low:.2f}-{high:.2f} |" if spreads else ""))
    return "\n".join(lines)


def update(path: Path, content: str) -> None:
    """Replaces what stands between the markers of a Markdown file."""
    text = path.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not (found and closed):
        raise SystemExit(f"{path}: the markers {BEGIN} and {END} are missing")
    path.write_text(f"{before}{BEGIN}\n{content}\n{END}{after}", encoding="utf-8")
