"""Stacks of recurrent layers, and single steps of them: PyTorch's signatures over the ops in ops/recurrent.py.

Room: eager. Called by nn/recurrent.py and nn/recurrent_cells.py, and loaded with them (or at the first use of
`torch.lstm` and its kin): programs without recurrent layers don't pay for it. One product per layer and direction
projects the inputs of all steps.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ...ops import recurrent as _declared  # noqa: F401  (declares the ops)
from ..autocast import autocasting, in_float32
from ..tensor import Tensor
from .dropout import dropout as drop
from .fused import fused, linear

cat, stack = fused("cat"), fused("stack")
rnn_scan, gru_scan, lstm_scan = fused("rnn_scan"), fused("gru_scan"), fused("lstm_scan")


class Rows(NamedTuple):
    """Sequences as rows: of step 0, of step 1, ... `sizes`: how many each step has."""

    data: Any
    sizes: tuple[int, ...]

    def last(self, out: Any, reverse: bool) -> Any:
        """Of each sequence's rows the one that was computed last."""
        sizes = self.sizes
        if reverse:
            return out[:sizes[0]]
        if sizes[-1] == sizes[0]:
            return out[-sizes[0]:]
        parts, end = [], out.shape[0]
        for size, left in zip(sizes[::-1], (0, *sizes[:0:-1])):     # sequences end where fewer rows are left
            start = end - size
            if size > left:
                parts.append(out[start + left:end])
            end = start
        return cat(tuple(parts))


Layer = Callable[[Rows, tuple[Any, ...], Any, tuple[Any, ...], bool], tuple[Any, ...]]


def _both(b_ih: Any, b_hh: Any) -> Any:
    return b_ih + b_hh if b_ih is not None else None


def _alike(kind: Any, *tensors: Any) -> tuple[Any, ...]:
    """The tensors in one dtype under autocast, where the input's projection has another one than the state."""
    if not autocasting.enabled:
        return tensors
    return tuple([None if t is None else t.to(kind) for t in tensors])


def _elman(relu: bool) -> Layer:
    def layer(rows: Rows, states: tuple[Any, ...], w_hr: Any, weights: tuple[Any, ...], reverse: bool) -> tuple:
        w_ih, w_hh, b_ih, b_hh = weights
        x = linear(rows.data, w_ih, _both(b_ih, b_hh))
        h, w_hh = _alike(x.dtype, states[0], w_hh)
        return (rnn_scan(x, h, w_hh, sizes=rows.sizes, reverse=reverse, relu=relu),)
    return layer


def _gru(rows: Rows, states: tuple[Any, ...], w_hr: Any, weights: tuple[Any, ...], reverse: bool) -> tuple:
    w_ih, w_hh, b_ih, b_hh = weights
    x, w_hh, b_hh = _alike(states[0].dtype, linear(rows.data, w_ih, b_ih), w_hh, b_hh)
    return (gru_scan(x, states[0], w_hh, b_hh, sizes=rows.sizes, reverse=reverse),)


def _lstm(rows: Rows, states: tuple[Any, ...], w_hr: Any, weights: tuple[Any, ...], reverse: bool) -> tuple:
    w_ih, w_hh, b_ih, b_hh = weights
    x = linear(rows.data, w_ih, _both(b_ih, b_hh))
    h, c, w_hh, w_hr = _alike(x.dtype, *states, w_hh, w_hr)
    return lstm_scan(x, h, c, w_hh, w_hr, sizes=rows.sizes, reverse=reverse)


def run_stack(layer: Layer, rows: Rows, states: Sequence[Any], params: Sequence[Any], has_biases: bool, layers: int,
              dropout: float, train: bool, bidirectional: bool) -> tuple[Any, ...]:
    """The last layer's output rows, and for each kind of state those at the ends, (layers * directions, B, *)."""
    directions = 2 if bidirectional else 1
    per = len(params) // (layers * directions)
    ends: list[list[Any]] = [[] for _ in states]
    for depth in range(layers):
        outs = []
        for direction in range(directions):
            place = depth * directions + direction
            weights = _unpacked(params[place * per:(place + 1) * per], has_biases)
            first = tuple([state[place] for state in states])
            results = layer(rows, first, weights[4], weights[:4], direction == 1)
            outs.append(results[0])
            for end, result in zip(ends, results):
                end.append(rows.last(result, direction == 1))
        data = outs[0] if directions == 1 else cat(tuple(outs), 1)
        if dropout and train and depth < layers - 1:
            data = drop(data, dropout, True)
        rows = Rows(data, rows.sizes)
    return (rows.data, *[stack(tuple(end)) for end in ends])


def _unpacked(params: Sequence[Any], has_biases: bool) -> tuple[Any, ...]:
    """(w_ih, w_hh, b_ih, b_hh, w_hr), None where there is none."""
    w_ih, w_hh, *rest = params
    b_ih, b_hh = rest[:2] if has_biases else (None, None)
    more = rest[2:] if has_biases else rest
    return w_ih, w_hh, b_ih, b_hh, more[0] if more else None


def _over_time(layer: Layer, input: Any, states: Sequence[Any], params: Sequence[Any], has_biases: bool, layers: int,
               dropout: float, train: bool, bidirectional: bool, batch_first: bool) -> tuple[Any, ...]:
    """The same for sequences of equal length in one tensor, (L, B, *) or (B, L, *)."""
    if batch_first:
        input = input.transpose(0, 1)
    length, batch, features = input.shape
    if length == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN. The input has shape "
                           f"{list(input.shape)} as (L, N, features); leave empty sequences out")
    if batch == 0:
        return _empty(layer, input, states, params, has_biases, layers, bidirectional, batch_first)
    rows = Rows(input.reshape((length * batch, features)), (batch,) * length)
    out, *ends = run_stack(layer, rows, states, params, has_biases, layers, dropout, train, bidirectional)
    out = out.reshape((length, batch, out.shape[1]))
    return (out.transpose(0, 1) if batch_first else out, *ends)


def _empty(layer: Layer, input: Any, states: Sequence[Any], params: Sequence[Any], has_biases: bool, layers: int,
           bidirectional: bool, batch_first: bool) -> tuple[Any, ...]:
    """No sequences: results without elements, in the graph of nothing but the states."""
    width = states[0].shape[-1] * (2 if bidirectional else 1)
    out = input.new_empty((input.shape[0], 0, width))
    return (out.transpose(0, 1) if batch_first else out, *[state.clone() for state in states])


_SHARED = ("hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional")
PACKED = ("data", "batch_sizes", *_SHARED)
PADDED = ("input", *_SHARED, "batch_first")
_KINDS = {"data": Tensor, "input": Tensor, "batch_sizes": Tensor, "params": (tuple, list), "has_biases": bool,
          "num_layers": int, "dropout": (float, int), "train": bool, "bidirectional": bool, "batch_first": bool}


def _bound(name: str, several: bool, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, list[Any]]:
    """The arguments in the order of the one of PyTorch's two signatures that they fit, and its first name.

    Raises: TypeError if they fit neither.
    """
    for names in (PACKED, PADDED):
        given = dict(zip(names, args))
        if len(args) > len(names) or given.keys() & kwargs.keys() or given.keys() | kwargs.keys() != set(names):
            continue
        given |= kwargs
        kinds: dict[str, Any] = {**_KINDS, "hx": (tuple, list) if several else Tensor}
        if all([isinstance(given[key], kinds[key]) for key in names]):
            return names[0], [given[key] for key in names]
    kinds_given = [type(a).__name__ for a in args] + [f"{key}={type(a).__name__}" for key, a in kwargs.items()]
    raise TypeError(f"{name}() received an invalid combination of arguments - got ({', '.join(kinds_given)}), but "
                    f"expected one of:\n * ({', '.join(PACKED)})\n * ({', '.join(PADDED)})\nwith hx "
                    f"{'(h, c)' if several else 'a tensor'}")


def _signatures(name: str, layer: Layer, several: bool = False) -> Callable[..., tuple[Any, ...]]:
    """A function with either of PyTorch's two signatures: with `batch_sizes` second the input is packed."""
    def call(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
        first, (input, *rest) = _bound(name, several, args, kwargs)
        if first == "input":
            hx, params, has_biases, layers, dropout, train, bidirectional, batch_first = rest
            return _over_time(layer, input, hx if several else (hx,), params, has_biases, layers, dropout, train,
                              bidirectional, batch_first)
        batch_sizes, hx, params, has_biases, layers, dropout, train, bidirectional = rest
        rows = Rows(input, tuple(batch_sizes.tolist()))
        return run_stack(layer, rows, hx if several else (hx,), params, has_biases, layers, dropout, train,
                         bidirectional)
    call.__name__ = call.__qualname__ = name
    return call


rnn_tanh = _signatures("rnn_tanh", _elman(False))
rnn_tanh.__doc__ = """Elman layers with tanh, of `(input, hx, params, has_biases, num_layers, dropout, train,
    bidirectional, batch_first)`, or packed: `(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train,
    bidirectional)`. Shape: (L, N, D), (layers, N, H) -> (L, N, H), (layers, N, H).

    Raises: TypeError for arguments that fit neither.   Source: PyTorch `rnn_tanh`.
    """
rnn_relu = _signatures("rnn_relu", _elman(True))
rnn_relu.__doc__ = """Elman layers with relu; arguments and shapes as of `rnn_tanh`. Source: PyTorch `rnn_relu`."""
gru = _signatures("gru", _gru)
gru.__doc__ = """GRU layers; arguments and shapes as of `rnn_tanh`. Source: PyTorch `gru`."""
lstm = _signatures("lstm", _lstm, True)
lstm.__doc__ = """LSTM layers; arguments as of `rnn_tanh`, with hx = (h, c), and c comes back too.

    Source: PyTorch `lstm`.
    """


# -- single steps ---------------------------------------------------------------------------------------

def _check_cell(input: Any, hx: Any, w_hh: Any) -> None:
    if input.shape[0] != hx.shape[0]:
        raise RuntimeError(f"Input batch size {input.shape[0]} doesn't match hidden batch size {hx.shape[0]}")
    if hx.shape[1] != w_hh.shape[1]:
        raise RuntimeError(f"hidden has inconsistent hidden_size: got {hx.shape[1]}, expected {w_hh.shape[1]}")


def _check_features(input: Any, w_ih: Any) -> None:
    if input.shape[1] != w_ih.shape[1]:
        raise RuntimeError(f"input has inconsistent input_size: got {input.shape[1]} expected {w_ih.shape[1]}")


def _elman_cell(input: Tensor, hx: Tensor, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, relu: bool) -> Any:
    _check_features(input, w_ih)
    _check_cell(input, hx, w_hh)
    x = linear(input, w_ih, _both(b_ih, b_hh))
    hx, w_hh = _alike(x.dtype, hx, w_hh)
    return rnn_scan(x, hx, w_hh, sizes=(x.shape[0],), relu=relu)


def rnn_tanh_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """tanh(x w_ih^T + b_ih + h w_hh^T + b_hh). Shape: (N, D), (N, H) -> (N, H).   Source: PyTorch `rnn_tanh_cell`."""
    return _elman_cell(input, hx, w_ih, w_hh, b_ih, b_hh, False)


def rnn_relu_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """relu(x w_ih^T + b_ih + h w_hh^T + b_hh). Shape: (N, D), (N, H) -> (N, H).   Source: PyTorch `rnn_relu_cell`."""
    return _elman_cell(input, hx, w_ih, w_hh, b_ih, b_hh, True)


@in_float32
def gru_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    """One step of a GRU. Shape: (N, D), (N, H) -> (N, H).   Source: Cho et al. 2014; PyTorch `gru_cell`."""
    _check_features(input, w_ih)
    _check_cell(input, hx, w_hh)
    x, w_hh, b_hh = _alike(hx.dtype, linear(input, w_ih, b_ih), w_hh, b_hh)
    return gru_scan(x, hx, w_hh, b_hh, sizes=(input.shape[0],))


@in_float32
def lstm_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> tuple[Any, Any]:
    """One step of an LSTM. Shape: (N, D), ((N, H), (N, H)) -> (N, H), (N, H).   Source: PyTorch `lstm_cell`."""
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    _check_features(input, w_ih)
    for state in hx:
        _check_cell(input, state, w_hh)
    x = linear(input, w_ih, _both(b_ih, b_hh))
    x, c, w_hh = _alike(hx[0].dtype, x, hx[1], w_hh)
    return lstm_scan(x, hx[0], c, w_hh, None, sizes=(x.shape[0],))
