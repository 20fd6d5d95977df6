"""All parameters as one vector, and back.

Room: nn. May import: eager.
"""
from __future__ import annotations

from collections.abc import Iterable

from ...eager import Tensor, cat
from ..typename import typename


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The parameters' elements in one vector, in order. Source: PyTorch `parameters_to_vector`.

    >>> from stickonfire import nn
    >>> parameters_to_vector(nn.Linear(3, 2).parameters()).shape
    torch.Size([8])
    """
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Makes slices of a vector the parameters' data. Source: PyTorch `vector_to_parameters`.

    Raises: TypeError if `vec` is no tensor.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {typename(vec)}")
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        parameter.data = vec[start:end].view_as(parameter).data
        start = end
