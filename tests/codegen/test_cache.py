"""The disk cache: what is kept comes back whole or not at all."""
import os
import sys

import pytest

from stickonfire.codegen import cache, llvm

pytestmark = pytest.mark.llvm
pytest.importorskip("llvmlite")


@pytest.fixture
def place(tmp_path, monkeypatch):
    folder = tmp_path / "kernels"
    monkeypatch.setenv("STICKONFIRE_CACHE", str(folder))
    return folder


def files(place):
    return sorted(path for path in place.iterdir())


def test_kept_code_comes_back(place):
    assert cache.fetch("a") is None
    cache.store("a", b"code")
    assert cache.fetch("a") == b"code"
    assert [path.name for path in files(place)] == ["a"]       # and no draft is left


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b[:10], lambda b: b"", lambda b: b[:-1] + b"X",
                                   lambda b: b"X" + b[1:]])
def test_a_spoilt_file_counts_as_absent(place, spoil):
    cache.store("a", b"code")
    path = place / "a"
    path.write_bytes(spoil(path.read_bytes()))
    assert cache.fetch("a") is None


def test_each_fact_counts():
    assert cache.key("text", "cpu") != cache.key("text", "cpu2") != cache.key("textcpu2")
    assert cache.key("a", "b") != cache.key("ab", "")


def test_off_means_off(monkeypatch):
    monkeypatch.setenv("STICKONFIRE_CACHE", "off")
    cache.store("a", b"code")
    assert cache.folder() is None and cache.fetch("a") is None


def test_the_folder_follows_xdg(monkeypatch, tmp_path):
    monkeypatch.delenv("STICKONFIRE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == str(tmp_path / "stickonfire" / "kernels")


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are different there")
def test_a_folder_others_may_write_to_is_not_used(tmp_path, monkeypatch):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    monkeypatch.setenv("STICKONFIRE_CACHE", str(folder))
    cache.store("a", b"code")
    assert cache.folder() is None and not files(folder)


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STICKONFIRE_CACHE", str(tmp_path / "file" / "kernels"))
    cache.store("a", b"code")
    assert cache.fetch("a") is None


def test_the_longest_unused_go_first(place, monkeypatch):
    monkeypatch.setenv("STICKONFIRE_CACHE_MB", str(10_000 / 2 ** 20))
    for i in range(12):
        cache.store(str(i), bytes(1000))
        if (place / str(i)).exists():
            os.utime(place / str(i), (1000 + i, 1000 + i))
        if i == 5:
            cache.fetch("0")                        # makes it the latest
    names = {path.name for path in files(place)}
    assert sum(path.stat().st_size for path in files(place)) <= 10_000
    assert "0" in names and "11" in names and "1" not in names


def test_loading_uses_it(place, monkeypatch):
    text = "define void @kept(ptr %a) {\n  ret void\n}\n"
    llvm.load(text)
    assert len(files(place)) == 1
    llvm._libraries.pop(text)
    monkeypatch.setattr(llvm, "_compiled", lambda text: pytest.fail("compiled again"))
    assert llvm.load(text).address("kept")


def test_loading_survives_a_spoilt_file(place):
    text = "define void @spoilt(ptr %a) {\n  ret void\n}\n"
    llvm.load(text)
    path = files(place)[0]
    path.write_bytes(path.read_bytes()[:50])
    llvm._libraries.pop(text)
    assert llvm.load(text).address("spoilt")
    assert len(path.read_bytes()) > 50              # and it was mended
