"""Losses of a prediction against a target: squared errors, likelihoods, cross-entropies.

Room: nn. May import: eager, this room. `reduction` is "mean" (the default), "sum" or "none".
"""
from __future__ import annotations

from ..eager import Tensor
from ..eager import functional as F
from .loss_base import Loss, WeightedLoss


class L1Loss(Loss):
    """|input - target|.

    Shape: (*), (*) -> () or (*).   Source: PyTorch `nn.L1Loss`.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(Loss):
    """(input - target)^2.

    Shape: (*), (*) -> () or (*).   Source: PyTorch `nn.MSELoss`.

    >>> from stickonfire import nn, tensor
    >>> nn.MSELoss()(tensor([1.0, 2.0]), tensor([1.0, 4.0]))
    tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """d^2 / (2 beta) for d = |input - target| < beta, d - beta / 2 otherwise.

    Shape: (*), (*) -> () or (*).
    Source: Girshick 2015; PyTorch `nn.SmoothL1Loss`.
    """

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None,
                 reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """d^2 / 2 for d = |input - target| < delta, delta * (d - delta / 2) otherwise.

    Shape: (*), (*) -> () or (*).   Source: PyTorch `nn.HuberLoss`.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        if not isinstance(delta, (float, int)):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class NLLLoss(WeightedLoss):
    """-weight[y] * input[y]: the negative log-likelihood of the right class, for log-probabilities.

    Shape: (N, C, *), (N, *) of classes -> () or (N, *).
    Source: PyTorch `nn.NLLLoss`.
    """

    def __init__(self, weight: Tensor | None = None, size_average: bool | None = None,
                 ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, weight=self.weight, ignore_index=self.ignore_index,
                          reduction=self.reduction)


class CrossEntropyLoss(WeightedLoss):
    """-log softmax(input)[y], for logits; targets are classes or probabilities of classes.

    Shape: (N, C, *), (N, *) of classes or (N, C, *) of probabilities -> () or (N, *).
    Source: PyTorch `nn.CrossEntropyLoss`.

    >>> from stickonfire import nn, tensor
    >>> nn.CrossEntropyLoss()(tensor([[0.0, 0.0]]), tensor([1]))
    tensor(0.6931)
    """

    def __init__(self, weight: Tensor | None = None, size_average: bool | None = None,
                 ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean",
                 label_smoothing: float = 0.0) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(input, target, weight=self.weight, ignore_index=self.ignore_index,
                               reduction=self.reduction, label_smoothing=self.label_smoothing)


class BCELoss(WeightedLoss):
    """-(t log(x) + (1 - t) log(1 - x)), for probabilities; the logarithms are limited to -100.

    Shape: (*), (*) -> () or (*).
    Source: PyTorch `nn.BCELoss`.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Loss):
    """Binary cross-entropy of sigmoid(x), computed without overflow.

    `pos_weight` multiplies the terms with target 1.

    Shape: (*), (*) -> () or (*).
    Source: PyTorch `nn.BCEWithLogitsLoss`.
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, size_average: bool | None = None,
                 reduce: bool | None = None, reduction: str = "mean",
                 pos_weight: Tensor | None = None) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(input, target, self.weight, pos_weight=self.pos_weight,
                                                  reduction=self.reduction)


class KLDivLoss(Loss):
    """t * (log(t) - x), for log-probabilities x; `log_target`: the target is a logarithm too.

    Shape: (*), (*) -> () or (*). `reduction` may also be "batchmean".
    Source: PyTorch `nn.KLDivLoss`.
    """

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None,
                 reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(Loss):
    """exp(x) - t * x, or x - t * log(x + eps) if the input is no logarithm.

    Shape: (*), (*) -> () or (*).
    Source: PyTorch `nn.PoissonNLLLoss`.
    """

    def __init__(self, log_input: bool = True, full: bool = False, size_average: bool | None = None,
                 eps: float = 1e-8, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(log_input, target, log_input=self.log_input, full=self.full,
                                  eps=self.eps, reduction=self.reduction)


class GaussianNLLLoss(Loss):
    """(log(var) + (x - t)^2 / var) / 2, var being at least eps; `full` adds log(2 pi) / 2.

    Shape: (*), (*), var as input or broadcast in the last dimension -> () or (*).
    Source: Nix & Weigend 1994; PyTorch `nn.GaussianNLLLoss`.
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(None, None, reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps,
                                   reduction=self.reduction)
