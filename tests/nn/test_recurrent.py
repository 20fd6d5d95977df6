"""Recurrent layers and cells: shapes, names, errors, packed sequences, and every option against PyTorch."""
from __future__ import annotations

import copy
import itertools
import math
import warnings

import pytest

import stickonfire as sf
from stickonfire import nn
from stickonfire.nn.utils import rnn


def test_names_and_order_of_parameters():
    layer = nn.LSTM(2, 4, num_layers=2, bidirectional=True, proj_size=3)
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    names = [f"{part}_l{i}{s}" for i in range(2) for s in ("", "_reverse") for part in parts]
    assert [name for name, _ in layer.named_parameters()] == names == layer._flat_weights_names
    assert layer.weight_ih_l1.shape == (16, 6) and layer.weight_hr_l0.shape == (3, 4)
    assert len(layer.all_weights) == 4 and layer.flatten_parameters() is None
    assert repr(layer) == "LSTM(2, 4, proj_size=3, num_layers=2, bidirectional=True)"
    assert repr(nn.GRUCell(2, 3, bias=False)) == "GRUCell(2, 3, bias=False)"
    assert repr(nn.RNNCell(2, 3, nonlinearity="relu")) == "RNNCell(2, 3, nonlinearity=relu)"


def test_one_sequence_is_a_batch_of_one():
    x = sf.randn(5, 3)
    for layer in (nn.RNN(3, 4, nonlinearity="relu"), nn.GRU(3, 4), nn.LSTM(3, 4), nn.LSTM(3, 4, batch_first=True)):
        first = layer.batch_first
        out, state = layer(x)
        batched, states = layer(x.unsqueeze(0 if first else 1))
        assert out.tolist() == batched.squeeze(0 if first else 1).tolist()
        pairs = zip(state, states) if isinstance(state, tuple) else [(state, states)]
        assert all(a.tolist() == b.squeeze(1).tolist() for a, b in pairs)


def test_cells_are_layers_of_one_step():
    for name in ("RNN", "GRU", "LSTM"):
        layer, cell = getattr(nn, name)(3, 4), getattr(nn, f"{name}Cell")(3, 4)
        cell.load_state_dict({key.removesuffix("_l0"): value for key, value in layer.state_dict().items()})
        x = sf.randn(1, 2, 3)
        out, step = layer(x)[0][0], cell(x[0])
        step = step[0] if name == "LSTM" else step
        assert sf.allclose(out, step) and sf.allclose(cell(x[0, 0])[0] if name == "LSTM" else cell(x[0, 0]), step[0])


def test_packed_sequences_are_the_padded_ones_cut():
    x, lengths = sf.randn(4, 3, 2), [2, 4, 1]
    layer = nn.GRU(2, 3, num_layers=2, bidirectional=True)
    packed = rnn.pack_padded_sequence(x, sf.tensor(lengths), enforce_sorted=False)
    out, last = layer(packed)
    assert isinstance(out, rnn.PackedSequence) and out.batch_sizes.tolist() == [3, 2, 1, 1]
    padded, found = rnn.pad_packed_sequence(out, total_length=6, padding_value=-1.0)
    assert found.tolist() == lengths and padded.shape == (6, 3, 6) and bool((padded[2:, 0] == -1).all())
    for i, length in enumerate(lengths):
        alone, state = layer(x[:length, i])
        assert sf.allclose(padded[:length, i], alone, atol=1e-6) and sf.allclose(last[:, i], state, atol=1e-6)


def test_packing_and_back():
    parts = [sf.tensor([4.0, 5.0]), sf.tensor([1.0, 2.0, 3.0]), sf.tensor([6.0])]
    packed = rnn.pack_sequence(parts, enforce_sorted=False)
    assert packed.data.tolist() == [1, 4, 6, 2, 5, 3] and packed.sorted_indices.tolist() == [1, 0, 2]
    assert [p.tolist() for p in rnn.unpack_sequence(packed)] == [p.tolist() for p in parts]
    assert packed.double().data.dtype is sf.float64 and packed.to(sf.float32) is packed and not packed.is_cuda
    x = sf.ones(3, 2, requires_grad=True)
    rnn.pack_padded_sequence(x, [3, 1]).data.sum().backward()
    assert x.grad.tolist() == [[1, 1], [1, 0], [1, 0]]


ERRORS = [
    (lambda torch: torch.nn.LSTM(3, 0), "hidden_size must be greater than zero"),
    (lambda torch: torch.nn.LSTM(3, 2.0), "hidden_size should be of type int, got: float"),
    (lambda torch: torch.nn.GRU(0, 2), "input_size must be greater than zero"),
    (lambda torch: torch.nn.GRU(2, 2, 0), "num_layers must be greater than zero"),
    (lambda torch: torch.nn.GRU(2, 2, bias=1), "bias should be of type bool, got: int"),
    (lambda torch: torch.nn.GRU(2, 2, proj_size=1), "proj_size argument is only supported for LSTM"),
    (lambda torch: torch.nn.LSTM(2, 2, proj_size=2), "proj_size has to be smaller than hidden_size"),
    (lambda torch: torch.nn.LSTM(2, 2, proj_size=-1), "proj_size should be a positive integer or zero"),
    (lambda torch: torch.nn.RNN(2, 2, nonlinearity="gelu"), "Unknown nonlinearity 'gelu'. Select from"),
    (lambda torch: torch.nn.RNN(2, 2, dropout=2), "dropout should be a number in range"),
    (lambda torch: torch.nn.RNNBase("X", 2, 2), "Unrecognized RNN mode: X"),
    (lambda torch: torch.nn.RNN(2, 2)(torch.ones(2)), "RNN: Expected input to be 2D or 3D, got 1D"),
    (lambda torch: torch.nn.RNN(2, 2)(torch.ones(2, 2, 3)), "input.size(-1) must be equal to input_size. Expected 2"),
    (lambda torch: torch.nn.RNN(2, 2)(torch.ones(0, 2, 2)), "Expected sequence length to be larger than 0"),
    (lambda torch: torch.nn.RNN(2, 2)(torch.ones(2, 2).double()), "does not match weight dtype"),
    (lambda torch: torch.nn.GRU(2, 2)(torch.ones(3, 4, 2), torch.ones(1, 3, 2)), "Expected hidden size (1, 4, 2), got"),
    (lambda torch: torch.nn.GRU(2, 2)(torch.ones(3, 2), torch.ones(1, 3, 2)), "For unbatched 2-D input, hx should"),
    (lambda torch: torch.nn.LSTM(2, 2)(torch.ones(3, 1, 2), (torch.ones(1, 2), torch.ones(1, 2))), "hx and cx should"),
    (lambda torch: torch.nn.LSTM(2, 2)(torch.ones(3, 1, 2), (torch.ones(1, 1, 2), torch.ones(2, 1, 2))), "hidden[1]"),
    (lambda torch: torch.nn.RNNCell(2, 2)(torch.ones(1, 1, 2)), "RNNCell: Expected input to be 1D or 2D, got 3D"),
    (lambda torch: torch.nn.GRUCell(2, 2)(torch.ones(3, 3)), "input has inconsistent input_size: got 3 expected 2"),
    (lambda torch: torch.nn.GRUCell(2, 2)(torch.ones(3, 2), torch.ones(2, 2)), "Input batch size 3 doesn't match"),
    (lambda torch: torch.nn.LSTMCell(2, 2)(torch.ones(3, 2), (torch.ones(3, 3), torch.ones(3, 2))), "inconsistent"),
    (lambda torch: torch.nn.utils.rnn.pack_padded_sequence(torch.ones(3, 2), [1, 3]), "sorted in decreasing order"),
    (lambda torch: torch.nn.utils.rnn.pack_padded_sequence(torch.ones(3, 2), [3, 0]), "greater than 0"),
    (lambda torch: torch.nn.utils.rnn.pack_padded_sequence(torch.ones(3, 2), [3]), "equal to batch_size"),
    (lambda torch: torch.nn.utils.rnn.pack_padded_sequence(torch.ones(0, 2), [3, 1]), "Cannot pack empty tensors"),
    (lambda torch: torch.nn.utils.rnn.pad_packed_sequence(
        torch.nn.utils.rnn.pack_sequence([torch.ones(3)]), total_length=2), "Expected total_length to be at least"),
]


@pytest.mark.parametrize(("snippet", "text"), ERRORS)
def test_errors(snippet, text):
    with pytest.raises((ValueError, TypeError, RuntimeError)) as caught:
        snippet(sf)
    assert text in str(caught.value)


@pytest.mark.oracle
@pytest.mark.parametrize(("snippet", "text"), ERRORS)
def test_errors_are_pytorchs(snippet, text):
    torch = pytest.importorskip("torch")
    raised = []
    for lib in (torch, sf):
        with pytest.raises(Exception) as caught:
            snippet(lib)
        raised.append(caught)
    theirs, ours = raised
    assert type(ours.value) is type(theirs.value) and text in str(theirs.value)


OPTIONS = [
    *[(kind, {}) for kind in ("RNN", "GRU", "LSTM")],
    ("RNN", {"nonlinearity": "relu", "bidirectional": True}),
    ("RNN", {"num_layers": 2, "bias": False, "batch_first": True, "dropout": 0.5}),
    ("GRU", {"num_layers": 2, "bidirectional": True, "batch_first": True, "dropout": 0.3}),
    ("GRU", {"bias": False}),
    ("LSTM", {"num_layers": 2, "bidirectional": True, "dropout": 0.5}),
    ("LSTM", {"num_layers": 2, "bidirectional": True, "bias": False, "proj_size": 2}),
]


def run(lib, kind, options, lengths, given):
    """Results, gradients, and gradients of the gradients, all from the same seeds."""
    lib.manual_seed(1)
    layer = getattr(lib.nn, kind)(3, 4, **options).to(lib.float64)
    lib.manual_seed(2)
    first = options.get("batch_first", False)
    x = lib.tensor([[[math.sin(i + 3 * j + 7 * k) for i in range(3)] for j in range(3)] for k in range(4)],
                   dtype=lib.float64)
    x = (x.transpose(0, 1) if first else x).clone().requires_grad_()
    leaves, state = [x], None
    if given:
        rows = layer.num_layers * (2 if layer.bidirectional else 1)
        state = [lib.linspace(-1, 1, rows * 3 * size, dtype=lib.float64).reshape(rows, 3, size).requires_grad_()
                 for size in ((layer.proj_size or 4, 4) if kind == "LSTM" else (4,))]
        leaves += state
        state = tuple(state) if kind == "LSTM" else state[0]
    packing = lib.nn.utils.rnn
    packed = x if lengths is None else packing.pack_padded_sequence(x, lengths, first, enforce_sorted=False)
    out, last = layer(packed, state)
    out = out if lengths is None else packing.pad_packed_sequence(out, first)[0]
    outs = [out, *(last if kind == "LSTM" else (last,))]
    loss = sum((t * lib.arange(t.numel(), dtype=lib.float64).cos().reshape(t.shape)).sum() for t in outs)
    leaves += layer.parameters()
    grads = lib.autograd.grad(loss, leaves, create_graph=True)
    second = lib.autograd.grad(sum((g * g).sum() for g in grads), leaves)
    return layer, [*layer.parameters(), *outs, *grads, *second]


@pytest.mark.oracle
@pytest.mark.parametrize(("kind", "options"), OPTIONS)
def test_layers_are_pytorchs(kind, options):
    torch = pytest.importorskip("torch")
    for lengths, given in itertools.product((None, [2, 4, 3]), (False, True)):
        (theirs, wanted), (ours, found) = (run(lib, kind, options, lengths, given) for lib in (torch, sf))
        assert repr(ours) == repr(theirs) and list(ours.state_dict()) == list(theirs.state_dict())
        for a, b in zip(found, wanted, strict=True):
            assert tuple(a.shape) == tuple(b.shape)
            assert a.detach().flatten().tolist() == pytest.approx(b.detach().flatten().tolist(), rel=1e-9, abs=1e-9)


@pytest.mark.oracle
def test_functions_are_pytorchs():
    torch = pytest.importorskip("torch")
    for name, gates in (("rnn_tanh", 1), ("rnn_relu", 1), ("gru", 3), ("lstm", 4)):
        results = []
        for lib in (torch, sf):
            def make(*shape, lib=lib):
                return lib.linspace(-1, 1, math.prod(shape), dtype=lib.float64).reshape(shape)
            state = (make(1, 2, 4), make(1, 2, 4)) if name == "lstm" else make(1, 2, 4)
            params = (make(gates * 4, 3), make(gates * 4, 4), make(gates * 4), make(gates * 4))
            out = getattr(lib, name)(make(5, 2, 3), state, params, True, 1, 0.0, False, False, False)
            cell = getattr(lib, f"{name}_cell")(make(2, 3), tuple(t[0] for t in state) if name == "lstm" else state[0],
                                                *params)
            results.append([t.tolist() for t in [*out, *(cell if name == "lstm" else (cell,))]])
        assert sf.allclose(sf.tensor(results[0][0]), sf.tensor(results[1][0])) and len(results[0]) == len(results[1])
        for a, b in zip(*results):
            assert sf.allclose(sf.tensor(a), sf.tensor(b))


def test_autocast():
    pytest.importorskip("ml_dtypes")
    x = sf.ones(5, 2, 3)
    for name, kinds in (("RNN", (sf.bfloat16, sf.bfloat16)), ("GRU", (sf.float32, sf.float32)),
                        ("LSTM", (sf.bfloat16, sf.float32))):
        layer, cell = getattr(nn, name)(3, 4), getattr(nn, f"{name}Cell")(3, 4)
        with sf.autocast("cpu", dtype=sf.bfloat16):
            out, step = layer(x)[0], cell(x[0])
        assert (out.dtype, (step[0] if name == "LSTM" else step).dtype) == kinds
        assert sf.allclose(out.float(), layer(x)[0], atol=0.02)


def test_layers_survive_copies_dropout_and_conversion():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        layer = nn.GRU(2, 3, dropout=0.5)
    assert "non-zero dropout expects num_layers greater than 1" in str(caught[0].message)
    twin, x = copy.deepcopy(layer).double(), sf.ones(2, 1, 2)
    assert sf.allclose(twin(x.double())[0].float(), layer(x)[0]) and twin.weight_ih_l0 is not layer.weight_ih_l0
    assert layer(sf.ones(3, 0, 2))[0].shape == (3, 0, 3)


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["rnn_tanh", "rnn_relu", "gru", "lstm"])
def test_the_functions_take_keywords_as_pytorchs(name):
    theirs = pytest.importorskip("torch")
    gates = {"gru": 3, "lstm": 4}.get(name, 1)

    def run(m, packed):
        state = m.ones(1, 2, 3)
        shared = {"hx": (state, state) if name == "lstm" else state, "params": [m.ones(gates * 3, 3) / 9] * 2,
                  "has_biases": False, "num_layers": 1, "dropout": 0.0, "train": False, "bidirectional": False}
        call = getattr(m, name)
        if packed:
            outs = call(m.ones(3, 3), batch_sizes=m.tensor([2, 1]), **shared)
        else:
            outs = call(input=m.ones(4, 2, 3), batch_first=False, **shared)
        return [t.tolist() for t in outs]
    for packed in (False, True):
        for own, other in zip(run(sf, packed), run(theirs, packed), strict=True):
            theirs.testing.assert_close(theirs.tensor(own), theirs.tensor(other))
    for m in (sf, theirs):
        for args, kwargs in (((1,), {}), ((m.ones(4, 2, 3),), {"hx": m.ones(1, 2, 3), "width": 3})):
            with pytest.raises(TypeError, match="invalid combination of arguments|unexpected keyword"):
                getattr(m, name)(*args, **kwargs)


def test_an_lstm_says_that_it_wants_two_states():
    with pytest.raises(IndexError, match=r"\(h_0, c_0\), but got Tensor of length 1"):
        nn.LSTM(2, 3)(sf.ones(4, 1, 2), sf.ones(1, 1, 3))
