"""`torch.nn.modules`: PyTorch's names for the files that layers are in.

Room: nn. A list of names; programs that say `torch.nn.modules.linear.Linear` find it here.
"""
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import (
    activation,
    batchnorm,
    conv,
    distance,
    dropout,
    flatten,
    fold,
    linear,
    loss,
    module,
    normalization,
    padding,
    pooling,
)
from . import containers as container
from . import embedding as sparse
from . import shuffle as pixelshuffle
from . import upsample as upsampling
from .module import Module

__path__: list[str] = []        # so that `import torch.nn.modules.rnn` looks here

if TYPE_CHECKING:
    from . import adaptive, transformer
    from . import recurrent_names as rnn

LAZY = {"adaptive": "adaptive", "rnn": "recurrent_names", "transformer": "transformer"}      # PyTorch's name -> ours

__all__ = [
    "Module", "activation", "adaptive", "batchnorm", "container", "conv", "distance", "dropout",
    "flatten", "fold", "linear", "loss", "module", "normalization", "padding", "pixelshuffle",
    "pooling", "rnn", "sparse", "transformer", "upsampling",
]


def __getattr__(name: str) -> Any:
    if name in LAZY:
        return importlib.import_module(f".{LAZY[name]}", __package__)
    layer = getattr(importlib.import_module(__package__), name, None)       # torch.nn.modules.Linear
    if not isinstance(layer, type):
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return layer
