"""nn.utils: clipping, parameter vectors, padded sequences, skip_init."""

import pytest

import stickonfire as sf
from stickonfire import nn
from stickonfire.nn import utils


def with_gradients(*gradients):
    parameters = []
    for gradient in gradients:
        parameter = nn.Parameter(sf.zeros(len(gradient)))
        parameter.grad = sf.tensor(gradient)
        parameters.append(parameter)
    return [*parameters, nn.Parameter(sf.zeros(1))]  # the last one has no gradient


def test_clip_grad_norm():
    parameters = with_gradients([3.0], [4.0, 0.0])
    assert utils.clip_grad_norm_(iter(parameters), 1.0).item() == 5.0
    assert parameters[0].grad.tolist() == pytest.approx([0.6]) and parameters[1].grad.tolist()[
        0
    ] == pytest.approx(0.8)
    assert utils.clip_grad_norm_(parameters, 10.0, norm_type=float("inf")).item() == pytest.approx(0.8)
    assert parameters[0].grad.tolist() == pytest.approx([0.6])
    assert utils.clip_grad_norm_(parameters[0], 10.0, foreach=False).item() == pytest.approx(0.6)
    assert utils.clip_grad_norm_([], 1.0).item() == 0.0


def test_clip_grad_norm_and_nonfinite_gradients():
    parameters = with_gradients([float("nan")])
    with pytest.raises(RuntimeError, match="The total norm of order 2.0 .* is non-finite"):
        utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
    assert utils.clip_grad_norm_(parameters, 1.0).isnan()
    with pytest.warns(UserWarning, match="is an empty generator"):
        utils.clip_grad_norm_((p for p in []), 1.0)
    with pytest.warns(FutureWarning, match="deprecated in favor of"):
        utils.clip_grad_norm(parameters, 1.0)


def test_clip_grad_value():
    parameters = with_gradients([3.0, -4.0, 0.5])
    utils.clip_grad_value_(parameters, 1)
    assert parameters[0].grad.tolist() == [1.0, -1.0, 0.5]


def test_parameter_vectors():
    source, target = nn.Linear(3, 2), nn.Linear(3, 2)
    vector = utils.parameters_to_vector(source.parameters())
    assert vector.shape == (8,) and vector.requires_grad
    utils.vector_to_parameters(vector, target.parameters())
    assert target.weight.tolist() == source.weight.tolist() and target.bias.tolist() == source.bias.tolist()
    with pytest.raises(TypeError, match="expected torch.Tensor, but got: list"):
        utils.vector_to_parameters([1], target.parameters())


def test_pad_and_unpad_sequences():
    parts = [sf.ones(3, 2), sf.ones(1, 2)]
    assert utils.rnn.pad_sequence(parts).shape == (3, 2, 2)
    padded = utils.rnn.pad_sequence(parts, batch_first=True, padding_value=-1.0)
    assert padded[1].tolist() == [[1.0, 1.0], [-1.0, -1.0], [-1.0, -1.0]]
    assert utils.rnn.pad_sequence(parts, True, padding_side="left")[1].tolist() == [[0, 0], [0, 0], [1, 1]]
    back = utils.rnn.unpad_sequence(padded, sf.tensor([3, 1]), batch_first=True)
    assert [part.tolist() for part in back] == [part.tolist() for part in parts]
    with pytest.raises(RuntimeError, match="empty list of sequences"):
        utils.rnn.pad_sequence([])
    with pytest.raises(RuntimeError, match="padding_side"):
        utils.rnn.pad_sequence(parts, padding_side="top")


def test_gradients_flow_through_padding():
    part = sf.ones(1, 2, requires_grad=True)
    (utils.rnn.pad_sequence([sf.ones(3, 2), part]) * 3).sum().backward()
    assert part.grad.tolist() == [[3.0, 3.0]]


def test_skip_init_draws_nothing():
    sf.manual_seed(0)
    before = sf.get_rng_state()
    assert utils.skip_init(nn.Linear, 3, 2).weight.shape == (2, 3)
    assert bool((sf.get_rng_state() == before).all())
    with pytest.raises(RuntimeError, match="must support a 'device' arg"):
        utils.skip_init(nn.ReLU)
