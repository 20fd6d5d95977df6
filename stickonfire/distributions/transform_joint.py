"""Several transforms side by side along one dim: concatenated pieces and stacked slices.

Room: distributions. Called through `transforms.py` and the constraint registry. Imports the transforms' base.
"""
from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Sequence
from typing import Any

from .. import eager as torch
from ..eager import Tensor
from . import constraints
from .transform_base import Transform
from .utils import _sum_rightmost


class _JointTransform(Transform):
    """What both share: the parts, and how they act on pieces."""

    transforms: list[Any]
    dim: int

    def _take(self, tseq: Sequence[Transform], dim: int, cache_size: int) -> None:
        if not all(isinstance(t, Transform) for t in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        self.transforms = [t.with_cache(cache_size) if cache_size else t for t in tseq]
        self.dim = dim

    @property
    def bijective(self) -> Any:  # type: ignore[override]
        return all(t.bijective for t in self.transforms)

    def _pieces(self, z: Tensor) -> Sequence[Tensor]:
        raise NotImplementedError

    def _paired(self, *values: Tensor) -> Iterator[tuple[Any, ...]]:
        """Each transform with its pieces.   Raises: AssertionError for a value that does not divide so."""
        for value in values:
            if not -value.dim() <= self.dim < value.dim():
                raise AssertionError(f"dim {self.dim} out of range for tensor with {value.dim()} dimensions")
        return zip(self.transforms, *[self._pieces(value) for value in values])


class CatTransform(_JointTransform):
    """Applies `tseq[i]` to the i-th piece, `lengths[i]` long, along `dim`.   Source: PyTorch `CatTransform`.

    >>> from stickonfire.distributions import ExpTransform
    >>> CatTransform([ExpTransform(), ExpTransform().inv], lengths=[1, 1])(torch.tensor([0.0, 1.0]))
    tensor([1., 0.])
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None,
                 cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self._take(tseq, dim, cache_size)
        self.lengths = list(lengths) if lengths is not None else [1] * len(self.transforms)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match transforms ({len(self.transforms)})")

    @property
    def event_dim(self) -> int:
        return max(t.event_dim for t in self.transforms)

    @property
    def length(self) -> int:
        """The size along `dim`."""
        return sum(self.lengths)

    def _rebuilt(self, cache_size: int) -> Any:
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _pieces(self, z: Tensor) -> Sequence[Tensor]:
        if z.size(self.dim) != self.length:
            raise AssertionError(f"Size {z.size(self.dim)} at dim {self.dim} must equal total length {self.length}")
        return z.split(self.lengths, self.dim)

    def _call(self, x: Tensor) -> Tensor:
        return torch.cat([t(piece) for t, piece in self._paired(x)], dim=self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        return torch.cat([t.inv(piece) for t, piece in self._paired(y)], dim=self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        terms = [_sum_rightmost(t.log_abs_det_jacobian(a, b), self.event_dim - t.event_dim)
                 for t, a, b in self._paired(x, y)]
        dim = (self.dim - x.dim() if self.dim >= 0 else self.dim) + self.event_dim
        return torch.cat(terms, dim=dim) if dim < 0 else functools.reduce(operator.add, terms)

    @property
    def domain(self) -> Any:  # type: ignore[override]
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @property
    def codomain(self) -> Any:  # type: ignore[override]
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)


class StackTransform(_JointTransform):
    """Applies `tseq[i]` to the i-th slice along `dim`.   Source: PyTorch `StackTransform`.

    >>> from stickonfire.distributions import ExpTransform, identity_transform
    >>> StackTransform([ExpTransform(), identity_transform], dim=0)(torch.zeros(2))
    tensor([1., 0.])
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self._take(tseq, dim, cache_size)

    def _rebuilt(self, cache_size: int) -> Any:
        return StackTransform(self.transforms, self.dim, cache_size)

    def _pieces(self, z: Tensor) -> Sequence[Tensor]:
        if z.size(self.dim) != len(self.transforms):
            raise AssertionError(f"Size {z.size(self.dim)} at dim {self.dim} must equal number of transforms "
                                 f"{len(self.transforms)}")
        return list(z.unbind(self.dim))

    def _call(self, x: Tensor) -> Tensor:
        return torch.stack([t(part) for t, part in self._paired(x)], dim=self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        return torch.stack([t.inv(part) for t, part in self._paired(y)], dim=self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.stack([t.log_abs_det_jacobian(a, b) for t, a, b in self._paired(x, y)], dim=self.dim)

    @property
    def domain(self) -> Any:  # type: ignore[override]
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @property
    def codomain(self) -> Any:  # type: ignore[override]
        return constraints.stack([t.codomain for t in self.transforms], self.dim)
