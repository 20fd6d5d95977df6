"""All activations in one list, as `torch.nn.modules.activation` has them.

Room: nn. The layers are in activation_relu.py, activation_smooth.py and softmax.py, attention in
multihead.py.
"""
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .activation_relu import (
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    PReLU,
    ReLU,
    ReLU6,
    RReLU,
    Softshrink,
    Threshold,
)
from .activation_smooth import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    LogSigmoid,
    Mish,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
    Tanhshrink,
)
from .softmax import LogSoftmax, Softmax, Softmax2d, Softmin

if TYPE_CHECKING:
    from .multihead import MultiheadAttention

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "MultiheadAttention",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


def __getattr__(name: str) -> Any:
    if name != "MultiheadAttention":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return importlib.import_module(".multihead", __package__).MultiheadAttention
