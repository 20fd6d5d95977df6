"""Cholesky factors of random correlation matrices (Lewandowski, Kurowicka and Joe).

Room: distributions; public as `torch.distributions.lkj_cholesky`.
"""
from __future__ import annotations

import math
from typing import Any

from .. import eager as torch
from ..eager import Size, Tensor
from ..eager.functional import pad
from . import constraints
from .beta import Beta
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """L with L L^T a correlation matrix of density proportional to det^(concentration - 1).

    Raises: ValueError for dim below 2.   Source: PyTorch `LKJCholesky`; the onion method, 2009.

    >>> LKJCholesky(3, 1.0).sample().shape
    torch.Size([3, 3])
    """

    arg_constraints: Any = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    _parameters = ("concentration",)

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        rows = torch.arange(dim - 1, dtype=self.concentration.dtype, device=self.concentration.device)
        before = pad(rows, [1, 0])                      # for each row, the rows above it but the first
        top = self.concentration + 0.5 * (dim - 2)
        self._beta = Beta(before + 0.5, top.unsqueeze(-1) - 0.5 * before)
        super().__init__(self.concentration.size(), Size((dim, dim)), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._beta = self._beta.expand(new._batch_shape + (self.dim,))
        return new

    def sample(self, sample_shape: Any = Size()) -> Tensor:  # noqa: B008
        y = self._beta.sample(sample_shape).unsqueeze(-1)           # the squared length left of the diagonal
        shape = self._extended_shape(sample_shape)
        normals = torch.randn(shape, dtype=y.dtype, device=y.device).tril(-1)
        directions = normals / normals.norm(dim=-1, keepdim=True)
        directions[..., 0, :] = 0.0
        w = torch.sqrt(y) * directions
        diagonal = torch.clamp(1 - torch.sum(w**2, dim=-1), min=torch.finfo(w.dtype).tiny).sqrt()
        return w + torch.diag_embed(diagonal)

    def log_prob(self, value: Tensor) -> Tensor:
        diagonal = self._checked(value).diagonal(dim1=-1, dim2=-2)[..., 1:]
        rows = torch.arange(2, self.dim + 1, dtype=self.concentration.dtype, device=self.concentration.device)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - rows
        log_density = torch.sum(order * diagonal.log(), dim=-1)
        below = self.dim - 1
        alpha = self.concentration + 0.5 * below
        log_norm = (0.5 * below * math.log(math.pi) + torch.mvlgamma(alpha - 0.5, below)
                    - torch.lgamma(alpha) * below)
        return log_density - log_norm
