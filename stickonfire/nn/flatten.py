"""Flatten and Unflatten: a reshape as a layer.

Room: nn. May import: eager, this room.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..eager import Tensor
from .module import Module


class Flatten(Module):
    """Joins the dimensions from start_dim to end_dim.

    Shape: (N, *dims) -> (N, product of dims) by default.   Source: PyTorch `nn.Flatten`.

    >>> from stickonfire import nn, ones
    >>> nn.Flatten()(ones(2, 3, 4)).shape
    torch.Size([2, 12])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits dimension `dim` into several.

    Shape: (*, product of unflattened_size, *) -> (*, *unflattened_size, *).   Source: PyTorch `nn.Unflatten`.

    >>> from stickonfire import nn, ones
    >>> nn.Unflatten(1, (3, 4))(ones(2, 12)).shape
    torch.Size([2, 3, 4])
    """

    def __init__(self, dim: int | str, unflattened_size: Sequence[Any]) -> None:
        super().__init__()
        if isinstance(dim, str):
            raise TypeError("Unflatten: named dimensions are not supported, give `dim` as an int")
        require_ints(unflattened_size)
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


def require_ints(size: Any) -> None:
    """Raises: TypeError unless the size is a tuple or list of ints."""
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"unflattened_size must be a tuple of ints, but found type {type(size).__name__}")
    for position, element in enumerate(size):
        if not isinstance(element, int):
            raise TypeError("unflattened_size must be tuple of ints, but found element of type "
                            f"{type(element).__name__} at pos {position}")
