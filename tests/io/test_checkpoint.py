"""`save` and `load`: what comes back, what is refused, and that a failure never costs a file."""

from __future__ import annotations

import io
import pickle
import random
import struct
import zipfile
from collections import Counter, OrderedDict
from fractions import Fraction

import numpy as np
import pytest

import stickonfire as sof
from stickonfire import nn
from stickonfire.serialization import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals

DTYPES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]


def round_trip(obj, **options):
    buffer = io.BytesIO()
    sof.save(obj, buffer)
    buffer.seek(0)
    return sof.load(buffer, **options)


class Point:
    """A class of the user's own."""

    def __init__(self, x):
        self.x = x


class Armed:
    """What a hostile file would hold."""

    def __reduce__(self):
        return print, ("run by the file",)


# -- round trips ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype(name):
    if name == "bfloat16":
        pytest.importorskip("ml_dtypes")
    t = sof.tensor([0, 1, 3]).to(getattr(sof, name))
    back = round_trip(t)
    assert back.dtype is t.dtype and repr(back) == repr(t)


PLAIN = [
    None,
    True,
    3,
    -(2**31),
    2**31,
    2**70,
    -(2**70),
    1.5,
    float("inf"),
    1 + 2j,
    "text",
    "ü€😀",
    b"by\xfftes",
    bytearray(b"x"),
    [],
    (),
    {},
    set(),
    [1, [2, (3, {"a": None})]],
    {1: "a", "b": 2, (1, 2): 3},
    {1, 2},
    frozenset([1]),
    ("a",) * 300,
    OrderedDict(a=1),
    Counter("aab"),
    list(range(1000)),
    "x" * 70_000,
]


@pytest.mark.parametrize("obj", PLAIN, ids=[str(obj)[:20] for obj in PLAIN])
def test_plain_values(obj):
    back = round_trip(obj)
    assert back == obj and type(back) is type(obj)


def test_framework_values():
    obj = [sof.Size([2, 3]), sof.device("cpu"), sof.device("cuda:1"), sof.float16, sof.int64]
    back = round_trip(obj)
    assert back == obj and type(back[0]) is sof.Size


def test_shapes_strides_and_empty_tensors():
    x = sof.arange(24.0).reshape(2, 3, 4)
    for t in (x, x.permute(2, 0, 1), x[:, 1], x[..., ::2], x[1, 1, 1], sof.zeros(0), sof.zeros(0, 3), x[:0]):
        back = round_trip(t)
        assert back.shape == t.shape and sof.equal(back, t)
        assert 0 in t.shape or back.stride() == t.stride()


def test_shared_memory_stays_shared():
    x = sof.arange(10.0)
    back = round_trip({"a": x[:5], "b": x[3:], "c": x.reshape(2, 5), "d": x})
    back["a"][4] = 99
    assert back["b"][1] == 99 and back["c"][0, 4] == 99 and back["d"][4] == 99
    assert not back["a"].requires_grad and back["a"].is_leaf


def test_the_same_object_twice_comes_back_as_one():
    t, items = sof.ones(2), [1]
    back = round_trip([t, t, items, items])
    assert back[0] is back[1] and back[2] is back[3]
    ring = [1]
    ring.append(ring)
    back = round_trip(ring)
    assert back[1] is back
    loop = ([],)
    loop[0].append(loop)
    back = round_trip(loop)
    assert back[0][0] is back


def test_requires_grad_and_parameters():
    w = nn.Parameter(sof.ones(2))
    frozen = nn.Parameter(sof.ones(2), requires_grad=False)
    back = round_trip([w, frozen, sof.ones(1, requires_grad=True)])
    assert [type(t) for t in back] == [nn.Parameter, nn.Parameter, sof.Tensor]
    assert [t.requires_grad for t in back] == [True, False, True]
    assert all(t.is_leaf for t in back)
    (back[0] * 2).sum().backward()
    assert back[0].grad.tolist() == [2, 2]


def test_modules_and_optimizers_go_on_where_they_were():
    def build():
        sof.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        return model, sof.optim.Adam(model.parameters(), lr=0.01)

    def steps(model, optimizer, n):
        for _ in range(n):
            optimizer.zero_grad()
            loss = (model(sof.ones(5, 3)) ** 2).mean()
            loss.backward()
            optimizer.step()
        return loss.item()

    model, optimizer = build()
    steps(model, optimizer, 3)
    saved = round_trip(
        {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": sof.get_rng_state()}
    )
    expected = steps(model, optimizer, 3)
    other, other_optimizer = build()
    other.load_state_dict(saved["model"])
    other_optimizer.load_state_dict(saved["optimizer"])
    assert steps(other, other_optimizer, 3) == expected
    assert saved["model"]._metadata == model.state_dict()._metadata
    sof.set_rng_state(saved["rng"])


def test_paths_buffers_and_mmap(tmp_path):
    t = sof.arange(1000.0)
    for path in (tmp_path / "a.pt", str(tmp_path / "b.pt")):
        sof.save({"t": t}, path)
        assert sof.equal(sof.load(path)["t"], t)
        mapped = sof.load(path, mmap=True)["t"]
        mapped += 1  # a private copy: the file stays as it is
        assert sof.equal(sof.load(path)["t"], t)
    with open(tmp_path / "c.pt", "wb") as f:
        f.write(b"before")
        sof.save(t, f)
    with open(tmp_path / "c.pt", "rb") as f:
        f.seek(6)
        assert sof.equal(sof.load(f), t)


def test_records_are_aligned(tmp_path):
    sof.save([sof.arange(3), sof.arange(5.0)], tmp_path / "model.pt")
    data = (tmp_path / "model.pt").read_bytes()
    with zipfile.ZipFile(tmp_path / "model.pt") as archive:
        assert {"model/data.pkl", "model/byteorder", "model/data/0", "model/data/1", "model/version"} <= set(
            archive.namelist()
        )
        for info in archive.infolist():
            names = struct.unpack("<HH", data[info.header_offset + 26 : info.header_offset + 30])
            assert (info.header_offset + 30 + sum(names)) % 64 == 0
            assert info.compress_type == zipfile.ZIP_STORED


def test_map_location():
    buffer = io.BytesIO()
    sof.save(sof.ones(2), buffer)
    seen = []

    def keep(storage, location):
        seen.append((storage.nbytes(), location))
        return storage

    for location in (
        None,
        "cpu",
        sof.device("cpu"),
        {"cpu": "cpu"},
        {},
        keep,
        lambda storage, location: None,
    ):
        buffer.seek(0)
        assert sof.load(buffer, map_location=location).tolist() == [1, 1]
    assert seen == [(8, "cpu")]
    buffer.seek(0)
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        sof.load(buffer, map_location="cuda:7")
    buffer.seek(0)
    with pytest.raises(TypeError, match="map_location"):
        sof.load(buffer, map_location=1.5)
    buffer.seek(0)
    with pytest.raises(TypeError, match="must return its storage"):
        sof.load(buffer, map_location=lambda storage, location: 3)


def test_a_user_s_attribute_on_a_tensor_survives():
    t, p = sof.ones(2), nn.Parameter(sof.ones(2))
    t.note, p.decay = "n", 0.5
    back = round_trip([t, p])
    assert back[0].note == "n" and back[1].decay == 0.5


# -- what is refused -----------------------------------------------------------------------------------------

REFUSED = [
    (lambda: nn.Linear(1, 1), "save module.state_dict"),
    (lambda: {"a": [1, lambda x: x]}, r"at \['a'\]\[1\]"),
    (lambda: {"loss": np.float64(3)}, r"\.item\(\)"),
    (lambda: np.ones(2), "from_numpy"),
    (lambda: Point(1), "add_safe_globals"),
    (lambda: Armed(), "Armed"),
    (lambda: print, "builtin_function_or_method"),
    (lambda: int, "builtins.type"),
]


@pytest.mark.parametrize("make, message", REFUSED, ids=[message for _, message in REFUSED])
def test_other_types_are_not_saved(make, message, tmp_path):
    with pytest.raises(pickle.PicklingError, match=message):
        sof.save(make(), tmp_path / "x.pt")
    assert list(tmp_path.iterdir()) == []


def archive_of(data: bytes, **records: bytes) -> io.BytesIO:
    """A checkpoint around a pickle of our own making."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        for name, record in records.items():
            archive.writestr(f"archive/{name.replace('_', '/')}", record)
    buffer.seek(0)
    return buffer


STORAGE = (
    b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
    b"X\x01\x00\x00\x000"
)
HOSTILE = {
    "os.system": b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.",
    "print by reduce": pickle.dumps(Armed(), 2),
    "builtins.eval": b"\x80\x02c__builtin__\neval\nX\x03\x00\x00\x001+1\x85R.",
    "getattr": b"\x80\x04\x8c\x08builtins\x8c\x07getattr\x93.",
    "a module of ours": b"\x80\x02cstickonfire.io.checkpoint\nsave\n.",
    "an attribute of an allowed name": b"\x80\x02ctorch\nSize.__init__\n.",
    "call of a tensor": b"\x80\x02ctorch\nTensor\nK\x05\x85R.",
    "call of a number": b"\x80\x02K\x05)R.",
    "state of a class": b"\x80\x02ctorch.nn.parameter\nParameter\n}X\x01\x00\x00\x00aK\x01sb.",
    "state of a dtype": b"\x80\x02ctorch\nfloat32\n}X\x04\x00\x00\x00nameK\x01sb.",
    "new instance of a tensor": b"\x80\x02ctorch\nTensor\n)\x81.",
    "old-style instance": b"\x80\x02(cos\nsystem\nX\x02\x00\x00\x00lso.",
    "extension registry": b"\x80\x02\x82\x01.",
    "huge bytearray": b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
    "append to a dict": b"\x80\x02}K\x01a.",
    "unknown memo": b"\x80\x02h\x09.",
    "empty stack": b"\x80\x02.",
    "truncated": b"\x80\x02X\xff\x00\x00\x00abc",
    "no pickle": b"hello",
    "no storage reference": b"\x80\x02K\x01Q.",
    "bad arguments": b"\x80\x02ctorch\nSize\nK\x01K\x02K\x03\x87R.",
}


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_do_nothing(name, weights_only, capsys):
    with pytest.raises(pickle.UnpicklingError):
        sof.load(archive_of(HOSTILE[name]), weights_only=weights_only)
    assert capsys.readouterr().out == ""


def test_an_unknown_global_is_named_with_a_way_out():
    with pytest.raises(
        pickle.UnpicklingError, match="GLOBAL os.system was not an allowed global.*\n.*add_safe_globals"
    ):
        sof.load(archive_of(HOSTILE["os.system"]))
    with pytest.raises(pickle.UnpicklingError, match="state_dict"):
        sof.load(archive_of(b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81."))


def test_a_tensor_cannot_reach_past_its_storage():
    tail = b"X\x03\x00\x00\x00cpuK\x02tQK\x00K\x09\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR."
    with pytest.raises(RuntimeError, match="out of bounds for storage of size 8"):
        sof.load(archive_of(STORAGE + tail, data_0=bytes(8)))
    negative = tail.replace(b"K\x00K\x09\x85K\x01\x85", b"J\xff\xff\xff\xffK\x01\x85K\x01\x85")
    with pytest.raises(RuntimeError, match="out of bounds"):
        sof.load(archive_of(STORAGE + negative, data_0=bytes(8)))


def test_safe_globals_let_a_class_through():
    try:
        add_safe_globals([Point])
        assert get_safe_globals() == [Point]
        assert round_trip(Point([sof.ones(1)])).x[0].item() == 1
        clear_safe_globals()
        assert get_safe_globals() == []
        buffer = io.BytesIO()
        with safe_globals([Point]):
            sof.save(Point(2), buffer)
        buffer.seek(0)
        with pytest.raises(pickle.UnpicklingError, match=r"add_safe_globals\(\[Point\]\)"):
            sof.load(buffer)
        buffer.seek(0)
        with safe_globals([(Point, f"{Point.__module__}.Point")]):
            assert sof.load(buffer).x == 2
        with pytest.raises(TypeError, match="class or function"):
            add_safe_globals([3])
        with (
            safe_globals([Fraction]),
            pytest.raises(pickle.PicklingError, match="in a way that files here cannot hold"),
        ):
            sof.save(Fraction(1, 2), buffer)
    finally:
        clear_safe_globals()


# -- damage --------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.pt"
    sof.save({"w": sof.arange(100.0)}, path)
    return path


def test_a_truncated_file(file):
    data = file.read_bytes()
    for end in (10, 200, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:end])
        with pytest.raises(RuntimeError, match="failed finding central directory"):
            sof.load(file)


def test_a_flipped_bit(file):
    data = bytearray(file.read_bytes())
    data[data.index(struct.pack("<ff", 50.0, 51.0))] ^= 1
    file.write_bytes(data)
    with pytest.raises(RuntimeError, match="checksum or length is wrong"):
        sof.load(file)


def repack(file, change):
    """The file with each record replaced by `change(name, data)`, or left out for None."""
    with zipfile.ZipFile(file) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in records.items():
            changed = change(name, data)
            if changed is not None:
                archive.writestr(name, changed)


def test_missing_and_short_records(file):
    repack(file, lambda name, data: None if name.endswith("data/0") else data)
    with pytest.raises(RuntimeError, match="failed locating file data/0: file not found"):
        sof.load(file)
    sof.save({"w": sof.arange(100.0)}, file)
    repack(file, lambda name, data: data[:100] if name.endswith("data/0") else data)
    with pytest.raises(
        RuntimeError, match=r"record size \(100 bytes\) does not match expected size \(400 bytes"
    ):
        sof.load(file)


def test_random_damage_is_never_more_than_a_clear_error(file):
    rng = random.Random(0)
    whole = file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        described = archive.read("model/data.pkl")
        record = archive.read("model/data/0")
    for _ in range(400):
        data = bytearray(rng.choice([whole, described]))
        is_file = len(data) == len(whole)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data))
            data[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
        try:
            sof.load(io.BytesIO(bytes(data)) if is_file else archive_of(bytes(data), data_0=record))
        except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
            assert str(error)


def test_compressed_and_big_endian_records(file):
    repack(file, lambda name, data: data)
    assert sof.equal(sof.load(file)["w"], sof.arange(100.0))
    assert sof.equal(sof.load(file, mmap=True)["w"], sof.arange(100.0))
    swapped = np.arange(100, dtype=">f4").tobytes()
    repack(file, lambda name, data: swapped if "/data/0" in name else b"big" if "byteorder" in name else data)
    assert sof.equal(sof.load(file)["w"], sof.arange(100.0))


def test_what_is_no_checkpoint(tmp_path):
    with pytest.raises(EOFError, match="empty"):
        sof.load(io.BytesIO(b""))
    with pytest.raises(pickle.UnpicklingError, match="no checkpoint"):
        sof.load(io.BytesIO(b"plain text, not a checkpoint"))
    with pytest.raises(pickle.UnpicklingError, match="magic number"):
        sof.load(io.BytesIO(pickle.dumps(7, 2)))
    with pytest.raises(FileNotFoundError):
        sof.load(tmp_path / "nosuch.pt")
    with pytest.raises(AttributeError, match="seek"):
        sof.load(3)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "x")
    buffer.seek(0)
    with pytest.raises(RuntimeError, match="it is no checkpoint"):
        sof.load(buffer)
    with pytest.raises(RuntimeError, match="TorchScript"):
        sof.load(archive_of(b"\x80\x02N.", constants_pkl=b"").__class__(_with_constants()))


def _with_constants() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02N.")
        archive.writestr("m/constants.pkl", b"")
    return buffer.getvalue()


def test_arguments_that_make_no_sense(tmp_path):
    with pytest.raises(ValueError, match="file path in order to use the mmap"):
        sof.load(io.BytesIO(b"x"), mmap=True)
    with pytest.raises(RuntimeError, match="pickle_module"):
        sof.load(io.BytesIO(b"x"), pickle_module=pickle)
    with pytest.raises(ValueError, match="zip format"):
        sof.save({}, io.BytesIO(), _use_new_zipfile_serialization=False)
    with pytest.raises(ValueError, match="pickle_protocol"):
        sof.save({}, io.BytesIO(), pickle_protocol=1)
    with pytest.raises(AttributeError, match="file-like"):
        sof.save({}, 3)
    with pytest.raises(RuntimeError, match=r"Parent directory .* does not exist"):
        sof.save({}, tmp_path / "no" / "such.pt")
    with pytest.raises(IsADirectoryError, match="folder"):
        sof.save({}, tmp_path)


def test_views_of_one_memory_as_two_types_are_refused():
    x = sof.ones(4)
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        sof.save([x, x.view(sof.int32)], io.BytesIO())


# -- against PyTorch -----------------------------------------------------------------------------------------


def everything(torch):
    """An object with all that state dicts hold, in either framework."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    model(torch.ones(5, 3)).sum().backward()
    optimizer.step()
    shared = torch.arange(6.0)
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "rng": torch.get_rng_state(),
        "t": torch.arange(6.0).reshape(2, 3).t(),
        "p": torch.nn.Parameter(torch.ones(2)),
        "size": torch.Size([1, 2]),
        "device": torch.device("cuda:1"),
        "dtype": torch.float16,
        "bytes": b"ab\xff",
        "complex": 1j,
        "set": {1},
        "bytearray": bytearray(b"x"),
        "counter": Counter("aab"),
        "big": 2**70,
        "list": [1, (2, "ü€😀")],
        "none": None,
        "empty": torch.empty(0, 3),
        "scalar": torch.tensor(3),
        "grad": torch.ones(2, requires_grad=True),
        "expanded": torch.ones(2).expand(3, 2),
        "a": shared[:3],
        "b": shared[1:],
        **{name: torch.ones(3).to(getattr(torch, name)) for name in DTYPES},
    }


@pytest.mark.oracle
@pytest.mark.parametrize("mmap", [False, True])
def test_pytorch_reads_what_we_write(mmap, tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("ml_dtypes")
    ours = everything(sof)
    sof.save(ours, tmp_path / "ours.pt")
    theirs = torch.load(tmp_path / "ours.pt", weights_only=True, mmap=mmap)
    assert repr(theirs) == repr(ours)
    theirs["a"][1] = 50
    assert theirs["b"][0] == 50
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    model.load_state_dict(theirs["model"])
    torch.optim.Adam(model.parameters()).load_state_dict(theirs["optimizer"])


@pytest.mark.oracle
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pickle_protocol": 3},
        {"pickle_protocol": 4},
        {"pickle_protocol": 5},
        {"_use_new_zipfile_serialization": False},
    ],
    ids=str,
)
def test_we_read_what_pytorch_writes(options, tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("ml_dtypes")
    theirs = everything(torch)
    torch.save(theirs, tmp_path / "theirs.pt", **options)
    ours = sof.load(tmp_path / "theirs.pt")
    assert repr(ours) == repr(theirs)
    assert ours["t"].stride() == theirs["t"].stride()
    assert ours["model"]._metadata == theirs["model"]._metadata
    ours["a"][1] = 50
    assert ours["b"][0] == 50
    if not options:
        mapped = sof.load(tmp_path / "theirs.pt", mmap=True)
        assert repr(mapped) == repr(theirs)


@pytest.mark.oracle
def test_special_tensors_of_pytorch(tmp_path):
    torch = pytest.importorskip("torch")
    t = torch.ones(2)
    t.note = "n"
    p = torch.nn.Parameter(torch.ones(2))
    p.decay = 0.5
    torch.save([t, p, torch.tensor([1j]).conj(), torch.tensor([1j]).conj().imag], tmp_path / "x.pt")
    note, decay, conj, neg = sof.load(tmp_path / "x.pt")
    assert note.note == "n" and decay.decay == 0.5 and conj.tolist() == [-1j] and neg.tolist() == [-1]
    for obj, message in [
        (torch.nn.Linear(1, 1), "state_dict"),
        (torch.eye(2).to_sparse(), "_rebuild_sparse_tensor"),
    ]:
        torch.save(obj, tmp_path / "y.pt")
        with pytest.raises(pickle.UnpicklingError, match=message):
            sof.load(tmp_path / "y.pt")


@pytest.mark.oracle
def test_a_truncated_legacy_file(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(torch.arange(100.0), tmp_path / "x.pt", _use_new_zipfile_serialization=False)
    data = (tmp_path / "x.pt").read_bytes()
    (tmp_path / "x.pt").write_bytes(data[:-8])
    with pytest.raises(RuntimeError, match="wrong byte size"):
        sof.load(tmp_path / "x.pt")
    (tmp_path / "x.pt").write_bytes(data[:60])
    with pytest.raises(pickle.UnpicklingError, match="truncated"):
        sof.load(tmp_path / "x.pt")


@pytest.mark.oracle
def test_error_types_are_pytorch_s(file):
    torch = pytest.importorskip("torch")
    data = file.read_bytes()
    for damaged in (data[:-200], data[:100], b"", b"garbage"):
        with pytest.raises(Exception) as theirs:
            torch.load(io.BytesIO(damaged))
        with pytest.raises(theirs.type):
            sof.load(io.BytesIO(damaged))
