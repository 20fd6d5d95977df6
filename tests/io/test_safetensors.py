"""The safetensors format, both ways with the library's own reader and writer."""

from __future__ import annotations

import subprocess
import sys

import pytest

import stickonfire as sof

library = pytest.importorskip("safetensors")
from stickonfire.io import safetensors as st  # noqa: E402 - after the guard


def tensors():
    return {
        "w": sof.arange(6.0).reshape(2, 3),
        "i": sof.arange(3),
        "e": sof.zeros(0, 2),
        "k": sof.tensor(True),
        "h": sof.ones(2, dtype=sof.float16),
        "c": sof.ones(2, dtype=sof.complex64),
    }


def test_round_trip(tmp_path):
    path = tmp_path / "a.safetensors"
    st.save_file(tensors(), path, metadata={"step": "3"})
    back = st.load_file(path)
    assert {n: repr(t) for n, t in back.items()} == {n: repr(t) for n, t in tensors().items()}
    assert st.load_metadata(path) == {"step": "3"}
    assert st.load(st.save({})) == {}
    back["w"] += 1
    assert back["w"][0, 0] == 1


def test_bfloat16():
    pytest.importorskip("ml_dtypes")
    t = sof.ones(3, dtype=sof.bfloat16)
    assert repr(st.load(st.save({"t": t}))["t"]) == repr(t)


def test_parameters_and_gradients():
    p = sof.nn.Parameter(sof.ones(2))
    back = st.load(st.save({"p": p, "q": p.detach() * 2}))
    assert back["p"].tolist() == [1, 1] and not back["p"].requires_grad


REFUSED = [
    (lambda: [sof.ones(1)], ValueError, "Expected a dict"),
    (lambda: {"a": [1]}, ValueError, "Key `a` is invalid"),
    (lambda: {1: sof.ones(1)}, TypeError, "names must be str"),
    (lambda: {"a": sof.ones(2, 3).t()}, ValueError, "non contiguous tensor: `a`"),
    (lambda: {"a": sof.ones(2).expand(3, 2)}, ValueError, "non contiguous"),
    (lambda: {"a": sof.ones(2, dtype=sof.complex128)}, ValueError, "no torch.complex128"),
]


@pytest.mark.parametrize("make, error, message", REFUSED, ids=[row[2] for row in REFUSED])
def test_refused(make, error, message):
    with pytest.raises(error, match=message):
        st.save(make())


def test_shared_memory_is_refused_unless_it_does_not_overlap():
    x = sof.ones(4)
    for pair in ({"a": x, "b": x}, {"a": x, "b": x[1:]}, {"a": x[:3], "b": x[2:]}):
        with pytest.raises(RuntimeError, match=r"share memory.*\n?.*\['a', 'b'\]"):
            st.save(pair)
    assert set(st.load(st.save({"a": x[:2], "b": x[2:], "e": x[:0]}))) == {"a", "b", "e"}


def test_damage(tmp_path):
    with pytest.raises(library.SafetensorError):
        st.load(b"garbage that is no file of this kind")
    with pytest.raises(library.SafetensorError):
        st.load(st.save(tensors())[:-3])
    with pytest.raises(FileNotFoundError):
        st.load_file(tmp_path / "nosuch")
    with pytest.raises(RuntimeError, match="does not exist"):
        st.save_file(tensors(), tmp_path / "no" / "such")
    assert list(tmp_path.iterdir()) == []


def test_types_we_lack():
    assert st.load(_file("U16", "<u2"))["t"].tolist() == [65535]
    assert st.load(_file("U16", "<u2"))["t"].dtype is sof.int32


def _file(kind: str, form: str) -> bytes:
    import json

    import numpy as np

    data = np.array([65535], form).tobytes()
    header = json.dumps({"t": {"dtype": kind, "shape": [1], "data_offsets": [0, len(data)]}}).encode()
    return len(header).to_bytes(8, "little") + header + data


def test_without_the_library_the_error_says_what_to_install():
    program = """
import sys
sys.modules["safetensors"] = None
from stickonfire.io import safetensors as st  # noqa: E402 - after the guard
try:
    st.save({})
except ImportError as error:
    print("pip install safetensors" in str(error))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


@pytest.mark.oracle
def test_the_library_s_torch_flavour_agrees(tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("ml_dtypes")
    import safetensors.torch as theirs

    path = tmp_path / "a.safetensors"
    mine = {**tensors(), "b": sof.ones(2, dtype=sof.bfloat16)}
    st.save_file(mine, path)
    read = theirs.load_file(path)
    assert {n: repr(t) for n, t in read.items()} == {n: repr(t) for n, t in mine.items()}
    theirs.save_file({"b": torch.ones(2, dtype=torch.bfloat16), "x": torch.arange(4.0)}, path)
    assert {n: repr(t) for n, t in st.load_file(path).items()} == {
        n: repr(t) for n, t in theirs.load_file(path).items()
    }
