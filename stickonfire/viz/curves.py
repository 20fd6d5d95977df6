"""Loss curves as PNG files.

Called at the end of `stickonfire train`. matplotlib is imported here and nowhere else, and only when a curve
is drawn; without it there is no picture and nothing else changes.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["save_loss_curve"]


def save_loss_curve(records: Iterable[Mapping[str, Any]], path: str | Path, title: str = "") -> bool:
    """Draw training and validation loss over steps; False if matplotlib is not installed.

    `records` are those of log.jsonl: mappings with "step" and either "loss" or "val_loss".

    Example:
        >>> import tempfile
        >>> records = [{"step": 1, "loss": 2.0}, {"step": 1, "val_loss": 2.1}]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     drawn = save_loss_curve(records, folder + "/loss.png")
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    records = list(records)
    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    axes = figure.subplots()
    for key, label, style in (("loss", "training (one batch)", "-"), ("val_loss", "validation", "o-")):
        points = [(record["step"], record[key]) for record in records if key in record]
        if points:
            axes.plot(*zip(*points, strict=True), style, label=label, linewidth=1.2, markersize=4)
    axes.set_xlabel("step")
    axes.set_ylabel("loss in nats per token")
    axes.set_title(title)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend()
    FigureCanvasAgg(figure).print_png(str(path))
    return True
