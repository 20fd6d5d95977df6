"""Pictures of what happens in training and inside the framework (floor 3). Next: `curves.py`."""

from .curves import save_loss_curve

__all__ = ["save_loss_curve"]
