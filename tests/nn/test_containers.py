"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

from collections import OrderedDict

import pytest

import stickonfire as sf
from stickonfire import nn


class Add(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.n = n

    def forward(self, x):
        return x + self.n

    def extra_repr(self):
        return str(self.n)


def numbers(modules):
    return [module.n for module in modules]


def test_sequential_runs_and_is_a_list():
    net = nn.Sequential(Add(1), Add(2), Add(3))
    assert net(0) == 6 and len(net) == 3 and net[-1].n == 3
    assert numbers(net[1:]) == [2, 3] and isinstance(net[1:], nn.Sequential)
    assert list(net[1:].state_dict()) == [] and list(net[1:]._modules) == ["1", "2"]
    assert numbers(net.append(Add(4))) == [1, 2, 3, 4]
    assert numbers(net.insert(0, Add(0))) == [0, 1, 2, 3, 4] and list(net._modules) == list("01234")
    assert numbers(net.extend([Add(5)]))[-1] == 5
    assert net.pop(0).n == 0 and numbers(net) == [1, 2, 3, 4, 5]
    del net[1:3]
    assert numbers(net) == [1, 4, 5] and list(net._modules) == ["0", "1", "2"]
    net[0] = Add(9)
    assert numbers(net) == [9, 4, 5] and getattr(net, "0").n == 9


def test_sequential_arithmetic():
    net = nn.Sequential(Add(1), Add(2))
    assert numbers(net + nn.Sequential(Add(3))) == [1, 2, 3] and numbers(net * 2) == [1, 2, 1, 2] == numbers(
        2 * net
    )
    net += nn.Sequential(Add(3))
    net *= 2
    assert numbers(net) == [1, 2, 3, 1, 2, 3]


def test_sequential_with_names():
    net = nn.Sequential(OrderedDict(a=Add(1), b=Add(2)))
    assert net.a.n == 1 and net(0) == 3 and repr(net) == "Sequential(\n  (a): Add(1)\n  (b): Add(2)\n)"


@pytest.mark.parametrize(
    ("action", "kind", "message"),
    [
        (lambda: nn.Sequential(Add(1))[1], IndexError, "index 1 is out of range"),
        (
            lambda: nn.Sequential(Add(1)) + [Add(1)],
            ValueError,
            "add operator supports only objects of Sequential",
        ),
        (lambda: nn.Sequential(Add(1)) * 0, ValueError, "Non-positive multiplication factor 0"),
        (lambda: nn.Sequential(Add(1)) * 1.5, TypeError, "unsupported operand"),
        (lambda: nn.Sequential(Add(1)).insert(5, Add(1)), IndexError, "Index out of range: 5"),
        (lambda: nn.Sequential(3), TypeError, "int is not a Module subclass"),
        (lambda: nn.ModuleList([Add(1)])[3], IndexError, "index 3 is out of range"),
        (
            lambda: nn.ModuleList().extend(3),
            TypeError,
            "ModuleList.extend should be called with an iterable, but got int",
        ),
        (lambda: nn.ModuleList()(1), NotImplementedError, 'missing the required "forward"'),
        (lambda: nn.ModuleDict(3), TypeError, "ModuleDict.update should be called with an iterable"),
        (lambda: nn.ModuleDict([("a",)]), ValueError, "element #0 has length 1; 2 is required"),
        (lambda: nn.ParameterList()[0], IndexError, "index 0 is out of range"),
        (lambda: nn.ParameterList()(), RuntimeError, "ParameterList should not be called."),
        (
            lambda: nn.ParameterDict({1: sf.ones(1)}),
            TypeError,
            "cannot be used as a key as it is not a string",
        ),
    ],
)
def test_errors(action, kind, message):
    with pytest.raises(kind, match=message):
        action()


def test_module_list():
    layers = nn.ModuleList([Add(1), Add(1), Add(2)])
    assert (
        repr(layers) == "ModuleList(\n  (0-1): 2 x Add(1)\n  (2): Add(2)\n)"
        and repr(nn.ModuleList()) == "ModuleList()"
    )
    layers.insert(1, Add(7))
    assert numbers(layers) == [1, 7, 1, 2] and numbers(layers[1:3]) == [7, 1]
    layers += [Add(3)]
    assert numbers(layers + [Add(4)]) == [1, 7, 1, 2, 3, 4] and layers[-1].n == 3
    del layers[0]
    assert numbers(layers) == [7, 1, 2, 3] and list(layers._modules) == ["0", "1", "2", "3"]
    assert layers.pop(-1).n == 3


def test_module_dict():
    layers = nn.ModuleDict({"b": Add(1), "a": Add(2)})
    assert list(layers) == ["b", "a"] == list(layers.keys()) and numbers(layers.values()) == [1, 2]
    layers["c"] = Add(3)
    layers.update([("b", Add(4))])
    assert layers["b"].n == 4 and "c" in layers and len(layers) == 3 and layers.pop("c").n == 3
    del layers["a"]
    assert [name for name, _ in layers.items()] == ["b"]
    layers.clear()
    assert len(layers) == 0


def test_parameter_list():
    parameters = nn.ParameterList([sf.ones(2), nn.Parameter(sf.zeros(1, 3)), "text"])
    assert isinstance(parameters[0], nn.Parameter) and len(list(parameters.parameters())) == 2
    assert repr(parameters) == (
        "ParameterList(\n    (0): Parameter containing: [torch.float32 of size 2]\n"
        "    (1): Parameter containing: [torch.float32 of size 1x3]\n"
        "    (2): Object of type: str\n)"
    )
    assert parameters.pop(0).shape == (2,) and len(parameters) == 2 and parameters[-1] == "text"
    parameters[0] = sf.ones(4)
    parameters.extend([sf.ones(1)]).append(3)
    assert list(parameters.state_dict()) == ["0", "2"] and len(parameters[1:]) == 3


def test_parameter_dict():
    parameters = nn.ParameterDict({"b": sf.ones(2), "a": sf.zeros(1)})
    assert list(parameters) == ["a", "b"] and isinstance(parameters["b"], nn.Parameter)
    parameters["c"] = 3
    assert repr(parameters) == (
        "ParameterDict(\n    (a): Parameter containing: [torch.FloatTensor of size 1]\n"
        "    (b): Parameter containing: [torch.FloatTensor of size 2]\n"
        "    (c): Object of type: int\n)"
    )
    assert (
        parameters.get("x", 5) == 5
        and parameters.setdefault("d", 4) == 4
        and parameters.popitem() == ("d", 4)
    )
    assert list(parameters | nn.ParameterDict({"z": sf.ones(1)})) == ["a", "b", "c", "z"]
    assert list(reversed(parameters)) == ["c", "b", "a"] and parameters.copy()["a"] is parameters["a"]
    del parameters["a"]
    assert parameters.pop("c") == 3 and list(parameters.keys()) == ["b"]
    parameters.clear()
    assert len(parameters) == 0
