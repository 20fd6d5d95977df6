"""uint16, uint32, uint64: for storing and casting; they mix with floats alone."""
import pytest

import stickonfire as torch

UNSIGNED = [torch.uint16, torch.uint32, torch.uint64]


@pytest.mark.parametrize("kind", UNSIGNED, ids=str)
def test_made_cast_compared_and_printed(kind):
    t = torch.tensor([1, 2, 40000], dtype=kind)
    assert repr(t) == f"tensor([    1,     2, 40000], dtype=torch.{kind.name})"
    assert t.tolist() == [1, 2, 40000] and t.float().dtype is torch.float32
    assert (t == 2).tolist() == [False, True, False]
    assert (t * 1.5).dtype is torch.float32 and (t + torch.ones(3)).dtype is torch.float32
    assert t.sum().dtype is torch.int64 and t.sort(descending=True)[0].tolist() == [40000, 2, 1]
    assert torch.ones(2).to(kind).dtype is kind and t.to(torch.uint8).tolist() == [1, 2, 64]
    info = torch.iinfo(kind)
    assert info.min == 0 and info.max == 2 ** (8 * kind.itemsize) - 1
    assert not kind.is_signed


@pytest.mark.parametrize("other", [torch.bool, torch.uint8, torch.int32, torch.int64, torch.complex64], ids=str)
def test_other_integers_do_not_mix(other):
    with pytest.raises(RuntimeError, match="Promotion for uint16, uint32, uint64 types is not supported"):
        torch.promote_types(torch.uint16, other)
    with pytest.raises(RuntimeError, match="attempted to promote"):
        torch.ones(2).to(torch.uint32) + torch.ones(2).to(other)


def test_numpy_and_files(tmp_path):
    numpy = pytest.importorskip("numpy")
    array = numpy.array([1, 65535], numpy.uint16)
    t = torch.from_numpy(array)
    assert t.dtype is torch.uint16 and t.numpy() is not None and t.numpy().dtype == numpy.uint16


@pytest.mark.oracle
def test_promotion_as_pytorch():
    real = pytest.importorskip("torch")
    names = ["bool", "uint8", "int8", "int64", "uint16", "uint32", "uint64", "bfloat16", "float64", "complex64"]
    for a in names:
        for b in names[4:7]:
            try:
                theirs = str(real.promote_types(getattr(real, a), getattr(real, b)))
            except RuntimeError:
                with pytest.raises(RuntimeError):
                    torch.promote_types(getattr(torch, a), getattr(torch, b))
            else:
                assert str(torch.promote_types(getattr(torch, a), getattr(torch, b))) == theirs


def test_saved_and_loaded(tmp_path):
    path = tmp_path / "numbers.pt"
    numbers = {"a": torch.tensor([1, 65535], dtype=torch.uint16), "b": torch.tensor([2 ** 64 - 1], dtype=torch.uint64),
               "part": torch.arange(6).to(torch.uint32)[2:4]}
    torch.save(numbers, path)
    loaded = torch.load(path)
    assert {key: (t.dtype, t.tolist()) for key, t in loaded.items()} == {
        "a": (torch.uint16, [1, 65535]), "b": (torch.uint64, [2 ** 64 - 1]), "part": (torch.uint32, [2, 3])}


@pytest.mark.oracle
def test_files_are_pytorchs(tmp_path):
    real = pytest.importorskip("torch")
    mine, theirs = tmp_path / "mine.pt", tmp_path / "theirs.pt"
    torch.save(torch.tensor([1, 65535], dtype=torch.uint16), mine)
    assert real.load(mine).tolist() == [1, 65535] and real.load(mine).dtype is real.uint16
    real.save(real.tensor([7], dtype=real.uint64), theirs)
    assert torch.load(theirs).tolist() == [7] and torch.load(theirs).dtype is torch.uint64


def test_numbers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="Overflow"):
        torch.tensor([2 ** 64], dtype=torch.uint64)
    with pytest.raises(RuntimeError, match="without overflow"):
        torch.full((2,), 65536, dtype=torch.uint16)
