"""Module: registration, names, look-up, modes, printing, copying, errors."""

import copy
import gc
import pickle
import weakref

import pytest

import stickonfire as sf
from stickonfire import nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(sf.ones(2))
        self.register_parameter("shift", None)
        self.register_buffer("count", sf.zeros(1))
        self.register_buffer("scratch", sf.zeros(1), persistent=False)

    def forward(self, x):
        return x * self.scale


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Block()
        self.second = Block()
        self.again = self.first

    def forward(self, x):
        return self.second(self.first(x))


def names(pairs):
    return [name for name, _ in pairs]


def test_names_in_order_and_shared_members_once():
    net = Net()
    assert names(net.named_parameters()) == ["first.scale", "second.scale"]
    assert names(net.named_parameters(remove_duplicate=False)) == [
        "first.scale",
        "second.scale",
        "again.scale",
    ]
    assert names(net.named_parameters(prefix="net", recurse=True))[0] == "net.first.scale"
    assert names(net.named_parameters(recurse=False)) == []
    assert names(net.named_buffers()) == ["first.count", "first.scratch", "second.count", "second.scratch"]
    assert names(net.named_children()) == ["first", "second"]
    assert names(net.named_modules()) == ["", "first", "second"]
    assert names(net.named_modules(remove_duplicate=False)) == ["", "first", "second", "again"]
    assert len(list(net.parameters())) == 2 and len(list(net.buffers())) == 4
    assert list(net.children()) == [net.first, net.second]
    assert list(net.modules()) == [net, net.first, net.second]


def test_attributes_and_registries_stay_in_step():
    block = Block()
    assert block.shift is None and block.scale is block._parameters["scale"]
    block._parameters["scale"] = replacement = nn.Parameter(sf.zeros(2))
    assert block.scale is replacement
    del block._parameters["scale"]
    assert not hasattr(block, "scale")
    block.scale = nn.Parameter(sf.ones(2))
    block.scale = None
    assert block.scale is None and names(block.named_parameters()) == []
    del block.scale
    with pytest.raises(AttributeError, match="'Block' object has no attribute 'scale'"):
        block.scale
    block.count = sf.ones(1)
    assert block._buffers["count"] is block.count
    block._buffers.pop("count")
    assert not hasattr(block, "count")


def test_a_name_belongs_to_one_kind():
    net = nn.Module()
    net.x = 3
    net.x = nn.Parameter(sf.ones(1))
    assert "x" in net._parameters
    net.y = nn.Linear(1, 1)
    net.y = nn.Parameter(sf.ones(1))
    assert "y" in net._parameters and "y" not in net._modules
    net.buffer = nn.Buffer(sf.ones(1), persistent=False)
    assert isinstance(net.buffer, nn.Buffer) and list(net.state_dict()) == ["x", "y"]


@pytest.mark.parametrize(
    ("action", "kind", "message"),
    [
        (lambda m: setattr(m, "scale", sf.ones(2)), TypeError, "cannot assign '.*' as parameter 'scale'"),
        (lambda m: setattr(m, "count", 3), TypeError, "cannot assign 'int' as buffer 'count'"),
        (lambda m: m.register_buffer("scale", sf.ones(1)), KeyError, "attribute 'scale' already exists"),
        (lambda m: m.register_parameter("forward", None), KeyError, "attribute 'forward' already exists"),
        (lambda m: m.register_parameter("a.b", None), KeyError, "parameter name can.*t contain"),
        (lambda m: m.register_parameter("", None), KeyError, "parameter name can.*t be empty"),
        (lambda m: m.register_parameter(3, None), TypeError, "parameter name should be a string. Got int"),
        (lambda m: m.register_parameter("p", sf.ones(1)), TypeError, "object to parameter 'p'"),
        (lambda m: m.register_buffer("b", 3), TypeError, "cannot assign 'int' object to buffer 'b'"),
        (lambda m: m.add_module("m", 3), TypeError, "int is not a Module subclass"),
        (lambda m: m.add_module("a.b", nn.ReLU()), KeyError, "module name can.*t contain"),
        (lambda m: m(1), NotImplementedError, 'is missing the required "forward" function'),
        (
            lambda m: nn.Module(3),
            TypeError,
            r"Module.__init__\(\) takes 1 positional argument but 2 were given",
        ),
        (lambda m: nn.Module(a=3), TypeError, "got an unexpected keyword argument 'a'"),
        (lambda m: m.train("yes"), ValueError, "training mode is expected to be boolean"),
        (lambda m: m.to(sf.int64), TypeError, "only accepts floating point or complex dtypes"),
        (lambda m: m.get_submodule("nothing"), AttributeError, "has no attribute `nothing`"),
        (lambda m: m.get_submodule("scale"), AttributeError, "`scale` is not an nn.Module"),
        (lambda m: m.get_parameter("count"), AttributeError, "`count` is not an nn.Parameter"),
        (lambda m: m.get_buffer("scale"), AttributeError, "`scale` is not a buffer"),
    ],
)
def test_errors(action, kind, message):
    block = Block()
    block.__class__ = type("Block", (nn.Module,), {})  # no forward
    with pytest.raises(kind, match=message):
        action(block)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda: nn.Parameter(sf.ones(1)), "cannot assign parameters before Module.__init__"),
        (lambda: nn.Linear(1, 1), "cannot assign module before Module.__init__"),
        (lambda: nn.Buffer(sf.ones(1)), "cannot assign buffer before Module.__init__"),
    ],
)
def test_assignment_before_init(value, message):
    class Hasty(nn.Module):
        def __init__(self):
            self.member = value()
            super().__init__()

    with pytest.raises(AttributeError, match=message):
        Hasty()


def test_a_parameter_must_be_a_leaf():
    computed = nn.Parameter(sf.ones(1))
    grown = computed * 2
    grown.__class__ = nn.Parameter
    with pytest.raises(ValueError, match="Cannot assign non-leaf Tensor to parameter 'w'"):
        nn.Module().register_parameter("w", grown)


def test_lookup_by_path():
    net = Net()
    assert net.get_submodule("") is net and net.get_submodule("first") is net.first
    assert net.get_parameter("first.scale") is net.first.scale
    assert net.get_buffer("second.count") is net.second.count
    net.set_submodule("first", nn.Identity())
    assert isinstance(net.first, nn.Identity)


def test_modes_and_gradients():
    net = Net()
    assert net.training and not net.eval().training and not net.first.training
    assert net.train().second.training
    net(sf.ones(2)).sum().backward()
    assert net.first.scale.grad is not None
    net.zero_grad(set_to_none=False)
    assert net.first.scale.grad.tolist() == [0.0, 0.0]
    net.zero_grad()
    assert net.first.scale.grad is None
    assert not any(p.requires_grad for p in net.requires_grad_(False).parameters())


def test_conversion():
    net = Net()
    scale = net.first.scale
    assert net.double() is net and net.first.scale is scale
    assert scale.dtype is sf.float64 and net.first.count.dtype is sf.float64 and scale.requires_grad
    assert net.to(sf.float32).first.scale.dtype is sf.float32
    assert net.to("cpu").to(sf.ones(1).double()).first.scale.dtype is sf.float64
    assert net.half().first.scale.dtype is sf.float16 and net.float().first.scale.dtype is sf.float32
    norm = nn.BatchNorm1d(2).double()
    assert norm.num_batches_tracked.dtype is sf.int64
    seen = []
    net.apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Block", "Block", "Net"]


def test_repr_nests_and_indents():
    assert repr(nn.Module()) == "Module()" and repr(nn.Linear(2, 1)).startswith("Linear(in_features=2,")
    assert repr(Net()) == "Net(\n  (first): Block()\n  (second): Block()\n  (again): Block()\n)"
    nested = nn.Sequential(nn.Sequential(nn.Linear(2, 1)), nn.ReLU())
    assert repr(nested) == (
        "Sequential(\n  (0): Sequential(\n    (0): Linear(in_features=2, out_features=1, bias=True)"
        "\n  )\n  (1): ReLU()\n)"
    )

    class Told(nn.Module):
        def extra_repr(self):
            return "a=1\nb=2"

    assert repr(Told()) == "Told(\n  a=1\n  b=2\n)"


def test_dir_lists_members_and_no_numbers():
    listed = dir(nn.Sequential(nn.ReLU()))
    assert "0" not in listed and "forward" in listed and "scale" in dir(Block())


@pytest.mark.parametrize("clone", [copy.deepcopy, copy.copy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_whole(clone):
    net = Net()
    net.first.scale.requires_grad_(False)
    twin = clone(net)
    assert repr(twin) == repr(net) and list(twin.state_dict()) == list(net.state_dict())
    assert twin.first is twin.again and twin.first.scale is twin.first._parameters["scale"]
    assert not twin.first.scale.requires_grad and twin.second.scale.requires_grad
    twin.extra = nn.ReLU()
    assert not hasattr(net, "extra") and twin.extra is twin._modules["extra"]


def test_a_deep_copy_shares_nothing():
    net = Net()
    twin = copy.deepcopy(net)
    with sf.no_grad():
        twin.first.scale.zero_()
    assert net.first.scale.tolist() == [1.0, 1.0]
    twin.first.scale = nn.Parameter(sf.zeros(3))
    assert net.first.scale.shape == (2,)


def test_a_module_is_freed_at_once():
    gc.disable()
    try:
        net = Net()
        gone = weakref.ref(net)
        del net
        assert gone() is None
    finally:
        gc.enable()


def test_a_wrapper_may_delegate_missing_attributes():
    class Wrapper(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.module, name)

    assert Wrapper(nn.Linear(3, 2)).in_features == 3
