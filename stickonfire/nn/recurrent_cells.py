"""Single steps of recurrent layers: RNNCell, LSTMCell, GRUCell.

Room: nn. May import: eager, this room. Whole sequences are quicker with recurrent.py.
"""
from __future__ import annotations

import math
from typing import Any

from ..eager import Tensor, empty
from ..eager.functional import recurrent as kernels
from . import init
from .module import Module
from .parameter import Parameter


class RNNCellBase(Module):
    """What the cells share: `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`, uniform on +-1/sqrt(hidden_size).

    Shape: (N, D), state (N, H) -> state (N, H).   Source: PyTorch `nn.RNNCellBase`.
    """

    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def __init__(self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(empty((rows, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(rows, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def extra_repr(self) -> str:
        parts = [str(self.input_size), str(self.hidden_size)]
        if self.bias is not True:
            parts.append(f"bias={self.bias}")
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            parts.append(f"nonlinearity={self.nonlinearity}")
        return ", ".join(parts)

    def _check(self, t: Tensor, name: str) -> None:
        if t.dim() not in (1, 2):
            raise ValueError(f"{type(self).__name__}: Expected {name} to be 1D or 2D, got {t.dim()}D instead")

    def _step(self, kernel: Any, input: Tensor, hx: Any) -> Any:
        return kernel(input, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)

    def _no_state(self, input: Tensor) -> Tensor:
        return input.new_zeros((input.shape[0], self.hidden_size))


class OneState(RNNCellBase):
    """A cell whose state is h alone."""

    def _kernel(self) -> Any:
        raise NotImplementedError

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        self._check(input, "input")
        if hx is not None:
            self._check(hx, "hidden")
        batched = input.dim() == 2
        if not batched:
            input = input.unsqueeze(0)
        if hx is None:
            hx = self._no_state(input)
        elif not batched:
            hx = hx.unsqueeze(0)
        out = self._step(self._kernel(), input, hx)
        return out if batched else out.squeeze(0)


class RNNCell(OneState):
    """h' = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh), or relu.

    Shape: (N, D), (N, H) -> (N, H), or without N.   Source: Elman 1990; PyTorch `nn.RNNCell`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> nn.RNNCell(3, 5)(stickonfire.ones(2, 3)).shape
    torch.Size([2, 5])
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh",
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def _kernel(self) -> Any:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return kernels.rnn_relu_cell if self.nonlinearity == "relu" else kernels.rnn_tanh_cell


class GRUCell(OneState):
    """One step of a gated recurrent unit; see `nn.GRU` for the formula.

    Shape: (N, D), (N, H) -> (N, H), or without N.   Source: Cho et al. 2014; PyTorch `nn.GRUCell`.

    >>> from stickonfire import nn
    >>> nn.GRUCell(3, 5, bias=False)
    GRUCell(3, 5, bias=False)
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def _kernel(self) -> Any:
        return kernels.gru_cell


class LSTMCell(RNNCellBase):
    """One step of long short-term memory; see `nn.LSTM` for the formula.

    Shape: (N, D), ((N, H), (N, H)) -> (N, H), (N, H), or without N.
    Source: Hochreiter & Schmidhuber 1997; PyTorch `nn.LSTMCell`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> h, c = nn.LSTMCell(3, 5)(stickonfire.ones(2, 3))
    >>> h.shape, c.shape
    (torch.Size([2, 5]), torch.Size([2, 5]))
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        self._check(input, "input")
        for place, state in enumerate(hx or ()):
            self._check(state, f"hx[{place}]")
        batched = input.dim() == 2
        if not batched:
            input = input.unsqueeze(0)
        if hx is None:
            none = self._no_state(input)
            hx = (none, none)
        elif not batched:
            hx = (hx[0].unsqueeze(0), hx[1].unsqueeze(0))
        h, c = self._step(kernels.lstm_cell, input, hx)
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))
