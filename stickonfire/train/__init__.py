"""Training: options, run folders, checkpoints, progress, the loop (floor 3; public API and viz/ only).

Next: `settings.py`, `lm.py`, `runs.py`.
"""

from .lm import Trainer, TrainingError, stop_on_signals
from .progress import make_progress
from .runs import RunError, RunFolder
from .settings import PRESETS, SettingsError, TrainSettings

__all__ = [
    "PRESETS",
    "RunError",
    "RunFolder",
    "SettingsError",
    "TrainSettings",
    "Trainer",
    "TrainingError",
    "make_progress",
    "stop_on_signals",
]
