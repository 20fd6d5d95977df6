"""Recurrent layers over whole sequences: RNN, LSTM, GRU.

Room: nn. May import: eager, this room. The arithmetic is in ops/recurrent.py; here are parameters, checks and the
forms of input: batches, single sequences, packed sequences. Single steps are in recurrent_cells.py.
"""
from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from ..eager import Tensor, empty, zeros
from ..eager.autocast import autocasting
from ..eager.functional import recurrent as kernels
from . import init
from .module import Module
from .parameter import Parameter
from .utils.rnn import PackedSequence

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """What the recurrent layers share: parameters `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, ... and the checks.

    All start uniform on (-1/sqrt(hidden_size), 1/sqrt(hidden_size)).
    Shape: (L, N, D), (N, L, D) if batch_first, or (L, D) -> the same with H times directions as last size.
    Raises: TypeError and ValueError for bad arguments.   Source: PyTorch `nn.RNNBase`.
    """

    mode: str
    kernel: Any
    several = False         # whether there is more than one kind of state

    def __init__(self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_dropout(dropout)
        self._check_arguments()
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse")[:self._directions]:
                self._add_weights(layer, suffix, {"device": device, "dtype": dtype})
        self.reset_parameters()

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _check_dropout(self, dropout: Any) -> None:
        if not isinstance(dropout, numbers.Real) or not 0 <= dropout <= 1 or isinstance(dropout, bool):
            raise ValueError("dropout should be a number in range [0, 1] representing the probability of an element "
                             "being zeroed")
        if dropout > 0 and self.num_layers == 1:
            warnings.warn("dropout option adds dropout after all but last recurrent layer, so non-zero dropout "
                          f"expects num_layers greater than 1, but got dropout={dropout} and "
                          f"num_layers={self.num_layers}", stacklevel=4)

    def _check_arguments(self) -> None:
        for name, kind in (("bias", bool), ("batch_first", bool), ("input_size", int), ("hidden_size", int)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
            if kind is int and value <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in GATES:
            raise ValueError("Unrecognized RNN mode: " + self.mode)

    def _add_weights(self, layer: int, suffix: str, factory: dict[str, Any]) -> None:
        rows, width = GATES[self.mode] * self.hidden_size, self.proj_size or self.hidden_size
        inputs = width * self._directions if layer else self.input_size
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, inputs), "weight_hh": (rows, width)}
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        for name, shape in shapes.items():
            setattr(self, f"{name}_l{layer}{suffix}", Parameter(empty(shape, **factory)))
        self._all_weights.append([f"{name}_l{layer}{suffix}" for name in shapes])

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Parameter]:
        return [getattr(self, name) for name in self._flat_weights_names]

    def flatten_parameters(self) -> None:
        """Does nothing: on the CPU the parameters lie as they are needed."""

    def reset_parameters(self) -> None:
        """Draws all parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def extra_repr(self) -> str:
        usual = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0,
                 "bidirectional": False}
        parts = [f"{name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return ", ".join([str(self.input_size), str(self.hidden_size), *parts])

    # -- forward ----------------------------------------------------------------------------------------

    def forward(self, input: Any, hx: Any = None) -> Any:
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        self._check_dims(input, hx)
        batched = input.dim() == 3
        if not batched:
            input = input.unsqueeze(0 if self.batch_first else 1)
            hx = self._each(hx, lambda state: state.unsqueeze(1))
        batch = input.shape[0 if self.batch_first else 1]
        hx = self._first_states(input, batch) if hx is None else hx
        self.check_forward_args(input, hx, None)
        out, *ends = self.kernel(input, hx, self._flat_weights, self.bias, self.num_layers, self.dropout,
                                 self.training, self.bidirectional, self.batch_first)
        if not batched:
            out, ends = out.squeeze(0 if self.batch_first else 1), [end.squeeze(1) for end in ends]
        return out, self._joined(ends)

    def _forward_packed(self, packed: PackedSequence, hx: Any) -> Any:
        data, batch_sizes, order, back = packed
        if hx is None:
            hx = self._first_states(data, int(batch_sizes[0]))
        else:
            hx = self.permute_hidden(hx, order)
        self.check_forward_args(data, hx, batch_sizes)
        out, *ends = self.kernel(data, batch_sizes, hx, self._flat_weights, self.bias, self.num_layers, self.dropout,
                                 self.training, self.bidirectional)
        return PackedSequence(out, batch_sizes, order, back), self.permute_hidden(self._joined(ends), back)

    def _each(self, hx: Any, change: Any) -> Any:
        """A function applied to every state."""
        if hx is None:
            return None
        return tuple([change(state) for state in hx]) if self.several else change(hx)

    def _joined(self, ends: list[Any]) -> Any:
        return tuple(ends) if self.several else ends[0]

    def _first_states(self, input: Tensor, batch: int) -> Any:
        layers = self.num_layers * self._directions
        first = zeros((layers, batch, self.proj_size or self.hidden_size), dtype=input.dtype, device=input.device)
        if not self.several:
            return first
        return first, zeros((layers, batch, self.hidden_size), dtype=input.dtype, device=input.device)

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The states of the sequences in another order."""
        return hx if permutation is None else self._each(hx, lambda state: state.index_select(1, permutation))

    # -- checks -----------------------------------------------------------------------------------------

    def _check_dims(self, input: Tensor, hx: Any) -> None:
        name = self._family
        if input.dim() not in (2, 3):
            raise ValueError(f"{name}: Expected input to be 2D or 3D, got {input.dim()}D"
                             f"{' tensor' if name == 'RNN' else ''} instead")
        if hx is None:
            return
        dims = [state.dim() for state in (hx if self.several else (hx,))]
        if any(n != input.dim() for n in dims):
            form = "batched 3-D" if input.dim() == 3 else "unbatched 2-D"
            raise RuntimeError(self._dims_text(form, input.dim(), dims))

    def _dims_text(self, form: str, wanted: int, dims: list[int]) -> str:
        return f"For {form} input, hx should also be {wanted}-D but got {dims[0]}-D tensor"

    @property
    def _family(self) -> str:
        return self.mode.partition("_")[0]

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raises ValueError for another dtype than the weights', RuntimeError for wrong sizes."""
        kind = self._flat_weights[0].dtype
        if input.dtype != kind and not autocasting.enabled:
            raise ValueError(f"RNN input dtype ({input.dtype}) does not match weight dtype ({kind}). Convert input: "
                             f"input.to({kind}), or convert model: model.to({input.dtype})")
        wanted = 3 if batch_sizes is None else 2
        if input.dim() != wanted:
            raise RuntimeError(f"input must have {wanted} dimensions, got {input.dim()}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got "
                               f"{input.shape[-1]}")

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """(layers * directions, sequences, size of h)."""
        batch = input.shape[0 if self.batch_first else 1] if batch_sizes is None else int(batch_sizes[0])
        return self.num_layers * self._directions, batch, self.proj_size or self.hidden_size

    def check_hidden_size(self, hx: Tensor, expected_hidden_size: tuple[int, int, int],
                          msg: str = "Expected hidden size {}, got {}") -> None:
        """Raises RuntimeError unless a state has the size expected."""
        if tuple(hx.shape) != tuple(expected_hidden_size):
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.shape)))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raises RuntimeError or ValueError for what does not fit the layer."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))


class RNN(RNNBase):
    """Elman's recurrence: h' = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh), or relu.

    Shape: (L, N, D), (layers, N, H) -> (L, N, H), (layers, N, H); N first with `batch_first`; no N for one sequence.
    Source: Elman 1990; PyTorch `nn.RNN`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> out, last = nn.RNN(3, 5)(stickonfire.ones(7, 2, 3))
    >>> out.shape, last.shape
    (torch.Size([7, 2, 5]), torch.Size([1, 2, 5]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refuse_projection(kwargs)
        if len(args) > 3:
            self.nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            self.nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if self.nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{self.nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{self.nonlinearity.upper()}", *args, **kwargs)

    def kernel(self, *args: Any) -> Any:
        return (kernels.rnn_relu if self.mode == "RNN_RELU" else kernels.rnn_tanh)(*args)


class GRU(RNNBase):
    """Gated recurrent units: h' = (1 - z) n + z h, with gates r, z and n = tanh(x W_in^T + b_in + r (h W_hn^T + b_hn)).

    Shape: (L, N, D), (layers, N, H) -> (L, N, H), (layers, N, H); N first with `batch_first`; no N for one sequence.
    Source: Cho et al. 2014; PyTorch `nn.GRU`.

    >>> from stickonfire import nn
    >>> nn.GRU(3, 5, num_layers=2, bidirectional=True)
    GRU(3, 5, num_layers=2, bidirectional=True)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refuse_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)

    def kernel(self, *args: Any) -> Any:
        return kernels.gru(*args)


class LSTM(RNNBase):
    """Long short-term memory: c' = f c + i g, h' = o tanh(c'); with `proj_size` h' is projected by W_hr.

    Shape: (L, N, D), ((layers, N, H), (layers, N, H)) -> (L, N, H), the same two; N first with `batch_first`.
    Source: Hochreiter & Schmidhuber 1997; PyTorch `nn.LSTM`.

    >>> import stickonfire
    >>> from stickonfire import nn
    >>> out, (h, c) = nn.LSTM(3, 5, batch_first=True)(stickonfire.ones(2, 7, 3))
    >>> out.shape, h.shape, c.shape
    (torch.Size([2, 7, 5]), torch.Size([1, 2, 5]), torch.Size([1, 2, 5]))
    """

    several = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def kernel(self, *args: Any) -> Any:
        return kernels.lstm(*args)

    def forward(self, input: Any, hx: Any = None) -> Any:
        if hx is not None and len(hx) < 2:
            raise IndexError(f"LSTM: hx is a tuple of two states (h_0, c_0), but got {type(hx).__name__} of length "
                             f"{len(hx)}. Leave it out to begin with zeros")
        return super().forward(input, hx)

    def _dims_text(self, form: str, wanted: int, dims: list[int]) -> str:
        got = ", ".join(f"{n}-D" for n in dims)
        return f"For {form} input, hx and cx should also be {wanted}-D but got ({got}) tensors"

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """(layers * directions, sequences, size of c)."""
        layers, batch, _ = self.get_expected_hidden_size(input, batch_sizes)
        return layers, batch, self.hidden_size

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden[0], self.get_expected_hidden_size(input, batch_sizes),
                               "Expected hidden[0] size {}, got {}")
        self.check_hidden_size(hidden[1], self.get_expected_cell_size(input, batch_sizes),
                               "Expected hidden[1] size {}, got {}")


def refuse_projection(kwargs: dict[str, Any]) -> None:
    """Only LSTM has projections."""
    if "proj_size" in kwargs:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
