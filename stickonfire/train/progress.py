"""Progress of a long job: a live bar on a terminal where rich is installed, plain lines elsewhere.

Called by lm.py. Imports rich only when a bar is wanted, and nothing of ours. Both kinds have `update`,
`message` and work as context managers.
"""

import sys
import time
from typing import Any, Protocol

__all__ = ["PlainProgress", "Progress", "make_progress", "short_time"]

PLAIN_INTERVAL = 5.0  # seconds between two plain lines


class Progress(Protocol):
    """What the training loop needs to show how far it is."""

    def __enter__(self) -> "Progress": ...
    def __exit__(self, *exc: object) -> None: ...
    def update(self, step: int, loss: float, rate: float) -> None: ...
    def message(self, text: str) -> None: ...


def make_progress(total: int, done: int = 0, unit: str = "tokens/s") -> Progress:
    """A bar from `done` to `total` steps if rich and a terminal are there, else plain lines."""
    if sys.stdout.isatty():
        try:
            import rich.progress  # noqa: F401
        except ImportError:
            pass
        else:
            return RichProgress(total, done, unit)
    return PlainProgress(total, done, unit)


def short_time(seconds: float) -> str:
    """Minutes and seconds, with hours if there are any.

    Example:
        >>> short_time(65), short_time(3700)
        ('1:05', '1:01:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class PlainProgress:
    """A line every few seconds, for logs and pipes."""

    def __init__(self, total: int, done: int = 0, unit: str = "tokens/s") -> None:
        self.total, self.first, self.unit = total, done, unit
        self.started = self.shown = time.monotonic()

    def __enter__(self) -> "PlainProgress":
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def update(self, step: int, loss: float, rate: float) -> None:
        """Show the step's loss and the rate, if the last line is a while ago."""
        now = time.monotonic()
        if now - self.shown < PLAIN_INTERVAL and step < self.total:
            return
        self.shown = now
        left = (now - self.started) / max(step - self.first, 1) * (self.total - step)
        self.message(
            f"step {step}/{self.total}  loss {loss:.4f}  {rate:,.0f} {self.unit}  {short_time(left)} left"
        )

    def message(self, text: str) -> None:
        """Print a line at once."""
        print(text, flush=True)


class RichProgress:
    """A bar with loss, rate and time left that stays at the bottom; messages scroll above it."""

    def __init__(self, total: int, done: int = 0, unit: str = "tokens/s") -> None:
        from rich import progress as rp

        columns: list[Any] = [
            rp.TextColumn("step"),
            rp.MofNCompleteColumn(),
            rp.BarColumn(bar_width=None),
            rp.TextColumn("loss {task.fields[loss]:.4f}", style="bold"),
            rp.TextColumn("{task.fields[rate]:,.0f} " + unit),
            rp.TimeRemainingColumn(compact=True),
            rp.TextColumn("left"),
        ]
        self._bar = rp.Progress(*columns, refresh_per_second=4)
        self._task = self._bar.add_task("", total=total, completed=done, loss=float("nan"), rate=0.0)

    def __enter__(self) -> "RichProgress":
        self._bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._bar.stop()

    def update(self, step: int, loss: float, rate: float) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=step, loss=loss, rate=rate)

    def message(self, text: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
