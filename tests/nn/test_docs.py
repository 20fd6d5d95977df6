"""Docstrings are contracts: shapes and sources of every layer and function."""
import pytest

from stickonfire import nn
from stickonfire.nn import functional as F

WITHOUT_SHAPE = {"Container", "Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"}
LAYERS = [name for name in nn.__all__ if isinstance(getattr(nn, name), type)]
IN_PLACE = {"relu_", "leaky_relu_", "elu_", "selu_", "celu_", "hardtanh_", "threshold_", "rrelu_"}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    layer = getattr(nn, name)
    assert layer.__doc__ and "Source:" in layer.__doc__ or "Uninitialized" in name
    assert "Shape:" in layer.__doc__ or name in WITHOUT_SHAPE or not issubclass(layer, nn.Module) or "Lazy" in name


@pytest.mark.parametrize("name", sorted(set(F.__all__) - IN_PLACE))
def test_functions(name):
    text = getattr(F, name).__doc__
    assert "Source:" in text and "Shape:" in text
