"""Optimizers under PyTorch's names: `torch.optim`. One file an algorithm; optimizer.py holds what they share.

`lr_scheduler` changes learning rates on the way; `swa_utils`, loaded when first used, averages weights.
May import: eager (swa_utils: nn too, whose Module it subclasses).
"""
import importlib
from typing import Any

from . import lr_scheduler
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam
from .adamax import Adamax
from .adamw import AdamW
from .asgd import ASGD
from .lbfgs import LBFGS
from .muon import Muon
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD

__all__ = ["ASGD", "LBFGS", "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Muon",
           "NAdam", "Optimizer", "RAdam", "RMSprop", "Rprop", "lr_scheduler", "swa_utils",
           "swap_in_optimizer_params_and_state"]


def __getattr__(name: str) -> Any:
    if name == "swa_utils":
        return importlib.import_module(f"{__name__}.swa_utils")
    if name == "swap_in_optimizer_params_and_state":
        return importlib.import_module(f"{__name__}.swap").swap_in_optimizer_params_and_state
    way_out = ": there are no sparse gradients; Adam takes dense ones" if name == "SparseAdam" else ""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{way_out}")
