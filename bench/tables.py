"""Tables of the bench: as text for the terminal, as Markdown for README.md and docs/benchmarks.md."""
from pathlib import Path

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
MISSING = "-"


def duration(seconds: float) -> str:
    """Seconds with three digits and a unit: 2.31 µs, 815 µs, 3.25 ms, 2.4 s."""
    for factor, unit in ((1e6, "µs"), (1e3, "ms"), (1, "s")):
        if seconds * factor < 1000 or unit == "s":
            return f"{seconds * factor:.3g} {unit}"
    raise AssertionError("the last unit always fits")


def amount(row: dict, value: float | None) -> str:
    """A figure in its unit; a dash where nothing was measured."""
    if value is None:
        return MISSING
    return f"{value / 2 ** 20:.0f} MB" if row.get("of") == "memory" else duration(value)


def ratio(row: dict, digits: int = 2) -> str:
    return MISSING if row["ratio"] is None else f"{row['ratio']:.{digits}f}"


def target(row: dict) -> str:
    """What the row is held to: a ratio, or an amount of its own."""
    return amount(row, row["limit"]) if row.get("limit") else f"{row['target']:.2f}x"


def met(row: dict) -> bool:
    """Whether the target is reached."""
    if row.get("limit"):
        return bool(row["medians"][0] <= row["limit"])
    return row["ratio"] is None or bool(row["ratio"] <= row["target"])


def extras(rows: list[dict]) -> list[str]:
    """Names of the further columns: those of which any row has a figure."""
    return [name for name in ("torch.compile", "JAX") if any(name in row.get("others", {}) for row in rows)]


def as_text(rows: list[dict], frameworks: list[str], header: bool = True, others: tuple[str, ...] = ()) -> str:
    """Lines for the terminal; the spread stands behind each median in per cent."""
    width = 66
    lines = []
    if header:
        names = "".join(f"{name:>20}" for name in (*frameworks, *others))
        lines.append(f"{'one step':{width}}{names}{'ratio':>8}{'(rounds)':>15}{'target':>9}")
    for row in rows:
        cells = "".join(f"{MISSING:>20}" if median is None else f"{amount(row, median):>13} ±{spread:4.0%} "
                        for median, spread in zip(row["medians"], row["spreads"]))
        cells += "".join(f"{amount(row, row.get('others', {}).get(name)):>20}" for name in others)
        between = "-".join(f"{bound:.2f}" for bound in row["ratios"]) if row["ratio"] is not None else MISSING
        lines.append(f"{row['title']:{width}}{cells}{ratio(row):>8}{between:>15}{target(row):>9}"
                     f"{'' if met(row) else '  above'}")
    return "\n".join(lines)


def as_markdown(rows: list[dict], spreads: bool = False) -> str:
    """A Markdown table; with `spreads` also how far the rounds lay apart."""
    others = extras(rows)
    head = ["one step", "ours", "PyTorch", *others, "ratio", "target", *["ratio by round"] * spreads]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in rows:
        figures = [amount(row, median) + (f" ±{spread:.0%}" if spreads and median is not None else "")
                   for median, spread in zip(row["medians"], row["spreads"])]
        figures += [amount(row, row.get("others", {}).get(name)) for name in others]
        cells = [row["title"], *figures, ratio(row) + "x" * (row["ratio"] is not None), target(row)]
        if spreads:
            cells.append("-".join(f"{bound:.2f}" for bound in row["ratios"]) or MISSING)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def update(path: Path, content: str) -> None:
    """Replaces what stands between the markers of a Markdown file."""
    text = path.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not (found and closed):
        raise SystemExit(f"{path}: the markers {BEGIN} and {END} are missing")
    path.write_text(f"{before}{BEGIN}\n{content}\n{END}{after}", encoding="utf-8")
