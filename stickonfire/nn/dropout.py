"""Dropout and its variants: random zeros in training, nothing in evaluation.

Room: nn. May import: eager, this room.
"""
from __future__ import annotations

from ..eager import Tensor
from ..eager import functional as F
from .module import Module


class DropoutBase(Module):
    """What the variants share: the probability `p` of a zero.

    Raises: ValueError unless 0 <= p <= 1.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(DropoutBase):
    """Zeros each element with probability p and scales the others by 1 / (1 - p).

    Shape: (*) -> (*).   Source: Hinton et al. 2012; PyTorch `nn.Dropout`.

    >>> from stickonfire import nn, ones
    >>> nn.Dropout(0.5).eval()(ones(3))
    tensor([1., 1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(DropoutBase):
    """Zeros whole channels of sequences.

    Shape: (N, C, L) or (C, L) -> same.   Source: Tompson et al. 2015; PyTorch `nn.Dropout1d`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(DropoutBase):
    """Zeros whole channels of images.

    Shape: (N, C, H, W) -> same.   Source: Tompson et al. 2015; PyTorch `nn.Dropout2d`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(DropoutBase):
    """Zeros whole channels of volumes.

    Shape: (N, C, D, H, W) or (C, D, H, W) -> same.   Source: Tompson et al. 2015; PyTorch `nn.Dropout3d`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(DropoutBase):
    """Dropout for SELU networks: keeps mean and variance, dropped elements take SELU's lower limit.

    Shape: (*) -> (*).   Source: Klambauer et al. 2017; PyTorch `nn.AlphaDropout`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(DropoutBase):
    """AlphaDropout of whole channels.

    Shape: (N, C, *) -> same.   Source: Klambauer et al. 2017; PyTorch `nn.FeatureAlphaDropout`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training)
