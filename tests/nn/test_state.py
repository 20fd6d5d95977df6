"""state_dict and load_state_dict."""

from collections import OrderedDict

import pytest

import stickonfire as sf
from stickonfire import nn


def model():
    return nn.Sequential(
        OrderedDict(first=nn.Linear(3, 2), norm=nn.BatchNorm1d(2), last=nn.Linear(2, 1, bias=False))
    )


KEYS = [
    "first.weight",
    "first.bias",
    "norm.weight",
    "norm.bias",
    "norm.running_mean",
    "norm.running_var",
    "norm.num_batches_tracked",
    "last.weight",
]


def test_keys_metadata_and_aliasing():
    net = model()
    state = net.state_dict()
    assert list(state) == KEYS and list(net.state_dict(prefix="net."))[0] == "net.first.weight"
    assert state._metadata["norm"] == {"version": 2} and state._metadata[""] == {"version": 1}
    assert (
        not state["first.weight"].requires_grad
        and net.state_dict(keep_vars=True)["last.weight"].requires_grad
    )
    with sf.no_grad():
        state["last.weight"].fill_(7)
    assert net.last.weight.tolist() == [[7.0, 7.0]]


def test_loading_copies_values():
    source, target = model(), model()
    result = target.load_state_dict(source.state_dict())
    assert repr(result) == "<All keys matched successfully>" and result.missing_keys == []
    assert all(bool((a == b).all()) for a, b in zip(source.parameters(), target.parameters()))
    assert target.first.weight is not source.first.weight


def test_assigning_takes_the_tensors():
    source, target = model().double(), model()
    target.first.weight.requires_grad_(False)
    target.load_state_dict(source.state_dict(), assign=True)
    assert target.first.weight.dtype is sf.float64 and not target.first.weight.requires_grad
    assert isinstance(target.last.weight, nn.Parameter) and target.last.weight.requires_grad


def test_errors_are_listed_together():
    state = model().state_dict()
    state["extra"] = sf.ones(1)
    del state["last.weight"]
    state["first.weight"] = sf.ones(2, 4)
    state["first.bias"] = 3
    with pytest.raises(RuntimeError) as error:
        model().load_state_dict(state)
    assert str(error.value) == (
        "Error(s) in loading state_dict for Sequential:\n"
        '\tMissing key(s) in state_dict: "last.weight". \n'
        '\tUnexpected key(s) in state_dict: "extra". \n'
        "\tsize mismatch for first.weight: copying a param with shape torch.Size([2, 4]) from checkpoint, "
        "the shape "
        "in current model is torch.Size([2, 3]).\n"
        '\tWhile copying the parameter named "first.bias", expected torch.Tensor or Tensor-like object from '
        "checkpoint but received <class 'int'>"
    )
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like, got <class 'list'>"):
        model().load_state_dict([])


def test_without_strict_the_keys_are_returned():
    result = model().load_state_dict({"extra": sf.ones(1)}, strict=False)
    assert result.unexpected_keys == ["extra"] and result.missing_keys == [
        key for key in KEYS if key != "norm.num_batches_tracked"
    ]  # older formats did not have it
    assert repr(result).startswith("_IncompatibleKeys(missing_keys=['first.weight'")


def test_an_old_checkpoint_without_the_count_of_batches():
    state = OrderedDict(model().state_dict())  # no metadata: version unknown
    del state["norm.num_batches_tracked"]
    assert model().load_state_dict(state).missing_keys == []


def test_extra_state():
    class Counter(nn.Module):
        seen = 0

        def get_extra_state(self):
            return {"seen": self.seen}

        def set_extra_state(self, state):
            self.seen = state["seen"]

    counter, other = Counter(), Counter()
    counter.seen = 5
    assert list(counter.state_dict()) == ["_extra_state"]
    other.load_state_dict(counter.state_dict())
    assert other.seen == 5
    assert other.load_state_dict({}, strict=False).missing_keys == ["_extra_state"]


def test_hooks_on_saving_and_loading():
    log = []
    net = nn.Linear(1, 1)
    net.register_state_dict_pre_hook(lambda m, prefix, keep: log.append(("saving", prefix, keep)))
    net.register_state_dict_post_hook(lambda m, state, prefix, meta: state.pop("bias") and None)
    net.register_load_state_dict_pre_hook(
        lambda m, state, *rest: state.setdefault("bias", sf.zeros(1)) and None
    )
    net.register_load_state_dict_post_hook(lambda m, keys: log.append(keys.missing_keys))
    net._load_state_dict_pre_hooks.clear()
    assert list(net.state_dict()) == ["weight"]
    net.load_state_dict({"weight": sf.ones(1, 1), "bias": sf.ones(1)})
    assert log == [("saving", "", False), []]


def test_a_post_hook_may_forgive_missing_keys():
    net = nn.Linear(1, 1)
    net.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    net.load_state_dict({})


def test_a_lazy_module_takes_shapes_from_the_state():
    lazy = nn.LazyLinear(2)
    assert list(lazy.state_dict()) == ["weight", "bias"]
    lazy.load_state_dict(nn.Linear(3, 2).state_dict())
    assert lazy.weight.shape == (2, 3) and lazy(sf.ones(1, 3)).shape == (1, 2)
    assert type(lazy) is nn.Linear and lazy.in_features == 3


@pytest.mark.oracle
def test_same_messages_as_pytorch():
    torch = pytest.importorskip("torch")

    def message(lib):
        net = lib.nn.Sequential(lib.nn.Linear(3, 2), lib.nn.LayerNorm(2))
        state = net.state_dict()
        state["x.y"], state["0.weight"] = lib.ones(1), lib.ones(3)
        del state["1.bias"]
        with pytest.raises(RuntimeError) as error:
            net.load_state_dict(state)
        return str(error.value)

    assert message(sf) == message(torch)
