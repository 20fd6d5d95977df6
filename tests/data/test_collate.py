"""Batches from samples of all kinds."""
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import stickonfire as torch
from stickonfire.data.collate import collate, default_collate_fn_map
from stickonfire.utils.data import default_collate, default_convert

Point = namedtuple("Point", "x y")
BATCHES = {
    "ints": [1, 2], "floats": [1.0, 2.0], "bools": [True, False], "complex": [1 + 2j], "text": ["a", "b"],
    "bytes": [b"x"], "tuples": [(1, "a"), (2, "b")], "lists": [[1, 2], [3, 4]], "dicts": [{"a": 1}, {"a": 2}],
    "named": [Point(1, 2.0), Point(3, 4.0)], "ordered": [OrderedDict(a=1), OrderedDict(a=2)],
    "float64": [np.float64(1), np.float64(2)], "int8": [np.int8(1)],
    "arrays": [np.array([1, 2]), np.array([3, 4])], "0-d array": [np.array(3.0)],
    "text array": [np.array("x")], "ranges": [range(3), range(3)], "object": [object()], "none": [None],
    "ragged": [[1], [1, 2]], "ragged tuples": [(1,), (1, 2)], "nothing": [],
}
VALUES = {
    "array": np.arange(3), "scalar": np.float32(2), "dict": {"a": np.arange(2), "b": "x"},
    "tuple": (1, np.ones(2)), "named": Point(np.ones(1), 2), "list": [np.ones(1), "s"], "text": "x",
    "bytes": b"y", "int": 3, "text array": np.array(["a"]), "numpy text": np.str_("a"), "range": range(3),
}


def plain(value):
    if hasattr(value, "dtype") and hasattr(value, "requires_grad"):
        return "tensor", str(value.dtype), value.tolist()
    if isinstance(value, dict):
        return type(value).__name__, {key: plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(v) for v in value]
    return type(value).__name__, str(value)


def test_numbers_and_tensors():
    assert default_collate([1, 2]).dtype == torch.int64
    assert default_collate([1.0, 2.0]).dtype == torch.float64
    assert default_collate([torch.ones(2), torch.zeros(2)]).tolist() == [[1.0, 1.0], [0.0, 0.0]]


def test_containers_keep_their_types():
    assert plain(default_collate([(1, "a"), (2, "b")])) == (
        "list", [("tensor", "torch.int64", [1, 2]), ("tuple", [("str", "a"), ("str", "b")])])
    named = default_collate([Point(1, 2), Point(3, 4)])
    assert isinstance(named, Point) and named.y.tolist() == [2, 4]
    assert isinstance(default_collate([OrderedDict(a=1)]), OrderedDict)


def test_what_cannot_be_collated():
    with pytest.raises(TypeError, match="must contain tensors, numpy arrays, numbers, dicts or lists; found"):
        default_collate([object()])
    with pytest.raises(RuntimeError, match="should be of equal size"):
        default_collate([[1], [1, 2]])
    with pytest.raises(RuntimeError, match="stack"):
        default_collate([torch.ones(2), torch.ones(3)])


def test_functions_for_types_of_ones_own():
    class Word:
        def __init__(self, text):
            self.text = text

    def join(batch, *, collate_fn_map=None):
        return "".join(word.text for word in batch)

    rules = {Word: join, **default_collate_fn_map}
    assert plain(collate([(Word("a"), 1), (Word("b"), 2)], collate_fn_map=rules)) == (
        "list", [("str", "ab"), ("tensor", "torch.int64", [1, 2])])


def test_convert():
    assert plain(default_convert({"a": np.arange(2)})) == ("dict", {"a": ("tensor", "torch.int64", [0, 1])})
    t = torch.ones(1)
    assert default_convert(t) is t


@pytest.mark.oracle
@pytest.mark.parametrize("name", BATCHES)
def test_collate_equals_the_oracles(name):
    oracle = pytest.importorskip("torch.utils.data")
    try:
        expected = plain(oracle.default_collate(BATCHES[name]))
    except Exception as error:
        with pytest.raises(type(error)):
            default_collate(BATCHES[name])
    else:
        assert plain(default_collate(BATCHES[name])) == expected


@pytest.mark.oracle
@pytest.mark.parametrize("name", VALUES)
def test_convert_equals_the_oracles(name):
    oracle = pytest.importorskip("torch.utils.data")
    assert plain(default_convert(VALUES[name])) == plain(oracle.default_convert(VALUES[name]))
