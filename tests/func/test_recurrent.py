"""vmap over recurrent layers: over inputs, over states, over weights; gradients for each sample."""
from __future__ import annotations

import pytest

import stickonfire as sf
from stickonfire import nn
from stickonfire.func import functional_call, grad, stack_module_state, vmap

LAYERS = [("RNN", {}), ("RNN", {"nonlinearity": "relu", "bidirectional": True}), ("GRU", {"bidirectional": True}),
          ("GRU", {"bias": False}), ("LSTM", {"bidirectional": True}), ("LSTM", {"proj_size": 2})]


@pytest.mark.parametrize(("kind", "options"), LAYERS)
def test_over_samples_and_over_layers(kind, options):
    layers = [getattr(nn, kind)(3, 4, **options).double() for _ in range(5)]
    x = sf.randn(5, 6, 2, 3).double()
    many = vmap(lambda t: layers[0](t)[0])(x)
    params, buffers = stack_module_state(layers)
    ensemble = vmap(lambda p, t: functional_call(layers[0], (p, buffers), (t,))[0])(params, x)
    for i, layer in enumerate(layers):
        assert sf.allclose(many[i], layers[0](x[i])[0]) and sf.allclose(ensemble[i], layer(x[i])[0])

    def loss(p, t):
        return functional_call(layers[0], p, (t,))[0].cos().sum()

    own = {name: p.detach() for name, p in layers[0].named_parameters()}
    each = vmap(grad(loss), in_dims=(None, 0))(own, x)
    for i in range(2):
        wanted = grad(loss)(own, x[i])
        assert all(sf.allclose(each[name][i], wanted[name]) for name in own)


@pytest.mark.parametrize(("kind", "options"), LAYERS[1:5:2])
def test_packed_sequences(kind, options):
    layer, x = getattr(nn, kind)(3, 4, **options).double(), sf.randn(5, 4, 3, 3).double()

    def run(t):
        return layer(nn.utils.rnn.pack_padded_sequence(t, [4, 2, 2]))[0].data
    found = vmap(run)(x)
    assert all(sf.allclose(found[i], run(x[i])) for i in range(5))
