"""Normalisation within one sample: LayerNorm, RMSNorm, GroupNorm, LocalResponseNorm.

Room: nn. May import: eager, this room. Norms over the batch are in batchnorm.py.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..eager import Tensor, empty
from ..eager import functional as F
from . import init
from .module import Module
from .parameter import Parameter


def as_shape(shape: int | Sequence[int]) -> tuple[int, ...]:
    """A number as a shape of one dimension."""
    return (shape,) if isinstance(shape, int) else tuple(shape)


class ScaledNorm(Module):
    """What these layers share: a weight that starts at one and a bias that starts at zero, or neither."""

    weight: Tensor | None
    bias: Tensor | None

    def _add_parameters(self, shape: Any, weight: bool, bias: bool, **factory: Any) -> None:
        for name, wanted in (("weight", weight), ("bias", bias)):
            self.register_parameter(name, Parameter(empty(shape, **factory)) if wanted else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Sets weight to one and bias to zero."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class LayerNorm(ScaledNorm):
    """y = (x - mean) / sqrt(var + eps) * weight + bias, over the last dimensions; var is the biased variance.

    Shape: (*, *normalized_shape) -> same.   Source: Ba et al. 2016; PyTorch `nn.LayerNorm`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> nn.LayerNorm(2, elementwise_affine=False)(stickonfire.tensor([[1.0, 3.0]]))
    tensor([[-1.0000,  1.0000]])
    """

    def __init__(self, normalized_shape: int | Sequence[int], eps: float = 1e-5,
                 elementwise_affine: bool = True, bias: bool = True,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.normalized_shape = as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._add_parameters(self.normalized_shape, elementwise_affine, elementwise_affine and bias,
                             device=device, dtype=dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
                f"bias={self.bias is not None}")


class RMSNorm(Module):
    """y = x / sqrt(mean(x^2) + eps) * weight, over the last dimensions; eps None is the dtype's own.

    Shape: (*, *normalized_shape) -> same.   Source: Zhang & Sennrich 2019; PyTorch `nn.RMSNorm`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> nn.RMSNorm(2)(stickonfire.tensor([[3.0, 4.0]])).detach()
    tensor([[0.8485, 1.1314]])
    """

    weight: Tensor | None

    def __init__(self, normalized_shape: int | Sequence[int], eps: float | None = None,
                 elementwise_affine: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.normalized_shape = as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        if elementwise_affine:
            self.weight = Parameter(empty(self.normalized_shape, device=device, dtype=dtype))
        else:
            self.register_parameter("weight", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Sets the weight to one."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(ScaledNorm):
    """Like LayerNorm, over groups of channels and all positions, with weight and bias per channel.

    Shape: (N, C, *) -> same.   Raises: ValueError unless num_groups divides num_channels.
    Source: Wu & He 2018; PyTorch `nn.GroupNorm`.

    >>> from stickonfire import nn
    >>> nn.GroupNorm(3, 6)
    GroupNorm(3, 6, eps=1e-05, affine=True, bias=True)
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True,
                 device: Any = None, dtype: Any = None, *, bias: bool = True) -> None:
        super().__init__()
        if num_channels % num_groups != 0:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._add_parameters(num_channels, affine, affine and bias, device=device, dtype=dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
                f"bias={self.bias is not None}")


class LocalResponseNorm(Module):
    """y = x / (k + alpha * mean of x^2 over `size` neighbouring channels)^beta.

    Shape: (N, C, *) -> same.   Source: Krizhevsky et al. 2012; PyTorch `nn.LocalResponseNorm`.

    >>> from stickonfire import nn
    >>> nn.LocalResponseNorm(2)
    LocalResponseNorm(2, alpha=0.0001, beta=0.75, k=1.0)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
