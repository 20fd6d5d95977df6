"""Affine layers: Identity, Linear, Bilinear, LazyLinear.

Room: nn. May import: eager, this room.
"""
from __future__ import annotations

import math
from typing import Any

from ..eager import Tensor, empty, no_grad
from ..eager import functional as F
from ..eager.functional.fused import affine
from . import init
from .lazy import LazyModule
from .module import Module
from .parameter import Parameter, UninitializedParameter


class Identity(Module):
    """Returns its input. Arguments are accepted and ignored.

    Shape: (*) -> (*).   Source: PyTorch `nn.Identity`.

    >>> from stickonfire import nn
    >>> nn.Identity(54, unused=True)("anything")
    'anything'
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """y = x A^T + b, with weight A (out_features, in_features) and bias b (out_features).

    Both start uniform on (-1/sqrt(in_features), 1/sqrt(in_features)).

    Shape: (*, in_features) -> (*, out_features).   Source: PyTorch `nn.Linear`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> nn.Linear(3, 2)(stickonfire.ones(5, 3)).shape
    torch.Size([5, 2])
    """

    in_features: int
    out_features: int
    weight: Tensor
    bias: Tensor | None

    def __init__(self, in_features: int, out_features: int, bias: bool = True,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(empty((out_features, in_features), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return affine(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (f"in_features={self.in_features}, out_features={self.out_features}, "
                f"bias={self.bias is not None}")


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear under the name that PyTorch prints within attention layers.

    Shape: (*, in_features) -> (*, out_features).   Source: PyTorch `NonDynamicallyQuantizableLinear`.
    """


class Bilinear(Module):
    """y = x1^T A x2 + b, with one matrix A per output feature.

    Shape: (*, in1_features), (*, in2_features) -> (*, out_features).   Source: PyTorch `nn.Bilinear`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> nn.Bilinear(3, 4, 2)(stickonfire.ones(5, 3), stickonfire.ones(5, 4)).shape
    torch.Size([5, 2])
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, in1_features: int, in2_features: int, out_features: int, bias: bool = True,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = Parameter(empty((out_features, in1_features, in2_features), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws weight and bias anew."""
        if self.in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got (in1_features={self.in1_features})")
        bound = 1 / math.sqrt(self.weight.size(1))
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
                f"out_features={self.out_features}, bias={self.bias is not None}")


class LazyLinear(LazyModule, Linear):
    """A Linear that takes `in_features` from its first input and is a Linear from then on.

    Shape: (*, in_features) -> (*, out_features).   Source: PyTorch `nn.LazyLinear`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> layer = nn.LazyLinear(2)
    >>> _ = layer(stickonfire.ones(5, 3))
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    """

    cls_to_become = Linear  # type: ignore[assignment]

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        if self.has_uninitialized_params():
            with no_grad():
                self.in_features = input.shape[-1]
                self.weight.materialize((self.out_features, self.in_features))  # type: ignore[attr-defined]
                if self.bias is not None:
                    self.bias.materialize((self.out_features,))  # type: ignore[attr-defined]
                self.reset_parameters()
        if self.in_features == 0:
            if input.shape[-1] != self.weight.shape[-1]:
                raise AssertionError(f"The in_features inferred from input: {input.shape[-1]} is not equal to "
                                     f"in_features from self.weight: {self.weight.shape[-1]}")
            self.in_features = input.shape[-1]
