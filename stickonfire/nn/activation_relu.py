"""Activations with a threshold: the ReLU family and piecewise linear functions.

Room: nn. May import: eager, this room. Every layer is its function in nn.functional with settings kept.
"""
from __future__ import annotations

import warnings
from typing import Any

from ..eager import Tensor, empty
from ..eager import functional as F
from .init import constant_
from .module import Module
from .parameter import Parameter


class InplaceActivation(Module):
    """What activations share that may write into their input and have no other setting."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


def inplace_suffix(module: Module) -> str:
    """What `repr` adds for a layer that writes into its input."""
    return ", inplace=True" if module.inplace else ""


class ReLU(InplaceActivation):
    """max(0, x), element by element.

    Shape: (*) -> (*).   Source: PyTorch `nn.ReLU`.

    >>> from stickonfire import nn, tensor
    >>> nn.ReLU()(tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, inplace=self.inplace)


class LeakyReLU(Module):
    """x for x > 0, negative_slope * x otherwise.

    Shape: (*) -> (*).   Source: Maas et al. 2013; PyTorch `nn.LeakyReLU`.

    >>> from stickonfire import nn, tensor
    >>> nn.LeakyReLU(0.1)(tensor([-1.0, 2.0]))
    tensor([-0.1000,  2.0000])
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}{inplace_suffix(self)}"


class PReLU(Module):
    """x for x > 0, weight * x otherwise, with a trained weight (one, or one per channel).

    Shape: (N, C, *) -> same.   Source: He et al. 2015; PyTorch `nn.PReLU`.

    >>> from stickonfire import nn, tensor
    >>> nn.PReLU()(tensor([-1.0, 2.0])).detach()
    tensor([-0.2500,  2.0000])
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Sets the slopes to their first value."""
        constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class RReLU(Module):
    """x for x > 0, a * x otherwise; a is drawn from (lower, upper) in training, their middle in evaluation.

    Shape: (*) -> (*).   Source: Xu et al. 2015; PyTorch `nn.RReLU`.
    """

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}{inplace_suffix(self)}"


class Hardtanh(Module):
    """x, limited to [min_val, max_val].

    Shape: (*) -> (*).   Raises: ValueError unless max_val > min_val.   Source: PyTorch `nn.Hardtanh`.

    >>> from stickonfire import nn, tensor
    >>> nn.Hardtanh()(tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False,
                 min_value: float | None = None, max_value: float | None = None) -> None:
        super().__init__()
        if min_value is not None:
            warnings.warn("keyword argument `min_value` is deprecated and rename to `min_val`", FutureWarning,
                          stacklevel=2)
            min_val = min_value
        if max_value is not None:
            warnings.warn("keyword argument `max_value` is deprecated and rename to `max_val`", FutureWarning,
                          stacklevel=2)
            max_val = max_value
        if max_val <= min_val:
            raise ValueError(f"max_val must be larger than min_val. Got min_val={min_val}, max_val={max_val}")
        self.min_val = min_val
        self.max_val = max_val
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}{inplace_suffix(self)}"


class ReLU6(Hardtanh):
    """min(max(0, x), 6), element by element.

    Shape: (*) -> (*).   Source: PyTorch `nn.ReLU6`.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Hardsigmoid(InplaceActivation):
    """min(max(0, x / 6 + 1 / 2), 1), element by element.

    Shape: (*) -> (*).   Source: PyTorch `nn.Hardsigmoid`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, inplace=self.inplace)

    def extra_repr(self) -> str:
        return ""


class Hardswish(InplaceActivation):
    """x * min(max(0, x / 6 + 1 / 2), 1), element by element.

    Shape: (*) -> (*).   Source: Howard et al. 2019; PyTorch `nn.Hardswish`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, inplace=self.inplace)

    def extra_repr(self) -> str:
        return ""


class Threshold(Module):
    """x for x > threshold, `value` otherwise.

    Shape: (*) -> (*).   Source: PyTorch `nn.Threshold`.
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}{inplace_suffix(self)}"


class Hardshrink(Module):
    """x for |x| > lambd, 0 otherwise.

    Shape: (*) -> (*).   Source: PyTorch `nn.Hardshrink`.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Softshrink(Module):
    """x moved towards 0 by lambd, and 0 for |x| <= lambd.

    Shape: (*) -> (*).   Source: PyTorch `nn.Softshrink`.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)
