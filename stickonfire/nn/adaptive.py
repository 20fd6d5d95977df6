"""Softmax over very many classes, most of them rare: a head for the frequent ones, small tails for the others.

Room: nn. May import: eager, this room.
"""
from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from ..eager import Tensor, cat
from ..eager import functional as F
from .containers import ModuleList, Sequential
from .linear import Linear
from .module import Module

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """log-softmax of each sample's class, and the mean loss. Classes are sorted by frequency and cut at `cutoffs`.

    The head scores the first classes and one more for each cluster of rarer ones; cluster i has a projection to
    in_features / div_value^(i + 1).
    Shape: (N, in_features), (N) of classes, or without N -> output (N), loss ().
    Raises: ValueError for bad cutoffs, RuntimeError for inputs and targets that don't fit.
    Source: Grave et al. 2017; PyTorch `nn.AdaptiveLogSoftmaxWithLoss`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> layer = nn.AdaptiveLogSoftmaxWithLoss(32, 20, cutoffs=[5, 10])
    >>> layer(stickonfire.ones(3, 32), stickonfire.tensor([0, 7, 19])).output.shape
    torch.Size([3])
    """

    def __init__(self, in_features: int, n_classes: int, cutoffs: Sequence[int], div_value: float = 4.0,
                 head_bias: bool = False, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        _check_cutoffs(list(cutoffs), n_classes)
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, **factory)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(self._clusters()):
            hidden = int(in_features // div_value ** (i + 1))
            self.tail.append(Sequential(Linear(in_features, hidden, bias=False, **factory),
                                        Linear(hidden, high - low, bias=False, **factory)))

    def _clusters(self) -> list[tuple[int, int]]:
        """First class and end of each tail cluster."""
        return list(zip(self.cutoffs, self.cutoffs[1:]))

    def reset_parameters(self) -> None:
        """Draws all weights anew."""
        for layer in self.modules():
            if isinstance(layer, Linear):
                layer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> Any:
        self._check(input_, target_)
        single = target_.dim() == 0
        input, target = (input_.unsqueeze(0), target_.unsqueeze(0)) if single else (input_, target_)
        place, output = target, input.new_zeros(target.shape)
        for i, (low, high) in enumerate(self._clusters()):
            rows = ((target >= low) & (target < high)).nonzero().squeeze(1)
            if rows.numel():
                scores = F.log_softmax(self.tail[i](input.index_select(0, rows)), dim=1)
                own = scores.gather(1, (target[rows] - low).unsqueeze(1)).squeeze(1)
                output = output.index_add(0, rows, own)
                place = place.index_fill(0, rows, self.shortlist_size + i)
        head = F.log_softmax(self.head(input), dim=1)
        output = output + head.gather(1, place.unsqueeze(1)).squeeze(1)
        loss = (-output).mean()
        return _ASMoutput(output.squeeze(0) if single else output, loss)

    def _check(self, input: Tensor, target: Tensor) -> None:
        dims = target.dim()
        if dims > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported; "
                               f"got target {list(target.shape)}")
        if dims == 1 and input.shape[0] != target.shape[0]:
            raise RuntimeError("Input and target should have the same size in the batch dimension. They are "
                               f"{list(input.shape)} and {list(target.shape)}")
        if input.dim() != dims + 1:
            raise RuntimeError(f"{dims}D target tensor expects {dims + 1}D input tensors, but found inputs with size "
                               f"{input.size()}")
        if target.numel() and not (0 <= int(target.min()) and int(target.max()) < self.n_classes):
            raise RuntimeError(f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                               f"[{target.min().item()}, {target.max().item()}] were found. ")

    def _get_full_log_prob(self, input: Tensor, head_output: Tensor) -> Tensor:
        head = F.log_softmax(head_output, dim=1)
        parts = [head[:, :self.shortlist_size]]
        for i, tail in enumerate(self.tail):
            place = self.shortlist_size + i
            parts.append(F.log_softmax(tail(input), dim=1) + head[:, place:place + 1])
        return cat(parts, 1)

    def log_prob(self, input: Tensor) -> Tensor:
        """log-softmax of all classes. Shape: (N, in_features) -> (N, n_classes)."""
        return self._get_full_log_prob(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """The most likely class of each sample; tails are looked at only where the head points to one.

        Shape: (N, in_features) -> (N) of classes.
        """
        head_output = self.head(input)
        output = head_output.argmax(1)
        rare = (output >= self.shortlist_size).nonzero().squeeze(1)
        if rare.numel():
            full = self._get_full_log_prob(input[rare], head_output[rare])
            output = output.index_copy(0, rare, full.argmax(1))
        return output


def _check_cutoffs(cutoffs: list[Any], n_classes: int) -> None:
    if not cutoffs:
        raise ValueError("cutoffs should be a sequence of length larger than 0")
    if (cutoffs != sorted(set(cutoffs)) or cutoffs[0] <= 0 or cutoffs[-1] > n_classes - 1
            or any(int(c) != c for c in cutoffs)):
        raise ValueError("cutoffs should be a sequence of unique, positive integers sorted in an increasing order, "
                         f"where each value is between 1 and n_classes-1; got {cutoffs} for {n_classes} classes")
