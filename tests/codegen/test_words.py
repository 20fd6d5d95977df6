"""Words of memory that are watched: slots of objects, and how many entries a dict has."""
from __future__ import annotations

import gc
import sys
from collections import OrderedDict, defaultdict

import pytest

pytest.importorskip("llvmlite")

from stickonfire.codegen import launch, words
from stickonfire.eager.tensor import Tensor

pytestmark = [pytest.mark.llvm, pytest.mark.skipif(not launch.native(), reason="objects lie differently here")]


class Slotted:
    __slots__ = ("first", "second", "__dict__", "__weakref__")


class Heir(Slotted):
    pass


def test_where_slots_lie():
    places = words.slots(Slotted)
    assert set(places) == {"first", "second"} and len(set(places.values())) == 2
    assert set(words.slots(Tensor)) == {"_array", "_edge", "_alias"}


def test_a_slot_that_changes_and_changes_back():
    for kind in (Slotted, Heir):
        thing, one, two = kind(), object(), object()
        thing.first = thing.second = one
        places = words.slots(Slotted)
        unchanged = words.watch([(id(thing) + at, id(one)) for at in places.values()], thing)
        assert unchanged() is True
        thing.second = two
        assert unchanged() is False
        thing.second = one
        assert unchanged() is True
        del thing.first
        assert unchanged() is False


@pytest.mark.parametrize("kind", [dict, OrderedDict, lambda: defaultdict(list)])
def test_how_many_entries(kind):
    assert words.counts()
    table = kind()
    nothing, one = (words.watch([(id(table) + words.USED, n)], table) for n in (0, 1))
    assert nothing() and not one()
    table["a"] = 1
    assert one() and not nothing()
    for i in range(100):
        table[i] = i
    assert not one()
    table.clear()
    assert nothing()


def test_an_instance_dict():
    thing = Heir()
    thing.x, thing.y = 1, 2
    unchanged = words.watch([(id(vars(thing)) + words.USED, 2)], vars(thing))
    assert unchanged()
    thing.z = 3
    assert not unchanged()


def test_what_is_watched_stays_alive():
    thing = Slotted()
    before = sys.getrefcount(thing)
    unchanged = words.watch([], thing)
    assert unchanged() is True and sys.getrefcount(thing) == before + 1
    del unchanged
    gc.collect()
    assert sys.getrefcount(thing) == before


def test_answers_do_not_lose_references():
    thing = Slotted()
    thing.first = None
    unchanged = words.watch([(id(thing) + words.slots(Slotted)["first"], id(None))], thing)
    before = sys.getrefcount(True), sys.getrefcount(False)
    for _ in range(1000):
        unchanged()
    assert abs(sys.getrefcount(True) - before[0]) < 100 and abs(sys.getrefcount(False) - before[1]) < 100
