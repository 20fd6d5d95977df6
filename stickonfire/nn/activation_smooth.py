"""Smooth activations: sigmoid, tanh, GELU, SiLU, ELU and their kin.

Room: nn. May import: eager, this room. Every layer is its function in nn.functional with settings kept.
"""
from __future__ import annotations

from ..eager import Tensor
from ..eager import functional as F
from .activation_relu import InplaceActivation, inplace_suffix
from .module import Module


class Sigmoid(Module):
    """1 / (1 + exp(-x)), element by element.

    Shape: (*) -> (*).   Source: PyTorch `nn.Sigmoid`.

    >>> from stickonfire import nn, tensor
    >>> nn.Sigmoid()(tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.sigmoid()


class Tanh(Module):
    """tanh(x), element by element.

    Shape: (*) -> (*).   Source: PyTorch `nn.Tanh`.

    >>> from stickonfire import nn, tensor
    >>> nn.Tanh()(tensor([0.0, 2.0]))
    tensor([0.0000, 0.9640])
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.tanh()


class LogSigmoid(Module):
    """log(1 / (1 + exp(-x))), computed without overflow.

    Shape: (*) -> (*).   Source: PyTorch `nn.LogSigmoid`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Softsign(Module):
    """x / (1 + |x|), element by element.

    Shape: (*) -> (*).   Source: PyTorch `nn.Softsign`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x), element by element.

    Shape: (*) -> (*).   Source: PyTorch `nn.Tanhshrink`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


class SiLU(InplaceActivation):
    """x * sigmoid(x), also called swish.

    Shape: (*) -> (*).   Source: Hendrycks & Gimpel 2016; PyTorch `nn.SiLU`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, inplace=self.inplace)


class Mish(InplaceActivation):
    """x * tanh(softplus(x)).

    Shape: (*) -> (*).   Source: Misra 2019; PyTorch `nn.Mish`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, inplace=self.inplace)


class SELU(InplaceActivation):
    """scale * (max(0, x) + min(0, alpha * (exp(x) - 1))), alpha and scale such that mean and variance stay.

    Shape: (*) -> (*).   Source: Klambauer et al. 2017; PyTorch `nn.SELU`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, inplace=self.inplace)


class ELU(Module):
    """x for x > 0, alpha * (exp(x) - 1) otherwise.

    Shape: (*) -> (*).   Source: Clevert et al. 2015; PyTorch `nn.ELU`.
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}{inplace_suffix(self)}"


class CELU(Module):
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1)).

    Shape: (*) -> (*).   Source: Barron 2017; PyTorch `nn.CELU`.
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}{inplace_suffix(self)}"


class GELU(Module):
    """x * Phi(x), Phi being the normal distribution function, or its tanh approximation.

    Shape: (*) -> (*).   Source: Hendrycks & Gimpel 2016; PyTorch `nn.GELU`.

    >>> from stickonfire import nn, tensor
    >>> nn.GELU()(tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta, and x itself where beta * x > threshold.

    Shape: (*) -> (*).   Source: PyTorch `nn.Softplus`.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class GLU(Module):
    """a * sigmoid(b), a and b being the halves of x along `dim`.

    Shape: (*, 2 n, *) -> (*, n, *).   Source: Dauphin et al. 2016; PyTorch `nn.GLU`.
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
