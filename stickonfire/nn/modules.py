"""`torch.nn.modules`: PyTorch's names for the files that layers are in.

Room: nn. A list of names; programs that say `torch.nn.modules.linear.Linear` find it here.
"""
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

__all__ = [
    "Module", "activation", "batchnorm", "container", "conv", "distance", "dropout", "flatten", "fold", "linear",
    "loss", "module", "normalization", "padding", "pixelshuffle", "pooling", "sparse", "upsampling",
]
