"""Parameter, Buffer and their forms without a shape."""

import copy
import pickle

import pytest

import stickonfire as sf
from stickonfire import nn


def test_parameter_is_a_tensor_that_wants_gradients():
    weight = nn.Parameter(sf.tensor([1.0, 2.0]))
    assert isinstance(weight, nn.Parameter) and isinstance(weight, sf.Tensor) and weight.requires_grad
    assert not isinstance(sf.ones(1), nn.Parameter) and type(weight * 2) is sf.Tensor
    assert repr(weight) == "Parameter containing:\ntensor([1., 2.], requires_grad=True)"
    assert repr(nn.Parameter(sf.ones(1), requires_grad=False)) == "Parameter containing:\ntensor([1.])"
    assert nn.Parameter().shape == (0,)


def test_parameter_shares_its_data():
    data = sf.zeros(2)
    weight = nn.Parameter(data)
    data += 1
    assert weight.tolist() == [1.0, 1.0] and weight.is_leaf


def test_integers_need_no_gradient():
    with pytest.raises(RuntimeError, match="floating point"):
        nn.Parameter(sf.tensor([1, 2]))
    assert nn.Parameter(sf.tensor([1, 2]), requires_grad=False).dtype is sf.int64


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
@pytest.mark.parametrize("tracked", [True, False])
def test_copies(clone, tracked):
    weight = nn.Parameter(sf.tensor([1.0, 2.0]), requires_grad=tracked)
    twin = clone(weight)
    assert type(twin) is nn.Parameter and twin.requires_grad is tracked and twin.tolist() == [1.0, 2.0]
    with sf.no_grad():
        twin.zero_()
    assert weight.tolist() == [1.0, 2.0]


def test_buffer_marks_a_plain_tensor():
    buffer = nn.Buffer(sf.ones(2), persistent=False)
    assert isinstance(buffer, nn.Buffer) and type(buffer) is sf.Tensor and not buffer.persistent
    assert not isinstance(sf.ones(2), nn.Buffer)


def test_uninitialized_parameter():
    weight = nn.UninitializedParameter()
    assert repr(weight) == "<UninitializedParameter>" and isinstance(weight, nn.Parameter)
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter"):
        weight.shape
    assert isinstance(copy.deepcopy(weight), nn.UninitializedParameter)
    weight.materialize((2, 3))
    assert type(weight) is nn.Parameter and weight.shape == (2, 3) and weight.requires_grad
